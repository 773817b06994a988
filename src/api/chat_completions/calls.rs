//! The tool calls of a stream: which call a piece belongs to.
//!
//! A call is identified by its choice and its index there. Some providers give all calls one index, and some give none:
//! then a new id tells that a new call begins. Other providers give each piece of one call a new id, so a new id counts
//! only together with a name, and only once the arguments so far are a whole JSON object. Where there are no arguments so
//! far, it must be the name of another tool. The text of a custom tool may be whole at any time.

use super::arguments::ArgumentsState;
use super::chunk_fields::CallFields;
use super::whole_choice::add_arguments;
use crate::answer::{Answer, ToolCall};
use crate::text::Text;
use core::ops::Range;

/// The tool calls of a stream that are kept, in the same order as the answer's.
#[derive(Debug, Default)]
pub(super) struct Calls(Vec<KnownCall>);

/// A tool call that is kept.
#[derive(Debug)]
struct KnownCall {
    key: CallKey,
    arguments: ArgumentsState,
}

/// What is known of the tool calls of one choice, beside those that are kept.
#[derive(Debug, Default)]
pub(super) struct ChoiceCalls {
    /// The kept calls that have an id.
    by_id: CallsById,
    /// The last tool call that was counted but not kept.
    dropped: Option<DroppedCall>,
}

/// The first call with each id, ordered by the id.
#[derive(Debug, Default)]
struct CallsById(Vec<(String, CallKey)>);

/// A tool call that was counted but not kept.
#[derive(Debug)]
struct DroppedCall {
    key: CallKey,
    /// Its id and name.
    call: ToolCall,
    arguments: ArgumentsState,
}

/// Identifies a tool call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct CallKey {
    choice: u64,
    /// The index in the choice; the deprecated `function_call` has none.
    index: Option<u64>,
    /// How many calls came before at this index.
    nth: u64,
}

// === impl Calls ===

impl Calls {
    /// Takes what a chunk states of a call of the choice with the index `choice`, at `position` in the chunk's list.
    /// Returns the call's position in the answer, if it is kept.
    pub(super) fn take(
        &mut self,
        (choice, position): (u64, u64),
        fields: &CallFields,
        of_choice: &mut ChoiceCalls,
        answer: &mut Answer,
    ) -> Option<usize> {
        let numbered =
            || fields.index.unwrap_or_else(|| self.index(choice, position, fields, of_choice, answer));
        let index = (!fields.legacy).then(numbered);
        let key = self.key(choice, index, fields, of_choice, answer);
        if let Some(dropped) = of_choice.dropped.as_mut().filter(|dropped| dropped.key == key) {
            dropped.arguments.take(fields);
            return None;
        }
        let at = match self.0.binary_search_by_key(&key, |known| known.key) {
            Ok(at) => at,
            Err(at) => {
                if of_choice.dropped.as_ref().is_some_and(|dropped| dropped.key > key) {
                    return None;
                }
                let arguments = ArgumentsState::default();
                if !answer.begin_tool_call_at(at, fields.tool_call()) {
                    let call = fields.tool_call();
                    let mut dropped = DroppedCall { key, call, arguments };
                    dropped.arguments.take(fields);
                    of_choice.dropped = Some(dropped);
                    return None;
                }
                self.0.insert(at, KnownCall { key, arguments });
                at
            }
        };
        if let (Some(known), Some(call)) = (self.0.get_mut(at), answer.tool_calls.get_mut(at)) {
            known.arguments.take(fields);
            // Later chunks may state what the first one left out; they do not replace it.
            let stated = fields.tool_call();
            if let Some(id) = &stated.id
                && call.id.as_ref().is_none_or(|known| known == id)
            {
                of_choice.by_id.add(id, key);
            }
            call.id = call.id.take().or(stated.id);
            call.name = call.name.take().or(stated.name);
            call.plain |= stated.plain;
        }
        add_arguments(at, fields, answer);
        Some(at)
    }

    /// The position of the kept call that `fields` continue with a piece of its arguments. `None`: they state more, or begin
    /// another call.
    pub(super) fn continued(
        &self,
        choice: u64,
        fields: &CallFields,
        of_choice: &ChoiceCalls,
    ) -> Option<usize> {
        let CallFields { index, legacy, custom, id, name, arguments } = fields;
        let states_more = *legacy || *custom || !id.is_empty() || !name.is_empty() || arguments.is_none();
        // It is the only call of its chunk.
        let at = self.last_at(choice, Some(index.unwrap_or(0)))?;
        (!states_more && of_choice.dropped.is_none()).then_some(at)
    }

    /// Takes a piece of the arguments of the call at `at`.
    pub(super) fn take_piece(&mut self, at: usize, piece: &Text) {
        if let Some(known) = self.0.get_mut(at) {
            known.arguments.take_piece(piece);
        }
    }

    /// The positions of the calls of a choice.
    pub(super) fn of_choice(&self, choice: u64) -> Range<usize> {
        let begin = self.0.partition_point(|known| known.key.choice < choice);
        begin..self.0.partition_point(|known| known.key.choice <= choice)
    }

