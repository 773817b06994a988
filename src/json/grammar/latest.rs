//! Leaves out the objects of an array of which only the latest matters ([`Want::Latest`](super::super::Want::Latest)).
//!
//! Before the scanner reads such an object, it runs ahead: it skips complete objects one after the other, then goes back
//! to the last of them and reads on from there. The run ends at an object that is incomplete, invalid, too long or has a
//! watched member. That object is read, and so is the one before it, because either may be the latest. The next run begins
//! behind it, so each byte is run through at most once, and read at most once.
//!
//! A run makes no calls of the visitor and reports no errors: the rules are applied when the object is read.

use super::super::Watched;
use super::super::byte_classes::Stops;
use super::super::fast_skip::fast_skip;
use super::super::plain_run::short_string_end;
use super::super::string::StringReader;
use super::super::text_count::{TextCount, name_bit, name_bits};
use super::super::white_space::token_byte;
use super::{Between, Chunk, Grammar};

/// Longest object that is left out, in bytes. Longer ones consist mostly of texts, where a run saves little.
const MAX_OBJECT_BYTES: usize = 2048;
/// The pause after a run in vain, in bytes for each byte of it that was not left out. The pause after a further run in
/// vain is at least four times the last one.
const PAUSE: u64 = 8;
/// A run is in vain if the bytes that it did not leave out are at least this many more than those that it left out.
const LITTLE: u64 = 256;
/// Longest pause, in bytes.
const MAX_PAUSE: u64 = 1 << 20;

/// What the scanner knows of its runs through objects.
#[derive(Debug, Default)]
pub(super) struct RunAhead {
    /// The members that end a run. `None`: the scanner never runs ahead.
    watched: Option<&'static Watched>,
    /// The bits of the watched names.
    name_bits: u64,
    /// The bits of the watched words.
    word_bits: u64,
    /// Offset in the document before which no run begins.
    not_before: u64,
    /// Length of the last pause in bytes; 0 after a run that was not in vain.
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

    /// Chooses where the next run may begin, after a run from `begin` that left out the bytes before `last` and ended at
    /// `end`, in an object that begins at `object`. All are offsets in the document.
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

    /// Runs ahead from the object at `begin`. Returns the position of the object to read next.
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

    /// `Ok`: the position just past the object at `begin`, which is complete and has no watched member. `Err`: the
    /// position at which the run ends.
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

/// The position just past the member at `at`, if its name is `watched.word` and its value a short string that is none of
/// `watched.words`.
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
    // The bit alone tells most words apart from the watched ones.
    if word_bits & name_bit(word) != 0 && watched.words.contains(&word) {
        return None;
    }
    count.string(word.len() as u64, true);
    Some(after)
}
