//! A filter whose callbacks do nothing.

use proxy_wasm::traits::{Context, HttpContext};

/// Every callback is the trait's own: "continue".
#[derive(Debug)]
pub(crate) struct Empty;

impl Context for Empty {}

impl HttpContext for Empty {}
