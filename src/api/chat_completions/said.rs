//! What one chunk, or one document so far, says: nothing of it counts before it proves valid.

use super::names::Name;
use crate::answer::{ApiError, ToolCall};
use crate::text::Text;

/// Choices in one event that are looked at; `n` is at most 128.
const CHOICES: usize = 256;
/// Tool calls in one event that are looked at.
const CALLS: usize = 1024;

/// What one chunk or document says.
#[derive(Debug, Default)]
pub(super) struct Said {
    pub(super) id: Text,
    pub(super) model: Text,
    pub(super) service_tier: Text,
    pub(super) usage: Option<Text>,
    pub(super) error: Option<SaidError>,
    pub(super) choices: Vec<SaidChoice>,
    /// Tool calls that were too many to look at.
    pub(super) calls_beyond: u64,
    calls: usize,
    /// `choices` is an array and has nothing in it.
    no_choices: Option<bool>,
    /// `usage` is not null.
    some_usage: Option<bool>,
}

/// A top-level `error`.
#[derive(Debug, Default)]
pub(super) struct SaidError {
    pub(super) kind: Option<Text>,
    pub(super) code: Option<Text>,
    pub(super) message: Option<Text>,
}

/// What is said of one choice.
#[derive(Debug, Default)]
pub(super) struct SaidChoice {
    pub(super) index: Option<u64>,
    pub(super) finish_reason: Text,
    pub(super) reasoning: Text,
    pub(super) reasoning_content: Text,
    pub(super) calls: Vec<SaidCall>,
}

/// What is said of one tool call.
#[derive(Debug, Default)]
pub(super) struct SaidCall {
    pub(super) index: Option<u64>,
    /// It is the one `function_call` that a choice had before there were tools.
    pub(super) legacy: bool,
    /// Of a custom tool: what the model wrote is text, whatever it looks like.
    pub(super) custom: bool,
    pub(super) id: Text,
    pub(super) name: Text,
    pub(super) arguments: Option<Text>,
}

/// Whether an event is the one that states the usage and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageEvent {
    /// It is not.
    No,
    /// It may still be.
    Perhaps,
    /// It is, as far as it was read.
    Yes,
}

// === impl Said ===

impl Said {
    /// `choices` begins, and whether as an array.
    ///
    /// Of a member that stands twice in one event, what said that this is not the usage event stays said: the event's
    /// start may have passed on it.
    pub(super) fn choices_begin(&mut self, array: bool) {
        self.no_choices = Some(array && self.no_choices != Some(false));
    }

    /// A choice begins. `false`: there are too many to look at.
    pub(super) fn choice_begins(&mut self) -> bool {
        let looked_at = self.choices.len() < CHOICES;
        if looked_at {
            self.choices.push(SaidChoice::default());
        }
        looked_at
    }

    /// There is something in `choices`.
    pub(super) fn some_choice(&mut self) {
        self.no_choices = Some(false);
    }

    /// A tool call of the last choice begins. `false`: there are too many to look at.
    pub(super) fn call_begins(&mut self, legacy: bool) -> bool {
        if self.calls >= CALLS {
            self.calls_beyond = self.calls_beyond.saturating_add(1);
            return false;
        }
        let Some(choice) = self.choices.last_mut() else { return false };
        choice.calls.push(SaidCall { legacy, ..SaidCall::default() });
        self.calls += 1;
        true
    }

    /// The tool call that was said last, by itself.
    pub(super) fn take_call(&mut self) -> Option<SaidCall> {
        self.calls = self.calls.saturating_sub(1);
        self.call()?;
        self.choices.last_mut()?.calls.pop()
    }

    pub(super) fn call(&mut self) -> Option<&mut SaidCall> {
        self.choices.last_mut()?.calls.last_mut()
    }

    /// `usage` begins, and whether it is more than `null`.
    pub(super) fn usage_begins(&mut self, some: bool) {
        self.some_usage = Some(some && self.some_usage != Some(false));
        self.usage = some.then(Text::default);
    }

    /// Whether this is the event that states the usage and nothing else.
    pub(super) const fn usage_event(&self) -> UsageEvent {
        match (self.no_choices, self.some_usage) {
            (Some(false), _) | (_, Some(false)) => UsageEvent::No,
            (Some(true), Some(true)) => UsageEvent::Yes,
            _ => UsageEvent::Perhaps,
        }
    }

    /// As new, with the memory of the texts that every chunk has.
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

// === impl SaidCall ===

impl SaidCall {
    /// A tool call that begins so; its arguments are added apart.
    pub(super) fn begin(&self) -> ToolCall {
        let some = |text: &Text| (!text.is_empty()).then(|| text.as_str().to_owned());
        ToolCall { id: some(&self.id), name: some(&self.name), plain: self.custom, ..ToolCall::default() }
    }
}

// === impl SaidError ===

impl SaidError {
    pub(super) fn api_error(self) -> ApiError {
        ApiError {
            kind: self.kind.map(Text::into_string),
            code: self.code.map(Text::into_string),
            message: self.message.map(Text::into_string),
        }
    }
}

/// A text that a chunk or document may state.
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
    CallId,
    CallName,
    CallArguments,
}

impl Field {
    /// Which string stands at `path` outside of the choices.
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

    /// Which string stands at `path` inside of a choice.
    pub(super) fn in_choice(path: &[Name]) -> Option<Self> {
        Some(match path {
            [Name::FinishReason] => Self::FinishReason,
            [Name::Delta | Name::Message, rest @ ..] => match rest {
                [Name::Reasoning] => Self::Reasoning,
                [Name::ReasoningContent] => Self::ReasoningContent,
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

impl Said {
    /// Where `field` goes.
    pub(super) fn text(&mut self, field: Field) -> Option<&mut Text> {
        Some(match field {
            Field::Id => &mut self.id,
            Field::Model => &mut self.model,
            Field::ServiceTier => &mut self.service_tier,
            Field::Usage => self.usage.get_or_insert_default(),
            Field::ErrorType => self.error.get_or_insert_default().kind.get_or_insert_default(),
            Field::ErrorCode => self.error.get_or_insert_default().code.get_or_insert_default(),
            Field::ErrorMessage => self.error.get_or_insert_default().message.get_or_insert_default(),
            Field::FinishReason => &mut self.choices.last_mut()?.finish_reason,
            Field::Reasoning => &mut self.choices.last_mut()?.reasoning,
            Field::ReasoningContent => &mut self.choices.last_mut()?.reasoning_content,
            Field::CallId => &mut self.call()?.id,
            Field::CallName => &mut self.call()?.name,
            Field::CallArguments => self.call()?.arguments.get_or_insert_default(),
        })
    }
}
