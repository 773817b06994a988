//! The texts of a record: how much of each is written, and which arguments are written as JSON.

use super::{RecordPolicy, ThoughtRef, ToolCallRef};
use crate::answer::{Thought, ToolCall};
use crate::json;
use crate::json::Value;
use crate::note::{Note, Notes};
use crate::text::{Spoken, Text, cut_as_written};
use core::fmt;
use std::borrow::Cow;

/// Cuts the texts of one record to the bounds of its policy. Texts take from the record's total in the order of the calls.
#[derive(Debug)]
pub struct TextBudget<'a> {
    policy: &'a RecordPolicy,
    /// Bytes as written.
    left: usize,
}

/// A tool call's arguments: as JSON where they are valid and whole, else as text.
pub(super) enum Arguments<'a> {
    Json(Cow<'a, str>),
    Text(Spoken<'a>),
}

impl fmt::Debug for Arguments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(json) => write!(f, "Json({} bytes)", json.len()),
            Self::Text(text) => text.fmt(f),
        }
    }
}

// === impl TextBudget ===

impl<'a> TextBudget<'a> {
    /// A budget of `record.total_bytes`.
    #[must_use]
    pub const fn new(policy: &'a RecordPolicy) -> Self {
        Self { policy, left: policy.total_bytes }
    }

    /// Bytes that the texts so far take, as they are written.
    #[must_use]
    pub const fn spent(&self) -> usize {
        self.policy.total_bytes.saturating_sub(self.left)
    }

    /// As much of `text` as the budget allows; a note says where that is not all.
    pub fn text<'t>(&mut self, text: &'t Text, notes: &mut Notes) -> Spoken<'t> {
        let (kept, written) = cut_as_written(text.as_str(), self.policy.text_bytes.min(self.left));
        self.left = self.left.saturating_sub(written);
        if text.is_cut() || kept.len() < text.as_str().len() {
            notes.add(Note::TextCut);
        }
        Spoken(kept)
    }

    /// The tool calls, with as much of their arguments as the budget allows.
    pub fn tool_calls<'t>(&mut self, calls: &'t [ToolCall], notes: &mut Notes) -> Vec<ToolCallRef<'t>> {
        let written = calls.iter().map(|call| ToolCallRef {
            id: call.id.as_deref(),
            item_id: call.item_id.as_deref(),
            name: call.name.as_deref(),
            server: call.server.as_deref(),
            arguments: self.arguments(call, notes),
            kind: if call.hosted { "hosted" } else { "client" },
            complete: call.complete,
        });
        written.collect()
    }

    /// The thoughts that are not empty, as far as the budget allows.
    pub fn thoughts<'t>(&mut self, thoughts: &'t [Thought], notes: &mut Notes) -> Vec<ThoughtRef<'t>> {
        let written = thoughts
            .iter()
            .filter(|thought| !thought.text.is_empty())
            .map(|thought| ThoughtRef { source: thought.source, text: self.text(&thought.text, notes) });
        written.collect()
    }

    fn arguments<'t>(&mut self, call: &'t ToolCall, notes: &mut Notes) -> Option<Arguments<'t>> {
        let text = &call.arguments;
        if !self.policy.tool_arguments || (text.is_empty() && !text.is_cut() && !call.arguments_stated) {
            return None;
        }
        let whole = (!call.plain && !text.is_cut()).then(|| compact(text.as_str(), call.validated)).flatten();
        Some(match whole {
            Some(json) if json.len() <= self.policy.text_bytes.min(self.left) => {
                self.left = self.left.saturating_sub(json.len());
                Arguments::Json(json)
            }
            _ => Arguments::Text(self.text(text, notes)),
        })
    }
}

/// `text` as JSON on one line; `None` where it is not valid JSON, or where a reader of the record could fail at it: at
/// nesting hundreds deep, half a surrogate pair, or a number beyond all floats. That would make the whole record unreadable.
/// `validated`: it is known to be valid JSON.
pub(super) fn compact(text: &str, validated: bool) -> Option<Cow<'_, str>> {
    if !validated {
        json::read_whole(text, &mut json::ValidateOnly).ok()?;
    }
    let (json, harmless) = json::compact(text);
    (harmless || is_readable_in_record(&json)).then_some(json)
}

/// Whether a common JSON reader reads `json` at the depth that it has in the record.
#[inline(never)]
pub(super) fn is_readable_in_record(json: &str) -> bool {
    serde_json::from_slice::<Value>(format!("[[[{json}]]]").as_bytes()).is_ok()
}
