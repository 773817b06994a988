//! One stream of the filter: a client's, or one attempt at a pool's member.

use super::attempt::Attempt;
use super::calls::Filter;
use super::stream::Stream;
use crate::step::Flow;

pub(super) enum AnyStream {
    Main(Stream),
    Attempt(Attempt),
}

// === impl AnyStream ===

impl AnyStream {
    pub(super) fn request_headers(&self, filter: Filter, end: bool) -> Flow {
        match self {
            Self::Main(stream) => stream.request_headers(filter, end),
            Self::Attempt(attempt) => attempt.request_headers(filter),
        }
    }

    pub(super) fn request_body(&self, filter: Filter, end: bool) -> Flow {
        match self {
            Self::Main(stream) => stream.request_body(filter, end),
            Self::Attempt(attempt) => attempt.request_body(filter, end),
        }
    }

    pub(super) fn request_trailers(&self, filter: Filter) -> Flow {
        match self {
            Self::Main(stream) => stream.request_trailers(filter),
            Self::Attempt(_) => Flow::Continue,
        }
    }

    pub(super) fn response_headers(&self, filter: Filter, end: bool) -> Flow {
        match self {
            Self::Main(stream) => stream.response_headers(filter, end),
            Self::Attempt(attempt) => attempt.response_headers(filter),
        }
    }

    pub(super) fn response_body(&self, filter: Filter, end: bool) -> Flow {
        match self {
            Self::Main(stream) => stream.response_body(filter, end),
            Self::Attempt(_) => Flow::Continue,
        }
    }

    pub(super) fn response_trailers(&self, filter: Filter) -> Flow {
        match self {
            Self::Main(stream) => stream.response_trailers(filter),
            Self::Attempt(_) => Flow::Continue,
        }
    }

    /// The client's stream is over.
    pub(super) fn complete(&self, filter: Filter) {
        if let Self::Main(stream) = self {
            stream.complete(filter);
        }
    }

    /// The same after [`complete`](Self::complete) has panicked.
    pub(super) fn complete_after_failure(&self, filter: Filter) {
        if let Self::Main(stream) = self {
            stream.complete_after_failure(filter);
        }
    }

    /// Envoy is about to destroy its part.
    pub(super) fn destroy(&self) {
        match self {
            Self::Main(stream) => stream.destroy(),
            Self::Attempt(attempt) => attempt.destroy(),
        }
    }

    /// Whether this is an attempt.
    pub(super) const fn is_attempt(&self) -> bool {
        matches!(self, Self::Attempt(_))
    }

    /// Whether the hooks do nothing any more.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Main(stream) => stream.is_over(),
            Self::Attempt(attempt) => attempt.is_over(),
        }
    }

    /// Cuts the stream, or the attempt, after a panic in one of its hooks; `is_answered`: in one of the response.
    pub(super) fn cut(&self, filter: Filter, is_answered: bool) -> Flow {
        match self {
            Self::Main(stream) => {
                stream.cut(filter);
                Flow::Stop
            }
            Self::Attempt(attempt) => attempt.cut(filter, is_answered),
        }
    }
}
