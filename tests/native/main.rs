//! The native host against a small Envoy: chunks in several parts, hooks that Envoy calls out of order or while it is
//! called itself, threads. `cargo test --features native --test native`; with the sanitizers: `make sanitize`.

#![expect(unsafe_code, reason = "the interface of Envoy's modules")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic in a test is a failed test")]

mod bodies;
mod calls;
mod configurations;
mod envoy;
mod hooks;
mod module;
mod pools;

use ai_bridge as _;
