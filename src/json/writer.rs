//! Writes one JSON document on one line.
//!
//! It cannot fail: member names are constants, and raw values are valid JSON already. It looks for bytes to escape
//! sixteen at a time, because most texts have none.

use super::append::{append, append_head, padded};
use super::byte_classes::{BLOCK, classify};
use super::decimal::push_number;
use super::plain_run::plain_run_end;
use core::fmt;

/// A document that is being written. The caller begins and ends containers, and names each member before its value.
///
/// Each value is followed by a comma; the end of a container removes the last one. `Debug` shows only the length, because
/// texts may be prompts or answers. Most methods are not inlined: one function writes some fifty members of a record.
#[derive(Default)]
pub struct Writer(Vec<u8>);

/// A member name that is known to the compiler and needs no escapes: with its quotes, its colon and padding, so that it is
/// written with one copy of a constant length. Made by `key!`.
#[derive(Debug)]
pub struct Key {
    padded: [u8; KEY_BYTES],
    len: usize,
}

/// Room for the longest member name with its quotes and its colon, in bytes.
const KEY_BYTES: usize = 2 * BLOCK;

/// The [`Key`] of a member name that is a literal.
macro_rules! key {
    ($name:literal) => {
        const { &$crate::json::Key::new($name) }
    };
}
pub(crate) use key;

impl Key {
    /// The key of `name`. The compiler refuses a name that is too long.
    #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
    pub(crate) const fn new(name: &str) -> Self {
        let (name, mut padded) = (name.as_bytes(), [0; KEY_BYTES]);
        padded[0] = b'"';
        let mut at = 0;
        while at < name.len() {
            padded[at + 1] = name[at];
            at += 1;
        }
        padded[at + 1] = b'"';
        padded[at + 2] = b':';
        Self { padded, len: at + 3 }
    }
}

impl Writer {
    /// An empty document with room for this many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// The document as UTF-8.
    #[must_use]
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.take_comma();
        self.0
    }

    /// The document as a text.
    #[must_use]
    pub fn into_string(self) -> String {
        String::from_utf8(self.into_bytes()).unwrap_or_default()
    }

    /// Begins an object or array: `{` or `[`.
    pub fn begin(&mut self, bracket: char) {
        self.0.push(bracket as u8);
    }

    /// Ends the innermost object or array: `}` or `]`.
    #[inline(never)]
    pub fn end(&mut self, bracket: char) {
        self.take_comma();
        self.0.extend_from_slice(&[bracket as u8, b',']);
    }

    /// Writes a member name. Its value must follow.
    #[inline(never)]
    pub fn name(&mut self, key: &'static Key) {
        let end = self.0.len().saturating_add(key.len);
        self.0.extend_from_slice(&key.padded);
        self.0.truncate(end);
    }

    /// Writes a member name that comes from a configuration or a client. Its value must follow.
    pub fn chosen_name(&mut self, name: &str) {
        self.string(name);
        self.take_comma();
        self.0.push(b':');
    }

    /// Writes a string.
    #[inline(never)]
    pub fn string(&mut self, text: &str) {
        self.0.push(b'"');
        append_escaped(&mut self.0, text.as_bytes());
        self.0.extend_from_slice(b"\",");
    }

    /// Writes a number.
    pub fn number(&mut self, number: u64) {
        push_number(&mut self.0, number);
        self.0.push(b',');
    }

    /// Writes `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// Writes a value that is JSON on one line already.
    pub fn raw(&mut self, json: &str) {
        append(&mut self.0, json.as_bytes());
        self.0.push(b',');
    }

    /// Writes a member whose value is a string of ASCII that needs no escapes.
    #[inline(never)]
    pub fn word_member(&mut self, key: &'static Key, word: &[u8]) {
        self.name(key);
        self.0.push(b'"');
        append(&mut self.0, word);
        self.0.extend_from_slice(b"\",");
    }

    /// Writes a member whose value is a string.
    #[inline(never)]
    pub fn text_member(&mut self, key: &'static Key, text: &str) {
        self.name(key);
        self.string(text);
    }

    /// Writes a member whose value is a string, or nothing for `None`.
    #[inline(never)]
    pub fn known_text(&mut self, key: &'static Key, text: Option<&str>) {
        if let Some(text) = text {
            self.text_member(key, text);
        }
    }

    /// Writes a member whose value is a number.
    #[inline(never)]
    pub fn number_member(&mut self, key: &'static Key, number: u64) {
        self.name(key);
        self.number(number);
    }

    /// Writes a member whose value is a number, or nothing for `None`.
    #[inline(never)]
    pub fn known_number(&mut self, key: &'static Key, number: Option<u64>) {
        if let Some(number) = number {
            self.number_member(key, number);
        }
    }

    /// Removes the comma after the last value. No value ends in a comma of its own: a string ends in its quote.
    fn take_comma(&mut self) {
        self.0.pop_if(|last| *last == b',');
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({} bytes)", self.0.len())
    }
}

