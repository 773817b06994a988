//! The request's body, from its first byte until it was forwarded or refused.

use super::arrival::Arrival;
use super::bedrock::BetaHeaders;
use crate::api::request::{
    FedChunk, ModelJudge, ModelRefusal, RequestFacts, RequestProblem, RequestReader, Unreadable,
};
use crate::bridge::Bridge;
use crate::headers::Headers;
use crate::json::Problem;
use crate::provider::Provider;
use crate::reply::Rejection;
use crate::route::PathModel;
use std::rc::Rc;

/// Most allowed patterns in a message.
const NAMED_PATTERNS: usize = 8;

/// The state of the upload. `exchange.rs` draws the edges between the states.
#[derive(Debug)]
pub(super) enum Upload {
    /// Envoy holds headers and body until the body is whole; each part is read as it arrives (Bedrock's `invoke`).
    Held(Box<Held>),
    /// Each chunk is read and then forwarded.
    Reading(Box<Reading>),
    /// The body is whole and was forwarded. Bytes that come after it pass unread.
    Read(RequestFacts),
    /// This filter refused the request. Nothing more is read or forwarded.
    Refused {
        rejection: Rejection,
        /// What was read before the refusal.
        facts: RequestFacts,
    },
}

/// A held request.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) reading: Reading,
    pub(super) betas: BetaHeaders,
}

/// A body that is being read.
#[derive(Debug)]
pub(super) struct Reading {
    reader: RequestReader,
    /// `limits.request_body_bytes`, or the provider's limit if that is lower.
    limit_bytes: u64,
    /// The size that `content-length` declares, in bytes.
    declared: Option<u64>,
    /// How many bytes were read.
    seen: u64,
    /// The object is complete, and the provider's policies allow what it asks for.
    allowed: bool,
}

// === impl Upload ===

impl Upload {
    /// The upload of a request with these headers.
    pub(super) fn begin(bridge: &Bridge, arrival: &Arrival, headers: &Headers) -> Self {
        let mut reading = Reading {
            reader: arrival.api.request_reader(bridge.request_bounds()),
            limit_bytes: bridge.request_body_bytes(&arrival.provider),
            declared: headers.content_length(),
            seen: 0,
            allowed: false,
        };
        let reader = &mut reading.reader;
        if !arrival.provider.asks_for_usage(arrival.api) {
            reader.leave_body();
        }
        if let Some(model) = &arrival.model {
            reader.take_model(model.name.clone());
        }
        if arrival.streamed {
            reader.take_as_streamed();
        }
        if arrival.provider.models.exists() {
            reader.judge_by(Rc::<Provider>::clone(&arrival.provider) as Rc<dyn ModelJudge>);
        }
        match BetaHeaders::of_held_request(&arrival.provider, headers) {
            Some(betas) => Self::Held(Box::new(Held { reading, betas })),
            None => Self::Reading(Box::new(reading)),
        }
    }

    /// What was read of the request so far.
    pub(super) fn facts(&self) -> &RequestFacts {
        match self {
            Self::Held(held) => held.reading.facts(),
            Self::Reading(reading) => reading.facts(),
            Self::Read(facts) | Self::Refused { facts, .. } => facts,
        }
    }

    pub(super) const fn is_held(&self) -> bool {
        matches!(self, Self::Held(_))
    }

    /// Whether further bytes of the body are read.
    pub(super) const fn is_read_on(&self) -> bool {
        matches!(self, Self::Held(_) | Self::Reading(_))
    }

    /// Why this filter refused the request.
    pub(super) const fn rejection(&self) -> Option<&Rejection> {
        match self {
            Self::Refused { rejection, .. } => Some(rejection),
            Self::Held(_) | Self::Reading(_) | Self::Read(_) => None,
        }
    }

    /// Whether the part of the body that has not arrived yet may lead to an edit (`stream_options`).
    pub(super) fn may_be_edited(&self) -> bool {
        matches!(self, Self::Reading(reading) if !reading.allowed)
    }

