//! The member names that are read.

use crate::json;

/// The member names that are read in events and documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::enum_variant_names, reason = "each is the member of that name")]
pub(in crate::api) enum Name {
    /// An array's element.
    Element,
    Action,
    Actions,
    Arguments,
    CallId,
    Code,
    Content,
    ContentIndex,
    Delta,
    Environment,
    Error,
    Execution,
    Id,
    ImageGen,
    IncompleteDetails,
    Input,
    InputTokens,
    Item,
    ItemId,
    Message,
    Model,
    /// `name`: the tool that is called.
    Name,
    Namespace,
    NumRequests,
    Operation,
    Output,
    OutputIndex,
    OutputTokens,
    Phase,
    Queries,
    Reason,
    Response,
    ServerLabel,
    ServiceTier,
    Status,
    Summary,
    SummaryIndex,
    Text,
    ToolUsage,
    Type,
    Usage,
    WebSearch,
}

impl json::Name for Name {
    const ITEM: Self = Self::Element;

    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"action" => Self::Action,
            b"actions" => Self::Actions,
            b"arguments" => Self::Arguments,
            b"call_id" => Self::CallId,
            b"code" => Self::Code,
            b"content" => Self::Content,
            b"content_index" => Self::ContentIndex,
            b"delta" => Self::Delta,
            b"environment" => Self::Environment,
            b"error" => Self::Error,
            b"execution" => Self::Execution,
            b"id" => Self::Id,
            b"image_gen" => Self::ImageGen,
            b"incomplete_details" => Self::IncompleteDetails,
            b"input" => Self::Input,
            b"input_tokens" => Self::InputTokens,
            b"item" => Self::Item,
            b"item_id" => Self::ItemId,
            b"message" => Self::Message,
            b"model" => Self::Model,
            b"name" => Self::Name,
            b"namespace" => Self::Namespace,
            b"num_requests" => Self::NumRequests,
            b"operation" => Self::Operation,
            b"output" => Self::Output,
            b"output_index" => Self::OutputIndex,
            b"output_tokens" => Self::OutputTokens,
            b"phase" => Self::Phase,
            b"queries" => Self::Queries,
            b"reason" => Self::Reason,
            b"response" => Self::Response,
            b"server_label" => Self::ServerLabel,
            b"service_tier" => Self::ServiceTier,
            b"status" => Self::Status,
            b"summary" => Self::Summary,
            b"summary_index" => Self::SummaryIndex,
            b"text" => Self::Text,
            b"tool_usage" => Self::ToolUsage,
            b"type" => Self::Type,
            b"usage" => Self::Usage,
            b"web_search" => Self::WebSearch,
            _ => return None,
        })
    }
}
