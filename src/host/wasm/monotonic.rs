//! The monotonic clock: WASI's `clock_time_get`, which Envoy implements.
//!
//! `std::time::Instant` calls the same function, but adds 9 KB to the module: the names and texts of all WASI errors, for a
//! panic that never happens.

use core::time::Duration;

/// `CLOCK_MONOTONIC` of `wasi_snapshot_preview1`.
const MONOTONIC: i32 = 1;

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
