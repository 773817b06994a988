//! The three APIs whose requests and responses are read: what differs between them by name only.

pub mod chat_completions;
pub mod messages;
pub mod request;
pub mod response;
pub mod responses;

/// An API that a bridged route speaks; the shape of its errors follows it (contract §9).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Api {
    /// Anthropic Messages, <https://docs.anthropic.com/en/api/messages>.
    Messages,
    /// OpenAI Chat Completions, <https://platform.openai.com/docs/api-reference/chat>.
    ChatCompletions,
    /// OpenAI Responses, <https://platform.openai.com/docs/api-reference/responses>.
    Responses,
}

impl Api {
    /// The name in records, properties and metric labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::ChatCompletions => "chat_completions",
            Self::Responses => "responses",
        }
    }
}
