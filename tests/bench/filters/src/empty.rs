//! A filter whose callbacks do nothing.

use proxy_wasm::traits::{Context, HttpContext};

/// Has the trait's default callbacks, which continue.
#[derive(Debug)]
pub(crate) struct Empty;

impl Context for Empty {}

impl HttpContext for Empty {}
