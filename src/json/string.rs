//! Reads strings across chunks (RFC 8259 §7): plain runs in blocks of 16 or 64 bytes, escapes, UTF-8.

use super::plain_run::{plain_run, skippable_run};
use super::text_sink::{Discard, TextSink};
use super::unescape::{GATHERED_RUN_BYTES, hex_value, letter_value, push_valid_part, unescape, unit_bytes};
use super::utf8::{incomplete_tail, is_utf8};
use super::{Chunk, Error, Problem};

/// Reads a string or member name after its opening quote. It keeps what is incomplete at the end of a chunk; before and
/// after every string it is in its default state.
#[derive(Debug, Default)]
pub(super) struct StringReader {
    escape: Escape,
    /// An escaped high surrogate: the low one may follow as the next escape.
    high: Option<u16>,
    /// The first bytes of a character that goes on in the next chunk.
    partial: [u8; 4],
    partial_len: usize,
    /// Bytes of the string's text so far.
    text_bytes: u64,
}

/// How much of an escape was read.
#[derive(Clone, Copy, Debug, Default)]
enum Escape {
    /// The next byte is not part of an escape.
    #[default]
    None,
    /// The backslash.
    Begun,
    /// `\u` and this many digits, which have this value.
    Hex(u8, u16),
}

impl StringReader {
    /// How many bytes of an incomplete character the last chunk ended with.
    pub(super) fn partial_len(&self) -> usize {
        self.partial_len
    }

    /// How many bytes the text of the current string has so far, with an incomplete character.
    pub(super) fn text_bytes(&self) -> u64 {
        self.text_bytes
    }

    /// The same, of a string that has ended.
    #[inline(always)]
    pub(super) fn take_text_bytes(&mut self) -> u64 {
        core::mem::take(&mut self.text_bytes)
    }

    /// Completes the character that the last chunk broke off, and hands it to `take`. Returns how many bytes of this
    /// chunk belong to it. `None`: it is still incomplete.
    pub(super) fn complete(
        &mut self,
        chunk: Chunk<'_>,
        take: impl FnOnce(&str),
    ) -> Result<Option<usize>, Error> {
        let begin = chunk.base.saturating_sub(self.partial_len as u64);
        for (at, &byte) in chunk.bytes.iter().enumerate() {
            if let Some(place) = self.partial.get_mut(self.partial_len) {
                *place = byte;
                self.partial_len += 1;
                self.text_bytes += 1;
            }
            match core::str::from_utf8(self.partial.get(..self.partial_len).unwrap_or(&[])) {
                Ok(character) => {
                    take(character);
                    self.partial_len = 0;
                    return Ok(Some(at + 1));
                }
                Err(error) if error.error_len().is_some() => {
                    return Err(Error { problem: Problem::NotUtf8, offset: begin });
                }
                Err(_) => {}
            }
        }
        Ok(None)
    }

    /// Validates a string whose text is not wanted, from `at` to just past its closing quote, the position of which it
    /// returns. `None`: the chunk ends first.
    pub(super) fn skip(&mut self, chunk: Chunk<'_>, at: usize) -> Result<Option<usize>, Error> {
        self.read(chunk, at, &mut Discard)
    }

    /// Reads a string from `at` to just past its closing quote, the position of which it returns. `None`: the chunk ends
    /// first.
    #[inline(always)]
    pub(super) fn read<S: TextSink>(
        &mut self,
        chunk: Chunk<'_>,
        mut at: usize,
        sink: &mut S,
    ) -> Result<Option<usize>, Error> {
        loop {
            if !matches!(self.escape, Escape::None) {
                match self.escape(chunk, at, sink)? {
                    Some(after) => at = after,
                    None => return Ok(None),
                }
            }
            let mut run =
                if S::WANTS_TEXT { plain_run(chunk.bytes, at) } else { skippable_run(chunk.bytes, at) };
            if S::GATHERS && self.high.is_none() && run.end - at < GATHERED_RUN_BYTES {
                at = unescape(chunk, at, sink, &mut self.text_bytes)?;
                run = plain_run(chunk.bytes, at);
            }
            if run.end > at {
                self.flush(sink);
                let doubtful = if S::WANTS_TEXT { at } else { run.valid };
                if doubtful < run.end {
                    self.run(chunk, doubtful, run.end, sink)?;
                }
                self.text_bytes += (run.end - at - run.saved) as u64;
            }
            match chunk.bytes.get(run.end) {
                Some(b'"') => {
                    self.flush(sink);
                    return Ok(Some(run.end + 1));
                }
                Some(b'\\') => (self.escape, at) = (Escape::Begun, run.end + 1),
                Some(_) => return Err(chunk.error(Problem::ControlCharacter, run.end)),
                None => return Ok(None),
            }
        }
    }

