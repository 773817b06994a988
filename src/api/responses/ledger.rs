//! Which output items of one response are known, so that each is recorded once however often it is told: when it is
//! added, piece by piece, when it is done, and again in the terminal event.
//!
//! An item is told by its output index. Nothing else is reliable: Copilot encrypts item ids anew in every event, and
//! the pieces of arguments too (<https://github.com/BerriAI/litellm/pull/30072>).

use super::item::{Call, Found, Notation, Source, Thoughts};
use crate::answer::{Answer, ToolCall};
use crate::note::Note;
use crate::text::Text;

/// Items that may be open at once besides tool calls; a provider has one or two.
const OPEN_ITEMS: usize = 64;

/// What is known of the items of one response. Grows only as far as the answer does.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Beside the answer's tool calls, one each in the same order: that of their output indexes.
    calls: Vec<KnownCall>,
    /// Beside the answer's thoughts, one each in the same order.
    thoughts: Vec<KnownThought>,
    /// Reasoning and commentary that was added and is not done.
    open: Vec<OpenItem>,
    /// Above every output index that was told.
    told_to: u64,
    /// Above every output index at which a call was told: what is beyond the bounds is counted once.
    calls_told_to: u64,
    /// Above every output index and part at which a thought was told.
    thoughts_told_to: (u64, u64),
}

#[derive(Clone, Copy, Debug)]
struct KnownCall {
    index: u64,
    stage: Stage,
    /// The terminal object told it too.
    confirmed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Added, with arguments that pieces replace.
    Added,
    /// Its arguments come in pieces.
    Pieces,
    /// All of it was stated.
    Finished,
}

#[derive(Clone, Copy, Debug)]
struct KnownThought {
    place: ThoughtPlace,
    /// All of it was stated.
    finished: bool,
}

/// Where a thought stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ThoughtPlace {
    /// The item's output index.
    pub(super) index: u64,
    /// What the item is.
    pub(super) source: Source,
    /// The part of a summary; 0 of a message.
    pub(super) part: u64,
}

#[derive(Debug)]
struct OpenItem {
    index: u64,
    item_id: Option<String>,
    source: Source,
}

/// Who tells of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    /// `response.output_item.added`: it has begun.
    Added,
    /// `response.output_item.done`: it is over.
    Done,
    /// The terminal event, or a document: the response as a whole.
    Whole,
}

// === impl Ledger ===

impl Ledger {
    /// Whether a call at `index` was told before, or one behind it, however little of it was kept.
    pub(super) const fn knows_calls(&self, index: u64) -> bool {
        index < self.calls_told_to
    }

    /// Whether a thought of the item at `index` was told before, or of one behind it.
    pub(super) const fn knows_thoughts(&self, index: u64) -> bool {
        index < self.thoughts_told_to.0
    }

    /// An item was told at `index`; where none is stated, it is the next one unless its id is known.
    pub(super) fn tell(&mut self, index: Option<u64>, found: Option<Found>, told: Told, answer: &mut Answer) {
        let next = self.told_to;
        let by_id = || self.told_at(found.as_ref()?, answer);
        let at = index.or_else(by_id).unwrap_or(next);
        match found {
            Some(Found::Call(call)) => {
                self.call(at, *call, told, answer);
                self.calls_told_to = self.calls_told_to.max(at.saturating_add(1));
            }
            Some(Found::Thoughts(thoughts)) => self.thoughts(at, thoughts, told, answer),
            None => {}
        }
        self.told_to = next.max(at.saturating_add(1));
    }

    /// Where an item was told that says itself which one it is.
    fn told_at(&self, found: &Found, answer: &Answer) -> Option<u64> {
        let same = |id: &Option<String>, known: &Option<String>| id.is_some() && id == known;
        match found {
            Found::Call(call) => {
                let mut known = self.calls.iter().zip(&answer.tool_calls);
                let is_it = |kept: &ToolCall| same(&call.id, &kept.id) || same(&call.item_id, &kept.item_id);
                known.find(|(_, kept)| is_it(kept)).map(|(known, _)| known.index)
            }
            Found::Thoughts(thoughts) => {
                let open = self.open.iter().find(|open| same(&thoughts.item_id, &open.item_id));
                open.map(|open| open.index)
            }
        }
    }

    /// Where the unfinished item of that id was told: some number no pieces.
    pub(super) fn index_of(&self, item_id: &str, answer: &Answer) -> Option<u64> {
        let is_it = |known: &Option<String>| known.as_deref() == Some(item_id);
        let mut calls = self.calls.iter().zip(&answer.tool_calls);
        let call = calls.find(|(_, kept)| is_it(&kept.item_id)).map(|(known, _)| known.index);
        call.or_else(|| self.open.iter().find(|open| is_it(&open.item_id)).map(|open| open.index))
    }

