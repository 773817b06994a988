//! Bytes that come again and again, and the values in them that may be others without anybody noticing.
//!
//! A [`Shape`] is learnt of bytes that hold a document, and of the [`Places`] in it where a scanner found a string or
//! number that was skipped, or wanted as [`Perhaps`](super::Want::Perhaps). Bytes [fit](Shape::fits) it that are the same
//! but for those values, and where they have a valid value of the same kind: a visitor would be told the same of them,
//! and the document is as valid as the first was. It compares, and knows nothing else of the grammar.

use super::block::BLOCK;
use super::number::whole;
use super::run::short;
use super::text::Text;
use super::{Chunk, Want};
use super::{Kind, MAX_PLACES, MAX_SHAPE_BYTES};

/// Where the strings and numbers of one document begin of which nobody was told, or what was told may not matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Places {
    offsets: [u16; MAX_PLACES],
    /// How many there are, also where there is no room for more.
    count: usize,
}

/// Bytes with holes.
#[derive(Debug, Default)]
pub struct Shape {
    /// As they came last with all values read. Their memory is kept from one to the next.
    bytes: Vec<u8>,
    places: [Place; MAX_PLACES],
    count: usize,
    /// The places that had more than one value, a bit each, the first in the lowest: the holes. Of the others the value
    /// is compared, as it takes less: most ids stay.
    holes: u32,
    /// Whether bytes may be compared with it.
    known: bool,
}

/// Where a value stands.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Of a string just past its quote; of a number its first byte.
    begin: usize,
    /// Just past the value.
    end: usize,
    string: bool,
}

// === impl Places ===

impl Places {
    /// A value begins at `offset`, and so much is wanted of it. (Without a branch: what a value is cannot be predicted.
    /// Neither number can be too large for its type where something is learnt: those bytes are few.)
    #[inline(always)]
    pub(super) fn note(&mut self, want: Want, kind: Kind, offset: u64) {
        if let Some(place) = self.offsets.get_mut(self.count % MAX_PLACES) {
            *place = offset as u16;
        }
        let counts = matches!(kind, Kind::String | Kind::Number) & matches!(want, Want::Skip | Want::Perhaps);
        self.count = self.count.wrapping_add(usize::from(counts));
    }

    /// None yet.
    pub(super) const fn clear(&mut self) {
        self.count = 0;
    }
}

// === impl Shape ===

