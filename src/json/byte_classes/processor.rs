//! The vectors of processors: SSE2 up to AVX-512, and NEON. The package `fearless_simd` makes them usable without unsafe
//! code.

use super::{BLOCK, LETTERS, Stops, WIDE};
use fearless_simd::{Bytes, Level, SimdBase, SimdInt, SimdMask, i8x16, i8x64, mask8x16, u8x16, u8x64};

/// One kind of vectors, such as AVX2. A value of it is the proof that the processor has them.
pub(in crate::json) use fearless_simd::Simd as Vectors;

/// Runs code with the widest vectors that the processor has: `vectorized!(vectors => code)`, where `vectors` is of a type
/// of [`Vectors`]. The code is compiled for each of these types.
macro_rules! vectorized {
    ($vectors:ident => $code:expr) => {
        fearless_simd::dispatch!($crate::json::byte_classes::level(), $vectors => $code)
    };
}
pub(in crate::json) use vectorized;

/// The vectors that every processor of the architecture has.
#[cfg(target_arch = "x86_64")]
type Baseline = fearless_simd::x86::Sse2;
#[cfg(target_arch = "aarch64")]
type Baseline = fearless_simd::aarch64::Neon;
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
type Baseline = fearless_simd::Fallback;

#[allow(clippy::expect_used, reason = "the compiler sees that it cannot fail")]
#[inline(always)]
fn baseline() -> Baseline {
    #[cfg(target_arch = "x86_64")]
    return Level::baseline().as_sse2().expect("x86-64 has SSE2");
    #[cfg(target_arch = "aarch64")]
    return Level::baseline().as_neon().expect("AArch64 has NEON");
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    return Baseline::new();
}

/// Sixteen bytes.
#[derive(Clone, Copy)]
pub(in crate::json) struct Lanes(u8x16<Baseline>);

impl Lanes {
    #[inline(always)]
    pub(in crate::json) fn load(block: &[u8; BLOCK]) -> Self {
        Self(u8x16::load_array_ref(baseline(), block))
    }

    #[inline(always)]
    pub(in crate::json) fn splat(byte: u8) -> Self {
        Self(u8x16::splat(baseline(), byte))
    }

    #[inline(always)]
    fn of(mask: mask8x16<Baseline>) -> Self {
        Self(mask.to_vector().bitcast())
    }

    /// As [`splat`](Self::splat): the compiler keeps constants in registers.
    #[inline(always)]
    pub(in crate::json) fn kept(byte: u8) -> Self {
        Self::splat(byte)
    }

    #[inline(always)]
    pub(in crate::json) fn equal(self, byte: u8) -> Self {
        Self::of(self.0.simd_eq(byte))
    }

    #[inline(always)]
    pub(super) fn control(self) -> Self {
        Self::of(self.0.min(0x1f).simd_eq(self.0))
    }

    #[inline(always)]
    pub(in crate::json) fn above(self, bound: Self) -> Self {
        Self(self.0.saturating_sub(bound.0))
    }

    #[inline(always)]
    pub(in crate::json) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    #[inline(always)]
    pub(in crate::json) fn same(self, other: Self) -> Self {
        Self::of(self.0.simd_eq(other.0))
    }

    #[inline(always)]
    pub(in crate::json) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    #[inline(always)]
    pub(in crate::json) fn xor(self, other: Self) -> Self {
        Self(self.0 ^ other.0)
    }

    #[inline(always)]
    pub(in crate::json) fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[inline(always)]
    pub(in crate::json) fn mask(self) -> u32 {
        self.0.bitcast::<i8x16<Baseline>>().simd_lt(0).to_bitmask() as u32
    }
}

/// Sixty-four bytes.
#[derive(Clone, Copy)]
pub(in crate::json) struct Wide<V: Vectors>(u8x64<V>);

impl<V: Vectors> Wide<V> {
    #[inline(always)]
    pub(in crate::json) fn load(vectors: V, block: &[u8; WIDE]) -> Self {
        Self(u8x64::load_array_ref(vectors, block))
    }

    #[inline(always)]
    pub(in crate::json) fn has_special(self, _: Stops) -> bool {
        (self.0.simd_eq(b'"') | self.0.simd_lt(0x20) | self.0.simd_eq(b'\\')).any_true()
    }

    #[inline(always)]
    pub(in crate::json) fn has_high(self) -> bool {
        self.high() != 0
    }

    #[inline(always)]
    pub(in crate::json) fn high(self) -> u64 {
        self.0.bitcast::<i8x64<V>>().simd_lt(0).to_bitmask()
    }

    #[inline(always)]
    pub(in crate::json) fn continuations(self) -> u64 {
        // As signed bytes, continuations are the lowest.
        self.0.bitcast::<i8x64<V>>().simd_lt(0xc0_u8.cast_signed()).to_bitmask()
    }

    #[inline(always)]
    pub(in crate::json) fn threes(self) -> u64 {
        let [from_e1, from_f0] = [0xe1, 0xf0].map(|first: u8| self.0.simd_ge(first).to_bitmask());
        from_e1 & !from_f0 & !self.0.simd_eq(0xed).to_bitmask()
    }

    #[inline(always)]
    pub(in crate::json) fn ends(self, _: Stops) -> u64 {
        (self.0.simd_eq(b'"') | self.0.simd_lt(0x20)).to_bitmask()
    }

    #[inline(always)]
    pub(in crate::json) fn backslash(self, _: Stops) -> u64 {
        self.0.simd_eq(b'\\').to_bitmask()
    }
}

#[derive(Clone, Copy)]
pub(in crate::json) struct Letters<V: Vectors>(u8x64<V>);

impl<V: Vectors> Letters<V> {
    #[inline(always)]
    pub(in crate::json) fn new(vectors: V) -> Self {
        Self(u8x64::block_splat(u8x16::load_array(vectors, LETTERS)))
    }

    #[inline(always)]
    pub(in crate::json) fn mask(self, Wide(bytes): Wide<V>) -> u64 {
        let low = self.0.swizzle_dyn_within_blocks(bytes & 0x0f);
        (low.simd_eq(bytes) | (bytes | (b'b' ^ b'r')).simd_eq(b'r')).to_bitmask()
    }
}

/// The widest vectors that this processor has.
#[cfg(not(test))]
#[inline(always)]
pub(in crate::json) fn level() -> Level {
    Level::new()
}

#[cfg(test)]
pub(in crate::json) use tests::level;

#[cfg(test)]
pub(in crate::json) mod tests {
    use super::Level;
    use std::cell::Cell;

    thread_local! {
        static CHOSEN: Cell<Option<Level>> = const { Cell::new(None) };
    }

    /// The vectors that [`with_all_vectors`] has chosen, or else the widest ones.
    pub(in crate::json) fn level() -> Level {
        CHOSEN.get().unwrap_or_else(Level::new)
    }

    /// Runs `test` with each kind of vectors that this processor has.
    pub(in crate::json) fn with_all_vectors(test: impl Fn()) {
        #[cfg(target_arch = "x86_64")]
        let between = [Level::new().as_sse4_2().map(Level::Sse4_2), Level::new().as_avx2().map(Level::Avx2)];
        #[cfg(not(target_arch = "x86_64"))]
        let between: [Option<Level>; 0] = [];
        for level in [Level::baseline(), Level::new()].into_iter().chain(between.into_iter().flatten()) {
            CHOSEN.set(Some(level));
            test();
        }
        CHOSEN.set(None);
    }
}
