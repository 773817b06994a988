//! Patterns in configuration: literal text in which `*` stands for any run of characters, also none.

/// One pattern, matched against the whole text, case-sensitively.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// A pattern; every text is one.
    #[must_use]
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `text` as a whole fits. O(pattern × text) at worst, no recursion.
    #[must_use]
    #[inline]
    pub fn matches(&self, text: &str) -> bool {
        // Of most that are asked for the first byte already says no.
        let begins = match (self.0.as_bytes().first(), text.as_bytes().first()) {
            (Some(wanted), Some(first)) => *wanted == b'*' || wanted == first,
            (None, Some(_)) => false,
            (_, None) => true,
        };
        begins && self.fits(text)
    }

    fn fits(&self, text: &str) -> bool {
        let (pattern, text) = (self.0.as_bytes(), text.as_bytes());
        let (mut p, mut t) = (0, 0);
        // Where to go on when the run that the last `*` stands for must be one byte longer.
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
    fn a_star_stands_for_any_run_and_everything_else_for_itself() {
        for (pattern, text, fits) in [
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
            assert_eq!(Glob::new(pattern).matches(text), fits, "{pattern} against {text}");
        }
    }
}
