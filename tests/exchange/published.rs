//! What is published besides the record, and what configuration changes of it.

use crate::world::{CONFIGURATION, World, bridge, changed, exchanged, head};
use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;

const DOCUMENT: [(&str, &str); 1] = [("content-type", "application/json")];

fn asked(bridge: &Rc<Bridge>, lines: &[(&str, &str)], request: &Value, answer: &Value) -> World {
    exchanged(bridge, "/anthropic/v1/messages", lines, request, answer)
}

#[test]
fn only_the_values_that_are_asked_for_are_published() {
    let bridge =
        changed(|configuration| configuration["publish"] = json!(["model", "total_tokens", "actor_team"]));
    let answer = json!({"type": "message", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 2}});
    let world = asked(&bridge, &[("x-actor", "alice"), ("x-team", "blue")], &json!({}), &answer);
    let names: Vec<&str> = world.published.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["ai_bridge_actor_team", "ai_bridge_model", "ai_bridge_record", "ai_bridge_total_tokens"]
    );
    assert_eq!(world.published["ai_bridge_total_tokens"], "3");
}

#[test]
fn single_values_are_harmless_in_a_log_line_and_zero_when_unknown() {
    let model = format!("a\nb\u{85}c\u{2028}{}", "x".repeat(500));
    let world = asked(&bridge(CONFIGURATION), &[], &json!({"model": model}), &json!({"type": "message"}));
    let published = &world.published["ai_bridge_model"];
    assert!(published.starts_with("a?b?c?x") && published.len() <= 256, "{published}");
    for name in ["input_tokens", "output_tokens", "total_tokens", "cost_microusd", "cache_read_tokens"] {
        assert_eq!(world.published[&format!("ai_bridge_{name}")], "0", "{name}");
    }
}

#[test]
fn a_session_that_only_the_body_names_is_published_at_the_end() {
    let user_id = json!({"session_id": "s-1"}).to_string();
    let request = json!({"metadata": {"user_id": user_id}});
    let world = asked(&bridge(CONFIGURATION), &[("user-agent", "claude-cli/2")], &request, &json!({}));
    assert_eq!(world.published["ai_bridge_session"], "s-1");
    assert_eq!(world.record()["session_id"], "s-1");
}

#[test]
fn clients_and_their_sessions_are_in_the_record() {
    for (lines, client, session) in [
        (vec![("user-agent", "mux/1"), ("x-mux-workspace-id", "w")], "Mux", Some("w")),
        (vec![("user-agent", "codex_exec/0.1"), ("session_id", "s")], "Codex", Some("s")),
        (
            vec![("user-agent", "GitHubCopilotChat/1"), ("x-interaction-id", "i")],
            "GitHub Copilot (VS Code)",
            Some("i"),
        ),
        (vec![("user-agent", "copilot/1"), ("x-client-session-id", "c")], "GitHub Copilot (CLI)", Some("c")),
        (vec![("originator", "kilo-code"), ("x-kilocode-taskid", "k")], "Kilo Code", Some("k")),
        (vec![("user-agent", "coder-agents/1"), ("x-coder-chat-id", "d")], "Coder Agents", Some("d")),
        (vec![("user-agent", "opencode/1"), ("x-session-affinity", "o")], "OpenCode", Some("o")),
        (vec![("x-cursor-client-version", "1"), ("session-id", "no")], "Cursor", None),
        (vec![("user-agent", "curl/8"), ("session-id", "no")], "Unknown", None),
    ] {
        let record = asked(&bridge(CONFIGURATION), &lines, &json!({}), &json!({})).record();
        assert_eq!((record["client"].as_str(), record["session_id"].as_str()), (Some(client), session));
    }
}

#[test]
fn without_metrics_nothing_is_measured() {
    let bridge = changed(|configuration| configuration["metrics"] = json!(false));
    let answer = json!({"type": "message", "usage": {"input_tokens": 1}});
    assert!(asked(&bridge, &[], &json!({}), &answer).measured.is_empty());
    let mut world = World::new(&bridge);
    world.request(head("GET /nowhere", &[]), true).done();
    assert!(world.measured.is_empty());
}

#[test]
fn models_are_labels_only_of_answers_that_succeeded() {
    let measured = |status: &str| {
        let mut world = World::new(&bridge(CONFIGURATION));
        world
            .request(head("POST /anthropic/v1/messages", &[]), false)
            .upload(b"{\"model\":\"claude-x\"}", true);
        world.answer(head(status, &DOCUMENT), false).download(b"{}", true).done();
        world.measured.iter().any(|measured| measured.series.raw_name().contains("model=.=claude-x"))
    };
    assert!(measured("200") && !measured("404"));
}

