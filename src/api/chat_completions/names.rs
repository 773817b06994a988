//! The names in chunks and documents that matter.

use crate::json;

/// One of them: the member of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "each is the member of that name")]
pub enum Name {
    /// An array's element.
    Item,
    Arguments,
    Choices,
    Code,
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
    ServiceTier,
    ToolCalls,
    Type,
    Usage,
}

impl json::Name for Name {
    const ITEM: Self = Self::Item;

    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "arguments" => Self::Arguments,
            "choices" => Self::Choices,
            "code" => Self::Code,
            "custom" => Self::Custom,
            "delta" => Self::Delta,
            "error" => Self::Error,
            "finish_reason" => Self::FinishReason,
            "function" => Self::Function,
            "function_call" => Self::FunctionCall,
            "id" => Self::Id,
            "index" => Self::Index,
            "input" => Self::Input,
            "message" => Self::Message,
            "model" => Self::Model,
            "name" => Self::Name,
            "reasoning" => Self::Reasoning,
            "reasoning_content" => Self::ReasoningContent,
            "service_tier" => Self::ServiceTier,
            "tool_calls" => Self::ToolCalls,
            "type" => Self::Type,
            "usage" => Self::Usage,
            _ => return None,
        })
    }
}
