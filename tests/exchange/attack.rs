//! What a reviewer tried: sentences of the contract read literally, and peers that mean harm.

use crate::world::{CONFIGURATION, World, bridge, changed, head};
use serde_json::{Value, json};

const ROUTE: &str = "POST /anthropic/v1/messages";
const JSON: [(&str, &str); 1] = [("content-type", "application/json")];
const EVENTS: [(&str, &str); 1] = [("content-type", "text/event-stream")];

/// The record of a request with this body, answered with an empty stream.
fn asked(body: &Value) -> Value {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(ROUTE, &[]), false).upload(body.to_string().as_bytes(), true);
    world.answer(head("200", &EVENTS), true).done();
    world.record()
}

/// A stream in which everything was answered but the body.
fn answering(lines: &[(&str, &str)]) -> World {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(ROUTE, &[]), false).upload(br#"{"model":"claude-opus-4-8","messages":[]}"#, true);
    world.answer(head("200", lines), false);
    world
}

#[test]
fn a_last_message_of_the_wrong_shape_is_no_prompt_and_neither_is_an_earlier_one() {
    for last in [json!("text"), json!(7), json!(null), json!([]), json!(true)] {
        let turns = json!([
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}, {"type": "text", "text": "earlier"}]},
            last
        ]);
        let record = asked(&json!({"model": "m", "messages": turns}));
        assert_eq!((record.get("prompt"), record.get("correlating_tool_call_id")), (None, None), "{last}");
    }
}

#[test]
fn nothing_after_the_last_event_and_no_event_without_text_is_unreadable() {
    let mut world = answering(&EVENTS);
    world.download(b"event: ping\ndata:\n\n: keep-alive\n\ndata: \n\nevent: x\n\n", false);
    world.download(b"data: {\"type\":\"message_stop\"}\n\ndata: [DONE]\n\n", true).done();
    let record = world.record();
    assert_eq!((&record["outcome"], &record["notes"]), (&json!("completed"), &json!([])));
}

#[test]
fn a_document_that_is_an_error_object_is_a_failure_with_or_without_its_type() {
    for body in [
        r#"{"type":"error","error":{"type":"api_error","message":"no"}}"#,
        r#"{"error":{"type":"api_error","message":"no"}}"#,
    ] {
        let mut world = answering(&JSON);
        world.download(body.as_bytes(), true).done();
        let record = world.record();
        assert_eq!(
            (&record["outcome"], &record["error"]["message"]),
            (&json!("failed"), &json!("no")),
            "{body}"
        );
    }
}

const DOCUMENT: &str = r#"{"id":"msg_1","model":"claude-opus-4-8","usage":{"input_tokens":3,"output_tokens":4},"content":[{"type":"tool_use","id":"t","name":"n","input":{}},{"type":"text","text":"..."#;

fn learned(record: &Value) -> (&Value, &Value, &Value, usize) {
    (
        &record["response"]["id"],
        &record["model"]["served"],
        &record["usage"]["output_tokens"],
        record["tool_calls"].as_array().unwrap().len(),
    )
}

#[test]
fn a_document_that_breaks_off_leaves_what_was_learned_until_then() {
    for (end, details, outcome) in [
        (true, "via_upstream", "aborted_upstream"),
        (false, "upstream_reset_after_response_started{connection_termination}", "aborted_upstream"),
        (false, "downstream_remote_disconnect", "aborted_client"),
    ] {
        let mut world = answering(&JSON);
        world.download(DOCUMENT.as_bytes(), end).finish(details);
        let record = world.record();
        assert_eq!(record["outcome"], outcome, "{details}");
        assert_eq!(learned(&record), (&json!("msg_1"), &json!("claude-opus-4-8"), &json!(4), 1), "{details}");
        assert_eq!(record["notes"], json!([]));
    }
}

#[test]
fn a_document_above_the_limit_is_read_up_to_it_however_it_is_cut() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"document_bytes": DOCUMENT.len()}));
    let body = format!("{DOCUMENT}{}\"}}]}}", "x".repeat(1000));
    for size in [1, 7, 100, 5000] {
        let mut world = World::new(&bridge);
        world.request(head(ROUTE, &[]), false).upload(b"{}", true).answer(head("200", &JSON), false);
        for piece in body.as_bytes().chunks(size) {
            world.download(piece, false);
        }
        world.download(b"", true).done();
        let record = world.record();
        assert_eq!(
            (&record["outcome"], &record["notes"]),
            (&json!("completed"), &json!(["document_too_large"]))
        );
        assert_eq!(learned(&record), (&json!("msg_1"), &json!("claude-opus-4-8"), &json!(4), 1), "{size}");
    }
}

#[test]
fn an_error_without_a_body_is_told_by_its_status() {
    for status in ["304", "500"] {
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head(ROUTE, &[]), false).upload(b"{}", true).answer(head(status, &JSON), true).done();
        let record = world.record();
        assert_eq!((&record["outcome"], &record["notes"]), (&json!("failed"), &json!([])), "{status}");
    }
}