    /// The position of the last call at an index of a choice.
    fn last_at(&self, choice: u64, index: Option<u64>) -> Option<usize> {
        let end = self.0.partition_point(|known| (known.key.choice, known.key.index) <= (choice, index));
        let at = end.checked_sub(1)?;
        self.0
            .get(at)
            .is_some_and(|known| (known.key.choice, known.key.index) == (choice, index))
            .then_some(at)
    }

    /// The call at `index` that a piece belongs to, which can be a new one.
    fn key(
        &self,
        choice: u64,
        index: Option<u64>,
        fields: &CallFields,
        of_choice: &ChoiceCalls,
        answer: &Answer,
    ) -> CallKey {
        let kept = || {
            let at = self.last_at(choice, index)?;
            let known = self.0.get(at)?;
            Some((known.key, answer.tool_calls.get(at)?, &known.arguments))
        };
        let dropped = of_choice.dropped.as_ref().filter(|dropped| dropped.key.index == index);
        let last = dropped.map(|dropped| (dropped.key, &dropped.call, &dropped.arguments)).or_else(kept);
        let Some((last, call, arguments)) = last else { return CallKey { choice, index, nth: 0 } };
        let begins = if arguments.may_be_whole() {
            begins_call(fields, call)
        } else if call.plain {
            begins_custom_call(fields, call)
        } else {
            arguments.is_none() && is_other_tool(fields, call)
        };
        if !begins {
            return last;
        }
        let same_id = of_choice.by_id.get(fields.id.as_str()).filter(|known| known.index == index);
        same_id.copied().unwrap_or_else(|| CallKey { nth: last.nth.saturating_add(1), ..last })
    }

    /// The index of a call without one: some providers number no calls, and send each in a chunk of its own. It is the
    /// index of the known call with the same id, or else the call's position in its chunk; if a call with another id
    /// has that index, it is the next free index. The ids of calls that were not kept are unknown: a call with an id
    /// but without a name then continues the last one.
    fn index(
        &self,
        choice: u64,
        position: u64,
        fields: &CallFields,
        of_choice: &ChoiceCalls,
        answer: &Answer,
    ) -> u64 {
        if fields.id.is_empty() {
            return position;
        }
        if let Some(same) = of_choice.by_id.get(fields.id.as_str()).and_then(|key| key.index) {
            return same;
        }
        let is_taken = || {
            let call = self.last_at(choice, Some(position)).and_then(|at| answer.tool_calls.get(at));
            call.is_some_and(|call| call.id.is_some())
        };
        let dropped = of_choice.dropped.as_ref().and_then(|dropped| dropped.key.index);
        match dropped {
            Some(dropped) if fields.name.is_empty() => dropped,
            None if !is_taken() => position,
            _ => {
                let last = self.of_choice(choice).next_back().and_then(|at| self.0.get(at));
                let highest = last.and_then(|last| last.key.index).max(dropped);
                highest.map_or(position, |highest| highest.saturating_add(1))
            }
        }
    }
}

// === impl CallsById ===

impl CallsById {
    fn position(&self, id: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(known, _)| known.as_str().cmp(id))
    }

    fn get(&self, id: &str) -> Option<&CallKey> {
        self.0.get(self.position(id).ok()?).map(|(_, key)| key)
    }

    /// Adds the call `key`, unless another one has the id.
    fn add(&mut self, id: &str, key: CallKey) {
        if let Err(at) = self.position(id) {
            self.0.insert(at, (id.to_owned(), key));
        }
    }
}

/// Whether a piece at the index of `last`, which has no arguments so far, calls another tool: `last` needs none then.
fn is_other_tool(fields: &CallFields, last: &ToolCall) -> bool {
    let is_other = |known: &Option<String>, stated: &Text| {
        !stated.is_empty() && known.as_ref().is_some_and(|known| known != stated.as_str())
    };
    !fields.legacy && is_other(&last.id, &fields.id) && is_other(&last.name, &fields.name)
}

/// Whether a piece at the index of `last`, a call of a custom tool, begins another one. Nothing in a text shows that it is
/// whole.
fn begins_custom_call(fields: &CallFields, last: &ToolCall) -> bool {
    fields.custom && !fields.id.is_empty() && begins_call(fields, last)
}

/// Whether a piece at the index of `last`, whose arguments are whole, begins another call.
fn begins_call(fields: &CallFields, last: &ToolCall) -> bool {
    let Some(last_name) = &last.name else { return false };
    if fields.legacy || fields.name.is_empty() {
        return false;
    }
    if fields.id.is_empty() {
        // Some providers repeat the name in every piece, also in a last one without arguments.
        let states_arguments = fields.arguments.as_ref().is_some_and(|text| !text.as_str().trim().is_empty());
        return states_arguments || last_name != fields.name.as_str();
    }
    last.id.as_deref() != Some(fields.id.as_str())
}
