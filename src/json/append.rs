//! Appends short byte strings without a call: in wasm each copy whose length is not a constant calls a function outside
//! of the module, which costs more than the copy itself.

use super::byte_classes::BLOCK;

/// Above this length in bytes a copy is worth the call.
const LONG: usize = 8 * BLOCK;

/// Appends `bytes`.
pub(super) fn append(out: &mut Vec<u8>, bytes: &[u8]) {
    let Some(last) = bytes.last_chunk::<BLOCK>() else {
        return append_head(out, &padded(bytes), bytes.len());
    };
    if bytes.len() > LONG {
        return out.extend_from_slice(bytes);
    }
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    blocks.iter().for_each(|block| out.extend_from_slice(block));
    if !rest.is_empty() {
        // The last block of `bytes` holds the rest, behind bytes that `out` ends with already.
        out.truncate(out.len().saturating_sub(BLOCK - rest.len()));
        out.extend_from_slice(last);
    }
}

/// Appends the first `len` bytes of `block`.
#[inline(always)]
pub(super) fn append_head(out: &mut Vec<u8>, block: &[u8; BLOCK], len: usize) {
    let end = out.len().saturating_add(len);
    out.extend_from_slice(block);
    out.truncate(end);
}

/// Copies `run` behind the first `len` bytes of `buffer`, as far as it fits. Returns the length with it, also beyond what fits.
#[inline(never)]
pub(crate) fn append_what_fits(buffer: &mut [u8], len: usize, run: &[u8]) -> usize {
    for (place, &byte) in buffer.iter_mut().skip(len).zip(run) {
        *place = byte;
    }
    len.saturating_add(run.len())
}

/// `bytes`, fewer than a block, padded with zeros.
#[inline(always)]
pub(crate) fn padded(bytes: &[u8]) -> [u8; BLOCK] {
    // The first and the last word cover all bytes. Shifts away the bits of the last word that the first one holds too.
    let shared = |width: usize| 8 * (2 * width).saturating_sub(bytes.len()) as u32;
    let (low, high) = if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last).checked_shr(shared(8)).unwrap_or(0))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let high = u32::from_le_bytes(*last).checked_shr(shared(4)).unwrap_or(0);
        (u64::from(high) << 32 | u64::from(u32::from_le_bytes(*first)), 0)
    } else {
        (bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0)
    };
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}
