//! Reads an event stream: the decoder finds the events, the scanner reads each event's data as it comes, and what an
//! event states counts once the event has ended and proved valid.

use super::error_body::ErrorBody;
use super::object_reader::{Change, Effect, Excess, ExcessVisitor, ObjectReader, ObjectVisitor, Texts};
use super::repeated_events::RepeatedEvents;
use super::{BodyReader, DEPTH_BYTES};
use crate::answer::Answer;
use crate::api::usage_edit::{Cut, UsageEvent};
use crate::json::{Problem, Scanner, UnreadValues};
use crate::limits::Limits;
use crate::note::Note;
use crate::sse::{self, Completeness, Decoder};

/// Reads an event stream, with `R` for each event's data.
#[derive(Debug)]
pub(super) struct EventStreamReader<R: ObjectReader> {
    decoder: Decoder,
    data: EventData<R>,
    event_bytes: u64,
    repeated: RepeatedEvents,
    /// Set if usage events are cut out.
    cut: Option<Cut>,
    begin: Begin,
}

/// How the body begins.
#[derive(Debug)]
enum Begin {
    /// With nothing but white space so far.
    Unknown,
    /// As an event stream.
    Events,
    /// As a JSON document, which no event stream does: it may be an error.
    Document(Box<ErrorBody>),
}

/// Reads the data of one event after the other.
#[derive(Debug)]
struct EventData<R: ObjectReader> {
    scanner: Scanner<R::Name>,
    reader: R,
    /// How many bytes of the sentinel the event's data has so far; `None`: it is something else.
    sentinel: Option<usize>,
    /// The event's data is not valid JSON.
    invalid: bool,
    /// What may be kept of the event's data beyond the limit of its size.
    excess: Excess,
    /// An event has ended.
    any: bool,
}

impl<R: ObjectReader> EventStreamReader<R> {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            decoder: Decoder::new(limits.event_bytes),
            data: EventData {
                scanner: Scanner::object(DEPTH_BYTES),
                reader: R::default(),
                sentinel: (!R::SENTINEL.is_empty()).then_some(0),
                invalid: false,
                excess: Excess::of_event(),
                any: false,
            },
            event_bytes: u64::try_from(limits.event_bytes).unwrap_or(u64::MAX),
            repeated: RepeatedEvents::default(),
            cut: None,
            begin: Begin::Unknown,
        }
    }
}

impl Begin {
    /// Reads a chunk as long as the body is not known to be an event stream. Returns the white space that waited and
    /// passes now: no event can come.
    #[inline(never)]
    fn read(&mut self, chunk: &[u8], cut: &mut Option<Cut>, answer: &mut Answer) -> Vec<u8> {
        let mut waited = Vec::new();
        if matches!(self, Self::Unknown) {
            match chunk.iter().find(|byte| !matches!(byte, b'\n' | b'\r' | b' ' | b'\t')) {
                None => return waited,
                Some(b'{' | b'[') => {
                    *self = Self::Document(Box::new(ErrorBody::in_success()));
                    waited = cut.take().map(|mut cut| cut.finish()).unwrap_or_default();
                }
                Some(_) => *self = Self::Events,
            }
        }
        if let Self::Document(document) = self {
            document.read(chunk, answer);
        }
        waited
    }
}

impl<R: ObjectReader> BodyReader for EventStreamReader<R> {
    fn feed(&mut self, chunk: &[u8], answer: &mut Answer) -> Option<Vec<u8>> {
        let mut waited = match self.begin {
            Begin::Events => Vec::new(),
            Begin::Unknown | Begin::Document(_) => self.begin.read(chunk, &mut self.cut, answer),
        };
        let mut rest = chunk;
        while !rest.is_empty() {
            rest = match self.skip_event(rest, answer) {
                Some(after) => after,
                None => self.read_event(rest, answer),
            };
        }
        let (begin, end) = (self.decoder.event_start(), self.decoder.offset());
        let Some(cut) = &mut self.cut else {
            return (!waited.is_empty()).then(|| {
                waited.extend_from_slice(chunk);
                waited
            });
        };
        let waits = end.saturating_sub(begin) <= self.event_bytes && self.data.may_be_usage_event();
        cut.pass(chunk, if waits { begin } else { end })
    }

