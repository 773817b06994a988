//! Decodes AWS event streams: takes bytes in any chunking, and hands out whole frames whose checksums are right.
//!
//! A frame is its length and the length of its headers (4 bytes each, big-endian), the CRC-32 of these 8 bytes, the
//! headers, the payload, and the CRC-32 of everything before. A header is one byte of length, the name, one byte of
//! type, and the value: <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html>.
//!
//! The decoder keeps one incomplete frame of bounded length. After an error it reads nothing more, because it cannot
//! know where the next frame begins.
//!
//! Written by hand beside `aws-smithy-eventstream`: that decoder has no bound for a frame, leaves it to the caller to
//! collect one, and makes an owned message with a list of headers of each. Its dependency `aws-smithy-types` (HTTP bodies,
//! dates, numbers) would also go into a module that Envoy compiles before it listens.

use core::fmt;
use crc::{CRC_32_ISO_HDLC, Crc, Table};

/// Decodes the frames of one stream, which arrives in chunks of any size.
#[derive(Clone)]
pub struct Decoder {
    /// Longest frame, in bytes.
    limit_bytes: usize,
    /// The bytes of the incomplete frame. It grows with the bytes that arrive, not to the length that the frame states.
    held: Vec<u8>,
    problem: Option<Problem>,
}

/// A whole frame whose checksums are right.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    headers: &'a [u8],
    /// The payload, without headers and checksums.
    pub payload: &'a [u8],
}

/// Why the decoder stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The checksum of the two lengths is wrong.
    PreludeChecksum,
    /// The frame is shorter than its parts.
    Lengths,
    /// The frame is longer than the limit.
    TooLarge,
    /// The checksum of the frame is wrong.
    Checksum,
    /// A header is incomplete, or has an unknown type.
    Headers,
}

/// Length of the prelude, in bytes: the two lengths and their checksum.
const PRELUDE_BYTES: usize = 12;
/// Length of the checksum of a frame, in bytes.
const CHECKSUM_BYTES: usize = 4;
/// Works a byte at a time: a frame has a few hundred bytes, and the sixteen tables of the fast variant take 16 KiB.
static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

// === impl Decoder ===

impl Decoder {
    /// A decoder at the start of a stream. A frame may have up to `limit_bytes` bytes.
    #[must_use]
    pub const fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, held: Vec::new(), problem: None }
    }

    /// Reads the next bytes of the stream, and calls `take` for each frame that is complete.
    ///
    /// # Errors
    /// The first problem of the stream; from then on always the same one.
    pub fn feed(&mut self, bytes: &[u8], mut take: impl FnMut(Frame<'_>)) -> Result<(), Problem> {
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        let result = self.read(bytes, &mut take);
        if let Err(problem) = result {
            self.problem = Some(problem);
            self.held = Vec::new();
        }
        result
    }

    /// Whether all frames up to now are complete.
    #[must_use]
    pub const fn is_between_frames(&self) -> bool {
        self.problem.is_none() && self.held.is_empty()
    }

    fn read(&mut self, mut rest: &[u8], take: &mut impl FnMut(Frame<'_>)) -> Result<(), Problem> {
        while !rest.is_empty() {
            let wanted = if self.held.len() < PRELUDE_BYTES { PRELUDE_BYTES } else { self.frame_bytes()? };
            let missing = wanted.saturating_sub(self.held.len()).min(rest.len());
            let (these, after) = rest.split_at_checked(missing).unwrap_or((rest, &[]));
            self.held.extend_from_slice(these);
            rest = after;
            // Checks the prelude as soon as it is complete, so that the chunks make no difference.
            if self.held.len() >= PRELUDE_BYTES && self.held.len() == self.frame_bytes()? {
                take(Frame::of(&self.held)?);
                self.held.clear();
            }
        }
        Ok(())
    }

    /// The length of the frame whose prelude was read, in bytes.
    fn frame_bytes(&self) -> Result<usize, Problem> {
        let (frame, _) = prelude(&self.held)?;
        if frame > self.limit_bytes { Err(Problem::TooLarge) } else { Ok(frame) }
    }
}

impl fmt::Debug for Decoder {
    /// Shows no byte of the response.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("held", &self.held.len())
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}

/// Reads a prelude: the lengths of the frame and of its headers, in bytes.
fn prelude(bytes: &[u8]) -> Result<(usize, usize), Problem> {
    let lengths = bytes.get(..8).ok_or(Problem::Lengths)?;
    if word(bytes, 8) != Some(CRC.checksum(lengths)) {
        return Err(Problem::PreludeChecksum);
    }
    let size = |at| word(bytes, at).and_then(|word| usize::try_from(word).ok()).ok_or(Problem::Lengths);
    let (frame, headers) = (size(0)?, size(4)?);
    let least = headers.checked_add(PRELUDE_BYTES + CHECKSUM_BYTES).ok_or(Problem::Lengths)?;
    if frame < least { Err(Problem::Lengths) } else { Ok((frame, headers)) }
}

/// The big-endian number at `at`.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*word))
}

