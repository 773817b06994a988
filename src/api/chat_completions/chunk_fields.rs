//! The fields of one chunk, or of one document as far as it was read. Those of a chunk count once it proved valid.

use super::names::Name;
use crate::answer::{ApiError, ToolCall};
use crate::api::usage_edit::UsageEvent;
use crate::text::Text;
use crate::usage::UsageObject;

/// Limit of choices that are read in one chunk; `n` is at most 128.
const CHOICES: usize = 256;
/// Limit of tool calls that are read in one chunk.
const CALLS: usize = 1024;

/// The fields of one chunk or document.
#[derive(Debug, Default)]
pub(super) struct ChunkFields {
    pub(super) id: Text,
    pub(super) model: Text,
    pub(super) service_tier: Text,
    /// The last one that is not `null`: of the chunk, or of a choice in it.
    pub(super) usage: Option<UsageObject>,
    pub(super) error: Option<ErrorFields>,
    pub(super) choices: Vec<ChoiceFields>,
    /// Tool calls above the limit, which were not read.
    pub(super) calls_beyond: u64,
    /// Tool calls that were read.
    calls: usize,
    /// Whether `choices` is an empty array or `null`; `None`: it was not seen.
    no_choices: Option<bool>,
    /// Whether `usage` is not `null`; `None`: it was not seen.
    some_usage: Option<bool>,
}

/// The top-level member `error`.
#[derive(Debug, Default)]
pub(super) struct ErrorFields {
    pub(super) kind: Option<Text>,
    pub(super) code: Option<Text>,
    pub(super) message: Option<Text>,
}

/// The fields of one choice.
#[derive(Debug, Default)]
pub(super) struct ChoiceFields {
    pub(super) index: Option<u64>,
    pub(super) finish_reason: Text,
    pub(super) reasoning: Text,
    pub(super) reasoning_content: Text,
    pub(super) reasoning_text: Text,
    /// The texts of the content's parts of type `thinking` that have ended.
    thinking: Text,
    /// The content's part being read.
    part: Part,
    pub(super) calls: Vec<CallFields>,
}

/// A part of a content that is a list.
#[derive(Debug, Default)]
struct Part {
    kind: Text,
    thinking: Text,
}

/// The fields of one tool call.
#[derive(Debug, Default)]
pub(super) struct CallFields {
    pub(super) index: Option<u64>,
    /// It is `function_call`, the deprecated form without a list of calls.
    pub(super) legacy: bool,
    /// It calls a custom tool: its input is plain text even if it looks like JSON.
    pub(super) custom: bool,
    pub(super) id: Text,
    pub(super) name: Text,
    pub(super) arguments: Option<Text>,
}

// === impl ChunkFields ===

impl ChunkFields {
    /// The member `choices` begins. `empty`: it has no elements yet, as an array or `null`.
    ///
    /// If a member is repeated in one event, an earlier one that excluded the usage event still counts: the event's
    /// first bytes may have passed to the client already.
    pub(super) fn choices_begin(&mut self, empty: bool) {
        self.no_choices = Some(empty && self.no_choices != Some(false));
    }

    /// A choice begins. Returns `false` if it is above the limit and not read.
    pub(super) fn choice_begins(&mut self) -> bool {
        let looked_at = self.choices.len() < CHOICES;
        if looked_at {
            self.choices.push(ChoiceFields::default());
        }
        looked_at
    }

    /// An element of `choices` begins: the array is not empty.
    pub(super) fn element_begins(&mut self) {
        self.no_choices = Some(false);
    }

    /// A tool call of the last choice begins. Returns `false` if it is above the limit and not read.
    pub(super) fn call_begins(&mut self, legacy: bool) -> bool {
        if self.calls >= CALLS {
            self.calls_beyond = self.calls_beyond.saturating_add(1);
            return false;
        }
        let Some(choice) = self.choices.last_mut() else { return false };
        choice.calls.push(CallFields { legacy, ..CallFields::default() });
        self.calls += 1;
        true
    }

