//! The members of usage objects that are read, for each [`Source`].
//!
//! <https://docs.anthropic.com/en/api/messages#response-usage>,
//! <https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage> and
//! <https://platform.openai.com/docs/api-reference/responses/object#responses/object-usage> (the last two have the
//! same numbers: «prompt» and «completion» in the one are «input» and «output» in the other).

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
}

impl Number {
    pub(super) const ALL: [Self; 17] = [
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
}

impl Sources {
    const fn contains(self, source: Source) -> bool {
        matches!(
            (self, source),
            (Self::Messages | Self::MessagesAndResponses, Source::Messages)
                | (Self::ChatCompletions, Source::ChatCompletions)
                | (Self::MessagesAndResponses, Source::Responses)
                | (Self::BedrockInvocation, Source::BedrockInvocation)
        )
    }
}

impl json::Name for Name {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"input_tokens" => Self::Number(Number::Input, Sources::MessagesAndResponses),
            b"output_tokens" => Self::Number(Number::Output, Sources::MessagesAndResponses),
            b"cache_read_input_tokens" => Self::Number(Number::CacheRead, Sources::Messages),
            b"cache_creation_input_tokens" => Self::Number(Number::CacheWrite, Sources::Messages),
            b"prompt_tokens" => Self::Number(Number::Input, Sources::ChatCompletions),
            b"completion_tokens" => Self::Number(Number::Output, Sources::ChatCompletions),
            b"inputTokenCount" => Self::Number(Number::Input, Sources::BedrockInvocation),
            b"outputTokenCount" => Self::Number(Number::Output, Sources::BedrockInvocation),
            b"cacheReadInputTokenCount" => Self::Number(Number::CacheRead, Sources::BedrockInvocation),
            b"cacheWriteInputTokenCount" => Self::Number(Number::CacheWrite, Sources::BedrockInvocation),
            b"input_tokens_details" => Self::InputDetails(Sources::MessagesAndResponses),
            b"prompt_tokens_details" => Self::InputDetails(Sources::ChatCompletions),
            b"output_tokens_details" => Self::OutputDetails(Sources::MessagesAndResponses),
            b"completion_tokens_details" => Self::OutputDetails(Sources::ChatCompletions),
            b"cache_creation" => Self::CacheCreation,
            b"server_tool_use" => Self::ServerToolUse,
            b"service_tier" => Self::Text(TextMember::ServiceTier),
            b"speed" => Self::Text(TextMember::Speed),
            b"inference_geo" => Self::Text(TextMember::InferenceGeo),
            b"model" => Self::Text(TextMember::Model),
            b"iterations" => Self::Iterations,
            b"total_tokens" => Self::Number(Number::Total, Sources::ChatCompletions),
            // DeepSeek: https://api-docs.deepseek.com/api/create-chat-completion
            b"prompt_cache_hit_tokens" => Self::Number(Number::CacheHits, Sources::ChatCompletions),
            b"thinking_tokens" => Self::Thinking,
            b"ephemeral_5m_input_tokens" => Self::Nested(Number::CacheWrite5m),
            b"ephemeral_1h_input_tokens" => Self::Nested(Number::CacheWrite1h),
            b"web_search_requests" => Self::Nested(Number::WebSearches),
            b"web_fetch_requests" => Self::Nested(Number::WebFetches),
            b"cached_tokens" => Self::Nested(Number::CacheRead),
            b"cache_write_tokens" => Self::Nested(Number::CacheWrite),
            b"reasoning_tokens" => Self::Nested(Number::Reasoning),
            // `Member::at` corrects it to `OutputAudio` inside of the output's details.
            b"audio_tokens" => Self::Nested(Number::InputAudio),
            b"accepted_prediction_tokens" => Self::Nested(Number::AcceptedPrediction),
            b"rejected_prediction_tokens" => Self::Nested(Number::RejectedPrediction),
            _ => return None,
        })
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
