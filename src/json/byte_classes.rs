//! Classifies 16 or 64 bytes at once: masks of one bit a byte, the first byte in the lowest bit.
//!
//! The instructions are in two files with the same items, of which one is compiled: `wasm.rs` for the filter,
//! `processor.rs` for the dynamic module and tests. [`Lanes`] are 16 bytes and [`Wide`] is 64. Code for 64 bytes takes
//! [`Vectors`] and runs in [`vectorized`], because processors of one architecture differ in their widest vectors. 16 bytes
//! are classified with the vectors that every processor of the architecture has: wider ones would save less than the choice
//! costs.

#[cfg(not(target_arch = "wasm32"))]
mod processor;
#[cfg(target_arch = "wasm32")]
mod wasm;

#[cfg(not(target_arch = "wasm32"))]
pub(super) use processor::{Lanes, Letters, Vectors, Wide, level, vectorized};
#[cfg(target_arch = "wasm32")]
pub(super) use wasm::{Lanes, Letters, Vectors, Wide, vectorized};

/// Bytes in a block.
pub(super) const BLOCK: usize = 16;

/// Bytes in a wide block, which has a mask of 64 bits.
pub(super) const WIDE: usize = 4 * BLOCK;

/// Which bytes of a block need attention inside a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ByteClasses {
    /// The bytes that end a plain run: quotes, backslashes and control characters (RFC 8259 §7).
    pub(super) special: u32,
    /// The bytes that are not ASCII.
    pub(super) high: u32,
}

/// Finds the bytes that end a plain run or are not ASCII.
#[inline(always)]
pub(super) fn classify(block: &[u8; BLOCK]) -> ByteClasses {
    let lanes = Lanes::load(block);
    ByteClasses { special: lanes.special().mask(), high: lanes.mask() }
}

/// What blocks are compared with to find the bytes that end a plain run. It keeps the constants in registers
/// ([`Lanes::kept`]), so it is made once for many blocks or strings.
#[derive(Clone, Copy)]
pub(super) struct Stops {
    /// Makes a quote 0x20, one more than the last control character, and leaves control characters below.
    flip: Lanes,
    /// The highest bit of this minus a flipped byte is set for quotes and control characters only.
    last_end: Lanes,
    backslash: Lanes,
}

impl Stops {
    #[inline(always)]
    pub(super) fn new() -> Self {
        Self {
            flip: Lanes::kept(b'"' ^ 0x20),
            last_end: Lanes::kept(0x80 + 0x20),
            backslash: Lanes::kept(b'\\'),
        }
    }

    /// The bytes that end a plain run and those that are not ASCII.
    #[inline(always)]
    pub(super) fn mask(self, block: &[u8; BLOCK]) -> u32 {
        let lanes = Lanes::load(block);
        self.ends(lanes).or(lanes.same(self.backslash)).or(lanes).mask()
    }

    /// The quotes and control characters.
    #[inline(always)]
    fn ends(self, lanes: Lanes) -> Lanes {
        self.last_end.above(lanes.xor(self.flip))
    }
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

/// The letters of escapes except for `b` and `r`, each at the place of its low nibble. Every other place holds a byte with
/// another low nibble, which equals no byte that is looked up there.
const LETTERS: [u8; BLOCK] = *b"\x01\0\"\0t\0f\0\0\0\0\0\\\0n/";

#[cfg(test)]
pub(super) use processor::tests::with_all_vectors;

#[cfg(test)]
mod tests {
    use super::super::unescape::letter_value;
    use super::{BLOCK, ByteClasses, Letters, Stops, Vectors, WIDE, Wide};
    use super::{classify, is_special, vectorized, white_space, with_all_vectors};

    /// Checks blocks with every byte at every position among fillers of every class.
    fn each(check: impl Fn(&[u8; BLOCK], &dyn Fn(fn(u8) -> bool) -> u32)) {
        for filler in *b"a\"\\ \x00u\xff\x80\x01\xe4\xed" {
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
            assert_eq!(Stops::new().mask(block), expected.special | expected.high, "{block:?}");
            assert_eq!(white_space(block), mask(|byte| b" \t\r\n".contains(&byte)));
        });
    }

    #[test]
    fn every_byte_of_a_wide_block_is_classified_with_any_vectors() {
        with_all_vectors(|| {
            each(|block, mask| {
                for place in 0..4 {
                    let mut wide = [b'x'; WIDE];
                    wide[place * BLOCK..][..BLOCK].copy_from_slice(block);
                    let mask = |is: fn(u8) -> bool| u64::from(mask(is)) << (place * BLOCK);
                    vectorized!(vectors => check_wide(vectors, &wide, mask));
                }
            });
        });
    }

    fn check_wide(vectors: impl Vectors, wide: &[u8; WIDE], mask: impl Fn(fn(u8) -> bool) -> u64) {
        let (stops, letters) = (Stops::new(), Letters::new(vectors));
        let found = Wide::load(vectors, wide);
        assert_eq!(found.ends(stops), mask(|byte| is_special(byte) && byte != b'\\'));
        assert_eq!(found.has_special(stops), mask(is_special) != 0);
        assert_eq!(found.backslash(stops), mask(|byte| byte == b'\\'));
        assert_eq!(found.has_high(), mask(|byte| byte >= 0x80) != 0);
        assert_eq!(found.high(), mask(|byte| byte >= 0x80));
        assert_eq!(found.continuations(), mask(|byte| (0x80..0xc0).contains(&byte)));
        assert_eq!(found.threes(), mask(|byte| matches!(byte, 0xe1..=0xec | 0xee..=0xef)));
        assert_eq!(letters.mask(found), mask(|byte| letter_value(byte).is_some()));
    }
}
