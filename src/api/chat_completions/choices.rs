//! The choices of a stream: their tool calls, thoughts and finish reasons, in the order of the choices.

use super::chunk_fields::{CallFields, ChoiceFields};
use super::whole_choice::{add_arguments, complete_calls};
use crate::answer::{Answer, NAME_BYTES};
use crate::text::{self, Text};

/// Limit of choices in one stream; `n` is at most 128.
const CHOICES: usize = 256;

/// The choices of a stream.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// Ordered by their index.
    seen: Vec<Choice>,
    /// The keys of the answer's tool calls, in the same order.
    calls: Vec<CallKey>,
    /// There were choices above the limit: it is not known whether all of them finished.
    beyond: bool,
}

/// One choice of a stream.
#[derive(Debug)]
struct Choice {
    index: u64,
    finished: bool,
    thought: ThoughtState,
    /// The last tool call that was counted but not kept.
    dropped: Option<CallKey>,
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

/// Identifies a tool call by its choice and its index there; the deprecated `function_call` has no index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct CallKey {
    choice: u64,
    call: Option<u64>,
}

// === impl Choices ===

impl Choices {
    /// Takes what one chunk states of a choice, at `position` in the chunk's list.
    pub(super) fn take(&mut self, position: u64, fields: &ChoiceFields, answer: &mut Answer) {
        let index = fields.index.unwrap_or(position);
        let at = match self.seen.binary_search_by_key(&index, |choice| choice.index) {
            Ok(at) => at,
            Err(at) if self.seen.len() < CHOICES => {
                let choice = Choice { index, finished: false, thought: ThoughtState::None, dropped: None };
                self.seen.insert(at, choice);
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
        for (position, call) in (0_u64..).zip(&fields.calls) {
            let Some(choice) = self.seen.get(at) else { return };
            let call_index = (!call.legacy)
                .then(|| call.index.unwrap_or_else(|| self.call_index(choice, position, call, answer)));
            self.take_call(at, CallKey { choice: index, call: call_index }, call, answer);
        }
        if !fields.finish_reason.is_empty() {
            self.finish(at, fields.finish_reason.as_str(), answer);
        }
    }

    /// Whether a chunk states no more of a choice than its index, and the choice is known.
    pub(super) fn knows(&self, position: u64, fields: &ChoiceFields) -> bool {
        let index = fields.index.unwrap_or(position);
        fields.thought().is_none()
            && fields.calls.is_empty()
            && fields.finish_reason.is_empty()
            && self.seen.binary_search_by_key(&index, |choice| choice.index).is_ok()
    }

    /// Whether there are choices and all of them have a finish reason.
    pub(super) fn all_finished(&self) -> bool {
        !self.beyond && !self.seen.is_empty() && self.seen.iter().all(|choice| choice.finished)
    }

    fn add_thought(&mut self, at: usize, run: &Text, answer: &mut Answer) {
        let position =
            self.seen.iter().take(at).filter(|choice| choice.thought == ThoughtState::Kept).count();
        let Some(choice) = self.seen.get_mut(at) else { return };
        if choice.thought == ThoughtState::None {
            let kept = answer.begin_thought_at(position, "reasoning");
            choice.thought = if kept { ThoughtState::Kept } else { ThoughtState::Dropped };
        }
        if choice.thought == ThoughtState::Kept {
            answer.add_thought_piece(position, run);
        }
    }

    fn take_call(&mut self, at: usize, key: CallKey, fields: &CallFields, answer: &mut Answer) {
        let Some(choice) = self.seen.get_mut(at) else { return };
        let position = match self.calls.binary_search(&key) {
            Ok(position) => position,
            Err(position) => {
                if choice.dropped >= Some(key) {
                    return;
                }
                if !answer.begin_tool_call_at(position, fields.tool_call()) {
                    choice.dropped = Some(key);
                    return;
                }
                self.calls.insert(position, key);
                position
            }
        };
        if let Some(call) = answer.tool_calls.get_mut(position) {
            call.complete = choice.finished;
            // Later chunks may state what the first one left out; they do not replace it.
            let stated = fields.tool_call();
            call.id = call.id.take().or(stated.id);
            call.name = call.name.take().or(stated.name);
            call.plain |= stated.plain;
        }
        add_arguments(position, fields, answer);
    }

    /// The index of a call without one: some providers number no calls, and send each in a chunk of its own. It is the
    /// index of the known call with the same id, or else the call's position in its chunk; if a call with another id
    /// has that index, it is the next free index. The ids of calls that were not kept are unknown: a call with an id
    /// but without a name then continues the last one.
    fn call_index(&self, choice: &Choice, position: u64, fields: &CallFields, answer: &Answer) -> u64 {
        let known = || {
            let calls =
                self.calls.iter().zip(&answer.tool_calls).filter(|(key, _)| key.choice == choice.index);
            calls.filter_map(|(key, call)| Some((key.call?, call.id.as_deref()?)))
        };
        let id = fields.id.as_str();
        if id.is_empty() {
            return position;
        }
        if let Some((same, _)) = known().find(|(_, known)| *known == id) {
            return same;
        }
        let dropped = choice.dropped.and_then(|dropped| dropped.call);
        match dropped {
            Some(dropped) if fields.name.is_empty() => dropped,
            None if known().all(|(index, _)| index != position) => position,
            _ => known()
                .map(|(index, _)| index)
                .max()
                .max(dropped)
                .map_or(position, |last| last.saturating_add(1)),
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
        let begin = self.calls.partition_point(|key| key.choice < choice.index);
        let end = self.calls.partition_point(|key| key.choice <= choice.index);
        complete_calls(begin, end, &reason, answer);
        answer.finish_reasons.insert(position.min(answer.finish_reasons.len()), reason);
    }
}
