//! Which responses are read as event streams, which as documents, and which not at all.

use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{CONFIGURATION, World, bridge, head};

#[test]
fn the_content_type_or_else_the_request_decides_the_format() {
    let stream = "data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":4}}\n\ndata: {\"type\":\"message_stop\"}\n\n";
    let whole = "{\"usage\":{\"output_tokens\":4}}";
    for (content_type, body, asked, tokens, notes) in [
        (Some("text/event-stream"), stream, false, 4, json!([])),
        (Some("Text/Event-Stream ; charset=utf-8"), stream, false, 4, json!([])),
        (Some("application/json"), whole, true, 4, json!([])),
        (Some("APPLICATION/JSON;charset=utf-8"), whole, true, 4, json!([])),
        (Some("application/problem+json"), whole, true, 4, json!([])),
        (None, stream, true, 4, json!([])),
        (None, whole, false, 4, json!([])),
        (Some(""), stream, true, 4, json!([])),
        (Some("text/plain"), whole, false, 0, json!(["response_content_type"])),
        (Some("application/jsonl"), whole, false, 0, json!(["response_content_type"])),
        (Some("application/json"), stream, true, 0, json!(["response_unreadable", "usage_estimated"])),
    ] {
        let mut world = World::new(&bridge(CONFIGURATION));
        let request = json!({"stream": asked}).to_string();
        world.request(head("POST /anthropic/v1/messages", &[]), false).upload(request.as_bytes(), true);
        let lines: Vec<(&str, &str)> = content_type.map(|kind| ("content-type", kind)).into_iter().collect();
        world.answer(head("200", &lines), false).download(body.as_bytes(), true).done();
        let record = world.record();
        assert_eq!(
            record["usage"]["output_tokens"].as_u64().unwrap_or(0),
            tokens,
            "{content_type:?} {asked}"
        );
        assert_eq!((&record["outcome"], &record["notes"]), (&json!("completed"), &notes), "{content_type:?}");
    }
}

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

#[test]
fn compressed_and_foreign_responses_pass_and_are_noted() {
    for (lines, note) in [
        (vec![("content-type", "text/event-stream"), ("content-encoding", "gzip")], "response_encoded"),
        (vec![("content-type", "text/html")], "response_content_type"),
    ] {
        let record = answered(&bridge(CONFIGURATION), &lines, b"\x1f\x8b{}");
        assert_eq!((&record["outcome"], &record["notes"]), (&json!("completed"), &json!([note])));
    }
}
