//! Splits one JSON object into its members, in order, each as its own bytes.
//!
//! It validates nothing: a [`Scanner`](crate::json::Scanner) validated the object before. It only finds where the
//! outermost members begin and end. In an invalid object the iteration ends at the first member that has no end.

use super::Value;
use memchr::memchr2;
use std::borrow::Cow;

/// One member of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RawMember<'a> {
    /// The name, unescaped. Empty if it takes more than [`NAME_BYTES`] in the object.
    pub(crate) name: Cow<'a, str>,
    /// The value's own bytes, without white space around it.
    pub(crate) value: &'a [u8],
    /// All bytes from the brace or comma before the member to the comma or brace after it.
    pub(crate) piece: &'a [u8],
}

/// Iterates over the members of an object.
#[derive(Debug)]
pub(crate) struct RawMembers<'a> {
    text: &'a [u8],
    /// Where the next member begins, just past the brace or comma. At the end: the length of `text`.
    at: usize,
}

/// Longest member name that is unescaped, in bytes of the object with quotes and escapes.
const NAME_BYTES: usize = 512;

impl<'a> RawMembers<'a> {
    /// The members of the object `text`; no members if `text` is not an object.
    pub(crate) fn of(text: &'a [u8]) -> Self {
        let start = text.iter().position(|byte| !is_space(*byte)).unwrap_or(text.len());
        let at = if text.get(start) == Some(&b'{') { start.saturating_add(1) } else { text.len() };
        Self { text, at }
    }

    /// The first byte from `from` on that is not white space, and its position.
    fn visible(&self, from: usize) -> Option<(usize, u8)> {
        let rest = self.text.get(from..)?;
        let found = rest.iter().position(|byte| !is_space(*byte))?;
        let at = from.checked_add(found)?;
        Some((at, *self.text.get(at)?))
    }

    /// The position just past the string whose opening quote is at `from`.
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

    /// The position of the comma or bracket that follows the value at `from`.
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

    /// Reads one member. `None`: there is none, or it has no end.
    fn read(&mut self) -> Option<RawMember<'a>> {
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
        Some(RawMember {
            name: name(self.text.get(quote..after_name)?),
            value: self.text.get(value..end)?.trim_ascii_end(),
            piece: self.text.get(begin..end)?,
        })
    }
}

impl<'a> Iterator for RawMembers<'a> {
    type Item = RawMember<'a>;

    fn next(&mut self) -> Option<RawMember<'a>> {
        let member = self.read();
        if member.is_none() {
            self.at = self.text.len();
        }
        member
    }
}

/// The name `written`, a string with its quotes, unescaped.
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

/// Whether `byte` is white space (RFC 8259 §2).
const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::RawMembers;

    fn read(text: &str) -> Vec<(String, String, String)> {
        let text_of = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        RawMembers::of(text.as_bytes())
            .map(|member| (member.name.into_owned(), text_of(member.value), text_of(member.piece)))
            .collect()
    }

    #[test]
    fn members_come_in_order_with_their_own_bytes() {
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
    fn an_incomplete_member_is_left_out() {
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
