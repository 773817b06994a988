//! The module as Envoy sees it: its hooks, one configuration, and one stream with both sides of it.

use crate::envoy::{Buffer, Filter};
use core::ffi::{c_char, c_void};
use core::ptr;
use serde_json::Value;

unsafe extern "C" {
    pub(crate) fn envoy_dynamic_module_on_program_init() -> *const c_char;
    pub(crate) fn envoy_dynamic_module_on_http_filter_config_new(
        host: *mut c_void,
        name: Buffer,
        json: Buffer,
    ) -> *const c_void;
    pub(crate) fn envoy_dynamic_module_on_http_filter_config_destroy(configuration: *const c_void);
    pub(crate) fn envoy_dynamic_module_on_http_filter_config_scheduled(
        host: *mut c_void,
        configuration: *const c_void,
        event: u64,
    );
    pub(crate) fn envoy_dynamic_module_on_http_filter_new(
        configuration: *const c_void,
        filter: *mut c_void,
    ) -> *const c_void;
    pub(crate) fn envoy_dynamic_module_on_http_filter_request_headers(
        filter: *mut c_void,
        stream: *const c_void,
        end: bool,
    ) -> u32;
    pub(crate) fn envoy_dynamic_module_on_http_filter_request_body(
        filter: *mut c_void,
        stream: *const c_void,
        end: bool,
    ) -> u32;
    pub(crate) fn envoy_dynamic_module_on_http_filter_response_headers(
        filter: *mut c_void,
        stream: *const c_void,
        end: bool,
    ) -> u32;
    pub(crate) fn envoy_dynamic_module_on_http_filter_response_body(
        filter: *mut c_void,
        stream: *const c_void,
        end: bool,
    ) -> u32;
    pub(crate) fn envoy_dynamic_module_on_http_filter_request_trailers(
        filter: *mut c_void,
        stream: *const c_void,
    ) -> u32;
    pub(crate) fn envoy_dynamic_module_on_http_filter_response_trailers(
        filter: *mut c_void,
        stream: *const c_void,
    ) -> u32;
    pub(crate) fn envoy_dynamic_module_on_http_filter_stream_complete(
        filter: *mut c_void,
        stream: *const c_void,
    );
    pub(crate) fn envoy_dynamic_module_on_http_filter_destroy(stream: *const c_void);
}

pub(crate) const CONTINUE: u32 = 0;
pub(crate) const STOP_HEADERS: u32 = 1;
pub(crate) const HOLD_BODY: u32 = 1;
pub(crate) const STOP_BODY: u32 = 3;
pub(crate) const JSON: &str = r#"{"providers": [{"type": "openai", "key": {"value": "k"}}]}"#;

/// A configuration of the module.
pub(crate) struct Configuration(pub(crate) *const c_void);

// SAFETY: Envoy uses a configuration on all of its workers.
unsafe impl Sync for Configuration {}

impl Configuration {
    pub(crate) fn new(json: &str) -> Self {
        let (name, json) = (Buffer::of(b"ai_bridge"), Buffer::of(json.as_bytes()));
        // SAFETY: the texts are valid during the call; the test's callbacks ignore the host's address.
        Self(unsafe { envoy_dynamic_module_on_http_filter_config_new(ptr::null_mut(), name, json) })
    }
}

impl Drop for Configuration {
    fn drop(&mut self) {
        // SAFETY: destroyed once; Envoy does so even where the module refused the configuration.
        unsafe { envoy_dynamic_module_on_http_filter_config_destroy(self.0) }
    }
}

/// One stream, with both sides of it.
pub(crate) struct Stream {
    pub(crate) filter: Box<Filter>,
    pub(crate) module: *const c_void,
}

