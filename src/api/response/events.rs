//! Reads an event stream: the decoder cuts it into events, the scanner reads each event's data as it comes, and what an
//! event says counts when the event is over and proved valid.

use super::memo::Memo;
use super::{BodyReader, DEPTH_BYTES, ObjectReader, Trace, Visit};
use crate::answer::Answer;
use crate::api::chat_completions::{Cut, UsageEvent};
use crate::json::{Problem, Scanner, UnreadValues};
use crate::limits::Limits;
use crate::note::Note;
use crate::sse::{self, Decoder, Fate};

/// An event stream, read by `R`.
#[derive(Debug)]
pub(super) struct Events<R: ObjectReader> {
    decoder: Decoder,
    object: EventObject<R>,
    event_bytes: u64,
    /// How events look that tell nothing.
    memo: Memo,
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

impl<R: ObjectReader> Events<R> {
    pub(super) fn new(limits: &Limits) -> Self {
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
            memo: Memo::default(),
            cut: None,
        }
    }
}

impl<R: ObjectReader> BodyReader for Events<R> {
    fn feed(&mut self, chunk: &[u8], answer: &mut Answer) {
        let Self { decoder, object, event_bytes, memo, cut } = self;
        let mut rest = chunk;
        while !rest.is_empty() {
            let whole = decoder.is_between_events();
            if whole && let Some(after) = memo.past(rest, *event_bytes) {
                decoder.pass(rest.len().saturating_sub(after.len()));
                rest = after;
                continue;
            }
            let mut sink = EventSink { object, answer, cut: cut.as_mut(), told: Told::Nothing };
            let after = decoder.feed_event(rest, &mut sink);
            match sink.told {
                Told::Nothing => {}
                Told::Trace => memo.forget(),
                Told::NoTrace(places) if whole => {
                    let event = rest.len().checked_sub(after.len()).and_then(|bytes| rest.get(..bytes));
                    memo.learn(event.unwrap_or_default(), &places);
                }
                // It changed nothing, so that the others still tell nothing.
                Told::NoTrace(_) => {}
            }
            rest = after;
        }
        if let Some(cut) = cut {
            let (begin, end) = (decoder.event_start(), decoder.offset());
            let waits = end.saturating_sub(begin) <= *event_bytes && object.may_be_usage_event();
            cut.pass(chunk, if waits { begin } else { end });
        }
    }

    fn finish(&mut self, answer: &mut Answer) {
        let Self { decoder, object, cut, .. } = self;
        decoder.finish(&mut EventSink { object, answer, cut: cut.as_mut(), told: Told::Nothing });
        if let Some(cut) = cut {
            cut.finish();
        }
    }

    /// An event that is not whole is none.
    fn abandon(&mut self, _answer: &mut Answer) {}

    fn any_event(&self) -> bool {
        self.object.any
    }

    /// A stream has an end of its own.
    fn ends_with_body(&self) -> bool {
        false
    }

    fn cut_usage_event(&mut self) -> bool {
        self.cut.get_or_insert_with(|| Cut::from(self.decoder.offset()));
        true
    }

    fn instead(&mut self) -> Option<Vec<u8>> {
        self.cut.as_mut()?.instead()
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
    told: Told,
}

/// What came of the bytes that were fed.
enum Told {
    /// No event was over.
    Nothing,
    /// One that left a trace, or that was not read as an event is.
    Trace,
    /// One that left none, in which these values might have been others.
    NoTrace(UnreadValues),
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
            if seen > 0 {
                object.read(R::SENTINEL.get(..seen).unwrap_or_default(), self.answer);
            }
        }
        object.read(run, self.answer);
    }

    fn event(&mut self, event: sse::Event<'_>) {
        let object = &mut *self.object;
        let mut visit = Visit { reader: &mut object.reader, answer: self.answer, document: false };
        let told = object.scanner.finish(&mut visit).map_err(|error| error.problem);
        let valid = !object.invalid && told.is_ok();
        object.any = true;
        self.told = Told::Trace;
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
                if object.reader.event(event.name, self.answer) == Trace::None {
                    self.told = Told::NoTrace(*object.scanner.unread_values());
                }
            }
            (Fate::Oversized, _) => {
                self.answer.notes.add(Note::EventTooLarge);
                object.reader.oversized(event.name, self.answer);
            }
            // An answer that was cut within an event: the outcome says so. What follows the end is nobody's, except where
            // the usage may.
            (Fate::Unterminated, false) => object.reader.forget(),
            (Fate::Complete, false) if self.answer.ended && R::SENTINEL.is_empty() => object.reader.forget(),
            (Fate::Complete, false) => {
                // Data without text is a sign of life.
                if told != Err(Problem::Empty) || object.sentinel.is_some_and(|seen| seen > 0) {
                    self.answer.notes.add(Note::ResponseUnreadable);
                }
                object.reader.unread(event.name, self.answer);
            }
        }
        object.scanner.renew();
        object.sentinel = (!R::SENTINEL.is_empty()).then_some(0);
        object.invalid = false;
    }
}

#[cfg(test)]
mod tests;
