//! The native host against a small Envoy: chunks in several parts, hooks that Envoy calls out of order or while it is
//! called itself, threads. `cargo test --features native --test native`; with the sanitizers: `make sanitize`.

#![expect(unsafe_code, reason = "the interface of Envoy's modules")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic in a test is a failed test")]

mod envoy;

use ai_bridge as _;
use core::ffi::c_void;
use core::ptr;
use envoy::{Buffer, Filter, LOG};
use serde_json::Value;

unsafe extern "C" {
    fn envoy_dynamic_module_on_http_filter_config_new(
        host: *mut c_void,
        name: Buffer,
        json: Buffer,
    ) -> *const c_void;
    fn envoy_dynamic_module_on_http_filter_config_destroy(configuration: *const c_void);
    fn envoy_dynamic_module_on_http_filter_new(
        configuration: *const c_void,
        filter: *mut c_void,
    ) -> *const c_void;
    fn envoy_dynamic_module_on_http_filter_request_headers(
        filter: *mut c_void,
        stream: *const c_void,
        end: bool,
    ) -> u32;
    fn envoy_dynamic_module_on_http_filter_request_body(
        filter: *mut c_void,
        stream: *const c_void,
        end: bool,
    ) -> u32;
    fn envoy_dynamic_module_on_http_filter_response_headers(
        filter: *mut c_void,
        stream: *const c_void,
        end: bool,
    ) -> u32;
    fn envoy_dynamic_module_on_http_filter_response_body(
        filter: *mut c_void,
        stream: *const c_void,
        end: bool,
    ) -> u32;
    fn envoy_dynamic_module_on_http_filter_stream_complete(filter: *mut c_void, stream: *const c_void);
    fn envoy_dynamic_module_on_http_filter_destroy(stream: *const c_void);
}

const CONTINUE: u32 = 0;
const STOP_HEADERS: u32 = 1;
const STOP_BODY: u32 = 3;
const JSON: &str = r#"{"providers": [{"type": "openai", "key": {"value": "k"}}]}"#;

/// A configuration of the module.
struct Configuration(*const c_void);

// SAFETY: Envoy uses a configuration on all of its workers.
unsafe impl Sync for Configuration {}

