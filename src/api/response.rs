//! Reads a response as it streams by, whichever API it speaks: an event stream, a document, or an error.
//!
//! Nothing here can stop or change the response: what cannot be read makes the record poorer, and a note says so.

use crate::answer::{Answer, ApiError, Keep, NAME_BYTES};
use crate::api::chat_completions::{self, Cut, UsageEvent};
use crate::api::{Api, messages, responses};
use crate::config::Limits;
use crate::json::{self, Kind, Problem, Scalar, Scanner, Visitor, Want};
use crate::note::Note;
use crate::sse::{self, Decoder, Fate};
use crate::text::Text;

/// How a response's body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Server-sent events.
    Events,
    /// One JSON document.
    Document,
    /// The JSON document of an error status.
    Error,
    /// Not at all.
    Unread,
}

/// Memory for nesting, in bytes: one bit a level; deeper makes the event or document unreadable.
const DEPTH_BYTES: usize = 1024;

/// Reads one response.
#[derive(Debug)]
pub struct ResponseReader {
    answer: Answer,
    body: Body,
}

#[derive(Debug)]
enum Body {
    MessagesEvents(Box<Events<messages::Reading>>),
    MessagesDocument(Box<Document<messages::Reading>>),
    ResponsesEvents(Box<Events<responses::EventReading>>),
    ResponsesDocument(Box<Document<responses::DocumentReading>>),
    ChatEvents(Box<Events<chat_completions::Reading>>),
    ChatDocument(Box<Document<chat_completions::Reading>>),
    Error(Box<Document<ErrorReading>>),
    Unread,
}

