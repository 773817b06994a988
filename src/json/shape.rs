//! Recognises documents that repeat an earlier one except in values that the visitor does not read, in one piece of a
//! text, and in the counts of one raw value.
//!
//! A [`Shape`] learns the bytes of a valid document and its [`UnreadValues`]. Other bytes match the shape if they are
//! the same outside of these values, and have a valid value of the same kind in place of each. A visitor would get the
//! same calls for both documents, except for the texts of the piece and of the raw value, so that the second needs no
//! scanner. The shape compares bytes; it applies no other rule of the grammar.

mod places;

use super::byte_classes::BLOCK;
use super::dispatch::VisitorText;
use super::erased_visitor::{Asked, ErasedVisitor};
use super::number::number_end;
use super::plain_run::plain_run;
use super::string::StringReader;
use super::unescape::letter_value;
use super::unread_values::UnreadValues;
use super::{Chunk, Kind, MAX_SHAPE_BYTES, Scalar, Want};
use core::ops::Range;
use places::{Notation, PlaceKind, Places, count_end, past_string};

/// The bytes of a document, and where its values may vary.
#[derive(Debug, Default)]
pub struct Shape {
    /// The document that was learnt last, with what surrounds it. Its memory is reused.
    bytes: Vec<u8>,
    places: Places,
    /// The bytes of the document's texts that are counted, without those of values that vary.
    text_bytes: u64,
    /// The places that varied so far, one bit each, the first in the lowest bit. The others are compared like all
    /// bytes: that is faster, and most ids never vary.
    varying: u32,
    /// Whether a document was learnt and not forgotten.
    known: bool,
}

/// Which values may vary beside those that the visitor skips.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vary {
    /// The values that were wanted as [`Want::Tentative`] or [`Want::Piece`].
    pub read: VaryRead,
    /// The counts in the document's only raw value, if that is an object: its integers of at most 15 digits.
    pub counts: bool,
}

/// Which of the values may vary that were wanted as [`Want::Tentative`] or [`Want::Piece`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaryRead {
    /// All of them.
    All,
    /// None of them.
    None,
    /// The only one that was wanted as [`Want::Piece`]. A document with more than one is not learnt.
    Piece,
}

/// A document that matches a shape.
#[derive(Debug)]
pub struct Fit {
    /// How many bytes it has, with what surrounds it.
    pub end: usize,
    /// The bytes of its texts that are counted.
    pub text_bytes: u64,
    /// Its piece, without the quotes, where that may vary.
    piece: Range<usize>,
    /// How the piece is written.
    notation: Notation,
    /// Its raw value, where counts in it vary.
    raw: Range<usize>,
}

// === impl Shape ===

impl Shape {
    /// Learns `bytes`, which hold a valid document from `base` on with these unread values. Returns `false`, and keeps
    /// what it knows, if nothing may vary, if there are more than `MAX_UNREAD_VALUES` or `MAX_PLACES`, or more than
    /// [`MAX_SHAPE_BYTES`] bytes. `text_bytes`: what the scanner has counted in the document.
    pub fn learn(
        &mut self,
        bytes: &[u8],
        base: usize,
        unread: &UnreadValues,
        text_bytes: u64,
        vary: Vary,
    ) -> bool {
        if bytes.len() > MAX_SHAPE_BYTES {
            return false;
        }
        let Some(places) = Places::of(bytes, base, unread.values(), vary) else { return false };
        let (mut varying, mut marks, mut counts_vary) = (0, 0, false);
        let mut constant = text_bytes;
        let same_count = self.places.all().len() == places.all().len();
        for (at, place) in places.all().iter().enumerate() {
            let before = self.places.all().get(at).map(|before| before.value(&self.bytes));
            let varies = same_count && (self.varying >> at & 1 == 1 || before != Some(place.value(bytes)));
            if matches!(place.kind, PlaceKind::RawBegin | PlaceKind::RawEnd) {
                marks |= 1 << at;
            } else if varies || place.kind == PlaceKind::Piece {
                varying |= 1 << at;
                constant = constant.saturating_sub(u64::from(place.text_bytes));
                counts_vary |= place.kind == PlaceKind::Count;
            }
        }
        self.varying = varying | if counts_vary { marks } else { 0 };
        (self.places, self.known) = (places, true);
        self.text_bytes = constant;
        self.bytes.clear();
        self.bytes.reserve_exact(bytes.len());
        self.bytes.extend_from_slice(bytes);
        true
    }

    /// Matches nothing until it learns again.
    pub const fn forget(&mut self) {
        self.known = false;
    }

