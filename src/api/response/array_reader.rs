//! Reads a stream that is one JSON array of the objects that an event stream would have.

use super::object_reader::{Excess, ExcessVisitor, ObjectReader, ObjectVisitor};
use super::{BodyReader, DEPTH_BYTES, ResponseBody};
use crate::answer::Answer;
use crate::json::{Kind, Nameless, Scalar, Scanner, Visitor, Want};
use crate::limits::Limits;
use crate::note::Note;

/// Reads an array with `R` for each element, or another body.
pub(super) struct ArrayOr<R: ObjectReader> {
    other: ResponseBody,
    /// The reader of a body that is one object, where `other` is for event streams.
    object: Option<ResponseBody>,
    /// The body begins as an array.
    array: Option<Array<R>>,
    /// More than white space came.
    begun: bool,
    event_bytes: usize,
}

/// An array. Like an event, an element counts once it has ended.
struct Array<R: ObjectReader> {
    scanner: Scanner<Nameless>,
    elements: Elements<R>,
    /// The array is no valid JSON: nothing more is read.
    invalid: bool,
}

/// Reads one element after the other.
struct Elements<R: ObjectReader> {
    scanner: Scanner<R::Name>,
    reader: R,
    /// Bytes of the current element that are left up to `limits.event_bytes`. Beyond it no texts are kept.
    left_bytes: usize,
    event_bytes: usize,
    excess: Excess,
    /// The element is longer than the limit.
    oversized: bool,
    /// The element is no object that can be read.
    invalid: bool,
    /// An element has ended.
    any: bool,
}

/// Passes the bytes of each element on.
struct ElementVisitor<'a, R: ObjectReader> {
    elements: &'a mut Elements<R>,
    answer: &'a mut Answer,
}

// === impl ArrayOr ===

impl<R: ObjectReader> ArrayOr<R> {
    /// A reader of an array; or of one object, with `object` if there is one; or else with `other`.
    pub(super) const fn new(other: ResponseBody, object: Option<ResponseBody>, limits: &Limits) -> Self {
        Self { other, object, array: None, begun: false, event_bytes: limits.event_bytes }
    }
}

impl<R: ObjectReader> BodyReader for ArrayOr<R> {
    fn feed(&mut self, chunk: &[u8], answer: &mut Answer) -> Option<Vec<u8>> {
        if !self.begun
            && let Some(first) = chunk.iter().find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
        {
            self.begun = true;
            self.array = (*first == b'[').then(|| Array::new(self.event_bytes));
            // No event stream begins so.
            if *first == b'{'
                && let Some(object) = self.object.take()
            {
                self.other = object;
            }
        }
        match &mut self.array {
            Some(array) => {
                array.read(chunk, answer);
                None
            }
            None => self.other.0.feed(chunk, answer),
        }
    }

    fn finish(&mut self, answer: &mut Answer) -> Vec<u8> {
        match &self.array {
            // The record's outcome says that an array broke off.
            Some(_) => Vec::new(),
            None => self.other.0.finish(answer),
        }
    }

    fn abandon(&mut self, answer: &mut Answer) {
        if self.array.is_none() {
            self.other.0.abandon(answer);
        }
    }

    fn any_event(&self) -> bool {
        self.array.as_ref().map_or_else(|| self.other.0.any_event(), |array| array.elements.any)
    }

    /// The elements of an array state the end of the answer, as events do.
    fn ends_with_body(&self) -> bool {
        self.array.is_none() && self.other.0.ends_with_body()
    }
}

// === impl Array ===

impl<R: ObjectReader> Array<R> {
    fn new(event_bytes: usize) -> Self {
        Self {
            scanner: Scanner::any(DEPTH_BYTES),
            elements: Elements {
                scanner: Scanner::object(DEPTH_BYTES),
                reader: R::default(),
                left_bytes: event_bytes,
                event_bytes,
                excess: Excess::of_event(),
                oversized: false,
                invalid: false,
                any: false,
            },
            invalid: false,
        }
    }

    fn read(&mut self, chunk: &[u8], answer: &mut Answer) {
        if self.invalid {
            return;
        }
        let mut visitor = ElementVisitor { elements: &mut self.elements, answer };
        self.invalid = self.scanner.feed(chunk, &mut visitor).is_err();
        // After the end of the answer invalid data does not matter.
        if self.invalid && !answer.ended {
            answer.notes.add(Note::ResponseUnreadable);
        }
    }
}

// === impl Elements ===

impl<R: ObjectReader> Elements<R> {
    /// Reads a run of the current element.
    fn read(&mut self, run: &[u8], answer: &mut Answer) {
        let (within, beyond) = run.split_at_checked(self.left_bytes).unwrap_or((run, &[]));
        self.left_bytes = self.left_bytes.saturating_sub(within.len());
        self.oversized |= !beyond.is_empty();
        for (bytes, excess) in [(within, false), (beyond, true)] {
            if self.invalid || bytes.is_empty() {
                continue;
            }
            let mut object = ObjectVisitor { reader: &mut self.reader, answer, document: false };
            let read = if excess {
                self.scanner.feed(bytes, &mut ExcessVisitor { object, excess: &mut self.excess })
            } else {
                self.scanner.feed(bytes, &mut object)
            };
            self.invalid = read.is_err();
        }
    }

    /// The current element has ended.
    fn end(&mut self, answer: &mut Answer) {
        self.any = true;
        if self.oversized {
            answer.notes.add(Note::EventTooLarge);
        }
        if self.invalid || !self.scanner.is_complete() {
            answer.notes.add(Note::ResponseUnreadable);
            self.reader.forget();
        } else {
            answer.texts.piece(self.scanner.text_bytes());
            self.reader.event(b"", answer);
        }
        self.scanner.renew();
        (self.oversized, self.invalid) = (false, false);
        (self.left_bytes, self.excess) = (self.event_bytes, Excess::of_event());
    }
}

impl<R: ObjectReader> Visitor for ElementVisitor<'_, R> {
    type Name = Nameless;

    fn begin(&mut self, path: &[Nameless], _kind: Kind, _offset: u64) -> Want {
        if path.is_empty() { Want::Read } else { Want::Raw }
    }

    fn text(&mut self, _path: &[Nameless], run: &str) {
        self.elements.read(run.as_bytes(), self.answer);
    }

    fn raw(&mut self, _path: &[Nameless], run: &[u8]) {
        self.elements.read(run, self.answer);
    }

    fn scalar(&mut self, _path: &[Nameless], _value: Scalar<'_>) {}

    fn end(&mut self, path: &[Nameless], _kind: Kind, _offset: u64) {
        if !path.is_empty() {
            self.elements.end(self.answer);
        }
    }
}
