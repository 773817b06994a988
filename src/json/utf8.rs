//! Whether bytes are UTF-8, where the text itself is not needed. Where it is, `core::str::from_utf8` decides.

/// Whether `bytes` are UTF-8 from the first to the last.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(super) fn is_utf8(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_ok()
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) use vectors::is_utf8;

/// How many bytes at the end begin a character that needs more.
pub(super) fn incomplete(bytes: &[u8]) -> usize {
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

/// Sixteen bytes at a time: three table look-ups say of each byte and the one before whether they may stand side by
/// side (J. Keiser, D. Lemire: Validating UTF-8 In Less Than One Instruction Per Byte, 2021, arXiv:2010.03090).
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod vectors {
    use core::arch::wasm32::{
        i8x16_shuffle, u8x16, u8x16_ge, u8x16_shr, u8x16_splat, u8x16_swizzle, u64x2, v128, v128_and,
        v128_any_true, v128_or, v128_xor,
    };

    // What can be wrong with two neighbours: one bit each, set in a table where its nibble allows it.
    /// The first needs a continuation, the second is none.
    const SHORT: u8 = 1 << 0;
    /// The first is ASCII, the second a continuation.
    const LONG: u8 = 1 << 1;
    /// `e0` before 80–9f.
    const OVERLONG_3: u8 = 1 << 2;
    /// `f4` before 90–bf, or `f5`–`ff` before 90–bf.
    const LARGE: u8 = 1 << 3;
    /// `ed` before a0–bf.
    const SURROGATE: u8 = 1 << 4;
    /// `c0` or `c1`.
    const OVERLONG_2: u8 = 1 << 5;
    /// `f0` or `f5`–`ff` before 80–8f.
    const OVERLONG_4: u8 = 1 << 6;
    /// Both are continuations. That is right as the third or fourth byte of a character, and only there.
    const CONTINUED: u8 = 1 << 7;

    /// What a low nibble of the first says nothing about.
    const ANY: u8 = SHORT | LONG | CONTINUED;
    /// For the second: a continuation.
    const TAIL: u8 = LONG | OVERLONG_2 | CONTINUED;

    pub(in super::super) fn is_utf8(bytes: &[u8]) -> bool {
        let (blocks, rest) = bytes.as_chunks::<16>();
        let mut wrong = u8x16_splat(0);
        let mut before = u8x16_splat(0);
        for block in blocks {
            let block = load(block);
            wrong = v128_or(wrong, check(before, block));
            before = block;
        }
        // Zeros after the end: a character that is not complete there is wrong.
        let mut last = [0; 16];
        for (place, &byte) in last.iter_mut().zip(rest) {
            *place = byte;
        }
        !v128_any_true(v128_or(wrong, check(before, load(&last))))
    }

    #[inline(always)]
    fn load(block: &[u8; 16]) -> v128 {
        // As in `Lanes::load`.
        let both = u128::from_le_bytes(*block);
        u64x2(both as u64, (both >> 64) as u64)
    }

    /// Not zero where a byte is wrong after those before it.
    #[inline(always)]
    fn check(before: v128, block: v128) -> v128 {
        let first =
            i8x16_shuffle::<15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30>(before, block);
        let high = u8x16(
            LONG,
            LONG,
            LONG,
            LONG,
            LONG,
            LONG,
            LONG,
            LONG,
            CONTINUED,
            CONTINUED,
            CONTINUED,
            CONTINUED,
            SHORT | OVERLONG_2,
            SHORT,
            SHORT | OVERLONG_3 | SURROGATE,
            SHORT | LARGE | OVERLONG_4,
        );
        let beyond = ANY | LARGE | OVERLONG_4;
        let low = u8x16(
            ANY | OVERLONG_2 | OVERLONG_3 | OVERLONG_4,
            ANY | OVERLONG_2,
            ANY,
            ANY,
            ANY | LARGE,
            beyond,
            beyond,
            beyond,
            beyond,
            beyond,
            beyond,
            beyond,
            beyond,
            beyond | SURROGATE,
            beyond,
            beyond,
        );
        let second = u8x16(
            SHORT,
            SHORT,
            SHORT,
            SHORT,
            SHORT,
            SHORT,
            SHORT,
            SHORT,
            TAIL | OVERLONG_3 | OVERLONG_4,
            TAIL | OVERLONG_3 | LARGE,
            TAIL | SURROGATE | LARGE,
            TAIL | SURROGATE | LARGE,
            SHORT,
            SHORT,
            SHORT,
            SHORT,
        );
        let pairs = v128_and(
            v128_and(
                u8x16_swizzle(high, u8x16_shr(first, 4)),
                u8x16_swizzle(low, v128_and(first, u8x16_splat(0x0f))),
            ),
            u8x16_swizzle(second, u8x16_shr(block, 4)),
        );
        let two_before =
            i8x16_shuffle::<14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29>(before, block);
        let three_before =
            i8x16_shuffle::<13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28>(before, block);
        let third_or_fourth =
            v128_or(u8x16_ge(two_before, u8x16_splat(0xe0)), u8x16_ge(three_before, u8x16_splat(0xf0)));
        v128_xor(pairs, v128_and(third_or_fourth, u8x16_splat(CONTINUED)))
    }
}

#[cfg(test)]
mod tests {
    use super::{incomplete, is_utf8};

    /// Bytes at every border of what may follow what.
    const BORDERS: [u8; 24] = [
        0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed,
        0xee, 0xef, 0xf0, 0xf1, 0xf4, 0xf5, 0xff,
    ];

    #[test]
    fn every_sequence_of_four_bytes_is_judged_as_the_standard_library_does() {
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
    fn an_incomplete_character_is_found_at_the_end_only() {
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
            assert_eq!(incomplete(bytes), expected, "{bytes:x?}");
        }
    }
}
