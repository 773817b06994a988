//! What an API implements to learn from its events and documents.

use crate::answer::{Answer, Keep, NAME_BYTES};
use crate::api::usage_edit::UsageEvent;
use crate::json::{self, Kind, Scalar, Visitor, Want};
use crate::text::Text;
use core::fmt;

/// Reads JSON objects of one API: a document, or the data of each event. What it learns goes into an [`Answer`]; what
/// an event states only after the event has ended and proved valid.
pub trait ObjectReader: Default + fmt::Debug {
    /// The member names that are read.
    type Name: json::Name;
    /// Event data that is not JSON and ends the stream; empty if the API has none.
    const SENTINEL: &'static [u8] = b"";
    /// As [`Visitor::begin`].
    fn begin(&mut self, path: &[Self::Name], kind: Kind, keep: &Keep) -> Want;
    /// As [`Visitor::counts`]: whether the value is a text or thought of the model, or arguments of a call.
    fn counts(&mut self, path: &[Self::Name], kind: Kind) -> bool;
    /// What the counted texts of the current event are, which has ended.
    fn texts(&self, _name: &[u8]) -> Texts {
        Texts::Piece
    }
    /// Takes a whole short text that is only compared with known words. `false`: the text at `path` is no such text, and
    /// is read as any other.
    fn word(&mut self, _path: &[Self::Name], _text: &[u8]) -> bool {
        false
    }
    /// As [`Visitor::text`].
    fn text(&mut self, run: &str, keep: &Keep);
    /// As [`Visitor::scalar`].
    fn scalar(&mut self, path: &[Self::Name], value: Scalar<'_>);
    /// A value of a document has ended: what is complete with it goes into `answer`.
    fn document_end(&mut self, path: &[Self::Name], answer: &mut Answer);
    /// The document breaks off or is not read further: what it stated so far goes into `answer`.
    fn document_cut(&mut self, _answer: &mut Answer) {}
    /// An event has ended: what it states goes into `answer`, and the reader keeps only what spans events.
    fn event(&mut self, name: &[u8], answer: &mut Answer) -> Change;
    /// Appends `piece`, that of an event of a known shape, as the reader has said in [`Piece::Appended`].
    fn append(&mut self, place: Place, piece: &Text, answer: &mut Answer) {
        match place {
            Place::Arguments(at) => answer.add_arguments_piece(at, piece),
            Place::Thought(at) => answer.add_thought_piece(at, piece),
        }
    }
    /// An event above the size limit with invalid data has ended; its name and type may still matter.
    fn oversized(&mut self, _name: &[u8], _answer: &mut Answer) {
        self.forget();
    }
    /// An event with invalid data has ended; its name may still matter.
    fn unread(&mut self, _name: &[u8], _answer: &mut Answer) {
        self.forget();
    }
    /// Drops what the current event states.
    fn forget(&mut self);
    /// An event with the data [`SENTINEL`](Self::SENTINEL) has ended.
    fn sentinel(&mut self, _answer: &mut Answer) {}
    /// Whether the current event is the usage event.
    fn usage_event(&self) -> UsageEvent {
        UsageEvent::No
    }
}

/// How an event changed its reader and the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Only as the effect says. An event of the same shape, which has other values in place of those that were skipped,
    /// has the same effect.
    Repeats(Effect),
    /// It changed something else, or the reader does not know.
    Possible,
}

/// What an event changes and an event of the same shape changes too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// What the values do that were wanted as [`Want::Tentative`] or [`Want::Piece`].
    pub piece: Piece,
    /// The usage becomes that of the event's only raw value. Other counts in it change nothing else.
    pub usage: bool,
}

/// What the values of an event do that were wanted as [`Want::Tentative`] or [`Want::Piece`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Nothing: they may have any value.
    Ignored,
    /// Nothing as long as they are the same.
    Same,
    /// The only one that was wanted as [`Want::Piece`] is appended, whatever it is; the others are the same.
    Appended(Place),
}

/// A text of the answer, by its position there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The arguments of a tool call.
    Arguments(usize),
    /// A thought.
    Thought(usize),
}

impl Change {
    /// Nothing changed, and nothing would have with other values in place of those that were skipped or wanted as
    /// [`Want::Tentative`] or [`Want::Piece`].
    pub const NONE: Self = Self::of(Piece::Ignored);

    /// The event did this.
    #[must_use]
    pub const fn of(piece: Piece) -> Self {
        Self::Repeats(Effect { piece, usage: false })
    }

