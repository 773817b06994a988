//! The user's words, kept as they stand in the request: almost all of them are not the last, and nobody ever reads them.

use crate::json::{Kind, Nameless, Scalar, Scanner, Visitor, Want};
use crate::text::Text;
use core::fmt;

/// One text of the user's, up to a bound in bytes. What is asked for is what it says; until then it is held as JSON.
pub struct Prompt {
    limit: usize,
    held: Held,
}

enum Held {
    /// The JSON string, quotes included; not longer than the bound.
    Raw(Vec<u8>),
    /// It is longer: what it says, as it comes.
    Read(Box<Reading>),
}

#[derive(Default)]
struct Reading {
    text: Text,
    scanner: Option<Scanner<Nameless>>,
}

// === impl Prompt ===

impl Prompt {
    /// Nothing yet, and later at most so many bytes.
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, held: Held::Raw(Vec::new()) }
    }

    /// More of the JSON string.
    pub(super) fn push(&mut self, run: &[u8]) {
        match &mut self.held {
            Held::Raw(raw) if raw.len().saturating_add(run.len()) <= self.limit => {
                // Doubling, as Vec does, but never beyond the bound.
                let more = raw.len().max(run.len()).min(self.limit - raw.len());
                if raw.capacity() - raw.len() < run.len() {
                    raw.reserve_exact(more);
                }
                raw.extend_from_slice(run);
            }
            Held::Raw(raw) => {
                let mut reading = Reading::default();
                reading.read(raw, self.limit);
                reading.read(run, self.limit);
                self.held = Held::Read(Box::new(reading));
            }
            Held::Read(reading) => reading.read(run, self.limit),
        }
    }

    /// Another text follows, on a line of its own.
    pub(super) fn append(&mut self, other: &Self) {
        if let Held::Raw(_) = self.held {
            let text = self.text();
            self.held = Held::Read(Box::new(Reading { text, scanner: None }));
        }
        // In place, and without a copy of the other: a request may have a million of them.
        if let Held::Read(reading) = &mut self.held {
            reading.text.push("\n", self.limit);
            match &other.held {
                Held::Raw(raw) => {
                    reading.scanner = None;
                    reading.read(raw, self.limit);
                }
                Held::Read(other) => {
                    reading.text.append(&other.text, self.limit);
                }
            }
        }
    }

    /// What it says.
    #[must_use]
    pub fn text(&self) -> Text {
        match &self.held {
            Held::Raw(raw) => unescaped(raw).unwrap_or_else(|| {
                let mut reading = Reading::default();
                reading.read(raw, self.limit);
                reading.text
            }),
            Held::Read(reading) => reading.text.clone(),
        }
    }
}

/// What a whole string says that has no escape.
fn unescaped(raw: &[u8]) -> Option<Text> {
    let [b'"', text @ .., b'"'] = raw else { return None };
    if memchr::memchr(b'\\', text).is_some() {
        return None;
    }
    core::str::from_utf8(text).ok().map(Text::whole)
}

impl fmt::Debug for Prompt {
    /// Its size only: it is what people say.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.held {
            Held::Raw(raw) => write!(f, "Prompt({} bytes of JSON)", raw.len()),
            Held::Read(reading) => write!(f, "Prompt({:?})", reading.text),
        }
    }
}

impl Reading {
    fn read(&mut self, run: &[u8], limit: usize) {
        if !self.text.is_cut() {
            let scanner = self.scanner.get_or_insert_with(|| Scanner::any(0));
            // Never fails: all of it was scanned before.
            let _ = scanner.feed(run, &mut Words { text: &mut self.text, limit });
        }
    }
}

/// Takes in the one string that there is.
struct Words<'a> {
    text: &'a mut Text,
    limit: usize,
}

impl Visitor for Words<'_> {
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
    fn a_prompt_is_what_its_json_says_however_it_is_cut_and_whatever_the_bound() {
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
    fn texts_follow_each_other_within_the_bound() {
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
    fn a_long_text_is_not_copied_for_each_that_follows() {
        let mut first = Prompt::new(1000);
        first.push(format!("\"{}\"", "a".repeat(990)).as_bytes());
        let mut next = Prompt::new(1000);
        next.push(b"\"b\"");
        let place = |prompt: &Prompt| match &prompt.held {
            Held::Read(reading) => reading.text.as_str().as_ptr(),
            Held::Raw(_) => core::ptr::null(),
        };
        (0..6).for_each(|_| first.append(&next));
        let before = place(&first);
        (0..100).for_each(|_| first.append(&next));
        assert_eq!(place(&first), before);
        assert!(first.text().is_cut());
    }
}