#[test]
fn a_property_that_is_no_text_names_nobody() {
    let bridge =
        changed(|configuration| configuration["actor"] = json!({"property": ["request", "headers"]}));
    // What the host gives for a number, a flag, a map: bytes that may well be UTF-8.
    for property in
        [&b"\x03\0\0\0\0\0\0\0"[..], b"\0", b"\x01\0\0\0\x0d\0\0\0\x0a\0\0\0authorization\0Bearer sk-x\0"]
    {
        let mut world = World::new(&bridge);
        world.request_with(head(ROUTE, &[]), Some(property), false).done();
        assert_eq!(world.replied().0, 400);
        let record = world.published["ai_bridge_record"].clone();
        assert!(!record.contains("sk-x"), "{record}");
    }
}

#[test]
fn copilot_never_learns_the_actor_and_may_serve_nobody() {
    let bridge = changed(|configuration| {
        configuration["providers"] = json!([{"type": "copilot", "send_actor": true, "byok": "allow"}]);
    });
    let lines = [("authorization", "Bearer gho_0123456789"), ("x-actor", "ann"), ("x-team", "red")];
    let mut world = World::new(&bridge);
    world.request(head("POST /copilot/v1/messages", &lines), false);
    assert_eq!(world.sent("authorization"), Some("Bearer gho_0123456789"));
    let sent = world.upstream_headers.as_ref().unwrap();
    assert!(!sent.iter().any(|(name, _)| name.starts_with("x-ai-bridge-actor") || name == "x-actor"));

    let bridge = changed(|configuration| {
        configuration["providers"] = json!([{"type": "copilot", "byok": "deny"}]);
    });
    for (lines, status) in [(&lines[..], 403), (&[], 401)] {
        let mut world = World::new(&bridge);
        world.request(head("POST /copilot/v1/messages", lines), false);
        assert_eq!(world.replied().0, status);
    }
}

#[test]
fn headers_that_connection_names_go_and_the_inspected_credential_stays() {
    let mut world = World::new(&bridge(CONFIGURATION));
    let lines = [
        ("connection", "X-Foo, authorization ,anthropic-version"),
        ("connection", "content-type"),
        ("x-foo", "1"),
        ("anthropic-version", "2023-06-01"),
        ("content-type", "application/json"),
        ("authorization", "Bearer sk-ant-own-0123456789"),
        ("x-ai-bridge-cluster", "openai"),
        ("x-ai-bridge-cluster", "copilot"),
    ];
    world.request(head(ROUTE, &lines), false);
    let sent = world.upstream_headers.as_ref().unwrap();
    let clusters: Vec<&[u8]> = sent.all("x-ai-bridge-cluster").collect();
    assert_eq!(clusters, [b"anthropic"]);
    assert!(!sent.contains("x-foo") && !sent.contains("connection") && !sent.contains("anthropic-version"));
    assert!(sent.contains("content-type"));
    assert_eq!(world.sent("authorization"), Some("Bearer sk-ant-own-0123456789"));
    assert!(!sent.contains("x-api-key"));
}

#[test]
fn usage_texts_are_bounded_like_all_names() {
    let mut world = answering(&JSON);
    let tier = "t".repeat(5000);
    let body =
        format!("{{\"usage\":{{\"input_tokens\":1,\"output_tokens\":1,\"service_tier\":\"{tier}\"}}}}");
    world.download(body.as_bytes(), true).done();
    assert_eq!(world.record()["usage"]["details"]["service_tier"].as_str().unwrap().len(), 1024);
}

#[test]
fn no_arguments_make_a_record_that_common_readers_cannot_read() {
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let nearly = format!("{}{}", "[".repeat(125), "]".repeat(125));
    for input in [deep.as_str(), &nearly, r#"{"a":"\ud800"}"#, r#"{"\udc00":1}"#, "1e999"] {
        let mut world = answering(&JSON);
        let body = format!(r#"{{"content":[{{"type":"tool_use","id":"t","name":"n","input":{input}}}]}}"#);
        world.download(body.as_bytes(), true).done();
        assert_eq!(world.record()["tool_calls"][0]["arguments"], *input);
    }
    let mut world = answering(&JSON);
    let body = r#"{"content":[{"type":"tool_use","input":{"a":["\ud83d\ude00", 1.50]}}]}"#;
    world.download(body.as_bytes(), true).done();
    assert_eq!(world.record()["tool_calls"][0]["arguments"], json!({"a": ["\u{1f600}", 1.5]}));
}

#[test]
fn calls_that_begin_whole_and_never_end_are_held_within_the_texts_bound_and_shown_to_nobody() {
    let mut world = answering(&EVENTS);
    let input = "held ".repeat(10_000);
    for index in 0..250 {
        let block = json!({"type": "tool_use", "id": "a", "name": "n", "input": {"a": input}});
        let event = json!({"type": "content_block_start", "index": index, "content_block": block});
        world.download(format!("data: {event}\n\n").as_bytes(), false);
    }
    assert!(!world.shown().contains("held"), "Debug shows a call's arguments");
    world.download(b"data: {\"type\":\"content_block_stop\",\"index\":0}\n\n", false);
    world.download(b"data: {\"type\":\"content_block_stop\",\"index\":249}\n\n", true).done();
    let record = world.record();
    assert_eq!(record["tool_calls"][0]["arguments"]["a"], input);
    assert_eq!(
        (&record["tool_calls"][249].get("arguments"), &record["notes"]),
        (&None, &json!(["text_cut"]))
    );
}
