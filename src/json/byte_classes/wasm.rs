//! The vectors of wasm, which have 16 bytes. The doc comments hold for `processor.rs`, too.

use super::{BLOCK, LETTERS, Stops, WIDE};
use core::arch::wasm32::{
    i8x16_gt, u8x16_bitmask, u8x16_eq, u8x16_min, u8x16_splat, u8x16_sub, u8x16_sub_sat, u8x16_swizzle,
    u64x2, v128, v128_and, v128_andnot, v128_or, v128_xor,
};

/// The kinds of vectors: wasm has one, and `()` names it.
pub(in crate::json) trait Vectors: Copy {}

impl Vectors for () {}

/// Runs code with these vectors: `vectorized!(vectors => code)`, where `vectors` is of a type of [`Vectors`].
macro_rules! vectorized {
    ($vectors:ident => $code:expr) => {{
        let $vectors = ();
        $code
    }};
}
pub(in crate::json) use vectorized;

/// Sixteen bytes, or sixteen truth values in the highest bit of each byte.
#[derive(Clone, Copy)]
pub(in crate::json) struct Lanes(v128);

impl Lanes {
    /// One load of sixteen bytes without a pointer. It goes through a `u128` because the compiler sometimes turns a
    /// vector of sixteen single bytes into sixteen loads.
    #[inline(always)]
    pub(in crate::json) fn load(block: &[u8; BLOCK]) -> Self {
        let both = u128::from_le_bytes(*block);
        Self(u64x2(both as u64, (both >> 64) as u64))
    }

    /// Sixteen times this byte.
    #[inline(always)]
    pub(in crate::json) fn splat(byte: u8) -> Self {
        Self(u8x16_splat(byte))
    }

    /// As [`splat`](Self::splat), but kept in a register: V8 would compute a constant in each turn of a loop.
    #[inline(always)]
    pub(in crate::json) fn kept(byte: u8) -> Self {
        Self::splat(core::hint::black_box(byte))
    }

    #[inline(always)]
    pub(in crate::json) fn equal(self, byte: u8) -> Self {
        Self(u8x16_eq(self.0, u8x16_splat(byte)))
    }

    #[inline(always)]
    pub(super) fn control(self) -> Self {
        // 0x9f - byte has the highest bit up to 0x1f only. One instruction; V8 needs four for a comparison.
        Self(u8x16_sub_sat(u8x16_splat(0x9f), self.0))
    }

    #[inline(always)]
    fn continuations(self) -> Self {
        // As signed bytes, continuations are the lowest.
        Self(i8x16_gt(u8x16_splat(0xc0), self.0))
    }

    #[inline(always)]
    fn e1_to_ef(self) -> Self {
        let from_e1 = u8x16_sub(self.0, u8x16_splat(0xe1));
        Self(u8x16_sub_sat(u8x16_splat(0x80 + (0xef - 0xe1)), from_e1))
    }

    /// By how much each byte is above `bound`; 0: it is not. The highest bit is set from `bound + 0x80` on.
    #[inline(always)]
    pub(in crate::json) fn above(self, bound: Self) -> Self {
        Self(u8x16_sub_sat(self.0, bound.0))
    }

    #[inline(always)]
    pub(in crate::json) fn min(self, other: Self) -> Self {
        Self(u8x16_min(self.0, other.0))
    }

    #[inline(always)]
    pub(in crate::json) fn and(self, other: Self) -> Self {
        Self(v128_and(self.0, other.0))
    }

    /// All bits of the bytes that are the same.
    #[inline(always)]
    pub(in crate::json) fn same(self, other: Self) -> Self {
        Self(u8x16_eq(self.0, other.0))
    }

    /// The bits of `self` that `other` lacks.
    #[inline(always)]
    pub(in crate::json) fn without(self, other: Self) -> Self {
        Self(v128_andnot(self.0, other.0))
    }

    #[inline(always)]
    pub(in crate::json) fn xor(self, other: Self) -> Self {
        Self(v128_xor(self.0, other.0))
    }

    #[inline(always)]
    pub(in crate::json) fn or(self, other: Self) -> Self {
        Self(v128_or(self.0, other.0))
    }

    #[inline(always)]
    pub(in crate::json) fn mask(self) -> u32 {
        u32::from(u8x16_bitmask(self.0))
    }
}

/// Sixty-four bytes in four vectors. Each operation is written out four times, because the compiler would turn a loop
/// into one over memory.
#[derive(Clone, Copy)]
pub(in crate::json) struct Wide(Lanes, Lanes, Lanes, Lanes);