/// How many bytes `text` takes inside a JSON string, without the quotes (RFC 8259 §7; each escape in its shortest form).
#[must_use]
pub fn escaped_bytes(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut escaped) = (0, bytes.len());
    loop {
        let end = plain_run_end(bytes, at);
        let Some(&special) = bytes.get(end) else { return escaped };
        escaped = escaped.saturating_add(if escape_letter(special).is_some() { 1 } else { 5 });
        at = end + 1;
    }
}

/// Appends `text` with escapes, without the quotes.
fn append_escaped(out: &mut Vec<u8>, text: &[u8]) {
    if text.len() < BLOCK {
        let block = padded(text);
        // The padding is special: if it begins at the first special byte, the text needs no escape.
        if classify(&block).special.trailing_zeros() as usize == text.len() {
            return append_head(out, &block, text.len());
        }
    }
    let mut at = 0;
    loop {
        let end = plain_run_end(text, at);
        append(out, text.get(at..end).unwrap_or_default());
        let Some(&special) = text.get(end) else { return };
        match escape_letter(special) {
            Some(letter) => out.extend_from_slice(&[b'\\', letter]),
            None => {
                let digit = special & 0xf;
                let digit = if digit < 10 { b'0' + digit } else { b'a' - 10 + digit };
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', b'0' + (special >> 4), digit]);
            }
        }
        at = end + 1;
    }
}

/// The letter of the one-letter escape for `special`. `None`: it needs `\u00…`.
const fn escape_letter(special: u8) -> Option<u8> {
    Some(match special {
        b'"' => b'"',
        b'\\' => b'\\',
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Writer, escaped_bytes};

    #[test]
    fn commas_are_only_between_members_and_between_elements() {
        let mut writer = Writer::default();
        writer.begin('{');
        writer.text_member(key!("a"), "{[:");
        writer.name(key!("b"));
        writer.begin('[');
        writer.end(']');
        writer.name(key!("c"));
        writer.begin('[');
        writer.number(0);
        writer.bool(true);
        writer.raw("{}");
        writer.begin('{');
        writer.known_text(key!("x"), None);
        writer.known_number(key!("y"), Some(u64::MAX));
        writer.word_member(key!("z"), b"z");
        writer.end('}');
        writer.end(']');
        writer.end('}');
        let expected = r#"{"a":"{[:","b":[],"c":[0,true,{},{"y":18446744073709551615,"z":"z"}]}"#;
        assert_eq!(writer.into_string(), expected);
    }

    #[test]
    fn strings_and_their_lengths_are_those_of_serde_json() {
        let every_control: String = (0..0x80).map(char::from).collect();
        let long = "0123456789abcde".repeat(4);
        for text in [
            "",
            "plain",
            "q\"b\\",
            "ä€😀\u{7f}\u{2028}",
            &every_control,
            &long,
            &format!("{long}\n{long}\u{1}"),
            &long.repeat(3),
        ] {
            for begin in (0..text.len()).filter(|at| text.is_char_boundary(*at)).chain([0]) {
                let text = text.get(begin..).unwrap();
                let mut writer = Writer::default();
                writer.string(text);
                let expected = serde_json::to_string(text).unwrap();
                assert_eq!(writer.into_string(), expected);
                assert_eq!(escaped_bytes(text), expected.len() - 2);
            }
        }
    }

    #[test]
    fn debug_shows_only_the_length() {
        let mut writer = Writer::default();
        writer.string("SECRET");
        assert_eq!(format!("{writer:?}"), "Writer(9 bytes)");
    }
}
