//! The items that one event states: one, or, in a terminal event, all of the response. Held until the event is over and
//! proved valid, and only within the bounds of a record.

use super::item::{Found, Item};
use super::ledger::{Ledger, Told};
use super::place::ItemField;
use crate::answer::{Answer, Keep};
use crate::json::Kind;
use core::mem::take;

/// At most `limits.tool_calls` and `limits.thoughts` of them, with at most `record.total_bytes` of texts, and the one
/// being read.
#[derive(Debug, Default)]
pub(super) struct Items {
    current: Option<Box<Item>>,
    /// Where in the array `current` stands; `None`: it stands by itself.
    position: Option<u64>,
    /// How many elements of the array have begun.
    count: u64,
    /// Bytes of the texts of `current`, and of `held`.
    current_bytes: usize,
    held_bytes: usize,
    /// Those before `current` that mean something.
    held: Vec<(Option<u64>, Found)>,
    calls: usize,
    thoughts: usize,
    /// Calls and thoughts beyond those that are kept, where nobody has counted them yet.
    dropped_calls: u64,
    dropped_thoughts: u64,
}

impl Items {
    /// An array of items begins.
    pub(super) const fn begin_array(&mut self) {
        self.count = 0;
    }

    /// The next element of the array begins.
    pub(super) fn begin_next(&mut self, kind: Kind, ledger: &Ledger, keep: &Keep) {
        let position = self.count;
        self.count = position.saturating_add(1);
        self.settle(ledger, keep);
        if kind == Kind::Object {
            self.position = Some(position);
            self.current = Some(Box::default());
        }
    }

    /// The item that an event is about begins.
    pub(super) fn begin_one(&mut self, ledger: &Ledger, keep: &Keep) {
        self.settle(ledger, keep);
        self.position = None;
        self.current = Some(Box::default());
    }

    /// The item being read.
    pub(super) fn current(&mut self) -> Option<&mut Item> {
        self.current.as_deref_mut()
    }

    /// More of a text of the item being read.
    pub(super) fn push(&mut self, field: ItemField, run: &str, keep: &Keep) {
        let held = self.held_bytes.saturating_add(self.current_bytes);
        if let Some(item) = &mut self.current {
            let kept = item.push(field, run, keep, keep.total_bytes.saturating_sub(held));
            self.current_bytes = self.current_bytes.saturating_add(kept);
        }
    }

    /// The item being read is over: what it means is held, as far as there is room.
    pub(super) fn settle(&mut self, ledger: &Ledger, keep: &Keep) {
        self.current_bytes = 0;
        let position = self.position;
        let Some(found) = self.current.take().and_then(|item| item.meaning(keep)) else { return };
        match found {
            Found::Call(_) if self.calls >= keep.tool_calls => {
                let known = position.is_some_and(|position| ledger.knows_calls(position));
                self.dropped_calls = self.dropped_calls.saturating_add(u64::from(!known));
            }
            Found::Call(_) => {
                self.calls = self.calls.saturating_add(1);
                self.hold(position, found);
            }
            Found::Thoughts(_) if position.is_none() => self.hold(position, found),
            Found::Thoughts(mut thoughts) => {
                thoughts.keep(keep.thought_count.saturating_sub(self.thoughts));
                self.thoughts = self.thoughts.saturating_add(thoughts.texts.len());
                if !thoughts.texts.is_empty() {
                    self.hold(position, Found::Thoughts(thoughts));
                } else if position.is_some_and(|position| !ledger.knows_thoughts(position)) {
                    let dropped = u64::try_from(thoughts.dropped).unwrap_or(u64::MAX);
                    self.dropped_thoughts = self.dropped_thoughts.saturating_add(dropped);
                }
            }
        }
    }

    fn hold(&mut self, position: Option<u64>, found: Found) {
        self.held_bytes = self.held_bytes.saturating_add(found.text_bytes());
        self.held.push((position, found));
    }

    /// What the one item that an event is about means.
    pub(super) fn take_one(&mut self) -> Option<Found> {
        take(&mut self.held).into_iter().find(|(position, _)| position.is_none()).map(|(_, found)| found)
    }

    /// Takes what the array's items mean into the answer; what comes next stands behind them.
    pub(super) fn commit(&mut self, ledger: &mut Ledger, answer: &mut Answer) {
        let Self { dropped_calls, dropped_thoughts, .. } = *self;
        for (position, found) in take(&mut self.held) {
            if position.is_some() {
                ledger.tell(position, Some(found), Told::Whole, answer);
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
