//! What both hosts take from the standard library: randomness and the environment.

use core::hash::{BuildHasher, Hasher};
use std::collections::hash_map::RandomState;

/// 128 random bits. They come from the standard library's keyed hash: its key is chosen at random for each thread (each
/// VM), and the library changes the key with every call.
pub(super) fn random() -> u128 {
    let part = || u128::from(RandomState::new().build_hasher().finish());
    (part() << 64) | part()
}

/// An environment variable that the configuration names.
pub(super) fn environment_variable(name: &str) -> Option<String> {
    // No variable has such a name, and the standard library would panic on some of these characters.
    if name.is_empty() || name.contains(['=', '\0']) {
        return None;
    }
    std::env::var(name).ok()
}