    /// Whether there is commentary at `index` that is not over; `None`: anywhere.
    pub(super) fn has_commentary(&self, index: Option<u64>) -> bool {
        let is_it = |open: &OpenItem| index.is_none_or(|index| index == open.index);
        self.open.iter().any(|open| open.source == Source::Commentary && is_it(open))
    }

    fn call(&mut self, index: u64, call: Call, told: Told, answer: &mut Answer) {
        let at = match self.known_call(index, &call, told, answer) {
            Some(at) => at,
            None => match self.begin_call(index, &call, answer) {
                Some(at) => at,
                None => return,
            },
        };
        let (Some(known), Some(kept)) = (self.calls.get_mut(at), answer.tool_calls.get_mut(at)) else {
            return;
        };
        known.confirmed |= told == Told::Whole;
        // The finished item has the last word; the terminal one fills what is missing.
        let finished = known.stage == Stage::Finished;
        for (kept, stated) in
            [(&mut kept.id, call.id), (&mut kept.item_id, call.item_id), (&mut kept.name, call.name)]
        {
            if stated.is_some() && !(finished && kept.is_some()) {
                *kept = stated;
            }
        }
        if told != Told::Added {
            known.stage = Stage::Finished;
            kept.arguments_stated |= call.arguments.is_some();
            kept.complete |= !call.cut && (told == Told::Done || !call.running);
        }
        let has_arguments = !kept.arguments.is_empty() || kept.arguments.is_cut();
        if let Some((text, notation)) = call.arguments
            && !(has_arguments && (finished || text.is_empty()))
        {
            kept.plain = notation == Notation::Plain;
            answer.replace_arguments(at, &text);
        }
    }

    /// Which of the known calls an item is.
    fn known_call(&self, index: u64, call: &Call, told: Told, answer: &Answer) -> Option<usize> {
        let find = |is_it: &dyn Fn(&KnownCall, &ToolCall) -> bool| {
            let mut known = self.calls.iter().zip(&answer.tool_calls);
            known.position(|(known, kept)| is_it(known, kept))
        };
        let whole = told == Told::Whole;
        let same_id = |kept: &ToolCall| call.id.is_some() && kept.id == call.id;
        if !self.knows_calls(index) && self.calls.iter().all(|known| known.confirmed) {
            // As it is for every item of a document.
            return None;
        }
        find(&|known, kept| known.index == index && same_id(kept))
            // Some number items differently while they stream.
            .or_else(|| find(&|known, kept| whole && !known.confirmed && same_id(kept)))
            .or_else(|| {
                find(&|known, kept| {
                    // Who numbers every item alike tells the next one where the last one stood.
                    let next = known.stage == Stage::Finished && kept.id.is_some() && call.id.is_some();
                    known.index == index && if whole { !known.confirmed } else { !next }
                })
            })
    }

    /// A call that was not known. `None`: there are enough.
    fn begin_call(&mut self, index: u64, call: &Call, answer: &mut Answer) -> Option<usize> {
        let full = answer.tool_calls.len() >= answer.keep().tool_calls;
        if full && self.knows_calls(index) {
            // It was counted when it was first told.
            return None;
        }
        let last = answer.begin_tool_call(ToolCall { hosted: call.hosted, ..ToolCall::default() })?;
        let at = self.calls.partition_point(|known| known.index <= index).min(last);
        self.calls.insert(at, KnownCall { index, stage: Stage::Added, confirmed: false });
        if let Some(behind) = answer.tool_calls.get_mut(at..) {
            behind.rotate_right(1);
        }
        Some(at)
    }

    /// A piece of a call's arguments; `item_id`: whose, as the piece says.
    pub(super) fn add_arguments(
        &mut self,
        index: Option<u64>,
        item_id: Option<&str>,
        (piece, notation): (&Text, Notation),
        answer: &mut Answer,
    ) {
        let Some(at) = self.unfinished_call(index) else { return };
        let (Some(known), Some(kept)) = (self.calls.get_mut(at), answer.tool_calls.get_mut(at)) else {
            return;
        };
        if !is_of(item_id, kept.item_id.as_deref()) {
            return;
        }
        if known.stage == Stage::Added {
            known.stage = Stage::Pieces;
            kept.plain = notation == Notation::Plain;
            answer.replace_arguments(at, &Text::default());
        }
        note_cut(piece, answer);
        answer.add_arguments(at, piece.as_str());
    }