    /// The event appended its piece to this text.
    #[must_use]
    pub const fn appended(place: Place) -> Self {
        Self::of(Piece::Appended(place))
    }
}

/// What the counted texts of an event are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Texts {
    /// The next piece of the answer.
    Piece,
    /// All of an item, whose pieces may have come before.
    Item,
    /// All of the answer.
    Whole,
}

/// Passes what the scanner finds in one object to an [`ObjectReader`].
pub(super) struct ObjectVisitor<'a, R: ObjectReader> {
    pub(super) reader: &'a mut R,
    pub(super) answer: &'a mut Answer,
    /// The object is a document, not an event's data.
    pub(super) document: bool,
}

/// As [`ObjectVisitor`], beyond the limit of the object's size: texts are dropped.
pub(super) struct ExcessVisitor<'a, R: ObjectReader> {
    pub(super) object: ObjectVisitor<'a, R>,
    pub(super) excess: &'a mut Excess,
}

/// Bounds what is kept of one object beyond the limit of its size: no texts, and only so many bytes of names.
#[derive(Debug)]
pub(super) struct Excess {
    /// Bytes of names that may still be kept.
    left: usize,
    /// Bytes of the current value that were counted.
    value: usize,
}

/// Bytes of identifiers, names and other short strings that are kept of one event beyond the limit of its size.
const EXCESS_BYTES: usize = 64 << 10;

/// Up to this depth no array has an element with strings, so an event has only so many of them: its type, and the id,
/// model, status and tier of the response. What the event means and costs depends on them.
const FIXED_DEPTH: usize = 2;

// === impl Excess ===

impl Excess {
    /// For the data of one event, all of which is held until it ends.
    pub(super) const fn of_event() -> Self {
        Self { left: EXCESS_BYTES, value: 0 }
    }

    /// For a document, whose parts go into the answer as they end.
    pub(super) const fn of_document() -> Self {
        Self { left: usize::MAX, value: 0 }
    }

    /// A value at `depth` begins. Returns whether it may be kept.
    fn begin(&mut self, depth: usize, kind: Kind) -> bool {
        self.value = 0;
        kind != Kind::String || self.left > 0 || depth <= FIXED_DEPTH
    }

    /// Counts a run of the current value. A reader keeps no more of a name than [`NAME_BYTES`].
    fn count(&mut self, run: &str) {
        let counted = run.len().min(NAME_BYTES.saturating_sub(self.value));
        self.value = self.value.saturating_add(counted);
        self.left = self.left.saturating_sub(counted);
    }
}

impl<R: ObjectReader> Visitor for ObjectVisitor<'_, R> {
    type Name = R::Name;

    fn begin(&mut self, path: &[R::Name], kind: Kind, _offset: u64) -> Want {
        self.reader.begin(path, kind, self.answer.keep())
    }

    fn counts(&mut self, path: &[R::Name], kind: Kind) -> bool {
        self.reader.counts(path, kind)
    }

    fn short_string(&mut self, path: &[R::Name], quoted: &[u8]) -> Option<(Want, bool)> {
        let [_, text @ .., _] = quoted else { return None };
        self.reader.word(path, text).then_some((Want::Read, false))
    }

    fn text(&mut self, _path: &[R::Name], run: &str) {
        self.reader.text(run, self.answer.keep());
    }

    fn scalar(&mut self, path: &[R::Name], value: Scalar<'_>) {
        self.reader.scalar(path, value);
    }

    fn end(&mut self, path: &[R::Name], _kind: Kind, _offset: u64) {
        if self.document {
            self.reader.document_end(path, self.answer);
        }
    }
}

impl<R: ObjectReader> Visitor for ExcessVisitor<'_, R> {
    type Name = R::Name;

    fn begin(&mut self, path: &[R::Name], kind: Kind, _offset: u64) -> Want {
        if !self.excess.begin(path.len(), kind) {
            return Want::Skip;
        }
        self.object.reader.begin(path, kind, &self.object.answer.keep().without_texts())
    }

    fn counts(&mut self, path: &[R::Name], kind: Kind) -> bool {
        self.object.reader.counts(path, kind)
    }

    fn text(&mut self, _path: &[R::Name], run: &str) {
        self.excess.count(run);
        self.object.reader.text(run, &self.object.answer.keep().without_texts());
    }

    fn scalar(&mut self, path: &[R::Name], value: Scalar<'_>) {
        self.object.scalar(path, value);
    }

    fn end(&mut self, path: &[R::Name], kind: Kind, offset: u64) {
        self.object.end(path, kind, offset);
    }
}
