//! Has Envoy call the module every few seconds, for the gauges of pools to which no requests come. Envoy gives HTTP filters
//! no timer, but lets any thread ask for a call on its main thread.

use super::calls::Scheduler;
use core::time::Duration;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

/// A thread that asks for a call after each [`INTERVAL`]. Dropping this ends the thread and waits for its end.
pub(super) struct Ticker {
    over: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

/// As long as the timer's period on the wasm host.
const INTERVAL: Duration = Duration::from_secs(5);
/// The thread only waits and makes one call.
const STACK_BYTES: usize = 64 * 1024;

// === impl Ticker ===

impl Ticker {
    /// `None`: the system has no thread left; then requests alone bring the gauges up to date.
    pub(super) fn start(scheduler: Scheduler) -> Option<Self> {
        let over = Arc::new((Mutex::new(false), Condvar::new()));
        let theirs = Arc::clone(&over);
        let tick = move || {
            let (over, changed) = &*theirs;
            let mut over = over.lock().unwrap_or_else(PoisonError::into_inner);
            while !*over {
                let waited = changed.wait_timeout(over, INTERVAL).unwrap_or_else(PoisonError::into_inner);
                over = waited.0;
                if !*over && waited.1.timed_out() {
                    scheduler.commit();
                }
            }
        };
        let builder = Builder::new().name("ai_bridge".to_owned()).stack_size(STACK_BYTES);
        let thread =
            builder.spawn(tick).map_err(|error| log::warn!("no thread for the gauges of pools: {error}"));
        Some(Self { over, thread: Some(thread.ok()?) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        let (over, changed) = &*self.over;
        *over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
