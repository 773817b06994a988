//! The user's texts, kept as raw JSON strings: only the last one is recorded, so unescaping the others would be
//! wasted.

use crate::json::{self, Kind, Nameless, Scalar, Scanner, Visitor, Want};
use crate::text::Text;
use core::fmt;

/// One text of the user, up to a bound in bytes. It is unescaped when it is asked for, or when its JSON exceeds the
/// bound.
pub struct Prompt {
    limit: usize,
    held: Held,
}

enum Held {
    /// The JSON string with its quotes, not longer than the bound.
    Json(Vec<u8>),
    /// The text of a longer JSON string.
    Unescaped(Box<Unescaped>),
}

#[derive(Default)]
struct Unescaped {
    text: Text,
    scanner: Option<Scanner<Nameless>>,
}

// === impl Prompt ===

impl Prompt {
    /// An empty prompt that will keep at most `limit` bytes.
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, held: Held::Json(Vec::new()) }
    }

    /// Appends a run of the JSON string.
    pub(super) fn push(&mut self, run: &[u8]) {
        match &mut self.held {
            Held::Json(raw) if raw.len().saturating_add(run.len()) <= self.limit => {
                // The capacity doubles, as in `Vec`, but not beyond the bound.
                let more = raw.len().max(run.len()).min(self.limit - raw.len());
                if raw.capacity() - raw.len() < run.len() {
                    raw.reserve_exact(more);
                }
                raw.extend_from_slice(run);
            }
            Held::Json(raw) => {
                let mut unescaped = Unescaped::default();
                unescaped.read(raw, self.limit);
                unescaped.read(run, self.limit);
                self.held = Held::Unescaped(Box::new(unescaped));
            }
            Held::Unescaped(unescaped) => unescaped.read(run, self.limit),
        }
    }

    /// Appends another text on a new line.
    pub(super) fn append(&mut self, other: &Self) {
        if let Held::Json(_) = self.held {
            let text = self.text();
            self.held = Held::Unescaped(Box::new(Unescaped { text, scanner: None }));
        }
        // In place and without copying `other`: a request may have a million parts.
        if let Held::Unescaped(unescaped) = &mut self.held {
            unescaped.text.push("\n", self.limit);
            match &other.held {
                Held::Json(raw) => {
                    unescaped.scanner = None;
                    unescaped.read(raw, self.limit);
                }
                Held::Unescaped(other) => {
                    unescaped.text.append(&other.text, self.limit);
                }
            }
        }
    }

    /// The text, unescaped.
    #[must_use]
    pub fn text(&self) -> Text {
        match &self.held {
            Held::Json(raw) => without_escapes(raw).unwrap_or_else(|| {
                let mut text = Text::with_room(raw.len());
                json::read_string(raw, 1, &mut |run| {
                    text.push(run, self.limit);
                });
                text
            }),
            Held::Unescaped(unescaped) => unescaped.text.clone(),
        }
    }
}

/// The text of a whole JSON string without escapes.
fn without_escapes(raw: &[u8]) -> Option<Text> {
    let [b'"', text @ .., b'"'] = raw else { return None };
    if memchr::memchr(b'\\', text).is_some() {
        return None;
    }
    core::str::from_utf8(text).ok().map(Text::whole)
}

impl fmt::Debug for Prompt {
    /// Shows the size only: the text is confidential.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.held {
            Held::Json(raw) => write!(f, "Prompt({} bytes of JSON)", raw.len()),
            Held::Unescaped(unescaped) => write!(f, "Prompt({:?})", unescaped.text),
        }
    }
}

impl Unescaped {
    fn read(&mut self, run: &[u8], limit: usize) {
        if !self.text.is_cut() {
            let scanner = self.scanner.get_or_insert_with(|| Scanner::any(0));
            // It cannot fail: the request's scanner has accepted these bytes.
            let _ = scanner.feed(run, &mut TextVisitor { text: &mut self.text, limit });
        }
    }
}

/// Collects the text of a JSON string.
struct TextVisitor<'a> {
    text: &'a mut Text,
    limit: usize,
}

impl Visitor for TextVisitor<'_> {
    type Name = Nameless;

    fn begin(&mut self, _: &[Nameless], _: Kind, _: u64) -> Want {
        Want::Read
    }

    fn text(&mut self, _: &[Nameless], run: &str) {
        self.text.push(run, self.limit);
    }

    fn scalar(&mut self, _: &[Nameless], _: Scalar<'_>) {}

    fn end(&mut self, _: &[Nameless], _: Kind, _: u64) {}
}

#[cfg(test)]
mod tests {
    use super::{Held, Prompt};

    #[test]
    fn a_prompt_is_the_text_of_its_json_in_any_chunking_and_bound() {
        let json = r#""a\"b\\né €\ud83d\ude00 \ud83d \u00e9\n""#;
        let whole = "a\"b\\n\u{e9} €\u{1f600} \u{fffd} é\n";
        for limit in 0..=json.len() {
            let end = whole.floor_char_boundary(limit);
            for size in 1..=json.len() {
                let mut prompt = Prompt::new(limit);
                json.as_bytes().chunks(size).for_each(|run| prompt.push(run));
                let text = prompt.text();
                assert_eq!(Some(text.as_str()), whole.get(..end), "{limit} {size}");
                assert_eq!(text.is_cut(), end < whole.len(), "{limit} {size}");
            }
        }
    }

    #[test]
    fn appended_texts_stay_within_the_bound() {
        let prompt = |text: &str, limit| {
            let mut prompt = Prompt::new(limit);
            prompt.push(text.as_bytes());
            prompt
        };
        for (limit, expected) in [(5, "ab\ncd"), (4, "ab\nc"), (2, "ab"), (1, "a")] {
            let mut first = prompt("\"ab\"", limit);
            first.append(&prompt("\"cd\"", limit));
            assert_eq!(first.text().as_str(), expected);
        }
    }

    #[test]
    fn appending_does_not_copy_the_text_before() {
        let mut first = Prompt::new(1000);
        first.push(format!("\"{}\"", "a".repeat(990)).as_bytes());
        let mut next = Prompt::new(1000);
        next.push(b"\"b\"");
        let place = |prompt: &Prompt| match &prompt.held {
            Held::Unescaped(unescaped) => unescaped.text.as_str().as_ptr(),
            Held::Json(_) => core::ptr::null(),
        };
        (0..6).for_each(|_| first.append(&next));
        let before = place(&first);
        (0..100).for_each(|_| first.append(&next));
        assert_eq!(place(&first), before);
        assert!(first.text().is_cut());
    }
}
