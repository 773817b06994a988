//! What was learned from a response, whichever API it speaks and however it came.

use crate::api::Api;
use crate::note::{Note, Notes};
use crate::text::Text;
use crate::usage::UsageReader;

/// Identifiers, names, models and messages are kept up to this many bytes.
pub const NAME_BYTES: usize = 1024;

/// Reasons why the model stopped, one a choice; `n` of Chat Completions is at most 128.
const FINISH_REASONS: usize = 256;

/// How much of an answer is kept.
#[derive(Clone, Debug)]
pub struct Keep {
    /// Bytes of one text.
    pub text_bytes: usize,
    /// Bytes of all texts together.
    pub total_bytes: usize,
    /// Whether arguments of tool calls are kept.
    pub arguments: bool,
    /// Whether thoughts are kept.
    pub thoughts: bool,
    /// How many tool calls.
    pub tool_calls: usize,
    /// How many thoughts.
    pub thought_count: usize,
}

/// Everything learned from one response. Grows only within [`Keep`]: texts to `total_bytes`, and for each of `tool_calls`
/// three names and an end to [`NAME_BYTES`]. With what one event says until it is over, and all of it twice for the reserve
/// of texts that grow, one stream has at most
/// `2 × (total_bytes + tool_calls × 4 KiB + event_bytes)` live, whatever the answer's length; at its end also
/// the record, `2 × (total_bytes + 6 × tool_calls × 4 KiB)`, for a name may be six times as long once it is written
/// (`\u0001`). By default that is 6 MiB, and 20 MiB for the moment of writing; `tests/memory.rs` holds it.
#[derive(Debug)]
pub struct Answer {
    /// Whose numbers `usage` holds.
    pub api: Api,
    /// The provider's id of the message or response.
    pub id: Option<String>,
    /// The model that served.
    pub model: Option<String>,
    /// Why the model stopped; one a choice.
    pub finish_reasons: Vec<String>,
    /// Token numbers.
    pub usage: UsageReader,
    /// In the order in which they began; those of Chat Completions by choice and index.
    pub tool_calls: Vec<ToolCall>,
    /// In the order in which they began; those of Chat Completions by choice.
    pub thoughts: Vec<Thought>,
    /// The provider said so.
    pub error: Option<ApiError>,
    /// The API's own end was seen. (Chat Completions: as far as it was read; another choice may begin.)
    pub ended: bool,
    /// Where less was learned than passed.
    pub notes: Notes,
    keep: Keep,
    kept_bytes: usize,
}

/// A call that the model asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// By which the result refers to it.
    pub id: Option<String>,
    /// The item's own id, where the API has both.
    pub item_id: Option<String>,
    /// The tool.
    pub name: Option<String>,
    /// As the model wrote them: usually JSON.
    pub arguments: Text,
    /// There are arguments, if only an empty text.
    pub arguments_stated: bool,
    /// The arguments are a text even where they look like JSON: a custom tool's input.
    pub plain: bool,
    /// Who runs it.
    pub hosted: bool,
    /// Its end was seen.
    pub complete: bool,
}

/// What the model thought, as far as it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thought {
    /// `thinking`, `reasoning`, `reasoning_summary` or `commentary`.
    pub source: &'static str,
    /// Its text.
    pub text: Text,
}

/// An error as the provider stated it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiError {
    /// `error.type`
    pub kind: Option<String>,
    /// `error.code`
    pub code: Option<String>,
    /// `error.message`
    pub message: Option<String>,
}

impl Answer {
    /// Nothing learned yet.
    #[must_use]
    pub fn new(api: Api, keep: Keep) -> Self {
        Self {
            api,
            id: None,
            model: None,
            finish_reasons: Vec::new(),
            usage: UsageReader::default(),
            tool_calls: Vec::new(),
            thoughts: Vec::new(),
            error: None,
            ended: false,
            notes: Notes::default(),
            keep,
            kept_bytes: 0,
        }
    }

    /// How much may be kept.
    #[must_use]
    pub const fn keep(&self) -> &Keep {
        &self.keep
    }

