//! Requests whose headers wait for their body. A host that holds headers without delivering the body would let them wait
//! until its idle timeout; whether it delivers shows with the first body that comes.

use crate::exchange::Exchange;
use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::rc::Rc;

/// An exchange that its stream and its root look after.
pub(super) type SharedExchange = Rc<RefCell<Exchange>>;

/// One per worker. Holds no more than the requests that are open.
#[derive(Default)]
pub(super) struct Waiting {
    /// Few: only until the first body comes.
    requests: RefCell<Vec<Held>>,
    delivers: Cell<bool>,
}

/// A request whose headers wait.
struct Held {
    /// The stream's.
    context: u32,
    since: Duration,
    /// What the host counted of the request when its headers came.
    counted: Option<u64>,
    exchange: SharedExchange,
}

/// A body of which the host has received something, and delivered nothing for so long, does not come, unless one came
/// before.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How often is looked.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

impl Waiting {
    /// A request's headers wait from now on.
    pub(super) fn begin(&self, context: u32, now: Duration, counted: Option<u64>, exchange: &SharedExchange) {
        if !self.delivers.get() {
            let exchange = Rc::clone(exchange);
            self.requests.borrow_mut().push(Held { context, since: now, counted, exchange });
        }
    }

    /// A body has come.
    pub(super) fn delivered(&self) {
        if !self.delivers.replace(true) {
            self.requests.borrow_mut().clear();
        }
    }

    /// The host's settings may be others now.
    pub(super) fn reconfigured(&self) {
        self.delivers.set(false);
    }

    /// The request is over.
    pub(super) fn end(&self, context: u32) {
        self.requests.borrow_mut().retain(|held| held.context != context);
    }

    /// Takes out those that have waited for too long although their client has sent. `count` asks the host what it has
    /// received of a request by now.
    pub(super) fn overdue(
        &self,
        now: Duration,
        count: impl Fn(u32) -> Option<u64>,
    ) -> Vec<(u32, SharedExchange)> {
        let late = |held: &mut Held| {
            let waited = now.saturating_sub(held.since) >= PATIENCE;
            waited && held.has_arrived(count(held.context))
        };
        let mut requests = self.requests.borrow_mut();
        requests.extract_if(.., late).map(|held| (held.context, held.exchange)).collect()
    }
}

impl Held {
    /// Whether the host has received some of the body; a client may simply be slow. The host counts the headers as well,
    /// but only as long as it has them at hand.
    const fn has_arrived(&self, counted: Option<u64>) -> bool {
        match (self.counted, counted) {
            (Some(headers), Some(now)) => now != 0 && now != headers,
            // A host that does not count: its clients are taken for quick.
            (None, _) | (_, None) => true,
        }
    }
}
