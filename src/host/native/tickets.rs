//! The tickets of the open requests to pools: the main filter of a worker hands them to the upstream filters of the same
//! worker.

use super::calls::wall_time;
use crate::fnv::BuildFnv;
use crate::metric::Measurement;
use crate::pool::{Moment, Ticket, ticket_id};
use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

/// A request to a pool.
#[derive(Clone)]
pub(super) struct Open {
    pub(super) ticket: Rc<RefCell<Ticket>>,
    /// The measurements of the attempts. The main filter adds them to its metrics, which belong to its configuration.
    pub(super) measured: Rc<RefCell<Vec<Measurement>>>,
    /// How many attempts a panic has ended since the main filter has looked.
    pub(super) failures: Rc<Cell<u32>>,
    /// When the request's headers came, by the wall clock.
    began: Duration,
    /// The monotonic clock's time at that moment.
    instant: Instant,
}

thread_local! {
    /// At most one for each open stream.
    static OPEN: RefCell<HashMap<u64, Open, BuildFnv>> = RefCell::default();
}

/// A ticket that upstream filters can find until this is dropped.
pub(super) struct Offered {
    id: u64,
    pub(super) open: Open,
}

// === impl Open ===

impl Open {
    pub(super) fn clock(&self) -> Duration {
        self.began.saturating_add(self.instant.elapsed())
    }

    pub(super) fn now(&self) -> Moment {
        Moment { wall: wall_time(), clock: self.clock() }
    }
}

// === impl Offered ===

impl Offered {
    /// `began` and `instant`: as in [`Open`].
    pub(super) fn new(id: u64, ticket: Rc<RefCell<Ticket>>, began: Duration, instant: Instant) -> Self {
        let open = Open { ticket, measured: Rc::default(), failures: Rc::default(), began, instant };
        OPEN.with_borrow_mut(|tickets| tickets.insert(id, open.clone()));
        Self { id, open }
    }
}

impl Drop for Offered {
    fn drop(&mut self) {
        // At the end of a thread the table may be gone already.
        let _ = OPEN.try_with(|tickets| tickets.borrow_mut().remove(&self.id));
    }
}

/// The ticket whose id has this text.
pub(super) fn find(text: &[u8]) -> Option<Open> {
    let id = ticket_id(text)?;
    OPEN.with_borrow(|tickets| tickets.get(&id).cloned())
}
