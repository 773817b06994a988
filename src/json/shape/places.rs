//! The places of a document that may vary.

use super::super::byte_classes::Stops;
use super::super::number::number_end;
use super::super::plain_run::{plain_run, short_string_end};
use super::super::string::StringReader;
use super::super::unescape::letter_value;
use super::super::unread_values::UnreadValue;
use super::super::{Chunk, MAX_PLACES, Want};
use super::{Vary, VaryRead};

/// The most digits of a count that varies in a raw value. Any number of so many digits is an exact integer.
const MAX_COUNT_DIGITS: usize = 15;

/// The places of a document that may vary, in order.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    list: [Place; MAX_PLACES],
    count: usize,
}

/// A place in a document.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    /// The position of its first byte; of a string, just past the opening quote.
    pub(super) begin: u16,
    /// The position just past it; of a string, just past the closing quote.
    pub(super) end: u16,
    /// The bytes of its text, if that is counted.
    pub(super) text_bytes: u16,
    pub(super) kind: PlaceKind,
    /// Its text is counted.
    pub(super) is_text: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum PlaceKind {
    #[default]
    Number,
    String,
    Piece,
    /// A count in the raw value.
    Count,
    /// Before the raw value, and of no length. It varies if a count does.
    RawBegin,
    /// Just past the raw value, likewise.
    RawEnd,
}

// === impl Places ===

impl Places {
    /// The places of the document that `bytes` hold from `base` on. `None`: there are none or too many.
    pub(super) fn of(bytes: &[u8], base: usize, values: &[UnreadValue], vary: Vary) -> Option<Self> {
        let mut places = Self::default();
        let (mut pieces, mut raws) = (0, 0);
        for value in values {
            let begin = base.saturating_add(usize::from(value.offset));
            let kind = match (value.want, vary.read) {
                (Want::Raw, _) if vary.counts => {
                    raws += 1;
                    places.add_counts(bytes, begin)?;
                    continue;
                }
                (Want::Piece, VaryRead::Piece) => {
                    pieces += 1;
                    PlaceKind::Piece
                }
                (Want::Raw, _) | (Want::Tentative | Want::Piece, VaryRead::None | VaryRead::Piece) => {
                    continue;
                }
                (Want::Skip | Want::Read | Want::Tentative | Want::Piece | Want::Latest, _) => {
                    PlaceKind::String
                }
            };
            places.add(Place::at(bytes, begin, kind, value.is_text)?)?;
        }
        let is_clear = pieces == usize::from(vary.read == VaryRead::Piece) && raws <= 1;
        Some(places).filter(|places| is_clear && places.count > 0)
    }

    /// The counts in the object that begins at `begin`, which is valid. It has none if it is another value.
    fn add_counts(&mut self, bytes: &[u8], begin: usize) -> Option<()> {
        if bytes.get(begin) != Some(&b'{') {
            return Some(());
        }
        self.add(Place::mark(begin, PlaceKind::RawBegin))?;
        let (mut at, mut depth) = (begin, 0_usize);
        loop {
            match bytes.get(at)? {
                b'"' => at = past_any_string(bytes, at + 1)?.0,
                b'-' | b'0'..=b'9' => {
                    let end = number_end(bytes, at)?;
                    if count_end(bytes, at) == Some(end) {
                        self.add(Place { end: end as u16, ..Place::mark(at, PlaceKind::Count) })?;
                    }
                    at = end;
                }
                byte => {
                    depth += usize::from(matches!(byte, b'{' | b'['));
                    depth -= usize::from(matches!(byte, b'}' | b']'));
                    at += 1;
                    if depth == 0 {
                        return self.add(Place::mark(at, PlaceKind::RawEnd));
                    }
                }
            }
        }
    }

    fn add(&mut self, place: Place) -> Option<()> {
        *self.list.get_mut(self.count)? = place;
        self.count += 1;
        Some(())
    }

    pub(super) fn all(&self) -> &[Place] {
        self.list.get(..self.count).unwrap_or_default()
    }
}

// === impl Place ===

impl Place {
    /// The string (of this kind) or number that begins at `at`.
    fn at(bytes: &[u8], at: usize, kind: PlaceKind, is_text: bool) -> Option<Self> {
        if *bytes.get(at)? != b'"' {
            return Some(Self { end: number_end(bytes, at)? as u16, ..Self::mark(at, PlaceKind::Number) });
        }
        let (end, text_bytes, _) = past_any_string(bytes, at + 1)?;
        let text_bytes = if is_text { text_bytes as u16 } else { 0 };
        Some(Self { end: end as u16, text_bytes, is_text, ..Self::mark(at + 1, kind) })
    }

    /// A place of no length. A document that is learnt is so short that every position fits.
    fn mark(at: usize, kind: PlaceKind) -> Self {
        Self { begin: at as u16, end: at as u16, text_bytes: 0, kind, is_text: false }
    }

    /// Its bytes, taken from the document that it belongs to.
    pub(super) fn value(self, bytes: &[u8]) -> &[u8] {
        bytes.get(usize::from(self.begin)..usize::from(self.end)).unwrap_or_default()
    }
}

/// The position just past the count that begins at `at`. `None`: it is no integer of at most [`MAX_COUNT_DIGITS`] digits.
#[inline(always)]
pub(super) fn count_end(bytes: &[u8], at: usize) -> Option<usize> {
    let number = bytes.get(at..)?;
    let digits = number.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let is_count = match number {
        [b'0', ..] => digits == 1,
        _ => (1..=MAX_COUNT_DIGITS).contains(&digits),
    };
    let goes_on = matches!(number.get(digits), None | Some(b'.' | b'e' | b'E'));
    (is_count && !goes_on).then_some(at + digits)
}

/// How the text of a string is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    /// In ASCII without escapes.
    Plain,
    /// In ASCII, with escapes of one letter.
    Letters,
    /// In any other way.
    Other,
}

/// The position just past the closing quote of the string whose text begins at `at`, the bytes of the text, and how it is
/// written. `None`: it is not valid, or does not end in `bytes`.
#[inline(always)]
pub(super) fn past_string(bytes: &[u8], at: usize) -> Option<(usize, u64, Notation)> {
    if let Some(after) = short_string_end(bytes, at, Stops::new()) {
        return Some((after, (after - 1 - at) as u64, Notation::Plain));
    }
    past_other_string(bytes, at)
}

/// As [`past_string`], where the time does not matter.
#[inline(never)]
fn past_any_string(bytes: &[u8], at: usize) -> Option<(usize, u64, Notation)> {
    past_string(bytes, at)
}

#[inline(never)]
fn past_other_string(bytes: &[u8], begin: usize) -> Option<(usize, u64, Notation)> {
    let (mut at, mut escapes) = (begin, 0);
    loop {
        let run = plain_run(bytes, at);
        match bytes.get(run.end..) {
            Some([b'"', ..]) if run.valid == run.end => {
                let text_bytes = run.end - begin - escapes;
                return Some((run.end + 1, text_bytes as u64, Notation::Letters));
            }
            Some([b'\\', letter, ..]) if run.valid == run.end && letter_value(*letter).is_some() => {
                escapes += 1;
                at = run.end + 2;
            }
            _ => break,
        }
    }
    let mut reader = StringReader::default();
    let after = reader.skip(Chunk { bytes, base: 0 }, begin).ok()??;
    Some((after, reader.take_text_bytes(), Notation::Other))
}
