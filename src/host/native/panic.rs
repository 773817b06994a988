//! Panics. None is known to be reachable; a panic that leaves a hook would end Envoy.

use super::calls::Filter;
use std::panic::{self, AssertUnwindSafe};

/// Logs the place of every panic of this module from now on, and not its message, which may quote what a client sent.
pub(super) fn log_places() {
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location();
        let (file, line) = place.map_or(("unknown", 0), |place| (place.file(), place.line()));
        log::error!("a bug of this filter at {file}:{line} has ended a stream; please report it");
    }));
}

/// Calls `hook`. `None`: it has panicked.
pub(super) fn caught<T>(hook: impl FnOnce() -> T) -> Option<T> {
    // A panic may leave a stream's exchange in an inconsistent state; afterwards only its `finish` is called.
    panic::catch_unwind(AssertUnwindSafe(hook)).ok()
}

/// Panics in the hook that the request's header `x-test-panic` names, an attempt's with `attempt_` before it: only in the
/// module that the tests build.
#[cfg(feature = "native-panics")]
#[expect(clippy::panic, reason = "the test of what a panic does")]
pub(super) fn provoked(hook: &str, is_attempt: bool, filter: Filter) {
    let headers = filter.headers(super::abi::HeaderMap::Request);
    let wanted = headers.text("x-test-panic").unwrap_or_default();
    let is_wanted = |name: &str| match name.strip_prefix("attempt_") {
        Some(name) => is_attempt && name == hook,
        None => !is_attempt && name == hook,
    };
    if wanted.split(',').any(is_wanted) {
        panic!("confidential: this message is not logged");
    }
}

/// Does nothing.
#[cfg(not(feature = "native-panics"))]
#[inline]
pub(super) fn provoked(_hook: &str, _is_attempt: bool, _filter: Filter) {}
