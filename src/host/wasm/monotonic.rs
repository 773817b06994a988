//! The monotonic clock: WASI's `clock_time_get`, which Envoy implements.
//!
//! `std::time::Instant` calls the same function, but adds 9 KB to the module: the names and texts of all WASI errors, for a
//! panic that never happens.

use super::hostcalls;
use core::time::Duration;

/// `CLOCK_MONOTONIC` of `wasi_snapshot_preview1`.
const MONOTONIC: i32 = 1;

/// A stream's clock: by how much the wall clock was ahead of the monotonic one when the request's headers came.
#[derive(Clone, Copy, Default)]
pub(in crate::host) struct Clock(Duration);

// === impl Clock ===

impl Clock {
    /// A clock that begins when the wall clock shows `wall`.
    pub(super) fn beginning_at(wall: Duration) -> Self {
        Self(wall.saturating_sub(monotonic()))
    }

    /// What the wall clock showed when the request's headers came, and what has passed since by the monotonic clock.
    #[inline(never)]
    pub(in crate::host) fn now(self) -> Duration {
        monotonic().saturating_add(self.0)
    }

    /// The wall clock, which all workers share.
    pub(in crate::host) fn wall() -> Duration {
        hostcalls::now()
    }
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
#[expect(unsafe_code, reason = "a function of the host; it writes 64 bits to the address that it gets")]
unsafe extern "C" {
    fn clock_time_get(id: i32, precision: i64, time: *mut u64) -> i32;
}

/// The time since an arbitrary moment, which is the same for all readings of one VM.
pub(super) fn monotonic() -> Duration {
    let mut nanoseconds = 0;
    // A failure leaves 0: durations are then 0.
    #[expect(unsafe_code, reason = "`nanoseconds` is 64 bits that live longer than the call")]
    let _ = unsafe { clock_time_get(MONOTONIC, 1, &raw mut nanoseconds) };
    Duration::from_nanos(nanoseconds)
}
