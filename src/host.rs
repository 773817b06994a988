//! The adapters to the host. An adapter passes the host's callbacks to the exchange and carries out its steps; it decides
//! nothing.

#[cfg(target_arch = "wasm32")]
mod wasm;