#[test]
fn what_a_provider_says_is_left_is_a_gauge_of_the_central_key_alone() {
    for (lines, gauges) in [(vec![], 2), (vec![("x-api-key", "sk-ant-own")], 0)] {
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head("POST /anthropic/v1/messages", &lines), false).upload(b"{}", true);
        let left =
            [("anthropic-ratelimit-tokens-remaining", "7"), ("anthropic-ratelimit-requests-remaining", "8")];
        world.answer(head("200", &left), false);
        assert_eq!(world.measured.len(), gauges);
    }
}

#[test]
fn what_a_filter_behind_refuses_is_counted_on_passthrough_too_and_moves_no_gauge() {
    let measured = |details: &str, status: &str| {
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head("GET /anthropic/v1/models", &[]), true);
        let left = [("anthropic-ratelimit-tokens-remaining", "7")];
        world.answer_by(details, head(status, &left), true).done();
        world.measured.iter().map(|measurement| measurement.series.raw_name()).collect::<Vec<_>>()
    };
    let passed =
        |class: &str| format!("ai_bridge_passthrough_total.provider=.=anthropic;.;status_class=.={class};.;");
    let refused = "ai_bridge_refusals_total.provider=.=anthropic;.;reason=.=rate_limited;.;";
    let left = "ai_bridge_upstream_remaining.provider=.=anthropic;.;of=.=tokens;.;";
    assert_eq!(measured("request_rate_limited", "429"), [passed("4xx"), refused.to_owned()]);
    assert_eq!(measured("request_overall_timeout", "408"), [passed("4xx")]);
    assert_eq!(measured("no_healthy_upstream", "503"), [passed("5xx")]);
    assert_eq!(measured("via_upstream", "429"), [passed("4xx"), left.to_owned()]);
}

#[test]
fn the_configured_wait_is_told_while_the_circuit_is_open() {
    let bridge =
        changed(|configuration| configuration["providers"][0]["open_retry_after_seconds"] = json!(7));
    for path in ["POST /anthropic/v1/messages", "GET /anthropic/v1/models"] {
        let mut world = World::new(&bridge);
        world.request(head(path, &[]), false).answer_by("no_healthy_upstream", head("503", &[]), false);
        assert_eq!(world.reply_header("retry-after"), Some("7"), "{path}");
    }
}

#[test]
fn an_external_key_is_stripped_for_and_recorded_without_a_hint() {
    let bridge = changed(|configuration| {
        configuration["providers"][0] =
            json!({"type": "anthropic", "key": {"external": true}, "byok": "deny"});
    });
    let mut world = World::new(&bridge);
    world.request(head("POST /anthropic/v1/messages", &[("authorization", "Bearer gw_x")]), false);
    assert_eq!((world.sent("authorization"), world.sent("x-api-key")), (None, None));
    world.upload(b"{}", true).finish("downstream_remote_disconnect");
    assert_eq!(world.record()["credential"], json!({"kind": "centralized"}));
}

#[test]
fn a_caller_who_must_bring_a_key_and_brings_none_is_401() {
    let bridge = changed(|configuration| configuration["providers"][0]["byok"] = json!("require"));
    let mut world = World::new(&bridge);
    world.request(head("POST /anthropic/v1/messages", &[]), false);
    assert_eq!(world.replied().0, 401);
}

#[test]
fn nesting_beyond_the_readers_memory_is_400() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"reader_bytes": 64}));
    for (levels, refused) in [(500, false), (600, true)] {
        let body = format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        let mut world = World::new(&bridge);
        world.request(head("POST /anthropic/v1/messages", &[]), false).upload(body.as_bytes(), true);
        assert_eq!(world.reply.is_some(), refused, "{levels}");
    }
}

#[test]
fn configured_headers_never_reach_a_provider() {
    let bridge = changed(|configuration| configuration["remove_headers"] = json!(["x-company-*", "Via"]));
    let mut world = World::new(&bridge);
    let lines = [("x-company-token", "a"), ("via", "b"), ("cookie", "an own list replaces the default")];
    world.request(head("GET /openai/v1/models", &lines), true);
    assert_eq!((world.sent("x-company-token"), world.sent("via")), (None, None));
    assert!(world.sent("cookie").is_some());
}

#[test]
fn a_usage_object_that_is_too_large_to_keep_is_still_counted() {
    let usage = json!({"input_tokens": 5, "output_tokens": 1, "x": "y".repeat(20_000)});
    let world = asked(&bridge(CONFIGURATION), &[], &json!({}), &json!({"type": "message", "usage": usage}));
    let record = world.record();
    assert_eq!(
        (&record["usage"]["input_tokens"], &record["notes"]),
        (&json!(5), &json!(["usage_too_large"]))
    );
    assert!(record["usage"].get("provider_usage").is_none());
}

#[test]
fn a_model_without_a_price_costs_nothing_known_and_is_counted() {
    let answer =
        json!({"type": "message", "model": "gemini", "usage": {"input_tokens": 5, "output_tokens": 1}});
    let world = asked(&bridge(CONFIGURATION), &[], &json!({}), &answer);
    let record = world.record();
    assert_eq!((record.get("cost_microusd"), &record["notes"]), (None, &json!(["price"])));
    assert!(
        world
            .measured
            .iter()
            .any(|measured| measured.series.raw_name().contains("unread_total.reason=.=price"))
    );
}

