//! What bounds the texts of a record (`record.text_bytes`, `record.total_bytes`), and what policy keeps out of it.

use crate::outcomes::answering;
use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{CONFIGURATION, World, bridge, changed, exchanged, head};

const DOCUMENT: (&str, &str) = ("content-type", "application/json");

fn answered(bridge: &Rc<Bridge>, request: &Value, answer: &Value) -> World {
    exchanged(bridge, "/anthropic/v1/messages", &[], request, answer)
}

#[test]
fn identifiers_names_and_messages_are_cut_at_1024_bytes() {
    let long = |first: char| format!("{first}{}", "é".repeat(2000));
    let lines = [
        ("x-request-id", long('r')),
        ("user-agent", format!("mux/{}", long('u'))),
        ("x-actor", long('a')),
        ("x-team", long('t')),
        ("x-mux-workspace-id", long('s')),
    ];
    let lines: Vec<(&str, &str)> = lines.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let request = json!({"model": long('m'), "messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": long('c')}]}]});
    let answer = json!({
        "type": "message", "id": long('i'), "model": long('v'), "stop_reason": long('f'),
        "usage": {"service_tier": long('x'), "input_tokens": 1},
        "content": [{"type": "tool_use", "id": long('d'), "name": long('n'), "input": {}}],
    });
    let path = format!("/anthropic/v1/messages?{}", long('q'));
    let record = exchanged(&bridge(CONFIGURATION), &path, &lines, &request, &answer).record();
    let mut found: Vec<&Value> = ["request_id", "user_agent", "session_id", "correlating_tool_call_id"]
        .map(|name| &record[name])
        .to_vec();
    found.extend([&record["actor"]["id"], &record["actor"]["metadata"]["team"]]);
    found.extend([
        &record["model"]["requested"],
        &record["model"]["served"],
        &record["usage"]["details"]["service_tier"],
    ]);
    found.extend([&record["response"]["id"], &record["response"]["finish_reasons"][0]]);
    found.extend([&record["tool_calls"][0]["id"], &record["tool_calls"][0]["name"]]);
    for (text, at) in found.iter().zip(0..) {
        let text = text.as_str().unwrap();
        assert!(matches!(text.len(), 1023 | 1024) && text.ends_with('é'), "{at}: {} bytes", text.len());
    }
    for body in [
        json!({"error": {"type": long('t'), "code": long('c'), "message": long('m')}}),
        json!({"error": long('m')}),
    ] {
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head("POST /openai/v1/responses", &[]), false).upload(b"{}", true);
        world.answer(head("500", &[DOCUMENT]), false).download(body.to_string().as_bytes(), true).done();
        for (name, text) in world.record()["error"].as_object().unwrap() {
            assert_eq!(text.as_str().unwrap().len(), 1023, "{name}");
        }
    }
}

#[test]
fn texts_are_cut_exactly_at_their_bound() {
    let bounded = |text: usize, total: usize| {
        changed(|configuration| configuration["record"] = json!({"text_bytes": text, "total_bytes": total}))
    };
    let prompt = |text: &str| json!({"messages": [{"role": "user", "content": text}]});
    for (text, limit, kept) in [
        ("12345", 6, "12345"),
        ("12345", 5, "12345"),
        ("12345", 4, "1234"),
        ("é€é", 7, "é€é"),
        ("é€é", 6, "é€"),
        ("é€é", 4, "é"),
        // Written as `\n`, `\u0001` and `\"`.
        ("a\nb", 4, "a\nb"),
        ("a\nb", 3, "a\n"),
        ("a\nb", 2, "a"),
        ("\u{1}\"", 8, "\u{1}\""),
        ("\u{1}\"", 7, "\u{1}"),
        ("\u{1}\"", 5, ""),
    ] {
        let record = answered(&bounded(limit, 1000), &prompt(text), &json!({})).record();
        assert_eq!(record["prompt"], kept, "{text:?} {limit}");
        let notes =
            if kept == text { json!(["usage_estimated"]) } else { json!(["usage_estimated", "text_cut"]) };
        assert_eq!(record["notes"], notes, "{text:?} {limit}");
    }
    // All texts together: the prompt first, then the calls, then the thoughts.
    let answer = json!({"content": [
        {"type": "thinking", "thinking": "12345"},
        {"type": "tool_use", "name": "a", "input": {"a": 1}},
    ]});
    for (total, prompt_kept, arguments, thought, notes) in [
        (17, "12345", json!({"a": 1}), "12345", json!(["usage_estimated"])),
        (16, "12345", json!({"a": 1}), "1234", json!(["usage_estimated", "text_cut"])),
        (12, "12345", json!({"a": 1}), "", json!(["usage_estimated", "text_cut"])),
        (11, "12345", json!("{\"a\""), "", json!(["text_cut", "usage_estimated"])),
    ] {
        let record = answered(&bounded(10.min(total), total), &prompt("12345"), &answer).record();
        assert_eq!(record["prompt"], prompt_kept);
        assert_eq!(
            (&record["tool_calls"][0]["arguments"], &record["notes"]),
            (&arguments, &notes),
            "{total}"
        );
        assert_eq!(record["thoughts"], json!([{"source": "thinking", "text": thought}]), "{total}");
    }
    // The prompt reduces what is left for the arguments.
    let answer = json!({"content": [{"type": "tool_use", "name": "a", "input": {"a": 1}}]});
    for (total, arguments) in [(12, json!({"a": 1})), (11, json!("{\"a\""))] {
        let record = answered(&bounded(10, total), &prompt("12345"), &answer).record();
        assert_eq!(record["tool_calls"][0]["arguments"], arguments, "{total}");
    }
}