// === impl Frame ===

impl<'a> Frame<'a> {
    /// Checks and splits the frame that makes up all of `bytes`.
    fn of(bytes: &'a [u8]) -> Result<Self, Problem> {
        let (_, headers) = prelude(bytes)?;
        let end = bytes.len().checked_sub(CHECKSUM_BYTES).ok_or(Problem::Lengths)?;
        let before = bytes.get(..end).ok_or(Problem::Lengths)?;
        if word(bytes, end) != Some(CRC.checksum(before)) {
            return Err(Problem::Checksum);
        }
        let body = before.get(PRELUDE_BYTES..).ok_or(Problem::Lengths)?;
        let (headers, payload) = body.split_at_checked(headers).ok_or(Problem::Lengths)?;
        let frame = Self { headers, payload };
        let mut all = frame.headers();
        if all.by_ref().all(|header| header.is_some()) { Ok(frame) } else { Err(Problem::Headers) }
    }

    /// The value of the header `name`, if it is a string.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.headers().flatten().find(|(known, _)| *known == name.as_bytes())?;
        core::str::from_utf8(value?).ok()
    }

    /// The name and value of each header; the value is `None` if it is not a string. An item is `None`, and the last, if
    /// the rest is not a valid header.
    fn headers(&self) -> impl Iterator<Item = Option<(&'a [u8], Option<&'a [u8]>)>> + use<'a> {
        let mut rest = self.headers;
        core::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let header = header(&mut rest);
            if header.is_none() {
                rest = &[];
            }
            Some(header)
        })
    }
}

impl fmt::Debug for Frame<'_> {
    /// Shows only the length of the payload.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Frame({} bytes)", self.payload.len())
    }
}

/// Takes one header from the front of `rest`.
fn header<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], Option<&'a [u8]>)> {
    let name_bytes = usize::from(*rest.split_off_first()?);
    let name = rest.split_off(..name_bytes)?;
    let kind = *rest.split_off_first()?;
    let value_bytes = match kind {
        // true, false
        0 | 1 => 0,
        // byte, short, integer, long
        2 => 1,
        3 => 2,
        4 => 4,
        5 | TIMESTAMP => 8,
        BYTES | TEXT => usize::from(u16::from_be_bytes(*rest.split_off(..2)?.first_chunk()?)),
        UUID => 16,
        _ => return None,
    };
    let value = rest.split_off(..value_bytes)?;
    Some((name, (kind == TEXT).then_some(value)))
}

// The types of header values that have a name here; the others are only numbers in `header`.
const BYTES: u8 = 6;
const TEXT: u8 = 7;
const TIMESTAMP: u8 = 8;
const UUID: u8 = 9;

#[cfg(test)]
mod tests;
