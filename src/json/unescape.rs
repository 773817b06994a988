//! The text of strings that somebody reads: what escapes stand for, and short runs made into longer ones.

use super::block::{BLOCK, classify};
use super::text::Sink;
use super::{Chunk, Error, Problem};
use core::str::Utf8Error;

/// Bytes that are gathered before they are told.
const GATHERED: usize = 256;

/// A run that is shorter than this is gathered with its neighbours; a longer one is told where it stands.
pub(super) const FEW: usize = GATHERED / 4;

/// Tells the text from `at` on as far as it is easy: whole blocks, and escapes but surrogates. Returns where it
/// stopped; everything before that is told.
pub(super) fn unescape<S: Sink>(chunk: Chunk<'_>, mut at: usize, sink: &mut S) -> Result<usize, Error> {
    let bytes = chunk.bytes;
    let mut gathered = [0; GATHERED];
    let (mut len, mut begin) = (0, at);
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        if len > GATHERED - BLOCK {
            if len == at - begin {
                // Without escapes there is no need to gather.
                break;
            }
            let rest = tell(chunk, &gathered, len, begin, at, sink)?;
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
                let digits =
                    digits.iter().try_fold(0, |value, &digit| Some((value << 4) | u32::from(hex(digit)?)));
                let Some(character) = digits.and_then(char::from_u32) else { break };
                (at, len) = (at + 6, len + character.encode_utf8(place).len());
            }
            [letter, ..] => {
                let Some(byte) = simple(*letter) else { break };
                *place = [byte; 4];
                (at, len) = (at + 2, len + 1);
            }
        }
    }
    let rest = tell(chunk, &gathered, len, begin, at, sink)?;
    Ok(at - rest)
}

/// Tells what stands before the error, so that it does not depend on the chunks how much of a broken text was told.
#[cold]
pub(super) fn tell_valid<S: Sink>(bytes: &[u8], error: Utf8Error, sink: &mut S) {
    let valid = bytes.get(..error.valid_up_to()).unwrap_or(&[]);
    let run = core::str::from_utf8(valid).unwrap_or_default();
    if S::TELLS && !run.is_empty() {
        sink.run(run);
    }
}

/// Tells the `len` bytes that were gathered from `begin..end`, but for an incomplete character at their end, the
/// length of which it returns.
fn tell<S: Sink>(
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
            tell_valid(gathered, error, sink);
            // Escapes are ASCII, so that the first wrong place is the same where they still stand.
            let from = chunk.bytes.get(begin..end).unwrap_or(&[]);
            let valid = core::str::from_utf8(from).map_or_else(|error| error.valid_up_to(), str::len);
            return Err(chunk.error(Problem::NotUtf8, begin + valid));
        }
    };
    if !text.is_empty() {
        sink.run(text);
    }
    Ok(len - text.len())
}

/// What the letter of an escape stands for, by letter; 0 where it is none. (A table, because which letter it is
/// cannot be predicted.)
#[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
const LETTERS: [u8; 128] = {
    let mut letters = [0; 128];
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
    while let [(letter, stands_for), rest @ ..] = pairs {
        letters[*letter as usize] = *stands_for;
        pairs = rest;
    }
    letters
};

/// What a one-letter escape stands for, in ASCII.
#[inline(always)]
pub(super) fn simple(letter: u8) -> Option<u8> {
    LETTERS.get(usize::from(letter)).copied().filter(|&byte| byte != 0)
}

/// The value of a hexadecimal digit.
#[inline(always)]
pub(super) fn hex(byte: u8) -> Option<u16> {
    // Selected rather than branched on: which sort a digit is cannot be predicted.
    let (digit, letter) = (byte.wrapping_sub(b'0'), (byte | 0x20).wrapping_sub(b'a'));
    let value = if digit < 10 { digit } else { letter.wrapping_add(10) };
    (digit < 10 || letter < 6).then_some(u16::from(value))
}
