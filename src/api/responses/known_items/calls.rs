//! The tool calls of one response that are known.

use super::id_index::IdIndex;
use super::stage::{ItemStage, same_item};
use crate::answer::{Answer, ToolCall};
use crate::api::response::{Change, Place};
use crate::api::responses::item::{Call, Notation};
use crate::text::Text;
use core::ops::Range;

/// The tool calls that were stated.
#[derive(Debug, Default)]
pub(super) struct KnownCalls {
    /// One for each of the answer's tool calls, in the same order: that of their output indexes.
    calls: Vec<KnownCall>,
    /// One more than the highest output index of a stated call. A call that is not kept is counted once.
    stated_to: u64,
    /// How many of `calls` the terminal event has not stated.
    unconfirmed: usize,
    /// The calls by the id to which a result refers.
    ids: IdIndex,
    /// The calls by the id of their item.
    item_ids: IdIndex,
}

#[derive(Clone, Copy, Debug)]
struct KnownCall {
    index: u64,
    arguments: ArgumentsStage,
    /// The terminal event has stated it too.
    confirmed: bool,
}

/// Which statement of a call's arguments the answer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ArgumentsStage {
    /// Those of the added item, which pieces replace.
    Added,
    /// Pieces of its arguments have come.
    Pieces,
    /// Those of the finished item.
    Finished,
}

// === impl KnownCalls ===

impl KnownCalls {
    pub(super) const fn knows(&self, index: u64) -> bool {
        index < self.stated_to
    }

    /// The output index of the known call with an id of `call`.
    pub(super) fn index_of(&self, call: &Call, answer: &Answer) -> Option<u64> {
        let by_id = call.id.as_deref().and_then(|id| {
            let index = self.ids.find(id)?;
            self.find(self.at(index), answer, |_, kept| kept.id.as_deref() == Some(id)).map(|_| index)
        });
        by_id.or_else(|| self.index_of_item(call.item_id.as_deref()?, answer))
    }

    /// The output index of the call that is the item with this id.
    pub(super) fn index_of_item(&self, item_id: &str, answer: &Answer) -> Option<u64> {
        let index = self.item_ids.find(item_id)?;
        self.find(self.at(index), answer, |_, kept| kept.item_id.as_deref() == Some(item_id)).map(|_| index)
    }

    /// Takes a statement of a call.
    pub(super) fn take(&mut self, index: u64, call: Call, stage: ItemStage, answer: &mut Answer) {
        self.merge(index, call, stage, answer);
        self.stated_to = self.stated_to.max(index.saturating_add(1));
    }

    fn merge(&mut self, index: u64, call: Call, stage: ItemStage, answer: &mut Answer) {
        let at = match self.position(index, &call, stage, answer) {
            Some(at) => at,
            None => match self.begin(index, &call, answer) {
                Some(at) => at,
                None => return,
            },
        };
        let (Some(known), Some(kept)) = (self.calls.get_mut(at), answer.tool_calls.get_mut(at)) else {
            return;
        };
        if stage == ItemStage::InResponse && !known.confirmed {
            known.confirmed = true;
            self.unconfirmed = self.unconfirmed.saturating_sub(1);
        }
        // After the finished item, the terminal event only fills what is missing.
        let finished = known.arguments == ArgumentsStage::Finished;
        if !finished {
            kept.hosted = call.hosted;
        }
        let (id, item_id) = (kept.id.clone(), kept.item_id.clone());
        for (kept, stated) in [
            (&mut kept.id, call.id),
            (&mut kept.item_id, call.item_id),
            (&mut kept.name, call.name),
            (&mut kept.server, call.server),
        ] {
            if stated.is_some() && !(finished && kept.is_some()) {
                *kept = stated;
            }
        }
        self.ids.replace(id.as_deref(), kept.id.as_deref(), known.index);
        self.item_ids.replace(item_id.as_deref(), kept.item_id.as_deref(), known.index);
        if stage != ItemStage::Added {
            known.arguments = ArgumentsStage::Finished;
            kept.arguments_stated |= call.arguments.is_some();
            kept.complete |= !call.cut && (stage == ItemStage::Done || !call.running);
        }
        let has_arguments = !kept.arguments.is_empty() || kept.arguments.is_cut();
        if let Some((text, notation)) = call.arguments
            && !(has_arguments && (finished || text.is_empty()))
        {
            kept.plain = notation == Notation::Plain;
            answer.replace_arguments(at, &text);
        }
    }