    /// Takes the last tool call out of the last choice.
    pub(super) fn take_call(&mut self) -> Option<CallFields> {
        self.calls = self.calls.saturating_sub(1);
        self.call()?;
        self.choices.last_mut()?.calls.pop()
    }

    /// The last tool call of the last choice.
    pub(super) fn call(&mut self) -> Option<&mut CallFields> {
        self.choices.last_mut()?.calls.last_mut()
    }

    /// The content's part being read has ended, or a next one begins. `limit`: bytes kept of the texts of a choice.
    pub(super) fn end_part(&mut self, limit: usize) {
        if let Some(choice) = self.choices.last_mut() {
            choice.end_part(limit);
        }
    }

    /// The member `usage` begins. `some`: it is not `null`.
    pub(super) fn usage_begins(&mut self, some: bool) {
        self.some_usage = Some(some && self.some_usage != Some(false));
    }

    /// Whether this is the usage event: `choices` is empty, `null` or absent, `usage` is not `null`, and there is no
    /// error.
    pub(super) const fn usage_event(&self) -> UsageEvent {
        match (self.no_choices, self.some_usage) {
            (Some(false), _) | (_, Some(false)) => UsageEvent::No,
            _ if self.error.is_some() => UsageEvent::No,
            (Some(true) | None, Some(true)) => UsageEvent::Yes,
            _ => UsageEvent::Undecided,
        }
    }

    /// Empties all fields, and keeps the memory of the texts that every chunk has.
    pub(super) fn clear(&mut self) {
        let Self { id, model, service_tier, choices, .. } = self;
        for text in [&mut *id, model, service_tier] {
            text.clear();
        }
        choices.clear();
        *self = Self {
            id: core::mem::take(id),
            model: core::mem::take(model),
            service_tier: core::mem::take(service_tier),
            choices: core::mem::take(choices),
            ..Self::default()
        };
    }
}

// === impl Part ===

impl Part {
    const fn is_empty(&self) -> bool {
        self.kind.is_empty() && self.thinking.is_empty() && !self.thinking.is_cut()
    }
}

// === impl CallFields ===

impl CallFields {
    /// The tool call without its arguments.
    pub(super) fn tool_call(&self) -> ToolCall {
        let some = |text: &Text| (!text.is_empty()).then(|| text.as_str().to_owned());
        ToolCall { id: some(&self.id), name: some(&self.name), plain: self.custom, ..ToolCall::default() }
    }
}

// === impl ErrorFields ===

impl ErrorFields {
    pub(super) fn api_error(self) -> ApiError {
        ApiError {
            kind: self.kind.map(Text::into_string),
            code: self.code.map(Text::into_string),
            message: self.message.map(Text::into_string),
        }
    }
}

/// A text field of a chunk or document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Id,
    Model,
    ServiceTier,
    Usage,
    ErrorType,
    ErrorCode,
    ErrorMessage,
    FinishReason,
    Reasoning,
    ReasoningContent,
    ReasoningText,
    PartType,
    /// A text of a part of type `thinking`.
    PartThinking,
    CallId,
    CallName,
    CallArguments,
}

impl Field {
    /// Whether it may be a piece of a text.
    pub(super) const fn may_be_piece(self) -> bool {
        matches!(self, Self::Reasoning | Self::ReasoningContent | Self::ReasoningText | Self::CallArguments)
    }

    /// The text field at `path`, which is not inside of a choice.
    pub(super) fn at(path: &[Name]) -> Option<Self> {
        Some(match path {
            [Name::Id] => Self::Id,
            [Name::Model] => Self::Model,
            [Name::ServiceTier] => Self::ServiceTier,
            [Name::Error, Name::Type] => Self::ErrorType,
            [Name::Error, Name::Code] => Self::ErrorCode,
            [Name::Error] | [Name::Error, Name::Message] => Self::ErrorMessage,
            _ => return None,
        })
    }

