//! The APIs whose requests and responses are read.
//!
//! | part | knows |
//! |---|---|
//! | `messages`, `chat_completions`, `responses`, `generate_content` | one API each: its constant and its readers |
//! | [`request`], [`response`] | how bodies are read, of any API |
//! | [`usage_edit`] | the one edit of bodies: usage is asked for, and its event is cut out |
//! | [`profile`] | what an API's constant holds |
//!
//! A new API is a folder with its constant and its readers, a variant of [`Api`] and an arm of [`Api::profile`].

mod chat_completions;
mod generate_content;
mod messages;
pub mod profile;
pub mod request;
pub mod response;
mod responses;
pub mod usage_edit;
mod word;

use crate::answer::{Answer, Keep};
use crate::dialect::Dialect;
use crate::limits::Limits;
use profile::ApiProfile;
use request::{RequestBounds, RequestReader};
use response::{Format, ResponseReader};

/// An API that a bridged route speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Api {
    /// Anthropic Messages, <https://docs.anthropic.com/en/api/messages>.
    Messages,
    /// OpenAI Chat Completions, <https://platform.openai.com/docs/api-reference/chat>.
    ChatCompletions,
    /// OpenAI Responses, <https://platform.openai.com/docs/api-reference/responses>.
    Responses,
    /// Gemini's `generateContent` and `streamGenerateContent`, <https://ai.google.dev/api/generate-content>.
    GenerateContent,
}

impl Api {
    /// Every API, for tests and pages that list them.
    pub const ALL: [Self; 4] =
        [Self::Messages, Self::ChatCompletions, Self::Responses, Self::GenerateContent];

    /// Everything in which this API differs from the others.
    #[must_use]
    pub const fn profile(self) -> &'static ApiProfile {
        match self {
            Self::Messages => &messages::PROFILE,
            Self::ChatCompletions => &chat_completions::PROFILE,
            Self::Responses => &responses::PROFILE,
            Self::GenerateContent => &generate_content::PROFILE,
        }
    }

    /// The name in records, properties and metric labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.profile().name
    }

    /// The shape of the API's errors.
    #[must_use]
    pub const fn dialect(self) -> Dialect {
        self.profile().dialect
    }

    /// Whether bodies can be edited: the request to ask for usage, the response to cut its event. Then their length
    /// can differ from the declared `content-length`.
    #[must_use]
    pub const fn edits_usage(self) -> bool {
        self.profile().request.usage_edit
    }

    /// A reader for one request.
    #[must_use]
    pub fn request_reader(self, bounds: RequestBounds) -> RequestReader {
        RequestReader::new(&self.profile().request, bounds)
    }

    /// A reader for one response.
    #[must_use]
    pub fn response_reader(self, format: Format, keep: Keep, limits: &Limits) -> ResponseReader {
        let profile = self.profile();
        let body = match format {
            Format::Events => (profile.events)(limits),
            Format::Document => (profile.document)(limits),
            Format::Error => response::error_body(limits),
            Format::Unread => response::unread(),
        };
        ResponseReader::new(body, Answer::new(profile.usage, keep))
    }
}
