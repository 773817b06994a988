//! Writes one document on one line. What goes into it is known to be right (names are constants, raw values were read
//! before), so nothing can fail; sixteen bytes of a text at a time, for most of them need no escape.

use super::block::{BLOCK, classify};
use super::run::plain;
use core::fmt;

/// Above this, a copy is worth a call: in wasm each one whose length is not a constant is a call out of the module.
const LONG: usize = 8 * BLOCK;

/// Most digits of a number that is written.
pub const MAX_DIGITS: usize = 20;

/// A document on its way: begin it, name its members, say their values, end it. A comma follows each value; what ends
/// takes it back. `Debug` shows its length only: it may hold what people or models said.
///
/// A record names some fifty members in one function, so what writes them is not compiled into it each time.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// An empty one with room for `bytes`.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// What was written: UTF-8.
    #[must_use]
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.take_comma();
        self.0
    }

    /// The same as a text.
    #[must_use]
    pub fn into_string(self) -> String {
        String::from_utf8(self.into_bytes()).unwrap_or_default()
    }

    /// `{` or `[`, an element of the array at hand, or the value of the member that was named.
    pub fn begin(&mut self, bracket: char) {
        self.0.push(bracket as u8);
    }

    /// `}` or `]`.
    #[inline(never)]
    pub fn end(&mut self, bracket: char) {
        self.take_comma();
        self.0.extend_from_slice(&[bracket as u8, b',']);
    }

    /// A member's name, which has nothing to escape; its value comes next.
    #[inline(never)]
    pub fn name(&mut self, name: &'static str) {
        self.0.push(b'"');
        push(&mut self.0, name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }

    /// A member's name that somebody chose; its value comes next.
    pub fn chosen_name(&mut self, name: &str) {
        self.string(name);
        self.take_comma();
        self.0.push(b':');
    }

    /// A text.
    #[inline(never)]
    pub fn string(&mut self, text: &str) {
        self.0.push(b'"');
        push_written(&mut self.0, text.as_bytes());
        self.0.extend_from_slice(b"\",");
    }

    /// A number.
    pub fn number(&mut self, number: u64) {
        push_number(&mut self.0, number);
        self.0.push(b',');
    }

    /// `true` or `false`.
    pub fn bool(&mut self, value: bool) {
        self.raw(if value { "true" } else { "false" });
    }

    /// A value as it stands: JSON, on one line.
    pub fn raw(&mut self, json: &str) {
        push(&mut self.0, json.as_bytes());
        self.0.push(b',');
    }

    /// A member with a text of ours: ASCII with nothing to escape.
    #[inline(never)]
    pub fn word_member(&mut self, name: &'static str, word: &[u8]) {
        self.name(name);
        self.0.push(b'"');
        push(&mut self.0, word);
        self.0.extend_from_slice(b"\",");
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

    /// Nothing comes after what was written last. (No value ends in a comma: a text ends in its quote.)
    fn take_comma(&mut self) {
        self.0.pop_if(|last| *last == b',');
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Writer({} bytes)", self.0.len())
    }
}

/// Appends `number` in decimal.
pub fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut written = [b'0'; MAX_DIGITS];
    let used = set_digits(&mut written, number).max(1);
    push(out, written.get(MAX_DIGITS.saturating_sub(used)..).unwrap_or_default());
}

/// Writes `number` over the last of `zeros`, as far as there is room. Answers how many digits it has; of 0 none.
pub fn set_digits(zeros: &mut [u8], mut number: u64) -> usize {
    let mut used = 0;
    for place in zeros.iter_mut().rev() {
        if number == 0 {
            break;
        }
        // Half the width divides much faster.
        let (rest, digit) = match u32::try_from(number) {
            Ok(number) => (u64::from(number / 10), number % 10),
            Err(_) => (number / 10, (number % 10) as u32),
        };
        // A remainder of ten is a digit.
        *place = b'0' + digit as u8;
        number = rest;
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
fn push_written(out: &mut Vec<u8>, text: &[u8]) {
    if text.len() < BLOCK {
        let block = padded(text);
        // The zeros behind it are special.
        if classify(&block).special.trailing_zeros() as usize == text.len() {
            return push_head(out, &block, text.len());
        }
    }
    let mut at = 0;
    loop {
        let end = plain(text, at).end;
        push(out, text.get(at..end).unwrap_or_default());
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

/// Appends `bytes`.
fn push(out: &mut Vec<u8>, bytes: &[u8]) {
    let Some(last) = bytes.last_chunk::<BLOCK>() else { return push_head(out, &padded(bytes), bytes.len()) };
    if bytes.len() > LONG {
        return out.extend_from_slice(bytes);
    }
    let (blocks, rest) = bytes.as_chunks::<BLOCK>();
    blocks.iter().for_each(|block| out.extend_from_slice(block));
    if !rest.is_empty() {
        // The last block holds the rest, behind bytes that stand there already.
        out.truncate(out.len().saturating_sub(BLOCK - rest.len()));
        out.extend_from_slice(last);
    }
}

/// Appends the first `len` bytes of `block`.
#[inline(always)]
fn push_head(out: &mut Vec<u8>, block: &[u8; BLOCK], len: usize) {
    let end = out.len().saturating_add(len);
    out.extend_from_slice(block);
    out.truncate(end);
}

/// Less than a block of bytes, and zeros behind them: without a copy of a length that only shows when it runs.
#[inline(always)]
fn padded(bytes: &[u8]) -> [u8; BLOCK] {
    // Bits of the last `width` bytes that are among the first `width` too.
    let shared = |width: usize| 8 * (2 * width).saturating_sub(bytes.len()) as u32;
    let (low, high) = if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        (u64::from_le_bytes(*first), u64::from_le_bytes(*last).checked_shr(shared(8)).unwrap_or(0))
    } else if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        let high = u32::from_le_bytes(*last).checked_shr(shared(4)).unwrap_or(0);
        (u64::from(high) << 32 | u64::from(u32::from_le_bytes(*first)), 0)
    } else {
        (bytes.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)), 0)
    };
    (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
}

/// The letter of a two-character escape, where `special` has one.
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
    use super::{Writer, push_number, written_bytes};

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
        writer.word_member("z", b"z");
        writer.end('}');
        writer.end(']');
        writer.end('}');
        let expected = r#"{"a":"{[:","b":[],"c":[0,true,{},{"y":18446744073709551615,"z":"z"}]}"#;
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
            &long.repeat(3),
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
        assert_eq!(format!("{writer:?}"), "Writer(9 bytes)");
    }

    #[test]
    fn numbers_are_written_in_full() {
        for number in [0, 7, 10, 1234, u64::from(u32::MAX), 1 << 32, 10_u64.pow(15), u64::MAX] {
            let mut out = Vec::new();
            push_number(&mut out, number);
            assert_eq!(out, number.to_string().into_bytes());
        }
    }
}
