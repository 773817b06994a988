//! Requests whose headers wait for their body. A host that holds headers without delivering the body would let them wait
//! until its idle timeout; whether it delivers shows with the first body that comes.

use crate::exchange::Exchange;
use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::collections::BTreeMap;
use std::rc::Rc;

/// An exchange that its stream and its root look after.
pub(super) type SharedExchange = Rc<RefCell<Exchange>>;

/// One per worker. Holds no more than the requests that are open.
#[derive(Default)]
pub(super) struct Waiting {
    /// By the stream's context: since when, and what to tell.
    requests: RefCell<BTreeMap<u32, (Duration, SharedExchange)>>,
    delivers: Cell<bool>,
}

/// A body of which nothing came for so long does not come, unless one came before.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How often is looked.
pub(super) const INTERVAL: Duration = Duration::from_secs(1);

impl Waiting {
    /// A request's headers wait from now on.
    pub(super) fn begin(&self, context: u32, now: Duration, exchange: &SharedExchange) {
        if !self.delivers.get() {
            self.requests.borrow_mut().insert(context, (now, Rc::clone(exchange)));
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
        self.requests.borrow_mut().remove(&context);
    }

    /// Takes out those that have waited for too long.
    pub(super) fn overdue(&self, now: Duration) -> Vec<(u32, SharedExchange)> {
        let mut requests = self.requests.borrow_mut();
        let late = |since: Duration| now.saturating_sub(since) >= PATIENCE;
        let contexts: Vec<u32> =
            requests.iter().filter(|(_, (since, _))| late(*since)).map(|(context, _)| *context).collect();
        contexts.into_iter().filter_map(|context| Some((context, requests.remove(&context)?.1))).collect()
    }
}
