//! Combines the usage objects of one response.

use super::members::Number;
use super::usage_object::{Count, UsageObject, count};
use super::{Convention, Source, TIER_BYTES, Usage, UsageDetails, UsageStatus};

/// Collects the usage that one response states.
#[derive(Clone, Debug)]
pub struct UsageReader {
    convention: Convention,
    numbers: Numbers,
    /// The usage object that was taken last.
    verbatim: Option<Verbatim>,
    /// A usage object was taken.
    any: bool,
    /// The final usage was taken.
    last: bool,
    unreadable: bool,
}

/// The provider's own usage object.
#[derive(Clone, Debug)]
pub struct Verbatim {
    /// The object without white space between tokens, otherwise as the provider wrote it. `None`: it has more than
    /// [`VERBATIM_BYTES`](super::VERBATIM_BYTES).
    pub json: Option<String>,
    /// Every JSON reader accepts it, also nested in another document.
    pub harmless: bool,
}

/// The provider's numbers, before the [`Convention`] is applied.
#[derive(Clone, Debug, Default)]
struct Numbers {
    input: Option<u64>,
    output: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    reasoning: Option<u64>,
    details: UsageDetails,
}

// === impl UsageReader ===

impl UsageReader {
    /// A reader for a response that states its usage by `convention`.
    #[must_use]
    pub fn new(convention: Convention) -> Self {
        Self {
            convention,
            numbers: Numbers::default(),
            verbatim: None,
            any: false,
            last: false,
            unreadable: false,
        }
    }

    /// Takes one usage object. `last`: the API states its final usage here.
    pub fn take(&mut self, raw: &str, last: bool) {
        let Some((object, verbatim)) = UsageObject::read(self.convention.source, raw) else {
            // In Chat Completions `null` means that the usage comes later.
            self.unreadable |= raw.trim() != "null";
            return;
        };
        if self.convention.replaces_whole {
            // The service tier is a member beside the usage object and stays.
            let service_tier = self.numbers.details.service_tier.take();
            let details = UsageDetails { service_tier, ..UsageDetails::default() };
            self.numbers = Numbers { details, ..Numbers::default() };
        }
        self.unreadable |= self.numbers.take(&object);
        if let Some(tier) = object.into_tier() {
            self.numbers.details.service_tier = Some(tier);
        }
        self.any = true;
        self.last |= last;
        self.verbatim = Some(verbatim);
    }

