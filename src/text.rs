//! Bounded texts: kept, cut, and made safe for a log line.

use crate::json::escaped_bytes;
use core::fmt;
use std::borrow::Cow;

/// Most memory that [`Text::clear`] keeps, in bytes.
const RESERVE_BYTES: usize = 1024;

/// The beginning of a text, up to a bound that each call states. `Debug` shows only the length, because the text may be
/// from a prompt or an answer.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text {
    kept: String,
    cut: bool,
}

impl Text {
    /// All of `text`, without a bound.
    #[must_use]
    pub fn whole(text: impl Into<String>) -> Self {
        Self { kept: text.into(), cut: false }
    }

    /// An empty text with room for this many bytes.
    #[must_use]
    pub fn with_room(bytes: usize) -> Self {
        Self { kept: String::with_capacity(bytes), cut: false }
    }

    /// Appends `run` until the text has `limit` bytes, cut at a character boundary. Once a run was cut, nothing more is
    /// appended. Returns how many bytes were appended.
    pub fn push(&mut self, run: &str, limit: usize) -> usize {
        if self.cut {
            return 0;
        }
        let room = limit.saturating_sub(self.kept.len());
        let kept = head(run, room);
        if self.kept.capacity() == 0 {
            // Most texts arrive in one run, so no room is reserved for more.
            self.kept = kept.to_owned();
        } else {
            self.kept.push_str(kept);
        }
        self.cut = kept.len() < run.len();
        kept.len()
    }

    /// Appends `other` as [`push`](Self::push) does. If `other` was cut, this text counts as cut.
    pub fn append(&mut self, other: &Self, limit: usize) -> usize {
        let kept = self.push(&other.kept, limit);
        self.cut |= other.cut;
        kept
    }

    /// The text, as far as it was kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.kept
    }

    /// Whether the text was longer than what is kept.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// Whether the kept text is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Empties the text. It keeps at most 1024 bytes of its memory for the next one.
    pub fn clear(&mut self) {
        self.kept.clear();
        // `shrink_to` tests the same, but is a call, and most texts have less.
        if self.kept.capacity() > RESERVE_BYTES {
            self.kept.shrink_to(RESERVE_BYTES);
        }
        self.cut = false;
    }

    /// Turns this into the kept text.
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

/// A text from a prompt or an answer, for a record. `Debug` shows only its length.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Spoken<'a>(pub &'a str);

impl fmt::Debug for Spoken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Spoken({} bytes)", self.0.len())
    }
}

/// The longest beginning of `text` that takes at most `limit` bytes inside a JSON string, and how many bytes it takes
/// there (see [`escaped_bytes`]).
#[must_use]
pub fn cut_as_written(text: &str, limit: usize) -> (&str, usize) {
    let whole = escaped_bytes(text);
    if whole <= limit {
        return (text, whole);
    }
    let (mut kept, mut written) = (0, 0_usize);
    for (at, character) in text.char_indices() {
        let with = written.saturating_add(escaped_bytes(character.encode_utf8(&mut [0; 4])));
        if with > limit {
            break;
        }
        (kept, written) = (at + character.len_utf8(), with);
    }
    (text.get(..kept).unwrap_or_default(), written)
}

/// The first `limit` bytes of `text`, with `?` in place of each character that could break or forge a log line: C0 and
/// C1 controls, DEL, U+2028 and U+2029.
#[must_use]
pub fn one_line(text: &str, limit: usize) -> Cow<'_, str> {
    let text = head(text, limit);
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let safe = |character: char| match character {
        '\u{2028}' | '\u{2029}' => '?',
        _ if character.is_control() => '?',
        _ => character,
    };
    // `?` takes no more bytes than the character that it replaces.
    Cow::Owned(text.chars().map(safe).collect())
}

/// The first `limit` bytes of `text`, fewer if the cut would split a character.
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
    fn a_text_is_cut_by_its_length_inside_a_json_string() {
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
