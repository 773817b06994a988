//! Combines the usage objects of one response.

use super::iterations::{Iterations, writes, written};
use super::members::{Number, TextMember};
use super::repeated::differ_only_in_counts;
use super::stated::{Count, Stated, count};
use super::usage_object::{Facts, UsageObject, Verbatim};
use super::{Convention, Source, TEXT_BYTES, Usage, UsageDetails, UsageStatus};
use crate::text::head;

/// Collects the usage that one response states.
#[derive(Clone, Debug)]
pub struct UsageReader {
    convention: Convention,
    numbers: Numbers,
    /// Those that were stated last.
    iterations: Option<Box<Iterations>>,
    /// The iterations are those of a final usage.
    iterations_are_final: bool,
    /// The usage object that was taken last.
    verbatim: Option<Verbatim>,
    /// An object that replaces the last one and differs from it only in counts: it is read when it is needed.
    repeated: String,
    /// The bytes of the object that was read last, where a next one may repeat it; at most [`REPEATED_BYTES`].
    latest: String,
    /// A usage object was taken.
    any: bool,
    /// The final usage was taken.
    last: bool,
    unreadable: bool,
}

/// The provider's numbers, before the [`Convention`] is applied.
#[derive(Clone, Debug, Default)]
struct Numbers {
    counts: [Option<u64>; Number::ALL.len()],
    service_tier: Option<String>,
    speed: Option<String>,
    inference_geo: Option<String>,
}

/// Longer usage objects are always read, in bytes.
const REPEATED_BYTES: usize = 1024;

/// The numbers that Messages states of the input.
const MESSAGES_INPUT: [Number; 5] =
    [Number::Input, Number::CacheRead, Number::CacheWrite, Number::CacheWrite5m, Number::CacheWrite1h];

// === impl UsageReader ===

impl UsageReader {
    /// A reader for a response that states its usage by `convention`.
    #[must_use]
    pub fn new(convention: Convention) -> Self {
        Self {
            convention,
            numbers: Numbers::default(),
            iterations: None,
            iterations_are_final: false,
            verbatim: None,
            repeated: String::new(),
            latest: String::new(),
            any: false,
            last: false,
            unreadable: false,
        }
    }

    /// The output is the stated total without the input, where that is more than the stated output: Google's Chat
    /// Completions state thoughts in the total only, <https://ai.google.dev/gemini-api/docs/openai>.
    pub const fn output_is_rest(&mut self) {
        self.convention.output_is_rest = true;
    }

    /// Takes one usage object. `last`: the API states its final usage here.
    pub fn take(&mut self, object: UsageObject, last: bool) {
        if self.convention.replaces_whole && !last {
            match object.raw().filter(|raw| raw.len() <= REPEATED_BYTES) {
                Some(raw) if differ_only_in_counts(&self.latest, raw) => return self.repeat(raw),
                Some(raw) => raw.clone_into(&mut self.latest),
                None => self.latest.clear(),
            }
        }
        self.take_repeated();
        self.take_object(object, last);
    }

    /// Takes a usage object that is no final one, and that differs from the last one only in its integers of at most 15
    /// digits. `raw`: its bytes.
    #[inline(never)]
    pub fn repeat(&mut self, raw: &str) {
        self.repeated.clear();
        self.repeated.push_str(raw);
        if self.last || !self.convention.replaces_whole {
            self.take_repeated();
        }
    }

    /// Reads the repeated object that waits.
    pub fn take_repeated(&mut self) {
        if !self.repeated.is_empty() {
            let mut object = UsageObject::new(self.convention);
            object.push(&self.repeated);
            self.repeated.clear();
            self.take_object(object, false);
        }
    }

