//! An incremental decoder of AWS event streams: bytes in any chunking in, whole frames with both checksums proved out.
//!
//! A frame is: its length and that of its headers (4 bytes each, big-endian), the CRC-32 of these 8; the headers; the
//! payload; the CRC-32 of everything before. A header is: one byte of length, the name, one byte of type, the value.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/RESTSelectObjectAppendix.html> describes it best.
//!
//! What is kept is one frame that is not whole, at most the limit. What is wrong once stays wrong: where a frame's
//! length cannot be trusted, nothing after it can.

use core::fmt;
use crc::{CRC_32_ISO_HDLC, Crc, Table};

/// The decoder of one stream.
#[derive(Clone)]
pub struct Decoder {
    limit_bytes: usize,
    /// The frame being read, as far as it came; grows as bytes come, not as its length promises.
    held: Vec<u8>,
    problem: Option<Problem>,
}

/// A whole frame.
#[derive(Clone, Copy)]
pub struct Frame<'a> {
    headers: &'a [u8],
    /// What it carries.
    pub payload: &'a [u8],
}

/// Why a stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The checksum of the two lengths is not theirs.
    PreludeChecksum,
    /// The lengths contradict each other.
    Lengths,
    /// The frame is longer than the limit.
    TooLarge,
    /// The checksum of the frame is not its own.
    Checksum,
    /// The headers end within one, or one has a type that does not exist.
    Headers,
}

/// Two lengths and their checksum.
const PRELUDE_BYTES: usize = 12;
/// The checksum of the frame.
const CHECKSUM_BYTES: usize = 4;
/// A byte at a time: a frame is a few hundred bytes, and the sixteen tables of the fast way would take 16 KiB.
static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

// === impl Decoder ===

impl Decoder {
    /// A decoder at the start of a stream, for frames of up to `limit_bytes` bytes.
    #[must_use]
    pub const fn new(limit_bytes: usize) -> Self {
        Self { limit_bytes, held: Vec::new(), problem: None }
    }

    /// Reads the next bytes of the stream.
    ///
    /// # Errors
    /// At the first byte that shows what is wrong; from then on always the same problem.
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

    /// Whether the stream may end here.
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
            // Judged as soon as they are there, whatever the chunks.
            if self.held.len() >= PRELUDE_BYTES && self.held.len() == self.frame_bytes()? {
                take(Frame::of(&self.held)?);
                self.held.clear();
            }
        }
        Ok(())
    }

    /// The length of the frame whose prelude is there.
    fn frame_bytes(&self) -> Result<usize, Problem> {
        let (frame, _) = prelude(&self.held)?;
        if frame > self.limit_bytes { Err(Problem::TooLarge) } else { Ok(frame) }
    }
}

impl fmt::Debug for Decoder {
    /// Without the answer's bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("held", &self.held.len())
            .field("problem", &self.problem)
            .finish_non_exhaustive()
    }
}

/// The lengths of a frame and of its headers.
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

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*word))
}

// === impl Frame ===

impl<'a> Frame<'a> {
    /// The frame that `bytes` are, no more and no less.
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

    /// The header `name`, where it is there and a text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.headers().flatten().find(|(known, _)| *known == name.as_bytes())?;
        core::str::from_utf8(value?).ok()
    }

    /// Names and values; a value that is no text is `None`. `None`: what follows is no header.
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
    /// Without its bytes.
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

const BYTES: u8 = 6;
const TEXT: u8 = 7;
const TIMESTAMP: u8 = 8;
const UUID: u8 = 9;

#[cfg(test)]
mod tests;
