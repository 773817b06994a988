//! The response headers in which providers state what is left of a limit, and when it is full again: Anthropic
//! <https://docs.anthropic.com/en/api/rate-limits#response-headers>, OpenAI and those that follow it
//! <https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers>, others
//! <https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/03/>.

/// The headers of one limit.
pub(crate) struct ProviderLimit {
    /// What is limited, as the metrics name it. `None`: the headers do not say it.
    pub(crate) of: Option<&'static str>,
    pub(crate) remaining: &'static str,
    pub(crate) reset: &'static str,
}

/// The limits that providers state.
pub(crate) const PROVIDER_LIMITS: [ProviderLimit; 8] = [
    limit(Some("requests"), "anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    limit(Some("tokens"), "anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    limit(
        Some("input_tokens"),
        "anthropic-ratelimit-input-tokens-remaining",
        "anthropic-ratelimit-input-tokens-reset",
    ),
    limit(
        Some("output_tokens"),
        "anthropic-ratelimit-output-tokens-remaining",
        "anthropic-ratelimit-output-tokens-reset",
    ),
    limit(Some("requests"), "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    limit(Some("tokens"), "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    limit(None, "x-ratelimit-remaining", "x-ratelimit-reset"),
    limit(None, "ratelimit-remaining", "ratelimit-reset"),
];

const fn limit(of: Option<&'static str>, remaining: &'static str, reset: &'static str) -> ProviderLimit {
    ProviderLimit { of, remaining, reset }
}
