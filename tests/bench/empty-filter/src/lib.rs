//! A filter whose callbacks do nothing: the benchmark's measure of what any proxy-wasm filter costs.
//!
//! It is called for everything that AI Bridge is called for, makes no call of its own, and lets everything pass.
#![cfg(target_arch = "wasm32")]

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

/// Where the host starts.
mod entry {
    proxy_wasm::main! {{ proxy_wasm::set_root_context(|_| Box::new(super::Empty)); }}
}

/// Does nothing, for the plugin and for each stream. Every callback is the trait's own: "continue".
#[derive(Debug)]
struct Empty;

impl Context for Empty {}

impl RootContext for Empty {
    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Self))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}

impl HttpContext for Empty {}
