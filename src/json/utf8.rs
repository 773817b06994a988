//! Validates UTF-8 where the text itself is not wanted. Wanted text goes through `core::str::from_utf8`.
//!
//! Written by hand beside `simdutf8` because a string arrives in chunks that may split a character: the scanner keeps
//! the incomplete tail ([`incomplete_tail`]) and validates runs of any length. The streaming validators of `simdutf8`
//! are `unsafe`, which this crate denies. Its `basic::from_utf8`, which has a wasm implementation too, could replace
//! [`is_utf8`] for one run; that is not measured yet.

/// Whether all of `bytes` are UTF-8.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(super) fn is_utf8(bytes: &[u8]) -> bool {
    core::str::from_utf8(bytes).is_ok()
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) use vectors::is_utf8;

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

/// Sixteen bytes at a time: three table look-ups show for each byte whether it may follow the one before it
/// (J. Keiser, D. Lemire: Validating UTF-8 In Less Than One Instruction Per Byte, 2021, arXiv:2010.03090).
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
mod vectors {
    use core::arch::wasm32::{
        i8x16_shuffle, u8x16, u8x16_ge, u8x16_shr, u8x16_splat, u8x16_swizzle, u64x2, v128, v128_and,
        v128_any_true, v128_or, v128_xor,
    };

    // The errors of a pair of bytes, one bit each. A table sets the bit for each nibble that the error can have.
    /// The first needs a continuation byte, and the second is none.
    const SHORT: u8 = 1 << 0;
    /// The first is ASCII, and the second is a continuation byte.
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
    /// Both are continuation bytes. That is valid only where the second is the third or fourth byte of a character.
    const CONTINUED: u8 = 1 << 7;

    /// The errors that do not depend on the low nibble of the first byte.
    const ANY: u8 = SHORT | LONG | CONTINUED;
    /// The errors that a second byte can have if it is a continuation byte.
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
        // Zeros follow the last byte, so that a character that is incomplete there is an error.
        let mut last = [0; 16];
        for (place, &byte) in last.iter_mut().zip(rest) {
            *place = byte;
        }
        !v128_any_true(v128_or(wrong, check(before, load(&last))))
    }

    #[inline(always)]
    fn load(block: &[u8; 16]) -> v128 {
        // Loaded as in `byte_classes::Lanes::load`.
        let both = u128::from_le_bytes(*block);
        u64x2(both as u64, (both >> 64) as u64)
    }

    /// Not zero at each byte that cannot follow the bytes before it.
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
