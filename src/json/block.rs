//! Sixteen bytes of a string at once.

/// Bytes in a block.
pub(super) const BLOCK: usize = 16;

/// What the bytes of a block are, one bit a byte, the first byte in the lowest bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Classes {
    /// A quote, a backslash or a control character: what ends a plain run.
    pub(super) special: u32,
    /// Not ASCII.
    pub(super) high: u32,
}

/// Classifies a block.
#[inline(always)]
pub(super) fn classify(block: &[u8; BLOCK]) -> Classes {
    let (mut special, mut high) = (0, 0);
    for (bit, &byte) in block.iter().enumerate() {
        special |= u32::from(is_special(byte)) << bit;
        high |= u32::from(byte >= 0x80) << bit;
    }
    Classes { special, high }
}

/// Whether a byte ends a plain run.
#[inline(always)]
pub(super) fn is_special(byte: u8) -> bool {
    byte == b'"' || byte == b'\\' || byte < 0x20
}

#[cfg(test)]
mod tests {
    use super::{BLOCK, Classes, classify, is_special};

    #[test]
    fn every_byte_is_classified_at_every_place() {
        for byte in 0..=u8::MAX {
            for place in 0..BLOCK {
                let mut block = [b'a'; BLOCK];
                block[place] = byte;
                let bit = 1 << place;
                let expected = Classes {
                    special: if is_special(byte) { bit } else { 0 },
                    high: if byte.is_ascii() { 0 } else { bit },
                };
                assert_eq!(classify(&block), expected, "{byte:#x} at {place}");
            }
        }
    }
}
