//! The types that exchange and host share: the input of a callback, and what the host has to do after it.

use crate::headers::{HeaderEdits, Headers};
use crate::metric::Measurement;
use crate::values::Value;
use core::fmt;
use core::time::Duration;
use std::borrow::Cow;

/// The request's headers, with what else the host provides in their callback.
#[derive(Debug)]
pub struct RequestHead {
    /// Pseudo headers included.
    pub headers: Headers,
    /// The value of the host property `actor.property`, where that is configured and set.
    pub actor_property: Option<Vec<u8>>,
    /// The request has no body and no trailers.
    pub end: bool,
}

/// The response's headers, with what else the host provides in their callback.
#[derive(Debug)]
pub struct ResponseHead {
    /// Pseudo headers included.
    pub headers: Headers,
    /// Envoy's `response.code_details`: `via_upstream`, or why Envoy or a filter replied. Needed only where
    /// [`Exchange::asks_who_answers`](crate::exchange::Exchange::asks_who_answers) is true.
    pub code_details: Option<String>,
    /// The response has no body and no trailers.
    pub end: bool,
}

/// How a stream ended.
#[derive(Debug)]
pub struct Ending {
    /// Envoy's `response.code_details` at the end, which names the side that broke the stream off. Needed only where
    /// [`Exchange::asks_how_it_ended`](crate::exchange::Exchange::asks_how_it_ended) is true.
    pub code_details: Option<String>,
    /// When it ended, by the same clock as in the stream's other callbacks: durations are measured with it.
    pub now: Duration,
    /// The wall clock's time at the end, since the Unix epoch. It differs from `now` where the wall clock was set meanwhile.
    pub wall: Duration,
}

/// What the host has to do after a callback, and how the stream goes on.
#[derive(Debug, Default)]
pub struct Step {
    /// The actions, to be carried out in this order.
    pub effects: Vec<Effect>,
    /// What the callback returns to Envoy.
    pub flow: Flow,
}

/// How the stream goes on after a callback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// The headers or the chunk at hand are forwarded.
    #[default]
    Continue,
    /// The headers or the chunk at hand are not forwarded: a reply or a reset follows.
    Stop,
    /// Envoy holds the request's headers and body until the body is whole.
    Hold,
    /// The held request is whole: the host calls [`Exchange::release`](crate::exchange::Exchange::release) with its body
    /// and carries out that step.
    Release,
}

/// One action of the host. `Debug` shows no bodies, header values or records.
pub enum Effect {
    /// Change the request's headers.
    EditRequestHeaders(HeaderEdits),
    /// Change the request's trailers.
    EditRequestTrailers(HeaderEdits),
    /// Change the response's headers.
    EditResponseHeaders(HeaderEdits),
    /// Send these bytes to the upstream instead of the chunk at hand.
    ReplaceRequestChunk(Vec<u8>),
    /// Send these bytes to the client instead of the chunk at hand.
    ReplaceResponseChunk(Vec<u8>),
    /// Reply to the client. The request does not reach the upstream, or the upstream's stream is reset.
    Reply(LocalReply),
    /// Reset the stream: the response has begun, so that no reply can be sent.
    Reset,
    /// Set the property `name` (Envoy: `%FILTER_STATE(wasm.{name}:PLAIN)%`).
    Publish {
        /// `ai_bridge_…`
        name: Cow<'static, str>,
        /// UTF-8 text.
        value: Value,
    },
    /// Add a measurement to a metric of Envoy.
    Measure(Measurement),
}

impl fmt::Debug for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EditRequestHeaders(edits) => write!(f, "EditRequestHeaders({edits:?})"),
            Self::EditRequestTrailers(edits) => write!(f, "EditRequestTrailers({edits:?})"),
            Self::EditResponseHeaders(edits) => write!(f, "EditResponseHeaders({edits:?})"),
            Self::ReplaceRequestChunk(bytes) => write!(f, "ReplaceRequestChunk({} bytes)", bytes.len()),
            Self::ReplaceResponseChunk(bytes) => write!(f, "ReplaceResponseChunk({} bytes)", bytes.len()),
            Self::Reply(reply) => write!(f, "Reply({})", reply.status),
            Self::Reset => f.write_str("Reset"),
            Self::Publish { name, .. } => write!(f, "Publish({name})"),
            Self::Measure(measurement) => write!(f, "Measure({measurement:?})"),
        }
    }
}

/// A reply that the gateway makes itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalReply {
    /// HTTP status, 400 to 599.
    pub status: u16,
    /// Lower-case name and value, `content-type` included. Envoy adds the others that HTTP needs.
    pub headers: Vec<(String, Vec<u8>)>,
    /// JSON in the shape that the caller's API has for errors.
    pub body: String,
}

impl LocalReply {
    /// Makes `edits` in the headers.
    pub fn edit(&mut self, edits: HeaderEdits) {
        self.headers.retain(|(name, _)| edits.keeps(name));
        self.headers.extend(edits.set.into_iter().map(|(name, value)| (name.into_owned(), value)));
    }
}

impl Step {
    /// No effects; the stream continues.
    #[must_use]
    pub fn pass() -> Self {
        Self::default()
    }
}

/// The beginnings of `code_details` when the client closed the stream or broke its protocol.
/// <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details>
const BY_CLIENT: [&str; 5] = ["downstream", "http1.", "http2.", "http3.", "codec_error"];
/// The beginning of `code_details` when Envoy closed the client's connection, as after a listener's drain time.
const BY_GATEWAY: &str = "downstream_local_disconnect";

impl Ending {
    /// Whether the client closed the stream or broke its protocol.
    pub(crate) fn is_by_client(&self) -> bool {
        !self.is_by_gateway() && BY_CLIENT.iter().any(|side| self.details().starts_with(side))
    }

    /// Whether Envoy itself closed the client's connection.
    pub(crate) fn is_by_gateway(&self) -> bool {
        self.details().starts_with(BY_GATEWAY)
    }

    fn details(&self) -> &str {
        self.code_details.as_deref().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Ending;
    use core::time::Duration;

    #[test]
    fn code_details_name_the_side_that_ended_the_stream() {
        for (details, client, gateway) in [
            (Some("downstream_remote_disconnect"), true, false),
            (Some("http1.codec_error"), true, false),
            (Some("http2.remote_reset"), true, false),
            (Some("codec_error:The user callback failed"), true, false),
            (Some("downstream_local_disconnect(drain)"), false, true),
            (Some("upstream_reset_after_response_started{remote_reset}"), false, false),
            (Some("via_upstream"), false, false),
            (None, false, false),
        ] {
            let code_details = details.map(str::to_owned);
            let ending = Ending { code_details, now: Duration::ZERO, wall: Duration::ZERO };
            assert_eq!((ending.is_by_client(), ending.is_by_gateway()), (client, gateway), "{details:?}");
        }
    }
}
