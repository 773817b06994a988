//! The record: every member, its form, and whether it is absent or empty.

use crate::outcomes::answering;
use serde_json::{Value, json};
use world::{CONFIGURATION, World, bridge, changed, exchanged, head};

const EVENTS: (&str, &str) = ("content-type", "text/event-stream");

const DOCUMENT: (&str, &str) = ("content-type", "application/json");

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn unknown_members_are_absent_and_lists_always_present() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /copilot/responses", &[]), true).finish("");
    let record = world.record();
    let mut wanted = vec![
        "version",
        "id",
        "started_at",
        "ended_at",
        "duration_ms",
        "provider",
        "api",
        "method",
        "path",
        "upstream",
        "streaming",
        "model",
        "client",
        "credential",
        "response",
        "usage",
        "tool_calls",
        "thoughts",
        "outcome",
        "error",
        "notes",
    ];
    wanted.sort_unstable();
    assert_eq!(members(&record), wanted);
    assert_eq!(record["response"], json!({"status": 401, "finish_reasons": []}));
    assert_eq!(record["usage"], json!({"usage_status": "missing", "details": {}}));
    assert_eq!(
        (&record["tool_calls"], &record["thoughts"], &record["notes"]),
        (&json!([]), &json!([]), &json!([]))
    );
    assert_eq!((&record["credential"], &record["model"]), (&json!({"kind": "none"}), &json!({})));
    assert_eq!((&record["streaming"], &record["client"]), (&json!(false), &json!("Unknown")));
    assert_eq!(record["upstream"], json!({"host": "api.individual.githubcopilot.com", "cluster": "copilot"}));
    assert!(!world.published["ai_bridge_record"].contains("null"));
}

#[test]
fn every_member_has_its_form() {
    let configured = changed(|configuration| {
        configuration["root"] = json!("/ai");
        configuration["providers"][1]["name"] = json!("openai-eu");
        configuration["providers"][1]["base_url"] = json!("http://eu.example:8443/base/v1");
        configuration["providers"][1]["cluster"] = json!("eu");
    });
    let lines = [
        ("x-request-id", "req-1"),
        ("user-agent", "codex_cli_rs/1"),
        ("session-id", " s-1 "),
        ("x-actor", "alice"),
        ("x-team", "blue"),
        ("authorization", "Bearer gw_token"),
    ];
    let request = json!({"model": "asked", "stream": true, "input": [
        {"role": "user", "content": [{"type": "input_text", "text": "one"}, {"type": "input_text", "text": "two"}]},
    ]});
    let mut world = World::new(&configured);
    world.request(head("POST /ai/openai-eu/v1/responses?key=SECRET#x", &lines), false);
    world.upload(request.to_string().as_bytes(), true).answer(head("200", &[EVENTS]), false);
    let item =
        json!({"type": "function_call", "id": "fc", "call_id": "c", "name": "f", "arguments": "{\"a\": 1}"});
    let thought =
        json!({"type": "reasoning", "id": "rs", "summary": [{"type": "summary_text", "text": "hm"}]});
    let usage = json!({
        "input_tokens": 10, "input_tokens_details": {"cached_tokens": 4, "audio_tokens": 1}, "output_tokens": 3,
        "output_tokens_details": {
            "reasoning_tokens": 2, "audio_tokens": 1, "accepted_prediction_tokens": 1, "rejected_prediction_tokens": 0,
        },
    });
    let event = json!({"type": "response.completed", "response": {
        "id": "resp", "model": "gpt-5.5", "status": "completed", "output": [thought, item], "usage": usage,
        "service_tier": "flex", "tool_usage": {"web_search": {"num_requests": 2}},
    }});
    world.download(format!("data: {event}\n\n").as_bytes(), true).done();
    let record = world.record();
    assert_eq!(
        record,
        json!({
            "version": 1, "id": "01a206e4-aee5-7007-8000-000000000000", "request_id": "req-1",
            "started_at": "2026-11-23T05:33:00.005Z", "ended_at": "2026-11-23T05:33:00.020Z", "duration_ms": 15,
            "time_to_first_event_ms": 10, "provider": {"type": "openai", "name": "openai-eu"}, "api": "responses",
            "method": "POST", "path": "/ai/openai-eu/v1/responses",
            "upstream": {"host": "eu.example:8443", "cluster": "eu"}, "streaming": true,
            "model": {"requested": "asked", "served": "gpt-5.5"}, "actor": {"id": "alice", "metadata": {"team": "blue"}},
            "client": "Codex", "user_agent": "codex_cli_rs/1", "session_id": "s-1",
            "credential": {"kind": "centralized", "hint": "sk-p...TRAL"},
            "response": {"id": "resp", "status": 200, "finish_reasons": ["completed"]},
            "usage": {
                "usage_status": "complete", "input_tokens": 6, "output_tokens": 3, "cache_read_tokens": 4,
                "reasoning_tokens": 2, "total_input_tokens": 10, "total_tokens": 13,
                "details": {
                    "web_search_requests": 2, "input_audio_tokens": 1, "output_audio_tokens": 1,
                    "accepted_prediction_tokens": 1, "rejected_prediction_tokens": 0, "service_tier": "flex",
                },
                "provider_usage": usage,
            },
            "cost_microusd": 38, "prompt": "one\ntwo",
            "tool_calls": [{"id": "c", "item_id": "fc", "name": "f", "arguments": {"a": 1}, "kind": "client", "complete": true}],
            "thoughts": [{"source": "reasoning_summary", "text": "hm"}], "outcome": "completed", "notes": [],
        })
    );
    assert_eq!(record["id"], world.published["ai_bridge_id"]);
}

