//! The members of usage objects that are read, for each [`Source`].
//!
//! <https://docs.anthropic.com/en/api/messages#response-usage>,
//! <https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage> and
//! <https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage> (the last two have the
//! same numbers: «prompt» and «completion» in the one are «input» and «output» in the other), and
//! <https://ai.google.dev/api/generate-content#UsageMetadata>.

use super::Source;
use crate::json;

/// A number, whatever a provider calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Number {
    Input,
    Output,
    CacheRead,
    CacheWrite,
    Reasoning,
    CacheWrite5m,
    CacheWrite1h,
    WebSearches,
    WebFetches,
    InputAudio,
    OutputAudio,
    AcceptedPrediction,
    RejectedPrediction,
    ImageInput,
    ImageOutput,
    /// Input and output together, as the provider counts them.
    Total,
    /// Tokens read from a cache, stated beside the input's details.
    CacheHits,
    /// Input that is the results of tools, stated beside the input.
    ToolInput,
}

impl Number {
    pub(super) const ALL: [Self; 18] = [
        Self::Input,
        Self::Output,
        Self::CacheRead,
        Self::CacheWrite,
        Self::Reasoning,
        Self::CacheWrite5m,
        Self::CacheWrite1h,
        Self::WebSearches,
        Self::WebFetches,
        Self::InputAudio,
        Self::OutputAudio,
        Self::AcceptedPrediction,
        Self::RejectedPrediction,
        Self::ImageInput,
        Self::ImageOutput,
        Self::Total,
        Self::CacheHits,
        Self::ToolInput,
    ];
}

/// A text of a usage object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TextMember {
    /// The tier that served the request.
    ServiceTier,
    /// The speed at which the model ran.
    Speed,
    /// Where the model ran.
    InferenceGeo,
    /// The model of one iteration.
    Model,
}

impl TextMember {
    pub(super) const COUNT: usize = 4;
    pub(super) const ALL: [Self; Self::COUNT] =
        [Self::ServiceTier, Self::Speed, Self::InferenceGeo, Self::Model];
}

/// The member names that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// An array's element.
    Item,
    /// A number at the top level, and the sources in which the name has this meaning.
    Number(Number, Sources),
    InputDetails(Sources),
    OutputDetails(Sources),
    CacheCreation,
    ServerToolUse,
    Text(TextMember),
    /// `iterations` of Messages: the sampling steps of one response.
    Iterations,
    /// `thinking_tokens`, inside `output_tokens_details` of Messages.
    Thinking,
    /// A number inside of a nested object.
    Nested(Number),
}

/// The sources in which a name is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sources {
    Messages,
    ChatCompletions,
    MessagesAndResponses,
    BedrockInvocation,
    GenerateContent,
}

impl Sources {
    const fn contains(self, source: Source) -> bool {
        matches!(
            (self, source),
            (Self::Messages | Self::MessagesAndResponses, Source::Messages)
                | (Self::ChatCompletions, Source::ChatCompletions)
                | (Self::MessagesAndResponses, Source::Responses)
                | (Self::BedrockInvocation, Source::BedrockInvocation)
                | (Self::GenerateContent, Source::GenerateContent)
        )
    }
}

