//! The thoughts of one response that are known: reasoning, its summaries, and commentary.

use super::stage::{ItemStage, same_item};
use crate::answer::Answer;
use crate::api::response::{Change, Place};
use crate::api::responses::item::{PartText, Source, Thoughts};
use crate::text::Text;

/// Limit of reasoning and commentary items that are open at once; a provider has one or two.
const OPEN_ITEMS: usize = 64;

/// The thoughts that were stated.
#[derive(Debug, Default)]
pub(super) struct KnownThoughts {
    /// One for each of the answer's thoughts, in the same order: that of their keys.
    thoughts: Vec<KnownThought>,
    /// Reasoning and commentary items that were added and have not ended.
    open: Vec<OpenItem>,
    /// Above the key of every stated thought. A thought that is not kept is counted once.
    stated_to: ThoughtKey,
}

#[derive(Clone, Copy, Debug)]
struct KnownThought {
    key: ThoughtKey,
    /// Its item has ended.
    finished: bool,
}

/// Identifies a thought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::api::responses) struct ThoughtKey {
    /// The item's output index.
    pub(in crate::api::responses) index: u64,
    /// What it was taken from.
    pub(in crate::api::responses) source: Source,
    /// The part of the reasoning or the summary; 0 for a message.
    pub(in crate::api::responses) part: u64,
}

#[derive(Debug)]
struct OpenItem {
    index: u64,
    item_id: Option<String>,
    is_commentary: bool,
}

// === impl KnownThoughts ===

impl KnownThoughts {
    pub(super) const fn knows(&self, index: u64) -> bool {
        index < self.stated_to.index
    }

    /// The output index of the open item with the id of `thoughts`.
    pub(super) fn index_of(&self, thoughts: &Thoughts) -> Option<u64> {
        self.index_of_item(thoughts.item_id.as_deref()?)
    }

    /// The output index of the open item with this id.
    pub(super) fn index_of_item(&self, item_id: &str) -> Option<u64> {
        self.open.iter().find(|open| open.item_id.as_deref() == Some(item_id)).map(|open| open.index)
    }

    pub(super) fn has_commentary(&self, index: Option<u64>) -> bool {
        let is_it = |open: &OpenItem| index.is_none_or(|index| index == open.index);
        self.open.iter().any(|open| open.is_commentary && is_it(open))
    }

    /// Takes a statement of an item with thoughts.
    pub(super) fn take(&mut self, index: u64, thoughts: Thoughts, stage: ItemStage, answer: &mut Answer) {
        let Thoughts { is_commentary, item_id, texts, dropped } = thoughts;
        self.open.retain(|open| open.index != index);
        if stage == ItemStage::Added {
            if self.open.len() < OPEN_ITEMS {
                self.open.push(OpenItem { index, item_id, is_commentary });
            }
            return;
        }
        // The parts that are not kept come behind those that are.
        let next = dropped.map(|(source, _)| {
            let kept = texts.iter().rfind(|text| text.source == source);
            kept.map_or(0, |last| last.part.saturating_add(1))
        });
        for PartText { source, part, text } in &texts {
            self.replace(ThoughtKey { index, source: *source, part: *part }, text, true, answer);
        }
        for ((source, dropped), next) in dropped.into_iter().zip(next) {
            for part in (next..).take(dropped) {
                self.position(ThoughtKey { index, source, part }, answer);
            }
        }
    }

    pub(super) fn add(
        &mut self,
        key: ThoughtKey,
        item_id: Option<&str>,
        piece: &Text,
        answer: &mut Answer,
    ) -> Change {
        let is_commentary = key.source == Source::Commentary;
        let open =
            self.open.iter().find(|open| open.index == key.index && open.is_commentary == is_commentary);
        // Deltas of the answer's text have the same type as those of commentary.
        if open.is_none() && is_commentary
            || !same_item(item_id, open.and_then(|open| open.item_id.as_deref()))
        {
            return Change::Possible;
        }
        let known = self.thoughts.len();
        if let Some(at) = self.position(key, answer)
            && self.thoughts.get(at).is_some_and(|known| !known.finished)
        {
            answer.add_thought_piece(at, piece);
            if self.thoughts.len() == known {
                return Change::appended(Place::Thought(at));
            }
        }
        Change::Possible
    }

    pub(super) fn replace(&mut self, key: ThoughtKey, whole: &Text, finished: bool, answer: &mut Answer) {
        if !whole.is_empty()
            && let Some(at) = self.position(key, answer)
            && let Some(known) = self.thoughts.get_mut(at)
            && !known.finished
        {
            known.finished = finished;
            answer.replace_thought(at, whole);
        }
    }

    /// The position of a thought in the answer, to which it is added if it is new. `None`: enough thoughts are kept
    /// already.
    fn position(&mut self, key: ThoughtKey, answer: &mut Answer) -> Option<usize> {
        let at = match self.thoughts.binary_search_by_key(&key, |known| known.key) {
            Ok(at) => return Some(at),
            Err(at) => at,
        };
        let full = answer.thoughts.len() >= answer.keep().thought_count;
        if full && key < self.stated_to {
            // It was counted when it was stated first.
            return None;
        }
        self.stated_to = self.stated_to.max(ThoughtKey { part: key.part.saturating_add(1), ..key });
        let last = answer.begin_thought(key.source.name())?;
        let at = at.min(last);
        self.thoughts.insert(at, KnownThought { key, finished: false });
        if let Some(behind) = answer.thoughts.get_mut(at..) {
            behind.rotate_right(1);
        }
        Some(at)
    }
}