    fn take_object(&mut self, object: UsageObject, last: bool) {
        let (facts, verbatim) = match object.read() {
            Ok(read) => read,
            Err(is_null) => {
                self.latest.clear();
                // In Chat Completions `null` means that the usage comes later.
                self.unreadable |= !is_null;
                return;
            }
        };
        if self.convention.replaces_whole {
            // The service tier is a member beside the usage object and stays.
            let service_tier = self.numbers.service_tier.take();
            self.numbers = Numbers { service_tier, ..Numbers::default() };
        }
        let Facts { stated, listed, unreadable, .. } = facts;
        self.unreadable |= unreadable | self.numbers.take(&stated, self.convention.source);
        self.numbers.take_texts(&stated);
        if let Some(listed) = listed {
            let iterations = listed.iterations;
            self.unreadable |= iterations.has_unreadable();
            self.iterations = Some(Box::new(iterations)).filter(|iterations| !iterations.is_empty());
            self.iterations_are_final = last;
        } else if last && !self.iterations_are_final {
            // Those of `message_start` are older than the numbers.
            self.iterations = None;
        }
        self.any = true;
        self.last |= last;
        self.verbatim = Some(verbatim);
    }

    /// Takes what Bedrock counted for the invocation, which comes at the end of a stream. The usage of the message is
    /// more detailed: after a final usage only missing numbers are filled, otherwise Bedrock's numbers count.
    /// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html>
    pub fn take_invocation_metrics(&mut self, raw: &str) {
        let mut object = UsageObject::of(Source::BedrockInvocation);
        object.push(raw);
        let Ok((facts, verbatim)) = object.read() else { return };
        let mut counted = Numbers::default();
        self.unreadable |= counted.take(&facts.stated, Source::BedrockInvocation);
        let final_usage = self.last;
        for number in [Number::Input, Number::Output, Number::CacheRead, Number::CacheWrite] {
            let (known, counted) = (self.numbers.of(number), counted.of(number));
            self.numbers.set(number, if final_usage { known.or(counted) } else { counted.or(known) });
        }
        if !final_usage && counted.of(Number::Output).is_some() {
            self.any = true;
            self.last = true;
            self.verbatim = Some(verbatim);
        }
    }

    /// Sets whether the usage object taken last is the final one, for APIs where later events decide that.
    pub fn settle(&mut self, last: bool) {
        if last {
            self.take_repeated();
        }
        self.last = last && self.any;
    }

    /// Takes the service tier, a member beside the usage object in OpenAI's APIs.
    pub fn service_tier(&mut self, tier: &str) {
        self.numbers.service_tier = Some(head(tier, TEXT_BYTES).to_owned());
    }

    /// Takes the number of web searches, which Responses states beside the usage object. `raw`: the JSON value.
    pub fn web_searches(&mut self, raw: &str) {
        self.beside(Number::WebSearches, raw);
    }

    /// Takes the input of the image generation tool, as [`web_searches`](Self::web_searches).
    pub fn image_input(&mut self, raw: &str) {
        self.beside(Number::ImageInput, raw);
    }

    /// Takes the output of the image generation tool, as [`web_searches`](Self::web_searches).
    pub fn image_output(&mut self, raw: &str) {
        self.beside(Number::ImageOutput, raw);
    }

