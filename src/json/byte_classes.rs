//! Classifies 16 or 64 bytes at once: masks of one bit a byte, the first byte in the lowest bit. This is the only file
//! with vector instructions: those of wasm and those of processors.
//!
//! Wasm has one kind of vectors. A processor may have wider ones than its architecture promises: code for 64 bytes is
//! compiled for each kind of [`Vectors`], and [`vectorized`] chooses one when it runs. 16 bytes are classified with what
//! every processor has, because the choice costs more than wider vectors save there.

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
    /// This less a flipped byte has the highest bit for quotes and control characters only.
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

/// Sixty-four bytes in four vectors. Each operation is written out four times, because the compiler would turn a loop
/// into one over memory.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[derive(Clone, Copy)]
pub(super) struct Wide(Lanes, Lanes, Lanes, Lanes);

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl Wide {
    #[inline(always)]
    pub(super) fn load(_: impl Vectors, block: &[u8; WIDE]) -> Self {
        let [a, b, c, d] = block.as_chunks::<BLOCK>().0 else {
            let none = Lanes::splat(0);
            return Self(none, none, none, none);
        };
        Self(Lanes::load(a), Lanes::load(b), Lanes::load(c), Lanes::load(d))
    }

    /// Whether a byte ends a plain run.
    #[inline(always)]
    pub(super) fn has_special(self, stops: Stops) -> bool {
        let Self(a, b, c, d) = self;
        let least = a.xor(stops.flip).min(b.xor(stops.flip)).min(c.xor(stops.flip).min(d.xor(stops.flip)));
        let ends = stops.last_end.above(least);
        let ab = a.same(stops.backslash).or(b.same(stops.backslash));
        ends.or(ab).or(c.same(stops.backslash).or(d.same(stops.backslash))).mask() != 0
    }

    /// Whether a byte is not ASCII.
    #[inline(always)]
    pub(super) fn has_high(self) -> bool {
        let Self(a, b, c, d) = self;
        a.or(b).or(c.or(d)).mask() != 0
    }

    /// The bytes that are not ASCII.
    #[inline(always)]
    pub(super) fn high(self) -> u64 {
        let Self(a, b, c, d) = self;
        joined(a, b, c, d)
    }

    /// The bytes that continue a character (RFC 3629 §4).
    #[inline(always)]
    pub(super) fn continuations(self) -> u64 {
        let Self(a, b, c, d) = self;
        joined(a.continuations(), b.continuations(), c.continuations(), d.continuations())
    }

    /// The first bytes of characters of three bytes, except for 0xe0 and 0xed, which not every continuation may follow.
    #[inline(always)]
    pub(super) fn threes(self) -> u64 {
        let Self(a, b, c, d) = self;
        let threes = joined(a.e1_to_ef(), b.e1_to_ef(), c.e1_to_ef(), d.e1_to_ef());
        let [a, b] = [a.equal(0xed), b.equal(0xed)];
        let [c, d] = [c.equal(0xed), d.equal(0xed)];
        if a.or(b).or(c.or(d)).mask() == 0 { threes } else { threes & !joined(a, b, c, d) }
    }

    /// The quotes and control characters.
    #[inline(always)]
    pub(super) fn ends(self, stops: Stops) -> u64 {
        let Self(a, b, c, d) = self;
        joined(stops.ends(a), stops.ends(b), stops.ends(c), stops.ends(d))
    }

    /// The backslashes.
    #[inline(always)]
    pub(super) fn backslash(self, stops: Stops) -> u64 {
        let Self(a, b, c, d) = self;
        joined(
            a.same(stops.backslash),
            b.same(stops.backslash),
            c.same(stops.backslash),
            d.same(stops.backslash),
        )
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
fn joined(a: Lanes, b: Lanes, c: Lanes, d: Lanes) -> u64 {
    u64::from(a.mask() | b.mask() << BLOCK) | u64::from(c.mask() | d.mask() << BLOCK) << (2 * BLOCK)
}

impl Lanes {
    /// As [`splat`](Self::splat), but in wasm kept in a register: V8 would compute a constant in each turn of a loop.
    #[inline(always)]
    pub(super) fn kept(byte: u8) -> Self {
        Self::splat(if cfg!(target_arch = "wasm32") { core::hint::black_box(byte) } else { byte })
    }

    /// The bytes that end a plain run.
    #[inline(always)]
    fn special(self) -> Self {
        self.equal(b'"').or(self.equal(b'\\')).or(self.control())
    }
}

/// The letter of an escape with each low nibble, except for `b` and `r`. No byte with the low nibble 0 is 1, and none
/// with another is 0.
const LETTERS: [u8; BLOCK] = *b"\x01\0\"\0t\0f\0\0\0\0\0\\\0n/";

/// Finds the bytes that complete an escape after a backslash: `"\/bfnrt`, but not `u`.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[derive(Clone, Copy)]
pub(super) struct Letters {
    table: Lanes,
    nibble: Lanes,
    b_or_r: Lanes,
    r: Lanes,
}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl Letters {
    pub(super) fn new(_: impl Vectors) -> Self {
        let table = Lanes::load(&core::hint::black_box(LETTERS));
        Self { table, nibble: Lanes::kept(0x0f), b_or_r: Lanes::kept(b'b' ^ b'r'), r: Lanes::kept(b'r') }
    }

    /// The letters in a block.
    #[inline(always)]
    pub(super) fn mask(self, Wide(a, b, c, d): Wide) -> u64 {
        joined(self.of(a), self.of(b), self.of(c), self.of(d))
    }

    #[inline(always)]
    fn of(self, lanes: Lanes) -> Lanes {
        let low = core::arch::wasm32::u8x16_swizzle(self.table.0, lanes.and(self.nibble).0);
        Lanes(low).same(lanes).or(lanes.or(self.b_or_r).same(self.r))
    }
}

/// Sixteen bytes, or sixteen truth values in the highest bit of each byte.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[derive(Clone, Copy)]
pub(super) struct Lanes(core::arch::wasm32::v128);

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl Lanes {
    /// One load of sixteen bytes without a pointer. It goes through a `u128` because the compiler sometimes turns a
    /// vector of sixteen single bytes into sixteen loads.
    #[inline(always)]
    pub(super) fn load(block: &[u8; BLOCK]) -> Self {
        let both = u128::from_le_bytes(*block);
        Self(core::arch::wasm32::u64x2(both as u64, (both >> 64) as u64))
    }

    /// Sixteen times this byte.
    #[inline(always)]
    pub(super) fn splat(byte: u8) -> Self {
        Self(core::arch::wasm32::u8x16_splat(byte))
    }

    #[inline(always)]
    pub(super) fn equal(self, byte: u8) -> Self {
        Self(core::arch::wasm32::u8x16_eq(self.0, core::arch::wasm32::u8x16_splat(byte)))
    }

    #[inline(always)]
    fn control(self) -> Self {
        // 0x9f - byte has the highest bit up to 0x1f only. One instruction; V8 needs four for a comparison.
        Self(core::arch::wasm32::u8x16_sub_sat(core::arch::wasm32::u8x16_splat(0x9f), self.0))
    }

    #[inline(always)]
    fn continuations(self) -> Self {
        // As signed bytes, continuations are the lowest.
        Self(core::arch::wasm32::i8x16_gt(core::arch::wasm32::u8x16_splat(0xc0), self.0))
    }

    #[inline(always)]
    fn e1_to_ef(self) -> Self {
        let from_e1 = core::arch::wasm32::u8x16_sub(self.0, core::arch::wasm32::u8x16_splat(0xe1));
        Self(core::arch::wasm32::u8x16_sub_sat(
            core::arch::wasm32::u8x16_splat(0x80 + (0xef - 0xe1)),
            from_e1,
        ))
    }

    /// By how much each byte is above `bound`; 0: it is not. The highest bit is set from `bound + 0x80` on.
    #[inline(always)]
    pub(super) fn above(self, bound: Self) -> Self {
        Self(core::arch::wasm32::u8x16_sub_sat(self.0, bound.0))
    }

    #[inline(always)]
    pub(super) fn min(self, other: Self) -> Self {
        Self(core::arch::wasm32::u8x16_min(self.0, other.0))
    }

    #[inline(always)]
    pub(super) fn and(self, other: Self) -> Self {
        Self(core::arch::wasm32::v128_and(self.0, other.0))
    }

    /// All bits of the bytes that are the same.
    #[inline(always)]
    pub(super) fn same(self, other: Self) -> Self {
        Self(core::arch::wasm32::u8x16_eq(self.0, other.0))
    }

    /// The bits of `self` that `other` lacks.
    #[inline(always)]
    pub(super) fn without(self, other: Self) -> Self {
        Self(core::arch::wasm32::v128_andnot(self.0, other.0))
    }

    #[inline(always)]
    pub(super) fn xor(self, other: Self) -> Self {
        Self(core::arch::wasm32::v128_xor(self.0, other.0))
    }

    #[inline(always)]
    pub(super) fn or(self, other: Self) -> Self {
        Self(core::arch::wasm32::v128_or(self.0, other.0))
    }

    #[inline(always)]
    pub(super) fn mask(self) -> u32 {
        u32::from(core::arch::wasm32::u8x16_bitmask(self.0))
    }
}

/// The vectors of wasm.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(super) trait Vectors: Copy {}

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
impl Vectors for () {}

/// Runs code with the widest vectors: `vectorized!(vectors => code)`, where `vectors` is of a type of [`Vectors`].
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
macro_rules! vectorized {
    ($vectors:ident => $code:expr) => {{
        let $vectors = ();
        $code
    }};
}

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
macro_rules! vectorized {
    ($vectors:ident => $code:expr) => {
        fearless_simd::dispatch!($crate::json::byte_classes::level(), $vectors => $code)
    };
}
pub(super) use vectorized;

#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(super) use fearless_simd::Simd as Vectors;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
mod processor;
#[cfg(test)]
pub(super) use processor::tests::with_all_vectors;
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
pub(super) use processor::{Lanes, Letters, Wide, level};

#[cfg(test)]
mod tests {
    use super::super::unescape::letter_value;
    use super::{BLOCK, ByteClasses, Letters, Stops, Vectors, WIDE, Wide};
    use super::{classify, is_special, white_space, with_all_vectors};

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
