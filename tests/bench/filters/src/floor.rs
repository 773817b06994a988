//! A filter that reads headers and bodies once, and sets one property: their size.

use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;

/// Counts the bytes that it has read.
#[derive(Debug, Default)]
pub(crate) struct Floor {
    bytes: usize,
}

impl Floor {
    fn headers(&mut self, headers: &[(String, Vec<u8>)]) -> Action {
        self.bytes += headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>();
        Action::Continue
    }

    fn chunk(&mut self, chunk: Option<Vec<u8>>) -> Action {
        self.bytes += chunk.map_or(0, |chunk| chunk.len());
        Action::Continue
    }
}

impl Context for Floor {}

impl HttpContext for Floor {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let headers = self.get_http_request_headers_bytes();
        self.headers(&headers)
    }

    fn on_http_request_body(&mut self, size: usize, _: bool) -> Action {
        let chunk = self.get_http_request_body(0, size);
        self.chunk(chunk)
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        let headers = self.get_http_response_headers_bytes();
        self.headers(&headers)
    }

    fn on_http_response_body(&mut self, size: usize, _: bool) -> Action {
        let chunk = self.get_http_response_body(0, size);
        self.chunk(chunk)
    }

    fn on_log(&mut self) {
        self.set_property(vec!["bench_bytes_read"], Some(self.bytes.to_string().as_bytes()));
    }
}
