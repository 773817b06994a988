//! What the choices of an answer have said so far: their tool calls, thoughts and ends, in order of the choices.

use super::said::{SaidCall, SaidChoice};
use crate::answer::{Answer, NAME_BYTES};
use crate::note::Note;
use crate::text::{self, Text};

/// Choices of one answer that are told apart; `n` is at most 128.
const CHOICES: usize = 256;

/// All choices of a stream that were seen.
#[derive(Debug, Default)]
pub(super) struct Choices {
    /// In order of their index.
    seen: Vec<Choice>,
    /// Which call each of the answer's tool calls is, in the same order.
    calls: Vec<CallKey>,
    /// There were more choices than are told apart: whether all ended is not known.
    beyond: bool,
}

/// One choice of a stream.
#[derive(Debug)]
struct Choice {
    index: u64,
    finished: bool,
    thought: Thinking,
    /// The last tool call that was counted and not kept.
    dropped: Option<CallKey>,
}

/// Where a choice's thought is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thinking {
    Not,
    Kept,
    /// There were enough thoughts, or none are kept.
    Dropped,
}

/// A tool call by its choice and by its place there; the one of before there were tools has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct CallKey {
    choice: u64,
    call: Option<u64>,
}

// === impl Choices ===

impl Choices {
    /// Takes in what one chunk says of the choice at `position` in its list.
    pub(super) fn take(&mut self, position: u64, said: &SaidChoice, answer: &mut Answer) {
        let index = said.index.unwrap_or(position);
        let at = match self.seen.binary_search_by_key(&index, |choice| choice.index) {
            Ok(at) => at,
            Err(at) if self.seen.len() < CHOICES => {
                let choice = Choice { index, finished: false, thought: Thinking::Not, dropped: None };
                self.seen.insert(at, choice);
                at
            }
            Err(_) => {
                self.beyond = true;
                let begun = said.calls.iter().filter(|call| !call.id.is_empty());
                begun.for_each(|_| answer.notes.dropped_tool_call());
                return;
            }
        };
        if let Some(thought) = said.thought() {
            self.think(at, thought, answer);
        }
        for (position, call) in (0_u64..).zip(&said.calls) {
            let Some(choice) = self.seen.get(at) else { return };
            let call_index = (!call.legacy)
                .then(|| call.index.unwrap_or_else(|| self.place(choice, position, call, answer)));
            self.call(at, CallKey { choice: index, call: call_index }, call, answer);
        }
        if !said.finish_reason.is_empty() {
            self.finish(at, said.finish_reason.as_str(), answer);
        }
    }

    /// Whether what a chunk says of a choice is no more than that it is one of those that were seen.
    pub(super) fn knows(&self, position: u64, said: &SaidChoice) -> bool {
        let index = said.index.unwrap_or(position);
        said.thought().is_none()
            && said.calls.is_empty()
            && said.finish_reason.is_empty()
            && self.seen.binary_search_by_key(&index, |choice| choice.index).is_ok()
    }

    /// Whether there are choices, and each has its finish reason.
    pub(super) fn all_finished(&self) -> bool {
        !self.beyond && !self.seen.is_empty() && self.seen.iter().all(|choice| choice.finished)
    }

    fn think(&mut self, at: usize, run: &Text, answer: &mut Answer) {
        let position = self.seen.iter().take(at).filter(|choice| choice.thought == Thinking::Kept).count();
        let Some(choice) = self.seen.get_mut(at) else { return };
        if choice.thought == Thinking::Not {
            let kept = answer.begin_thought_at(position, "reasoning");
            choice.thought = if kept { Thinking::Kept } else { Thinking::Dropped };
        }
        if choice.thought == Thinking::Kept {
            add_thought(position, run, answer);
        }
    }

    fn call(&mut self, at: usize, key: CallKey, said: &SaidCall, answer: &mut Answer) {
        let Some(choice) = self.seen.get_mut(at) else { return };
        let position = match self.calls.binary_search(&key) {
            Ok(position) => position,
            Err(position) => {
                if choice.dropped >= Some(key) {
                    return;
                }
                if !answer.begin_tool_call_at(position, said.begin()) {
                    choice.dropped = Some(key);
                    return;
                }
                self.calls.insert(position, key);
                position
            }
        };
        if let Some(call) = answer.tool_calls.get_mut(position) {
            call.complete = choice.finished;
            // What the beginning did not say may come later, but only once.
            let begin = said.begin();
            call.id = call.id.take().or(begin.id);
            call.name = call.name.take().or(begin.name);
            call.plain |= begin.plain;
        }
        add_arguments(position, said, answer);
    }

