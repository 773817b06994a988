//! Requests for Bedrock's mode `invoke`: the translation never panics, and keeps every member of an object but those that
//! a rule changes.
//!
//! Input: one byte for the model, then the body.
#![no_main]

use ai_bridge::bedrock::{Invoke, Table};
use ai_bridge_fuzz::{is_json, is_shallow};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

const IDS: [&str; 3] = [
    "anthropic.claude-opus-4-6-v1",
    "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "arn:aws:bedrock:us-east-1:1:application-inference-profile/x",
];
const CHANGED: [&str; 6] = ["model", "stream", "anthropic_version", "anthropic_beta", "thinking", "output_config"];

fuzz_target!(|input: &[u8]| {
    let [id, body @ ..] = input else { return };
    let id = IDS[usize::from(*id) % IDS.len()];
    let invoke = Invoke { unsupported_fields: Table(Vec::new()), ..Invoke::default() };
    let adapted = invoke.adapt(body, "claude-haiku-4-5-1", id, true, &["a, compact-2026-01-12".to_owned()]);
    let _ = Invoke::default().adapt(body, "claude-haiku-4-5-1", id, true, &[]);
    if !is_json(body) || !is_shallow(body) {
        return;
    }
    let Ok(Value::Object(mut before)) = serde_json::from_slice::<Value>(body) else { return };
    let adapted = adapted.expect("it is an object");
    let Ok(Value::Object(mut after)) = serde_json::from_slice::<Value>(&adapted.body) else {
        panic!("{}", String::from_utf8_lossy(&adapted.body));
    };
    assert!(after.contains_key("anthropic_version") && !after.contains_key("model"));
    before.retain(|name, _| !CHANGED.contains(&name.as_str()));
    after.retain(|name, _| !CHANGED.contains(&name.as_str()));
    assert_eq!(before, after);
});
