//! The member names that are read.

use crate::json;

/// The member names that are read in responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "each is the member of that name")]
pub(in crate::api) enum Name {
    /// An array's element.
    Item,
    Args,
    BlockReason,
    Candidates,
    Code,
    Content,
    Error,
    ExecutableCode,
    FinishReason,
    FunctionCall,
    Id,
    Index,
    Message,
    ModelVersion,
    Name,
    Parts,
    PromptFeedback,
    ResponseId,
    Status,
    Text,
    Thought,
    UsageMetadata,
}

impl json::Name for Name {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"args" => Self::Args,
            b"blockReason" => Self::BlockReason,
            b"candidates" => Self::Candidates,
            b"code" => Self::Code,
            b"content" => Self::Content,
            b"error" => Self::Error,
            b"executableCode" => Self::ExecutableCode,
            b"finishReason" => Self::FinishReason,
            b"functionCall" => Self::FunctionCall,
            b"id" => Self::Id,
            b"index" => Self::Index,
            b"message" => Self::Message,
            b"modelVersion" => Self::ModelVersion,
            b"name" => Self::Name,
            b"parts" => Self::Parts,
            b"promptFeedback" => Self::PromptFeedback,
            b"responseId" => Self::ResponseId,
            b"status" => Self::Status,
            b"text" => Self::Text,
            b"thought" => Self::Thought,
            b"usageMetadata" => Self::UsageMetadata,
            _ => return None,
        })
    }
}
