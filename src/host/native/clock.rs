//! The clock that a stream's durations are measured with.

use super::calls::{Filter, wall_time};
use crate::metric::Measurement;
use core::time::Duration;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Instant;

/// What the attempts of a request leave for its main filter, which has the metrics.
pub(in crate::host) type Measured = Rc<OfAttempts>;

#[derive(Default)]
pub(in crate::host) struct OfAttempts {
    pub(super) measurements: RefCell<Vec<Measurement>>,
    /// The main filter, until Envoy destroys it: an attempt that is being destroyed can ask Envoy nothing itself.
    pub(super) main: Cell<Option<Filter>>,
    /// How many attempts a panic has ended since the main filter has looked.
    pub(super) failures: Cell<u32>,
}

/// A stream's clock: what the wall clock showed when the stream began, and the time since then by the monotonic clock.
#[derive(Clone, Copy)]
pub(in crate::host) struct Clock {
    began: Duration,
    instant: Instant,
}

// === impl Clock ===

impl Clock {
    /// A clock that begins now.
    pub(super) fn begin() -> Self {
        Self { began: wall_time(), instant: Instant::now() }
    }

    pub(in crate::host) fn now(self) -> Duration {
        self.began.saturating_add(self.instant.elapsed())
    }

    /// The wall clock, which all workers share.
    pub(in crate::host) fn wall() -> Duration {
        wall_time()
    }
}