/// What an API learns from one JSON object: a document, or the data of one event. `answer` gets what is learned; of an
/// event only when it is over and proved valid.
pub trait ObjectReader: Default {
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
    fn event(&mut self, name: &[u8], answer: &mut Answer);
    /// An event is over that is above the limit: of its data only a part was read, and that was not proved valid.
    fn oversized(&mut self, _name: &[u8], _answer: &mut Answer) {
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

/// An event stream, read by `R`.
#[derive(Debug)]
struct Events<R: ObjectReader> {
    decoder: Decoder,
    object: EventObject<R>,
    event_bytes: u64,
    /// Where not all events are for the client.
    cut: Option<Cut>,
}

#[derive(Debug)]
struct EventObject<R: ObjectReader> {
    scanner: Scanner<R::Name>,
    reader: R,
    /// How much of the sentinel the event's data is so far; `None`: it is something else.
    sentinel: Option<usize>,
    /// The event's data is not valid JSON.
    invalid: bool,
    /// An event was seen.
    any: bool,
}

/// A document, read by `R`.
#[derive(Debug)]
struct Document<R: ObjectReader> {
    scanner: Scanner<R::Name>,
    reader: R,
    left_bytes: u64,
    invalid: bool,
}

// === impl ResponseReader ===

impl ResponseReader {
    /// For an answer of `api`.
    #[must_use]
    pub fn new(api: Api, format: Format, keep: Keep, limits: &Limits) -> Self {
        let body = match (format, api) {
            (Format::Events, Api::Messages) => Body::MessagesEvents(Box::new(Events::new(limits))),
            (Format::Document, Api::Messages) => Body::MessagesDocument(Box::new(Document::new(limits))),
            (Format::Events, Api::Responses) => Body::ResponsesEvents(Box::new(Events::new(limits))),
            (Format::Document, Api::Responses) => Body::ResponsesDocument(Box::new(Document::new(limits))),
            (Format::Events, Api::ChatCompletions) => Body::ChatEvents(Box::new(Events::new(limits))),
            (Format::Document, Api::ChatCompletions) => Body::ChatDocument(Box::new(Document::new(limits))),
            (Format::Error, _) => Body::Error(Box::new(Document::new(limits))),
            (Format::Unread, _) => Body::Unread,
        };
        Self { answer: Answer::new(api, keep), body }
    }

    /// Reads on.
    pub fn feed(&mut self, chunk: &[u8]) {
        match &mut self.body {
            Body::MessagesEvents(events) => events.feed(chunk, &mut self.answer),
            Body::MessagesDocument(document) => document.feed(chunk, &mut self.answer),
            Body::ResponsesEvents(events) => events.feed(chunk, &mut self.answer),
            Body::ResponsesDocument(document) => document.feed(chunk, &mut self.answer),
            Body::ChatEvents(events) => events.feed(chunk, &mut self.answer),
            Body::ChatDocument(document) => document.feed(chunk, &mut self.answer),
            Body::Error(document) => document.feed(chunk, &mut self.answer),
            Body::Unread => {}
        }
    }

    /// The body is over.
    pub fn finish(&mut self) {
        match &mut self.body {
            Body::MessagesEvents(events) => events.finish(&mut self.answer),
            Body::MessagesDocument(document) => document.finish(&mut self.answer),
            Body::ResponsesEvents(events) => events.finish(&mut self.answer),
            Body::ResponsesDocument(document) => document.finish(&mut self.answer),
            Body::ChatEvents(events) => events.finish(&mut self.answer),
            Body::ChatDocument(document) => document.finish(&mut self.answer),
            Body::Error(document) => document.finish(&mut self.answer),
            Body::Unread => {}
        }
    }

    /// The body breaks off. Of a document everything until here counts; an event that is not whole is none.
    pub fn abandon(&mut self) {
        match &mut self.body {
            Body::MessagesDocument(document) => document.finish(&mut self.answer),
            Body::ResponsesDocument(document) => document.finish(&mut self.answer),
            Body::ChatDocument(document) => document.finish(&mut self.answer),
            Body::Error(document) => document.finish(&mut self.answer),
            Body::MessagesEvents(_) | Body::ResponsesEvents(_) | Body::ChatEvents(_) | Body::Unread => {}
        }
    }

    /// Whether an event was seen.
    #[must_use]
    pub fn any_event(&self) -> bool {
        match &self.body {
            Body::MessagesEvents(events) => events.object.any,
            Body::ResponsesEvents(events) => events.object.any,
            Body::ChatEvents(events) => events.object.any,
            Body::MessagesDocument(_)
            | Body::ResponsesDocument(_)
            | Body::ChatDocument(_)
            | Body::Error(_)
            | Body::Unread => false,
        }
    }

    /// Events that state the usage and nothing else are not for the client: it did not ask for them. `false` where that
    /// cannot be, because this is no stream of Chat Completions that is read.
    pub fn cut_usage_event(&mut self) -> bool {
        let Body::ChatEvents(events) = &mut self.body else { return false };
        events.cut = Some(Cut::default());
        true
    }

    /// What is for the client instead of the chunk that was fed last; `None`: that chunk.
    pub fn instead(&mut self) -> Option<Vec<u8>> {
        let Body::ChatEvents(events) = &mut self.body else { return None };
        events.cut.as_mut()?.instead()
    }

    /// Whether the end of an HTTP body alone says that the answer is whole.
    #[must_use]
    pub fn ends_with_body(&self) -> bool {
        match &self.body {
            Body::MessagesEvents(_) | Body::ResponsesEvents(_) | Body::ChatEvents(_) => false,
            Body::MessagesDocument(document) => document.is_over(),
            Body::ResponsesDocument(document) => document.is_over(),
            Body::ChatDocument(document) => document.is_over(),
            Body::Error(_) | Body::Unread => true,
        }
    }

    /// What was learned.
    #[must_use]
    pub const fn answer(&self) -> &Answer {
        &self.answer
    }

    /// What was learned, to note something.
    pub const fn answer_mut(&mut self) -> &mut Answer {
        &mut self.answer
    }
}

// === impl Events ===

impl<R: ObjectReader> Events<R> {
    fn new(limits: &Limits) -> Self {
        Self {
            decoder: Decoder::new(limits.event_bytes),
            object: EventObject {
                scanner: Scanner::object(DEPTH_BYTES),
                reader: R::default(),
                sentinel: (!R::SENTINEL.is_empty()).then_some(0),
                invalid: false,
                any: false,
            },
            event_bytes: u64::try_from(limits.event_bytes).unwrap_or(u64::MAX),
            cut: None,
        }
    }

    fn feed(&mut self, chunk: &[u8], answer: &mut Answer) {
        let Self { decoder, object, event_bytes, cut } = self;
        decoder.feed(chunk, &mut EventSink { object, answer, cut: cut.as_mut() });
        if let Some(cut) = cut {
            let (begin, end) = (decoder.event_start(), decoder.offset());
            let waits = end.saturating_sub(begin) <= *event_bytes && object.may_be_usage_event();
            cut.pass(chunk, if waits { begin } else { end });
        }
    }

    fn finish(&mut self, answer: &mut Answer) {
        let Self { decoder, object, cut, .. } = self;
        decoder.finish(&mut EventSink { object, answer, cut: cut.as_mut() });
        if let Some(cut) = cut {
            cut.finish();
        }
    }
}

impl<R: ObjectReader> EventObject<R> {
    /// Reads a run of the event's data, which is no sentinel.
    fn read(&mut self, run: &[u8], answer: &mut Answer) {
        if !self.invalid {
            let mut visit = Visit { reader: &mut self.reader, answer, document: false };
            self.invalid = self.scanner.feed(run, &mut visit).is_err();
        }
    }

    /// Whether the event at hand, which is not over, may be the one that states the usage and nothing else.
    fn may_be_usage_event(&self) -> bool {
        let may_be = match self.reader.usage_event() {
            UsageEvent::No => false,
            UsageEvent::Perhaps => !self.scanner.is_complete(),
            UsageEvent::Yes => true,
        };
        may_be && !self.invalid && matches!(self.sentinel, None | Some(0))
    }
}

struct EventSink<'a, R: ObjectReader> {
    object: &'a mut EventObject<R>,
    answer: &'a mut Answer,
    cut: Option<&'a mut Cut>,
}

impl<R: ObjectReader> sse::Sink for EventSink<'_, R> {
    fn data(&mut self, run: &[u8]) {
        let object = &mut *self.object;
        if let Some(seen) = object.sentinel {
            let rest = R::SENTINEL.get(seen..).unwrap_or_default();
            let same = rest.iter().zip(run).take_while(|(wanted, found)| wanted == found).count();
            if same == rest.len() || same == run.len() {
                object.sentinel = Some(seen.saturating_add(same));
                return;
            }
            object.sentinel = None;
            object.read(R::SENTINEL.get(..seen).unwrap_or_default(), self.answer);
        }
        object.read(run, self.answer);
    }

