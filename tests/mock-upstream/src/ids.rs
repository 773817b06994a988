//! Identifiers that look like the providers': a prefix, then characters that differ from answer to answer.

use std::fmt::Write as _;

const ALPHANUMERIC: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The seed of the identifiers of one answer: the same seed gives the same identifiers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(pub(crate) u64);

impl Seed {
    /// `msg_01…`, `toolu_01…`: a prefix and 22 letters and digits.
    pub(crate) fn anthropic(self, prefix: &str) -> String {
        format!("{prefix}01{}", self.letters(prefix, 22))
    }

    /// `chatcmpl-…`, `call_…`: a prefix and letters and digits.
    pub(crate) fn openai(self, prefix: &str, length: usize) -> String {
        format!("{prefix}{}", self.letters(prefix, length))
    }

    /// `resp_…`, `req_…`: a prefix and hexadecimal digits.
    pub(crate) fn hex(self, prefix: &str, length: usize) -> String {
        let mut digits = String::with_capacity(length.saturating_add(16));
        let mut state = self.start(prefix);
        while digits.len() < length {
            // Writing to a string cannot fail.
            let _ = write!(digits, "{:016x}", next(&mut state));
        }
        digits.truncate(length);
        format!("{prefix}{digits}")
    }

    fn letters(self, prefix: &str, length: usize) -> String {
        let mut state = self.start(prefix);
        let letter = |_| {
            let at = usize::try_from(next(&mut state) % 62).unwrap_or(0);
            char::from(ALPHANUMERIC.get(at).copied().unwrap_or(b'0'))
        };
        (0..length).map(letter).collect()
    }

    /// Mixes the prefix in, so that two kinds of identifier of one answer differ in their characters.
    fn start(self, prefix: &str) -> u64 {
        prefix.bytes().fold(self.0, |state, byte| state.rotate_left(8) ^ u64::from(byte))
    }
}

/// `SplitMix64` (Steele, Lea and Flood 2014): well spread, not secret.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_the_providers_form() {
        let seed = Seed(7);
        assert_eq!(seed.anthropic("msg_").len(), "msg_".len() + 24);
        assert_eq!(seed.hex("resp_", 48).len(), "resp_".len() + 48);
        assert!(
            seed.openai("call_", 24)
                .strip_prefix("call_")
                .unwrap()
                .bytes()
                .all(|b| b.is_ascii_alphanumeric())
        );
    }

    #[test]
    fn two_answers_have_two_identifiers() {
        assert_ne!(Seed(1).hex("resp_", 48), Seed(2).hex("resp_", 48));
        assert_eq!(Seed(1).hex("resp_", 48), Seed(1).hex("resp_", 48));
    }
}
