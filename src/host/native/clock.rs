//! The clock that a stream's durations are measured with.

use super::calls::wall_time;
use core::time::Duration;
use std::time::Instant;

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