impl Stream {
    pub(crate) fn new(configuration: &Configuration, path: &str) -> Self {
        let filter = Box::new(Filter::default());
        let headers = [
            (":method", "POST"),
            (":path", path),
            (":authority", "gw"),
            ("content-type", "application/json"),
        ];
        *filter.headers[0].borrow_mut() = pairs(&headers);
        // SAFETY: the configuration lives.
        let module = unsafe { envoy_dynamic_module_on_http_filter_new(configuration.0, address(&filter)) };
        assert!(!module.is_null());
        Self { filter, module }
    }

    pub(crate) fn request_headers(&self) -> u32 {
        // SAFETY: the stream lives until it is dropped, or its hook has destroyed it, after which no hook is called.
        unsafe {
            envoy_dynamic_module_on_http_filter_request_headers(address(&self.filter), self.module, false)
        }
    }

    pub(crate) fn request_body(&self, parts: &[&[u8]], end: bool) -> u32 {
        *self.filter.bodies[0].borrow_mut() = parts.iter().map(|part| part.to_vec()).collect();
        // SAFETY: as above.
        unsafe { envoy_dynamic_module_on_http_filter_request_body(address(&self.filter), self.module, end) }
    }

    pub(crate) fn response_headers(&self, content_type: &str) -> u32 {
        *self.filter.headers[2].borrow_mut() = pairs(&[(":status", "200"), ("content-type", content_type)]);
        // SAFETY: as above.
        unsafe {
            envoy_dynamic_module_on_http_filter_response_headers(address(&self.filter), self.module, false)
        }
    }

    pub(crate) fn response_body(&self, parts: &[&[u8]], end: bool) -> u32 {
        *self.filter.bodies[2].borrow_mut() = parts.iter().map(|part| part.to_vec()).collect();
        // SAFETY: as above.
        unsafe { envoy_dynamic_module_on_http_filter_response_body(address(&self.filter), self.module, end) }
    }

    pub(crate) fn request_trailers(&self) -> u32 {
        // SAFETY: as above.
        unsafe { envoy_dynamic_module_on_http_filter_request_trailers(address(&self.filter), self.module) }
    }

    pub(crate) fn response_trailers(&self) -> u32 {
        // SAFETY: as above.
        unsafe { envoy_dynamic_module_on_http_filter_response_trailers(address(&self.filter), self.module) }
    }

    pub(crate) fn complete(&self) {
        // SAFETY: as above.
        unsafe { envoy_dynamic_module_on_http_filter_stream_complete(address(&self.filter), self.module) }
    }

    /// A reply or a reset ends the stream at once.
    pub(crate) fn end_by_calls(&self) {
        self.filter.ended_by_calls.set(self.module);
    }

    /// A reply or a reset calls every other hook before it ends the stream.
    pub(crate) fn end_by_calls_after_every_hook(&self) {
        self.filter.hooks_by_calls.set(true);
        self.end_by_calls();
    }

    pub(crate) fn body(&self, which: usize) -> Vec<u8> {
        self.filter.bodies[which].borrow().concat()
    }

    pub(crate) fn record(&self) -> Option<Value> {
        let state = self.filter.state.borrow();
        state.get("wasm.ai_bridge_record").map(|record| serde_json::from_slice(record).unwrap())
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.filter.destroyed.replace(true) {
            // SAFETY: destroyed once.
            unsafe { envoy_dynamic_module_on_http_filter_destroy(self.module) }
        }
    }
}

pub(crate) fn address(filter: &Filter) -> *mut c_void {
    ptr::from_ref(filter).cast_mut().cast()
}

pub(crate) fn pairs(headers: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}

pub(crate) const CHAT: &str = "/openai/v1/chat/completions";
pub(crate) const REQUEST: &[u8] =
    br#"{"model":"gpt-5.5","messages":[{"role":"user","content":"Why?"}],"stream":true}"#;
pub(crate) const EVENTS: &[u8] = b"data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-5.5\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"So\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-5.5\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"total_tokens\":12}}\n\ndata: [DONE]\n\n";

/// `bytes` in parts of `size`.
pub(crate) fn parts(bytes: &[u8], size: usize) -> Vec<&[u8]> {
    bytes.chunks(size).collect()
}
