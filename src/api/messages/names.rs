//! The member names that are read.

use crate::json;

/// The member names that are read in events and documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "each is the member of that name")]
pub(in crate::api) enum Name {
    /// An array's element.
    Item,
    Code,
    Content,
    ContentBlock,
    Delta,
    Error,
    Id,
    Index,
    Input,
    InvocationMetrics,
    Message,
    Model,
    Name,
    PartialJson,
    ServerName,
    StopReason,
    Text,
    Thinking,
    To,
    Type,
    Usage,
}

impl json::Name for Name {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"amazon-bedrock-invocationMetrics" => Self::InvocationMetrics,
            b"code" => Self::Code,
            b"content" => Self::Content,
            b"content_block" => Self::ContentBlock,
            b"delta" => Self::Delta,
            b"error" => Self::Error,
            b"id" => Self::Id,
            b"index" => Self::Index,
            b"input" => Self::Input,
            b"message" => Self::Message,
            b"model" => Self::Model,
            b"name" => Self::Name,
            b"partial_json" => Self::PartialJson,
            b"server_name" => Self::ServerName,
            b"stop_reason" => Self::StopReason,
            b"text" => Self::Text,
            b"thinking" => Self::Thinking,
            b"to" => Self::To,
            b"type" => Self::Type,
            b"usage" => Self::Usage,
            _ => return None,
        })
    }
}