    /// Takes what Bedrock counted for the invocation, which comes at the end of a stream. The usage of the message is
    /// more detailed: after a final usage only missing numbers are filled, otherwise Bedrock's numbers count.
    /// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html>
    pub fn take_invocation_metrics(&mut self, raw: &str) {
        let Some((object, verbatim)) = UsageObject::read(Source::BedrockInvocation, raw) else { return };
        let mut counted = Numbers::default();
        self.unreadable |= counted.take(&object);
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
            self.verbatim = Some(verbatim);
        }
    }

    /// Sets whether the usage object taken last is the final one, for APIs where later events decide that.
    pub const fn settle(&mut self, last: bool) {
        self.last = last && self.any;
    }

    /// Takes the service tier, a member beside the usage object in OpenAI's APIs.
    pub fn service_tier(&mut self, tier: &str) {
        let name = tier.get(..tier.floor_char_boundary(TIER_BYTES)).unwrap_or_default();
        self.numbers.details.service_tier = Some(name.to_owned());
    }

    /// Takes the number of web searches, which Responses states beside the usage object. `raw`: the JSON value.
    pub fn web_searches(&mut self, raw: &str) {
        match count(raw) {
            Some(searches) => self.numbers.details.web_search_requests = Some(searches),
            None => self.unreadable = true,
        }
    }

    /// Whether a stated number is not a count: negative, too large, a fraction, or not a number.
    #[must_use]
    pub const fn has_unreadable(&self) -> bool {
        self.unreadable
    }

    /// The provider's final usage object.
    #[must_use]
    pub fn verbatim(&self) -> Option<&Verbatim> {
        self.verbatim.as_ref().filter(|_| self.last)
    }

    /// How much of the usage was seen.
    #[must_use]
    pub const fn status(&self) -> UsageStatus {
        match (self.any, self.last) {
            (_, true) => UsageStatus::Complete,
            (true, false) => UsageStatus::Partial,
            (false, false) => UsageStatus::Missing,
        }
    }

    /// The numbers in the meaning that [`Usage`] has for all providers.
    #[must_use]
    pub fn usage(&self) -> Usage {
        let Numbers { input, output, cache_read, cache_write, reasoning, ref details } = self.numbers;
        let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
        let (input_tokens, total_input_tokens) = if self.convention.input_includes_cache {
            (input.map(|all| all.saturating_sub(cached)), input)
        } else {
            (input, input.map(|uncached| uncached.saturating_add(cached)))
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

// === impl Numbers ===

impl Numbers {
    /// Takes the numbers that `object` states. Returns whether one of them is not a count.
    fn take(&mut self, object: &UsageObject) -> bool {
        let mut unreadable = false;
        for number in Number::ALL {
            match object.count_of(number) {
                Count::Absent => {}
                Count::Tokens(count) => *self.slot(number) = Some(count),
                Count::Unreadable => unreadable = true,
            }
        }
        unreadable
    }

    const fn slot(&mut self, number: Number) -> &mut Option<u64> {
        match number {
            Number::Input => &mut self.input,
            Number::Output => &mut self.output,
            Number::CacheRead => &mut self.cache_read,
            Number::CacheWrite => &mut self.cache_write,
            Number::Reasoning => &mut self.reasoning,
            Number::CacheWrite5m => &mut self.details.cache_write_5m_tokens,
            Number::CacheWrite1h => &mut self.details.cache_write_1h_tokens,
            Number::WebSearches => &mut self.details.web_search_requests,
            Number::WebFetches => &mut self.details.web_fetch_requests,
            Number::InputAudio => &mut self.details.input_audio_tokens,
            Number::OutputAudio => &mut self.details.output_audio_tokens,
            Number::AcceptedPrediction => &mut self.details.accepted_prediction_tokens,
            Number::RejectedPrediction => &mut self.details.rejected_prediction_tokens,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Convention, UsageReader, UsageStatus};

    fn read(convention: Convention, objects: &[&str]) -> UsageReader {
        let mut reader = UsageReader::new(convention);
        for (at, raw) in objects.iter().enumerate() {
            reader.take(raw, at + 1 == objects.len());
        }
        reader
    }

    #[test]
    fn later_numbers_of_messages_replace_earlier_ones() {
        let reader = read(
            Convention::MESSAGES,
            &[
                r#"{"input_tokens":10,"output_tokens":1,"cache_read_input_tokens":5,"cache_creation_input_tokens":null}"#,
                r#"{"output_tokens":20,"cache_read_input_tokens":null}"#,
            ],
        );
        let usage = reader.usage();
        assert_eq!((usage.input_tokens, usage.output_tokens), (Some(10), Some(20)));
        assert_eq!((usage.cache_read_tokens, usage.cache_write_tokens), (Some(5), None));
        assert_eq!((usage.total_input_tokens, usage.total_tokens), (Some(15), Some(35)));
        assert_eq!(reader.status(), UsageStatus::Complete);
        assert!(!reader.has_unreadable());
    }

    #[test]
    fn openai_input_includes_cached_tokens() {
        let usage = read(
            Convention::RESPONSES,
            &[r#"{"input_tokens":100,"input_tokens_details":{"cached_tokens":70,"cache_write_tokens":10},
                 "output_tokens":5,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":105}"#],
        )
        .usage();
        assert_eq!((usage.input_tokens, usage.total_input_tokens), (Some(20), Some(100)));
        assert_eq!((usage.reasoning_tokens, usage.total_tokens), (Some(3), Some(105)));
    }

    #[test]
    fn input_is_zero_where_more_was_cached_than_stated() {
        let usage = read(
            Convention::CHAT_COMPLETIONS,
            &[r#"{"prompt_tokens":1,"prompt_tokens_details":{"cached_tokens":70},"completion_tokens":5}"#],
        )
        .usage();
        assert_eq!(usage.input_tokens, Some(0));
    }

    #[test]
    fn a_number_that_is_no_count_is_absent_and_noted() {
        for wrong in ["\"12\"", "-1", "1.5", "1e300", "9007199254740992", "[]", "true"] {
            let reader =
                read(Convention::MESSAGES, &[&format!("{{\"input_tokens\":{wrong},\"output_tokens\":2.0}}")]);
            let usage = reader.usage();
            assert_eq!((usage.input_tokens, usage.output_tokens), (None, Some(2)), "{wrong}");
            assert!(reader.has_unreadable(), "{wrong}");
        }
    }

    #[test]
    fn bedrock_counts_fill_what_the_final_usage_leaves_out() {
        let metrics = r#"{"inputTokenCount":10,"outputTokenCount":20,"invocationLatency":5,"cacheReadInputTokenCount":7}"#;
        let of = |objects: &[(&str, bool)]| {
            let mut reader = UsageReader::new(Convention::MESSAGES);
            objects.iter().for_each(|(raw, last)| reader.take(raw, *last));
            reader.take_invocation_metrics(metrics);
            let usage = reader.usage();
            let numbers = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens);
            (numbers, reader.status(), reader.verbatim().map(|verbatim| verbatim.json.clone().unwrap()))
        };
        let own = r#"{"output_tokens":21}"#;
        let complete = UsageStatus::Complete;
        assert_eq!(of(&[(own, true)]), ((Some(10), Some(21), Some(7)), complete, Some(own.to_owned())));
        let all = ((Some(10), Some(20), Some(7)), complete, Some(metrics.to_owned()));
        assert_eq!(of(&[]), all);
        assert_eq!(of(&[(r#"{"input_tokens":9,"output_tokens":1}"#, false)]), all);
        let mut reader = UsageReader::new(Convention::MESSAGES);
        reader.take_invocation_metrics("[]");
        reader.take_invocation_metrics(r#"{"outputTokenCount":-1}"#);
        assert_eq!(reader.status(), UsageStatus::Missing);
        assert!(reader.has_unreadable());
    }

    #[test]
    fn a_null_usage_states_nothing() {
        let reader = read(Convention::CHAT_COMPLETIONS, &["null"]);
        assert_eq!(reader.status(), UsageStatus::Missing);
        assert!(!reader.has_unreadable());
    }
}
