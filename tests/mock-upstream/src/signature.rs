//! The headers of a provider's responses: request id, rate limits, versions.
//! <https://docs.claude.com/en/api/rate-limits>, <https://platform.openai.com/docs/guides/rate-limits>.

use crate::ids::Seed;
use crate::refusal::Dialect;

const REQUESTS: u64 = 4_000;
const TOKENS: u64 = 2_000_000;
const INPUT_TOKENS: u64 = 1_600_000;
const OUTPUT_TOKENS: u64 = 400_000;

/// The values of a provider's response headers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signature {
    /// The vendor whose headers are written.
    pub(crate) dialect: Dialect,
    /// The seed of the answer's identifiers.
    pub(crate) seed: Seed,
    /// How many requests came before this one.
    pub(crate) number: u64,
    /// The tokens of this request.
    pub(crate) input: u64,
    /// The tokens of its answer.
    pub(crate) output: u64,
    /// Seconds since 1970.
    pub(crate) now: u64,
}

impl Signature {
    /// The request's id. Anthropic's error bodies contain it too.
    pub(crate) fn request_id(&self) -> String {
        match self.dialect {
            Dialect::Anthropic => self.seed.anthropic("req_"),
            Dialect::OpenAi => self.seed.hex("req_", 32),
        }
    }

    /// The names and values of the headers.
    pub(crate) fn headers(&self) -> Vec<(&'static str, String)> {
        let requests = REQUESTS.saturating_sub(self.number % REQUESTS).saturating_sub(1);
        let left = |limit: u64, used: u64| limit.saturating_sub(used).to_string();
        let all = self.input.saturating_add(self.output);
        match self.dialect {
            Dialect::Anthropic => {
                let reset = rfc3339(self.now.saturating_add(1));
                vec![
                    ("request-id", self.request_id()),
                    ("anthropic-organization-id", "00000000-0000-4000-8000-000000000000".to_owned()),
                    ("anthropic-ratelimit-requests-limit", REQUESTS.to_string()),
                    ("anthropic-ratelimit-requests-remaining", requests.to_string()),
                    ("anthropic-ratelimit-requests-reset", reset.clone()),
                    ("anthropic-ratelimit-input-tokens-limit", INPUT_TOKENS.to_string()),
                    ("anthropic-ratelimit-input-tokens-remaining", left(INPUT_TOKENS, self.input)),
                    ("anthropic-ratelimit-input-tokens-reset", reset.clone()),
                    ("anthropic-ratelimit-output-tokens-limit", OUTPUT_TOKENS.to_string()),
                    ("anthropic-ratelimit-output-tokens-remaining", left(OUTPUT_TOKENS, self.output)),
                    ("anthropic-ratelimit-output-tokens-reset", reset.clone()),
                    ("anthropic-ratelimit-tokens-limit", TOKENS.to_string()),
                    ("anthropic-ratelimit-tokens-remaining", left(TOKENS, all)),
                    ("anthropic-ratelimit-tokens-reset", reset),
                ]
            }
            Dialect::OpenAi => vec![
                ("x-request-id", self.request_id()),
                ("openai-organization", "mock-organization".to_owned()),
                ("openai-processing-ms", "1".to_owned()),
                ("openai-version", "2020-10-01".to_owned()),
                ("x-ratelimit-limit-requests", REQUESTS.to_string()),
                ("x-ratelimit-limit-tokens", TOKENS.to_string()),
                ("x-ratelimit-remaining-requests", requests.to_string()),
                ("x-ratelimit-remaining-tokens", left(TOKENS, all)),
                ("x-ratelimit-reset-requests", "15ms".to_owned()),
                ("x-ratelimit-reset-tokens", "1ms".to_owned()),
            ],
        }
    }
}

/// A time in UTC, to the second. The calendar follows Hinnant, "chrono-Compatible Low-Level Date Algorithms".
pub(crate) fn rfc3339(seconds: u64) -> String {
    let (days, in_day) = (seconds / 86_400, seconds % 86_400);
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era.saturating_sub(day_of_era / 1_460).saturating_add(day_of_era / 36_524))
        .saturating_sub(day_of_era / 146_096)
        / 365;
    let before = (365 * year_of_era).saturating_add(year_of_era / 4).saturating_sub(year_of_era / 100);
    let day_of_year = day_of_era.saturating_sub(before);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year.saturating_sub((153 * from_march + 2) / 5).saturating_add(1);
    let month = if from_march < 10 { from_march + 3 } else { from_march.saturating_sub(9) };
    let year =
        (400_u64.saturating_mul(era)).saturating_add(year_of_era).saturating_add(u64::from(month <= 2));
    let (hour, minute, second) = (in_day / 3_600, in_day / 60 % 60, in_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_as_the_calendar_says() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(rfc3339(951_782_400), "2000-02-29T00:00:00Z");
        assert_eq!(rfc3339(1_795_413_599), "2026-11-23T05:59:59Z");
    }

    #[test]
    fn the_remaining_limits_fall_with_every_request() {
        let signature =
            Signature { dialect: Dialect::OpenAi, seed: Seed(1), number: 9, input: 5, output: 6, now: 0 };
        let headers = signature.headers();
        assert!(headers.contains(&("x-ratelimit-remaining-requests", "3990".to_owned())));
        assert!(headers.contains(&("x-ratelimit-remaining-tokens", "1999989".to_owned())));
    }
}