    fn finish(&mut self, answer: &mut Answer) -> Vec<u8> {
        let Self { decoder, data, cut, .. } = self;
        let mut sink = EventSink { data, answer, cut: cut.as_mut(), ended: Ended::None };
        decoder.finish(&mut sink as &mut dyn sse::Sink);
        if let Begin::Document(document) = &mut self.begin {
            document.end(answer);
        }
        cut.as_mut().map(Cut::finish).unwrap_or_default()
    }

    fn abandon(&mut self, answer: &mut Answer) {
        if let Begin::Document(document) = &mut self.begin {
            document.end(answer);
        }
    }

    fn any_event(&self) -> bool {
        self.data.any
    }

    /// An event stream has an end of its own.
    fn ends_with_body(&self) -> bool {
        false
    }

    fn cut_usage_event(&mut self) {
        if matches!(self.begin, Begin::Document(_)) {
            return;
        }
        self.cut.get_or_insert_with(|| Cut::from(self.decoder.offset()));
    }
}

impl<R: ObjectReader> EventStreamReader<R> {
    /// Skips the event that `rest` begins with, if it need not be read. Returns the bytes after it.
    #[inline(always)]
    fn skip_event<'a>(&mut self, rest: &'a [u8], answer: &mut Answer) -> Option<&'a [u8]> {
        if !self.decoder.is_between_events() {
            return None;
        }
        let fit = self.repeated.fits(rest, self.event_bytes)?;
        let after = rest.get(fit.end..)?;
        answer.texts.piece(fit.text_bytes);
        self.repeated.apply(rest, &fit, &mut self.data.reader, answer);
        self.decoder.skip_event(fit.end);
        Some(after)
    }

    /// Reads up to the end of one event. Returns the bytes after it. (Not inlined: most events are skipped, and the loop
    /// around it stays small.)
    #[inline(never)]
    fn read_event<'a>(&mut self, rest: &'a [u8], answer: &mut Answer) -> &'a [u8] {
        let Self { decoder, data, repeated, cut, .. } = self;
        let begins_here = decoder.is_between_events();
        let mut sink = EventSink { data, answer, cut: cut.as_mut(), ended: Ended::None };
        // With `dyn`, the decoder is compiled once for all APIs.
        let after = decoder.feed_event(rest, &mut sink as &mut dyn sse::Sink);
        match sink.ended {
            Ended::None => {}
            Ended::Changed => repeated.forget(),
            Ended::Repeatable(effect, values, text_bytes) if begins_here => {
                let event = rest.len().checked_sub(after.len()).and_then(|bytes| rest.get(..bytes));
                repeated.learn(event.unwrap_or_default(), effect, &values, text_bytes);
            }
            // An earlier chunk has its first bytes.
            Ended::Repeatable(effect, ..) => repeated.pass(effect),
        }
        after
    }
}

impl<R: ObjectReader> EventData<R> {
    /// Reads a run of data. `excess`: it lies beyond the limit of the event's size.
    fn data(&mut self, run: &[u8], excess: bool, answer: &mut Answer) {
        if let Some(seen) = self.sentinel {
            let rest = R::SENTINEL.get(seen..).unwrap_or_default();
            let same = rest.iter().zip(run).take_while(|(wanted, found)| wanted == found).count();
            if same == rest.len() || same == run.len() {
                self.sentinel = Some(seen.saturating_add(same));
                return;
            }
            self.sentinel = None;
            if seen > 0 {
                self.read(R::SENTINEL.get(..seen).unwrap_or_default(), excess, answer);
            }
        }
        self.read(run, excess, answer);
    }

    /// Reads a run of data that is not the sentinel.
    fn read(&mut self, run: &[u8], excess: bool, answer: &mut Answer) {
        if !self.invalid {
            let mut object = ObjectVisitor { reader: &mut self.reader, answer, document: false };
            let read = if excess {
                self.scanner.feed(run, &mut ExcessVisitor { object, excess: &mut self.excess })
            } else {
                self.scanner.feed(run, &mut object)
            };
            self.invalid = read.is_err();
        }
    }

