//! Reads a response as it streams by: an event stream, a document, or the body of an error status.
//!
//! It knows no particular API: each API has [`ObjectReader`]s for its events and documents. Nothing here can refuse a
//! response, and only the bytes of a possible usage event wait. What cannot be read makes the record poorer, and a note
//! says so.
//!
//! The readers are written by hand on top of the incremental [`Scanner`](crate::json::Scanner): a response is read in
//! the chunks that Envoy hands over, in memory that does not grow with its length, and most of its bytes are never
//! copied. A deserialiser would need each event or document as a whole.

mod array_reader;
mod document_reader;
mod error_body;
mod event_stream_reader;
mod format;
mod object_reader;
mod repeated_events;

use crate::answer::Answer;
use crate::limits::Limits;
use array_reader::ArrayOr;
use core::fmt;
use document_reader::DocumentReader;
use error_body::ErrorBody;
use event_stream_reader::EventStreamReader;

pub use format::Format;
pub use object_reader::{Change, Effect, ObjectReader, Piece, Place, Texts};

/// Bytes for nesting, one bit per level. A deeper event or document is unreadable.
const DEPTH_BYTES: usize = 1024;

/// Reads one response.
pub struct ResponseReader {
    answer: Answer,
    body: ResponseBody,
}

/// The reader of one body, of any API and format.
pub struct ResponseBody(Box<dyn BodyReader>);

/// Reads a body of one format. It is not `Debug`: everything in a vtable is part of the module even if it is never
/// called, and `Debug` would be a sixteenth of the module.
trait BodyReader {
    /// As [`ResponseReader::feed`].
    fn feed(&mut self, chunk: &[u8], answer: &mut Answer) -> Option<Vec<u8>>;
    /// As [`ResponseReader::finish`].
    fn finish(&mut self, answer: &mut Answer) -> Vec<u8>;
    /// As [`ResponseReader::abandon`].
    fn abandon(&mut self, answer: &mut Answer);
    /// As [`ResponseReader::any_event`].
    fn any_event(&self) -> bool {
        false
    }
    /// As [`ResponseReader::ends_with_body`].
    fn ends_with_body(&self) -> bool;
    /// As [`ResponseReader::cut_usage_event`].
    fn cut_usage_event(&mut self) {}
}

/// A body that is not read.
struct Unread;

/// A reader for an event stream, with `R` for each event's data.
pub(super) fn events<R: ObjectReader + 'static>(limits: &Limits) -> ResponseBody {
    ResponseBody(Box::new(EventStreamReader::<R>::new(limits)))
}

/// A reader for a document, with `R` for its object.
pub(super) fn document<R: ObjectReader + 'static>(limits: &Limits) -> ResponseBody {
    ResponseBody(Box::new(DocumentReader::<R>::new(limits)))
}

/// As [`events`]; the stream may also be an array of the events' objects.
pub(super) fn events_or_array<R: ObjectReader + 'static>(limits: &Limits) -> ResponseBody {
    ResponseBody(Box::new(ArrayOr::<R>::new(events::<R>(limits), Some(document::<R>(limits)), limits)))
}

/// As [`document`]; the document may also be an array of objects, which is a stream.
pub(super) fn document_or_array<R: ObjectReader + 'static>(limits: &Limits) -> ResponseBody {
    ResponseBody(Box::new(ArrayOr::<R>::new(document::<R>(limits), None, limits)))
}

/// A reader for the body of an error status, whichever provider it comes from.
pub(super) fn error_body(limits: &Limits) -> ResponseBody {
    ResponseBody(Box::new(ErrorBody::of_error(limits)))
}

/// A reader that reads nothing.
pub(super) fn unread() -> ResponseBody {
    ResponseBody(Box::new(Unread))
}

// === impl ResponseReader ===

impl fmt::Debug for ResponseReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseReader").field("answer", &self.answer).finish_non_exhaustive()
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").finish_non_exhaustive()
    }
}

impl ResponseReader {
    /// A reader of `body` that collects into `answer`.
    #[must_use]
    pub const fn new(body: ResponseBody, answer: Answer) -> Self {
        Self { answer, body }
    }

    /// Reads the next chunk. Returns what passes to the client instead of it; `None`: the chunk itself.
    pub fn feed(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        self.body.0.feed(chunk, &mut self.answer)
    }

    /// The body is over. Returns the bytes that waited and pass to the client after the last chunk; there can be some
    /// only if that chunk was empty or [`feed`](Self::feed) returned other bytes instead of it.
    pub fn finish(&mut self) -> Vec<u8> {
        let waited = self.body.0.finish(&mut self.answer);
        self.answer.usage.take_repeated();
        waited
    }

    /// The body breaks off. What a document stated so far counts; an unfinished event does not.
    pub fn abandon(&mut self) {
        self.body.0.abandon(&mut self.answer);
        self.answer.usage.take_repeated();
    }

    /// Whether an event was read.
    #[must_use]
    pub fn any_event(&self) -> bool {
        self.body.0.any_event()
    }

    /// From now on usage events are cut out of an event stream. Call it once, when it is known that the request was
    /// edited to ask for usage. Other formats have no such event.
    pub fn cut_usage_event(&mut self) {
        self.body.0.cut_usage_event();
    }

    /// As [`UsageReader::output_is_rest`](crate::usage::UsageReader::output_is_rest). Call it before the body is read.
    pub const fn output_is_rest(&mut self) {
        self.answer.usage.output_is_rest();
    }

    /// Whether the end of the HTTP body alone means that the response is complete.
    #[must_use]
    pub fn ends_with_body(&self) -> bool {
        self.body.0.ends_with_body()
    }

    /// What was learned so far.
    #[must_use]
    pub const fn answer(&self) -> &Answer {
        &self.answer
    }
}

// === impl Unread ===

impl BodyReader for Unread {
    fn feed(&mut self, _chunk: &[u8], _answer: &mut Answer) -> Option<Vec<u8>> {
        None
    }

    fn finish(&mut self, _answer: &mut Answer) -> Vec<u8> {
        Vec::new()
    }

    fn abandon(&mut self, _answer: &mut Answer) {}

    fn ends_with_body(&self) -> bool {
        true
    }
}