    /// Marks the body as forwarded to its end, and frees the reader.
    pub(super) fn complete(&mut self) {
        if self.rejection().is_none() {
            *self = Self::Read(self.take_facts());
        }
    }

    /// Marks the request as refused, and frees the reader.
    pub(super) fn refuse(&mut self, rejection: Rejection) {
        *self = Self::Refused { rejection, facts: self.take_facts() };
    }

    fn take_facts(&mut self) -> RequestFacts {
        match core::mem::replace(self, Self::Read(RequestFacts::default())) {
            Self::Held(held) => held.reading.reader.into_facts(),
            Self::Reading(reading) => reading.reader.into_facts(),
            Self::Read(facts) | Self::Refused { facts, .. } => facts,
        }
    }
}

// === impl Reading ===

impl Reading {
    /// What was read of the request so far.
    pub(super) const fn facts(&self) -> &RequestFacts {
        self.reader.facts()
    }

    /// Whether no byte of the body has arrived.
    pub(super) const fn is_untouched(&self) -> bool {
        self.seen == 0
    }

    /// Reads the next chunk.
    ///
    /// A request is refused at the chunk that shows why, before that chunk is forwarded. With a declared length, the
    /// chunk that reaches it is checked as the last one: an HTTP/1 upstream acts on it without waiting for the end of the
    /// stream. Later bytes are read, too.
    pub(super) fn read(&mut self, arrival: &Arrival, chunk: &[u8], end: bool) -> Result<FedChunk, Rejection> {
        self.seen = self.seen.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if self.seen > self.limit_bytes {
            return Err(Rejection::RequestTooLarge);
        }
        let fed = self.reader.feed(chunk).map_err(|problem| body_rejection(&problem))?;
        if fed.is_complete && !self.allowed {
            check_policies(arrival, self.reader.facts())?;
            self.allowed = true;
        }
        if end || self.declared.is_some_and(|declared| self.seen >= declared) {
            self.reader.finish().map_err(|problem| body_rejection(&problem))?;
        }
        Ok(fed)
    }
}

fn body_rejection(problem: &RequestProblem) -> Rejection {
    match problem {
        RequestProblem::Json(error) if error.problem == Problem::Empty => Rejection::EmptyBody,
        RequestProblem::Json(error) => Rejection::InvalidJson(*error),
        RequestProblem::Repeated(name) => Rejection::RepeatedMember(name),
    }
}

/// Whether the provider's model policy allows the model that a path names.
pub(super) fn judge_path_model(provider: &Provider, model: &PathModel) -> Result<(), Rejection> {
    if provider.models.exists() && !model.is_utf8 {
        return Err(Rejection::ModelUnreadable(Unreadable::NotUtf8));
    }
    provider.models.judge(&model.name).map_err(|refusal| model_rejection(provider, refusal))
}

fn model_rejection(provider: &Provider, refusal: ModelRefusal) -> Rejection {
    match refusal {
        ModelRefusal::Denied(model) => {
            let allowed = provider.models.allow.iter().flatten().map(|pattern| pattern.as_str().to_owned());
            Rejection::ModelDenied { model, allowed: allowed.take(NAMED_PATTERNS).collect() }
        }
        ModelRefusal::Unreadable(problem) => Rejection::ModelUnreadable(problem),
    }
}

/// Whether the provider's policies allow what the request asks for.
fn check_policies(arrival: &Arrival, facts: &RequestFacts) -> Result<(), Rejection> {
    let provider = &arrival.provider;
    let refusal = provider.models.judge_requested(facts.model.as_ref()).err();
    if let Some(refusal) = refusal.or_else(|| facts.refusal.clone()) {
        return Err(model_rejection(provider, refusal));
    }
    if facts.background && !provider.allow_background {
        return Err(Rejection::BackgroundRefused);
    }
    Ok(())
}
