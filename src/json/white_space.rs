//! White space between tokens (RFC 8259 §2).

use super::byte_classes::{BLOCK, white_space};

/// The first position from `at` on that holds no white space.
#[inline(always)]
pub(super) fn past_white_space(bytes: &[u8], at: usize) -> usize {
    // Most documents have no white space, and in valid JSON no other byte between tokens is as low as a space.
    match bytes.get(at) {
        Some(..=b' ') => past_more_white_space(bytes, at),
        _ => at,
    }
}

#[inline(never)]
fn past_more_white_space(bytes: &[u8], mut at: usize) -> usize {
    while let Some(b' ' | b'\n' | b'\r' | b'\t') = bytes.get(at) {
        at += match bytes.get(at..).and_then(<[u8]>::first_chunk::<BLOCK>) {
            Some(block) => (!white_space(block)).trailing_zeros() as usize,
            None => 1,
        }
    }
    at
}
