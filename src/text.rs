//! Texts that are kept up to a bound, and texts that can stand in a line.

use crate::json::written_bytes;
use core::fmt;
use std::borrow::Cow;

/// What an emptied text keeps of its memory, at most.
const RESERVE_BYTES: usize = 1024;

/// The beginning of a text, up to a bound in bytes that the caller holds. `Debug` shows its length only: it may be what
/// people or models said.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text {
    kept: String,
    cut: bool,
}

impl Text {
    /// The whole of `text`.
    #[must_use]
    pub fn whole(text: impl Into<String>) -> Self {
        Self { kept: text.into(), cut: false }
    }

    /// Appends as much of `run` as fits into `limit` bytes altogether, at a character boundary; once something did not
    /// fit, nothing is appended any more. Answers how many bytes were kept.
    pub fn push(&mut self, run: &str, limit: usize) -> usize {
        if self.cut {
            return 0;
        }
        let room = limit.saturating_sub(self.kept.len());
        let kept = head(run, room);
        if self.kept.capacity() == 0 {
            // Most texts come in one run: no room for more is made.
            self.kept = kept.to_owned();
        } else {
            self.kept.push_str(kept);
        }
        self.cut = kept.len() < run.len();
        kept.len()
    }

    /// Appends another text as [`push`](Self::push) does; where that one was cut, this one is too.
    pub fn append(&mut self, other: &Self, limit: usize) -> usize {
        let kept = self.push(&other.kept, limit);
        self.cut |= other.cut;
        kept
    }

    /// What was kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.kept
    }

    /// Whether there was more.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether nothing was kept.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Empties it and keeps its memory for the next text, unless that is much.
    pub fn clear(&mut self) {
        self.kept.clear();
        // What shrinks asks the same, but is a call, and most have less.
        if self.kept.capacity() > RESERVE_BYTES {
            self.kept.shrink_to(RESERVE_BYTES);
        }
        self.cut = false;
    }

    /// What was kept, by itself.
    #[must_use]
    pub fn into_string(self) -> String {
        self.kept
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.kept.len())
    }
}

/// What people or models said, on its way into a record. `Debug` shows its length only.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Spoken<'a>(pub &'a str);

impl fmt::Debug for Spoken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spoken({} bytes)", self.0.len())
    }
}

/// The longest beginning of `text` that takes at most `limit` bytes inside a JSON string, and how many it takes.
#[must_use]
pub fn cut_as_written(text: &str, limit: usize) -> (&str, usize) {
    let whole = written_bytes(text);
    if whole <= limit {
        return (text, whole);
    }
    let (mut kept, mut written) = (0, 0_usize);
    for (at, character) in text.char_indices() {
        let with = written.saturating_add(written_bytes(character.encode_utf8(&mut [0; 4])));
        if with > limit {
            break;
        }
        (kept, written) = (at + character.len_utf8(), with);
    }
    (text.get(..kept).unwrap_or_default(), written)
}

/// `text` with everything replaced by `?` that could forge or break a log line: C0 and C1 controls, DEL, U+2028, U+2029;
/// cut at `limit` bytes.
#[must_use]
pub fn one_line(text: &str, limit: usize) -> Cow<'_, str> {
    let text = head(text, limit);
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let harmless = |character: char| match character {
        '\u{2028}' | '\u{2029}' => '?',
        _ if character.is_control() => '?',
        _ => character,
    };
    // `?` is never longer than what it stands for.
    Cow::Owned(text.chars().map(harmless).collect())
}

/// At most `limit` bytes of `text`, cut at a character boundary.
#[must_use]
pub fn head(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    text.get(..text.floor_char_boundary(limit)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Text, cut_as_written, one_line};

    #[test]
    fn a_text_is_cut_once_at_a_character_boundary_and_stays_cut() {
        let mut text = Text::default();
        assert_eq!(text.push("ab", 4), 2);
        assert_eq!(text.push("cäd", 4), 1);
        assert!(text.is_cut());
        assert_eq!(text.push("x", 4), 0);
        assert_eq!(text.as_str(), "abc");
    }

    #[test]
    fn a_text_is_cut_by_what_serde_json_writes() {
        for text in ["", "plain", "q\"b\\", "\u{0}\u{1f}\u{8}\u{c}\n\r\t", "ä€😀\u{7f}\u{2028}"] {
            let bytes = |text: &str| serde_json::to_string(text).unwrap().len() - 2;
            for limit in 0..=bytes(text) {
                let (kept, written) = cut_as_written(text, limit);
                assert!(text.starts_with(kept) && written <= limit, "{text:?}");
                assert_eq!(written, bytes(kept), "{text:?}");
                let next = text.strip_prefix(kept).unwrap().chars().next();
                assert!(next.is_none_or(|next| written + bytes(&next.to_string()) > limit), "{text:?}");
            }
        }
    }

    #[test]
    fn control_characters_cannot_forge_a_log_line() {
        assert_eq!(one_line("a\nb\u{85}c\u{2028}d\u{7f}", 256), "a?b?c?d?");
        assert_eq!(one_line("äää", 3), "ä");
    }
}
