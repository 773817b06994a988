//! The tickets of the open requests to pools: the main filter of a worker hands them to the worker's upstream filters, which
//! run in the same thread (in wasm: the same VM).

use super::adapter::{AttemptReport, Clock};
use crate::fnv::BuildFnv;
use crate::pool::{Moment, SharedTicket, ticket_id};
use std::cell::RefCell;
use std::collections::HashMap;

/// A request to a pool.
#[derive(Clone)]
pub(super) struct Open {
    pub(super) ticket: SharedTicket,
    pub(super) clock: Clock,
    /// Takes what the attempts report to the main filter: in wasm only measurements, for the metrics of its configuration.
    pub(super) report: AttemptReport,
}

/// The id of a ticket that upstream filters can find until this is dropped.
pub(super) struct Offered(u64);

thread_local! {
    /// At most one for each open stream.
    static OPEN: RefCell<HashMap<u64, Open, BuildFnv>> = RefCell::default();
}

// === impl Open ===

impl Open {
    pub(super) fn now(&self) -> Moment {
        Moment { wall: Clock::wall(), clock: self.clock.now() }
    }
}

// === impl Offered ===

impl Offered {
    pub(super) fn new(id: u64, open: Open) -> Self {
        OPEN.with(|tickets| tickets.borrow_mut().insert(id, open));
        Self(id)
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        // At the end of a thread the table may be gone already.
        let _ = OPEN.try_with(|tickets| tickets.borrow_mut().remove(&self.0));
    }
}

/// The ticket whose id has this text.
pub(super) fn find(text: &[u8]) -> Option<Open> {
    let id = ticket_id(text)?;
    OPEN.with(|tickets| tickets.borrow().get(&id).cloned())
}
