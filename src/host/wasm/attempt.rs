//! The context of one attempt, in the upstream filter of a member's cluster.

use super::hostcalls::{self, Side};
use crate::config::Upstream;
use crate::headers::Headers;
use crate::host::tickets::{self, Open};
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

/// How much of a chunk is read at once.
const PIECE_BYTES: usize = 64 * 1024;

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
            // Envoy knows the local address as soon as the attempt has a connection, new or reused.
            let local_address = hostcalls::property(vec!["upstream", "local_address"]);
            let limit = hostcalls::property(vec!["request", "headers", "x-envoy-expected-rq-timeout-ms"]);
            let limit = limit.and_then(|limit| core::str::from_utf8(&limit).ok()?.parse().ok());
            let failure = Failure {
                is_connect_failure: local_address.is_none_or(|address| address.is_empty()),
                limit: limit.map(Duration::from_millis),
            };
            attempt.over(failure, open.clock.now());
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
        let Some((attempt, _)) = &mut self.begun else { return Action::Continue };
        // Envoy replays a body in one chunk. It is read in pieces until its model is found.
        let (mut passed, mut left) = (0_usize, size);
        while attempt.reads_request() {
            let piece = left.min(PIECE_BYTES);
            left = left.saturating_sub(piece);
            let read = passed.saturating_add(piece);
            if let Some(bytes) =
                attempt.request_body(&hostcalls::part(Side::Request, passed, read), end && left == 0)
            {
                // Envoy replaces only the beginning of a chunk.
                let mut begin = hostcalls::part(Side::Request, 0, passed);
                begin.extend_from_slice(&bytes);
                hostcalls::replace_chunk(Side::Request, read, &begin);
                passed = begin.len();
            } else {
                passed = read;
            }
            if left == 0 {
                break;
            }
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
        let (edits, measured) = attempt.response_headers(&headers, open.now());
        hostcalls::edit_headers(Side::Response, &edits);
        for measurement in measured {
            open.report.borrow_mut().keep(measurement);
        }
        Action::Continue
    }
}