const EVENTS: [(&str, &str); 1] = [("content-type", "text/event-stream")];

/// A Chat Completions stream that asked for its usage, answered as far as `events`.
fn streamed(events: &[&str]) -> World {
    let request = json!({"model": "m", "stream": true, "stream_options": {"include_usage": true}});
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /openai/v1/chat/completions", &[]), false);
    world.upload(request.to_string().as_bytes(), true).answer(head("200", &EVENTS), false);
    for event in events {
        world.download(format!("data: {event}\n\n").as_bytes(), false);
    }
    world
}

const FINISHED: &str = r#"{"model":"m-1","choices":[{"index":0,"finish_reason":"stop"}]}"#;
const COUNTED: &str =
    r#"{"choices":[],"usage":{"prompt_tokens":20,"completion_tokens":3,"total_tokens":23}}"#;

/// Envoy closes its trace span before it writes its logs: what is published with the record is too late for it.
#[test]
fn the_values_of_the_end_are_published_with_the_last_byte_of_the_answer() {
    let mut world = World::new(&bridge(CONFIGURATION));
    let user_id = json!({"session_id": "s-1"}).to_string();
    let request = json!({"model": "asked", "metadata": {"user_id": user_id}}).to_string();
    let answer = json!({"type": "message", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 2}});
    world.request(head("POST /anthropic/v1/messages", &[("user-agent", "claude-cli/2")]), false);
    world.upload(request.as_bytes(), true).answer(head("200", &DOCUMENT), false);
    assert!(!world.published.contains_key("ai_bridge_outcome"));
    world.download(answer.to_string().as_bytes(), true);
    let published = ["model", "outcome", "total_tokens", "session"]
        .map(|name| &world.published[&format!("ai_bridge_{name}")]);
    assert_eq!(published, ["m", "completed", "3", "s-1"]);
    assert_eq!(world.records, 0);
    world.done();
    assert_eq!(world.records, 1);
    assert_eq!(world.steps.matches("Publish(ai_bridge_outcome)").count(), 1, "nothing is published twice");
}

/// What was written to the cache for an hour costs more, and a budget is charged with the first value as with the last.
#[test]
fn the_cost_that_is_published_early_is_that_of_the_record() {
    let mut world = World::new(&bridge(CONFIGURATION));
    let answer = json!({"type": "message", "model": "claude-opus-4-8", "usage": {
        "input_tokens": 0, "output_tokens": 0, "cache_creation_input_tokens": 300,
        "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}}});
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{\"model\":\"m\"}", true);
    world.answer(head("200", &DOCUMENT), false).download(answer.to_string().as_bytes(), true);
    assert_eq!(world.published["ai_bridge_cost_microusd"], "2625");
    world.done();
    assert_eq!(world.record()["cost_microusd"], 2625);
    assert_eq!(world.steps.matches("Publish(ai_bridge_cost_microusd)").count(), 1);
}

/// The SDKs close on `[DONE]`, before HTTP ends.
#[test]
fn the_apis_own_end_is_enough_for_the_values() {
    let mut world = streamed(&[FINISHED, COUNTED, "[DONE]"]);
    assert_eq!(world.published["ai_bridge_outcome"], "completed");
    assert_eq!(world.published["ai_bridge_total_tokens"], "23");
    world.finish("downstream_remote_disconnect");
    assert_eq!(world.record()["outcome"], "completed");
}

#[test]
fn a_stream_that_breaks_off_has_its_values_with_its_record() {
    let mut world = streamed(&[r#"{"model":"m-1","choices":[{"index":0,"delta":{}}]}"#]);
    assert!(!world.published.contains_key("ai_bridge_model"));
    world.finish("downstream_remote_disconnect");
    assert_eq!(world.published["ai_bridge_model"], "m-1");
    assert_eq!(world.published["ai_bridge_outcome"], "aborted_client");
}

#[test]
fn refusals_have_their_values_before_the_reply() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{\"model\":\"m\",]", false);
    assert_eq!(world.published["ai_bridge_outcome"], "rejected");
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false);
    world.answer_by("no_healthy_upstream", head("503", &[]), false);
    assert_eq!(world.published["ai_bridge_outcome"], "unavailable");
}

#[test]
fn a_value_that_changes_after_all_is_published_again() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{\"model\":\"m\",", false);
    world.answer(head("200", &DOCUMENT), false).download(b"{\"type\":\"message\"}", true);
    assert_eq!(world.published["ai_bridge_outcome"], "completed");
    world.upload(b"]", false);
    assert_eq!(world.published["ai_bridge_outcome"], "rejected");
    world.done();
    assert_eq!(world.record()["outcome"], "rejected");
}