    /// Whether the current event, which has not ended, may be the usage event.
    fn may_be_usage_event(&self) -> bool {
        let may_be = match self.reader.usage_event() {
            UsageEvent::No => false,
            UsageEvent::Undecided => !self.scanner.is_complete(),
            UsageEvent::Yes => true,
        };
        may_be && !self.invalid && matches!(self.sentinel, None | Some(0))
    }
}

/// Receives what the decoder finds.
struct EventSink<'a, R: ObjectReader> {
    data: &'a mut EventData<R>,
    answer: &'a mut Answer,
    cut: Option<&'a mut Cut>,
    ended: Ended,
}

/// The event that ended in the bytes that were fed.
enum Ended {
    /// No event ended.
    None,
    /// It changed the reader or the answer, or was not read as JSON.
    Changed,
    /// It had this effect. An event that differs only in these values has the same. The number: the bytes of its counted
    /// texts.
    Repeatable(Effect, UnreadValues, u64),
}

impl<R: ObjectReader> sse::Sink for EventSink<'_, R> {
    fn data(&mut self, run: &[u8]) {
        self.data.data(run, false, self.answer);
    }

    fn excess(&mut self, run: &[u8]) {
        self.data.data(run, true, self.answer);
    }

    fn event(&mut self, event: sse::Event<'_>) {
        let data = &mut *self.data;
        let mut visit = ObjectVisitor { reader: &mut data.reader, answer: self.answer, document: false };
        let scanned = data.scanner.finish(&mut visit).map_err(|error| error.problem);
        let valid = !data.invalid && scanned.is_ok();
        data.any = true;
        self.ended = Ended::Changed;
        let text_bytes = data.scanner.text_bytes();
        let texts = data.reader.texts(event.name);
        if valid && text_bytes > 0 {
            match texts {
                Texts::Piece => self.answer.texts.piece(text_bytes),
                Texts::Item => self.answer.texts.item(text_bytes),
                Texts::Whole => self.answer.texts.whole(text_bytes),
            }
        }
        match (event.completeness, valid) {
            _ if data.sentinel.is_some_and(|seen| seen == R::SENTINEL.len()) => {
                data.reader.sentinel(self.answer);
            }
            (Completeness::Complete | Completeness::Unterminated, true) => {
                if let Some(cut) = self.cut.as_mut()
                    && data.reader.usage_event() == UsageEvent::Yes
                {
                    cut.leave_out(event.start, event.end);
                }
                if let Change::Repeats(effect) = data.reader.event(event.name, self.answer)
                    && texts == Texts::Piece
                {
                    self.ended = Ended::Repeatable(effect, *data.scanner.unread_values(), text_bytes);
                }
            }
            (Completeness::Oversized, _) => {
                self.answer.notes.add(Note::EventTooLarge);
                data.excess = Excess::of_event();
                if valid {
                    data.reader.event(event.name, self.answer);
                } else {
                    data.reader.oversized(event.name, self.answer);
                }
            }
            // The record's outcome says that the stream broke off.
            (Completeness::Unterminated, false) => data.reader.forget(),
            // After the end of a response invalid data does not matter, except in an API with a sentinel, where the
            // usage may come after the end.
            (Completeness::Complete, false) if self.answer.ended && R::SENTINEL.is_empty() => {
                data.reader.forget();
            }
            (Completeness::Complete, false) => {
                // An event with empty data is a keep-alive.
                if scanned != Err(Problem::Empty) || data.sentinel.is_some_and(|seen| seen > 0) {
                    self.answer.notes.add(Note::ResponseUnreadable);
                }
                data.reader.unread(event.name, self.answer);
            }
        }
        data.scanner.renew();
        data.sentinel = (!R::SENTINEL.is_empty()).then_some(0);
        data.invalid = false;
    }
}

#[cfg(test)]
mod tests;