#[test]
fn a_prompt_cut_to_nothing_is_noted() {
    let noted = |text_bytes: usize, request: &Value| {
        let bridge = changed(|configuration| configuration["record"] = json!({"text_bytes": text_bytes}));
        let record = answered(&bridge, request, &json!({})).record();
        (record["prompt"].clone(), record["notes"].clone())
    };
    let request = |text: &str| json!({"messages": [{"role": "user", "content": text}]});
    for (text_bytes, text) in [(0, "a"), (1, "é")] {
        assert_eq!(
            noted(text_bytes, &request(text)),
            (json!(""), json!(["usage_estimated", "text_cut"])),
            "{text}"
        );
    }
    assert_eq!(noted(0, &request("")), (json!(""), json!(["usage_estimated"])));
    assert_eq!(noted(0, &json!({"messages": []})), (Value::Null, json!(["usage_estimated"])));
}

#[test]
fn texts_that_the_policy_excludes_are_absent_and_not_noted() {
    let texts = ["prompts", "tool_arguments", "thoughts"];
    let request = json!({"messages": [{"role": "user", "content": "PROMPT"}]});
    let answer = json!({"content": [
        {"type": "thinking", "thinking": "THOUGHT"},
        {"type": "tool_use", "id": "t", "name": "a", "input": {"x": "ARGUMENT"}},
    ]});
    for denied in texts {
        let bridge = changed(|configuration| configuration["record"] = json!({denied: false}));
        let record = answered(&bridge, &request, &answer).record();
        let wanted = |name: &str, value: Value| (denied != name).then_some(value);
        assert_eq!(record.get("prompt"), wanted("prompts", json!("PROMPT")).as_ref());
        let arguments = wanted("tool_arguments", json!({"x": "ARGUMENT"}));
        assert_eq!(record["tool_calls"][0].get("arguments"), arguments.as_ref());
        assert_eq!(record["tool_calls"][0]["name"], "a");
        let thoughts =
            wanted("thoughts", json!([{"source": "thinking", "text": "THOUGHT"}])).unwrap_or(json!([]));
        assert_eq!(
            (&record["thoughts"], &record["notes"]),
            (&thoughts, &json!(["usage_estimated"])),
            "{denied}"
        );
    }
    let bridge = changed(|configuration| {
        configuration["record"] = json!({"prompts": false, "tool_arguments": false, "thoughts": false});
    });
    let world = answered(&bridge, &request, &answer);
    for text in ["PROMPT", "THOUGHT", "ARGUMENT"] {
        assert!(!world.published["ai_bridge_record"].contains(text), "{text}");
    }
    assert_eq!(world.record()["tool_calls"][0]["name"], "a");
}

#[test]
fn a_cut_text_is_measured_as_it_is_written_in_json() {
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
    assert_eq!(record["notes"], json!(["text_cut", "usage_estimated"]));
}

const EVENTS: [(&str, &str); 1] = [("content-type", "text/event-stream")];

#[test]
fn unfinished_calls_are_bounded_and_not_in_debug_output() {
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
        (&None, &json!(["text_cut", "usage_estimated"]))
    );
}

#[test]
fn messages_of_the_gateway_are_cut_in_the_record_as_others_are() {
    let pattern = |n: usize| format!("{n}{}", "é".repeat(120));
    let bridge = changed(|all| {
        all["budget"] = json!({"message": "é".repeat(500)});
        all["providers"][0]["models"] = json!({"allow": (0..8).map(pattern).collect::<Vec<_>>()});
    });
    let mut denied = World::new(&bridge);
    denied.request(head("POST /anthropic/v1/messages", &[]), false).upload(br#"{"model":"x"}"#, true).done();
    let mut spent = World::new(&bridge);
    spent.request(head("POST /openai/v1/responses", &[("x-actor", "ada")]), false).upload(b"{}", true);
    let budget = [
        ("x-ratelimit-limit", "100, 100;w=86400"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "3600"),
    ];
    spent.answer_by("request_rate_limited", head("429", &budget), false).done();
    for world in [denied, spent] {
        let whole = world.replied().1["error"]["message"].as_str().unwrap().to_owned();
        let record = world.record();
        let cut = record["error"]["message"].as_str().unwrap();
        assert!(whole.starts_with(cut) && whole.len() > 1024, "the client gets all");
        assert!(matches!(cut.len(), 1023 | 1024), "{} bytes", cut.len());
    }
}
