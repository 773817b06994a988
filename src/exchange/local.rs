//! Replies that Envoy or another filter makes on our routes, put into the caller's dialect (contract §9), and
//! passthrough, of which nothing else is looked at.

use super::admission;
use crate::api::Api;
use crate::bridge::Bridge;
use crate::credential::CredentialKind;
use crate::headers::Headers;
use crate::metric::{Metric, Series};
use crate::provider::Provider;
use crate::rejection::{self, Rejection};
use crate::step::{Effect, Flow, LocalReply, ResponseHead, Step};
use std::rc::Rc;

/// A reply that somebody on the gateway made, not the upstream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Local {
    /// Its status.
    pub(super) status: u16,
    /// What happened, as one snake-case word.
    pub(super) code: &'static str,
    /// For people.
    pub(super) message: &'static str,
    /// Every host of the cluster is ejected.
    open_circuit: bool,
}

/// A passthrough stream.
#[derive(Debug)]
pub(super) struct Passthrough {
    pub(super) provider: Rc<Provider>,
    dialect: Api,
    kind: CredentialKind,
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
    pub(super) fn recognise(head: &ResponseHead) -> Option<Self> {
        let details = head.code_details.as_deref().filter(|details| *details != VIA_UPSTREAM)?;
        let status = error_status(&head.headers)?;
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
    pub(super) const fn is_refusal(&self) -> bool {
        self.status < 500 && self.status != 408
    }

    /// The same reply in `dialect`. What the reply's maker put into headers stays, but for what describes its body
    /// (RFC 9110 §8 and §14.4, RFC 9530).
    pub(super) fn reply(&self, dialect: Api, open_retry_after_seconds: u32, headers: &Headers) -> LocalReply {
        let mut reply = rejection::reply(dialect, self.status, self.code, self.message);
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

/// The status of a response that is an error.
pub(super) fn error_status(headers: &Headers) -> Option<u16> {
    status(headers).filter(|status| *status >= 400)
}

/// The status of a response.
pub(super) fn status(headers: &Headers) -> Option<u16> {
    headers.text(":status")?.parse().ok()
}

// === impl Passthrough ===

impl Passthrough {
    pub(super) const fn new(provider: Rc<Provider>, dialect: Api, kind: CredentialKind) -> Self {
        Self { provider, dialect, kind }
    }

    /// It cannot go on after all.
    pub(super) fn refuse(&self, bridge: &Bridge, rejection: &Rejection) -> Step {
        admission::refusal(bridge, (&self.provider.name).into(), rejection, self.dialect)
    }

    pub(super) fn response_headers(&self, bridge: &Bridge, head: &ResponseHead) -> Step {
        let mut step = Step::pass();
        let local = Local::recognise(head);
        if bridge.metrics {
            step.effects = self.measurements(head, local.as_ref());
        }
        if let Some(local) = local {
            let reply = local.reply(self.dialect, self.provider.open_retry_after_seconds, &head.headers);
            step.effects.push(Effect::Reply(reply));
            step.flow = Flow::Stop;
        }
        step
    }

    fn measurements(&self, head: &ResponseHead, local: Option<&Local>) -> Vec<Effect> {
        let class = match status(&head.headers) {
            Some(200..=299) => "2xx",
            Some(300..=399) => "3xx",
            Some(400..=499) => "4xx",
            Some(500..=599) => "5xx",
            _ => "unknown",
        };
        let series = Series::new(Metric::Passthrough, [(&self.provider.name).into(), class.into()]);
        let mut measured = vec![Effect::Measure(series.measured(1))];
        match local {
            Some(local) if local.is_refusal() => {
                measured.push(Effect::Measure(admission::refused((&self.provider.name).into(), local.code)));
            }
            None if self.kind == CredentialKind::Centralized => {
                measured.extend(headroom(&self.provider.name, &head.headers));
            }
            Some(_) | None => {}
        }
        measured
    }
}

/// What the provider says is left for our key.
pub(super) fn headroom(provider: &Rc<str>, headers: &Headers) -> Vec<Effect> {
    let gauges = HEADROOM.iter().filter_map(|(header, of)| {
        let left = headers.text(header)?.trim().parse().ok()?;
        let series = Series::new(Metric::UpstreamRemaining, [provider.into(), (*of).into()]);
        Some(Effect::Measure(series.measured(left)))
    });
    gauges.collect()
}

/// <https://docs.anthropic.com/en/api/rate-limits#response-headers>,
/// <https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers>
const HEADROOM: [(&str, &str); 6] = [
    ("anthropic-ratelimit-requests-remaining", "requests"),
    ("anthropic-ratelimit-tokens-remaining", "tokens"),
    ("anthropic-ratelimit-input-tokens-remaining", "input_tokens"),
    ("anthropic-ratelimit-output-tokens-remaining", "output_tokens"),
    ("x-ratelimit-remaining-requests", "requests"),
    ("x-ratelimit-remaining-tokens", "tokens"),
];
