//! The vocabulary between the exchange and the host: what goes in with a callback and what is to be done after it.

use crate::headers::{HeaderEdits, Headers};
use crate::metric::Measurement;
use core::fmt;
use core::time::Duration;
use std::borrow::Cow;

/// What the host knows when request headers come.
#[derive(Debug)]
pub struct RequestHead {
    /// All of them, pseudo headers included.
    pub headers: Headers,
    /// The host property that names the actor, where one is configured and present.
    pub actor_property: Option<Vec<u8>>,
    /// There is no body.
    pub end: bool,
}

/// What the host knows when response headers come.
#[derive(Debug)]
pub struct ResponseHead {
    /// All of them, pseudo headers included.
    pub headers: Headers,
    /// Envoy's `response.code_details`: `via_upstream`, or why Envoy or a filter answers itself. Needed only where
    /// [`Exchange::asks_who_answers`](crate::exchange::Exchange::asks_who_answers).
    pub code_details: Option<String>,
    /// There is no body.
    pub end: bool,
}

/// What the host knows when a stream is over.
#[derive(Debug)]
pub struct Ending {
    /// Envoy's `response.code_details` at the end: who cut the stream, where somebody did. Needed only where
    /// [`Exchange::asks_how_it_ended`](crate::exchange::Exchange::asks_how_it_ended).
    pub code_details: Option<String>,
    /// When: time since the Unix epoch.
    pub now: Duration,
}

/// What is to be done, in this order, and how the stream goes on.
#[derive(Debug, Default)]
pub struct Step {
    /// Carried out in order.
    pub effects: Vec<Effect>,
    /// What the callback answers.
    pub flow: Flow,
}

/// How the stream goes on after a callback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// What was looked at passes.
    #[default]
    Continue,
    /// What was looked at goes nowhere: a reply or a reset is on its way.
    Stop,
    /// The request's headers wait, and its body with them, until it is whole.
    Hold,
    /// The request is whole: its body is given to [`Exchange::release`](crate::exchange::Exchange::release), and that
    /// step carried out.
    Release,
}

/// One thing for the host to do. `Debug` shows no bodies, header values or records.
pub enum Effect {
    /// Change the request's headers.
    EditRequestHeaders(HeaderEdits),
    /// Change the request's trailers.
    EditRequestTrailers(HeaderEdits),
    /// Change the response's headers.
    EditResponseHeaders(HeaderEdits),
    /// Send these bytes to the upstream instead of the chunk that was looked at.
    ReplaceRequestChunk(Vec<u8>),
    /// Send these bytes to the client instead of the chunk that was looked at.
    ReplaceResponseChunk(Vec<u8>),
    /// Answer the client; the upstream is not asked, or its stream is reset.
    Reply(LocalReply),
    /// Cut the stream: the answer has begun and cannot be replaced.
    Reset,
    /// Set the property `name` (Envoy: `%FILTER_STATE(wasm.{name}:PLAIN)%`).
    Publish {
        /// `ai_bridge_…`
        name: Cow<'static, str>,
        /// UTF-8 text.
        value: Cow<'static, [u8]>,
    },
    /// Keep a metric.
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

/// An answer of our own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalReply {
    /// HTTP status.
    pub status: u16,
    /// Besides those that Envoy adds.
    pub headers: Vec<(String, Vec<u8>)>,
    /// JSON in the caller's dialect.
    pub body: String,
}

impl Step {
    /// Nothing to do.
    #[must_use]
    pub fn pass() -> Self {
        Self::default()
    }
}