    /// The text field at `path`, relative to a choice.
    pub(super) fn in_choice(path: &[Name]) -> Option<Self> {
        Some(match path {
            [Name::FinishReason] => Self::FinishReason,
            [Name::Delta | Name::Message, rest @ ..] => match rest {
                [Name::Reasoning] => Self::Reasoning,
                [Name::ReasoningContent] => Self::ReasoningContent,
                [Name::ReasoningText] => Self::ReasoningText,
                [Name::Content, Name::Item, Name::Type] => Self::PartType,
                [Name::Content, Name::Item, Name::Thinking]
                | [Name::Content, Name::Item, Name::Thinking, Name::Item, Name::Text] => Self::PartThinking,
                [Name::ToolCalls, Name::Item, Name::Id] => Self::CallId,
                [Name::ToolCalls, Name::Item, Name::Function | Name::Custom, Name::Name]
                | [Name::FunctionCall, Name::Name] => Self::CallName,
                [Name::ToolCalls, Name::Item, Name::Function, Name::Arguments]
                | [Name::ToolCalls, Name::Item, Name::Custom, Name::Input]
                | [Name::FunctionCall, Name::Arguments] => Self::CallArguments,
                _ => return None,
            },
            _ => return None,
        })
    }
}

impl ChunkFields {
    /// The text of `field`. `None`: the choice or call that it belongs to is not read, or it is the usage object.
    pub(super) fn text(&mut self, field: Field) -> Option<&mut Text> {
        Some(match field {
            Field::Id => &mut self.id,
            Field::Model => &mut self.model,
            Field::ServiceTier => &mut self.service_tier,
            Field::Usage => return None,
            Field::ErrorType => self.error.get_or_insert_default().kind.get_or_insert_default(),
            Field::ErrorCode => self.error.get_or_insert_default().code.get_or_insert_default(),
            Field::ErrorMessage => self.error.get_or_insert_default().message.get_or_insert_default(),
            Field::FinishReason => &mut self.choices.last_mut()?.finish_reason,
            Field::Reasoning => &mut self.choices.last_mut()?.reasoning,
            Field::ReasoningContent => &mut self.choices.last_mut()?.reasoning_content,
            Field::ReasoningText => &mut self.choices.last_mut()?.reasoning_text,
            Field::PartType => &mut self.choices.last_mut()?.part.kind,
            Field::PartThinking => &mut self.choices.last_mut()?.part.thinking,
            Field::CallId => &mut self.call()?.id,
            Field::CallName => &mut self.call()?.name,
            Field::CallArguments => self.call()?.arguments.get_or_insert_default(),
        })
    }
}

impl ChoiceFields {
    /// The content's part being read has ended, or a next one begins. `limit`: bytes kept of all their texts.
    pub(super) fn end_part(&mut self, limit: usize) {
        if self.part.kind.as_str() == "thinking" {
            self.thinking.append(&self.part.thinking, limit);
        }
        if !self.part.is_empty() {
            self.part = Part::default();
        }
    }

    /// Whether the reasoning in `field` is all that the model thinks here.
    pub(super) fn has_only(&self, field: Field) -> bool {
        let texts = [
            (Field::Reasoning, &self.reasoning),
            (Field::ReasoningContent, &self.reasoning_content),
            (Field::ReasoningText, &self.reasoning_text),
        ];
        let stated = texts.iter().any(|(stated, text)| *stated == field && !text.is_empty());
        stated && self.thinking.is_empty()
    }

    /// The reasoning. Providers use several names for it, and some state two.
    pub(super) fn thought(&self) -> Option<&Text> {
        let texts = [&self.reasoning_content, &self.reasoning, &self.reasoning_text, &self.thinking];
        texts.into_iter().find(|text| !text.is_empty())
    }
}
