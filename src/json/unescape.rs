//! Decodes escapes, and gathers short runs of text into longer ones.
//!
//! Written by hand because a string arrives in chunks and its text is passed on in runs of bounded size. `serde_json`,
//! `jiter` and `actson` collect a string with escapes as a whole before they hand it out.

use super::byte_classes::{BLOCK, classify};
use super::text_sink::TextSink;
use super::{Chunk, Error, Problem};
use core::str::Utf8Error;

/// Size of the buffer that gathers decoded text before the sink gets it, in bytes.
const GATHERED: usize = 256;

/// A run shorter than this, in bytes, is gathered with its neighbours. A longer one goes to the sink without a copy.
pub(super) const GATHERED_RUN_BYTES: usize = GATHERED / 4;

/// Decodes the text from `at` on in blocks, and pushes it to `sink`. It stops before a quote, a control character, a
/// surrogate, a bad or incomplete escape, an incomplete character and the last bytes of the chunk, which fill no block.
/// Returns the position where it stopped; the sink has all text before it, whose bytes are added to `text_bytes`.
pub(super) fn unescape<S: TextSink>(
    chunk: Chunk<'_>,
    mut at: usize,
    sink: &mut S,
    text_bytes: &mut u64,
) -> Result<usize, Error> {
    let bytes = chunk.bytes;
    let mut gathered = [0; GATHERED];
    let (mut len, mut begin) = (0, at);
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        if len > GATHERED - BLOCK {
            if len == at - begin {
                // The buffer is full and held no escape: a plain run needs no copy.
                break;
            }
            let rest = push_gathered(chunk, &gathered, len, begin, at, sink)?;
            *text_bytes += (len - rest) as u64;
            gathered.copy_within(len - rest..len, 0);
            (len, begin) = (rest, at - rest);
        }
        let Some(place) = gathered.get_mut(len..).and_then(<[u8]>::first_chunk_mut::<BLOCK>) else { break };
        *place = *block;
        let special = classify(block).special;
        if special == 0 {
            (at, len) = (at + BLOCK, len + BLOCK);
            continue;
        }
        let run = special.trailing_zeros() as usize;
        (at, len) = (at + run, len + run);
        let Some([b'\\', escape @ ..]) = bytes.get(at..).and_then(<[u8]>::first_chunk::<6>) else { break };
        let Some(place) = gathered.get_mut(len..).and_then(<[u8]>::first_chunk_mut::<4>) else { continue };
        match escape {
            [b'u', digits @ ..] => {
                let digits = digits
                    .iter()
                    .try_fold(0, |value, &digit| Some((value << 4) | u32::from(hex_value(digit)?)));
                let Some(character) = digits.and_then(char::from_u32) else { break };
                (at, len) = (at + 6, len + character.encode_utf8(place).len());
            }
            [letter, ..] => {
                let Some(byte) = letter_value(*letter) else { break };
                *place = [byte; 4];
                (at, len) = (at + 2, len + 1);
            }
        }
    }
    let rest = push_gathered(chunk, &gathered, len, begin, at, sink)?;
    *text_bytes += (len - rest) as u64;
    Ok(at - rest)
}

/// Pushes the valid bytes before a UTF-8 error, so that the visitor gets the same text in any chunking.
#[cold]
pub(super) fn push_valid_part<S: TextSink>(bytes: &[u8], error: Utf8Error, sink: &mut S) {
    let valid = bytes.get(..error.valid_up_to()).unwrap_or(&[]);
    let run = core::str::from_utf8(valid).unwrap_or_default();
    if S::WANTS_TEXT && !run.is_empty() {
        sink.push(run);
    }
}

/// Pushes the first `len` bytes of `gathered`, which were decoded from `begin..end` of the chunk, without an incomplete
/// character at their end. Returns the length of that, in bytes.
fn push_gathered<S: TextSink>(
    chunk: Chunk<'_>,
    gathered: &[u8; GATHERED],
    len: usize,
    begin: usize,
    end: usize,
    sink: &mut S,
) -> Result<usize, Error> {
    let gathered = gathered.get(..len).unwrap_or(&[]);
    let text = match core::str::from_utf8(gathered) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => {
            core::str::from_utf8(gathered.get(..error.valid_up_to()).unwrap_or(&[])).unwrap_or_default()
        }
        Err(error) => {
            push_valid_part(gathered, error, sink);
            // Escapes are ASCII, so the first wrong byte of the encoded text is the same one.
            let from = chunk.bytes.get(begin..end).unwrap_or(&[]);
            let valid = core::str::from_utf8(from).map_or_else(|error| error.valid_up_to(), str::len);
            return Err(chunk.error(Problem::NotUtf8, begin + valid));
        }
    };
    if !text.is_empty() {
        sink.push(text);
    }
    Ok(len - text.len())
}

/// The character of each one-letter escape, by its letter; 0 for a byte that is no such letter. A table, because a
/// branch on the letter would be mispredicted.
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const LETTERS: [u8; 256] = {
    let mut letters = [0; 256];
    let mut pairs: &[(u8, u8)] = &[
        (b'"', b'"'),
        (b'\\', b'\\'),
        (b'/', b'/'),
        (b'b', 8),
        (b'f', 12),
        (b'n', b'\n'),
        (b'r', b'\r'),
        (b't', b'\t'),
    ];
    while let [(letter, value), rest @ ..] = pairs {
        letters[*letter as usize] = *value;
        pairs = rest;
    }
    letters
};

/// The ASCII character that a one-letter escape means. `None`: `letter` makes no such escape.
#[inline(always)]
pub(super) fn letter_value(letter: u8) -> Option<u8> {
    LETTERS.get(usize::from(letter)).copied().filter(|&byte| byte != 0)
}

/// The value of a hexadecimal digit.
#[inline(always)]
pub(super) fn hex_value(byte: u8) -> Option<u16> {
    // Selects instead of branching: a branch between digits and letters would be mispredicted.
    let (digit, letter) = (byte.wrapping_sub(b'0'), (byte | 0x20).wrapping_sub(b'a'));
    let value = if digit < 10 { digit } else { letter.wrapping_add(10) };
    (digit < 10 || letter < 6).then_some(u16::from(value))
}

/// The bytes of the text that an escaped UTF-16 code unit stands for; of a surrogate, half of what a pair has.
#[inline(always)]
pub(super) fn unit_bytes(unit: u16) -> usize {
    match unit {
        0..0x80 => 1,
        0x80..0x800 | 0xd800..0xe000 => 2,
        _ => 3,
    }
}
