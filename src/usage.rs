//! What the providers' token numbers mean, and how one set of numbers is made of them (contract §7).
//!
//! Two conventions meet here. Anthropic's `input_tokens` leaves out what came from or went to a cache; OpenAI's
//! `prompt_tokens`/`input_tokens` includes both. [`Usage`] has one meaning for all: `input_tokens` is what was not
//! cached, `total_input_tokens` is everything (the meaning of OpenTelemetry and of Envoy).

mod stated;

use crate::api::Api;
use stated::{Field, Source, Stated, Statement, count};

/// Tokens of one interception. A number that the provider never stated is absent; a stated zero is zero.
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
    /// All input: plain, read from and written to caches.
    pub total_input_tokens: Option<u64>,
    /// `total_input_tokens` + `output_tokens`.
    pub total_tokens: Option<u64>,
    /// Finer numbers, where the provider states them.
    pub details: UsageDetails,
}

/// Finer numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UsageDetails {
    /// Written to a cache for five minutes.
    pub cache_write_5m_tokens: Option<u64>,
    /// Written to a cache for an hour.
    pub cache_write_1h_tokens: Option<u64>,
    /// Searches that the provider ran.
    pub web_search_requests: Option<u64>,
    /// Pages that the provider fetched.
    pub web_fetch_requests: Option<u64>,
    /// Audio in the input.
    pub input_audio_tokens: Option<u64>,
    /// Audio in the output.
    pub output_audio_tokens: Option<u64>,
    /// Predicted output that was used.
    pub accepted_prediction_tokens: Option<u64>,
    /// Predicted output that was not used and is billed all the same.
    pub rejected_prediction_tokens: Option<u64>,
    /// The tier that served the request, as the provider names it.
    pub service_tier: Option<String>,
}

/// How much of the provider's usage was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageStatus {
    /// The API's final usage.
    Complete,
    /// Some numbers, not the final ones.
    Partial,
    /// None.
    Missing,
}

/// The provider's own numbers, gathered while an answer is read.
#[derive(Clone, Debug, Default)]
pub struct UsageReader {
    numbers: Numbers,
    /// The usage object taken last, as it stood.
    verbatim: Option<String>,
    any: bool,
    last: bool,
    unreadable: bool,
}

/// The provider's numbers under one name each, before the convention is applied.
#[derive(Clone, Debug, Default)]
struct Numbers {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    reasoning: Option<u64>,
    details: UsageDetails,
}

/// Integers above this are not exact in every JSON reader (RFC 8259 §6), and no count of tokens.
const LARGEST: u64 = (1 << 53) - 1;

/// Bytes of a tier's name.
const TIER_BYTES: usize = 1024;

/// The provider's usage object is kept verbatim up to this many bytes.
pub const VERBATIM_BYTES: usize = 16 * 1024;

// === impl UsageStatus ===

impl UsageStatus {
    /// As it stands in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Missing => "missing",
        }
    }
}

// === impl UsageReader ===

impl UsageReader {
    /// Takes in one usage object of `api`. Anthropic's are cumulative: every number that one states replaces the one
    /// stated before. Those of Chat Completions stand each for itself: the last one counts. `last`: this is where the API
    /// states its final usage.
    pub fn take(&mut self, api: Api, raw: String, last: bool) {
        let Some(statement) = Statement::read(Source::Usage(api), &raw) else {
            // `null` is how Chat Completions says «not yet».
            self.unreadable |= raw.trim() != "null";
            return;
        };
        if api == Api::ChatCompletions {
            // The tier stands beside the usage.
            let service_tier = self.numbers.details.service_tier.take();
            let details = UsageDetails { service_tier, ..UsageDetails::default() };
            self.numbers = Numbers { details, ..Numbers::default() };
        }
        self.unreadable |= self.numbers.take(&statement);
        if let Some(tier) = statement.into_tier() {
            self.numbers.details.service_tier = Some(tier);
        }
        self.any = true;
        self.last |= last;
        self.verbatim = Some(raw);
    }

