//! The single values (`publish`): when they are published, and their form.

use crate::outcomes::{STOP, streaming};
use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{CONFIGURATION, SINGLE_VALUES, World, bridge, changed, exchanged, head};

const DOCUMENT: (&str, &str) = ("content-type", "application/json");

fn answered(bridge: &Rc<Bridge>, request: &Value, answer: &Value) -> World {
    exchanged(bridge, "/anthropic/v1/messages", &[], request, answer)
}

#[test]
fn values_are_published_at_the_headers_or_at_the_end() {
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
fn a_refusal_publishes_values_and_passthrough_none() {
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
fn only_the_listed_values_and_the_record_are_published() {
    let three = vec!["model", "total_tokens", "actor_team"];
    for list in SINGLE_VALUES.into_iter().map(|name| vec![name]).chain([Vec::new(), three]) {
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
fn values_have_no_control_characters_and_256_bytes_at_most() {
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
        // Characters of 2, 3 and 4 bytes: one that does not fit whole is left out.
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

const EVENTS: [(&str, &str); 1] = [("content-type", "text/event-stream")];

/// A Chat Completions stream with usage, after these events.
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

/// Envoy closes its trace span before it writes its logs, so values that come with the record are too late for the span.
#[test]
fn final_values_are_published_with_the_last_byte() {
    let mut world = World::watched(&bridge(CONFIGURATION));
    let user_id = json!({"session_id": "s-1"}).to_string();
    let request = json!({"model": "asked", "metadata": {"user_id": user_id}}).to_string();
    let answer = json!({"type": "message", "model": "m", "usage": {"input_tokens": 1, "output_tokens": 2}});
    world.request(head("POST /anthropic/v1/messages", &[("user-agent", "claude-cli/2")]), false);
    world.upload(request.as_bytes(), true).answer(head("200", &[DOCUMENT]), false);
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

/// The SDKs close the connection after `[DONE]`, before the response ends.
#[test]
fn the_terminal_event_publishes_the_final_values() {
    let mut world = streamed(&[FINISHED, COUNTED, "[DONE]"]);
    assert_eq!(world.published["ai_bridge_outcome"], "completed");
    assert_eq!(world.published["ai_bridge_total_tokens"], "23");
    world.finish("downstream_remote_disconnect");
    assert_eq!(world.record()["outcome"], "completed");
}

#[test]
fn a_stream_that_breaks_off_publishes_with_its_record() {
    let mut world = streamed(&[r#"{"model":"m-1","choices":[{"index":0,"delta":{}}]}"#]);
    assert!(!world.published.contains_key("ai_bridge_model"));
    world.finish("downstream_remote_disconnect");
    assert_eq!(world.published["ai_bridge_model"], "m-1");
    assert_eq!(world.published["ai_bridge_outcome"], "aborted_client");
}

#[test]
fn a_refusal_publishes_its_values_before_the_reply() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{\"model\":\"m\",]", false);
    assert_eq!(world.published["ai_bridge_outcome"], "rejected");
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false);
    world.answer_by("no_healthy_upstream", head("503", &[]), false);
    assert_eq!(world.published["ai_bridge_outcome"], "unavailable");
}

#[test]
fn a_value_that_changes_is_published_again() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{\"model\":\"m\",", false);
    world.answer(head("200", &[DOCUMENT]), false).download(b"{\"type\":\"message\"}", true);
    assert_eq!(world.published["ai_bridge_outcome"], "completed");
    world.upload(b"]", false);
    assert_eq!(world.published["ai_bridge_outcome"], "rejected");
    world.done();
    assert_eq!(world.record()["outcome"], "rejected");
}

#[test]
fn the_single_values_agree_with_the_record() {
    let mut world = streaming();
    world.download(b"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7,\"cache_read_input_tokens\":2}}\n\n", false);
    world.download(STOP, true).done();
    for (name, value) in [
        ("model", "claude-opus-4-8"),
        ("outcome", "completed"),
        ("input_tokens", "3"),
        ("output_tokens", "7"),
        ("cache_read_tokens", "2"),
        ("cache_write_tokens", "0"),
        ("total_tokens", "12"),
        ("cost_microusd", "191"),
    ] {
        assert_eq!(world.published[&format!("ai_bridge_{name}")], value, "{name}");
    }
    let record = world.record();
    assert_eq!(record["cost_microusd"], 191);
    assert_eq!(record["time_to_first_event_ms"], 10);
    assert_eq!(record["duration_ms"], 25);
    assert_eq!(record["id"], world.published["ai_bridge_id"]);
}