    /// The document that `bytes` begin with, if it matches this shape.
    #[must_use]
    pub fn fits(&self, bytes: &[u8]) -> Option<Fit> {
        if self.known { self.compare(bytes) } else { None }
    }

    #[inline(never)]
    fn compare(&self, bytes: &[u8]) -> Option<Fit> {
        let (mut at, mut from) = (0, 0);
        let mut fit =
            Fit { end: 0, text_bytes: self.text_bytes, piece: 0..0, notation: Notation::Plain, raw: 0..0 };
        let mut varying = self.varying;
        while varying != 0 {
            let place = self.places.all().get(varying.trailing_zeros() as usize)?;
            varying &= varying - 1;
            at = past_same(self.bytes.get(from..usize::from(place.begin))?, bytes, at)?;
            from = usize::from(place.end);
            at = match place.kind {
                PlaceKind::String | PlaceKind::Piece => {
                    let (after, bytes, notation) = past_string(bytes, at)?;
                    fit.text_bytes += if place.is_text { bytes } else { 0 };
                    if place.kind == PlaceKind::Piece {
                        (fit.piece, fit.notation) = (at..after - 1, notation);
                    }
                    after
                }
                PlaceKind::Number => number_end(bytes, at)?,
                PlaceKind::Count => count_end(bytes, at)?,
                PlaceKind::RawBegin => {
                    fit.raw.start = at;
                    at
                }
                PlaceKind::RawEnd => {
                    fit.raw.end = at;
                    at
                }
            };
        }
        fit.end = past_same(self.bytes.get(from..)?, bytes, at)?;
        Some(fit)
    }
}

// === impl Fit ===

impl Fit {
    /// Passes the text of the piece to `take`, in runs. `bytes`: those that fit.
    #[inline(never)]
    pub fn piece(&self, bytes: &[u8], take: &mut dyn FnMut(&str)) {
        let Range { start, end } = self.piece;
        if self.notation == Notation::Other {
            // It was validated, so that it can be read to its end.
            debug_assert_eq!(bytes.get(end), Some(&b'"'));
            return read_string(bytes, start, take);
        }
        let mut rest = bytes.get(start..end).unwrap_or_default();
        while !rest.is_empty() {
            let run = match self.notation {
                Notation::Plain => rest.len(),
                Notation::Letters | Notation::Other => plain_run(rest, 0).end,
            };
            let (text, escape) = rest.split_at_checked(run).unwrap_or_default();
            take(core::str::from_utf8(text).unwrap_or_default());
            rest = match escape {
                [_, letter, rest @ ..] => {
                    take(char::from(letter_value(*letter).unwrap_or_default()).encode_utf8(&mut [0; 4]));
                    rest
                }
                _ => &[],
            };
        }
    }

    /// The raw value, where it may differ from the one that was learnt.
    #[must_use]
    #[inline]
    pub fn raw<'a>(&self, bytes: &'a [u8]) -> Option<&'a str> {
        let raw = bytes.get(self.raw.clone()).filter(|raw| !raw.is_empty())?;
        core::str::from_utf8(raw).ok()
    }
}

/// Passes the text of a string that is valid, or broke off, to `take` in runs. `begin`: the position just past its opening
/// quote.
pub(crate) fn read_string(bytes: &[u8], begin: usize, take: &mut dyn FnMut(&str)) {
    let (mut visitor, mut string) = (Runs(take), StringReader::default());
    let read = VisitorText::of(&mut visitor).read(&mut string, Chunk { bytes, base: 0 }, begin);
    debug_assert!(read.is_ok());
}

/// Takes the runs of one text. A visitor, so that the reading of strings is compiled once for both.
struct Runs<'a>(&'a mut dyn FnMut(&str));