    /// Takes in what Bedrock itself counted for one invocation, at its end. The usage of the message is the finer one:
    /// only what its final numbers do not say comes from here, and all of it where they never came.
    /// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html>
    pub fn take_invocation_metrics(&mut self, raw: &str) {
        let Some(statement) = Statement::read(Source::Invocation, raw) else { return };
        let mut counted = Numbers::default();
        self.unreadable |= counted.take(&statement);
        let final_usage = self.last;
        let fill = |slot: &mut Option<u64>, counted: Option<u64>| {
            *slot = if final_usage { slot.or(counted) } else { counted.or(*slot) };
        };
        fill(&mut self.numbers.input, counted.input);
        fill(&mut self.numbers.output, counted.output);
        fill(&mut self.numbers.cache_read, counted.cache_read);
        fill(&mut self.numbers.cache_write, counted.cache_write);
        if !final_usage && counted.output.is_some() {
            self.any = true;
            self.last = true;
            self.verbatim = Some(raw.to_owned());
        }
    }

    /// Whether what was taken last is the final usage, where that shows only afterwards.
    pub const fn settle(&mut self, last: bool) {
        self.last = last && self.any;
    }

    /// The tier stands beside the usage object in OpenAI's APIs.
    pub fn service_tier(&mut self, tier: &str) {
        self.numbers.details.service_tier = Some(tier_name(tier));
    }

    /// Responses counts the provider's searches beside the usage object; `raw`: the number as it stands.
    pub fn web_searches(&mut self, raw: &str) {
        match count(raw) {
            Some(searches) => self.numbers.details.web_search_requests = Some(searches),
            None => self.unreadable = true,
        }
    }

    /// Whether a number was stated that is none: negative, too large, a fraction, a text.
    #[must_use]
    pub const fn has_unreadable(&self) -> bool {
        self.unreadable
    }

    /// The provider's final usage object as it stood; not bounded here.
    #[must_use]
    pub fn verbatim(&self) -> Option<&str> {
        self.verbatim.as_deref().filter(|_| self.last)
    }

    /// How much was seen.
    #[must_use]
    pub const fn status(&self) -> UsageStatus {
        match (self.any, self.last) {
            (_, true) => UsageStatus::Complete,
            (true, false) => UsageStatus::Partial,
            (false, false) => UsageStatus::Missing,
        }
    }

    /// The numbers in one meaning.
    #[must_use]
    pub fn usage(&self, api: Api) -> Usage {
        let Numbers { input, output, cache_read, cache_write, reasoning, ref details } = self.numbers;
        let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
        let (input_tokens, total_input_tokens) = match api {
            Api::Messages => (input, input.map(|plain| plain.saturating_add(cached))),
            Api::ChatCompletions | Api::Responses => (input.map(|all| all.saturating_sub(cached)), input),
        };
        let total_tokens = match (total_input_tokens, output) {
            (None, None) => None,
            (input, output) => Some(input.unwrap_or(0).saturating_add(output.unwrap_or(0))),
        };
        Usage {
            input_tokens,
            output_tokens: output,
            cache_read_tokens: cache_read,
            cache_write_tokens: cache_write,
            reasoning_tokens: reasoning,
            total_input_tokens,
            total_tokens,
            details: details.clone(),
        }
    }
}

/// A tier's name, cut like every name.
fn tier_name(tier: &str) -> String {
    tier.get(..tier.floor_char_boundary(TIER_BYTES)).unwrap_or_default().to_owned()
}

// === impl Numbers ===

impl Numbers {
    /// Takes in what is stated. Answers whether something is that is no count.
    fn take(&mut self, statement: &Statement) -> bool {
        let mut unreadable = false;
        for field in Field::ALL {
            match statement.number(field) {
                Stated::Nothing => {}
                Stated::Count(number) => *self.slot(field) = Some(number),
                Stated::NoCount => unreadable = true,
            }
        }
        unreadable
    }

