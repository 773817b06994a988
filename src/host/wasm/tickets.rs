//! The tickets of the open requests to pools: the main filter of a worker hands them to the worker's upstream filters, which
//! run in the same VM.

use super::hostcalls;
use super::metrics::Metrics;
use super::monotonic::monotonic;
use crate::fnv::BuildFnv;
use crate::pool::{Moment, Ticket, ticket_id};
use core::time::Duration;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// A request to a pool.
#[derive(Clone)]
pub(super) struct Open {
    pub(super) ticket: Rc<RefCell<Ticket>>,
    pub(super) metrics: Rc<RefCell<Metrics>>,
    /// By how much the wall clock was ahead of the monotonic one when the request's headers came.
    pub(super) ahead: Duration,
}

// === impl Open ===

impl Open {
    pub(super) fn clock(&self) -> Duration {
        monotonic().saturating_add(self.ahead)
    }

    pub(super) fn now(&self) -> Moment {
        Moment { wall: hostcalls::now(), clock: self.clock() }
    }
}

thread_local! {
    /// At most one for each open stream.
    static OPEN: RefCell<HashMap<u64, Open, BuildFnv>> = RefCell::default();
}

/// Keeps a ticket until [`close`].
pub(super) fn open(id: u64, open: Open) {
    OPEN.with(|tickets| tickets.borrow_mut().insert(id, open));
}

/// Forgets a ticket.
pub(super) fn close(id: u64) {
    OPEN.with(|tickets| tickets.borrow_mut().remove(&id));
}

/// The ticket whose id has this text.
pub(super) fn find(text: &[u8]) -> Option<Open> {
    let id = ticket_id(text)?;
    OPEN.with(|tickets| tickets.borrow().get(&id).cloned())
}
