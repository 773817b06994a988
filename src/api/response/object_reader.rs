//! What an API implements to learn from its events and documents.

use crate::answer::{Answer, Keep};
use crate::api::usage_edit::UsageEvent;
use crate::json::{self, Kind, Scalar, Visitor, Want};
use core::fmt;

/// Reads JSON objects of one API: a document, or the data of each event. What it learns goes into an [`Answer`]; what
/// an event states only after the event has ended and proved valid.
pub trait ObjectReader: Default + fmt::Debug {
    /// The member names that are read.
    type Name: json::Name;
    /// Event data that is not JSON and ends the stream; empty if the API has none.
    const SENTINEL: &'static [u8] = b"";
    /// An empty body is a valid document: the status alone can report an error.
    const MAY_BE_EMPTY: bool = false;
    /// As [`Visitor::begin`].
    fn begin(&mut self, path: &[Self::Name], kind: Kind, keep: &Keep) -> Want;
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
    /// An event above the size limit has ended. Its data was read in part, and may be invalid.
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

/// Whether an event changed its reader or the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It changed nothing, and would not have with other values in place of those that were skipped or wanted as
    /// [`Want::Tentative`].
    None,
    /// It changed something, or the reader does not know.
    Possible,
}

/// Passes what the scanner finds in one object to an [`ObjectReader`].
pub(super) struct ObjectVisitor<'a, R: ObjectReader> {
    pub(super) reader: &'a mut R,
    pub(super) answer: &'a mut Answer,
    /// The object is a document, not an event's data.
    pub(super) document: bool,
}

impl<R: ObjectReader> Visitor for ObjectVisitor<'_, R> {
    type Name = R::Name;

    fn begin(&mut self, path: &[R::Name], kind: Kind, _offset: u64) -> Want {
        self.reader.begin(path, kind, self.answer.keep())
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