    /// A call's arguments are complete; the item itself is not done.
    pub(super) fn replace_arguments(
        &mut self,
        index: Option<u64>,
        (whole, notation): (&Text, Notation),
        answer: &mut Answer,
    ) {
        if let Some(at) = self.unfinished_call(index)
            && let Some(kept) = answer.tool_calls.get_mut(at)
            && !whole.is_empty()
        {
            kept.plain = notation == Notation::Plain;
            answer.replace_arguments(at, whole);
        }
    }

    /// The tool says that it is done, ahead of its item.
    pub(super) fn complete_call(&mut self, index: Option<u64>, answer: &mut Answer) {
        if let Some(at) = self.unfinished_call(index)
            && let Some(kept) = answer.tool_calls.get_mut(at)
        {
            kept.complete = true;
        }
    }

    fn unfinished_call(&self, index: Option<u64>) -> Option<usize> {
        let unfinished = |known: &KnownCall| Some(known.index) == index && known.stage != Stage::Finished;
        self.calls.iter().rposition(unfinished)
    }

    fn thoughts(&mut self, index: u64, thoughts: Thoughts, told: Told, answer: &mut Answer) {
        let Thoughts { source, item_id, texts, dropped } = thoughts;
        self.open.retain(|open| open.index != index);
        if told == Told::Added {
            if self.open.len() < OPEN_ITEMS {
                self.open.push(OpenItem { index, item_id, source });
            }
            return;
        }
        let kept = u64::try_from(texts.len()).unwrap_or(u64::MAX);
        for (part, text) in (0..).zip(&texts) {
            self.replace_thought(ThoughtPlace { index, source, part }, text, true, answer);
        }
        for part in (kept..).take(dropped) {
            self.thought(ThoughtPlace { index, source, part }, answer);
        }
    }

    /// A piece of a thought; `item_id`: whose, as the piece says.
    pub(super) fn add_thought(
        &mut self,
        place: ThoughtPlace,
        item_id: Option<&str>,
        piece: &Text,
        answer: &mut Answer,
    ) {
        let open = self.open.iter().find(|open| open.index == place.index && open.source == place.source);
        // The answer itself comes in pieces of the same kind as commentary.
        if open.is_none() && place.source == Source::Commentary
            || !is_of(item_id, open.and_then(|open| open.item_id.as_deref()))
        {
            return;
        }
        if let Some(at) = self.thought(place, answer)
            && self.thoughts.get(at).is_some_and(|known| !known.finished)
        {
            note_cut(piece, answer);
            answer.add_thought(at, piece.as_str());
        }
    }

    /// A thought is complete; `finished`: and so is its item.
    pub(super) fn replace_thought(
        &mut self,
        place: ThoughtPlace,
        whole: &Text,
        finished: bool,
        answer: &mut Answer,
    ) {
        if !whole.is_empty()
            && let Some(at) = self.thought(place, answer)
            && let Some(known) = self.thoughts.get_mut(at)
            && !known.finished
        {
            known.finished = finished;
            answer.replace_thought(at, whole);
        }
    }

    /// Where the thought at `place` stands in the answer, to which it is added if need be. `None`: there are enough.
    fn thought(&mut self, place: ThoughtPlace, answer: &mut Answer) -> Option<usize> {
        let rank = |place: &ThoughtPlace| (place.index, place.part);
        let from = self.thoughts.partition_point(|known| rank(&known.place) < rank(&place));
        let mut alike = (from..)
            .zip(self.thoughts.get(from..).unwrap_or_default())
            .take_while(|(_, known)| rank(&known.place) == rank(&place));
        if let Some((at, _)) = alike.find(|(_, known)| known.place == place) {
            return Some(at);
        }
        let full = answer.thoughts.len() >= answer.keep().thought_count;
        if full && rank(&place) < self.thoughts_told_to {
            // It was counted when it was first told.
            return None;
        }
        self.thoughts_told_to = self.thoughts_told_to.max((place.index, place.part.saturating_add(1)));
        let last = answer.begin_thought(place.source.name())?;
        let at = self.thoughts.partition_point(|known| rank(&known.place) <= rank(&place)).min(last);
        self.thoughts.insert(at, KnownThought { place, finished: false });
        if let Some(behind) = answer.thoughts.get_mut(at..) {
            behind.rotate_right(1);
        }
        Some(at)
    }
}

/// Whether a piece is one of the item: what is encrypted names another one.
fn is_of(named: Option<&str>, item_id: Option<&str>) -> bool {
    named.is_none() || item_id.is_none() || named == item_id
}

/// A piece that was itself cut makes the text that it belongs to poorer.
fn note_cut(piece: &Text, answer: &mut Answer) {
    if piece.is_cut() {
        answer.notes.add(Note::TextCut);
    }
}