    fn event(&mut self, event: sse::Event<'_>) {
        let object = &mut *self.object;
        let mut visit = Visit { reader: &mut object.reader, answer: self.answer, document: false };
        let told = object.scanner.finish(&mut visit).map_err(|error| error.problem);
        let valid = !object.invalid && told.is_ok();
        object.any = true;
        match (event.fate, valid) {
            _ if object.sentinel.is_some_and(|seen| seen == R::SENTINEL.len()) => {
                object.reader.sentinel(self.answer);
            }
            (Fate::Complete | Fate::Unterminated, true) => {
                if let Some(cut) = self.cut.as_mut()
                    && object.reader.usage_event() == UsageEvent::Yes
                {
                    cut.leave_out(event.start, event.end);
                }
                object.reader.event(event.name, self.answer);
            }
            (Fate::Oversized, _) => {
                self.answer.notes.add(Note::EventTooLarge);
                object.reader.oversized(event.name, self.answer);
            }
            // An answer that was cut within an event: the outcome says so. What follows the end is nobody's.
            (Fate::Unterminated, false) => object.reader.forget(),
            (Fate::Complete, false) if self.answer.ended => object.reader.forget(),
            (Fate::Complete, false) => {
                // Data without text is a sign of life.
                if told != Err(Problem::Empty) || object.sentinel.is_some_and(|seen| seen > 0) {
                    self.answer.notes.add(Note::ResponseUnreadable);
                }
                object.reader.forget();
            }
        }
        object.scanner = Scanner::object(DEPTH_BYTES);
        object.sentinel = (!R::SENTINEL.is_empty()).then_some(0);
        object.invalid = false;
    }
}

// === impl Document ===

impl<R: ObjectReader> Document<R> {
    fn new(limits: &Limits) -> Self {
        Self {
            scanner: Scanner::object(DEPTH_BYTES),
            reader: R::default(),
            left_bytes: limits.document_bytes,
            invalid: false,
        }
    }

