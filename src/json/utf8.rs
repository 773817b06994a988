//! Validates UTF-8 where the text itself is not wanted. Wanted text goes through `core::str::from_utf8`.
//!
//! `simdutf8` validates a run that is in memory as a whole (J. Keiser, D. Lemire: Validating UTF-8 In Less Than One
//! Instruction Per Byte, 2021, arXiv:2010.03090). A string arrives in chunks that may split a character: the scanner keeps
//! the incomplete tail ([`incomplete_tail`]).

/// Whether all of `bytes` are UTF-8.
pub(super) fn is_utf8(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok()
}

/// How many bytes at the end of `bytes` begin a character that is incomplete.
pub(super) fn incomplete_tail(bytes: &[u8]) -> usize {
    for (back, &byte) in bytes.iter().rev().take(3).enumerate() {
        let needed = match byte {
            0..0x80 => 1,
            0x80..0xc0 => continue,
            0xc0..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0..=0xff => 4,
        };
        return if needed > back + 1 { back + 1 } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::{incomplete_tail, is_utf8};

    /// The first and last byte of each range that the rules distinguish.
    const BORDERS: [u8; 24] = [
        0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
        0xee, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff,
    ];

    #[test]
    fn the_verdict_is_that_of_the_standard_library() {
        for place in [0, 11, 13, 14, 15, 16, 30] {
            let mut bytes = [b'x'; 35];
            for code in 0..BORDERS.len().pow(4) {
                for (i, byte) in bytes[place..].iter_mut().take(4).enumerate() {
                    *byte = BORDERS[code / BORDERS.len().pow(i as u32) % BORDERS.len()];
                }
                for end in [place + 4, bytes.len()] {
                    let bytes = &bytes[..end];
                    assert_eq!(is_utf8(bytes), std::str::from_utf8(bytes).is_ok(), "{bytes:x?}");
                }
            }
        }
    }

    #[test]
    fn an_incomplete_character_is_found_only_at_the_end() {
        for (bytes, expected) in [
            (&b""[..], 0),
            (b"a", 0),
            ("é€😀".as_bytes(), 0),
            (b"a\xc3", 1),
            (b"a\xe2\x82", 2),
            (b"\xf0\x9f\x98", 3),
            (b"\xf0\x9f", 2),
            (b"\x80\x80\x80\x80", 0),
            (b"\xc3a", 0),
        ] {
            assert_eq!(incomplete_tail(bytes), expected, "{bytes:x?}");
        }
    }
}
