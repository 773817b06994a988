//! Reads the objects of a response: events, elements of an array, or one document.

use super::candidates::Candidates;
use super::names::Name;
use super::object_fields::ObjectFields;
use crate::answer::{Answer, Keep};
use crate::api::response::{Change, Effect, ObjectReader, Piece};
use crate::json::{Kind, Scalar, Want};
use core::mem::take;

/// Reads an event stream, an array or a document.
#[derive(Debug, Default)]
pub(in crate::api) struct GenerateContentReader {
    /// The fields of the current object.
    fields: ObjectFields,
    /// The candidates of all objects.
    candidates: Candidates,
    /// The answer has an id.
    id_known: bool,
    /// The answer has a model.
    model_known: bool,
    /// The prompt was refused: there will be no candidates.
    blocked: bool,
    /// An error was stated; nothing after it counts.
    failed: bool,
    /// The current object states usage.
    usage_is_here: bool,
    /// An object with which, or after which, all candidates have finished states usage.
    usage_is_final: bool,
}

// === impl GenerateContentReader ===

impl ObjectReader for GenerateContentReader {
    type Name = Name;

    fn begin(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Want {
        self.fields.begin(path, kind, keep, (self.id_known, self.model_known))
    }

    fn counts(&mut self, path: &[Name], kind: Kind) -> bool {
        let [Name::Candidates, Name::Item, Name::Content, Name::Parts, Name::Item, part @ ..] = path else {
            return false;
        };
        match part {
            [Name::Text] => kind == Kind::String,
            [Name::FunctionCall, Name::Args] | [Name::ExecutableCode] => true,
            _ => false,
        }
    }

    fn text(&mut self, run: &str, keep: &Keep) {
        self.fields.text(run, keep);
    }

    fn scalar(&mut self, path: &[Name], value: Scalar<'_>) {
        self.fields.scalar(path, value);
    }

    fn document_end(&mut self, path: &[Name], answer: &mut Answer) {
        self.fields.value_end(path);
        if path.is_empty() {
            self.take(answer);
            // A document states its usage once, so it is final.
            answer.usage.settle(true);
            answer.ended = true;
        }
    }

    fn document_cut(&mut self, answer: &mut Answer) {
        self.fields.break_off();
        self.take(answer);
        answer.usage.settle(true);
    }

    fn event(&mut self, _name: &[u8], answer: &mut Answer) -> Change {
        if self.failed {
            self.forget();
            return Change::NONE;
        }
        self.fields.end_part(true);
        let before = (answer.ended, self.usage_is_final);
        let change = self.take(answer);
        let finished = self.blocked || self.candidates.all_finished();
        // The usage of an earlier event does not count what came since.
        let states_usage = take(&mut self.usage_is_here);
        self.usage_is_final |= finished && states_usage;
        answer.usage.settle(self.usage_is_final);
        answer.ended = finished || self.failed;
        if (answer.ended, self.usage_is_final) == before { change } else { Change::Possible }
    }

    fn forget(&mut self) {
        self.fields = ObjectFields::default();
    }
}

impl GenerateContentReader {
    /// Takes what the object states into `answer`.
    fn take(&mut self, answer: &mut Answer) -> Change {
        let mut fields = take(&mut self.fields);
        let mut piece = fields.states_only_parts().then_some(Piece::Ignored);
        if let Some(error) = fields.take_error() {
            answer.error = Some(error);
            self.failed = true;
        }
        answer.identify(&fields.id, &fields.model);
        (self.id_known, self.model_known) = (answer.id.is_some(), answer.model.is_some());
        self.usage_is_here = fields.usage.is_some();
        if let Some(usage) = fields.usage {
            answer.usage.take(usage, false);
        }
        (0..fields.calls_beyond).for_each(|_| answer.notes.dropped_tool_call());
        (0..fields.thoughts_beyond).for_each(|_| answer.notes.dropped_thought());
        self.candidates.beyond |= fields.candidates_beyond;
        // Without thoughts no text is read.
        let has_thoughts = fields.has_thoughts && answer.keep().thoughts;
        for (position, candidate) in (0..).zip(fields.candidates) {
            let taken = self.candidates.take(position, candidate, answer);
            piece = match (piece, taken) {
                (Some(Piece::Ignored), Some(Piece::Ignored)) if !has_thoughts => taken,
                // The only part of the event is a thought.
                (Some(Piece::Ignored), Some(Piece::Appended(_))) if position == 0 => taken,
                _ => None,
            };
        }
        if !matches!(fields.block_reason.as_str(), "" | "BLOCK_REASON_UNSPECIFIED") {
            self.blocked = true;
            if answer.finish_reasons.is_empty() {
                answer.finished(fields.block_reason.into_string());
            }
        }
        match piece {
            Some(piece) => Change::Repeats(Effect { piece, usage: self.usage_is_here }),
            None => Change::Possible,
        }
    }
}
