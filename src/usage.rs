//! Token usage: what the providers' numbers mean, and how the numbers of one response are combined;
//! see `envoy/behaviour.md#usage`.
//!
//! Providers count input in two ways. Anthropic's `input_tokens` excludes tokens read from or written to a cache;
//! OpenAI's `prompt_tokens` and `input_tokens` include them. [`Usage`] has one meaning for all providers:
//! `input_tokens` excludes cached tokens, `total_input_tokens` includes them (as in OpenTelemetry and in Envoy).

mod counted;
mod estimate;
mod iterations;
mod members;
mod reader;
mod repeated;
mod stated;
mod usage_object;

pub use counted::Counted;
pub use estimate::Estimate;
pub use iterations::{Iteration, IterationModel, Iterations};
pub use reader::UsageReader;
pub use usage_object::{UsageObject, Verbatim};

/// Tokens of one interception. A number that the provider never stated is `None`; a stated zero is `Some(0)`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Input that was neither read from nor written to a cache.
    pub input_tokens: Option<u64>,
    /// Output, reasoning included.
    pub output_tokens: Option<u64>,
    /// Input read from a cache.
    pub cache_read_tokens: Option<u64>,
    /// Input written to a cache.
    pub cache_write_tokens: Option<u64>,
    /// The part of the output that was reasoning.
    pub reasoning_tokens: Option<u64>,
    /// All input: uncached, read from caches and written to caches.
    pub total_input_tokens: Option<u64>,
    /// `total_input_tokens` + `output_tokens`.
    pub total_tokens: Option<u64>,
    /// Numbers that only some providers state.
    pub details: UsageDetails,
}

/// Numbers that only some providers state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageDetails {
    /// Tokens written to a cache that lives five minutes.
    pub cache_write_5m_tokens: Option<u64>,
    /// Tokens written to a cache that lives one hour.
    pub cache_write_1h_tokens: Option<u64>,
    /// Web searches that the provider ran.
    pub web_search_requests: Option<u64>,
    /// Web pages that the provider fetched.
    pub web_fetch_requests: Option<u64>,
    /// Audio tokens in the input.
    pub input_audio_tokens: Option<u64>,
    /// Audio tokens in the output.
    pub output_audio_tokens: Option<u64>,
    /// Tokens of the predicted output that the model used.
    pub accepted_prediction_tokens: Option<u64>,
    /// Tokens of the predicted output that the model did not use; they are billed.
    pub rejected_prediction_tokens: Option<u64>,
    /// Input of the image generation tool, text included.
    pub image_input_tokens: Option<u64>,
    /// Output of the image generation tool.
    pub image_output_tokens: Option<u64>,
    /// The service tier that served the request, as the provider names it.
    pub service_tier: Option<String>,
    /// The speed at which the model ran, as the provider names it.
    pub speed: Option<String>,
    /// Where the model ran, as the provider names it.
    pub inference_geo: Option<String>,
}

/// How much of the provider's usage was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageStatus {
    /// The final usage of the response.
    Complete,
    /// Some numbers, but not the final ones.
    Partial,
    /// The provider stated no number.
    Missing,
}

/// How an API states its usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convention {
    /// Decides which members of the usage object are read.
    source: Source,
    /// The stated input includes tokens read from and written to caches.
    input_includes_cache: bool,
    /// A usage object replaces the one before it as a whole. Otherwise only the numbers that it states are replaced.
    replaces_whole: bool,
    /// Input for tools is stated beside the input, and reasoning beside the output.
    parts_add_up: bool,
    /// The output is the stated total without the input.
    output_is_rest: bool,
}

/// The kinds of usage objects; each has its own member names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    /// `usage` of Anthropic Messages.
    Messages,
    /// `usage` of OpenAI Chat Completions.
    ChatCompletions,
    /// `usage` of OpenAI Responses.
    Responses,
    /// `usageMetadata` of Gemini.
    GenerateContent,
    /// `amazon-bedrock-invocationMetrics`: Bedrock's own count for one invocation.
    BedrockInvocation,
}

/// Integers above this are not exact in every JSON reader (RFC 8259 §6); no token count is that large.
const LARGEST: u64 = (1 << 53) - 1;

/// Bytes kept of a text of a usage object, such as the service tier.
const TEXT_BYTES: usize = 1024;

/// The provider's usage object is kept verbatim up to this many bytes.
pub const VERBATIM_BYTES: usize = 16 * 1024;

/// Bedrock's counts are not read where they have more than this many bytes.
pub const METRICS_BYTES: usize = VERBATIM_BYTES;

// === impl Convention ===

impl Convention {
    /// Anthropic Messages, <https://docs.anthropic.com/en/api/messages#response-usage>: the numbers are cumulative,
    /// and the input excludes cached tokens.
    pub const MESSAGES: Self = Self {
        source: Source::Messages,
        input_includes_cache: false,
        replaces_whole: false,
        parts_add_up: false,
        output_is_rest: false,
    };

    /// OpenAI Chat Completions, <https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage>: each
    /// usage object is complete by itself, and the input includes cached tokens.
    pub const CHAT_COMPLETIONS: Self = Self {
        source: Source::ChatCompletions,
        input_includes_cache: true,
        replaces_whole: true,
        parts_add_up: false,
        output_is_rest: false,
    };

    /// OpenAI Responses, <https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage>: the
    /// input includes cached tokens.
    pub const RESPONSES: Self = Self {
        source: Source::Responses,
        input_includes_cache: true,
        replaces_whole: false,
        parts_add_up: false,
        output_is_rest: false,
    };

    /// Gemini, <https://ai.google.dev/api/generate-content#UsageMetadata>: each event of a stream may state the usage
    /// so far, and the input includes cached tokens.
    pub const GENERATE_CONTENT: Self = Self {
        source: Source::GenerateContent,
        input_includes_cache: true,
        replaces_whole: true,
        parts_add_up: true,
        output_is_rest: false,
    };
}

// === impl UsageStatus ===

impl UsageStatus {
    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Missing => "missing",
        }
    }
}
