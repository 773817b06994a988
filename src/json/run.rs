//! How far a string goes on without anything to decide, sixteen bytes at a time.

use super::block::{BLOCK, both_plain, classify, escapes, is_special};

/// Blocks without a special byte after which more of them are expected: prose, or what is encoded.
const CALM: u32 = 4;

/// Bytes without a special one among them, from a start that the caller knows up to `end`.
pub(super) struct Run {
    pub(super) end: usize,
    /// Whether all of them are ASCII.
    pub(super) ascii: bool,
}

/// The run of bytes from `at` up to a quote, a backslash, a control character or the end.
#[inline(always)]
pub(super) fn plain(bytes: &[u8], mut at: usize) -> Run {
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
pub(super) fn unread(bytes: &[u8], begin: usize) -> Run {
    let (mut at, mut high) = (begin, 0);
    // 1: the next block's first byte stands after a backslash that escapes it.
    let mut pending = 0;
    let mut calm = 0;
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
            calm = 0;
        }
        high |= classes.high;
        at += BLOCK;
        calm += 1;
        if calm == CALM {
            calm = 0;
            // Two at a time are asked for little more than one. (Nothing is pending here: that block was not calm.)
            while let Some(more) =
                bytes.get(at..).and_then(<[u8]>::first_chunk::<{ 2 * BLOCK }>).and_then(both_plain)
            {
                high |= more;
                at += 2 * BLOCK;
            }
        }
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
            return ends(bytes, at, classes.special, classes.high);
        }
        if classes.high != 0 || at > begin + 3 * BLOCK {
            return None;
        }
        at += BLOCK;
    }
    // Less than a block is left: the last block holds it, behind bytes that were looked at.
    let seen = at.checked_sub(bytes.len().checked_sub(BLOCK)?)?;
    let classes = classify(bytes.last_chunk::<BLOCK>()?);
    ends(bytes, at, classes.special.checked_shr(seen as u32)?, classes.high >> seen)
}

/// Where the string ends that goes on at `at`, where those bytes are special and not ASCII.
#[inline(always)]
fn ends(bytes: &[u8], at: usize, special: u32, high: u32) -> Option<usize> {
    let place = special.trailing_zeros();
    let ascii = special != 0 && high & !(u32::MAX << place) == 0;
    let end = at + place as usize;
    (ascii && bytes.get(end) == Some(&b'"')).then_some(end + 1)
}

#[cfg(test)]
mod tests {
    use super::unread;

    #[test]
    fn a_run_that_nobody_reads_ends_where_it_must_however_long_it_was_calm() {
        for (piece, ends) in
            [("\"", Some(0)), ("\n", Some(0)), ("\\n", None), ("\\\"", None), ("\\x", Some(0)), ("é", None)]
        {
            for place in 0..200 {
                for rest in [0, 1, 15, 16, 40, 90] {
                    let text = "a".repeat(place) + piece + &"b".repeat(rest);
                    let run = unread(text.as_bytes(), 0);
                    // Where less than a block is left, the next step looks at an escape.
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
