//! Reads the events and documents of a response.

use super::blocks::{BegunBlock, OpenBlocks, begin_block};
use super::event_fields::{EventFields, word_at};
use super::names::Name;
use crate::answer::{Answer, Keep};
use crate::api::response::{Change, ObjectReader};
use crate::json::{Kind, Scalar, Want};
use core::mem::take;

/// The event that ends a stream with an error. Its name decides, whatever its data states.
const ERROR: &[u8] = b"error";

/// Reads an event stream or a document.
#[derive(Debug, Default)]
pub(in crate::api) struct MessagesReader {
    /// The fields of the current event or of the document.
    fields: EventFields,
    open: OpenBlocks,
    /// A block of type `fallback` has named the model that serves.
    fallback: bool,
}

// === impl MessagesReader ===

impl ObjectReader for MessagesReader {
    type Name = Name;

    fn begin(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Want {
        self.fields.begin(path, kind, keep)
    }

    fn counts(&mut self, path: &[Name], kind: Kind) -> bool {
        match path {
            // What a block of a stream begins with is repeated in its pieces, except a text.
            [Name::ContentBlock, Name::Text | Name::Thinking]
            // `content` of a delta: the summary of a compaction.
            | [Name::Delta, Name::Text | Name::Thinking | Name::PartialJson | Name::Content]
            | [Name::Content, Name::Item, Name::Text | Name::Thinking] => kind == Kind::String,
            [Name::Content, Name::Item, Name::Input] => true,
            _ => false,
        }
    }

    fn word(&mut self, path: &[Name], text: &[u8]) -> bool {
        let word = word_at(path).and_then(|field| self.fields.word(field));
        word.map(|word| word.set(text)).is_some()
    }

    fn text(&mut self, run: &str, keep: &Keep) {
        self.fields.text(run, keep);
    }

    fn scalar(&mut self, path: &[Name], value: Scalar<'_>) {
        self.fields.scalar(path, value);
    }

    fn document_end(&mut self, path: &[Name], answer: &mut Answer) {
        match path {
            [Name::Content, Name::Item] => {
                let begun = begin_block(&mut self.fields.block, answer, true);
                self.fallback |= matches!(begun, Some(BegunBlock::Fallback));
                self.fields.block.clear();
            }
            [] => {
                self.end_document(answer);
                answer.ended = true;
            }
            _ => self.fields.value_end(),
        }
    }

    fn document_cut(&mut self, answer: &mut Answer) {
        self.fields.drop_unfinished();
        let block = &mut self.fields.block;
        let (input, thinking) = (take(&mut block.input), take(&mut block.thinking));
        match begin_block(block, answer, false) {
            Some(BegunBlock::ToolCall(at)) => answer.add_arguments(at, input.as_str()),
            Some(BegunBlock::Thought(at)) => answer.add_thought(at, thinking.as_str()),
            Some(BegunBlock::Fallback) => self.fallback = true,
            None => {}
        }
        self.end_document(answer);
    }

    fn event(&mut self, name: &[u8], answer: &mut Answer) -> Change {
        let change = if answer.ended { Change::NONE } else { self.take_event(name, answer) };
        self.fields.clear();
        change
    }

    fn unread(&mut self, name: &[u8], answer: &mut Answer) {
        self.forget();
        if name == ERROR && !answer.ended {
            fail(&mut self.fields, answer);
        }
    }

    fn forget(&mut self) {
        self.fields.clear();
    }
}

fn fail(fields: &mut EventFields, answer: &mut Answer) {
    answer.error = Some(fields.api_error());
    answer.ended = true;
}

impl MessagesReader {
    /// Takes what was read of a document, which has ended or broken off.
    fn end_document(&mut self, answer: &mut Answer) {
        if self.fields.is_error() {
            answer.error = Some(self.fields.api_error());
        } else {
            self.fields.message(answer, true, self.fallback);
        }
        self.fields.clear();
    }

    /// Takes what the event states into `answer`.
    fn take_event(&mut self, name: &[u8], answer: &mut Answer) -> Change {
        let Self { fields, open, fallback } = self;
        let kind = if fields.kind.is_empty() || name == ERROR { name } else { fields.kind.as_bytes() };
        match kind {
            b"message_start" => fields.message(answer, false, *fallback),
            b"content_block_start" => *fallback |= open.start(fields, answer),
            b"content_block_delta" => return open.delta(fields, answer),
            b"content_block_stop" => open.stop(fields, answer),
            b"message_delta" => fields.message(answer, true, *fallback),
            b"message_stop" => {
                fields.invocation_metrics(answer);
                answer.ended = true;
            }
            ERROR => fail(fields, answer),
            // Anthropic adds new kinds of events; they pass to the client and are not recorded.
            _ => return Change::NONE,
        }
        Change::Possible
    }
}
