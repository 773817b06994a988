//! Classifies sixteen bytes at once: masks of one bit a byte, the first byte in the lowest bit.

/// Bytes in a block.
pub(super) const BLOCK: usize = 16;

/// Which bytes of a block need attention inside a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteClasses {
    /// The bytes that end a plain run: quotes, backslashes and control characters (RFC 8259 §7).
    pub(super) special: u32,
    /// The bytes that are not ASCII.
    pub(super) high: u32,
}

/// Which bytes of a block may be parts of an escape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct EscapeClasses {
    /// The backslashes.
    pub(super) backslash: u32,
    /// The bytes that complete an escape after a backslash: `"\/bfnrt`, but not `u`.
    pub(super) letter: u32,
}

/// Finds the bytes that end a plain run or are not ASCII.
#[inline(always)]
pub(super) fn classify(block: &[u8; BLOCK]) -> ByteClasses {
    let lanes = Lanes::load(block);
    ByteClasses { special: lanes.special().mask(), high: lanes.mask() }
}

/// `None`: a byte in the two blocks ends a plain run. Else not zero if one of them is not ASCII.
#[inline(always)]
pub(super) fn both_plain(blocks: &[u8; 2 * BLOCK]) -> Option<u32> {
    let [one, other] = blocks.as_chunks::<BLOCK>().0 else { return None };
    let (one, other) = (Lanes::load(one), Lanes::load(other));
    if one.special().or(other.special()).mask() != 0 {
        return None;
    }
    Some(one.or(other).mask())
}

/// Finds the parts of escapes.
#[inline(always)]
pub(super) fn escapes(block: &[u8; BLOCK]) -> EscapeClasses {
    let lanes = Lanes::load(block);
    let backslash = lanes.equal(b'\\');
    let letter = backslash.or(lanes.equal(b'"')).or(lanes.equal(b'/')).or(lanes.equal(b'b'));
    let letter =
        letter.or(lanes.equal(b'f')).or(lanes.equal(b'n')).or(lanes.equal(b'r')).or(lanes.equal(b't'));
    EscapeClasses { backslash: backslash.mask(), letter: letter.mask() }
}

/// Finds white space (RFC 8259 §2).
#[inline(always)]
pub(super) fn white_space(block: &[u8; BLOCK]) -> u32 {
    let lanes = Lanes::load(block);
    lanes.equal(b' ').or(lanes.equal(b'\n')).or(lanes.equal(b'\r')).or(lanes.equal(b'\t')).mask()
}

/// Whether `byte` ends a plain run.
#[inline(always)]
pub(super) fn is_special(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

impl Lanes {
    /// The bytes that end a plain run.
    #[inline(always)]
    fn special(self) -> Self {
        self.equal(b'"').or(self.equal(b'\\')).or(self.control())
    }
}

/// Sixteen bytes, or sixteen truth values in the highest bit of each byte.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[derive(Clone, Copy)]
struct Lanes(core::arch::wasm32::v128);

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl Lanes {
    /// One load of sixteen bytes without a pointer. It goes through a `u128` because the compiler sometimes turns a
    /// vector of sixteen single bytes into sixteen loads.
    #[inline(always)]
    fn load(block: &[u8; BLOCK]) -> Self {
        let both = u128::from_le_bytes(*block);
        Self(core::arch::wasm32::u64x2(both as u64, (both >> 64) as u64))
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> Self {
        Self(core::arch::wasm32::u8x16_eq(self.0, core::arch::wasm32::u8x16_splat(byte)))
    }

    #[inline(always)]
    fn control(self) -> Self {
        Self(core::arch::wasm32::u8x16_lt(self.0, core::arch::wasm32::u8x16_splat(0x20)))
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(core::arch::wasm32::v128_or(self.0, other.0))
    }

    #[inline(always)]
    fn mask(self) -> u32 {
        u32::from(core::arch::wasm32::u8x16_bitmask(self.0))
    }
}

/// The same in two 64-bit words, for targets without these vectors: native tests and tools.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[derive(Clone, Copy)]
struct Lanes(u64, u64);

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
impl Lanes {
    const ONES: u64 = u64::MAX / 0xff;
    const HIGH: u64 = Self::ONES << 7;

    #[inline(always)]
    fn load(block: &[u8; BLOCK]) -> Self {
        let both = u128::from_le_bytes(*block);
        Self(both as u64, (both >> 64) as u64)
    }

    #[inline(always)]
    fn each(self, of: impl Fn(u64) -> u64) -> Self {
        Self(of(self.0), of(self.1))
    }

    /// Sets the highest bit of each byte that is zero and clears all other bits. No byte carries into the next.
    #[inline(always)]
    fn zero(self) -> Self {
        self.each(|word| !(((word & !Self::HIGH) + !Self::HIGH) | word) & Self::HIGH)
    }

    #[inline(always)]
    fn equal(self, byte: u8) -> Self {
        self.each(|word| word ^ (Self::ONES * u64::from(byte))).zero()
    }

    #[inline(always)]
    fn control(self) -> Self {
        self.each(|word| word & (Self::ONES * 0xe0)).zero()
    }

    #[inline(always)]
    fn or(self, other: Self) -> Self {
        Self(self.0 | other.0, self.1 | other.1)
    }

    #[inline(always)]
    fn mask(self) -> u32 {
        // The multiplication collects the highest bit of byte i at bit i of the product's highest byte.
        let Self(low, high) =
            self.each(|word| ((word & Self::HIGH) >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56);
        ((high << 8) | low) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, ByteClasses, classify, escapes, is_special, white_space};

    /// Checks blocks with every byte at every position among fillers of every class.
    fn each(check: impl Fn(&[u8; BLOCK], &dyn Fn(fn(u8) -> bool) -> u32)) {
        for filler in *b"a\"\\ \x00u\xff\x80\x01" {
            for byte in 0..=u8::MAX {
                for place in 0..BLOCK {
                    let mut block = [filler; BLOCK];
                    block[place] = byte;
                    let mask = |is: fn(u8) -> bool| (0..BLOCK).map(|i| u32::from(is(block[i])) << i).sum();
                    check(&block, &mask);
                }
            }
        }
    }

    #[test]
    fn every_byte_is_classified_at_every_position() {
        each(|block, mask| {
            let expected = ByteClasses { special: mask(is_special), high: mask(|byte| byte >= 0x80) };
            assert_eq!(classify(block), expected, "{block:?}");
            assert_eq!(white_space(block), mask(|byte| b" \t\r\n".contains(&byte)));
        });
    }

    #[test]
    fn every_part_of_an_escape_is_recognised_at_every_position() {
        each(|block, mask| {
            let found = escapes(block);
            assert_eq!(found.backslash, mask(|byte| byte == b'\\'));
            assert_eq!(found.letter, mask(|byte| b"\"\\/bfnrt".contains(&byte)));
        });
    }
}
