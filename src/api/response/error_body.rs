//! Reads the body of an error, of any provider and content type: JSON of several shapes, or a text.

mod fields;

use super::{BodyReader, DEPTH_BYTES};
use crate::answer::{Answer, ApiError, NAME_BYTES};
use crate::json::{Problem, Scanner};
use crate::limits::Limits;
use crate::note::Note;
use crate::text::head;
use fields::{ErrorFields, ErrorName};

/// Bytes kept of a body that may be a text: a character may begin before the bound of a message.
const HEAD_BYTES: usize = NAME_BYTES + 3;

/// Reads the body of an error status; or the JSON document that came in place of an event stream, which may be an
/// error.
#[derive(Debug)]
pub(super) struct ErrorBody {
    scanner: Scanner<ErrorName>,
    fields: ErrorFields,
    /// The beginning of the body, without the white space before it.
    head: Vec<u8>,
    /// Bytes left up to `limits.document_bytes`.
    left_bytes: u64,
    /// The status is a success: the body is an error only if it says so.
    success: bool,
    /// The body is no valid JSON.
    invalid: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// The JSON document is complete, and the answer has what it states.
    Complete,
    /// The body is over.
    Over,
}

// === impl ErrorBody ===

impl ErrorBody {
    /// Reads the body of an error status.
    pub(super) fn of_error(limits: &Limits) -> Self {
        Self::new(limits.document_bytes, false)
    }

    /// Reads a document that came with a success in place of an event stream.
    pub(super) fn in_success() -> Self {
        Self::new(u64::MAX, true)
    }

    fn new(left_bytes: u64, success: bool) -> Self {
        Self {
            scanner: Scanner::any(DEPTH_BYTES),
            fields: ErrorFields::default(),
            head: Vec::new(),
            left_bytes,
            success,
            invalid: false,
            state: State::Reading,
        }
    }

    /// Reads the next chunk.
    pub(super) fn read(&mut self, chunk: &[u8], answer: &mut Answer) {
        if self.head.len() < HEAD_BYTES {
            let chunk = if self.head.is_empty() { chunk.trim_ascii_start() } else { chunk };
            self.head.extend(chunk.iter().take(HEAD_BYTES.saturating_sub(self.head.len())));
        }
        if self.invalid {
            return;
        }
        self.invalid = self.scanner.feed(chunk, &mut self.fields).is_err();
        if self.state == State::Reading && self.fields.is_whole() {
            self.state = State::Complete;
            self.take(answer);
        }
        let bytes = u64::try_from(chunk.len()).unwrap_or(u64::MAX);
        if bytes > self.left_bytes && self.state == State::Reading && !self.invalid {
            answer.notes.add(Note::DocumentTooLarge);
        }
        self.left_bytes = self.left_bytes.saturating_sub(bytes);
    }

    /// The body is over, or breaks off.
    pub(super) fn end(&mut self, answer: &mut Answer) {
        let state = core::mem::replace(&mut self.state, State::Over);
        if state == State::Over || self.head.is_empty() {
            return;
        }
        let ended = self.scanner.finish(&mut self.fields).map_err(|error| error.problem);
        let broken_off = ended == Err(Problem::Truncated) && self.is_structured();
        if state == State::Reading {
            if ended.is_err() {
                self.fields.drop_unfinished();
            }
            self.take(answer);
        }
        if self.success {
            return;
        }
        if self.invalid && self.is_structured() {
            answer.notes.add(Note::ResponseUnreadable);
        }
        if !broken_off && answer.error.as_ref().is_none_or(|error| *error == ApiError::default()) {
            answer.error = Some(ApiError { message: self.text(), ..ApiError::default() });
        }
    }

    /// Takes what the document states into the answer.
    fn take(&mut self, answer: &mut Answer) {
        let whole = self.state == State::Complete;
        let stated = self.fields.is_error();
        let error = self.fields.take();
        let is_error = if self.success { stated } else { whole || error != ApiError::default() };
        if is_error {
            answer.error = Some(error);
            answer.ended |= whole;
        }
    }

    /// Whether the body begins as a JSON object or array.
    fn is_structured(&self) -> bool {
        matches!(self.head.first(), Some(b'{' | b'['))
    }

    /// The beginning of the body as a text.
    fn text(&self) -> Option<String> {
        let text = String::from_utf8_lossy(&self.head);
        let blank = |character: char| character.is_whitespace() || character == '\u{feff}';
        let text = head(text.trim_start_matches(blank), NAME_BYTES).trim_end_matches(blank);
        (!text.is_empty()).then(|| text.to_owned())
    }
}

impl BodyReader for ErrorBody {
    fn feed(&mut self, chunk: &[u8], answer: &mut Answer) -> Option<Vec<u8>> {
        self.read(chunk, answer);
        None
    }

    fn finish(&mut self, answer: &mut Answer) -> Vec<u8> {
        self.end(answer);
        Vec::new()
    }

    fn abandon(&mut self, answer: &mut Answer) {
        self.end(answer);
    }

    fn ends_with_body(&self) -> bool {
        true
    }
}