    /// The position of the known call that a statement is about. `None`: the call is new.
    fn position(&self, index: u64, call: &Call, stage: ItemStage, answer: &Answer) -> Option<usize> {
        let in_response = stage == ItemStage::InResponse;
        if !(self.knows(index) || in_response && self.unconfirmed > 0) {
            // Fast path: every item of a document is new.
            return None;
        }
        let at_index = self.at(index);
        let first_with_id = call.id.as_deref().and_then(|id| self.ids.find(id));
        let same_id = |kept: &ToolCall| call.id.is_some() && kept.id == call.id;
        first_with_id
            .and_then(|_| self.find(at_index.clone(), answer, |_, kept| same_id(kept)))
            // Some providers number items in the terminal event differently than before.
            .or_else(|| {
                let elsewhere = self.at(first_with_id.filter(|_| in_response)?);
                self.find(elsewhere, answer, |known, kept| !known.confirmed && same_id(kept))
            })
            .or_else(|| {
                if in_response {
                    let mut unconfirmed = at_index.clone().zip(self.calls.get(at_index)?);
                    return unconfirmed.find(|(_, known)| !known.confirmed).map(|(at, _)| at);
                }
                let last = at_index.clone().next_back()?;
                self.find(last..at_index.end, answer, |known, kept| {
                    // Some providers reuse one output index; a finished call there means a new call.
                    let finished = known.arguments == ArgumentsStage::Finished;
                    !(finished && kept.id.is_some() && call.id.is_some())
                })
            })
    }

    /// The position of the last call among those at `positions` for which `is_it` holds.
    fn find(
        &self,
        positions: Range<usize>,
        answer: &Answer,
        is_it: impl Fn(&KnownCall, &ToolCall) -> bool,
    ) -> Option<usize> {
        let (known, kept) = (self.calls.get(positions.clone())?, answer.tool_calls.get(positions.clone())?);
        let mut known = positions.zip(known.iter().zip(kept)).rev();
        known.find(|(_, (known, kept))| is_it(known, kept)).map(|(at, _)| at)
    }

    /// The positions of the calls at an output index.
    fn at(&self, index: u64) -> Range<usize> {
        let begin = self.calls.partition_point(|known| known.index < index);
        begin..self.calls.partition_point(|known| known.index <= index)
    }

    /// Adds a new call to the answer. `None`: enough calls are kept already.
    fn begin(&mut self, index: u64, call: &Call, answer: &mut Answer) -> Option<usize> {
        let full = answer.tool_calls.len() >= answer.keep().tool_calls;
        if full && self.knows(index) {
            // It was counted when it was stated first.
            return None;
        }
        let last = answer.begin_tool_call(ToolCall { hosted: call.hosted, ..ToolCall::default() })?;
        let at = self.calls.partition_point(|known| known.index <= index).min(last);
        self.unconfirmed = self.unconfirmed.saturating_add(1);
        self.calls.insert(at, KnownCall { index, arguments: ArgumentsStage::Added, confirmed: false });
        if let Some(behind) = answer.tool_calls.get_mut(at..) {
            behind.rotate_right(1);
        }
        Some(at)
    }

    pub(super) fn add_arguments(
        &mut self,
        index: Option<u64>,
        item_id: Option<&str>,
        (piece, notation): (&Text, Notation),
        answer: &mut Answer,
    ) -> Change {
        let Some(at) = self.unfinished(index) else { return Change::Possible };
        let (Some(known), Some(kept)) = (self.calls.get_mut(at), answer.tool_calls.get_mut(at)) else {
            return Change::Possible;
        };
        if !same_item(item_id, kept.item_id.as_deref()) {
            return Change::Possible;
        }
        let is_first = known.arguments == ArgumentsStage::Added;
        if is_first {
            known.arguments = ArgumentsStage::Pieces;
            kept.plain = notation == Notation::Plain;
            answer.replace_arguments(at, &Text::default());
        }
        answer.add_arguments_piece(at, piece);
        if is_first { Change::Possible } else { Change::appended(Place::Arguments(at)) }
    }

    pub(super) fn replace_arguments(
        &self,
        index: Option<u64>,
        (whole, notation): (&Text, Notation),
        answer: &mut Answer,
    ) {
        if let Some(at) = self.unfinished(index)
            && let Some(kept) = answer.tool_calls.get_mut(at)
            && !whole.is_empty()
        {
            kept.plain = notation == Notation::Plain;
            answer.replace_arguments(at, whole);
        }
    }

    /// Marks the call as complete.
    pub(super) fn complete(&self, index: Option<u64>, answer: &mut Answer) {
        if let Some(at) = self.unfinished(index)
            && let Some(kept) = answer.tool_calls.get_mut(at)
        {
            kept.complete = true;
        }
    }

    /// The position of the last call at `index` whose item has not ended.
    fn unfinished(&self, index: Option<u64>) -> Option<usize> {
        let at_index = self.at(index?);
        let known = at_index.clone().zip(self.calls.get(at_index)?);
        known.rev().find(|(_, known)| known.arguments != ArgumentsStage::Finished).map(|(at, _)| at)
    }
}
