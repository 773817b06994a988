//! How many calls into Envoy an exchange takes, hook by hook: the table of `envoy/native/README.md`.

use crate::envoy::CALLS;
use crate::module::{CHAT, Configuration, EVENTS, Stream};
use std::collections::BTreeMap;

const MESSAGES: &str = "/anthropic/v1/messages";
const REQUEST: &[u8] =
    br#"{"model":"claude-opus-4-8","max_tokens":64,"messages":[{"role":"user","content":"Why?"}]}"#;
const ANSWER: &[u8] = br#"{"id":"m","type":"message","role":"assistant","model":"claude-opus-4-8","content":[{"type":"text","text":"So."}],"stop_reason":"end_turn","usage":{"input_tokens":12,"output_tokens":3}}"#;

const NO_VALUES: &str = r#", "publish": []"#;

/// Of reading all headers.
const HEADERS: [(&str, usize); 2] = [("http_get_headers", 1), ("http_get_headers_size", 1)];
/// Of reading a chunk of a body, whatever the number of its parts.
const CHUNK: [(&str, usize); 2] = [("http_get_body_chunks", 1), ("http_get_body_chunks_size", 1)];
/// Of replacing a chunk.
const REPLACED: [(&str, usize); 2] = [("http_append_body", 1), ("http_drain_body", 1)];

/// The functions of Envoy that `hook` calls, with how often.
fn calls(hook: impl FnOnce()) -> BTreeMap<&'static str, usize> {
    CALLS.take();
    hook();
    of(&CALLS.take().into_iter().map(|name| (name, 1)).collect::<Vec<_>>())
}

fn of(calls: &[(&'static str, usize)]) -> BTreeMap<&'static str, usize> {
    calls.iter().fold(BTreeMap::new(), |mut all, (name, times)| {
        *all.entry(*name).or_default() += times;
        all
    })
}

/// A configuration with two providers; `more`: further members.
fn configuration(more: &str) -> Configuration {
    Configuration::new(&format!(
        r#"{{"providers": [{{"type": "anthropic", "key": {{"value": "k"}}}}, {{"type": "openai", "key": {{"value": "k"}}}}]{more}}}"#
    ))
}

fn values(times: usize) -> (&'static str, usize) {
    ("http_set_filter_state_bytes", times)
}

#[test]
fn a_document_takes_the_documented_calls_into_envoy() {
    let edits = [("http_set_header", 4), ("http_clear_route_cache", 1)];
    let metadata = [("http_set_dynamic_metadata_number", 6), ("http_set_dynamic_metadata_string", 1)];
    let end = [("http_filter_increment_counter", 3), ("http_filter_record_histogram_value", 1), values(1)];
    for (more, start, whole) in [("", 5, 8), (NO_VALUES, 0, 0)] {
        let is_all = whole > 0;
        let configuration = configuration(more);
        let stream = Stream::new(&configuration, MESSAGES);
        let mut expected = [HEADERS, edits].concat();
        expected.extend(is_all.then_some(values(start)));
        assert_eq!(calls(|| _ = stream.request_headers()), of(&expected));
        let in_parts = [&REQUEST[..20], &REQUEST[20..]];
        assert_eq!(calls(|| _ = stream.request_body(&in_parts, true)), of(&CHUNK));
        assert_eq!(
            calls(|| _ = stream.response_headers("application/json")),
            of(&[HEADERS.as_slice(), &[("http_set_header", 1)]].concat())
        );
        let mut expected = CHUNK.to_vec();
        expected.extend(is_all.then_some(values(whole)));
        expected.extend(is_all.then_some(metadata).into_iter().flatten());
        assert_eq!(calls(|| _ = stream.response_body(&[ANSWER], true)), of(&expected));
        assert_eq!(calls(|| stream.complete()), of(&end));
        assert_eq!(calls(|| drop(stream)), of(&[]));
    }
}

#[test]
fn a_stream_takes_two_calls_for_each_further_chunk_and_two_for_each_that_is_edited() {
    let configuration = configuration(NO_VALUES);
    let stream = Stream::new(&configuration, CHAT);
    stream.request_headers();
    let splice = [CHUNK, REPLACED].concat();
    assert_eq!(calls(|| _ = stream.request_body(&[crate::module::REQUEST], true)), of(&splice));
    stream.response_headers("text/event-stream");
    let (event, rest) = EVENTS.split_at(EVENTS.iter().position(|byte| *byte == b'\n').unwrap() + 2);
    assert_eq!(calls(|| _ = stream.response_body(&[event], false)), of(&CHUNK));
    assert_eq!(calls(|| _ = stream.response_body(&[rest], true)), of(&[CHUNK, REPLACED].concat()));
    let end = [("http_filter_increment_counter", 3), ("http_filter_record_histogram_value", 2), values(1)];
    assert_eq!(calls(|| stream.complete()), of(&end));
}

#[test]
fn passthrough_reads_no_body_and_no_code_details() {
    let configuration = configuration("");
    let stream = Stream::new(&configuration, "/anthropic/v1/models");
    let edits = [("http_set_header", 4), ("http_clear_route_cache", 1)];
    assert_eq!(calls(|| _ = stream.request_headers()), of(&[HEADERS, edits].concat()));
    assert_eq!(calls(|| _ = stream.request_body(&[b"{}"], true)), of(&[]));
    let counted = [HEADERS.as_slice(), &[("http_filter_increment_counter", 1)]].concat();
    assert_eq!(calls(|| _ = stream.response_headers("application/json")), of(&counted));
    assert_eq!(calls(|| _ = stream.response_body(&[b"{}"], true)), of(&[]));
    assert_eq!(calls(|| stream.complete()), of(&[]));
}
