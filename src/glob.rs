//! Patterns of the configuration: literal text in which `*` matches any run of characters, also an empty one.
//!
//! Written by hand: crates for globs also give `?` and mostly `[…]` and `\` a meaning, and this file needs forty lines.

/// One pattern. It is matched against a whole text, with case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// The pattern `pattern`; every text is a valid pattern.
    #[must_use]
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the pattern matches the whole of `text`. Takes at most pattern × text steps, without recursion.
    #[must_use]
    #[inline]
    pub fn matches(&self, text: &str) -> bool {
        // For most texts the first byte already excludes a match.
        let begins = match (self.0.as_bytes().first(), text.as_bytes().first()) {
            (Some(wanted), Some(first)) => *wanted == b'*' || wanted == first,
            (None, Some(_)) => false,
            (_, None) => true,
        };
        begins && self.matches_whole(text)
    }

    fn matches_whole(&self, text: &str) -> bool {
        let (pattern, text) = (self.0.as_bytes(), text.as_bytes());
        let (mut p, mut t) = (0, 0);
        // The positions to continue from when the run of the last `*` has to become one byte longer.
        let mut retry: Option<(usize, usize)> = None;
        while let Some(byte) = text.get(t) {
            match pattern.get(p) {
                Some(b'*') => {
                    p += 1;
                    retry = Some((p, t));
                }
                Some(wanted) if wanted == byte => (p, t) = (p + 1, t + 1),
                _ => match retry {
                    Some((after_star, run_end)) => {
                        (p, t) = (after_star, run_end + 1);
                        retry = Some((after_star, run_end + 1));
                    }
                    None => return false,
                },
            }
        }
        pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
    }
}

#[cfg(test)]
mod tests {
    use super::Glob;

    #[test]
    fn a_star_matches_any_run_and_every_other_character_itself() {
        for (pattern, text, matches) in [
            ("claude-*", "claude-opus-4-1", true),
            ("claude-*", "claude-", true),
            ("claude-*", "claude", false),
            ("*-mini", "gpt-5-mini", true),
            ("*-mini", "gpt-5-mini-2", false),
            ("a*b*c", "a1b2b3c", true),
            ("a*b*c", "a1b2b3", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("gpt.5", "gptx5", false),
            ("**a", "ba", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), matches, "{pattern} against {text}");
        }
    }
}
