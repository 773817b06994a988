//! The output items of one event: one, or all of the response in a terminal event. They are held until the event has
//! ended and proved valid, within the bounds of a record.

use super::item::{Item, ItemMeaning};
use super::known_items::{ItemStage, KnownItems};
use super::slot::ItemField;
use crate::answer::{Answer, Keep};
use crate::json::Kind;
use core::mem::take;

/// The items of one event or document: at most `limits.tool_calls` and `limits.thoughts` of them, with at most
/// `record.total_bytes` of texts, and the item being read.
#[derive(Debug, Default)]
pub(super) struct EventItems {
    /// The item being read.
    current: Option<Box<Item>>,
    /// The position of `current` in the array; `None`: it is the item of an `output_item` event.
    position: Option<u64>,
    /// Elements of the array that have begun.
    count: u64,
    /// Bytes of texts in `current`.
    current_bytes: usize,
    /// Bytes of texts in `held`.
    held_bytes: usize,
    /// The tool calls and thoughts before `current`, with their positions in the array.
    held: Vec<(Option<u64>, ItemMeaning)>,
    calls: usize,
    thoughts: usize,
    /// Calls and thoughts above the limits that earlier events did not state.
    dropped_calls: u64,
    dropped_thoughts: u64,
}

impl EventItems {
    /// An array of items begins.
    pub(super) const fn begin_array(&mut self) {
        self.count = 0;
    }

    /// The next element of the array begins.
    pub(super) fn begin_next(&mut self, kind: Kind, known: &KnownItems, keep: &Keep) {
        let position = self.count;
        self.count = position.saturating_add(1);
        self.settle(known, keep);
        if kind == Kind::Object {
            self.position = Some(position);
            self.current = Some(Box::default());
        }
    }

    /// The item of an `output_item` event begins.
    pub(super) fn begin_one(&mut self, known: &KnownItems, keep: &Keep) {
        self.settle(known, keep);
        self.position = None;
        self.current = Some(Box::default());
    }

    /// The item being read.
    pub(super) fn current(&mut self) -> Option<&mut Item> {
        self.current.as_deref_mut()
    }

    /// Appends to a text of the item being read.
    pub(super) fn push(&mut self, field: ItemField, run: &str, keep: &Keep) {
        let held = self.held_bytes.saturating_add(self.current_bytes);
        if let Some(item) = &mut self.current {
            let kept = item.push(field, run, keep, keep.total_bytes.saturating_sub(held));
            self.current_bytes = self.current_bytes.saturating_add(kept);
        }
    }

    /// The item being read has ended: its meaning is held, as far as there is room.
    pub(super) fn settle(&mut self, known: &KnownItems, keep: &Keep) {
        self.current_bytes = 0;
        let position = self.position;
        let Some(meaning) = self.current.take().and_then(|item| item.meaning(keep)) else { return };
        match meaning {
            ItemMeaning::Call(_) if self.calls >= keep.tool_calls => {
                let counted = position.is_some_and(|position| known.knows_calls(position));
                self.dropped_calls = self.dropped_calls.saturating_add(u64::from(!counted));
            }
            ItemMeaning::Call(_) => {
                self.calls = self.calls.saturating_add(1);
                self.hold(position, meaning);
            }
            ItemMeaning::Thoughts(_) if position.is_none() => self.hold(position, meaning),
            ItemMeaning::Thoughts(mut thoughts) => {
                thoughts.keep(keep.thought_count.saturating_sub(self.thoughts));
                self.thoughts = self.thoughts.saturating_add(thoughts.texts.len());
                if !thoughts.texts.is_empty() {
                    self.hold(position, ItemMeaning::Thoughts(thoughts));
                } else if position.is_some_and(|position| !known.knows_thoughts(position)) {
                    let dropped = u64::try_from(thoughts.dropped()).unwrap_or(u64::MAX);
                    self.dropped_thoughts = self.dropped_thoughts.saturating_add(dropped);
                }
            }
        }
    }

    fn hold(&mut self, position: Option<u64>, meaning: ItemMeaning) {
        self.held_bytes = self.held_bytes.saturating_add(meaning.text_bytes());
        self.held.push((position, meaning));
    }

    /// Takes the meaning of the item of an `output_item` event.
    pub(super) fn take_one(&mut self) -> Option<ItemMeaning> {
        take(&mut self.held).into_iter().find(|(position, _)| position.is_none()).map(|(_, meaning)| meaning)
    }

    /// Takes the items of the array into the answer. Later elements have later positions.
    pub(super) fn commit(&mut self, known: &mut KnownItems, answer: &mut Answer) {
        let Self { dropped_calls, dropped_thoughts, .. } = *self;
        for (position, meaning) in take(&mut self.held) {
            if position.is_some() {
                known.take(position, Some(meaning), ItemStage::InResponse, answer);
            }
        }
        for _ in 0..dropped_calls {
            answer.notes.dropped_tool_call();
        }
        for _ in 0..dropped_thoughts {
            answer.notes.dropped_thought();
        }
        *self = Self { count: self.count, ..Self::default() };
    }
}
