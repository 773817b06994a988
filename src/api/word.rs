//! A role or a type: a short text that is only compared.

use crate::json::{append_what_fits, padded};
use core::fmt;

/// Longest text that can be equal to a known word, in bytes. The longest known word has 23.
const WORD_BYTES: usize = 32;

/// The beginning of a text that is only compared with known words. It needs no memory of its own.
#[derive(Clone, Copy, Default)]
pub(in crate::api) struct Word {
    bytes: [u8; WORD_BYTES],
    /// The length of the text in bytes, also beyond what fits into `bytes`.
    len: usize,
}

// === impl Word ===

impl Word {
    /// Empties the word.
    pub(in crate::api) const fn clear(&mut self) {
        self.len = 0;
    }

    /// Empties a word that begins. Returns that it is to be read.
    pub(in crate::api) const fn start(&mut self) -> bool {
        self.clear();
        true
    }

    /// Whether the text is empty.
    pub(in crate::api) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether the text is `known`.
    #[inline(always)]
    pub(in crate::api) fn is(&self, known: &str) -> bool {
        self.len == known.len() && self.bytes.get(..self.len) == Some(known.as_bytes())
    }

    /// The beginning of the text: all of it, unless it is longer than every known word.
    #[inline(always)]
    pub(in crate::api) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&self.bytes)
    }

    /// Takes `text` instead of what was there.
    #[inline(always)]
    pub(in crate::api) fn set(&mut self, text: &[u8]) {
        self.len = 0;
        match self.bytes.first_chunk_mut() {
            // Most words: two copies of known size instead of a call.
            Some(place) if text.len() < place.len() => {
                *place = padded(text);
                self.len = text.len();
            }
            _ => self.push(text),
        }
    }

    /// Appends a part of the text.
    pub(in crate::api) fn push(&mut self, run: &[u8]) {
        self.len = append_what_fits(&mut self.bytes, self.len, run);
    }
}

impl fmt::Debug for Word {
    /// Shows the text alone: behind it, `bytes` may hold the end of a longer word before.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Word({})", self.as_bytes().escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::Word;

    #[test]
    fn debug_shows_nothing_of_the_word_before() {
        let mut word = Word::default();
        word.set(b"a longer word before");
        word.clear();
        word.push(b"user");
        assert_eq!(format!("{word:?}"), "Word(user)");
    }

    #[test]
    fn a_word_is_equal_to_its_text_alone_however_it_arrives() {
        let texts: Vec<String> =
            (0..50).map(|length| "abcdefghij".chars().cycle().take(length).collect()).collect();
        for text in &texts {
            for cut in 0..=text.len() {
                let (mut set, mut pushed) = (Word::default(), Word::default());
                set.set(b"the word before, which was longer than all others");
                set.set(text.as_bytes());
                pushed.push(&text.as_bytes()[..cut]);
                pushed.push(&text.as_bytes()[cut..]);
                for word in [set, pushed] {
                    for known in &texts {
                        assert_eq!(word.is(known), known == text && text.len() <= 32, "{text} {known}");
                    }
                    assert_eq!(word.is_empty(), text.is_empty());
                    assert_eq!(word.as_bytes(), &text.as_bytes()[..text.len().min(32)]);
                }
            }
        }
    }
}
