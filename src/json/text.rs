//! The inside of strings (RFC 8259 §7): plain runs in blocks, escapes, UTF-8, all across chunks.

use super::run::{plain, unread};
use super::unescape::{FEW, hex, simple, tell_valid, unescape};
use super::utf8::{incomplete, is_utf8};
use super::{Chunk, Error, Problem};

/// Who is told a string's text.
pub(super) trait Sink {
    /// `false`: nobody, so that escapes need no decoding.
    const TELLS: bool;

    /// Whether long texts are expected, and runs better few than small.
    const LONG: bool;

    /// A run of the text, never empty.
    fn run(&mut self, run: &str);
}

/// Nobody: the string is only validated.
struct Nobody;

impl Sink for Nobody {
    const TELLS: bool = false;
    const LONG: bool = false;

    fn run(&mut self, _: &str) {}
}

/// What a string has open between two bytes. As it is by default before and after every string.
#[derive(Debug, Default)]
pub(super) struct Text {
    escape: Escape,
    /// A high surrogate was escaped; a low one may follow.
    high: Option<u16>,
    /// The first bytes of a character whose others are in the next chunk.
    partial: [u8; 4],
    partial_len: usize,
}

/// Where an escape stands.
#[derive(Clone, Copy, Debug, Default)]
enum Escape {
    /// There is none.
    #[default]
    None,
    /// After the backslash.
    Begun,
    /// After `\u` and this many digits of this value.
    Hex(u8, u16),
}

impl Text {
    /// How many bytes of an incomplete character the last chunk ended with.
    pub(super) fn partial_len(&self) -> usize {
        self.partial_len
    }

    /// Completes the character that the last chunk ended within: its text goes to `tell`, and how many bytes of
    /// this chunk belong to it comes back. `None`: it needs more than this chunk.
    pub(super) fn complete(
        &mut self,
        chunk: Chunk<'_>,
        tell: impl FnOnce(&str),
    ) -> Result<Option<usize>, Error> {
        let begin = chunk.base.saturating_sub(self.partial_len as u64);
        for (at, &byte) in chunk.bytes.iter().enumerate() {
            if let Some(place) = self.partial.get_mut(self.partial_len) {
                *place = byte;
                self.partial_len += 1;
            }
            match core::str::from_utf8(self.partial.get(..self.partial_len).unwrap_or(&[])) {
                Ok(character) => {
                    tell(character);
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

    /// Reads on in a string that nobody wants, from `at` to just past its closing quote. `None`: the chunk ends
    /// first.
    pub(super) fn skip(&mut self, chunk: Chunk<'_>, at: usize) -> Result<Option<usize>, Error> {
        self.read(chunk, at, &mut Nobody)
    }

    /// Reads on in a string, from `at` to just past its closing quote. `None`: the chunk ends first.
    #[inline(always)]
    pub(super) fn read<S: Sink>(
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
            let mut run = if S::TELLS { plain(chunk.bytes, at) } else { unread(chunk.bytes, at) };
            if S::LONG && self.high.is_none() && run.end - at < FEW {
                at = unescape(chunk, at, sink)?;
                run = plain(chunk.bytes, at);
            }
            if run.end > at {
                self.flush(sink);
                if S::TELLS || !run.ascii {
                    self.run(chunk, at, run.end, sink)?;
                }
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

    /// Validates and tells a run. A character that is incomplete at the chunk's end waits for the next.
    fn run<S: Sink>(
        &mut self,
        chunk: Chunk<'_>,
        begin: usize,
        end: usize,
        sink: &mut S,
    ) -> Result<(), Error> {
        let bytes = chunk.bytes.get(begin..end).unwrap_or(&[]);
        let waiting = if end == chunk.bytes.len() { incomplete(bytes) } else { 0 };
        let (whole, rest) = bytes.split_at_checked(bytes.len() - waiting).unwrap_or((bytes, &[]));
        if S::TELLS || !is_utf8(whole) {
            let run = core::str::from_utf8(whole).map_err(|error| {
                tell_valid(whole, error, sink);
                chunk.error(Problem::NotUtf8, begin + error.valid_up_to())
            })?;
            if S::TELLS && !run.is_empty() {
                sink.run(run);
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

    /// Reads on in an escape, from `at` to just past it. `None`: the chunk ends first.
    fn escape<S: Sink>(
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
                    let character = char::from(simple(byte).ok_or_else(bad)?);
                    self.escape = Escape::None;
                    self.flush(sink);
                    if S::TELLS {
                        sink.run(character.encode_utf8(&mut [0; 4]));
                    }
                    return Ok(Some(at + 1));
                }
                Escape::Hex(digits, value) => {
                    let digit = hex(byte).ok_or_else(bad)?;
                    let value = (value << 4) | digit;
                    if digits == 3 {
                        self.escape = Escape::None;
                        if S::TELLS {
                            self.unit(value, sink);
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

    /// A UTF-16 code unit was escaped.
    fn unit<S: Sink>(&mut self, unit: u16, sink: &mut S) {
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
        sink.run(character.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut [0; 4]));
    }

    /// Whatever comes next is no low surrogate: a high one before it was alone.
    #[inline(always)]
    fn flush<S: Sink>(&mut self, sink: &mut S) {
        if S::TELLS && self.high.take().is_some() {
            sink.run("\u{fffd}");
        }
    }
}
