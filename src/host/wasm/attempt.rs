//! The context of one attempt, in the upstream filter of a member's cluster.

use super::hostcalls::{self, Side};
use super::tickets::{self, Open};
use crate::config::Upstream;
use crate::headers::Headers;
use crate::pool::{AttemptStream, Failure, TICKET_PROPERTY};
use crate::reply::pool_not_ready;
use core::time::Duration;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::rc::Rc;

/// An attempt at the member of `upstream`.
pub(super) struct Attempt {
    upstream: Rc<Upstream>,
    begun: Option<(AttemptStream, Open)>,
}

impl Attempt {
    pub(super) const fn new(upstream: Rc<Upstream>) -> Self {
        Self { upstream, begun: None }
    }
}

impl Context for Attempt {
    fn on_done(&mut self) -> bool {
        if let Some((attempt, open)) = &self.begun
            && attempt.is_unanswered()
        {
            // Envoy knows it as soon as there is a connection, be it a new one or not.
            let local_address = hostcalls::property(vec!["upstream", "local_address"]);
            let limit = hostcalls::property(vec!["request", "headers", "x-envoy-expected-rq-timeout-ms"]);
            let limit = limit.and_then(|limit| core::str::from_utf8(&limit).ok()?.parse().ok());
            let failure = Failure {
                is_connect_failure: local_address.is_none_or(|address| address.is_empty()),
                limit: limit.map(Duration::from_millis),
            };
            attempt.over(failure, open.clock());
        }
        true
    }
}

impl HttpContext for Attempt {
    fn on_http_request_headers(&mut self, _count: usize, _end: bool) -> Action {
        let open = hostcalls::property(vec![TICKET_PROPERTY]).and_then(|id| tickets::find(&id));
        let Upstream { provider, member } = &*self.upstream;
        let begun = open.and_then(|open| {
            let headers = || hostcalls::headers(Side::Request);
            let begun = AttemptStream::begin(&open.ticket, provider, member, open.now(), headers)?;
            Some((begun, open))
        });
        let Some(((attempt, edits), open)) = begun else {
            log::error!(
                "a request to member \"{member}\" of the pool of \"{provider}\" answered 503: it did not come by a \
                 route of that pool, or the main filter is not in this VM (the same vm_id, code and vm_config)"
            );
            hostcalls::reply(&pool_not_ready());
            return Action::Pause;
        };
        hostcalls::edit_headers(Side::Request, &edits);
        self.begun = Some((attempt, open));
        Action::Continue
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        if let Some((attempt, _)) = &mut self.begun
            && attempt.reads_request()
            && let Some(bytes) = attempt.request_body(&hostcalls::chunk(Side::Request, size), end)
        {
            hostcalls::replace_chunk(Side::Request, size, &bytes);
        }
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _count: usize, _end: bool) -> Action {
        let Some((attempt, open)) = &mut self.begun else { return Action::Continue };
        let status = hostcalls::header(Side::Response, ":status").unwrap_or_default();
        let number = core::str::from_utf8(&status).ok().and_then(|status| status.parse().ok()).unwrap_or(0);
        let headers = if attempt.reads_response(number) {
            hostcalls::headers(Side::Response)
        } else {
            Headers::new(vec![(":status".to_owned(), status)])
        };
        let (edits, measurement) = attempt.response_headers(&headers, open.now());
        hostcalls::edit_headers(Side::Response, &edits);
        if let Some(measurement) = measurement {
            open.metrics.borrow_mut().keep(measurement);
        }
        Action::Continue
    }
}