impl Shape {
    /// From now on it is that of `bytes`, which hold a valid document from `base` on, with these places. It stays as it is
    /// where those are none or too many, or the bytes are more than [`MAX_SHAPE_BYTES`].
    pub fn learn(&mut self, bytes: &[u8], base: usize, places: &Places) {
        let offsets = places.offsets.get(..places.count).unwrap_or_default();
        if offsets.is_empty() || bytes.len() > MAX_SHAPE_BYTES {
            return;
        }
        let mut found = [Place::default(); MAX_PLACES];
        let mut holes = 0;
        let alike = self.count == offsets.len();
        for (at, (place, &offset)) in found.iter_mut().zip(offsets).enumerate() {
            let Some(now) = Place::at(bytes, base.saturating_add(usize::from(offset))) else { return };
            let before = self.places.get(at).map(|before| before.of(&self.bytes));
            if alike && (self.holes >> at & 1 == 1 || before != Some(now.of(bytes))) {
                holes |= 1 << at;
            }
            *place = now;
        }
        (self.places, self.count, self.holes, self.known) = (found, offsets.len(), holes, true);
        self.bytes.clear();
        self.bytes.reserve_exact(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Nothing fits any more until it learns again.
    pub const fn forget(&mut self) {
        self.known = false;
    }

    /// How many of these bytes, from the first on, are of this shape; `None`: they are not.
    #[must_use]
    pub fn fits(&self, bytes: &[u8]) -> Option<usize> {
        if self.known { self.compare(bytes) } else { None }
    }

    #[inline(never)]
    fn compare(&self, bytes: &[u8]) -> Option<usize> {
        let (mut at, mut from) = (0, 0);
        let mut holes = self.holes;
        while holes != 0 {
            let hole = self.places.get(holes.trailing_zeros() as usize)?;
            holes &= holes - 1;
            at = past_same(self.bytes.get(from..hole.begin)?, bytes, at)?;
            at = if hole.string { past_string(bytes, at)? } else { whole(bytes, at)? };
            from = hole.end;
        }
        past_same(self.bytes.get(from..)?, bytes, at)
    }
}

impl Place {
    /// That of the string or number which begins at `at`.
    fn at(bytes: &[u8], at: usize) -> Option<Self> {
        if *bytes.get(at)? == b'"' {
            let begin = at + 1;
            return Some(Self { begin, end: past_string(bytes, begin)?, string: true });
        }
        Some(Self { begin: at, end: whole(bytes, at)?, string: false })
    }

    /// The value, of bytes in which it stands here.
    fn of(self, bytes: &[u8]) -> &[u8] {
        bytes.get(self.begin..self.end).unwrap_or_default()
    }
}

/// Just past the closing quote of the string whose text begins at `at`. `None`: it is not valid, or does not end here.
#[inline(always)]
fn past_string(bytes: &[u8], at: usize) -> Option<usize> {
    match short(bytes, at) {
        Some(after) => Some(after),
        None => Text::default().skip(Chunk { bytes, base: 0 }, at).ok()?,
    }
}

/// Just past `literal`, if that is what stands at `at`.
#[inline(always)]
fn past_same(literal: &[u8], bytes: &[u8], at: usize) -> Option<usize> {
    let end = at + literal.len();
    same(literal, bytes.get(at..end)?).then_some(end)
}

/// Whether two runs of the same length are the same. (In words: what compares slices takes them byte by byte in wasm.)
#[inline(always)]
fn same(one: &[u8], other: &[u8]) -> bool {
    let blocks = one.as_chunks::<BLOCK>().0.iter().zip(other.as_chunks::<BLOCK>().0);
    for (one, other) in blocks {
        if u128::from_le_bytes(*one) != u128::from_le_bytes(*other) {
            return false;
        }
    }
    // What is left is looked at together with what was seen before it, or from both its ends.
    if let (Some(one), Some(other)) = (one.last_chunk::<BLOCK>(), other.last_chunk::<BLOCK>()) {
        return u128::from_le_bytes(*one) == u128::from_le_bytes(*other);
    }
    same_ends(one, other, u64::from_le_bytes)
        .or_else(|| same_ends(one, other, u32::from_le_bytes))
        .unwrap_or_else(|| one.iter().zip(other).all(|(one, other)| one == other))
}

/// Whether both begin with the same word and end with the same. `None`: they are shorter than that.
#[inline(always)]
fn same_ends<W: PartialEq, const N: usize>(one: &[u8], other: &[u8], word: fn([u8; N]) -> W) -> Option<bool> {
    let begin = word(*one.first_chunk()?) == word(*other.first_chunk()?);
    Some(begin && word(*one.last_chunk()?) == word(*other.last_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::Shape;
    use crate::json::{Kind, MAX_PLACES, MAX_SHAPE_BYTES, Nameless, Scalar, Scanner, Visitor, Want};

    /// Enters a document, and knows no member of it.
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

    /// The shape learnt of these documents, one after the other, each with a letter before it and an LF behind.
    fn shape(documents: &[&str]) -> Shape {
        let mut shape = Shape::default();
        for document in documents {
            let mut scanner = Scanner::object(64);
            scanner.feed(document.as_bytes(), &mut Top).unwrap();
            shape.learn(&framed(document.as_bytes()), 1, scanner.places());
        }
        shape
    }

    fn framed(document: &[u8]) -> Vec<u8> {
        [b"x", document, b"\n"].concat()
    }

    const ONE: &str = r#"{"a":"some text","number":17,"same":"id","inner":{"b":"x"},"last":""}"#;
    const OTHER: &str = r#"{"a":"","number":-1.5e3,"same":"id","inner":{"b":"x"},"last":"y"}"#;

    #[test]
    fn what_fits_is_the_same_but_for_valid_strings_and_numbers() {
        let shape = shape(&[ONE, OTHER]);
        for text in ["", "some text", r#"\" \\ \/ \b \f \n \r \t \u00e9 \ud83d \ud83d\ude00"#, "é€😀"] {
            for number in ["0", "-0", "7", "1.50", "1E+2", "123456789012345678901234567890123456789"] {
                for text in [text.to_owned(), text.repeat(40)] {
                    let document = ONE.replace("some text", &text).replace("17", number);
                    assert!(is_valid(document.as_bytes()));
                    let bytes = framed(document.as_bytes());
                    assert_eq!(shape.fits(&bytes), Some(bytes.len()), "{document}");
                    let more = [&bytes[..], b"more"].concat();
                    assert_eq!(shape.fits(&more), Some(bytes.len()), "{document}");
                }
            }
        }
    }

    #[test]
    fn a_value_that_is_not_valid_does_not_fit() {
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
    fn any_other_byte_that_differs_does_not_fit_nor_does_a_part() {
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
    fn a_value_that_was_the_same_must_stay_so_until_another_is_learnt() {
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
    fn literals_of_every_length_are_compared_to_their_last_byte() {
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

    #[test]
    fn nothing_is_learnt_of_what_is_long_or_has_no_place_or_too_many() {
        let long = format!(r#"{{"a":"{}"}}"#, "x".repeat(MAX_SHAPE_BYTES));
        let members: Vec<String> = (0..=MAX_PLACES).map(|at| format!(r#""{at}":{at}"#)).collect();
        let most = format!("{{{}}}", members[1..].join(","));
        let many = format!("{{{}}}", members.join(","));
        for (document, learns) in [(&*long, false), (r#"{"a":[1]}"#, false), (&many, false), (&most, true)] {
            let fits = shape(&[document]).fits(&framed(document.as_bytes()));
            assert_eq!(fits.is_some(), learns, "{document}");
            // What was known stays.
            assert!(shape(&[ONE, document]).fits(&framed(ONE.as_bytes())).is_some() != learns);
        }
        assert_eq!(Shape::default().fits(b""), None);
    }
}
