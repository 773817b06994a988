//! Recognises documents that repeat an earlier one except in values that the visitor does not read.
//!
//! A [`Shape`] learns the bytes of a valid document and its [`UnreadValues`]. Other bytes match the shape if they are
//! the same outside of these values, and have a valid value of the same kind in place of each. A visitor would get the
//! same calls for both documents, so that the second needs no scanner. The shape compares bytes; it applies no other
//! rule of the grammar.

use super::byte_classes::BLOCK;
use super::number::number_end;
use super::plain_run::short_string_end;
use super::string::StringReader;
use super::unread_values::UnreadValues;
use super::{Chunk, MAX_SHAPE_BYTES, MAX_UNREAD_VALUES};

/// The bytes of a document, and where its values may vary.
#[derive(Debug, Default)]
pub struct Shape {
    /// The document that was learnt last, with what surrounds it. Its memory is reused.
    bytes: Vec<u8>,
    /// The unread values, of which the first `count` are in use.
    values: [ValueSpan; MAX_UNREAD_VALUES],
    count: usize,
    /// The bytes of the document's texts that are counted, without those of values that vary.
    text_bytes: u64,
    /// The unread values that varied so far, one bit each, the first in the lowest bit. The others are compared like all
    /// bytes: that is faster, and most ids never vary.
    varying: u32,
    /// Whether a document was learnt and not forgotten.
    known: bool,
}

/// Where a value is.
#[derive(Clone, Copy, Debug, Default)]
struct ValueSpan {
    /// The position of its first byte; of a string, just past the opening quote.
    begin: usize,
    /// The position just past the value; of a string, just past the closing quote.
    end: usize,
    is_string: bool,
    /// Its text is counted.
    is_text: bool,
    /// The bytes of its text, if it is counted.
    text_bytes: u64,
}

// === impl Shape ===

