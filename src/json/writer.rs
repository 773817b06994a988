//! Writes one document on one line. What goes into it is known to be right (names are constants, raw values were read
//! before), so nothing can fail; sixteen bytes of a text at a time, for most of them need no escape.

use super::run::plain;
use core::fmt;

/// A document on its way: begin it, name its members, say their values, end it. Commas come by themselves. `Debug` shows
/// its length only: it may hold what people or models said.
///
/// A record names some fifty members in one function, so what writes them is not compiled into it each time.
#[derive(Default)]
pub struct Writer(String);

impl Writer {
    /// An empty one with room for `bytes`.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// What was written.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// `{` or `[`, an element of the array at hand, or the value of the member that was named.
    pub fn begin(&mut self, bracket: char) {
        self.separate();
        self.0.push(bracket);
    }

    /// `}` or `]`.
    pub fn end(&mut self, bracket: char) {
        self.0.push(bracket);
    }

    /// A member's name, which has nothing to escape; its value comes next.
    #[inline(never)]
    pub fn name(&mut self, name: &'static str) {
        self.separate();
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    /// A member's name that somebody chose; its value comes next.
    pub fn chosen_name(&mut self, name: &str) {
        self.string(name);
        self.0.push(':');
    }

    /// A text.
    #[inline(never)]
    pub fn string(&mut self, text: &str) {
        self.separate();
        self.0.push('"');
        push_written(&mut self.0, text);
        self.0.push('"');
    }

    /// A number.
    pub fn number(&mut self, number: u64) {
        self.separate();
        push_padded(&mut self.0, number, 1);
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// A value as it stands: JSON, on one line.
    pub fn raw(&mut self, json: &str) {
        self.separate();
        self.0.push_str(json);
    }

    /// A member with a text.
    #[inline(never)]
    pub fn text_member(&mut self, name: &'static str, text: &str) {
        self.name(name);
        self.string(text);
    }

    /// The same, left out where nothing is known.
    #[inline(never)]
    pub fn known_text(&mut self, name: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text_member(name, text);
        }
    }

    /// A member with a number.
    #[inline(never)]
    pub fn number_member(&mut self, name: &'static str, number: u64) {
        self.name(name);
        self.number(number);
    }

    /// The same, left out where nothing is known.
    #[inline(never)]
    pub fn known_number(&mut self, name: &'static str, number: Option<u64>) {
        if let Some(number) = number {
            self.number_member(name, number);
        }
    }

    /// The comma, unless what comes is the first of its kind or belongs to a name.
    fn separate(&mut self) {
        // A value never ends in one of these: a text ends in its quote.
        if !matches!(self.0.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.0.push(',');
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({} bytes)", self.0.len())
    }
}

/// Appends `number` in decimal with at least `digits` digits.
pub fn push_padded(out: &mut String, number: u64, digits: usize) {
    const MOST: usize = 20;
    let mut written = [b'0'; MOST];
    let used = set_digits(&mut written, number).max(digits);
    let digits = written.get(MOST.saturating_sub(used)..).unwrap_or_default();
    out.push_str(core::str::from_utf8(digits).unwrap_or_default());
}

/// Writes `number` over the last of `zeros`, as far as there is room. Answers how many digits it has; of 0 none.
pub fn set_digits(zeros: &mut [u8], mut number: u64) -> usize {
    let mut used = 0;
    for place in zeros.iter_mut().rev() {
        if number == 0 {
            break;
        }
        // A remainder of ten is a digit.
        *place = b'0' + (number % 10) as u8;
        number /= 10;
        used += 1;
    }
    used
}

/// Bytes that `text` takes inside a JSON string (RFC 8259 §7, shortest form).
#[must_use]
pub fn written_bytes(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut written) = (0, bytes.len());
    while let Some(&special) = bytes.get(plain(bytes, at).end) {
        at = plain(bytes, at).end + 1;
        written = written.saturating_add(if escape_letter(special).is_some() { 1 } else { 5 });
    }
    written
}

/// Appends `text` as it stands inside a JSON string.
fn push_written(out: &mut String, text: &str) {
    let bytes = text.as_bytes();
    let mut at = 0;
    loop {
        let end = plain(bytes, at).end;
        if at == 0 && end == bytes.len() {
            return out.push_str(text);
        }
        // What ends a plain run is ASCII, so that both are character boundaries.
        out.push_str(text.get(at..end).unwrap_or_default());
        let Some(&special) = bytes.get(end) else { return };
        match escape_letter(special) {
            Some(letter) => {
                out.push('\\');
                out.push(letter);
            }
            None => {
                out.push_str(if special < 0x10 { "\\u000" } else { "\\u001" });
                out.push(char::from_digit(u32::from(special) & 0xf, 16).unwrap_or_default());
            }
        }
        at = end + 1;
    }
}

/// The letter of a two-character escape, where `special` has one.
const fn escape_letter(special: u8) -> Option<char> {
    Some(match special {
        b'"' => '"',
        b'\\' => '\\',
        0x08 => 'b',
        b'\t' => 't',
        b'\n' => 'n',
        0x0c => 'f',
        b'\r' => 'r',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::{Writer, push_padded, written_bytes};

    #[test]
    fn commas_stand_between_members_and_elements_and_nowhere_else() {
        let mut writer = Writer::default();
        writer.begin('{');
        writer.text_member("a", "{[:");
        writer.name("b");
        writer.begin('[');
        writer.end(']');
        writer.name("c");
        writer.begin('[');
        writer.number(0);
        writer.bool(true);
        writer.raw("{}");
        writer.begin('{');
        writer.known_text("x", None);
        writer.known_number("y", Some(u64::MAX));
        writer.end('}');
        writer.end(']');
        writer.end('}');
        let expected = r#"{"a":"{[:","b":[],"c":[0,true,{},{"y":18446744073709551615}]}"#;
        assert_eq!(writer.into_string(), expected);
    }

    #[test]
    fn texts_and_their_lengths_are_what_serde_json_writes() {
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
        ] {
            for begin in (0..text.len()).filter(|at| text.is_char_boundary(*at)).chain([0]) {
                let text = text.get(begin..).unwrap();
                let mut writer = Writer::default();
                writer.string(text);
                let expected = serde_json::to_string(text).unwrap();
                assert_eq!(writer.into_string(), expected);
                assert_eq!(written_bytes(text), expected.len() - 2);
            }
        }
    }

    #[test]
    fn debug_shows_nothing_of_the_text() {
        let mut writer = Writer::default();
        writer.string("SECRET");
        assert_eq!(format!("{writer:?}"), "Writer(8 bytes)");
    }

    #[test]
    fn numbers_are_padded() {
        let padded = |number, digits| {
            let mut out = String::new();
            push_padded(&mut out, number, digits);
            out
        };
        assert_eq!((padded(0, 1), padded(7, 3), padded(1234, 2)), ("0".into(), "007".into(), "1234".into()));
        assert_eq!(padded(u64::MAX, 1), u64::MAX.to_string());
    }
}
