//! The member names that are read in chunks and documents.

use crate::json;

/// A member name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "each is the member of that name")]
pub(in crate::api) enum Name {
    /// An array's element.
    Item,
    Arguments,
    Choices,
    Code,
    Content,
    Custom,
    Delta,
    Error,
    FinishReason,
    Function,
    FunctionCall,
    Id,
    Index,
    Input,
    Message,
    Model,
    Name,
    Reasoning,
    ReasoningContent,
    ReasoningText,
    Refusal,
    ServiceTier,
    Text,
    Thinking,
    ToolCalls,
    Type,
    Usage,
    XGroq,
}

impl json::Name for Name {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"arguments" => Self::Arguments,
            b"choices" => Self::Choices,
            b"code" => Self::Code,
            b"content" => Self::Content,
            b"custom" => Self::Custom,
            b"delta" => Self::Delta,
            b"error" => Self::Error,
            b"finish_reason" => Self::FinishReason,
            b"function" => Self::Function,
            b"function_call" => Self::FunctionCall,
            b"id" => Self::Id,
            b"index" => Self::Index,
            b"input" => Self::Input,
            b"message" => Self::Message,
            b"model" => Self::Model,
            b"name" => Self::Name,
            b"reasoning" => Self::Reasoning,
            b"reasoning_content" => Self::ReasoningContent,
            b"reasoning_text" => Self::ReasoningText,
            b"refusal" => Self::Refusal,
            b"service_tier" => Self::ServiceTier,
            b"text" => Self::Text,
            b"thinking" => Self::Thinking,
            b"tool_calls" => Self::ToolCalls,
            b"type" => Self::Type,
            b"usage" => Self::Usage,
            b"x_groq" => Self::XGroq,
            _ => return None,
        })
    }
}
