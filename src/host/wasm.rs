//! The adapter to proxy-wasm, and the only code that names `proxy_wasm`. It carries out steps and decides nothing.
//!
//! The SDK panics where the host returns an unexpected status, and a panic is a trap that ends every stream of the
//! worker. Therefore each header map is read once, as bytes, in its own callback, and never after the end of a stream.

mod attempt;
mod hostcalls;
mod metrics;
mod monotonic;
mod root;
mod shared;
mod stream;
mod waiting;

pub(super) use metrics::SharedMetrics as AttemptReport;
pub(super) use monotonic::Clock;

use proxy_wasm::types::LogLevel;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(root::Root::default()));
}}
