//! The inside of strings (RFC 8259 §7): plain runs in blocks, escapes, UTF-8, all across chunks.

use super::block::{BLOCK, classify, escapes, is_special};
use super::{Chunk, Error, Problem};

/// Who is told a string's text.
pub(super) trait Sink {
    /// `false`: nobody, so that escapes need no decoding.
    const TELLS: bool;

    /// A run of the text, never empty.
    fn run(&mut self, run: &str);
}

/// Nobody: the string is only validated.
struct Nobody;

impl Sink for Nobody {
    const TELLS: bool = false;

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

/// Bytes without a special one among them, from a start that the caller knows up to `end`.
struct Run {
    end: usize,
    /// Whether all of them are ASCII.
    ascii: bool,
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
            let run = if S::TELLS { plain(chunk.bytes, at) } else { unread(chunk.bytes, at) };
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
        let (valid, rest) = match core::str::from_utf8(bytes) {
            Ok(run) => (run, &[][..]),
            Err(error) => {
                let (valid, rest) = bytes.split_at_checked(error.valid_up_to()).unwrap_or((&[], &[]));
                if error.error_len().is_some() || end < chunk.bytes.len() {
                    return Err(chunk.error(Problem::NotUtf8, begin + valid.len()));
                }
                (core::str::from_utf8(valid).unwrap_or_default(), rest)
            }
        };
        if S::TELLS && !valid.is_empty() {
            sink.run(valid);
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
                    let text = simple(byte).ok_or_else(bad)?;
                    self.escape = Escape::None;
                    self.flush(sink);
                    if S::TELLS {
                        sink.run(text);
                    }
                    return Ok(Some(at + 1));
                }
                Escape::Hex(digits, value) => {
                    let digit = hex(byte).ok_or_else(bad)?;
                    let value = value << 4 | digit;
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

/// The run of bytes from `at` up to a quote, a backslash, a control character or the end.
#[inline(always)]
fn plain(bytes: &[u8], mut at: usize) -> Run {
    let mut high = 0;
    let (blocks, rest) = bytes.get(at..).unwrap_or(&[]).as_chunks::<BLOCK>();
    for block in blocks {
        let classes = classify(block);
        if classes.special != 0 {
            let place = classes.special.trailing_zeros();
            high |= classes.high & !(u32::MAX << place);
            return Run { end: at + place as usize, ascii: high == 0 };
        }
        high |= classes.high;
        at += BLOCK;
    }
    let mut ascii = high == 0;
    for &byte in rest {
        if is_special(byte) {
            break;
        }
        ascii &= byte.is_ascii();
        at += 1;
    }
    Run { end: at, ascii }
}

/// The same where nobody reads the string: escapes that are right and whole are part of the run.
#[inline(never)]
fn unread(bytes: &[u8], begin: usize) -> Run {
    let (mut at, mut high) = (begin, 0);
    // 1: the next block's first byte stands after a backslash that escapes it.
    let mut pending = 0;
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        let classes = classify(block);
        if classes.special | pending != 0 {
            let found = escapes(block);
            let escaped = escaped(found.backslash, pending);
            let ends = classes.special & !found.backslash & !escaped;
            let odd = escaped & !found.letter & 0xffff;
            let stop = ends | if odd == 0 { 0 } else { not_hex(bytes, at, odd) };
            if stop != 0 {
                let place = stop.trailing_zeros();
                let is_escaped = escaped >> place & 1;
                high |= classes.high & !(u32::MAX << place);
                return Run { end: at + place as usize - is_escaped as usize, ascii: high == 0 };
            }
            pending = escaped >> BLOCK;
        }
        high |= classes.high;
        at += BLOCK;
    }
    at -= pending as usize;
    let rest = plain(bytes, at);
    Run { end: rest.end, ascii: rest.ascii && high == 0 }
}

/// Where the bytes are that a backslash escapes, if the first is iff `pending`. Bit 16 is the next block's first.
#[inline(always)]
fn escaped(backslash: u32, pending: u32) -> u32 {
    let mut starts = backslash & !pending;
    if starts & starts << 1 == 0 {
        return pending | starts << 1;
    }
    // Some stand side by side: the first of two escapes the other, which then escapes nothing.
    let mut escaped = pending;
    while starts != 0 {
        let next = (starts & starts.wrapping_neg()) << 1;
        escaped |= next;
        starts &= (starts - 1) & !next;
    }
    escaped
}

/// The first of these places in the block at `at` that is not a `u` with four hexadecimal digits in this chunk.
#[inline(always)]
fn not_hex(bytes: &[u8], at: usize, mut places: u32) -> u32 {
    while places != 0 {
        let place = at + places.trailing_zeros() as usize;
        match bytes.get(place..).and_then(<[u8]>::first_chunk::<5>) {
            Some([b'u', digits @ ..]) if digits.iter().all(u8::is_ascii_hexdigit) => places &= places - 1,
            _ => return places & places.wrapping_neg(),
        }
    }
    0
}

/// Where a string ends, just past its quote, if it is short and nothing but plain ASCII: most are.
#[inline(always)]
pub(super) fn short(bytes: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin;
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        let classes = classify(block);
        if classes.special != 0 {
            let place = classes.special.trailing_zeros();
            let ascii = classes.high & !(u32::MAX << place) == 0;
            let end = at + place as usize;
            return (ascii && bytes.get(end) == Some(&b'"')).then_some(end + 1);
        }
        if classes.high != 0 || at > begin + 3 * BLOCK {
            return None;
        }
        at += BLOCK;
    }
    None
}

/// What a one-letter escape stands for.
#[inline(always)]
fn simple(byte: u8) -> Option<&'static str> {
    Some(match byte {
        b'"' => "\"",
        b'\\' => "\\",
        b'/' => "/",
        b'b' => "\u{8}",
        b'f' => "\u{c}",
        b'n' => "\n",
        b'r' => "\r",
        b't' => "\t",
        _ => return None,
    })
}

/// The value of a hexadecimal digit.
#[inline(always)]
fn hex(byte: u8) -> Option<u16> {
    Some(u16::from(match byte {
        b'0'..=b'9' => byte - b'0',
        b'a'..=b'f' => byte - b'a' + 10,
        b'A'..=b'F' => byte - b'A' + 10,
        _ => return None,
    }))
}
