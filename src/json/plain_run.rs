//! Finds the end of a run inside of a string, 16 or 64 bytes at a time: of a *plain* run, which has no special bytes,
//! and of a *skippable* one, which may have valid escapes.

use super::append::padded;
use super::byte_classes::{BLOCK, Letters, Stops, Vectors, WIDE, Wide, classify, is_special, vectorized};
use super::unescape::{hex_value, letter_value, unit_bytes};
use super::utf8::character_bytes;

/// A run of bytes from a known start up to `end`.
pub(super) struct Run {
    /// The position just past the run.
    pub(super) end: usize,
    /// The position up to which the bytes are known to be UTF-8, a border of characters.
    pub(super) valid: usize,
    /// How many bytes fewer the text has than the run, because of escapes.
    pub(super) saved: usize,
}

/// The run from `at` up to the first quote, backslash or control character, or to the end of `bytes`.
#[inline(always)]
pub(super) fn plain_run(bytes: &[u8], mut at: usize) -> Run {
    let (begin, mut high) = (at, 0);
    let run = |end, ascii| Run { end, valid: if ascii { end } else { begin }, saved: 0 };
    let (blocks, rest) = bytes.get(at..).unwrap_or(&[]).as_chunks::<BLOCK>();
    for block in blocks {
        let classes = classify(block);
        if classes.special != 0 {
            let place = classes.special.trailing_zeros();
            high |= classes.high & !(u32::MAX << place);
            return run(at + place as usize, high == 0);
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
    run(at, ascii)
}

/// The end of [`plain_run`], for a text that is in memory as a whole. Not inlined, so that the module stays small.
#[inline(never)]
pub(super) fn plain_run_end(bytes: &[u8], mut at: usize) -> usize {
    let (blocks, rest) = bytes.get(at..).unwrap_or(&[]).as_chunks::<BLOCK>();
    for block in blocks {
        let special = classify(block).special;
        if special != 0 {
            return at + special.trailing_zeros() as usize;
        }
        at += BLOCK;
    }
    // The zeros behind the last byte are control characters, at which every run ends.
    at + classify(&padded(rest)).special.trailing_zeros() as usize
}

/// As [`plain_run`], for a string whose text is not wanted: valid escapes that `bytes` hold whole do not end the run.
#[inline(never)]
pub(super) fn skippable_run(bytes: &[u8], begin: usize) -> Run {
    let mut at = begin;
    let mut skip = Skip { pending: 0, saved: 0, over: 0, doubtful_from: NOWHERE };
    loop {
        let rest = bytes.get(at..).unwrap_or(&[]);
        let mut found = Found::default();
        at += if rest.len() < WINDOW {
            // The zeros behind the last byte are control characters, at which every run ends.
            skip.blocks(&padded_window(rest), at, &mut found)
        } else {
            skip.blocks(rest, at, &mut found)
        };
        let Found { ends, others, escaped, .. } = found;
        let stop =
            ends | if others == 0 { 0 } else { first_not_hex(bytes, at, others, ends, &mut skip.saved) };
        if stop != 0 {
            let place = stop.trailing_zeros();
            // A bad escape begins at its backslash, a byte earlier.
            let is_escaped = (escaped >> place & 1) as usize;
            let saved = skip.saved + (escaped & !(u64::MAX << place)).count_ones() as usize;
            let end = at + place as usize - is_escaped;
            return Run { end, valid: skip.doubtful_from.min(end), saved };
        }
        if others != 0 {
            skip.saved += escaped.count_ones() as usize;
            skip.pending = found.next;
            at += WIDE;
        }
    }
}

/// What is known of the blocks that were skipped.
struct Skip {
    /// 1: the last byte is a backslash that escapes the next block's first byte.
    pending: u64,
    /// How many bytes fewer the text has, because of escapes.
    saved: usize,
    /// How many bytes of the next block belong to a character that was checked.
    over: u32,
    /// The position from which on no character was checked: [`look_at`] did not check all of a block, or it ends within a
    /// character whose rest has not come.
    doubtful_from: usize,
}

/// A block and as many bytes as a character may have behind its end.
const WINDOW: usize = WIDE + 3;

/// No position.
const NOWHERE: usize = usize::MAX;

/// Up to this many bytes in a block, checking each character is faster than checking all bytes later.
const FEW: u32 = 8;

/// The masks of the block at which [`Skip::blocks`] stopped.
#[derive(Default)]
struct Found {
    /// Quotes and control characters.
    ends: u64,
    /// Escaped bytes that are no letter of an escape: `u`, or an error.
    others: u64,
    escaped: u64,
    /// 1: the last byte escapes the next block's first byte.
    next: u64,
}

impl Skip {
    /// Skips blocks up to the first one in which the run ends or an escape is no letter; fills `found` there. Returns
    /// how many bytes were skipped. `at`: the position of `bytes`. It makes no calls, so that all it needs stays in registers.
    #[inline(never)]
    fn blocks(&mut self, bytes: &[u8], at: usize, found: &mut Found) -> usize {
        vectorized!(vectors => self.blocks_with(vectors, bytes, at, found))
    }

    #[inline(always)]
    fn blocks_with(&mut self, vectors: impl Vectors, bytes: &[u8], at: usize, found: &mut Found) -> usize {
        let Self { mut pending, mut saved, mut over, mut doubtful_from } = *self;
        let (stops, letters) = (Stops::new(), Letters::new(vectors));
        // Behind a block with escapes, most blocks have some: testing for them first would cost more than it saves.
        let mut escapes_follow = pending != 0;
        let mut rest = bytes;
        while let Some(window) = rest.first_chunk::<WINDOW>()
            && let Some(block) = window.first_chunk::<WIDE>()
        {
            let wide = Wide::load(vectors, block);
            if doubtful_from == NOWHERE && wide.has_high() {
                let together = || (wide.threes(), wide.continuations());
                match look_at(wide.high() & u64::MAX << over, together, window) {
                    Some(more) => over = more,
                    None => doubtful_from = at + (bytes.len() - rest.len()) + over as usize,
                }
            }
            if escapes_follow || wide.has_special(stops) {
                let backslash = wide.backslash(stops);
                let ends = wide.ends(stops);
                let (escaped, next) = escaped(backslash, pending);
                let ends = ends & !escaped;
                // Most blocks have one or two escapes. Both cases take the same way: a branch would be hard to predict.
                let few =
                    escaped.count_ones() <= 2 && (escaped == 0) | are_letters_at_both_ends(block, escaped);
                let others = if few { 0 } else { escaped & !letters.mask(wide) };
                if ends | others != 0 {
                    *found = Found { ends, others, escaped, next };
                    break;
                }
                // Each escape has one byte more than what it escapes: its backslash.
                saved += escaped.count_ones() as usize;
                pending = next;
                escapes_follow = escaped | next != 0;
            }
            rest = rest.get(WIDE..).unwrap_or(&[]);
        }
        *self = Self { pending, saved, over, doubtful_from };
        bytes.len() - rest.len()
    }
}

/// Checks the characters of a block that are not ASCII. `high`: their bytes; `together`: computes [`Wide::threes`] and
/// [`Wide::continuations`] for the check of many characters together; `window`: the block and the bytes behind it.
/// Returns how many bytes of the next block belong to this block's last character. `None`: the bytes are not UTF-8, or more
/// than [`FEW`] of them cannot be checked together.
#[inline(always)]
fn look_at(mut high: u64, together: impl FnOnce() -> (u64, u64), window: &[u8; WINDOW]) -> Option<u32> {
    let mut over = 0;
    if high.count_ones() > FEW {
        // Together: characters of three bytes whose first byte any continuation may follow, as in Chinese and Japanese.
        let (threes, continuations) = together();
        let following = threes << 1 | threes << 2;
        if following & !continuations != 0 {
            return None;
        }
        high &= !(threes | following);
        if high.count_ones() > FEW {
            return None;
        }
        // 2: a character of three bytes begins with the block's last byte; 1: with the byte before it.
        over = (threes >> (WIDE - 2)) as u32;
        let behind = word_at(window, WIDE - 1) >> 8;
        if over != 0 && (behind ^ 0x8080) << (32 - 8 * over) & 0xc0c0_0000 != 0 {
            return None;
        }
    }
    while high != 0 {
        let place = high.trailing_zeros();
        let length = character_bytes(word_at(window, place as usize))?;
        if let Some(over) = (place + length).checked_sub(WIDE as u32) {
            // A branch, because the next block would wait for a value that is computed.
            return Some(over);
        }
        high &= u64::MAX << place << length;
    }
    Some(over)
}

/// The four bytes from `place` on, the first one in the lowest bits.
#[inline(always)]
fn word_at(window: &[u8; WINDOW], place: usize) -> u32 {
    let four = window.get(place..).and_then(<[u8]>::first_chunk);
    four.map_or(0, |four| u32::from_le_bytes(*four))
}

/// Whether the first and the last of the bytes `escaped` are letters of escapes. Without meaning if there are none.
#[inline(always)]
fn are_letters_at_both_ends(block: &[u8; WIDE], escaped: u64) -> bool {
    let value = |place: u32| {
        let byte = block.get((place & (WIDE as u32 - 1)) as usize).copied().unwrap_or(0);
        letter_value(byte).unwrap_or(0)
    };
    (value(escaped.trailing_zeros()) != 0) & (value(!escaped.leading_zeros()) != 0)
}

/// `bytes`, fewer than a window, padded with zeros.
#[inline(never)]
fn padded_window(bytes: &[u8]) -> [u8; WINDOW] {
    let mut window = [0; WINDOW];
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    let (places, last) = window.as_chunks_mut::<BLOCK>();
    let mut places = places.iter_mut();
    for (block, place) in blocks.iter().zip(places.by_ref()) {
        *place = *block;
    }
    match places.next() {
        Some(place) => *place = padded(rest),
        None => {
            for (byte, place) in rest.iter().zip(last) {
                *place = *byte;
            }
        }
    }
    window
}

/// The bytes that a backslash escapes, and 1 if the block's last byte escapes the first one of the next block.
/// `pending`: 1 if the block's first byte is escaped. In a row of backslashes, each one that is not escaped escapes the
/// next.
///
/// The subtraction turns the bits of each row into those that are escapes, without a branch (G. Langdale, D. Lemire:
/// Parsing Gigabytes of JSON per Second, 2019, arXiv:1902.08318; in the form of simdjson 3).
#[inline(always)]
fn escaped(backslash: u64, pending: u64) -> (u64, u64) {
    const ODD: u64 = 0xaaaa_aaaa_aaaa_aaaa;
    let starts = backslash & !pending;
    let ends = (starts << 1 | ODD).wrapping_sub(starts) ^ ODD;
    (ends ^ (backslash | pending), (ends & backslash) >> (WIDE - 1))
}

/// The first of `places` in the block at `at` where `bytes` do not hold a `u` and four hexadecimal digits; 0: none. For
/// each place before that and before the first of `ends`, `saved` grows by the bytes that the text is shorter than `u`
/// and the digits.
#[inline(never)]
fn first_not_hex(bytes: &[u8], at: usize, mut places: u64, ends: u64, saved: &mut usize) -> u64 {
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
pub(super) fn short_string_end(bytes: &[u8], begin: usize, stops: Stops) -> Option<usize> {
    let mut at = begin;
    while let Some(block) = bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
        let found = stops.mask(block);
        if found != 0 {
            let end = at + found.trailing_zeros() as usize;
            return (bytes.get(end) == Some(&b'"')).then_some(end + 1);
        }
        if at > begin + 3 * BLOCK {
            return None;
        }
        at += BLOCK;
    }
    short_string_end_in_last_block(bytes, at)
}

/// As [`short_string_end`], if less than a block is left from `at` on. The last block of `bytes` holds it, behind bytes
/// that were tested already.
#[inline(never)]
fn short_string_end_in_last_block(bytes: &[u8], at: usize) -> Option<usize> {
    let tested = at.checked_sub(bytes.len().checked_sub(BLOCK)?)?;
    let found = Stops::new().mask(bytes.last_chunk::<BLOCK>()?).checked_shr(tested as u32)?;
    let end = at + found.trailing_zeros() as usize;
    (bytes.get(end) == Some(&b'"')).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::super::byte_classes::with_all_vectors;
    use super::{escaped, skippable_run};

    #[test]
    fn a_skippable_run_ends_at_the_same_byte_after_any_number_of_plain_blocks() {
        with_all_vectors(|| {
            for (piece, ends) in [
                ("\"", Some(0)),
                ("\n", Some(0)),
                ("\\n", None),
                ("\\\"", None),
                ("\\u00e9", None),
                ("\\u00g9", Some(0)),
                ("\\x", Some(0)),
                ("é", None),
            ] {
                for place in 0..200 {
                    for rest in [0, 1, 15, 16, 40, 63, 64, 90] {
                        let text = "a".repeat(place) + piece + &"b".repeat(rest);
                        let run = skippable_run(text.as_bytes(), 0);
                        assert_eq!(
                            run.end,
                            ends.map_or(text.len(), |at| place + at),
                            "{place} {piece:?} {rest}"
                        );
                        assert!(
                            std::str::from_utf8(&text.as_bytes()[..run.valid]).is_ok(),
                            "{place} {piece:?} {rest}"
                        );
                    }
                }
            }
        });
    }

    #[test]
    fn a_skippable_run_says_from_where_on_it_may_not_be_utf8() {
        with_all_vectors(|| {
            const BORDERS: [u8; 16] = [
                b'a', b'\\', b'n', 0x80, 0x9f, 0xa0, 0xbf, 0xc1, 0xc3, 0xe0, 0xe2, 0xed, 0xf0, 0xf1, 0xf4,
                0xf5,
            ];
            for place in [0, 1, 40, 60, 61, 62, 63, 64, 66, 124, 127, 130] {
                for code in 0..BORDERS.len().pow(4) {
                    let four = [0, 1, 2, 3].map(|i| BORDERS[code / BORDERS.len().pow(i) % BORDERS.len()]);
                    for rest in [&b""[..], b"bb\"", "é".repeat(40).as_bytes()] {
                        let bytes = [&vec![b'x'; place], &four[..], rest].concat();
                        let run = skippable_run(&bytes, 0);
                        let [valid, doubtful, all] = [0..run.valid, run.valid..run.end, 0..run.end]
                            .map(|range| std::str::from_utf8(&bytes[range]).is_ok());
                        assert!(valid, "{bytes:x?}");
                        assert_eq!(doubtful, all, "{bytes:x?}");
                    }
                }
            }
        });
    }

    #[test]
    fn sparse_characters_are_known_to_be_utf8_at_any_place() {
        with_all_vectors(|| {
            for letter in ["é", "模", "😀"] {
                for place in 0..200 {
                    let text = "a".repeat(place) + letter + &"b".repeat(50) + letter + "cc\"";
                    let run = skippable_run(text.as_bytes(), 0);
                    assert_eq!(run.valid, text.len() - 1, "{letter} {place}");
                }
            }
        });
    }

    #[test]
    fn among_many_letters_of_three_bytes_the_run_knows_what_is_utf8() {
        with_all_vectors(|| {
            const BORDERS: [u8; 15] =
                [b'a', 0x80, 0x9f, 0xa0, 0xbf, 0xc1, 0xc3, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf5];
            for letter in ["模", "\u{1000}", "\u{ffff}", "\u{c000}"] {
                for place in [0, 57, 58, 59, 60, 61, 62, 63, 64, 66, 126] {
                    let before = "x".repeat(place % 3) + &letter.repeat(place / 3);
                    for code in (0..BORDERS.len().pow(4)).step_by(7) {
                        let four = [0, 1, 2, 3].map(|i| BORDERS[code / BORDERS.len().pow(i) % BORDERS.len()]);
                        let bytes = [before.as_bytes(), &four, letter.repeat(50).as_bytes(), b"\""].concat();
                        let run = skippable_run(&bytes, 0);
                        assert_eq!(run.end, bytes.len() - 1);
                        let [valid, doubtful, all] = [0..run.valid, run.valid..run.end, 0..run.end]
                            .map(|range| std::str::from_utf8(&bytes[range]).is_ok());
                        assert!(valid, "{bytes:x?}");
                        assert_eq!(doubtful, all, "{bytes:x?}");
                    }
                }
            }
        });
    }

    #[test]
    fn letters_of_three_bytes_are_known_to_be_utf8_beside_a_few_others() {
        with_all_vectors(|| {
            for between in ["", "a", "é", "😀", "\u{d000}", "\\n"] {
                for place in 0..130 {
                    let text = "模".repeat(place / 2)
                        + between
                        + &"型".repeat(40 + place)
                        + "cc\""
                        + &" ".repeat(80);
                    let run = skippable_run(text.as_bytes(), 0);
                    assert_eq!((run.end, run.valid), (text.len() - 81, run.end), "{between} {place}");
                }
            }
        });
    }

    #[test]
    fn among_many_letters_beyond_ascii_a_wrong_byte_is_found() {
        with_all_vectors(|| {
            for letter in ["é", "模", "😀", "ퟻ", "ࠀ"] {
                for place in [0, 1, 40, 59, 60, 61, 62, 63, 64, 65, 100, 125, 126, 127, 128] {
                    let before = "x".repeat(place % letter.len()) + &letter.repeat(place / letter.len());
                    for code in (0..u16::MAX).step_by(29) {
                        let pair = code.wrapping_mul(0x9e37).to_be_bytes();
                        let bytes = [before.as_bytes(), &pair, letter.repeat(40).as_bytes(), b"\""].concat();
                        let run = skippable_run(&bytes, 0);
                        let [valid, doubtful, all] = [0..run.valid, run.valid..run.end, 0..run.end]
                            .map(|range| std::str::from_utf8(&bytes[range]).is_ok());
                        assert!(valid, "{bytes:x?}");
                        assert_eq!(doubtful, all, "{bytes:x?}");
                    }
                }
            }
        });
    }

    #[test]
    fn a_run_ends_before_an_escape_that_the_bytes_do_not_hold_whole() {
        with_all_vectors(|| {
            for place in 0..200 {
                for (escape, whole) in [("\\", 2), ("\\u", 6), ("\\u00e", 6), ("\\n", 2), ("\\\\", 2)] {
                    let text = "a".repeat(place) + escape;
                    let expected = if escape.len() == whole { text.len() } else { place };
                    assert_eq!(skippable_run(text.as_bytes(), 0).end, expected, "{place} {escape}");
                }
            }
        });
    }

    #[test]
    fn in_a_row_of_backslashes_every_other_one_is_escaped() {
        for seed in 0..2000_u64 {
            let random = |salt: u64| (seed + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(23);
            for backslash in [random(1), random(1) | random(2), random(1) | random(2) | random(3), u64::MAX] {
                for pending in [0, 1] {
                    let (mut expected, mut now) = (0, pending == 1);
                    for place in 0..64 {
                        expected |= u64::from(now) << place;
                        now = !now && backslash >> place & 1 == 1;
                    }
                    assert_eq!(
                        escaped(backslash, pending),
                        (expected, u64::from(now)),
                        "{backslash:b} {pending}"
                    );
                }
            }
        }
    }
}
