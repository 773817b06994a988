//! The members of one JSON object at hand whole, one after the other, as they stand in the text.
//!
//! Not a parser: the text was proved valid while it came, and this only finds where its outermost parts begin and end.
//! What is not valid after all ends the list; nothing here reads beyond the text, and no member is kept.

use crate::object::Value;
use memchr::memchr2;
use std::borrow::Cow;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member<'a> {
    /// Unescaped; one that is longer than any that matters is empty.
    pub(super) name: Cow<'a, str>,
    /// The value without the white space around it.
    pub(super) value: &'a [u8],
    /// The whole member, with the white space around it, from brace or comma to comma or brace.
    pub(super) piece: &'a [u8],
}

/// The members of an object.
#[derive(Debug)]
pub(super) struct Members<'a> {
    text: &'a [u8],
    at: usize,
}

/// Bytes of a name as it is written that are looked at.
const NAME_BYTES: usize = 512;

impl<'a> Members<'a> {
    /// The members of the object that `text` is; none where it is something else.
    pub(super) fn of(text: &'a [u8]) -> Self {
        let start = text.iter().position(|byte| !is_space(*byte)).unwrap_or(text.len());
        let at = if text.get(start) == Some(&b'{') { start.saturating_add(1) } else { text.len() };
        Self { text, at }
    }

    /// The next byte that is no white space, at `from` or after.
    fn visible(&self, from: usize) -> Option<(usize, u8)> {
        let rest = self.text.get(from..)?;
        let found = rest.iter().position(|byte| !is_space(*byte))?;
        let at = from.checked_add(found)?;
        Some((at, *self.text.get(at)?))
    }

    /// Just past the string whose opening quote stands at `from`.
    fn string_end(&self, from: usize) -> Option<usize> {
        let mut at = from.checked_add(1)?;
        loop {
            at = at.checked_add(memchr2(b'"', b'\\', self.text.get(at..)?)?)?;
            match self.text.get(at)? {
                b'"' => return at.checked_add(1),
                _ => at = at.checked_add(2)?,
            }
        }
    }

    /// Where the value that begins at `from` is over: at the comma or bracket that ends what it stands in.
    fn value_end(&self, from: usize) -> Option<usize> {
        let (mut at, mut depth) = (from, 0_usize);
        loop {
            match self.text.get(at)? {
                b'"' => {
                    at = self.string_end(at)?;
                    continue;
                }
                b'{' | b'[' => depth = depth.checked_add(1)?,
                b',' | b'}' | b']' if depth == 0 => return Some(at),
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            at = at.checked_add(1)?;
        }
    }

    fn read(&mut self) -> Option<Member<'a>> {
        let begin = self.at;
        let (quote, b'"') = self.visible(begin)? else { return None };
        let after_name = self.string_end(quote)?;
        let (colon, b':') = self.visible(after_name)? else { return None };
        let (value, _) = self.visible(colon.checked_add(1)?)?;
        let end = self.value_end(value)?;
        self.at = end.checked_add(1)?;
        if self.text.get(end) != Some(&b',') {
            self.at = self.text.len();
        }
        Some(Member {
            name: name(self.text.get(quote..after_name)?),
            value: self.text.get(value..end)?.trim_ascii_end(),
            piece: self.text.get(begin..end)?,
        })
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let member = self.read();
        if member.is_none() {
            self.at = self.text.len();
        }
        member
    }
}

/// The name that `written`, a string with its quotes, means.
fn name(written: &[u8]) -> Cow<'_, str> {
    if written.len() > NAME_BYTES {
        return Cow::Borrowed("");
    }
    if !written.contains(&b'\\') {
        let inner = written.get(1..written.len().saturating_sub(1)).unwrap_or_default();
        return String::from_utf8_lossy(inner);
    }
    let Ok(Value::Text(name)) = serde_json::from_slice(written) else { return Cow::Borrowed("") };
    Cow::Owned(name)
}

/// RFC 8259 §2.
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::Members;

    fn read(text: &str) -> Vec<(String, String, String)> {
        let text_of = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Members::of(text.as_bytes())
            .map(|member| (member.name.into_owned(), text_of(member.value), text_of(member.piece)))
            .collect()
    }

    #[test]
    fn members_are_found_as_they_stand() {
        let text = r#" { "a" : 1 , "b\u0063":{"x":[1,{"y":"}"}], "z":"\\\""} ,"d":"," } "#;
        assert_eq!(
            read(text),
            [
                ("a", "1", r#" "a" : 1 "#),
                (
                    "bc",
                    r#"{"x":[1,{"y":"}"}], "z":"\\\""}"#,
                    r#" "b\u0063":{"x":[1,{"y":"}"}], "z":"\\\""} "#
                ),
                ("d", "\",\"", "\"d\":\",\" "),
            ]
            .map(|(name, value, piece)| (name.to_owned(), value.to_owned(), piece.to_owned()))
        );
        assert!(read("{}").is_empty() && read(" { } ").is_empty());
    }

    #[test]
    fn what_is_no_object_has_none_and_never_an_end_that_is_not_there() {
        for text in [
            "",
            "[1]",
            "{",
            "{\"",
            "{\"a",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":\"\\",
            "{\"a\":[",
            "{a:1}",
            "\"a\":1}",
        ] {
            assert!(read(text).is_empty(), "{text}");
        }
        assert_eq!(read("{\"a\":1,").len(), 1);
    }
}