#[test]
fn a_tool_result_correlates_and_an_own_key_has_a_hint() {
    let request =
        json!({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1"}]}]});
    let lines = [("x-api-key", "sk-ant-api03-0123456789abcdefgh"), ("x-team", "blue")];
    let record =
        exchanged(&bridge(CONFIGURATION), "/anthropic/v1/messages", &lines, &request, &json!({})).record();
    assert_eq!(record["correlating_tool_call_id"], "t1");
    assert_eq!(record["credential"], json!({"kind": "byok", "hint": "sk-a...efgh"}));
    assert_eq!(record["actor"], json!({"metadata": {"team": "blue"}}), "a team may be known without a name");
    assert_eq!(record.get("prompt"), None);
}

#[test]
fn the_providers_usage_is_kept_verbatim_up_to_16_kib() {
    for (filler, kept) in [(16_384 - 25, true), (16_384 - 24, false)] {
        let usage = format!("{{\"input_tokens\":7,\"x\":\"{}\"}}", "x".repeat(filler));
        assert_eq!(usage.len() <= 16_384, kept, "{}", usage.len());
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{}", true);
        world
            .answer(head("200", &[DOCUMENT]), false)
            .download(format!("{{\"usage\":{usage}}}").as_bytes(), true)
            .done();
        let record = world.record();
        assert_eq!(record["usage"].get("provider_usage").is_some(), kept);
        assert_eq!(record["notes"], if kept { json!([]) } else { json!(["usage_too_large"]) });
        assert_eq!(
            (&record["usage"]["input_tokens"], &record["usage"]["usage_status"]),
            (&json!(7), &json!("complete"))
        );
    }
    // Verbatim: order, unknown members, exponents, escapes, repeated members.
    let usage = r#"{"z":1.50,"output_tokens":1e1,"a":{"b":[null,"\u00e9"]},"z":2}"#;
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{}", true);
    world
        .answer(head("200", &[DOCUMENT]), false)
        .download(format!("{{\"usage\": {usage} }}").as_bytes(), true)
        .done();
    assert!(world.published["ai_bridge_record"].contains(&format!("\"provider_usage\":{usage}")));
    assert_eq!(world.record()["usage"]["output_tokens"], 10);
}

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[test]
fn arguments_never_make_the_record_unreadable() {
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
