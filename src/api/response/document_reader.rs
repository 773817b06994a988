//! Reads one JSON document as it streams by.

use super::object_reader::{ObjectReader, ObjectVisitor};
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
    /// Bytes that may still be read.
    left_bytes: u64,
    /// The document is invalid or too large, or is known to be empty: nothing more is read.
    invalid: bool,
}

impl<R: ObjectReader> DocumentReader<R> {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            scanner: Scanner::object(DEPTH_BYTES),
            reader: R::default(),
            left_bytes: limits.document_bytes,
            invalid: false,
        }
    }

    fn give_up(&mut self, note: Note, answer: &mut Answer) {
        self.invalid = true;
        self.reader.document_cut(answer);
        answer.notes.add(note);
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
        let mut visit = ObjectVisitor { reader: &mut self.reader, answer, document: true };
        if self.scanner.feed(within, &mut visit).is_err() {
            self.give_up(Note::ResponseUnreadable, answer);
        } else if !beyond.is_empty() && !self.scanner.is_complete() {
            self.give_up(Note::DocumentTooLarge, answer);
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
            Err(Problem::Empty) if R::MAY_BE_EMPTY => self.invalid = true,
            Err(_) => self.give_up(Note::ResponseUnreadable, answer),
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