    fn beside(&mut self, number: Number, raw: &str) {
        match count(raw) {
            Some(count) => self.numbers.set(number, Some(count)),
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

    /// The sampling steps that are billed, where the provider lists them. [`usage`](Self::usage) is then their sum.
    #[must_use]
    pub fn iterations(&self) -> Option<&Iterations> {
        self.iterations.as_deref()
    }

    /// The numbers in the meaning that [`Usage`] has for all providers.
    #[must_use]
    pub fn usage(&self) -> Usage {
        if !self.repeated.is_empty() {
            // It replaces everything but the service tier.
            let mut repeated = Self::new(self.convention);
            repeated.numbers.service_tier.clone_from(&self.numbers.service_tier);
            repeated.repeat(&self.repeated);
            repeated.take_repeated();
            if repeated.any {
                return repeated.usage();
            }
        }
        let numbers = &self.numbers;
        let of = |number| match &self.iterations {
            Some(iterations) => iterations.sum(number),
            None => numbers.of(number),
        };
        let beside = |whole: Option<u64>, part| match of(part) {
            Some(part) if self.convention.parts_add_up => Some(whole.unwrap_or(0).saturating_add(part)),
            _ => whole,
        };
        let input = beside(of(Number::Input), Number::ToolInput);
        let cache_read = of(Number::CacheRead).or_else(|| numbers.of(Number::CacheHits));
        let stated_output = beside(of(Number::Output), Number::Reasoning);
        let (cache_write, output) = (of(Number::CacheWrite), self.output(stated_output, input));
        let (five_minutes, one_hour) = (of(Number::CacheWrite5m), of(Number::CacheWrite1h));
        let (input_tokens, total_input_tokens) = if self.convention.input_includes_cache {
            let cached = cache_read.unwrap_or(0).saturating_add(cache_write.unwrap_or(0));
            (input.map(|all| all.saturating_sub(cached)), input)
        } else {
            let written = writes(cache_write, written(five_minutes, one_hour)).unwrap_or(0);
            let cached = cache_read.unwrap_or(0).saturating_add(written);
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
            reasoning_tokens: of(Number::Reasoning).or_else(|| numbers.of(Number::Reasoning)),
            total_input_tokens,
            total_tokens,
            details: UsageDetails {
                cache_write_5m_tokens: five_minutes,
                cache_write_1h_tokens: one_hour,
                ..numbers.details()
            },
        }
    }

    /// The output, where the total shows that the provider states a part of it elsewhere.
    fn output(&self, stated: Option<u64>, input: Option<u64>) -> Option<u64> {
        let total = self.numbers.of(Number::Total);
        let Some(rest) = total.and_then(|total| total.checked_sub(input?)) else { return stated };
        let reasoning = self.numbers.of(Number::Reasoning).unwrap_or(0);
        // xAI counts reasoning beside `completion_tokens`: https://docs.x.ai/docs/guides/reasoning
        let is_beside = stated.is_some_and(|stated| stated.checked_add(reasoning) == Some(rest));
        if self.convention.output_is_rest || is_beside { stated.max(Some(rest)) } else { stated }
    }
}

// === impl Numbers ===

impl Numbers {
    fn of(&self, number: Number) -> Option<u64> {
        self.counts.get(number as usize).copied().flatten()
    }

    fn set(&mut self, number: Number, count: Option<u64>) {
        if let Some(slot) = self.counts.get_mut(number as usize) {
            *slot = count;
        }
    }

    /// Takes the numbers that an object states. Returns whether one of them is not a count.
    fn take(&mut self, stated: &Stated, source: Source) -> bool {
        let mut unreadable = false;
        let written_before = self.of(Number::CacheWrite);
        // No request has an input of 0. Compatible servers write zeros into `message_delta`, after `message_start` has
        // stated the input.
        let no_input = source == Source::Messages
            && MESSAGES_INPUT.iter().all(|number| !matches!(stated.count_of(*number), Count::Tokens(1..)));
        for number in Number::ALL {
            match stated.count_of(number) {
                Count::Absent => {}
                Count::Tokens(_)
                    if no_input && MESSAGES_INPUT.contains(&number) && self.of(number).is_some() => {}
                Count::Tokens(count) => self.set(number, Some(count)),
                Count::Unreadable => unreadable = true,
            }
        }
        self.forget_ages(stated, written_before);
        unreadable
    }

    /// Drops the ages of cache writes where an object states a smaller sum than theirs, and no ages: they are parts of
    /// the sum before it, `written_before`.
    fn forget_ages(&mut self, stated: &Stated, written_before: Option<u64>) {
        let ages = [Number::CacheWrite5m, Number::CacheWrite1h];
        let [five_minutes, one_hour] = ages.map(|age| self.of(age));
        let aged = written(five_minutes, one_hour);
        let replaced = written_before >= aged && self.of(Number::CacheWrite) < aged;
        if replaced && ages.iter().all(|age| stated.count_of(*age) == Count::Absent) {
            ages.iter().for_each(|age| self.set(*age, None));
        }
    }

    fn take_texts(&mut self, stated: &Stated) {
        for (text, slot) in [
            (TextMember::ServiceTier, &mut self.service_tier),
            (TextMember::Speed, &mut self.speed),
            (TextMember::InferenceGeo, &mut self.inference_geo),
        ] {
            if let Some(text) = stated.text_of(text) {
                *slot = Some(text.to_owned());
            }
        }
    }

    fn details(&self) -> UsageDetails {
        UsageDetails {
            cache_write_5m_tokens: self.of(Number::CacheWrite5m),
            cache_write_1h_tokens: self.of(Number::CacheWrite1h),
            web_search_requests: self.of(Number::WebSearches),
            web_fetch_requests: self.of(Number::WebFetches),
            input_audio_tokens: self.of(Number::InputAudio),
            output_audio_tokens: self.of(Number::OutputAudio),
            accepted_prediction_tokens: self.of(Number::AcceptedPrediction),
            rejected_prediction_tokens: self.of(Number::RejectedPrediction),
            image_input_tokens: self.of(Number::ImageInput),
            image_output_tokens: self.of(Number::ImageOutput),
            service_tier: self.service_tier.clone(),
            speed: self.speed.clone(),
            inference_geo: self.inference_geo.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Convention, UsageObject, UsageReader, UsageStatus};

    fn object(convention: Convention, raw: &str) -> UsageObject {
        let mut object = UsageObject::new(convention);
        object.push(raw);
        object
    }

    fn read(convention: Convention, objects: &[&str]) -> UsageReader {
        let mut reader = UsageReader::new(convention);
        for (at, raw) in objects.iter().enumerate() {
            reader.take(object(convention, raw), at + 1 == objects.len());
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
    fn of_objects_that_differ_in_counts_the_last_one_counts() {
        let convention = Convention::GENERATE_CONTENT;
        let object = |input: &str, output: &str| {
            format!(r#"{{"promptTokenCount": {input}, "candidatesTokenCount": {output}}}"#)
        };
        for (objects, input, output, unreadable) in [
            (vec![object("5", "1"), object("5", "12")], Some(5), Some(12), false),
            (vec![object("5", "1"), "null".to_owned(), object("6", "2")], Some(6), Some(2), false),
            (vec![object("5", "1"), object("6", "2"), "null".to_owned()], Some(6), Some(2), false),
            (vec![object("5", "1"), object("5", "1e999"), object("5", "2")], Some(5), Some(2), true),
            (vec![object("5", "1"), object("5", "12345678901234567")], Some(5), None, true),
            (vec![object("-1", "1"), object("-1", "2")], None, Some(2), true),
        ] {
            let mut reader = UsageReader::new(convention);
            objects.iter().for_each(|raw| reader.take(self::object(convention, raw), false));
            for settled in [false, true] {
                reader.settle(settled);
                let usage = reader.usage();
                assert_eq!((usage.input_tokens, usage.output_tokens), (input, output), "{objects:?}");
            }
            assert_eq!(reader.has_unreadable(), unreadable, "{objects:?}");
            let last = objects.iter().rfind(|raw| *raw != "null").map(|raw| raw.replace(' ', ""));
            assert_eq!(reader.verbatim().and_then(|verbatim| verbatim.json.clone()), last);
        }
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
    fn numbers_in_what_is_no_object_are_absent_and_noted() {
        for (convention, outer) in [
            (Convention::MESSAGES, "cache_creation"),
            (Convention::MESSAGES, "server_tool_use"),
            (Convention::MESSAGES, "output_tokens_details"),
            (Convention::CHAT_COMPLETIONS, "prompt_tokens_details"),
            (Convention::CHAT_COMPLETIONS, "completion_tokens_details"),
            (Convention::RESPONSES, "input_tokens_details"),
            (Convention::RESPONSES, "output_tokens_details"),
        ] {
            for (value, unreadable) in
                [("7", true), ("\"x\"", true), ("[]", true), ("true", true), ("null", false), ("{}", false)]
            {
                let reader = read(convention, &[&format!("{{\"{outer}\":{value}}}")]);
                assert_eq!(reader.has_unreadable(), unreadable, "{outer}: {value}");
                assert_eq!(reader.usage(), super::super::Usage::default());
            }
        }
    }

    #[test]
    fn bedrock_counts_fill_what_the_final_usage_leaves_out() {
        let metrics = r#"{"inputTokenCount":10,"outputTokenCount":20,"invocationLatency":5,"cacheReadInputTokenCount":7}"#;
        let of = |objects: &[(&str, bool)]| {
            let mut reader = UsageReader::new(Convention::MESSAGES);
            objects.iter().for_each(|(raw, last)| reader.take(object(Convention::MESSAGES, raw), *last));
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
