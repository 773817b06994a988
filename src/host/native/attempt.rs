//! One attempt, in the upstream filter of a member's cluster.

use super::abi::{Attribute, Body, HeaderMap};
use super::calls::Filter;
use super::stream::FILTER_STATE;
use crate::config::Upstream;
use crate::host::tickets::{self, Open};
use crate::pool::{AttemptStream, Failure, TICKET_PROPERTY};
use crate::reply::pool_not_ready;
use crate::step::Flow;
use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

/// An attempt at the member of `upstream`.
pub(super) struct Attempt {
    upstream: Arc<Upstream>,
    begun: RefCell<Option<Begun>>,
    /// A hook of the request has panicked.
    broken: Cell<bool>,
}

struct Begun {
    stream: AttemptStream,
    open: Open,
    /// How long Envoy waits for response headers, if that is limited.
    limit: Option<Duration>,
    over: Cell<bool>,
}

/// Envoy's header with the time for which it waits for response headers, in milliseconds.
const LIMIT_HEADER: &str = "x-envoy-expected-rq-timeout-ms";

// === impl Attempt ===

impl Attempt {
    pub(super) const fn new(upstream: Arc<Upstream>) -> Self {
        Self { upstream, begun: RefCell::new(None), broken: Cell::new(false) }
    }

    pub(super) fn request_headers(&self, filter: Filter) -> Flow {
        let open = open(filter);
        let Upstream { provider, member } = &*self.upstream;
        let begun = open.and_then(|open| {
            let (stream, edits) = AttemptStream::begin(&open.ticket, provider, member, open.now(), || {
                filter.headers(HeaderMap::Request)
            })?;
            Some((stream, edits, open))
        });
        let Some((stream, edits, open)) = begun else {
            log::error!(
                "a request to member \"{member}\" of the pool of \"{provider}\" answered 503: it did not come by a \
                 route of that pool, or the main filter is another module"
            );
            filter.reply(&pool_not_ready());
            return Flow::Stop;
        };
        let limit = filter.headers(HeaderMap::Request).text(LIMIT_HEADER).and_then(|ms| ms.parse().ok());
        filter.edit_headers(HeaderMap::Request, &edits);
        let limit = limit.map(Duration::from_millis);
        *self.begun.borrow_mut() = Some(Begun { stream, open, limit, over: Cell::new(false) });
        Flow::Continue
    }

    pub(super) fn request_body(&self, filter: Filter, end: bool) -> Flow {
        let mut begun = self.begun.borrow_mut();
        let Some(Begun { stream, .. }) = begun.as_mut().filter(|begun| begun.stream.reads_request()) else {
            return Flow::Continue;
        };
        let instead = filter.with_body(Body::ReceivedRequest, |parts| {
            if let [only] = parts {
                return stream.request_body(only.bytes(), end);
            }
            let parts: Vec<&[u8]> = parts.iter().map(super::abi::Buffer::bytes).collect();
            stream.request_body(&parts.concat(), end)
        });
        drop(begun);
        if let Some(bytes) = instead {
            filter.replace_body(Body::ReceivedRequest, &bytes);
        }
        Flow::Continue
    }

    pub(super) fn response_headers(&self, filter: Filter) -> Flow {
        let edits = {
            let mut begun = self.begun.borrow_mut();
            let Some(Begun { stream, open, .. }) = begun.as_mut() else { return Flow::Continue };
            let (edits, measured) = stream.response_headers(&filter.headers(HeaderMap::Response), open.now());
            open.report.measurements.borrow_mut().extend(measured);
            edits
        };
        filter.edit_headers(HeaderMap::Response, &edits);
        Flow::Continue
    }

    pub(super) fn is_over(&self) -> bool {
        self.broken.get()
    }

    /// Ends the attempt after a panic in one of its hooks; the main filter notes and counts it. A reply takes the place of
    /// the request, but an answer that is there passes on: the main filter reads it.
    pub(super) fn cut(&self, filter: Filter, is_answered: bool) -> Flow {
        if let Some(open) = open(filter) {
            let failures = &open.report.failures;
            failures.set(failures.get().saturating_add(1));
        }
        if is_answered {
            self.begun.take();
            return Flow::Continue;
        }
        self.broken.set(true);
        filter.reply(&pool_not_ready());
        Flow::Stop
    }

    /// Envoy is about to destroy its part of the attempt.
    pub(super) fn destroy(&self) {
        let begun = self.begun.borrow();
        let Some(Begun { stream, open, limit, over }) = &*begun else { return };
        if over.replace(true) || !stream.is_unanswered() {
            return;
        }
        // Envoy knows the local address as soon as the attempt has a connection, new or reused.
        let main = open.report.main.get();
        let is_connect_failure =
            main.is_some_and(|main| main.attribute(Attribute::UpstreamLocalAddress).is_none());
        stream.over(Failure { is_connect_failure, limit: *limit }, open.clock.now());
    }
}

/// The ticket of the request, where the main filter has left one.
fn open(filter: Filter) -> Option<Open> {
    tickets::find(&filter.filter_state(&format!("{FILTER_STATE}{TICKET_PROPERTY}"))?)
}