impl Configuration {
    fn new(json: &str) -> Self {
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
struct Stream {
    filter: Box<Filter>,
    module: *const c_void,
}

impl Stream {
    fn new(configuration: &Configuration, path: &str) -> Self {
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

    fn request_headers(&self) -> u32 {
        // SAFETY: the stream lives until it is dropped, or its hook has destroyed it, after which no hook is called.
        unsafe {
            envoy_dynamic_module_on_http_filter_request_headers(address(&self.filter), self.module, false)
        }
    }

    fn request_body(&self, parts: &[&[u8]], end: bool) -> u32 {
        *self.filter.bodies[0].borrow_mut() = parts.iter().map(|part| part.to_vec()).collect();
        // SAFETY: as above.
        unsafe { envoy_dynamic_module_on_http_filter_request_body(address(&self.filter), self.module, end) }
    }

    fn response_headers(&self, content_type: &str) -> u32 {
        *self.filter.headers[2].borrow_mut() = pairs(&[(":status", "200"), ("content-type", content_type)]);
        // SAFETY: as above.
        unsafe {
            envoy_dynamic_module_on_http_filter_response_headers(address(&self.filter), self.module, false)
        }
    }

    fn response_body(&self, parts: &[&[u8]], end: bool) -> u32 {
        *self.filter.bodies[2].borrow_mut() = parts.iter().map(|part| part.to_vec()).collect();
        // SAFETY: as above.
        unsafe { envoy_dynamic_module_on_http_filter_response_body(address(&self.filter), self.module, end) }
    }

    fn complete(&self) {
        // SAFETY: as above.
        unsafe { envoy_dynamic_module_on_http_filter_stream_complete(address(&self.filter), self.module) }
    }

    /// A reply or a reset ends the stream at once.
    fn end_by_calls(&self) {
        self.filter.ended_by_calls.set(self.module);
    }

    fn body(&self, which: usize) -> Vec<u8> {
        self.filter.bodies[which].borrow().concat()
    }

    fn record(&self) -> Option<Value> {
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

fn address(filter: &Filter) -> *mut c_void {
    ptr::from_ref(filter).cast_mut().cast()
}

fn pairs(headers: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}

const CHAT: &str = "/openai/v1/chat/completions";
const REQUEST: &[u8] = br#"{"model":"gpt-5.5","messages":[{"role":"user","content":"Why?"}],"stream":true}"#;
const EVENTS: &[u8] = b"data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-5.5\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"So\"},\"finish_reason\":\"stop\"}]}\n\ndata: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"gpt-5.5\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"total_tokens\":12}}\n\ndata: [DONE]\n\n";

/// `bytes` in parts of `size`.
fn parts(bytes: &[u8], size: usize) -> Vec<&[u8]> {
    bytes.chunks(size).collect()
}

#[test]
fn a_chunk_in_parts_is_read_spliced_and_cut_like_one_in_one_piece() {
    let configuration = Configuration::new(JSON);
    let mut forwarded = Vec::new();
    for size in [1, 3, 7, 16, 20, 64, 10_000] {
        let stream = Stream::new(&configuration, CHAT);
        assert_eq!(stream.request_headers(), CONTINUE);
        assert!(stream.filter.route_cleared.get());
        assert_eq!(stream.request_body(&parts(REQUEST, size), true), CONTINUE);
        assert_eq!(stream.response_headers("text/event-stream"), CONTINUE);
        assert_eq!(stream.response_body(&parts(EVENTS, size), true), CONTINUE);
        stream.complete();
        let record = stream.record().unwrap();
        assert_eq!(record["outcome"], "completed", "{size}");
        assert_eq!(record["usage"]["output_tokens"], 7, "{size}");
        assert_eq!(stream.filter.numbers.borrow()["output_tokens"], 7.0);
        forwarded.push((stream.body(0), stream.body(2)));
    }
    let (request, response) = &forwarded[0];
    assert!(String::from_utf8_lossy(request).contains("include_usage"));
    assert!(!String::from_utf8_lossy(response).contains("prompt_tokens"));
    assert!(forwarded.iter().all(|each| each == &forwarded[0]));
}

#[test]
fn the_first_part_after_a_refusal_is_not_read_and_the_reply_is_one() {
    let configuration = Configuration::new(JSON);
    let stream = Stream::new(&configuration, CHAT);
    stream.request_headers();
    assert_eq!(stream.request_body(&[b"{\"model\":", b"!", b"{}", b"{}"], false), STOP_BODY);
    assert_eq!(stream.request_body(&[b"more"], true), STOP_BODY);
    assert_eq!(stream.filter.replies.borrow().len(), 1);
    stream.complete();
    assert_eq!(stream.record().unwrap()["error"]["code"], "invalid_json");
}

#[test]
fn a_reply_that_destroys_the_stream_before_it_returns_leaves_one_record() {
    let configuration = Configuration::new(JSON);
    let stream = Stream::new(&configuration, CHAT);
    stream.request_headers();
    stream.end_by_calls();
    assert_eq!(stream.request_body(&[b"[1,", b"2]"], true), STOP_BODY);
    assert!(stream.filter.destroyed.get());
    assert_eq!(stream.record().unwrap()["outcome"], "rejected");
    assert_eq!(stream.filter.replies.borrow().len(), 1);
}

#[test]
fn a_reset_that_destroys_the_stream_before_it_returns_leaves_one_record() {
    let configuration = Configuration::new(JSON);
    let stream = Stream::new(&configuration, CHAT);
    stream.request_headers();
    // The response begins before the request is whole; then the request turns out to be no JSON.
    stream.request_body(&[b"{\"model\":\"m\","], false);
    assert_eq!(stream.response_headers("text/event-stream"), CONTINUE);
    stream.end_by_calls();
    assert_eq!(stream.request_body(&[b"nothing"], true), STOP_BODY);
    assert_eq!((stream.filter.resets.get(), stream.filter.destroyed.get()), (1, true));
    assert_eq!(stream.record().unwrap()["outcome"], "rejected");
}

#[test]
fn a_reply_to_the_headers_that_destroys_the_stream_is_the_end_of_it() {
    let configuration = Configuration::new(JSON);
    let stream = Stream::new(&configuration, "/nowhere");
    stream.end_by_calls();
    assert_eq!(stream.request_headers(), STOP_HEADERS);
    assert!(stream.filter.destroyed.get());
    assert_eq!(stream.record(), None);
}

#[test]
fn hooks_that_are_missing_twice_or_late_change_nothing() {
    let configuration = Configuration::new(JSON);
    let stream = Stream::new(&configuration, CHAT);
    stream.response_headers("application/json");
    stream.request_headers();
    stream.request_headers();
    stream.request_body(&parts(REQUEST, 9), true);
    stream.complete();
    let record = stream.record().unwrap();
    let measured = stream.filter.measured.get();
    stream.filter.state.borrow_mut().clear();
    stream.complete();
    stream.request_body(&[b"late"], true);
    stream.response_headers("application/json");
    stream.response_body(&[b"late"], true);
    assert_eq!(record["outcome"], "aborted_client");
    assert_eq!((stream.record(), stream.filter.measured.get()), (None, measured));
    assert_eq!(stream.body(2), b"late");
    drop(Stream::new(&configuration, CHAT));
}

#[test]
fn an_invalid_configuration_is_refused_with_every_problem_in_the_log() {
    let refused = Configuration::new(r#"{"providers": [{"type": "openai", "nmae": "x"}], "limts": {}}"#);
    assert!(refused.0.is_null());
    assert!(LOG.lock().is_ok());
}

#[test]
fn one_configuration_serves_many_threads_and_outlives_none_of_its_streams() {
    for _ in 0..20 {
        let configuration = Configuration::new(JSON);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let stream = Stream::new(&configuration, CHAT);
                        stream.request_headers();
                        stream.request_body(&parts(REQUEST, 30), true);
                        stream.response_headers("text/event-stream");
                        stream.response_body(&parts(EVENTS, 50), true);
                        stream.complete();
                        assert_eq!(stream.record().unwrap()["outcome"], "completed");
                    }
                });
            }
        });
    }
}
