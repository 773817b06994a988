//! Usage behind megabytes: an event or a document above its limit is read on for its numbers, and says so in its notes.

use serde_json::{Value, json};
use world::{CONFIGURATION, World, bridge, head};

const PICTURE: usize = 1_600_000;
const RESPONSES: &str = "POST /openai/v1/responses";
const CHAT: &str = "POST /openai/v1/chat/completions";

/// A finished response with a generated picture of `bytes` base64 characters in front of its usage.
fn response(bytes: usize) -> Value {
    json!({
        "id": "resp_1", "object": "response", "status": "completed", "model": "gpt-5.5-2026-04-23",
        "output": [
            {"id": "ig_1", "type": "image_generation_call", "status": "completed", "result": "A".repeat(bytes)},
            {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "call_1", "name": "show", "arguments": "{}"},
        ],
        "usage": {"input_tokens": 500, "output_tokens": 40, "total_tokens": 540},
        "tool_usage": {"image_gen": {"input_tokens": 50, "output_tokens": 7024}, "web_search": {"num_requests": 0}},
    })
}

/// What the gateway records of an answer of `content_type`, handed over in pieces of 16 KiB.
fn record(first: &str, request: &Value, content_type: &str, answer: &[u8]) -> Value {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(first, &[]), false).upload(request.to_string().as_bytes(), true);
    world.answer(head("200", &[("content-type", content_type)]), false);
    let pieces: Vec<&[u8]> = answer.chunks(16 << 10).collect();
    for (at, piece) in pieces.iter().enumerate() {
        world.download(piece, at + 1 == pieces.len());
    }
    world.done();
    assert!(world.client_body == answer, "the client gets every byte");
    world.record()
}

fn assert_usage(record: &Value, note: &str) {
    assert_eq!(record["outcome"], "completed");
    let usage = &record["usage"];
    assert_eq!(usage["usage_status"], "complete");
    assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(500), &json!(40)));
    assert_eq!(record["cost_microusd"], 1025, "500 x 1.25 + 40 x 10");
    assert!(record["notes"].as_array().unwrap().contains(&json!(note)), "{}", record["notes"]);
}

#[test]
fn usage_behind_a_picture_in_an_event_is_read() {
    for ask in [true, false] {
        let mut stream = String::new();
        for event in [
            json!({"type": "response.created", "response": {"id": "resp_1", "model": "gpt-5.5-2026-04-23", "usage": null}}),
            json!({"type": "response.completed", "response": response(PICTURE)}),
        ] {
            stream.push_str(&format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()));
        }
        let request = json!({"model": "gpt-5.5", "input": "Draw.", "stream": ask});
        let record = record(RESPONSES, &request, "text/event-stream", stream.as_bytes());
        assert_usage(&record, "event_too_large");
        assert_eq!(record["usage"]["details"]["image_output_tokens"], 7024);
    }
}

#[test]
fn usage_behind_pictures_in_a_document_is_read() {
    let request = json!({"model": "gpt-5.5", "input": "Draw."});
    let answer = response(9 << 20).to_string();
    let record = record(RESPONSES, &request, "application/json", answer.as_bytes());
    assert_usage(&record, "document_too_large");
}

#[test]
fn usage_behind_a_long_text_in_a_chat_document_is_read() {
    let request = json!({"model": "gpt-5.5", "messages": [{"role": "user", "content": "Draw."}]});
    let message = json!({"role": "assistant", "content": "A".repeat(9 << 20)});
    let answer = format!(
        r#"{{"id":"chatcmpl-1","model":"gpt-5.5-2026-04-23","choices":[{{"index":0,"message":{message},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":500,"completion_tokens":40,"total_tokens":540}}}}"#
    );
    let record = record(CHAT, &request, "application/json", answer.as_bytes());
    assert_usage(&record, "document_too_large");
}

#[test]
fn usage_behind_a_long_text_in_a_chat_event_is_read() {
    let request = json!({"model": "gpt-5.5", "messages": [], "stream": true, "stream_options": {"include_usage": true}});
    let chunk = format!(
        r#"{{"id":"chatcmpl-1","model":"gpt-5.5-2026-04-23","choices":[{{"index":0,"delta":{{"images":["{}"]}},"finish_reason":"stop"}}],"usage":{{"prompt_tokens":500,"completion_tokens":40,"total_tokens":540}}}}"#,
        "A".repeat(PICTURE)
    );
    let answer = format!("data: {chunk}\n\ndata: [DONE]\n\n");
    let record = record(CHAT, &request, "text/event-stream", answer.as_bytes());
    assert_usage(&record, "event_too_large");
}

#[test]
fn usage_behind_a_picture_below_the_bounds_is_read_without_a_note() {
    let request = json!({"model": "gpt-5.5", "input": "Draw."});
    let answer = response(100_000).to_string();
    let record = record(RESPONSES, &request, "application/json", answer.as_bytes());
    assert_eq!(record["usage"]["usage_status"], "complete");
    assert_eq!(record["cost_microusd"], 1025);
    assert_eq!(record["notes"], json!([]));
}

#[test]
fn usage_behind_thousands_of_items_is_read() {
    let item = r#"{"type":"function_call","id":"fc_1","call_id":"call_1","name":"search","arguments":"{}"}"#;
    let items = vec![item; 20_000].join(",");
    let usage = r#"{"input_tokens":50,"output_tokens":7}"#;
    let response = format!(
        r#"{{"output":[{items}],"usage":{usage},"status":"completed","id":"resp_1","model":"gpt-5.5"}}"#
    );
    // The names of the items use up what is kept beyond the limit; the type comes behind them.
    let event = format!("data: {{\"response\":{response},\"type\":\"response.completed\"}}\n\n");
    assert!(event.len() > 1 << 20, "above limits.event_bytes");
    let mut world = World::new(&bridge(CONFIGURATION));
    let request = br#"{"model":"gpt-5.5","stream":true}"#;
    world.request(head("POST /openai/v1/responses", &[]), false).upload(request, true);
    world.answer(head("200", &[("content-type", "text/event-stream")]), false);
    for piece in event.as_bytes().chunks(16 << 10) {
        world.download(piece, false);
    }
    world.download(b"", true).done();
    let record = world.record();
    assert_eq!(
        (&record["usage"]["input_tokens"], &record["usage"]["output_tokens"]),
        (&json!(50), &json!(7))
    );
    assert_eq!((&record["outcome"], &record["model"]["served"]), (&json!("completed"), &json!("gpt-5.5")));
    assert_eq!(record["response"]["id"], "resp_1");
}