impl Wide {
    #[inline(always)]
    pub(in crate::json) fn load(_: impl Vectors, block: &[u8; WIDE]) -> Self {
        let [a, b, c, d] = block.as_chunks::<BLOCK>().0 else {
            let none = Lanes::splat(0);
            return Self(none, none, none, none);
        };
        Self(Lanes::load(a), Lanes::load(b), Lanes::load(c), Lanes::load(d))
    }

    /// Whether a byte ends a plain run.
    #[inline(always)]
    pub(in crate::json) fn has_special(self, stops: Stops) -> bool {
        let Self(a, b, c, d) = self;
        let least = a.xor(stops.flip).min(b.xor(stops.flip)).min(c.xor(stops.flip).min(d.xor(stops.flip)));
        let ends = stops.last_end.above(least);
        let ab = a.same(stops.backslash).or(b.same(stops.backslash));
        ends.or(ab).or(c.same(stops.backslash).or(d.same(stops.backslash))).mask() != 0
    }

    /// Whether a byte is not ASCII.
    #[inline(always)]
    pub(in crate::json) fn has_high(self) -> bool {
        let Self(a, b, c, d) = self;
        a.or(b).or(c.or(d)).mask() != 0
    }

    /// The bytes that are not ASCII.
    #[inline(always)]
    pub(in crate::json) fn high(self) -> u64 {
        let Self(a, b, c, d) = self;
        joined(a, b, c, d)
    }

    /// The bytes that continue a character (RFC 3629 §4).
    #[inline(always)]
    pub(in crate::json) fn continuations(self) -> u64 {
        let Self(a, b, c, d) = self;
        joined(a.continuations(), b.continuations(), c.continuations(), d.continuations())
    }

    /// The first bytes of characters of three bytes, except for 0xe0 and 0xed, which not every continuation may follow.
    #[inline(always)]
    pub(in crate::json) fn threes(self) -> u64 {
        let Self(a, b, c, d) = self;
        let threes = joined(a.e1_to_ef(), b.e1_to_ef(), c.e1_to_ef(), d.e1_to_ef());
        let [a, b] = [a.equal(0xed), b.equal(0xed)];
        let [c, d] = [c.equal(0xed), d.equal(0xed)];
        if a.or(b).or(c.or(d)).mask() == 0 { threes } else { threes & !joined(a, b, c, d) }
    }

    /// The quotes and control characters.
    #[inline(always)]
    pub(in crate::json) fn ends(self, stops: Stops) -> u64 {
        let Self(a, b, c, d) = self;
        joined(stops.ends(a), stops.ends(b), stops.ends(c), stops.ends(d))
    }

    /// The backslashes.
    #[inline(always)]
    pub(in crate::json) fn backslash(self, stops: Stops) -> u64 {
        let Self(a, b, c, d) = self;
        joined(
            a.same(stops.backslash),
            b.same(stops.backslash),
            c.same(stops.backslash),
            d.same(stops.backslash),
        )
    }
}

/// The masks of four times sixteen bytes as one.
#[inline(always)]
fn joined(a: Lanes, b: Lanes, c: Lanes, d: Lanes) -> u64 {
    u64::from(a.mask() | b.mask() << BLOCK) | u64::from(c.mask() | d.mask() << BLOCK) << (2 * BLOCK)
}

/// Finds the bytes that complete an escape after a backslash: `"\/bfnrt`, but not `u`.
#[derive(Clone, Copy)]
pub(in crate::json) struct Letters {
    table: Lanes,
    nibble: Lanes,
    b_or_r: Lanes,
    r: Lanes,
}

impl Letters {
    pub(in crate::json) fn new(_: impl Vectors) -> Self {
        let table = Lanes::load(&core::hint::black_box(LETTERS));
        Self { table, nibble: Lanes::kept(0x0f), b_or_r: Lanes::kept(b'b' ^ b'r'), r: Lanes::kept(b'r') }
    }

    /// The letters in a block.
    #[inline(always)]
    pub(in crate::json) fn mask(self, Wide(a, b, c, d): Wide) -> u64 {
        joined(self.of(a), self.of(b), self.of(c), self.of(d))
    }

    #[inline(always)]
    fn of(self, lanes: Lanes) -> Lanes {
        let low = u8x16_swizzle(self.table.0, lanes.and(self.nibble).0);
        Lanes(low).same(lanes).or(lanes.or(self.b_or_r).same(self.r))
    }
}
