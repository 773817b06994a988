//! The hash of small, bounded sets: series, labels, ids.

use core::hash::{BuildHasherDefault, Hasher};

/// The hash FNV-1a, <http://www.isthe.com/chongo/tech/comp/fnv/>. It does not resist collisions that a peer provokes: use it
/// only for bounded sets. The standard library's hash, which resists them, takes ten times as long. Written by hand, because
/// it takes ten lines.
#[derive(Clone, Copy, Debug)]
pub struct Fnv(u64);

/// Makes an [`Fnv`] for each look-up.
pub type BuildFnv = BuildHasherDefault<Fnv>;

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    // Compiled once, not into each of its many callers.
    #[inline(never)]
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_isize(&mut self, number: isize) {
        // The discriminant of an enum.
        self.write_u8(number as u8);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