    /// Validates the run `begin..end` and pushes it to `sink`. A character that is incomplete at the end of the chunk is
    /// kept for the next chunk.
    fn run<S: TextSink>(
        &mut self,
        chunk: Chunk<'_>,
        begin: usize,
        end: usize,
        sink: &mut S,
    ) -> Result<(), Error> {
        let bytes = chunk.bytes.get(begin..end).unwrap_or(&[]);
        let waiting = if end == chunk.bytes.len() { incomplete_tail(bytes) } else { 0 };
        let (whole, rest) = bytes.split_at_checked(bytes.len() - waiting).unwrap_or((bytes, &[]));
        if S::WANTS_TEXT || !is_utf8(whole) {
            let run = core::str::from_utf8(whole).map_err(|error| {
                push_valid_part(whole, error, sink);
                chunk.error(Problem::NotUtf8, begin + error.valid_up_to())
            })?;
            if S::WANTS_TEXT && !run.is_empty() {
                sink.push(run);
            }
        }
        if core::str::from_utf8(rest).is_err_and(|error| error.error_len().is_some()) {
            return Err(chunk.error(Problem::NotUtf8, begin + whole.len()));
        }
        for (place, &byte) in self.partial.iter_mut().zip(rest) {
            *place = byte;
        }
        self.partial_len = rest.len();
        Ok(())
    }

    /// Reads the rest of an escape from `at`. Returns the position just past it. `None`: the chunk ends first.
    fn escape<S: TextSink>(
        &mut self,
        chunk: Chunk<'_>,
        mut at: usize,
        sink: &mut S,
    ) -> Result<Option<usize>, Error> {
        while let Some(&byte) = chunk.bytes.get(at) {
            let bad = || chunk.error(Problem::BadEscape, at);
            match self.escape {
                Escape::Begun if byte == b'u' => self.escape = Escape::Hex(0, 0),
                Escape::None | Escape::Begun => {
                    let character = char::from(letter_value(byte).ok_or_else(bad)?);
                    self.escape = Escape::None;
                    self.text_bytes += 1;
                    self.flush(sink);
                    if S::WANTS_TEXT {
                        sink.push(character.encode_utf8(&mut [0; 4]));
                    }
                    return Ok(Some(at + 1));
                }
                Escape::Hex(digits, value) => {
                    let digit = hex_value(byte).ok_or_else(bad)?;
                    let value = (value << 4) | digit;
                    if digits == 3 {
                        self.escape = Escape::None;
                        self.text_bytes += unit_bytes(value) as u64;
                        if S::WANTS_TEXT {
                            self.code_unit(value, sink);
                        }
                        return Ok(Some(at + 1));
                    }
                    self.escape = Escape::Hex(digits + 1, value);
                }
            }
            at += 1;
        }
        Ok(None)
    }

    /// Takes an escaped UTF-16 code unit: pushes its character, or keeps a high surrogate until the next unit.
    fn code_unit<S: TextSink>(&mut self, unit: u16, sink: &mut S) {
        let is_low = (0xdc00..0xe000).contains(&unit);
        let character = match self.high {
            Some(high) if is_low => {
                self.high = None;
                let value = 0x1_0000 + ((u32::from(high) & 0x3ff) << 10 | u32::from(unit) & 0x3ff);
                char::from_u32(value)
            }
            _ => {
                self.flush(sink);
                if (0xd800..0xdc00).contains(&unit) {
                    self.high = Some(unit);
                    return;
                }
                char::from_u32(u32::from(unit))
            }
        };
        sink.push(character.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut [0; 4]));
    }

    /// Pushes U+FFFD for a pending high surrogate. Called before anything that is no low surrogate.
    #[inline(always)]
    fn flush<S: TextSink>(&mut self, sink: &mut S) {
        if S::WANTS_TEXT && self.high.take().is_some() {
            sink.push("\u{fffd}");
        }
    }
}