impl Shape {
    /// Learns `bytes`, which hold a valid document from `base` on with these unread values. It learns nothing if there
    /// are none or more than `MAX_UNREAD_VALUES`, or more than [`MAX_SHAPE_BYTES`] bytes. `text_bytes`: what the scanner
    /// has counted in the document.
    pub fn learn(&mut self, bytes: &[u8], base: usize, unread: &UnreadValues, text_bytes: u64) {
        let offsets = unread.offsets();
        if offsets.is_empty() || bytes.len() > MAX_SHAPE_BYTES {
            return;
        }
        let mut spans = [ValueSpan::default(); MAX_UNREAD_VALUES];
        let (mut varying, mut constant) = (0, text_bytes);
        let same_count = self.count == offsets.len();
        for (at, (span, &offset)) in spans.iter_mut().zip(offsets).enumerate() {
            let begin = base.saturating_add(usize::from(offset));
            let Some(now) = ValueSpan::at(bytes, begin, unread.is_text(at)) else { return };
            let before = self.values.get(at).map(|before| before.value(&self.bytes));
            if same_count && (self.varying >> at & 1 == 1 || before != Some(now.value(bytes))) {
                varying |= 1 << at;
                constant = constant.saturating_sub(now.text_bytes);
            }
            *span = now;
        }
        (self.values, self.count, self.varying, self.known) = (spans, offsets.len(), varying, true);
        self.text_bytes = constant;
        self.bytes.clear();
        self.bytes.reserve_exact(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Matches nothing until it learns again.
    pub const fn forget(&mut self) {
        self.known = false;
    }

    /// How many of `bytes`, from the first on, match this shape, and the bytes of the texts in them that are counted.
    /// `None`: they do not match.
    #[must_use]
    pub fn fits(&self, bytes: &[u8]) -> Option<(usize, u64)> {
        if self.known { self.compare(bytes) } else { None }
    }

    #[inline(never)]
    fn compare(&self, bytes: &[u8]) -> Option<(usize, u64)> {
        let (mut at, mut from) = (0, 0);
        let mut text_bytes = self.text_bytes;
        let mut varying = self.varying;
        while varying != 0 {
            let span = self.values.get(varying.trailing_zeros() as usize)?;
            varying &= varying - 1;
            at = past_same(self.bytes.get(from..span.begin)?, bytes, at)?;
            at = if span.is_string {
                let (after, bytes) = past_string(bytes, at)?;
                text_bytes += if span.is_text { bytes } else { 0 };
                after
            } else {
                number_end(bytes, at)?
            };
            from = span.end;
        }
        Some((past_same(self.bytes.get(from..)?, bytes, at)?, text_bytes))
    }
}

// === impl ValueSpan ===

impl ValueSpan {
    /// The span of the string or number that begins at `at`.
    fn at(bytes: &[u8], at: usize, is_text: bool) -> Option<Self> {
        if *bytes.get(at)? == b'"' {
            let begin = at + 1;
            let (end, text_bytes) = past_string(bytes, begin)?;
            return Some(Self {
                begin,
                end,
                is_string: true,
                is_text,
                text_bytes: if is_text { text_bytes } else { 0 },
            });
        }
        Some(Self { begin: at, end: number_end(bytes, at)?, ..Self::default() })
    }

    /// The bytes of the value, taken from the document that this span belongs to.
    fn value(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.begin..self.end).unwrap_or_default()
    }
}

/// The position just past the closing quote of the string whose text begins at `at`, and the bytes of the text. `None`:
/// it is not valid, or does not end in `bytes`.
#[inline(always)]
fn past_string(bytes: &[u8], at: usize) -> Option<(usize, u64)> {
    if let Some(after) = short_string_end(bytes, at) {
        return Some((after, (after - 1 - at) as u64));
    }
    let mut reader = StringReader::default();
    let after = reader.skip(Chunk { bytes, base: 0 }, at).ok()??;
    Some((after, reader.take_text_bytes()))
}

/// The position just past `expected`. `None`: `bytes` hold something else at `at`.
#[inline(always)]
fn past_same(expected: &[u8], bytes: &[u8], at: usize) -> Option<usize> {
    let end = at + expected.len();
    same(expected, bytes.get(at..end)?).then_some(end)
}

/// Whether two slices of the same length are equal. It compares words, because the comparison of slices goes byte by
/// byte in wasm.
#[inline(always)]
fn same(one: &[u8], other: &[u8]) -> bool {
    let blocks = one.as_chunks::<BLOCK>().0.iter().zip(other.as_chunks::<BLOCK>().0);
    for (one, other) in blocks {
        if u128::from_le_bytes(*one) != u128::from_le_bytes(*other) {
            return false;
        }
    }
    // The rest is part of the last block, which overlaps bytes that were compared already. A slice that is shorter than
    // a block is covered by its first and its last word, which may overlap.
    if let (Some(one), Some(other)) = (one.last_chunk::<BLOCK>(), other.last_chunk::<BLOCK>()) {
        return u128::from_le_bytes(*one) == u128::from_le_bytes(*other);
    }
    same_ends(one, other, u64::from_le_bytes)
        .or_else(|| same_ends(one, other, u32::from_le_bytes))
        .unwrap_or_else(|| one.iter().zip(other).all(|(one, other)| one == other))
}

/// Whether both slices begin with the same word and end with the same word. `None`: they are shorter than a word.
#[inline(always)]
fn same_ends<W: PartialEq, const N: usize>(one: &[u8], other: &[u8], word: fn([u8; N]) -> W) -> Option<bool> {
    let begin = word(*one.first_chunk()?) == word(*other.first_chunk()?);
    Some(begin && word(*one.last_chunk()?) == word(*other.last_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::Shape;
    use crate::json::{
        Kind, MAX_SHAPE_BYTES, MAX_UNREAD_VALUES, Name, Nameless, Scalar, Scanner, Visitor, Want,
    };

    /// Reads the document, and knows no member name.
    struct Top;

    impl Visitor for Top {
        type Name = Nameless;

        fn begin(&mut self, _: &[Nameless], _: Kind, _: u64) -> Want {
            Want::Read
        }

        fn text(&mut self, _: &[Nameless], _: &str) {}

        fn scalar(&mut self, _: &[Nameless], _: Scalar<'_>) {}

        fn end(&mut self, _: &[Nameless], _: Kind, _: u64) {}
    }

    fn is_valid(document: &[u8]) -> bool {
        let mut scanner = Scanner::object(64);
        scanner.feed(document, &mut Top).and_then(|()| scanner.finish(&mut Top)).is_ok()
    }

    /// The shape after learning these documents in order, each between an `x` and an LF.
    fn shape(documents: &[&str]) -> Shape {
        let mut shape = Shape::default();
        for document in documents {
            let mut scanner = Scanner::object(64);
            scanner.feed(document.as_bytes(), &mut Top).unwrap();
            shape.learn(&framed(document.as_bytes()), 1, scanner.unread_values(), scanner.text_bytes());
        }
        shape
    }

    fn framed(document: &[u8]) -> Vec<u8> {
        [b"x", document, b"\n"].concat()
    }

    const ONE: &str = r#"{"a":"some text","number":17,"same":"id","inner":{"b":"x"},"last":""}"#;
    const OTHER: &str = r#"{"a":"","number":-1.5e3,"same":"id","inner":{"b":"x"},"last":"y"}"#;

    #[test]
    fn documents_that_differ_in_unread_strings_and_numbers_fit() {
        let shape = shape(&[ONE, OTHER]);
        for text in ["", "some text", r#"\" \\ \/ \b \f \n \r \t \u00e9 \ud83d \ud83d\ude00"#, "é€😀"] {
            for number in ["0", "-0", "7", "1.50", "1E+2", "123456789012345678901234567890123456789"] {
                for text in [text.to_owned(), text.repeat(40)] {
                    let document = ONE.replace("some text", &text).replace("17", number);
                    assert!(is_valid(document.as_bytes()));
                    let bytes = framed(document.as_bytes());
                    assert_eq!(shape.fits(&bytes), Some((bytes.len(), 0)), "{document}");
                    let more = [&bytes[..], b"more"].concat();
                    assert_eq!(shape.fits(&more), Some((bytes.len(), 0)), "{document}");
                }
            }
        }
    }

    #[test]
    fn an_invalid_value_does_not_fit() {
        let shape = shape(&[ONE, OTHER]);
        let bad: &[&[u8]] = &[
            b"\\x",
            b"\\u12g4",
            b"\\u12",
            b"\\",
            b"\"",
            b"\xff",
            b"\xc3",
            b"\xc0\x80",
            b"\xed\xa0\x80",
            b"\t",
            b"\n",
            b"\0",
            b"\x1f",
            b"\xe4\xbd",
        ];
        for bad in bad {
            for (before, after) in [(0, 0), (3, 0), (0, 5), (15, 20), (16, 0), (70, 70), (200, 1)] {
                let text = [&b"x".repeat(before), *bad, &b"y".repeat(after)].concat();
                let document = [br#"{"a":""#, &text[..], ONE.as_bytes().split_at(15).1].concat();
                assert!(!is_valid(&document), "{}", document.escape_ascii());
                assert_eq!(shape.fits(&framed(&document)), None, "{}", document.escape_ascii());
            }
        }
        for bad in ["", "-", "01", "-01", "1.", ".5", "1e", "1e+", "+1", "1a", "--1", "0x1", "NaN"] {
            assert_eq!(shape.fits(&framed(ONE.replace("17", bad).as_bytes())), None, "{bad}");
        }
    }

    #[test]
    fn a_value_of_another_kind_does_not_fit() {
        let shape = shape(&[ONE, OTHER]);
        for value in ["null", "true", "{}", "[]", "[17]", "\"17\""] {
            assert_eq!(shape.fits(&framed(ONE.replace("17", value).as_bytes())), None, "{value}");
            assert_eq!(
                shape.fits(&framed(ONE.replace("\"some text\"", value).as_bytes())).is_some(),
                value == "\"17\""
            );
        }
    }

    #[test]
    fn a_document_that_differs_elsewhere_or_is_cut_does_not_fit() {
        let shape = shape(&[ONE, OTHER]);
        let bytes = framed(ONE.as_bytes());
        let variable = |at: usize| (7..16).contains(&at) || (27..29).contains(&at);
        for at in 0..bytes.len() {
            assert_eq!(shape.fits(&bytes[..at]), None, "{at}");
            let mut changed = bytes.clone();
            changed[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
            assert_eq!(shape.fits(&changed).is_some(), variable(at), "{at}: {}", changed.escape_ascii());
        }
    }

    #[test]
    fn an_unread_value_may_vary_only_after_it_was_learnt_to_vary() {
        let changed = ONE.replace("\"id\"", "\"di\"");
        let mut shape = shape(&[ONE, OTHER]);
        assert_eq!(shape.fits(&framed(changed.as_bytes())), None);
        shape.forget();
        assert_eq!(shape.fits(&framed(ONE.as_bytes())), None);
        let shape = self::shape(&[ONE, OTHER, &changed]);
        for document in [ONE, OTHER, &changed] {
            assert!(shape.fits(&framed(document.as_bytes())).is_some());
        }
    }

    #[test]
    fn bytes_between_values_are_compared_to_the_last_one() {
        for length in 0..70 {
            let document = |name: &str, text: &str| format!(r#"{{"{name}":"{text}"}}"#);
            let name = "n".repeat(length);
            let shape = shape(&[&document(&name, "a"), &document(&name, "b")]);
            assert!(shape.fits(&framed(document(&name, "other").as_bytes())).is_some());
            for at in 0..length {
                let mut name = name.clone();
                name.replace_range(at..=at, "m");
                assert_eq!(shape.fits(&framed(document(&name, "other").as_bytes())), None, "{length} {at}");
            }
        }
    }

    /// Reads the strings, and no number.
    struct Strings;

    impl Visitor for Strings {
        type Name = Named;

        fn begin(&mut self, _: &[Named], kind: Kind, _: u64) -> Want {
            if kind == Kind::Number { Want::Skip } else { Want::Read }
        }

        fn text(&mut self, _: &[Named], _: &str) {}

        fn scalar(&mut self, _: &[Named], _: Scalar<'_>) {}

        fn end(&mut self, _: &[Named], _: Kind, _: u64) {}
    }

    /// Any name is known.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Named;

    impl Name for Named {
        const ITEM: Self = Self;

        fn of(_: &[u8]) -> Option<Self> {
            Some(Self)
        }
    }

    #[test]
    fn a_value_that_is_read_after_the_most_unread_ones_does_not_vary() {
        for count in [MAX_UNREAD_VALUES - 1, MAX_UNREAD_VALUES] {
            let members: String = (0..count).map(|at| format!(r#""{at}":{at},"#)).collect();
            let document = |read: &str| format!(r#"{{{members}"read":"{read}"}}"#);
            let mut shape = Shape::default();
            for read in ["one", "two"] {
                let mut scanner = Scanner::object(64);
                scanner.feed(document(read).as_bytes(), &mut Strings).unwrap();
                shape.learn(&framed(document(read).as_bytes()), 1, scanner.unread_values(), 0);
            }
            assert!(shape.fits(&framed(document("two").as_bytes())).is_some(), "{count}");
            assert_eq!(shape.fits(&framed(document("three").as_bytes())), None, "{count}");
        }
    }

    #[test]
    fn long_documents_and_those_with_no_or_many_unread_values_are_ignored() {
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_SHAPE_BYTES));
        let members: Vec<String> = (0..=MAX_UNREAD_VALUES).map(|at| format!(r#""{at}":{at}"#)).collect();
        let most = format!("{{{}}}", members[1..].join(","));
        let many = format!("{{{}}}", members.join(","));
        for (document, learns) in [(&*long, false), (r#"{"a":[1]}"#, false), (&many, false), (&most, true)] {
            let fits = shape(&[document]).fits(&framed(document.as_bytes()));
            assert_eq!(fits.is_some(), learns, "{document}");
            // What was learnt before stays.
            assert!(shape(&[ONE, document]).fits(&framed(ONE.as_bytes())).is_some() != learns);
        }
        assert_eq!(Shape::default().fits(b""), None);
    }
}
