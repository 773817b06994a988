//! Requests whose headers wait for their body. A host without `allow_on_headers_stop_iteration` holds the headers and never
//! delivers the body, so such a request would wait until the idle timeout. The first body that arrives shows that the host
//! delivers bodies.

use super::monotonic::monotonic;
use crate::exchange::Exchange;
use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::rc::Rc;

/// An exchange that its stream and the root context share.
pub(super) type SharedExchange = Rc<RefCell<Exchange>>;

/// One for each worker. Holds at most the open requests.
#[derive(Default)]
pub(super) struct Waiting {
    /// Empty after the first body has arrived.
    requests: RefCell<Vec<Held>>,
    delivers: Cell<bool>,
}

/// A request whose headers wait.
struct Held {
    /// The id of the stream's context.
    context: u32,
    since: Duration,
    /// The bytes that the host had received of the request when its headers arrived.
    counted: Option<u64>,
    exchange: SharedExchange,
}

/// How long a request's headers may wait. If by then the host has received a part of the body and delivered none, the
/// request is refused: the host does not deliver bodies.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// The interval between two checks.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

impl Waiting {
    /// Adds a request whose headers begin to wait, unless the host is known to deliver bodies.
    pub(super) fn begin(&self, context: u32, counted: Option<u64>, exchange: &SharedExchange) {
        if !self.delivers.get() {
            let exchange = Rc::clone(exchange);
            self.requests.borrow_mut().push(Held { context, since: monotonic(), counted, exchange });
        }
    }

    /// Notes that a body has arrived: the host delivers bodies, and no request needs watching.
    pub(super) fn delivered(&self) {
        if !self.delivers.replace(true) {
            self.requests.borrow_mut().clear();
        }
    }

    /// Watches requests again, because the host's settings may have changed with the configuration.
    pub(super) fn reconfigured(&self) {
        self.delivers.set(false);
    }

    /// Removes a request whose stream is over.
    pub(super) fn end(&self, context: u32) {
        self.requests.borrow_mut().retain(|held| held.context != context);
    }

    /// Removes and returns the requests that have waited too long although their client has sent a part of the body.
    /// `count` asks the host how many bytes of a request it has received.
    pub(super) fn overdue(&self, count: impl Fn(u32) -> Option<u64>) -> Vec<(u32, SharedExchange)> {
        let late = |held: &mut Held| {
            let waited = monotonic().saturating_sub(held.since) >= PATIENCE;
            waited && held.has_arrived(count(held.context))
        };
        let mut requests = self.requests.borrow_mut();
        requests.extract_if(.., late).map(|held| (held.context, held.exchange)).collect()
    }
}

impl Held {
    /// Whether the host has received a part of the body; otherwise the client may be slow. The host's number includes the
    /// headers until these are sent on.
    const fn has_arrived(&self, counted: Option<u64>) -> bool {
        match (self.counted, counted) {
            (Some(headers), Some(now)) => now != 0 && now != headers,
            // The host does not count: assume that the client has sent a part of the body.
            (None, _) | (_, None) => true,
        }
    }
}
