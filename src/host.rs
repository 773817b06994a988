//! The only code that names `proxy_wasm`: it carries steps out and decides nothing.
//!
//! The SDK panics where a host answers something unexpected, and a panic is a trap that ends every stream of the
//! worker. So each header map is read once, as bytes, in its own callback, and never when a stream is over.

mod hostcalls;
mod metrics;
mod root;
mod stream;
mod waiting;

use proxy_wasm::types::LogLevel;

proxy_wasm::main! {{
    proxy_wasm::set_log_level(LogLevel::Info);
    proxy_wasm::set_root_context(|_| Box::new(root::Root::default()));
}}
