//! Claude on Bedrock: what goes to AWS, what the client gets, and what is recorded.

mod answers;
mod requests;

use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;
use world::frames::{self, exception};
use world::{World, bridge, head};

const BODY: &str = r#"{"model":"claude-opus-4-8", "max_tokens":64,"stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

const HOST: &str = "bedrock-runtime.eu-west-1.amazonaws.com";

fn providers(key: &str) -> Rc<Bridge> {
    bridge(&format!(
        r#"{{"providers": [
            {{"type": "anthropic", "name": "native"{key}, "bedrock": {{"region": "us-east-1"}}}},
            {{"type": "anthropic", "name": "invoke"{key}, "bedrock": {{"region": "eu-west-1", "mode": "invoke",
              "host_holds_headers": true, "models": {{"claude-opus-*": "eu.anthropic.claude-opus-4-8"}}, "body_bytes": 2000}}}}],
           "gateway_credentials": {{"value_prefixes": ["gw_"]}}}}"#
    ))
}

fn signed() -> Rc<Bridge> {
    providers("")
}

fn chunk(event: &Value) -> Vec<u8> {
    frames::chunk(&event.to_string())
}

fn events() -> Vec<Value> {
    vec![
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "claude-opus-4-8", "usage": {"input_tokens": 3, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "input_json_delta", "partial_json": "{\"a\":1}"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 7}}),
        json!({"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 4, "outputTokenCount": 8, "cacheReadInputTokenCount": 2}}),
    ]
}

fn sse(events: &[Value]) -> String {
    events
        .iter()
        .map(|event| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap()))
        .collect()
}

fn sent(body: &str, size: usize) -> World {
    let mut world = World::new(&signed());
    let headers = [
        ("content-type", "application/json"),
        ("anthropic-version", "2023-06-01"),
        ("anthropic-beta", "computer-use-2025-11-24,claude-code-20250219"),
        ("x-amz-security-token", "theirs"),
        ("x-amzn-bedrock-trace", "ENABLED"),
        ("authorization", "Bearer gw_1"),
    ];
    world.request(head("POST /invoke/v1/messages?beta=true", &headers), false);
    for chunk in body.as_bytes().chunks(size) {
        world.upload(chunk, false);
    }
    world.upload(b"", true);
    world
}

fn streaming() -> World {
    let mut world = sent(BODY, 1000);
    let headers = [
        ("content-type", "application/vnd.amazon.eventstream"),
        ("content-length", "9999"),
        ("x-amzn-requestid", "aws-1"),
    ];
    world.answer(head("200", &headers), false);
    world
}