impl ErasedVisitor for Runs<'_> {
    fn name(&mut self, _: usize, _: &[u8]) -> bool {
        false
    }

    fn begin(&mut self, _: usize, _: Kind, _: u64) -> Asked {
        Asked::new(Want::Skip, false)
    }

    fn short_string(&mut self, _: usize, _: &[u8]) -> Asked {
        Asked::NOT
    }

    fn counts_unknown(&self, _: usize) -> bool {
        false
    }

    fn text(&mut self, _: usize, run: &str) {
        (self.0)(run);
    }

    fn raw(&mut self, _: usize, _: &[u8]) {}

    fn scalar(&mut self, _: usize, _: Scalar<'_>) {}

    fn end(&mut self, _: usize, _: Kind, _: u64) {}
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
    use super::{Shape, Vary, VaryRead};
    use crate::json::{
        Kind, MAX_SHAPE_BYTES, MAX_UNREAD_VALUES, Name, Nameless, Scalar, Scanner, Visitor, Want,
    };

    const ALL: Vary = Vary { read: VaryRead::All, counts: false };

    /// The length of the document that fits, and the bytes of its counted texts.
    fn fits(shape: &Shape, bytes: &[u8]) -> Option<(usize, u64)> {
        shape.fits(bytes).map(|fit| (fit.end, fit.text_bytes))
    }

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
            shape.learn(&framed(document.as_bytes()), 1, scanner.unread_values(), scanner.text_bytes(), ALL);
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
                    assert_eq!(fits(&shape, &bytes), Some((bytes.len(), 0)), "{document}");
                    let more = [&bytes[..], b"more"].concat();
                    assert_eq!(fits(&shape, &more), Some((bytes.len(), 0)), "{document}");
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
                assert_eq!(fits(&shape, &framed(&document)), None, "{}", document.escape_ascii());
            }
        }
        for bad in ["", "-", "01", "-01", "1.", ".5", "1e", "1e+", "+1", "1a", "--1", "0x1", "NaN"] {
            assert_eq!(fits(&shape, &framed(ONE.replace("17", bad).as_bytes())), None, "{bad}");
        }
    }

    #[test]
    fn a_value_of_another_kind_does_not_fit() {
        let shape = shape(&[ONE, OTHER]);
        for value in ["null", "true", "{}", "[]", "[17]", "\"17\""] {
            assert_eq!(fits(&shape, &framed(ONE.replace("17", value).as_bytes())), None, "{value}");
            assert_eq!(
                fits(&shape, &framed(ONE.replace("\"some text\"", value).as_bytes())).is_some(),
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
            assert_eq!(fits(&shape, &bytes[..at]), None, "{at}");
            let mut changed = bytes.clone();
            changed[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
            assert_eq!(fits(&shape, &changed).is_some(), variable(at), "{at}: {}", changed.escape_ascii());
        }
    }

    #[test]
    fn an_unread_value_may_vary_only_after_it_was_learnt_to_vary() {
        let changed = ONE.replace("\"id\"", "\"di\"");
        let mut shape = shape(&[ONE, OTHER]);
        assert_eq!(fits(&shape, &framed(changed.as_bytes())), None);
        shape.forget();
        assert_eq!(fits(&shape, &framed(ONE.as_bytes())), None);
        let shape = self::shape(&[ONE, OTHER, &changed]);
        for document in [ONE, OTHER, &changed] {
            assert!(fits(&shape, &framed(document.as_bytes())).is_some());
        }
    }

    #[test]
    fn bytes_between_values_are_compared_to_the_last_one() {
        for length in 0..70 {
            let document = |name: &str, text: &str| format!(r#"{{"{name}":"{text}"}}"#);
            let name = "n".repeat(length);
            let shape = shape(&[&document(&name, "a"), &document(&name, "b")]);
            assert!(fits(&shape, &framed(document(&name, "other").as_bytes())).is_some());
            for at in 0..length {
                let mut name = name.clone();
                name.replace_range(at..=at, "m");
                assert_eq!(fits(&shape, &framed(document(&name, "other").as_bytes())), None, "{length} {at}");
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
                shape.learn(&framed(document(read).as_bytes()), 1, scanner.unread_values(), 0, ALL);
            }
            assert!(fits(&shape, &framed(document("two").as_bytes())).is_some(), "{count}");
            assert_eq!(fits(&shape, &framed(document("three").as_bytes())), None, "{count}");
        }
    }

    #[test]
    fn long_documents_and_those_with_no_or_many_unread_values_are_ignored() {
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_SHAPE_BYTES));
        let members: Vec<String> = (0..=MAX_UNREAD_VALUES).map(|at| format!(r#""{at}":{at}"#)).collect();
        let most = format!("{{{}}}", members[1..].join(","));
        let many = format!("{{{}}}", members.join(","));
        for (document, learns) in [(&*long, false), (r#"{"a":[1]}"#, false), (&many, false), (&most, true)] {
            let fit = fits(&shape(&[document]), &framed(document.as_bytes()));
            assert_eq!(fit.is_some(), learns, "{document}");
            // What was learnt before stays.
            assert!(fits(&shape(&[ONE, document]), &framed(ONE.as_bytes())).is_some() != learns);
        }
        assert_eq!(fits(&Shape::default(), b""), None);
    }
}
