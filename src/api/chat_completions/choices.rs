//! The choices of a stream: their tool calls, thoughts and finish reasons, in the order of the choices.

use super::calls::{Calls, ChoiceCalls};
use super::chunk_fields::{ChoiceFields, Field};
use super::whole_choice::complete_calls;
use crate::answer::{Answer, NAME_BYTES};
use crate::api::response::{Piece, Place};
use crate::text::{self, Text};

/// Limit of choices in one stream; `n` is at most 128.
const CHOICES: usize = 256;

/// The choices of a stream.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// Ordered by their index.
    seen: Vec<Choice>,
    calls: Calls,
    /// There were choices above the limit: it is not known whether all of them finished.
    beyond: bool,
}

/// One choice of a stream.
#[derive(Debug)]
struct Choice {
    index: u64,
    finished: bool,
    thought: ThoughtState,
    calls: ChoiceCalls,
}

/// Whether a choice has a thought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ThoughtState {
    None,
    /// The answer has it.
    Kept,
    /// It was not kept: there were enough thoughts, or none are to be kept.
    Dropped,
}

// === impl Choice ===

impl Choice {
    fn new(index: u64) -> Self {
        Self { index, finished: false, thought: ThoughtState::None, calls: ChoiceCalls::default() }
    }
}

// === impl Choices ===

impl Choices {
    /// Takes what one chunk states of a choice, at `position` in the chunk's list.
    pub(super) fn take(&mut self, position: u64, fields: &ChoiceFields, answer: &mut Answer) {
        let index = fields.index.unwrap_or(position);
        let at = match self.seen.binary_search_by_key(&index, |choice| choice.index) {
            Ok(at) => at,
            Err(at) if self.seen.len() < CHOICES => {
                self.seen.insert(at, Choice::new(index));
                at
            }
            Err(_) => {
                self.beyond = true;
                let begun = fields.calls.iter().filter(|call| !call.id.is_empty());
                begun.for_each(|_| answer.notes.dropped_tool_call());
                return;
            }
        };
        if let Some(thought) = fields.thought() {
            self.add_thought(at, thought, answer);
        }
        if let Some(choice) = self.seen.get_mut(at) {
            for (position, call) in (0..).zip(&fields.calls) {
                let kept = self.calls.take((index, position), call, &mut choice.calls, answer);
                if let Some(call) = kept.and_then(|at| answer.tool_calls.get_mut(at)) {
                    call.complete = choice.finished;
                }
            }
        }
        if !fields.finish_reason.is_empty() {
            self.finish(at, fields.finish_reason.as_str(), answer);
        }
    }

    /// What a chunk does with a known choice, if it states only the choice's index and at most a piece of one text.
    /// `field`: the chunk's last field that may be a piece. `None`: the chunk states more.
    pub(super) fn piece(&self, position: u64, fields: &ChoiceFields, field: Option<Field>) -> Option<Piece> {
        let index = fields.index.unwrap_or(position);
        let at = self.seen.binary_search_by_key(&index, |choice| choice.index).ok()?;
        let choice = self.seen.get(at).filter(|_| fields.finish_reason.is_empty())?;
        match (fields.thought(), fields.calls.as_slice(), field) {
            (None, [], _) => Some(Piece::Same),
            (None, [call], Some(Field::CallArguments)) => {
                let at = self.calls.continued(index, call, &choice.calls)?;
                Some(Piece::Appended(Place::Arguments(at)))
            }
            (Some(_), [], Some(field)) if fields.has_only(field) && choice.thought == ThoughtState::Kept => {
                Some(Piece::Appended(Place::Thought(self.thoughts_before(at))))
            }
            _ => None,
        }
    }

    /// Appends a piece to the arguments of the call at `at`, as [`piece`](Self::piece) has said.
    pub(super) fn append_arguments(&mut self, at: usize, piece: &Text, answer: &mut Answer) {
        self.calls.take_piece(at, piece);
        if answer.keep().arguments {
            answer.add_arguments_piece(at, piece);
        }
    }

    /// How many choices before the one at `at` have a thought in the answer.
    fn thoughts_before(&self, at: usize) -> usize {
        self.seen.iter().take(at).filter(|choice| choice.thought == ThoughtState::Kept).count()
    }

    /// Whether there are choices and all of them have a finish reason.
    pub(super) fn all_finished(&self) -> bool {
        !self.beyond && !self.seen.is_empty() && self.seen.iter().all(|choice| choice.finished)
    }

    fn add_thought(&mut self, at: usize, run: &Text, answer: &mut Answer) {
        let position = self.thoughts_before(at);
        let Some(choice) = self.seen.get_mut(at) else { return };
        if choice.thought == ThoughtState::None {
            let kept = answer.begin_thought_at(position, "reasoning");
            choice.thought = if kept { ThoughtState::Kept } else { ThoughtState::Dropped };
        }
        if choice.thought == ThoughtState::Kept {
            answer.add_thought_piece(position, run);
        }
    }

    fn finish(&mut self, at: usize, reason: &str, answer: &mut Answer) {
        let position = self.seen.iter().take(at).filter(|choice| choice.finished).count();
        let Some(choice) = self.seen.get_mut(at) else { return };
        let reason = text::head(reason, NAME_BYTES).to_owned();
        if choice.finished {
            if let Some(stated) = answer.finish_reasons.get_mut(position) {
                *stated = reason;
            }
            return;
        }
        choice.finished = true;
        let calls = self.calls.of_choice(choice.index);
        complete_calls(calls.start, calls.end, &reason, answer);
        answer.finish_reasons.insert(position.min(answer.finish_reasons.len()), reason);
    }
}