    fn feed(&mut self, chunk: &[u8], answer: &mut Answer) {
        if self.invalid {
            return;
        }
        let room = usize::try_from(self.left_bytes).unwrap_or(usize::MAX);
        let (within, beyond) = chunk.split_at_checked(room).unwrap_or((chunk, &[]));
        self.left_bytes = self.left_bytes.saturating_sub(u64::try_from(within.len()).unwrap_or(u64::MAX));
        let mut visit = Visit { reader: &mut self.reader, answer, document: true };
        if self.scanner.feed(within, &mut visit).is_err() {
            self.give_up(Note::ResponseUnreadable, answer);
        } else if !beyond.is_empty() && !self.scanner.is_complete() {
            self.give_up(Note::DocumentTooLarge, answer);
        }
    }

    fn give_up(&mut self, note: Note, answer: &mut Answer) {
        self.invalid = true;
        self.reader.document_cut(answer);
        answer.notes.add(note);
    }

    fn finish(&mut self, answer: &mut Answer) {
        if self.invalid {
            return;
        }
        let mut visit = Visit { reader: &mut self.reader, answer, document: true };
        match self.scanner.finish(&mut visit).map_err(|error| error.problem) {
            Ok(()) => {}
            // The outcome says so.
            Err(Problem::Truncated) => self.reader.document_cut(answer),
            Err(Problem::Empty) if R::MAY_BE_EMPTY => self.invalid = true,
            Err(_) => self.give_up(Note::ResponseUnreadable, answer),
        }
    }

    /// Nothing more can be learned from it.
    fn is_over(&self) -> bool {
        self.invalid || self.scanner.is_complete()
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

// === impl ErrorReading ===

/// The error document of any provider: `error` is an object, or a text; some have only a `message`.
#[derive(Debug, Default)]
struct ErrorReading {
    current: Option<ErrorField>,
    text: Text,
    error: ApiError,
}

#[derive(Clone, Copy, Debug)]
enum ErrorField {
    Kind,
    Code,
    Message,
    /// `message` beside `error`, or alone.
    Fallback,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ErrorName {
    Item,
    Code,
    Error,
    Message,
    Type,
}

impl json::Name for ErrorName {
    const ITEM: Self = Self::Item;

    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "code" => Self::Code,
            "error" => Self::Error,
            "message" => Self::Message,
            "type" => Self::Type,
            _ => return None,
        })
    }
}

impl ObjectReader for ErrorReading {
    type Name = ErrorName;
    const MAY_BE_EMPTY: bool = true;

    fn begin(&mut self, path: &[ErrorName], kind: Kind, _keep: &Keep) -> Want {
        self.text.clear();
        self.current = match (path, kind) {
            ([] | [ErrorName::Error], Kind::Object) => return Want::Read,
            ([ErrorName::Error, ErrorName::Type], Kind::String) => Some(ErrorField::Kind),
            ([ErrorName::Error, ErrorName::Code], Kind::String | Kind::Number) => Some(ErrorField::Code),
            ([ErrorName::Error, ErrorName::Message] | [ErrorName::Error], Kind::String) => {
                Some(ErrorField::Message)
            }
            ([ErrorName::Message], Kind::String) => Some(ErrorField::Fallback),
            _ => None,
        };
        if self.current.is_some() { Want::Read } else { Want::Skip }
    }

    fn text(&mut self, run: &str, _keep: &Keep) {
        self.text.push(run, NAME_BYTES);
    }

    fn scalar(&mut self, _path: &[ErrorName], value: Scalar<'_>) {
        // A scalar has no end of its own.
        if let (Some(ErrorField::Code), Scalar::Number(Some(number))) = (self.current.take(), value) {
            self.error.code = Some(number.to_owned());
        }
    }

    fn document_end(&mut self, path: &[ErrorName], answer: &mut Answer) {
        let text = Some(self.text.as_str().to_owned());
        match self.current.take() {
            Some(ErrorField::Kind) => self.error.kind = text,
            Some(ErrorField::Code) => self.error.code = text,
            Some(ErrorField::Message) => self.error.message = text,
            Some(ErrorField::Fallback) => self.error.message = self.error.message.take().or(text),
            None => {}
        }
        if path.is_empty() {
            answer.error = Some(core::mem::take(&mut self.error));
            answer.ended = true;
        }
    }

    fn document_cut(&mut self, answer: &mut Answer) {
        let error = core::mem::take(&mut self.error);
        if error != ApiError::default() {
            answer.error = Some(error);
        }
    }

    fn event(&mut self, _name: &[u8], _answer: &mut Answer) {}

    fn forget(&mut self) {}
}
