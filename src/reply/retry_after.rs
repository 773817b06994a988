//! `retry-after` (RFC 9110 §10.2.3) and `x-should-retry` of Envoy's and other filters' replies: when clients should try
//! again.

use crate::headers::Headers;

/// The wait that a 429 states where it has no `x-ratelimit-reset`, in seconds.
const RETRY_AFTER_SECONDS: u32 = 60;

/// The value of `retry-after`, in seconds. `open_circuit`: the configured wait, where Envoy's circuit is open. The number
/// in `x-ratelimit-reset` comes from Envoy's rate limit filters:
/// <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/rate_limit_filter>.
pub(super) fn retry_after(status: u16, open_circuit: Option<u32>, headers: &Headers) -> Option<u32> {
    match status {
        429 => {
            let reset = headers.text("x-ratelimit-reset").and_then(|reset| reset.trim().parse().ok());
            Some(reset.unwrap_or(RETRY_AFTER_SECONDS))
        }
        _ => open_circuit,
    }
}

/// Whether a client that repeats the request at once would get the same status: `x-should-retry` is `false`. OpenAI's and
/// Anthropic's client libraries read that header.
pub(super) const fn is_final(status: u16) -> bool {
    matches!(status, 400 | 401 | 403 | 404 | 405 | 413 | 415 | 426 | 429 | 501)
}
