//! Finds the length of a run in a string without special bytes, sixteen bytes at a time.

use super::byte_classes::{BLOCK, both_plain, classify, escapes, is_special};
use super::unescape::{hex_value, unit_bytes};

/// After this many blocks in a row without a special byte, two blocks are tested at once: long prose or base64.
const CALM_BLOCKS: u32 = 4;

/// A run of bytes from a known start up to `end`.
pub(super) struct Run {
    /// The position just past the run.
    pub(super) end: usize,
    /// Whether all of its bytes are ASCII.
    pub(super) ascii: bool,
    /// How many bytes fewer the text has than the run, because of escapes.
    pub(super) saved: usize,
}

/// The run from `at` up to the first quote, backslash or control character, or to the end of `bytes`.
#[inline(always)]
pub(super) fn plain_run(bytes: &[u8], mut at: usize) -> Run {
    let mut high = 0;
    let (blocks, rest) = bytes.get(at..).unwrap_or(&[]).as_chunks::<BLOCK>();
    for block in blocks {
        let classes = classify(block);
        if classes.special != 0 {
            let place = classes.special.trailing_zeros();
            high |= classes.high & !(u32::MAX << place);
            return Run { end: at + place as usize, ascii: high == 0, saved: 0 };
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
    Run { end: at, ascii, saved: 0 }
}

/// As [`plain_run`], for a string whose text is not wanted: valid escapes that `bytes` hold whole do not end the run.
/// In the last bytes, which fill no block, every escape ends it.
#[inline(never)]
pub(super) fn skippable_run(bytes: &[u8], begin: usize) -> Run {
    let (mut at, mut high, mut saved) = (begin, 0, 0);
    // 1: a backslash before the block escapes the block's first byte.
    let mut pending = 0;
    let mut calm_blocks = 0;
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        let classes = classify(block);
        if classes.special | pending != 0 {
            let found = escapes(block);
            let escaped = escaped(found.backslash, pending);
            let ends = classes.special & !found.backslash & !escaped;
            let not_a_letter = escaped & !found.letter & 0xffff;
            let stop = ends
                | if not_a_letter == 0 {
                    0
                } else {
                    first_not_hex(bytes, at, not_a_letter, ends, &mut saved)
                };
            if stop != 0 {
                let place = stop.trailing_zeros();
                // A bad escape begins at its backslash, a byte earlier.
                let is_escaped = escaped >> place & 1;
                high |= classes.high & !(u32::MAX << place);
                saved += (escaped & !(u32::MAX << place)).count_ones() as usize;
                return Run { end: at + place as usize - is_escaped as usize, ascii: high == 0, saved };
            }
            // Each escape has one byte more than what it escapes: its backslash.
            saved += (escaped & 0xffff).count_ones() as usize;
            pending = escaped >> BLOCK;
            calm_blocks = 0;
        }
        high |= classes.high;
        at += BLOCK;
        calm_blocks += 1;
        if calm_blocks == CALM_BLOCKS {
            calm_blocks = 0;
            // Testing two blocks costs little more than one. No escape is pending: the last blocks had no backslash.
            while let Some(more) =
                bytes.get(at..).and_then(<[u8]>::first_chunk::<{ 2 * BLOCK }>).and_then(both_plain)
            {
                high |= more;
                at += 2 * BLOCK;
            }
        }
    }
    at -= pending as usize;
    let rest = plain_run(bytes, at);
    Run { end: rest.end, ascii: rest.ascii && high == 0, saved }
}

/// The bytes that a backslash escapes. `pending`: 1 if the block's first byte is escaped. Bit 16 of the result is the
/// first byte of the next block.
#[inline(always)]
fn escaped(backslash: u32, pending: u32) -> u32 {
    let mut starts = backslash & !pending;
    if starts & starts << 1 == 0 {
        return pending | starts << 1;
    }
    // In a row of backslashes, each one that is not escaped escapes the next.
    let mut escaped = pending;
    while starts != 0 {
        let next = (starts & starts.wrapping_neg()) << 1;
        escaped |= next;
        starts &= (starts - 1) & !next;
    }
    escaped
}

/// The first of `places` in the block at `at` where `bytes` do not hold a `u` and four hexadecimal digits; 0: none. For
/// each place before that and before the first of `ends`, `saved` grows by the bytes that the text is shorter than `u`
/// and the digits.
#[inline(always)]
fn first_not_hex(bytes: &[u8], at: usize, mut places: u32, ends: u32, saved: &mut usize) -> u32 {
    while places != 0 {
        let place = at + places.trailing_zeros() as usize;
        match bytes.get(place..).and_then(<[u8]>::first_chunk::<5>) {
            Some([b'u', digits @ ..]) if digits.iter().all(u8::is_ascii_hexdigit) => {
                if places.trailing_zeros() < ends.trailing_zeros() {
                    let unit =
                        digits.iter().fold(0, |unit, digit| unit << 4 | hex_value(*digit).unwrap_or(0));
                    *saved += digits.len() + 1 - unit_bytes(unit);
                }
                places &= places - 1;
            }
            _ => return places & places.wrapping_neg(),
        }
    }
    0
}

/// The position just past the closing quote of a short string whose text begins at `begin` and is plain ASCII, as most
/// are. `None`: any other string.
#[inline(always)]
pub(super) fn short_string_end(bytes: &[u8], begin: usize) -> Option<usize> {
    let mut at = begin;
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        let classes = classify(block);
        if classes.special != 0 {
            return end_at_quote(bytes, at, classes.special, classes.high);
        }
        if classes.high != 0 || at > begin + 3 * BLOCK {
            return None;
        }
        at += BLOCK;
    }
    // Less than a block is left. The last block of `bytes` holds it, behind bytes that were tested already.
    let tested = at.checked_sub(bytes.len().checked_sub(BLOCK)?)?;
    let classes = classify(bytes.last_chunk::<BLOCK>()?);
    end_at_quote(bytes, at, classes.special.checked_shr(tested as u32)?, classes.high >> tested)
}

/// The position just past the quote that ends a string, if the first special byte from `at` on is one and all bytes
/// before it are ASCII.
#[inline(always)]
fn end_at_quote(bytes: &[u8], at: usize, special: u32, high: u32) -> Option<usize> {
    let place = special.trailing_zeros();
    let ascii = special != 0 && high & !(u32::MAX << place) == 0;
    let end = at + place as usize;
    (ascii && bytes.get(end) == Some(&b'"')).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::skippable_run;

    #[test]
    fn a_skippable_run_ends_at_the_same_byte_after_any_number_of_plain_blocks() {
        for (piece, ends) in
            [("\"", Some(0)), ("\n", Some(0)), ("\\n", None), ("\\\"", None), ("\\x", Some(0)), ("é", None)]
        {
            for place in 0..200 {
                for rest in [0, 1, 15, 16, 40, 90] {
                    let text = "a".repeat(place) + piece + &"b".repeat(rest);
                    let run = skippable_run(text.as_bytes(), 0);
                    // Where less than a block is left, an escape ends the run.
                    let near = piece.starts_with('\\') && text.len() - place < 32;
                    let expected = ends.map_or(text.len(), |at| place + at);
                    assert!(
                        run.end == expected || near && run.end == place,
                        "{place} {piece:?} {rest}: {}",
                        run.end
                    );
                    assert_eq!(run.ascii, text.as_bytes()[..run.end].is_ascii(), "{place} {piece:?} {rest}");
                }
            }
        }
    }
}