/// The names. Those that every usage object has come first, because they are searched in this order. (A `match` would
/// take 6 KB more of the module.)
const NAMES: [(&str, Name); 39] = [
    ("input_tokens", Name::Number(Number::Input, Sources::MessagesAndResponses)),
    ("output_tokens", Name::Number(Number::Output, Sources::MessagesAndResponses)),
    ("cache_read_input_tokens", Name::Number(Number::CacheRead, Sources::Messages)),
    ("cache_creation_input_tokens", Name::Number(Number::CacheWrite, Sources::Messages)),
    ("prompt_tokens", Name::Number(Number::Input, Sources::ChatCompletions)),
    ("completion_tokens", Name::Number(Number::Output, Sources::ChatCompletions)),
    ("inputTokenCount", Name::Number(Number::Input, Sources::BedrockInvocation)),
    ("outputTokenCount", Name::Number(Number::Output, Sources::BedrockInvocation)),
    ("cacheReadInputTokenCount", Name::Number(Number::CacheRead, Sources::BedrockInvocation)),
    ("cacheWriteInputTokenCount", Name::Number(Number::CacheWrite, Sources::BedrockInvocation)),
    ("input_tokens_details", Name::InputDetails(Sources::MessagesAndResponses)),
    ("prompt_tokens_details", Name::InputDetails(Sources::ChatCompletions)),
    ("output_tokens_details", Name::OutputDetails(Sources::MessagesAndResponses)),
    ("completion_tokens_details", Name::OutputDetails(Sources::ChatCompletions)),
    ("cache_creation", Name::CacheCreation),
    ("server_tool_use", Name::ServerToolUse),
    ("service_tier", Name::Text(TextMember::ServiceTier)),
    ("speed", Name::Text(TextMember::Speed)),
    ("inference_geo", Name::Text(TextMember::InferenceGeo)),
    ("model", Name::Text(TextMember::Model)),
    ("iterations", Name::Iterations),
    ("total_tokens", Name::Number(Number::Total, Sources::ChatCompletions)),
    // DeepSeek: https://api-docs.deepseek.com/api/create-chat-completion
    ("prompt_cache_hit_tokens", Name::Number(Number::CacheHits, Sources::ChatCompletions)),
    ("thinking_tokens", Name::Thinking),
    ("ephemeral_5m_input_tokens", Name::Nested(Number::CacheWrite5m)),
    ("ephemeral_1h_input_tokens", Name::Nested(Number::CacheWrite1h)),
    ("web_search_requests", Name::Nested(Number::WebSearches)),
    ("web_fetch_requests", Name::Nested(Number::WebFetches)),
    ("cached_tokens", Name::Nested(Number::CacheRead)),
    ("cache_write_tokens", Name::Nested(Number::CacheWrite)),
    ("reasoning_tokens", Name::Nested(Number::Reasoning)),
    // `Member::at` corrects it to `OutputAudio` inside of the output's details.
    ("audio_tokens", Name::Nested(Number::InputAudio)),
    ("accepted_prediction_tokens", Name::Nested(Number::AcceptedPrediction)),
    ("rejected_prediction_tokens", Name::Nested(Number::RejectedPrediction)),
    ("promptTokenCount", Name::Number(Number::Input, Sources::GenerateContent)),
    ("candidatesTokenCount", Name::Number(Number::Output, Sources::GenerateContent)),
    ("thoughtsTokenCount", Name::Number(Number::Reasoning, Sources::GenerateContent)),
    ("cachedContentTokenCount", Name::Number(Number::CacheRead, Sources::GenerateContent)),
    ("toolUsePromptTokenCount", Name::Number(Number::ToolInput, Sources::GenerateContent)),
];

impl json::Name for Name {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        NAMES.iter().find(|(known, _)| known.as_bytes() == name).map(|(_, name)| *name)
    }
}

/// What a member of a usage object holds.
pub(super) enum Member {
    /// An object with these numbers.
    Object(&'static [Number]),
    Number(Number),
    Text(TextMember),
    Iterations,
}

impl Member {
    /// What the member at `path` holds. `None`: it is not read.
    pub(super) fn at(path: &[Name], source: Source) -> Option<Self> {
        const OF_INPUT: [Number; 3] = [Number::CacheRead, Number::CacheWrite, Number::InputAudio];
        const OF_OUTPUT: [Number; 4] =
            [Number::Reasoning, Number::OutputAudio, Number::AcceptedPrediction, Number::RejectedPrediction];
        const OF_CREATION: [Number; 2] = [Number::CacheWrite5m, Number::CacheWrite1h];
        const OF_TOOLS: [Number; 2] = [Number::WebSearches, Number::WebFetches];
        let messages = matches!(source, Source::Messages);
        let (outer, inner) = match path {
            [outer] => (*outer, None),
            [outer, inner] => (*outer, Some(*inner)),
            _ => return None,
        };
        let numbers: &'static [Number] = match outer {
            Name::Number(number, sources) if sources.contains(source) && inner.is_none() => {
                return Some(Self::Number(number));
            }
            // Moonshot states the cached tokens beside the details: https://platform.moonshot.ai/docs/api/chat
            Name::Nested(Number::CacheRead) if source == Source::ChatCompletions && inner.is_none() => {
                return Some(Self::Number(Number::CacheHits));
            }
            Name::Text(text) if messages && inner.is_none() => return Some(Self::Text(text)),
            Name::Iterations if messages && inner.is_none() => return Some(Self::Iterations),
            Name::OutputDetails(Sources::MessagesAndResponses) if messages => &[Number::Reasoning],
            Name::InputDetails(sources) if sources.contains(source) && !messages => &OF_INPUT,
            Name::OutputDetails(sources) if sources.contains(source) => &OF_OUTPUT,
            Name::CacheCreation if messages => &OF_CREATION,
            Name::ServerToolUse if messages => &OF_TOOLS,
            Name::Item
            | Name::Number(..)
            | Name::InputDetails(_)
            | Name::OutputDetails(_)
            | Name::CacheCreation
            | Name::ServerToolUse
            | Name::Text(_)
            | Name::Iterations
            | Name::Thinking
            | Name::Nested(_) => return None,
        };
        let number = match inner {
            None => return Some(Self::Object(numbers)),
            Some(Name::Thinking) if messages => Number::Reasoning,
            Some(Name::Nested(Number::Reasoning)) if messages => return None,
            Some(Name::Nested(Number::InputAudio)) if numbers.contains(&Number::OutputAudio) => {
                Number::OutputAudio
            }
            Some(Name::Nested(number)) => number,
            Some(_) => return None,
        };
        numbers.contains(&number).then_some(Self::Number(number))
    }
}
