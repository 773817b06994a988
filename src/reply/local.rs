//! Replies that Envoy or another filter makes on our routes, put into the caller's dialect.

use crate::api::Api;
use crate::headers::Headers;
use crate::step::{LocalReply, ResponseHead};

/// A reply that somebody on the gateway made, not the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// Its status.
    pub status: u16,
    /// What happened, as one snake-case word.
    pub code: &'static str,
    /// For people.
    pub message: &'static str,
    /// Every host of the cluster is ejected.
    open_circuit: bool,
}

/// Envoy's word for «the upstream answered».
const VIA_UPSTREAM: &str = "via_upstream";
/// Envoy's word for a cluster of which every host is ejected.
const NO_HEALTHY_UPSTREAM: &str = "no_healthy_upstream";
/// Told with a 429 that says nothing itself.
const RETRY_AFTER_SECONDS: u32 = 60;

// === impl Local ===

impl Local {
    /// The local reply that `head` belongs to, if it is one and an error.
    #[must_use]
    pub fn recognise(head: &ResponseHead) -> Option<Self> {
        let details = head.code_details.as_deref().filter(|details| *details != VIA_UPSTREAM)?;
        let status = head.headers.error_status()?;
        let open_circuit = status == 503 && details == NO_HEALTHY_UPSTREAM;
        let (code, message) = match status {
            400 => ("bad_request", "the gateway refused the request"),
            401 => ("unauthorized", "the gateway did not authenticate the caller"),
            403 => ("forbidden", "the gateway does not allow this request"),
            404 => ("not_found", "the gateway has no route for this request"),
            408 => ("request_timeout", "the request did not arrive in time"),
            413 => ("request_too_large", "the request body is too large"),
            429 => ("rate_limited", "a limit of the gateway is reached"),
            503 if open_circuit => ("service_unavailable", "circuit breaker is open"),
            503 => ("service_unavailable", "the upstream could not be reached"),
            504 => ("gateway_timeout", "the upstream did not answer in time"),
            502 => ("bad_gateway", "the upstream's answer was not valid"),
            402..=499 => ("request_refused", "the gateway refused the request"),
            _ => ("gateway_error", "the gateway could not serve the request"),
        };
        Some(Self { status, code, message, open_circuit })
    }

    /// Whether a filter behind ours refused the request. 408 is the client's own slowness.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        self.status < 500 && self.status != 408
    }

    /// The same reply in `dialect`. What the reply's maker put into headers stays, but for what describes its body
    /// (RFC 9110 §8 and §14.4, RFC 9530).
    #[must_use]
    pub fn reply(&self, dialect: Api, open_retry_after_seconds: u32, headers: &Headers) -> LocalReply {
        let mut reply = super::reply(dialect, self.status, self.code, self.message);
        let of_the_body = |name: &str| {
            matches!(
                name,
                "content-type"
                    | "content-encoding"
                    | "content-language"
                    | "content-length"
                    | "content-location"
                    | "content-range"
                    | "content-digest"
                    | "repr-digest"
                    | "etag"
                    | "last-modified"
            )
        };
        let replaced = |name: &str| {
            name.starts_with(':')
                || of_the_body(name)
                || matches!(name, "transfer-encoding" | "date" | "server")
        };
        let kept = headers.iter().filter(|(name, _)| !replaced(name));
        reply.headers.extend(kept.map(|(name, value)| (name.to_owned(), value.to_vec())));
        let mut add = |name: &str, value: String| {
            if !headers.contains(name) {
                reply.headers.push((name.to_owned(), value.into_bytes()));
            }
        };
        match self.status {
            503 if self.open_circuit => add("retry-after", open_retry_after_seconds.to_string()),
            429 => {
                let reset = headers.text("x-ratelimit-reset").and_then(|reset| reset.trim().parse().ok());
                add("retry-after", reset.unwrap_or(RETRY_AFTER_SECONDS).to_string());
                add("x-should-retry", "false".to_owned());
            }
            400 | 401 | 403 | 404 | 405 | 413 | 415 | 426 | 501 => add("x-should-retry", "false".to_owned()),
            _ => {}
        }
        reply
    }
}
