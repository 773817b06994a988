//! White space between tokens (RFC 8259 §2).

use super::byte_classes::{BLOCK, white_space};

/// Moves `at` past white space, and returns the byte there; 0, which begins no token, if `bytes` end.
#[inline(always)]
pub(super) fn token_byte(bytes: &[u8], at: &mut usize) -> u8 {
    // Most documents have no white space, and in valid JSON no other byte between tokens is as low as a space.
    match bytes.get(*at) {
        Some(&byte) if byte > b' ' => byte,
        _ => {
            *at = past_more_white_space(bytes, *at);
            bytes.get(*at).copied().unwrap_or(0)
        }
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
