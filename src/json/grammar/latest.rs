//! The way past objects of an array of which only the latest matters ([`Want::Latest`](super::super::Want::Latest)).
//!
//! Before such an object is read, the scanner runs ahead through it and those after it as through skipped values, and
//! goes back to the last one that is complete. It leaves out the others. An object that is incomplete, invalid, long or
//! has a watched member ends the run: it is read, and so is the one before it, because the scanner cannot tell yet which
//! of them is the latest. The next run begins behind that object. So the scanner runs through each byte once at most, and
//! reads it once at most.
//!
//! A run makes no calls of the visitor and finds no errors: the rules are applied when the object is read.

use super::super::Watched;
use super::super::byte_classes::Stops;
use super::super::fast_skip::fast_skip;
use super::super::plain_run::short_string_end;
use super::super::string::StringReader;
use super::super::text_count::{TextCount, name_bit, name_bits};
use super::super::white_space::token_byte;
use super::{Between, Chunk, Grammar};

/// Longest object that is passed, in bytes. Of a longer one the texts take most of the time, so that little is saved.
const MAX_OBJECT_BYTES: usize = 2048;
/// After a run that went through more bytes than it left out, the scanner reads this many times as many bytes before the
/// next run; four times as many after each further one.
const PAUSE: u64 = 8;
/// No pause follows if the run went through fewer bytes in vain than this, and those that it left out.
const LITTLE: u64 = 256;
/// Longest such pause in bytes.
const MAX_PAUSE: u64 = 1 << 20;

/// What the scanner knows of its runs through objects.
#[derive(Debug, Default)]
pub(super) struct RunAhead {
    /// `None`: it makes none.
    watched: Option<&'static Watched>,
    /// The bits of the watched names.
    name_bits: u64,
    /// The bits of the watched words.
    word_bits: u64,
    /// The offset in the document from which on the next run may begin.
    not_before: u64,
    /// The bytes of the last pause, if no successful run came after it.
    pause: u64,
}

// === impl RunAhead ===

impl RunAhead {
    pub(super) fn watch(&mut self, watched: &'static Watched) {
        self.name_bits = name_bits(watched.names) | name_bits(&[watched.word]);
        self.word_bits = name_bits(watched.words);
        self.watched = Some(watched);
    }

    /// Returns to the state before a document.
    pub(super) fn renew(&mut self) {
        (self.not_before, self.pause) = (0, 0);
    }

    /// A run that began at `begin` left out the objects before `last`, and ended at `end`: in the object that begins at
    /// `object`, or there if it is none.
    fn ended(&mut self, begin: u64, last: u64, object: u64, end: u64) {
        let (saved, lost) = (last.saturating_sub(begin), end.saturating_sub(last));
        self.pause =
            if saved + LITTLE > lost { 0 } else { (self.pause * 4).max(lost * PAUSE).min(MAX_PAUSE) };
        self.not_before = object.saturating_add(self.pause.max(1));
    }
}

// === impl Grammar ===

impl Grammar {
    /// Whether a run may begin with the object at `at`.
    #[inline(always)]
    pub(super) fn may_run_ahead(&self, chunk: Chunk<'_>, at: usize) -> bool {
        self.dispatch.in_latest() && chunk.offset(at) >= self.run_ahead.not_before
    }

    /// Runs ahead from the object at `begin`. Returns where the object begins with which to go on reading.
    #[inline(never)]
    pub(super) fn latest(&mut self, chunk: Chunk<'_>, begin: usize) -> usize {
        let Some(watched) = self.run_ahead.watched else { return begin };
        let floor = self.nesting.depth();
        let mut count = self.dispatch.count.with_container(watched, self.run_ahead.name_bits);
        // `last`: the last object that is complete; `total`: the bytes of all texts before it.
        let (mut at, mut last, mut total) = (begin, begin, count.total());
        let end = loop {
            let before = count.total();
            match self.object_end(chunk, at, watched, &mut count) {
                Ok(after) => {
                    (last, total) = (at, before);
                    at = after;
                    if token_byte(chunk.bytes, &mut at) != b',' {
                        break at;
                    }
                    at += 1;
                    if token_byte(chunk.bytes, &mut at) != b'{' {
                        break at;
                    }
                }
                Err(end) => break end,
            }
        };
        // The object in which the run ended is open.
        while self.nesting.depth() > floor {
            self.nesting.close();
        }
        self.dispatch.count.passed(total);
        self.run_ahead.ended(chunk.offset(begin), chunk.offset(last), chunk.offset(at), chunk.offset(end));
        last
    }

    /// The position just past the object at `begin`, if it is complete and has no watched member. Otherwise the position
    /// at which that is known.
    fn object_end(
        &mut self,
        chunk: Chunk<'_>,
        begin: usize,
        watched: &Watched,
        count: &mut TextCount,
    ) -> Result<usize, usize> {
        let most = chunk.bytes.len().min(begin.saturating_add(MAX_OBJECT_BYTES));
        let chunk = Chunk { bytes: chunk.bytes.get(..most).unwrap_or(&[]), base: chunk.base };
        let floor = self.nesting.depth();
        if !self.nesting.open(true) {
            return Err(begin);
        }
        let word_bits = self.run_ahead.word_bits;
        let (mut reader, stops) = (StringReader::default(), Stops::new());
        // In most objects the word comes first.
        let (mut at, mut state) = match past_word(chunk.bytes, begin + 1, watched, word_bits, stops, count) {
            Some(after) => (after, Between::After),
            None => (begin + 1, Between::FirstName),
        };
        loop {
            let stopped = fast_skip(chunk, at, state, floor, &mut self.nesting, &mut reader, count);
            let (stop, expected) = stopped.map_err(|_| most)?;
            (at, state) = match expected.between() {
                Some(Between::After)
                    if self.nesting.depth() == floor + 1 && chunk.bytes.get(stop) == Some(&b'}') =>
                {
                    self.nesting.close();
                    return Ok(stop + 1);
                }
                // A watched name, or one with escapes, or a long one.
                Some(Between::FirstName | Between::Name) => {
                    let word = past_word(chunk.bytes, stop, watched, word_bits, stops, count);
                    (word.ok_or(stop)?, Between::After)
                }
                Some(Between::FirstItem | Between::Value | Between::After) | None => return Err(stop),
            };
        }
    }
}

/// The position just past the member at `at`, if that has the watched name and an ordinary word.
fn past_word(
    bytes: &[u8],
    mut at: usize,
    watched: &Watched,
    word_bits: u64,
    stops: Stops,
    count: &mut TextCount,
) -> Option<usize> {
    let after_quote = |at: usize| (bytes.get(at) == Some(&b'"')).then_some(at + 1);
    token_byte(bytes, &mut at);
    let name = after_quote(at)?;
    if bytes.get(name..).and_then(<[u8]>::first_chunk) != Some(watched.word) {
        return None;
    }
    at = after_quote(name + watched.word.len())?;
    if token_byte(bytes, &mut at) != b':' {
        return None;
    }
    at += 1;
    token_byte(bytes, &mut at);
    let begin = after_quote(at)?;
    let after = short_string_end(bytes, begin, stops)?;
    let word = bytes.get(begin..after - 1)?;
    // Most words are none of them by their bit.
    if word_bits & name_bit(word) != 0 && watched.words.contains(&word) {
        return None;
    }
    count.string(word.len() as u64, true);
    Some(after)
}
