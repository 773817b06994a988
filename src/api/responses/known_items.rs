//! The output items that the events of one response have stated. An item is stated several times (when it is added,
//! piece by piece, when it is done, and again in the terminal event) and must be recorded once.
//!
//! An item is identified by its output index. Item ids are not reliable: Copilot encrypts them anew in every event,
//! and also in the deltas of arguments (<https://github.com/BerriAI/litellm/pull/30072>).

mod calls;
mod id_index;
mod stage;
mod thoughts;

use super::item::{ItemMeaning, Notation};
use crate::answer::Answer;
use crate::api::response::Change;
use crate::text::Text;
use calls::KnownCalls;
use thoughts::KnownThoughts;

pub(super) use stage::ItemStage;
pub(super) use thoughts::ThoughtKey;

/// The items of one response that are known. It grows only as far as the answer does.
#[derive(Debug, Default)]
pub(super) struct KnownItems {
    calls: KnownCalls,
    thoughts: KnownThoughts,
    /// One more than the highest output index of any item.
    next_index: u64,
}

// === impl KnownItems ===

impl KnownItems {
    /// Whether a tool call at this index or a higher one was stated, even if it was not kept.
    pub(super) const fn knows_calls(&self, index: u64) -> bool {
        self.calls.knows(index)
    }

    /// Whether a thought of an item at this index or a higher one was stated, even if it was not kept.
    pub(super) const fn knows_thoughts(&self, index: u64) -> bool {
        self.thoughts.knows(index)
    }

    /// Takes a statement of an item. Without an `index` it is the known item with the same id, or else the next item.
    pub(super) fn take(
        &mut self,
        index: Option<u64>,
        meaning: Option<ItemMeaning>,
        stage: ItemStage,
        answer: &mut Answer,
    ) {
        let next = self.next_index;
        let by_id = || match meaning.as_ref()? {
            ItemMeaning::Call(call) => self.calls.index_of(call, answer),
            ItemMeaning::Thoughts(thoughts) => self.thoughts.index_of(thoughts),
        };
        let at = index.or_else(by_id).unwrap_or(next);
        match meaning {
            Some(ItemMeaning::Call(call)) => self.calls.take(at, *call, stage, answer),
            Some(ItemMeaning::Thoughts(thoughts)) => self.thoughts.take(at, thoughts, stage, answer),
            None => {}
        }
        self.next_index = next.max(at.saturating_add(1));
    }

    /// The index of the item with this id, for providers that do not number deltas.
    pub(super) fn index_of(&self, item_id: &str, answer: &Answer) -> Option<u64> {
        self.calls.index_of_item(item_id, answer).or_else(|| self.thoughts.index_of_item(item_id))
    }

    /// Whether a message of commentary is open at `index`; `None`: at any index.
    pub(super) fn has_commentary(&self, index: Option<u64>) -> bool {
        self.thoughts.has_commentary(index)
    }

    /// Appends a piece of arguments to the call at `index`. `item_id`: the item that the event names.
    pub(super) fn add_arguments(
        &mut self,
        index: Option<u64>,
        item_id: Option<&str>,
        piece: (&Text, Notation),
        answer: &mut Answer,
    ) -> Change {
        self.calls.add_arguments(index, item_id, piece, answer)
    }

    /// Replaces the arguments of the call at `index`, which are complete; the item itself has not ended.
    pub(super) fn replace_arguments(
        &self,
        index: Option<u64>,
        whole: (&Text, Notation),
        answer: &mut Answer,
    ) {
        self.calls.replace_arguments(index, whole, answer);
    }

    /// The tool has finished before its item has.
    pub(super) fn complete_call(&self, index: Option<u64>, answer: &mut Answer) {
        self.calls.complete(index, answer);
    }

    /// Appends a piece of a thought. `item_id`: the item that the event names.
    pub(super) fn add_thought(
        &mut self,
        key: ThoughtKey,
        item_id: Option<&str>,
        piece: &Text,
        answer: &mut Answer,
    ) -> Change {
        self.thoughts.add(key, item_id, piece, answer)
    }

    /// Replaces a thought, which is complete. `finished`: its item has ended too.
    pub(super) fn replace_thought(
        &mut self,
        key: ThoughtKey,
        whole: &Text,
        finished: bool,
        answer: &mut Answer,
    ) {
        self.thoughts.replace(key, whole, finished, answer);
    }
}