    const fn slot(&mut self, field: Field) -> &mut Option<u64> {
        match field {
            Field::Input => &mut self.input,
            Field::Output => &mut self.output,
            Field::CacheRead => &mut self.cache_read,
            Field::CacheWrite => &mut self.cache_write,
            Field::Reasoning => &mut self.reasoning,
            Field::CacheWrite5m => &mut self.details.cache_write_5m_tokens,
            Field::CacheWrite1h => &mut self.details.cache_write_1h_tokens,
            Field::WebSearches => &mut self.details.web_search_requests,
            Field::WebFetches => &mut self.details.web_fetch_requests,
            Field::InputAudio => &mut self.details.input_audio_tokens,
            Field::OutputAudio => &mut self.details.output_audio_tokens,
            Field::AcceptedPrediction => &mut self.details.accepted_prediction_tokens,
            Field::RejectedPrediction => &mut self.details.rejected_prediction_tokens,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{UsageReader, UsageStatus};
    use crate::api::Api;

    fn read(api: Api, objects: &[&str]) -> UsageReader {
        let mut reader = UsageReader::default();
        for (at, raw) in objects.iter().enumerate() {
            reader.take(api, (*raw).to_owned(), at + 1 == objects.len());
        }
        reader
    }

    #[test]
    fn later_numbers_of_messages_replace_earlier_ones_and_are_never_summed() {
        let reader = read(
            Api::Messages,
            &[
                r#"{"input_tokens":10,"output_tokens":1,"cache_read_input_tokens":5,"cache_creation_input_tokens":null}"#,
                r#"{"output_tokens":20,"cache_read_input_tokens":null}"#,
            ],
        );
        let usage = reader.usage(Api::Messages);
        assert_eq!((usage.input_tokens, usage.output_tokens), (Some(10), Some(20)));
        assert_eq!((usage.cache_read_tokens, usage.cache_write_tokens), (Some(5), None));
        assert_eq!((usage.total_input_tokens, usage.total_tokens), (Some(15), Some(35)));
        assert_eq!(reader.status(), UsageStatus::Complete);
        assert!(!reader.has_unreadable());
    }

    #[test]
    fn openai_input_includes_what_was_cached() {
        let usage = read(
            Api::Responses,
            &[r#"{"input_tokens":100,"input_tokens_details":{"cached_tokens":70,"cache_write_tokens":10},
                 "output_tokens":5,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":105}"#],
        )
        .usage(Api::Responses);
        assert_eq!((usage.input_tokens, usage.total_input_tokens), (Some(20), Some(100)));
        assert_eq!((usage.reasoning_tokens, usage.total_tokens), (Some(3), Some(105)));
    }

    #[test]
    fn more_cached_than_there_was_is_clamped_at_zero() {
        let usage = read(
            Api::ChatCompletions,
            &[r#"{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":70},"completion_tokens":5}"#],
        )
        .usage(Api::ChatCompletions);
        assert_eq!(usage.input_tokens, Some(0));
    }

    #[test]
    fn what_is_no_count_is_absent_and_noticed() {
        for wrong in ["\"12\"", "-1", "1.5", "1e300", "9007199254740992", "[]", "true"] {
            let reader =
                read(Api::Messages, &[&format!("{{\"input_tokens\":{wrong},\"output_tokens\":2.0}}")]);
            let usage = reader.usage(Api::Messages);
            assert_eq!((usage.input_tokens, usage.output_tokens), (None, Some(2)), "{wrong}");
            assert!(reader.has_unreadable(), "{wrong}");
        }
    }

    #[test]
    fn what_bedrock_counted_stands_in_where_the_final_usage_does_not_say() {
        let metrics = r#"{"inputTokenCount":10,"outputTokenCount":20,"invocationLatency":5,"cacheReadInputTokenCount":7}"#;
        let of = |objects: &[(&str, bool)]| {
            let mut reader = UsageReader::default();
            objects.iter().for_each(|(raw, last)| reader.take(Api::Messages, (*raw).to_owned(), *last));
            reader.take_invocation_metrics(metrics);
            let usage = reader.usage(Api::Messages);
            let numbers = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens);
            (numbers, reader.status(), reader.verbatim().map(str::to_owned))
        };
        let own = r#"{"output_tokens":21}"#;
        let complete = UsageStatus::Complete;
        assert_eq!(of(&[(own, true)]), ((Some(10), Some(21), Some(7)), complete, Some(own.to_owned())));
        let all = ((Some(10), Some(20), Some(7)), complete, Some(metrics.to_owned()));
        assert_eq!(of(&[]), all);
        assert_eq!(of(&[(r#"{"input_tokens":9,"output_tokens":1}"#, false)]), all);
        let mut reader = UsageReader::default();
        reader.take_invocation_metrics("[]");
        reader.take_invocation_metrics(r#"{"outputTokenCount":-1}"#);
        assert_eq!(reader.status(), UsageStatus::Missing);
        assert!(reader.has_unreadable());
    }

    #[test]
    fn a_null_usage_states_nothing() {
        let reader = read(Api::ChatCompletions, &["null"]);
        assert_eq!(reader.status(), UsageStatus::Missing);
        assert!(!reader.has_unreadable());
    }
}
