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
    Contents,
    Data,
    Fallbacks,
    FunctionResponse,
    Id,
    IncludeUsage,
    Input,
    Instructions,
    Messages,
    Metadata,
    Model,
    Models,
    Name,
    Parameters,
    Parts,
    Role,
    Source,
    Store,
    Stream,
    StreamOptions,
    System,
    SystemInstruction,
    Text,
    ToolCallId,
    ToolUseId,
    Tools,
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
            b"contents" => Self::Contents,
            b"data" => Self::Data,
            b"fallbacks" => Self::Fallbacks,
            // Google's servers read both.
            b"functionResponse" | b"function_response" => Self::FunctionResponse,
            b"id" => Self::Id,
            b"include_usage" => Self::IncludeUsage,
            b"input" => Self::Input,
            b"instructions" => Self::Instructions,
            b"messages" => Self::Messages,
            b"metadata" => Self::Metadata,
            b"model" => Self::Model,
            b"models" => Self::Models,
            b"name" => Self::Name,
            b"parameters" => Self::Parameters,
            b"parts" => Self::Parts,
            b"role" => Self::Role,
            b"source" => Self::Source,
            b"store" => Self::Store,
            b"stream" => Self::Stream,
            b"stream_options" => Self::StreamOptions,
            b"system" => Self::System,
            b"systemInstruction" | b"system_instruction" => Self::SystemInstruction,
            b"text" => Self::Text,
            b"tool_call_id" => Self::ToolCallId,
            b"tool_use_id" => Self::ToolUseId,
            b"tools" => Self::Tools,
            b"type" => Self::Type,
            b"user_id" => Self::UserId,
            _ => return None,
        })
    }
}

/// The top-level members that decide how a request is handled. A request that repeats one is refused, because the upstream
/// might use another of its values than this filter.
pub(super) const DECIDING: [(Name, &str); 5] = [
    (Name::Model, "model"),
    (Name::Stream, "stream"),
    (Name::StreamOptions, "stream_options"),
    (Name::Background, "background"),
    (Name::Store, "store"),
];

/// The meaning of a value in a request, the same for all APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// A container that holds a slot.
    Container,
    /// The requested model, top level.
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
    /// The name of that call's tool, in APIs whose calls may have no id.
    PartCallName,
    /// Where a document or picture is: in itself, at an address or in a file.
    Source,
    /// The type of a source.
    SourceType,
    /// What a source holds: a text, or base64.
    SourceData,
    /// The user id that Claude Code sends; it contains the session's id.
    UserId,
    /// Another model than `model`.
    Other(OtherSlot),
}

/// The meaning of a value by which a request has another model used (`envoy/behaviour.md#the-model-policy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherSlot {
    /// A list, which may be there once.
    List(OtherList),
    /// An element of `models` or `fallbacks`: a name, or an object with a model.
    Listed,
    /// One tool.
    Tool,
    /// The type of a tool.
    Type,
    /// A tool's `parameters`: of a function a JSON schema, else settings.
    Parameters,
    /// The model in a tool's `parameters`.
    ParametersModel,
    /// The model of a tool or of an element.
    Model,
}

/// A list whose elements have another model used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OtherList {
    /// `models`: the alternatives.
    Models,
    /// `fallbacks`. A string leaves the choice to the provider.
    Fallbacks,
    /// The top-level `tools`.
    Tools,
    /// `tools` of an item of the conversation (`additional_tools`).
    ItemTools,
}

impl OtherSlot {
    /// The meaning of what is below a member `tools`.
    #[must_use]
    pub const fn in_tools(path: &[Name]) -> Option<Slot> {
        Some(Slot::Other(match path {
            [Name::Item] => Self::Tool,
            [Name::Item, Name::Type] => Self::Type,
            [Name::Item, Name::Model] => Self::Model,
            [Name::Item, Name::Parameters] => Self::Parameters,
            [Name::Item, Name::Parameters, Name::Model] => Self::ParametersModel,
            _ => return None,
        }))
    }

    /// The meaning of what is below a member `models` or `fallbacks`.
    #[must_use]
    pub const fn in_list(path: &[Name]) -> Option<Slot> {
        Some(Slot::Other(match path {
            [Name::Item] => Self::Listed,
            [Name::Item, Name::Model] => Self::Model,
            _ => return None,
        }))
    }

    /// The meaning of a value at `path` of a request to OpenAI's APIs.
    #[must_use]
    pub const fn in_openai(path: &[Name]) -> Option<Slot> {
        match path {
            [Name::Tools] => Some(Slot::Other(Self::List(OtherList::Tools))),
            [Name::Tools, rest @ ..] => Self::in_tools(rest),
            [Name::Models] => Some(Slot::Other(Self::List(OtherList::Models))),
            [Name::Fallbacks] => Some(Slot::Other(Self::List(OtherList::Fallbacks))),
            [Name::Models | Name::Fallbacks, rest @ ..] => Self::in_list(rest),
            _ => None,
        }
    }
}
