//! The native host against a small Envoy: chunks in several parts, hooks that Envoy calls out of order or while it is
//! called itself, threads. `cargo test --features native --test native`; with the sanitizers: `make sanitize`.

#![expect(unsafe_code, reason = "the interface of Envoy's modules")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic in a test is a failed test")]

mod envoy;

use ai_bridge as _;
use core::ffi::c_void;
use core::ptr;
use envoy::{Buffer, Filter, GAUGES, LOG, SCHEDULERS};
use serde_json::Value;
use std::sync::atomic::Ordering;

unsafe extern "C" {
    fn envoy_dynamic_module_on_http_filter_config_new(
        host: *mut c_void,
        name: Buffer,
        json: Buffer,
    ) -> *const c_void;
    fn envoy_dynamic_module_on_http_filter_config_destroy(configuration: *const c_void);
    fn envoy_dynamic_module_on_http_filter_config_scheduled(
        host: *mut c_void,
        configuration: *const c_void,
        event: u64,
    );
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
const HOLD_BODY: u32 = 1;
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

#[test]
fn a_stream_that_could_not_be_made_is_reset() {
    let filter = Filter::default();
    // SAFETY: Envoy calls the hooks also where `…_new` has returned no stream.
    let flow =
        unsafe { envoy_dynamic_module_on_http_filter_request_headers(address(&filter), ptr::null(), false) };
    assert_eq!((flow, filter.resets.get()), (STOP_HEADERS, 1));
}

#[test]
fn a_held_body_is_translated_alike_in_every_size_of_chunks() {
    let configuration = Configuration::new(
        r#"{"providers": [{"type": "anthropic", "key": {"value": "ABSK"}, "bedrock": {"region": "eu-west-1", "mode": "invoke", "host_holds_headers": true, "models": {"claude-opus-*": "eu.anthropic.claude-opus-4-8"}}}]}"#,
    );
    let request =
        br#"{"model":"claude-opus-4-8","max_tokens":64,"messages":[{"role":"user","content":"Why?"}]}"#;
    let mut sent = Vec::new();
    for size in [1, 5, 40, 10_000] {
        let stream = Stream::new(&configuration, "/anthropic/v1/messages");
        assert_eq!(stream.request_headers(), STOP_HEADERS);
        let chunks = parts(request, size);
        for (at, chunk) in chunks.iter().enumerate() {
            let end = at + 1 == chunks.len();
            // As Envoy does, what is held already is elsewhere, and the last chunk joins it before the hook.
            let joins = end && at > 0;
            if joins {
                stream.filter.bodies[1].borrow_mut().push(chunk.to_vec());
            }
            let received: &[&[u8]] = if joins { &[] } else { &[chunk] };
            let flow = stream.request_body(received, end);
            assert_eq!(flow, if end { CONTINUE } else { HOLD_BODY }, "{:?}", stream.filter.replies);
            if !end {
                stream.filter.bodies[1].borrow_mut().push(chunk.to_vec());
            }
        }
        sent.push([stream.body(1), stream.body(0)].concat());
        stream.complete();
        assert_eq!(stream.record().unwrap()["model"]["requested"], "claude-opus-4-8");
    }
    assert!(String::from_utf8_lossy(&sent[0]).contains("anthropic_version"));
    assert!(sent.iter().all(|each| each == &sent[0]));
}

#[test]
fn every_byte_is_read_alike_at_every_place_of_a_vector() {
    // `wide` reads words where the processor's family has no vectors at all.
    let family = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
    assert!(!family || cfg!(any(target_feature = "sse2", target_feature = "neon")));

    let configuration = Configuration::new(JSON);
    for before in 0..130 {
        for special in ["\"", "\\", "\\\"", "\n", "\u{1}", "\u{7f}", "é", "模", "🦀"] {
            let text = [&"x".repeat(before), special, &"y".repeat(130 - before)].concat();
            let question = serde_json::json!({"role": "user", "content": text});
            let request = serde_json::json!({"unread": text, "messages": [question], "model": "gpt-5.5"});
            let stream = Stream::new(&configuration, CHAT);
            stream.request_headers();
            assert_eq!(stream.request_body(&[request.to_string().as_bytes()], true), CONTINUE);
            stream.complete();
            let record = stream.record().unwrap();
            assert_eq!((&record["prompt"], &record["model"]["requested"]), (&text.into(), &"gpt-5.5".into()));
        }
    }
}

// === pools ===

const MEMBERS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// The configuration of a provider that is a pool.
fn pool(provider: &str) -> Configuration {
    let member = |name: &str| {
        format!(
            r#"{{"name": "{name}", "key": {{"value": "key-of-{name}-0123456789"}}, "base_url": "https://{name}.example"}}"#
        )
    };
    let members = MEMBERS.map(member).join(", ");
    Configuration::new(&format!(
        r#"{{"providers": [{{"type": "anthropic", "name": "{provider}", "pool": [{members}]}}]}}"#
    ))
}

/// The configuration of the upstream filter of a member.
fn upstream(provider: &str, member: &str) -> Configuration {
    Configuration::new(&format!(r#"{{"upstream": {{"provider": "{provider}", "member": "{member}"}}}}"#))
}

impl Stream {
    fn to_pool(configuration: &Configuration, provider: &str) -> Self {
        let stream = Self::new(configuration, &format!("/{provider}/v1/messages"));
        assert_eq!(stream.request_headers(), CONTINUE);
        stream
    }

    /// An attempt at the request of this stream.
    fn attempt(&self, configuration: &Configuration) -> Self {
        let attempt = Self::new(configuration, "/v1/messages");
        (*attempt.filter.state.borrow_mut()).clone_from(&self.filter.state.borrow());
        assert_eq!(attempt.request_headers(), CONTINUE);
        attempt
    }

    fn answers(&self, status: &str) {
        *self.filter.headers[2].borrow_mut() = pairs(&[(":status", status)]);
        // SAFETY: as above.
        let flow = unsafe {
            envoy_dynamic_module_on_http_filter_response_headers(address(&self.filter), self.module, false)
        };
        assert_eq!(flow, CONTINUE);
    }

    fn sent(&self, name: &str) -> Option<String> {
        let headers = self.filter.headers[0].borrow();
        let value = headers.iter().find(|(known, _)| known == name);
        value.map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }
}

#[test]
fn an_attempt_that_outlives_its_client_still_sets_its_member_aside() {
    let (main, first) = (pool("outlives"), upstream("outlives", "a"));
    let stream = Stream::to_pool(&main, "outlives");
    let (attempt, unanswered) = (stream.attempt(&first), stream.attempt(&first));
    assert_eq!(attempt.sent("x-api-key").unwrap(), "key-of-a-0123456789");
    stream.complete();
    drop(stream);
    drop(unanswered);
    attempt.answers("429");
    drop(attempt);
    drop(first);
    let next = Stream::to_pool(&main, "outlives");
    assert!(next.sent("x-ai-bridge-pool").unwrap().starts_with("outlives/b"));
}

#[test]
fn an_attempt_without_a_ticket_is_refused_even_where_the_reply_destroys_it() {
    let configuration = upstream("nothing", "a");
    for destroys in [false, true] {
        let attempt = Stream::new(&configuration, "/v1/messages");
        if destroys {
            attempt.end_by_calls();
        }
        assert_eq!(attempt.request_headers(), STOP_HEADERS);
        assert_eq!(attempt.filter.destroyed.get(), destroys);
        assert_eq!(attempt.filter.replies.borrow()[0].0, 503);
    }
}

#[test]
fn members_that_workers_set_aside_at_the_same_time_are_all_aside() {
    for round in 0..300 {
        let provider = format!("race-{round}");
        let main = pool(&provider);
        let upstreams = MEMBERS.map(|member| upstream(&provider, member));
        let begin = std::sync::Barrier::new(MEMBERS.len() - 1);
        std::thread::scope(|scope| {
            for upstream in &upstreams[..MEMBERS.len() - 1] {
                scope.spawn(|| {
                    let stream = Stream::to_pool(&main, &provider);
                    let attempt = stream.attempt(upstream);
                    begin.wait();
                    attempt.answers("429");
                });
            }
        });
        let next = Stream::to_pool(&main, &provider);
        assert_eq!(next.sent("x-ai-bridge-pool").unwrap(), format!("{provider}/e"));
    }
}

#[test]
fn the_gauges_of_a_pool_are_shown_without_a_request() {
    let configuration = pool("idle");
    let before = GAUGES.load(Ordering::Relaxed);
    // SAFETY: the configuration is not destroyed.
    unsafe { envoy_dynamic_module_on_http_filter_config_scheduled(ptr::null_mut(), configuration.0, 0) };
    assert_eq!(GAUGES.load(Ordering::Relaxed), before + MEMBERS.len());
}

#[test]
fn no_thread_outlives_its_configuration() {
    let configurations: Vec<_> = (0..50).map(|_| pool("threads")).collect();
    assert!(SCHEDULERS.load(Ordering::Relaxed) >= configurations.len());
    drop(configurations);
    // Other tests have pools of their own at this time, at most this many.
    assert!(SCHEDULERS.load(Ordering::Relaxed) < 20);
}
