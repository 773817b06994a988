//! Reads one JSON document as it streams by.

use super::object_reader::{Excess, ExcessVisitor, ObjectReader, ObjectVisitor};
use super::{BodyReader, DEPTH_BYTES};
use crate::answer::Answer;
use crate::json::{Problem, Scanner};
use crate::limits::Limits;
use crate::note::Note;

/// Reads a document with `R`.
#[derive(Debug)]
pub(super) struct DocumentReader<R: ObjectReader> {
    scanner: Scanner<R::Name>,
    reader: R,
    /// Bytes left up to `limits.document_bytes`. Beyond it no texts are kept.
    left_bytes: u64,
    excess: Excess,
    /// The document is invalid: nothing more is read.
    invalid: bool,
}

impl<R: ObjectReader> DocumentReader<R> {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            scanner: Scanner::object(DEPTH_BYTES),
            reader: R::default(),
            left_bytes: limits.document_bytes,
            excess: Excess::of_document(),
            invalid: false,
        }
    }

    fn read(&mut self, bytes: &[u8], beyond: bool, answer: &mut Answer) {
        let mut object = ObjectVisitor { reader: &mut self.reader, answer, document: true };
        let read = if beyond {
            self.scanner.feed(bytes, &mut ExcessVisitor { object, excess: &mut self.excess })
        } else {
            self.scanner.feed(bytes, &mut object)
        };
        answer.texts.whole(self.scanner.text_bytes());
        if read.is_err() {
            self.give_up(answer);
        }
    }

    fn give_up(&mut self, answer: &mut Answer) {
        self.invalid = true;
        self.reader.document_cut(answer);
        answer.notes.add(Note::ResponseUnreadable);
    }
}

impl<R: ObjectReader> BodyReader for DocumentReader<R> {
    fn feed(&mut self, chunk: &[u8], answer: &mut Answer) -> Option<Vec<u8>> {
        if self.invalid {
            return None;
        }
        let room = usize::try_from(self.left_bytes).unwrap_or(usize::MAX);
        let (within, beyond) = chunk.split_at_checked(room).unwrap_or((chunk, &[]));
        self.left_bytes = self.left_bytes.saturating_sub(u64::try_from(within.len()).unwrap_or(u64::MAX));
        self.read(within, false, answer);
        if !beyond.is_empty() && !self.invalid {
            if !self.scanner.is_complete() {
                answer.notes.add(Note::DocumentTooLarge);
            }
            self.read(beyond, true, answer);
        }
        None
    }

    fn finish(&mut self, answer: &mut Answer) -> Vec<u8> {
        if self.invalid {
            return Vec::new();
        }
        let mut visit = ObjectVisitor { reader: &mut self.reader, answer, document: true };
        match self.scanner.finish(&mut visit).map_err(|error| error.problem) {
            Ok(()) => {}
            // The record's outcome says that the document broke off.
            Err(Problem::Truncated) => self.reader.document_cut(answer),
            Err(_) => self.give_up(answer),
        }
        Vec::new()
    }

    fn abandon(&mut self, answer: &mut Answer) {
        self.finish(answer);
    }

    fn ends_with_body(&self) -> bool {
        self.invalid || self.scanner.is_complete()
    }
}
