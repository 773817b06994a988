//! An upstream that lies makes a record poorer and says so in `notes`; it never changes a byte.

use crate::world::{CONFIGURATION, World, bridge, changed, head};
use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;

const BODY: &[u8] = br#"{"model":"claude-opus-4-8","stream":true,"messages":[]}"#;

fn answered(bridge: &Rc<Bridge>, lines: &[(&str, &str)], body: &[u8]) -> Value {
    let mut world = World::new(bridge);
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(BODY, true);
    world.answer(head("200", lines), false);
    for piece in body.chunks(1000) {
        world.download(piece, false);
    }
    world.download(b"", true).done();
    assert!(world.client_body == body, "the client's bytes");
    world.record()
}

const EVENTS: [(&str, &str); 1] = [("content-type", "text/event-stream")];

#[test]
fn an_event_above_the_limit_is_skipped_and_reading_goes_on() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"event_bytes": 2000}));
    let body = format!(
        "data: {{\"type\":\"ping\",\"x\":\"{}\"}}\n\ndata: {{\"type\":\"message_stop\"}}\n\n",
        "x".repeat(3000)
    );
    let record = answered(&bridge, &EVENTS, body.as_bytes());
    assert_eq!((&record["outcome"], &record["notes"]), (&json!("completed"), &json!(["event_too_large"])));
}

#[test]
fn a_document_above_the_limit_is_not_read_further() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"document_bytes": 4096}));
    let body = format!("{{\"id\":\"m\",\"x\":\"{}\"}}", "x".repeat(9000));
    let record = answered(&bridge, &[("content-type", "application/json")], body.as_bytes());
    assert_eq!((&record["outcome"], &record["notes"]), (&json!("completed"), &json!(["document_too_large"])));
}

#[test]
fn an_event_that_is_no_json_is_noted_and_the_others_count() {
    let record = answered(
        &bridge(CONFIGURATION),
        &EVENTS,
        b"data: {\"type\":\n\ndata: \xff\n\ndata: {\"type\":\"message_stop\"}\n\n",
    );
    assert_eq!(
        (&record["outcome"], &record["notes"]),
        (&json!("completed"), &json!(["response_unreadable"]))
    );
}

#[test]
fn a_compressed_or_foreign_answer_is_forwarded_and_noted() {
    for (lines, note) in [
        (vec![("content-type", "text/event-stream"), ("content-encoding", "gzip")], "response_encoded"),
        (vec![("content-type", "text/html")], "response_content_type"),
    ] {
        let record = answered(&bridge(CONFIGURATION), &lines, b"\x1f\x8b{}");
        assert_eq!((&record["outcome"], &record["notes"]), (&json!("completed"), &json!([note])));
    }
}

#[test]
fn numbers_that_are_none_are_absent_and_noted() {
    let body = b"data: {\"type\":\"message_delta\",\"usage\":{\"input_tokens\":\"7\",\"output_tokens\":-1,\"cache_read_input_tokens\":1e99}}\n\n\
                 data: {\"type\":\"message_stop\"}\n\n";
    let record = answered(&bridge(CONFIGURATION), &EVENTS, body);
    assert_eq!(record["notes"], json!(["usage_unreadable"]));
    assert!(record["usage"].get("input_tokens").is_none() && record["usage"].get("output_tokens").is_none());
}

#[test]
fn more_tool_calls_than_are_kept_are_counted() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"tool_calls": 2, "thoughts": 1}));
    let tool = "{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{}}";
    let thought = "{\"type\":\"thinking\",\"thinking\":\"hm\"}";
    let body = format!(
        "{{\"type\":\"message\",\"content\":[{}]}}",
        [tool, tool, tool, tool, thought, thought].join(",")
    );
    let record = answered(&bridge, &[("content-type", "application/json")], body.as_bytes());
    assert_eq!(record["tool_calls"].as_array().unwrap().len(), 2);
    assert_eq!(record["notes"], json!(["tool_calls_dropped:2", "thoughts_dropped:1"]));
}

#[test]
fn texts_are_cut_as_they_are_written_and_noted() {
    let bridge =
        changed(|configuration| configuration["record"] = json!({"text_bytes": 10, "total_bytes": 24}));
    let mut world = World::new(&bridge);
    let body = json!({"messages": [{"role": "user", "content": "\n\n\n\n\n\n\n"}]}).to_string();
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(body.as_bytes(), true);
    let answer = json!({"content": [
        {"type": "tool_use", "name": "a", "input": {"a": 1}},
        {"type": "tool_use", "name": "b", "input": {"b": "long enough"}},
        {"type": "thinking", "thinking": "hmm, hmm"},
    ]});
    world.answer(head("200", &[("content-type", "application/json")]), false);
    world.download(answer.to_string().as_bytes(), true).done();
    let record = world.record();
    assert_eq!(record["prompt"], "\n\n\n\n\n");
    assert_eq!(record["tool_calls"][0]["arguments"], json!({"a": 1}));
    assert_eq!(record["tool_calls"][1]["arguments"], "{\"b\":");
    assert_eq!(record["thoughts"][0]["text"], "");
    assert_eq!(record["notes"], json!(["text_cut"]));
}

#[test]
fn what_policy_keeps_out_of_records_is_not_there() {
    let bridge = changed(|configuration| {
        configuration["record"] = json!({"prompts": false, "tool_arguments": false, "thoughts": false});
    });
    let mut world = World::new(&bridge);
    let body = json!({"messages": [{"role": "user", "content": "PRIVATE"}]}).to_string();
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(body.as_bytes(), true);
    let answer = json!({"content": [
        {"type": "tool_use", "name": "a", "input": {"a": "PRIVATE"}},
        {"type": "thinking", "thinking": "PRIVATE"},
    ]});
    world.answer(head("200", &[("content-type", "application/json")]), false);
    world.download(answer.to_string().as_bytes(), true).done();
    assert!(!world.published["ai_bridge_record"].contains("PRIVATE"));
    assert_eq!(world.record()["tool_calls"][0]["name"], "a");
}
