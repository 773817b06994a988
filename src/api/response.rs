//! Reads a response as it streams by, whichever API it speaks: an event stream, a document, or an error.
//!
//! Nothing here can stop or change the response: what cannot be read makes the record poorer, and a note says so.

mod document;
mod error;
mod events;
mod format;
mod memo;

use crate::answer::{Answer, Keep};
use crate::api::chat_completions::{self, UsageEvent};
use crate::api::{Api, messages, responses};
use crate::json::{self, Kind, Scalar, Visitor, Want};
use crate::limits::Limits;
use core::fmt;
use document::Document;
use error::ErrorReading;
use events::Events;

pub use format::Format;

/// Memory for nesting, in bytes: one bit a level; deeper makes the event or document unreadable.
const DEPTH_BYTES: usize = 1024;

/// Reads one response.
pub struct ResponseReader {
    answer: Answer,
    body: Box<dyn BodyReader>,
}

/// One way of reading a body. Not `Debug`: what stands in a vtable is part of the module even where nobody calls it, and
/// this would be a sixteenth of the module.
trait BodyReader {
    /// Reads on.
    fn feed(&mut self, chunk: &[u8], answer: &mut Answer);
    /// The body is over.
    fn finish(&mut self, answer: &mut Answer);
    /// The body breaks off.
    fn abandon(&mut self, answer: &mut Answer);
    /// Whether an event was seen.
    fn any_event(&self) -> bool {
        false
    }
    /// Whether the end of an HTTP body alone says that the answer is whole.
    fn ends_with_body(&self) -> bool;
    /// As [`ResponseReader::cut_usage_event`].
    fn cut_usage_event(&mut self) -> bool {
        false
    }
    /// As [`ResponseReader::instead`].
    fn instead(&mut self) -> Option<Vec<u8>> {
        None
    }
}

/// A body that nobody looks at.
#[derive(Debug)]
struct Unread;

/// What an event left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// Nothing: reader and answer are as they were before, and would be whatever those values said that were skipped or
    /// wanted as [`Want::Tentative`].
    None,
    /// Something, or that is not sure.
    Left,
}

/// What an API learns from one JSON object: a document, or the data of one event. `answer` gets what is learned; of an
/// event only when it is over and proved valid.
pub trait ObjectReader: Default + fmt::Debug {
    /// The names it knows.
    type Name: json::Name;
    /// How data begins that is no JSON and ends the stream; empty where the API has none.
    const SENTINEL: &'static [u8] = b"";
    /// Whether nothing at all is a document too: an error may be told by its status alone.
    const MAY_BE_EMPTY: bool = false;
    /// As [`Visitor::begin`].
    fn begin(&mut self, path: &[Self::Name], kind: Kind, keep: &Keep) -> Want;
    /// As [`Visitor::text`].
    fn text(&mut self, run: &str, keep: &Keep);
    /// As [`Visitor::scalar`].
    fn scalar(&mut self, path: &[Self::Name], value: Scalar<'_>);
    /// A wanted value inside a document is over: what is complete with it goes into `answer`.
    fn document_end(&mut self, path: &[Self::Name], answer: &mut Answer);
    /// The document is not read further, or there is no more of it: what it said until here goes into `answer`.
    fn document_cut(&mut self, _answer: &mut Answer) {}
    /// An event is over: everything goes into `answer`, and the reader is as new but for what spans events.
    fn event(&mut self, name: &[u8], answer: &mut Answer) -> Trace;
    /// An event is over that is above the limit: of its data only a part was read, and that was not proved valid.
    fn oversized(&mut self, _name: &[u8], _answer: &mut Answer) {
        self.forget();
    }
    /// An event is over whose data proved invalid: its name may say something all the same.
    fn unread(&mut self, _name: &[u8], _answer: &mut Answer) {
        self.forget();
    }
    /// An event is over that cannot be used: the reader is as new but for what spans events.
    fn forget(&mut self);
    /// An event is over whose data began with [`SENTINEL`](Self::SENTINEL).
    fn sentinel(&mut self, _answer: &mut Answer) {}
    /// Whether the event at hand is one that Chat Completions sends only where usage was asked for.
    fn usage_event(&self) -> UsageEvent {
        UsageEvent::No
    }
}

// === impl ResponseReader ===

impl fmt::Debug for ResponseReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseReader").field("answer", &self.answer).finish_non_exhaustive()
    }
}

impl ResponseReader {
    /// For an answer of `api`.
    #[must_use]
    pub fn new(api: Api, format: Format, keep: Keep, limits: &Limits) -> Self {
        let body: Box<dyn BodyReader> = match (format, api) {
            (Format::Events, Api::Messages) => Box::new(Events::<messages::Reading>::new(limits)),
            (Format::Document, Api::Messages) => Box::new(Document::<messages::Reading>::new(limits)),
            (Format::Events, Api::ChatCompletions) => {
                Box::new(Events::<chat_completions::Reading>::new(limits))
            }
            (Format::Document, Api::ChatCompletions) => {
                Box::new(Document::<chat_completions::Reading>::new(limits))
            }
            (Format::Events, Api::Responses) => Box::new(Events::<responses::EventReading>::new(limits)),
            (Format::Document, Api::Responses) => {
                Box::new(Document::<responses::DocumentReading>::new(limits))
            }
            (Format::Error, _) => Box::new(Document::<ErrorReading>::new(limits)),
            (Format::Unread, _) => Box::new(Unread),
        };
        Self { answer: Answer::new(api, keep), body }
    }

    /// Reads on.
    pub fn feed(&mut self, chunk: &[u8]) {
        self.body.feed(chunk, &mut self.answer);
    }

    /// The body is over.
    pub fn finish(&mut self) {
        self.body.finish(&mut self.answer);
    }

    /// The body breaks off. Of a document everything until here counts; an event that is not whole is none.
    pub fn abandon(&mut self) {
        self.body.abandon(&mut self.answer);
    }

    /// Whether an event was seen.
    #[must_use]
    pub fn any_event(&self) -> bool {
        self.body.any_event()
    }

    /// Chat Completions: events that state the usage and nothing else are not for the client, who did not ask for them.
    /// `false` where that cannot be, because this is no stream that is read. Said again it changes nothing.
    pub fn cut_usage_event(&mut self) -> bool {
        self.body.cut_usage_event()
    }

    /// What is for the client instead of the chunk that was fed last; `None`: that chunk.
    pub fn instead(&mut self) -> Option<Vec<u8>> {
        self.body.instead()
    }

    /// Whether the end of an HTTP body alone says that the answer is whole.
    #[must_use]
    pub fn ends_with_body(&self) -> bool {
        self.body.ends_with_body()
    }

    /// What was learned.
    #[must_use]
    pub const fn answer(&self) -> &Answer {
        &self.answer
    }
}

// === impl Unread ===

impl BodyReader for Unread {
    fn feed(&mut self, _chunk: &[u8], _answer: &mut Answer) {}

    fn finish(&mut self, _answer: &mut Answer) {}

    fn abandon(&mut self, _answer: &mut Answer) {}

    fn ends_with_body(&self) -> bool {
        true
    }
}

struct Visit<'a, R: ObjectReader> {
    reader: &'a mut R,
    answer: &'a mut Answer,
    document: bool,
}

impl<R: ObjectReader> Visitor for Visit<'_, R> {
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
