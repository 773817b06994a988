//! The choices of a document: each is taken as soon as it has ended.

use super::chunk_fields::{CallFields, ChoiceFields};
use crate::answer::Answer;

/// Takes a whole tool call of a document.
pub(super) fn take_tool_call(fields: &CallFields, answer: &mut Answer) {
    let position = answer.tool_calls.len();
    if answer.begin_tool_call_at(position, fields.tool_call()) {
        add_arguments(position, fields, answer);
    }
}

/// Takes a choice of a document, whose tool calls were taken; the first has the position `calls_from` in the answer.
pub(super) fn take_choice(fields: &ChoiceFields, calls_from: usize, answer: &mut Answer) {
    take_thought(fields, answer);
    complete_calls(calls_from, answer.tool_calls.len(), fields.finish_reason.as_str(), answer);
    if !fields.finish_reason.is_empty() {
        answer.finished(fields.finish_reason.as_str());
    }
}

/// Takes a choice of a document that breaks off inside of it.
pub(super) fn take_cut_choice(fields: &ChoiceFields, calls_from: usize, answer: &mut Answer) {
    if fields.finish_reason.is_empty() {
        take_thought(fields, answer);
    } else {
        take_choice(fields, calls_from, answer);
    }
}

fn take_thought(fields: &ChoiceFields, answer: &mut Answer) {
    if let Some(thought) = fields.thought() {
        let position = answer.thoughts.len();
        if answer.begin_thought_at(position, "reasoning") {
            answer.add_thought_piece(position, thought);
        }
    }
}

/// Marks the tool calls from `begin` to `end` as complete. If the choice was cut for length or content, its last call
/// was cut too.
pub(super) fn complete_calls(begin: usize, end: usize, reason: &str, answer: &mut Answer) {
    let cut = matches!(reason, "length" | "content_filter");
    let calls = answer.tool_calls.iter_mut().take(end).skip(begin);
    let whole = end.saturating_sub(begin).saturating_sub(usize::from(cut));
    calls.take(whole).for_each(|call| call.complete = true);
}

/// Appends arguments to the tool call at `position`.
pub(super) fn add_arguments(position: usize, fields: &CallFields, answer: &mut Answer) {
    let Some(arguments) = &fields.arguments else { return };
    if let Some(call) = answer.tool_calls.get_mut(position) {
        call.arguments_stated = true;
    }
    if !answer.keep().arguments {
        // They were read only to tell calls apart.
        return;
    }
    answer.add_arguments_piece(position, arguments);
}
