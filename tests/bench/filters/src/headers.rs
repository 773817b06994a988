//! A filter that routes a request, and reads the response's headers.

use core::hint::black_box;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

/// The prefix that AI Bridge removes from a path.
const PREFIX: &[u8] = b"/anthropic";

/// Names the cluster in the header that the shipped route reads.
#[derive(Debug)]
pub(crate) struct Headers;

impl Context for Headers {}

impl HttpContext for Headers {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let headers = self.get_http_request_headers_bytes();
        let path = headers.iter().find(|(name, _)| name == ":path");
        if let Some(path) = path.and_then(|(_, path)| path.strip_prefix(PREFIX)) {
            self.set_http_request_header_bytes(":path", Some(path));
        }
        self.set_http_request_header(":authority", Some("api.anthropic.com"));
        self.set_http_request_header("x-ai-bridge-cluster", Some("anthropic"));
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        black_box(self.get_http_response_headers_bytes());
        Action::Continue
    }
}
