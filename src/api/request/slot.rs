//! The members of requests that are read, and what they mean.

use crate::json;

/// The member names that are read in a request of any API.
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

/// The meaning of a value in a request, the same for all APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A container that holds a slot.
    Container,
    /// The model's name.
    Model,
    /// Whether the response is to be an event stream.
    Stream,
    /// Whether the response is computed in the background and fetched later.
    Background,
    /// The options of a stream, where usage is asked for.
    StreamOptions,
    /// The option that asks for usage.
    IncludeUsage,
    /// The conversation: an array of turns.
    Turns,
    /// The conversation: an array of turns, or one string of the user.
    Input,
    /// One turn: a message or an item.
    Turn,
    /// The role of a turn's author.
    Role,
    /// The type of a turn.
    TurnType,
    /// The id of the tool call whose result the turn brings.
    TurnCallId,
    /// A turn's content: one text, or an array of parts.
    Content,
    /// One part of a turn's content.
    Part,
    /// The type of a part.
    PartType,
    /// The text of a part.
    PartText,
    /// The id of the tool call whose result the part brings.
    PartCallId,
    /// The user id that Claude Code sends; it contains the session's id.
    UserId,
}
