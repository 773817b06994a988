//! Contract §8 by heart: every member of a record, its form, and whether it is absent, null or empty; the single values;
//! what bounds both; and what an interception costs (§14).

use crate::world::{CONFIGURATION, World, bridge, changed, exchanged, head};
use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;

const EVENTS: (&str, &str) = ("content-type", "text/event-stream");
const DOCUMENT: (&str, &str) = ("content-type", "application/json");

const SINGLE_VALUES: [&str; 14] = [
    "id",
    "provider",
    "api",
    "model",
    "outcome",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "total_tokens",
    "cost_microusd",
    "actor",
    "session",
    "actor_team",
];

fn answered(bridge: &Rc<Bridge>, request: &Value, answer: &Value) -> World {
    exchanged(bridge, "/anthropic/v1/messages", &[], request, answer)
}

fn members(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn what_is_not_known_is_absent_and_lists_are_always_there() {
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
fn every_member_is_there_in_its_form() {
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
fn a_tool_result_is_correlated_and_a_callers_own_key_is_hinted_at() {
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
fn single_values_are_set_at_the_headers_or_at_the_end() {
    let mut world = World::new(&bridge(CONFIGURATION));
    let lines =
        [("x-actor", "alice"), ("x-team", "blue"), ("user-agent", "mux/1"), ("x-mux-workspace-id", "w")];
    world.request(head("POST /openai/v1/chat/completions", &lines), false);
    let early = |world: &World| -> Vec<(String, String)> {
        world.published.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let mut set = early(&world);
    let id = set.remove(3).1;
    assert_eq!(id.len(), 36);
    let wanted = [
        ("actor", "alice"),
        ("actor_team", "blue"),
        ("api", "chat_completions"),
        ("provider", "openai"),
        ("session", "w"),
    ];
    assert_eq!(set, wanted.map(|(name, value)| (format!("ai_bridge_{name}"), value.to_owned())));
    world.upload(b"{\"model\":\"asked\"}", true).answer(head("500", &[DOCUMENT]), false);
    assert_eq!(early(&world).len(), 6);
    world.done();
    let names: Vec<String> =
        early(&world).into_iter().map(|(name, _)| name.replace("ai_bridge_", "")).collect();
    let mut wanted: Vec<&str> = SINGLE_VALUES.into_iter().chain(["record"]).collect();
    wanted.sort_unstable();
    assert_eq!(names, wanted);
    assert_eq!(world.published["ai_bridge_model"], "asked", "where none was served");
    assert_eq!(world.published["ai_bridge_outcome"], "failed");
    for name in [
        "input_tokens",
        "output_tokens",
        "cache_read_tokens",
        "cache_write_tokens",
        "total_tokens",
        "cost_microusd",
    ] {
        assert_eq!(world.published[&format!("ai_bridge_{name}")], "0", "{name}");
    }
}

#[test]
fn a_refusal_at_the_headers_has_its_single_values_too_and_passthrough_has_none() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /copilot/v1/messages", &[("x-actor", "alice")]), false);
    assert_eq!(world.published["ai_bridge_provider"], "copilot");
    world.finish("");
    assert_eq!(world.published["ai_bridge_outcome"], "rejected");
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("GET /openai/v1/models", &[]), true).answer(head("200", &[]), true).done();
    assert!(world.published.is_empty());
}

#[test]
fn each_single_value_is_published_alone_and_an_empty_list_publishes_none_but_the_record() {
    for asked in SINGLE_VALUES.map(Some).into_iter().chain([None]) {
        let list: Vec<&str> = asked.into_iter().collect();
        let bridge = changed(|configuration| configuration["publish"] = json!(list));
        let lines = [("x-actor", "alice"), ("x-team", "blue")];
        let world = exchanged(&bridge, "/openai/v1/responses", &lines, &json!({}), &json!({}));
        let mut wanted: Vec<String> = list.iter().map(|name| format!("ai_bridge_{name}")).collect();
        wanted.push("ai_bridge_record".to_owned());
        let mut names: Vec<&String> = world.published.keys().collect();
        names.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(names, wanted.iter().collect::<Vec<_>>());
    }
}

#[test]
fn no_character_that_could_break_a_line_is_in_a_single_value_and_none_is_longer_than_256_bytes() {
    let controls: Vec<char> =
        ('\0'..='\u{1f}').chain('\u{7f}'..='\u{9f}').chain(['\u{2028}', '\u{2029}']).collect();
    let harmless = "a\u{a0}\u{ad}\u{200b}\u{2027}\u{202a}\u{feff}é\u{1f324} \"\\%";
    for control in controls {
        let model = format!("a{control}b");
        let world = answered(&bridge(CONFIGURATION), &json!({"model": model}), &json!({}));
        assert_eq!(world.published["ai_bridge_model"], "a?b", "{control:?}");
        assert_eq!(world.record()["model"]["requested"], model, "the record says what it was");
    }
    for (text, kept) in [
        (harmless.to_owned(), harmless.to_owned()),
        ("m".repeat(256), "m".repeat(256)),
        ("m".repeat(257), "m".repeat(256)),
        // 2, 3 and 4 bytes each: what does not fit whole is left out.
        (format!("m{}", "é".repeat(200)), format!("m{}", "é".repeat(127))),
        ("€".repeat(100), "€".repeat(85)),
        ("\u{1f324}".repeat(100), "\u{1f324}".repeat(64)),
    ] {
        let lines = [
            ("x-actor", text.as_str()),
            ("x-team", text.as_str()),
            ("user-agent", "mux/1"),
            ("x-mux-workspace-id", text.as_str()),
        ];
        let request = json!({"model": text});
        let world = exchanged(&bridge(CONFIGURATION), "/anthropic/v1/messages", &lines, &request, &json!({}));
        for name in ["model", "actor", "actor_team", "session"] {
            assert_eq!(world.published[&format!("ai_bridge_{name}")], kept, "{name}");
        }
    }
}

#[test]
fn identifiers_names_models_and_messages_are_cut_at_a_kibibyte() {
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
fn texts_are_cut_at_their_bound_as_written_and_not_one_byte_before() {
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
        let notes = if kept == text { json!([]) } else { json!(["text_cut"]) };
        assert_eq!(record["notes"], notes, "{text:?} {limit}");
    }
    // All texts together: the prompt first, then the calls, then the thoughts.
    let answer = json!({"content": [
        {"type": "thinking", "thinking": "12345"},
        {"type": "tool_use", "name": "a", "input": {"a": 1}},
    ]});
    for (total, prompt_kept, arguments, thought, notes) in [
        (17, "12345", json!({"a": 1}), "12345", json!([])),
        (16, "12345", json!({"a": 1}), "1234", json!(["text_cut"])),
        (12, "12345", json!({"a": 1}), "", json!(["text_cut"])),
        (11, "12345", json!("{\"a\""), "", json!(["text_cut"])),
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
    // What was read within the bounds is cut where the prompt has left too little.
    let answer = json!({"content": [{"type": "tool_use", "name": "a", "input": {"a": 1}}]});
    for (total, arguments) in [(12, json!({"a": 1})), (11, json!("{\"a\""))] {
        let record = answered(&bounded(10, total), &prompt("12345"), &answer).record();
        assert_eq!(record["tool_calls"][0]["arguments"], arguments, "{total}");
    }
}

#[test]
fn a_prompt_of_which_nothing_may_be_kept_was_cut() {
    let noted = |text_bytes: usize, request: &Value| {
        let bridge = changed(|configuration| configuration["record"] = json!({"text_bytes": text_bytes}));
        let record = answered(&bridge, request, &json!({})).record();
        (record["prompt"].clone(), record["notes"].clone())
    };
    let request = |text: &str| json!({"messages": [{"role": "user", "content": text}]});
    for (text_bytes, text) in [(0, "a"), (1, "é")] {
        assert_eq!(noted(text_bytes, &request(text)), (json!(""), json!(["text_cut"])), "{text}");
    }
    assert_eq!(noted(0, &request("")), (json!(""), json!([])));
    assert_eq!(noted(0, &json!({"messages": []})), (Value::Null, json!([])));
}

#[test]
fn what_the_policy_does_not_allow_is_absent_and_not_noted() {
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
        assert_eq!((&record["thoughts"], &record["notes"]), (&thoughts, &json!([])), "{denied}");
    }
}

#[test]
fn the_providers_usage_object_is_kept_up_to_16_kib() {
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
    // As it stood: order, unknown members, exponents, escapes, doubles.
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

// === Cost ===

/// The cost and the notes of an answer to `model` with this usage, under these prices.
fn cost(prices: &Value, model: &str, usage: &Value) -> (Option<u64>, Value) {
    let bridge = changed(|configuration| configuration["prices"] = prices.clone());
    let answer = json!({"type": "message", "model": model, "usage": usage});
    let world = answered(&bridge, &json!({"model": "requested"}), &answer);
    let record = world.record();
    let cost = record.get("cost_microusd").map(|cost| cost.as_u64().unwrap());
    assert_eq!(world.published["ai_bridge_cost_microusd"], cost.unwrap_or(0).to_string());
    (cost, record["notes"].clone())
}

#[test]
fn a_cost_is_the_sum_of_tokens_times_price_rounded_half_up_once() {
    let prices = json!([
        {"models": ["exact"], "input": 1.0, "output": 2.0, "cache_read": 0.1, "cache_write_5m": 0.25, "cache_write_1h": 3.0},
        {"models": ["ex*", "other"], "input": 7, "output": 9},
        {"models": ["*"], "input": 0, "output": 0},
    ]);
    for (model, usage, wanted) in [
        ("exact", json!({"input_tokens": 3, "output_tokens": 5}), 13),
        // Each below a half, together above; and exactly a half.
        (
            "exact",
            json!({"input_tokens": 0, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 1}),
            1,
        ),
        ("exact", json!({"input_tokens": 0, "cache_read_input_tokens": 5}), 1),
        ("exact", json!({"input_tokens": 0, "cache_read_input_tokens": 4}), 0),
        ("exact", json!({"input_tokens": 0, "cache_creation_input_tokens": 2}), 1),
        ("exact", json!({"input_tokens": 0, "cache_creation_input_tokens": 1}), 0),
        // Of unknown age: what the details do not explain.
        (
            "exact",
            json!({"input_tokens": 0, "cache_creation_input_tokens": 12,
                "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 4}}),
            14,
        ),
        // Reasoning is inside the output.
        ("exact", json!({"output_tokens": 5, "output_tokens_details": {"thinking_tokens": 4}}), 10),
        // The first that matches, whose cache prices are missing: the input's.
        ("example", json!({"input_tokens": 1, "output_tokens": 1}), 16),
        (
            "other",
            json!({"input_tokens": 0, "cache_read_input_tokens": 1, "cache_creation_input_tokens": 2,
                "cache_creation": {"ephemeral_1h_input_tokens": 1}}),
            21,
        ),
        ("free", json!({"input_tokens": 1_000_000, "output_tokens": 1}), 0),
        ("exact", json!({"input_tokens": 9_007_199_254_740_991_u64}), 9_007_199_254_740_991),
    ] {
        assert_eq!(cost(&prices, model, &usage), (Some(wanted), json!([])), "{model} {usage}");
    }
}

#[test]
fn a_model_without_a_price_has_no_cost_and_is_noted_where_there_are_prices_and_numbers() {
    let prices = json!([{"models": ["known"], "input": 1.0, "output": 2.0}]);
    let usage = json!({"input_tokens": 3, "output_tokens": 5});
    assert_eq!(cost(&prices, "unknown", &usage), (None, json!(["price"])));
    assert_eq!(cost(&prices, "unknown", &json!(null)), (None, json!([])), "nothing that could have a price");
    assert_eq!(cost(&json!([]), "unknown", &usage), (None, json!([])), "no prices at all");
    assert_eq!(cost(&prices, "known", &json!(null)), (None, json!([])));
    assert_eq!(
        cost(&prices, "known", &json!({"input_tokens": 0})),
        (Some(0), json!([])),
        "a stated zero costs zero"
    );
}

#[test]
fn partial_usage_is_priced_and_noted() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world
        .request(head("POST /anthropic/v1/messages", &[]), false)
        .upload(b"{\"model\":\"claude-opus-4-8\"}", true);
    world.answer(head("200", &[EVENTS]), false);
    world.download(
        b"data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":100}}}\n\n",
        false,
    );
    world.finish("downstream_remote_disconnect");
    let record = world.record();
    assert_eq!((&record["cost_microusd"], &record["notes"]), (&json!(500), &json!(["cost_partial"])));
    assert_eq!(world.published["ai_bridge_cost_microusd"], "500");
}

#[test]
fn the_served_model_has_the_price_else_the_requested_one() {
    let prices = json!([
        {"models": ["served"], "input": 2, "output": 0}, {"models": ["requested"], "input": 3, "output": 0},
    ]);
    let usage = json!({"input_tokens": 1});
    assert_eq!(cost(&prices, "served", &usage).0, Some(2));
    assert_eq!(cost(&prices, "", &usage).0, Some(3));
}
