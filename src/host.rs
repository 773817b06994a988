//! The adapters to the two hosts. An adapter passes the host's callbacks to the exchange and carries out its steps; it
//! decides nothing.
//!
//! * `wasm`: proxy-wasm, in every Envoy and Istio. The default.
//! * `native`: Envoy's dynamic modules (feature `native`). The same core inside Envoy's process: less CPU, no sandbox.
//!
//! `process.rs` has what both take from the standard library, `tickets.rs` what the two filters of a request to a pool share.

// A unit test of the crate has no Envoy to call; tests/native has one of its own.
#[cfg(all(feature = "native", not(target_arch = "wasm32"), not(test)))]
mod native;
#[cfg(any(target_arch = "wasm32", all(feature = "native", not(test))))]
mod process;
#[cfg(any(target_arch = "wasm32", all(feature = "native", not(test))))]
mod tickets;
#[cfg(target_arch = "wasm32")]
mod wasm;

// The adapter that is compiled.
#[cfg(all(feature = "native", not(target_arch = "wasm32"), not(test)))]
use native as adapter;
#[cfg(target_arch = "wasm32")]
use wasm as adapter;