    /// Where a call stands that does not say so itself: where its id does, else where it stands in its chunk, unless a
    /// call with another id is there already; then behind all others. Some providers number no calls and tell each in a
    /// chunk of its own. The ids of calls that were not kept are not known: what has no name goes on with the last one.
    fn place(&self, choice: &Choice, position: u64, said: &SaidCall, answer: &Answer) -> u64 {
        let known = || {
            let calls =
                self.calls.iter().zip(&answer.tool_calls).filter(|(key, _)| key.choice == choice.index);
            calls.filter_map(|(key, call)| Some((key.call?, call.id.as_deref()?)))
        };
        let id = said.id.as_str();
        if id.is_empty() {
            return position;
        }
        if let Some((same, _)) = known().find(|(_, known)| *known == id) {
            return same;
        }
        let dropped = choice.dropped.and_then(|dropped| dropped.call);
        match dropped {
            Some(dropped) if said.name.is_empty() => dropped,
            None if known().all(|(place, _)| place != position) => position,
            _ => known()
                .map(|(place, _)| place)
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
        complete(begin, end, &reason, answer);
        answer.finish_reasons.insert(position.min(answer.finish_reasons.len()), reason);
    }
}

/// Takes in a tool call of a document, whole.
pub(super) fn take_whole_call(said: &SaidCall, answer: &mut Answer) {
    let position = answer.tool_calls.len();
    if answer.begin_tool_call_at(position, said.begin()) {
        add_arguments(position, said, answer);
    }
}

/// Takes in the rest of a choice of a document that breaks off there.
pub(super) fn take_cut(said: &SaidChoice, calls_from: usize, answer: &mut Answer) {
    if said.finish_reason.is_empty() {
        take_whole_thought(said, answer);
    } else {
        take_whole(said, calls_from, answer);
    }
}

fn take_whole_thought(said: &SaidChoice, answer: &mut Answer) {
    if let Some(thought) = said.thought() {
        let position = answer.thoughts.len();
        if answer.begin_thought_at(position, "reasoning") {
            add_thought(position, thought, answer);
        }
    }
}

/// Takes in the rest of a choice of a document; its tool calls begin at `calls_from`.
pub(super) fn take_whole(said: &SaidChoice, calls_from: usize, answer: &mut Answer) {
    take_whole_thought(said, answer);
    complete(calls_from, answer.tool_calls.len(), said.finish_reason.as_str(), answer);
    if !said.finish_reason.is_empty() {
        answer.finished(said.finish_reason.as_str());
    }
}

/// The tool calls from `begin` to `end` are complete, but for the last one where the answer was cut within it.
fn complete(begin: usize, end: usize, reason: &str, answer: &mut Answer) {
    let cut = matches!(reason, "length" | "content_filter");
    let calls = answer.tool_calls.iter_mut().take(end).skip(begin);
    let whole = end.saturating_sub(begin).saturating_sub(usize::from(cut));
    calls.take(whole).for_each(|call| call.complete = true);
}

/// A piece that was itself cut makes the text that it belongs to poorer.
fn add_thought(position: usize, run: &Text, answer: &mut Answer) {
    if run.is_cut() {
        answer.notes.add(Note::TextCut);
    }
    answer.add_thought(position, run.as_str());
}

fn add_arguments(position: usize, said: &SaidCall, answer: &mut Answer) {
    let Some(arguments) = &said.arguments else { return };
    if arguments.is_cut() {
        answer.notes.add(Note::TextCut);
    }
    if let Some(call) = answer.tool_calls.get_mut(position) {
        call.arguments_stated = true;
    }
    answer.add_arguments(position, arguments.as_str());
}

// === impl SaidChoice ===

impl SaidChoice {
    /// Providers have two names for it, and some state both.
    fn thought(&self) -> Option<&Text> {
        [&self.reasoning_content, &self.reasoning].into_iter().find(|text| !text.is_empty())
    }
}