    /// A tool call has begun. Answers where it stands; `None` where there are enough already.
    pub fn begin_tool_call(&mut self, call: ToolCall) -> Option<usize> {
        let position = self.tool_calls.len();
        self.begin_tool_call_at(position, call).then_some(position)
    }

    /// A tool call has begun that stands at `position` (those from there on move). `false` where there are enough.
    pub fn begin_tool_call_at(&mut self, position: usize, call: ToolCall) -> bool {
        if self.tool_calls.len() >= self.keep.tool_calls {
            self.notes.dropped_tool_call();
            return false;
        }
        self.tool_calls.insert(position.min(self.tool_calls.len()), call);
        true
    }

    /// A thought has begun. Answers where it stands; `None` where there are enough already or none are kept.
    pub fn begin_thought(&mut self, source: &'static str) -> Option<usize> {
        let position = self.thoughts.len();
        self.begin_thought_at(position, source).then_some(position)
    }

    /// A thought has begun that stands at `position` (those from there on move). `false` where there are enough already
    /// or none are kept.
    pub fn begin_thought_at(&mut self, position: usize, source: &'static str) -> bool {
        if !self.keep.thoughts {
            return false;
        }
        if self.thoughts.len() >= self.keep.thought_count {
            self.notes.dropped_thought();
            return false;
        }
        self.thoughts.insert(position.min(self.thoughts.len()), Thought { source, text: Text::default() });
        true
    }

    /// More arguments for the tool call at `at`.
    pub fn add_arguments(&mut self, at: usize, run: &str) {
        if self.keep.arguments
            && let Some(call) = self.tool_calls.get_mut(at)
        {
            Self::add(&self.keep, &mut self.kept_bytes, &mut self.notes, &mut call.arguments, run);
        }
    }

    /// More of the thought at `at`.
    pub fn add_thought(&mut self, at: usize, run: &str) {
        if let Some(thought) = self.thoughts.get_mut(at) {
            Self::add(&self.keep, &mut self.kept_bytes, &mut self.notes, &mut thought.text, run);
        }
    }

    /// The arguments of the tool call at `at` are `whole`, whatever came of them before.
    pub fn replace_arguments(&mut self, at: usize, whole: &Text) {
        if self.keep.arguments
            && let Some(call) = self.tool_calls.get_mut(at)
        {
            Self::replace(&self.keep, &mut self.kept_bytes, &mut self.notes, &mut call.arguments, whole);
        }
    }

    /// The thought at `at` is `whole`, whatever came of it before.
    pub fn replace_thought(&mut self, at: usize, whole: &Text) {
        if let Some(thought) = self.thoughts.get_mut(at) {
            Self::replace(&self.keep, &mut self.kept_bytes, &mut self.notes, &mut thought.text, whole);
        }
    }

    /// One more reason why the model stopped.
    pub fn finished(&mut self, reason: impl Into<String>) {
        if self.finish_reasons.len() < FINISH_REASONS {
            let mut reason = reason.into();
            reason.truncate(reason.floor_char_boundary(NAME_BYTES));
            self.finish_reasons.push(reason);
        }
    }

    fn replace(keep: &Keep, kept_bytes: &mut usize, notes: &mut Notes, text: &mut Text, whole: &Text) {
        *kept_bytes = kept_bytes.saturating_sub(text.as_str().len());
        *text = Text::default();
        Self::add(keep, kept_bytes, notes, text, whole.as_str());
        if whole.is_cut() {
            text.append(whole, 0);
            notes.add(Note::TextCut);
        }
    }

    fn add(keep: &Keep, kept_bytes: &mut usize, notes: &mut Notes, text: &mut Text, run: &str) {
        let left_of_total = keep.total_bytes.saturating_sub(*kept_bytes);
        let limit = keep.text_bytes.min(text.as_str().len().saturating_add(left_of_total));
        let kept = text.push(run, limit);
        *kept_bytes = kept_bytes.saturating_add(kept);
        if text.is_cut() {
            notes.add(Note::TextCut);
        }
    }
}
