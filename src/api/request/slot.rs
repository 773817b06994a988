//! The vocabulary of requests: the names that any of the three formats gives meaning to, and what those meanings are.

use crate::json;

/// The names that any of the three request formats gives meaning to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the member of that name")]
pub enum Name {
    /// An array's element.
    Item,
    Background,
    CallId,
    Content,
    IncludeUsage,
    Input,
    Messages,
    Metadata,
    Model,
    Role,
    Store,
    Stream,
    StreamOptions,
    Text,
    ToolCallId,
    ToolUseId,
    Type,
    UserId,
}

impl json::Name for Name {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"background" => Self::Background,
            b"call_id" => Self::CallId,
            b"content" => Self::Content,
            b"include_usage" => Self::IncludeUsage,
            b"input" => Self::Input,
            b"messages" => Self::Messages,
            b"metadata" => Self::Metadata,
            b"model" => Self::Model,
            b"role" => Self::Role,
            b"store" => Self::Store,
            b"stream" => Self::Stream,
            b"stream_options" => Self::StreamOptions,
            b"text" => Self::Text,
            b"tool_call_id" => Self::ToolCallId,
            b"tool_use_id" => Self::ToolUseId,
            b"type" => Self::Type,
            b"user_id" => Self::UserId,
            _ => return None,
        })
    }
}

/// What a value means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A container on the way to something.
    Enter,
    /// The conversation: an array of turns.
    Turns,
    /// The conversation, which may also be one string of the user's.
    Input,
    /// One turn: a message or item.
    Turn,
    /// Who speaks.
    Role,
    /// What kind of item the turn is.
    TurnType,
    /// The id of the call that the turn answers.
    TurnCallId,
    /// A turn's content: one text, or parts.
    Content,
    /// One part of a turn's content.
    Part,
    /// What kind of part.
    PartType,
    /// The part's text.
    PartText,
    /// The id of the call that the part answers.
    PartCallId,
    /// Claude Code's user id, which names its session.
    UserId,
}
