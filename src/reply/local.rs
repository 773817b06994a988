//! Recognises replies that Envoy or another filter makes on this filter's routes, and rewrites them in the error shape of
//! the caller's API.

use super::pool_not_ready::{MESSAGE as NOT_READY, POOL_NOT_READY, REASON_HEADER};
use super::retry_after::{is_final, retry_after};
use crate::dialect::Dialect;
use crate::headers::Headers;
use crate::step::{LocalReply, ResponseHead};

/// An error reply that Envoy or a filter made, not the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// The HTTP status, at least 400.
    pub status: u16,
    /// The reason as one snake-case word.
    pub code: &'static str,
    /// The message to the caller.
    pub message: String,
    /// The value of `retry-after`, in seconds, where the reply has none yet.
    retry_after: Option<u32>,
}

/// The response code details of a response that the upstream made:
/// <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details>.
const VIA_UPSTREAM: &str = "via_upstream";
/// The response code details where no host of the cluster is healthy.
const NO_HEALTHY_UPSTREAM: &str = "no_healthy_upstream";

// === impl Local ===

impl Local {
    /// The local error reply to which `head` belongs; `None` for other responses. `open_retry_after_seconds`: the configured
    /// wait where Envoy's circuit is open.
    #[must_use]
    pub fn recognise(head: &ResponseHead, open_retry_after_seconds: u32) -> Option<Self> {
        let details = head.code_details.as_deref().filter(|details| *details != VIA_UPSTREAM)?;
        let status = head.headers.error_status()?;
        let open_circuit = status == 503 && details == NO_HEALTHY_UPSTREAM;
        let (code, message) = match status {
            400 => (
                "bad_request",
                "AI gateway: the request was refused as invalid. Correct it, or ask the operator.",
            ),
            401 => (
                "unauthorized",
                "AI gateway: you are not authenticated. Sign in to the gateway, or ask the operator.",
            ),
            403 => ("forbidden", "AI gateway: you may not make this request. Ask the operator for access."),
            404 => ("not_found", "AI gateway: the route to the provider is missing. Ask the operator."),
            408 => ("request_timeout", "AI gateway: the request did not arrive in time. Send it again."),
            413 => (
                "request_too_large",
                "AI gateway: the request body is too large. Send a shorter one, or ask the operator.",
            ),
            429 => (
                "rate_limited",
                "AI gateway: a limit of the gateway is reached. Ask the operator, or try again",
            ),
            503 if open_circuit => (
                "service_unavailable",
                "AI gateway: the provider has failed several times, so its circuit breaker is open. Try again",
            ),
            503 => (
                "service_unavailable",
                "AI gateway: the provider could not be reached. Try again, or ask the operator.",
            ),
            504 => ("gateway_timeout", "AI gateway: the provider did not answer in time. Try again."),
            502 => (
                "bad_gateway",
                "AI gateway: the provider's answer was not valid HTTP. Try again, or ask the operator.",
            ),
            402..=499 => {
                ("request_refused", "AI gateway: the request was refused. Correct it, or ask the operator.")
            }
            _ => (
                "gateway_error",
                "AI gateway: the request could not be served. Try again, or ask the operator.",
            ),
        };
        let stated = head.headers.text("retry-after");
        let retry_after =
            retry_after(status, open_circuit.then_some(open_retry_after_seconds), &head.headers);
        let mut message = message.to_owned();
        if let Some(seconds) = retry_after {
            let seconds = stated.map_or(Some(seconds), |stated| stated.trim().parse().ok());
            let after =
                seconds.map_or_else(String::new, |seconds| [" in ", &seconds.to_string(), " s"].concat());
            message.extend([&after, "."]);
        }
        Some(Self { status, code, message, retry_after })
    }

    /// The reply [`pool_not_ready`](super::pool_not_ready()) of an upstream filter, which Envoy takes for the upstream's.
    #[must_use]
    pub fn not_ready(headers: &Headers) -> Option<Self> {
        let is_meant = headers.status() == Some(503) && headers.text(REASON_HEADER) == Some(POOL_NOT_READY);
        is_meant.then_some(Self {
            status: 503,
            code: POOL_NOT_READY,
            message: NOT_READY.to_owned(),
            retry_after: None,
        })
    }

    /// Whether a filter behind this one refused the request. 408 is no refusal: the client was too slow.
    #[must_use]
    pub const fn is_refusal(&self) -> bool {
        self.status < 500 && self.status != 408
    }

    /// The same reply in the error shape of `dialect`. The original headers stay, except those that describe the body
    /// (RFC 9110 §8 and §14.4, RFC 9530).
    #[must_use]
    pub fn reply(&self, dialect: Dialect, headers: &Headers) -> LocalReply {
        let mut reply = super::reply(dialect, self.status, self.code, &self.message);
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
                || name == REASON_HEADER
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
        if let Some(seconds) = self.retry_after {
            add("retry-after", seconds.to_string());
        }
        if is_final(self.status) {
            add("x-should-retry", "false".to_owned());
        }
        reply
    }
}
