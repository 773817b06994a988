//! The metrics of an exchange, with their labels and values.

use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{CONFIGURATION, World, bridge, changed, head};

const DOCUMENT: (&str, &str) = ("content-type", "application/json");

const OWN_KEY: (&str, &str) = ("x-api-key", "sk-ant-own-0123456789");

/// Raw names and values of the measurements, in order.
fn measured(world: &World) -> Vec<(String, u64)> {
    world.measured.iter().map(|measured| (measured.series.raw_name(), measured.value)).collect()
}

/// Labels and values of one metric.
fn of(world: &World, metric: &str) -> Vec<(String, u64)> {
    let begin = format!("{metric}.");
    let mut found = measured(world);
    found.retain(|(name, _)| name.starts_with(&begin));
    found.into_iter().map(|(name, value)| (name[begin.len()..].to_owned(), value)).collect()
}

fn answered(bridge: &Rc<Bridge>, request: &Value, status: &str, answer: &Value) -> World {
    let mut world = World::new(bridge);
    world
        .request(head("POST /anthropic/v1/messages", &[]), false)
        .upload(request.to_string().as_bytes(), true)
        .answer(head(status, &[DOCUMENT]), false)
        .download(answer.to_string().as_bytes(), true)
        .done();
    world
}

#[test]
fn an_interception_leaves_each_metric_once() {
    let usage = json!({"input_tokens": 10, "output_tokens": 20, "cache_read_input_tokens": 30,
        "cache_creation_input_tokens": 40, "output_tokens_details": {"thinking_tokens": 5}});
    let answer = json!({"type": "message", "model": "claude-opus-4-8", "usage": usage});
    let world = answered(&bridge(CONFIGURATION), &json!({"model": "asked"}), "200", &answer);
    let with = |labels: &str| format!("provider=.=anthropic;.;{labels}");
    let tokens = |kind: &str| {
        format!("ai_bridge_tokens_total.{}", with(&format!("model=.=claude-opus-4-8;.;type=.={kind};.;")))
    };
    let requests = with("api=.=messages;.;model=.=claude-opus-4-8;.;outcome=.=completed;.;");
    assert_eq!(
        measured(&world),
        [
            (format!("ai_bridge_requests_total.{requests}"), 1),
            (tokens("input"), 10),
            (tokens("output"), 20),
            (tokens("cache_read"), 30),
            (tokens("cache_write"), 40),
            (tokens("reasoning"), 5),
            (format!("ai_bridge_cost_microusd_total.{}", with("model=.=claude-opus-4-8;.;")), 815),
            (format!("ai_bridge_duration_ms.{}", with("api=.=messages;.;")), 15),
        ]
    );
    assert_eq!(world.record()["cost_microusd"], 815);
}

#[test]
fn tokens_and_cost_are_counted_under_each_models_own_name() {
    let step = |model: &str, input: u64| json!({"model": model, "input_tokens": input, "output_tokens": 1});
    let usage = json!({"input_tokens": 7, "output_tokens": 1,
        "iterations": [step("claude-opus-4-8", 7), step("claude-opus-4-9", 20)]});
    let answer = json!({"type": "message", "model": "claude-opus-4-8", "usage": usage});
    let world = answered(&bridge(CONFIGURATION), &json!({"model": "asked"}), "200", &answer);
    let with = |model: &str, rest: &str| format!("provider=.=anthropic;.;model=.={model};.;{rest}");
    let tokens = |model: &str, kind: &str| with(model, &format!("type=.={kind};.;"));
    assert_eq!(
        of(&world, "ai_bridge_tokens_total"),
        [
            (tokens("claude-opus-4-8", "input"), 7),
            (tokens("claude-opus-4-8", "output"), 1),
            (tokens("claude-opus-4-9", "input"), 20),
            (tokens("claude-opus-4-9", "output"), 1),
        ]
    );
    let cost = [(with("claude-opus-4-8", ""), 60), (with("claude-opus-4-9", ""), 125)];
    assert_eq!(of(&world, "ai_bridge_cost_microusd_total"), cost);
    assert_eq!(of(&world, "ai_bridge_requests_total").len(), 1);
    assert_eq!(world.published["ai_bridge_model"], "claude-opus-4-8");
    assert_eq!(world.published["ai_bridge_input_tokens"], "27");
    assert_eq!(world.published["ai_bridge_total_tokens"], "29");
    assert_eq!(world.published["ai_bridge_cost_microusd"], "185");
}

#[test]
fn the_time_to_the_first_event_ignores_comments() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /openai/v1/responses", &[]), false).upload(br#"{"stream":true}"#, true);
    world.answer(head("200", &[("content-type", "text/event-stream")]), false);
    world.download(b": comment\n\n", false).download(b"data: {}\n", false).download(b"\n", false);
    world.download(b"data: {}\n\n", false).done();
    let labels = "provider=.=openai;.;api=.=responses;.;".to_owned();
    assert_eq!(of(&world, "ai_bridge_time_to_first_event_ms"), [(labels.clone(), 20)]);
    assert_eq!(of(&world, "ai_bridge_duration_ms"), [(labels, 30)]);
    assert_eq!(world.record()["time_to_first_event_ms"], 20);
}

#[test]
fn requests_are_counted_by_api_and_outcome() {
    for (path, api) in [
        ("/anthropic/v1/messages", "messages"),
        ("/openai/v1/chat/completions", "chat_completions"),
        ("/openai/v1/responses", "responses"),
        ("/openai/v1/responses/compact", "responses"),
    ] {
        let started = || {
            let mut world = World::new(&bridge(CONFIGURATION));
            world.request(head(&format!("POST {path}"), &[]), false);
            world
        };
        let mut worlds = [started(), started(), started(), started(), started(), started()];
        worlds[0].upload(b"{}", true).answer(head("200", &[DOCUMENT]), false).download(b"{}", true).done();
        worlds[1].upload(b"{}", true).answer(head("500", &[DOCUMENT]), true).done();
        worlds[2].upload(b"[]", true).finish("");
        worlds[3].upload(b"{}", true).answer_by("x", head("504", &[]), true).finish("x");
        worlds[4].upload(b"{", false).finish("downstream_remote_disconnect");
        worlds[5]
            .upload(b"{}", true)
            .answer(head("200", &[DOCUMENT]), false)
            .finish("upstream_reset_after_x");
        let outcomes =
            ["completed", "failed", "rejected", "unavailable", "aborted_client", "aborted_upstream"];
        for (world, outcome) in worlds.iter().zip(outcomes) {
            let provider = path.split('/').nth(1).unwrap();
            let labels =
                format!("provider=.={provider};.;api=.={api};.;model=.=unknown;.;outcome=.={outcome};.;");
            assert_eq!(of(world, "ai_bridge_requests_total"), [(labels, 1)], "{path}");
        }
    }
}

#[test]
fn the_model_label_is_served_or_requested_on_2xx_only() {
    for (requested, status, served, label) in [
        (Some("asked"), "200", Some("served"), "served"),
        (Some("asked"), "201", None, "asked"),
        (Some("asked"), "299", Some(""), "asked"),
        (None, "200", None, "unknown"),
        (Some(""), "200", None, "unknown"),
        (Some("asked"), "300", Some("served"), "unknown"),
        (Some("asked"), "404", Some("served"), "unknown"),
        (Some("a;.;b=.=c d\u{e9}\n"), "200", None, "a_._b_._c_d__"),
    ] {
        let world = answered(
            &bridge(CONFIGURATION),
            &json!({"model": requested}),
            status,
            &json!({"model": served, "usage": {"input_tokens": 1}}),
        );
        let names: Vec<String> = measured(&world).into_iter().map(|(name, _)| name).collect();
        let labelled: Vec<&String> = names.iter().filter(|name| name.contains(";.;model=.=")).collect();
        assert!(labelled.len() == if status < "300" { 2 } else { 1 }, "{names:?}");
        for name in labelled {
            assert!(name.contains(&format!(";.;model=.={label};.;")), "{name}: wanted {label}");
        }
    }
}

#[test]
fn absent_and_zero_numbers_are_not_counted() {
    for usage in [json!(null), json!({}), json!({"input_tokens": 0, "output_tokens": 0})] {
        let answer = json!({"model": "claude-opus-4-8", "usage": usage});
        let world = answered(&bridge(CONFIGURATION), &json!({}), "200", &answer);
        assert_eq!(of(&world, "ai_bridge_tokens_total"), []);
        assert_eq!(of(&world, "ai_bridge_cost_microusd_total"), []);
    }
}

#[test]
fn every_refusal_is_counted_with_or_without_a_record() {
    let disabled = changed(|configuration| {
        configuration["providers"][0]["enabled"] = json!(false);
        configuration["providers"][1]["stored_objects"] = json!(false);
    });
    let upgrade = ("upgrade", "websocket");
    for (first, lines, provider, reason, records) in [
        ("GET /nowhere", vec![], "unknown", "not_found", 0),
        ("GET /openai/v1/nothing", vec![], "openai", "not_found", 0),
        ("GET /openai/../x", vec![], "unknown", "invalid_path", 0),
        ("POST /openai/v1/models/%zz", vec![], "unknown", "invalid_path", 0),
        ("PUT /openai/v1/responses", vec![], "openai", "method_not_allowed", 0),
        ("GET /openai/v1/responses", vec![upgrade], "openai", "upgrade_refused", 0),
        ("GET /openai/v1/models", vec![upgrade], "openai", "upgrade_unsupported", 0),
        ("GET /copilot/models", vec![], "copilot", "missing_credential", 0),
        ("GET /openai/v1/responses/r", vec![], "openai", "stored_object_denied", 0),
        ("GET /anthropic/v1/models", vec![], "anthropic", "provider_disabled", 0),
        ("POST /anthropic/v1/messages", vec![], "anthropic", "provider_disabled", 1),
        ("POST /copilot/v1/messages", vec![], "copilot", "missing_credential", 1),
        ("POST /openai/v1/responses", vec![("content-encoding", "br")], "openai", "unsupported_encoding", 1),
        ("POST /openai/v1/responses", vec![], "openai", "empty_body", 1),
    ] {
        let mut world = World::new(&disabled);
        world.request(head(first, &lines), true).finish("");
        let labels = format!("provider=.={provider};.;reason=.={reason};.;");
        let hygiene = reason == "invalid_path";
        let found = of(&world, "ai_bridge_refusals_total");
        assert!(
            found == [(labels, 1)] || hygiene && found[0].0.ends_with("reason=.=invalid_path;.;"),
            "{found:?}"
        );
        assert_eq!((found.len(), world.records), (1, records), "{first}");
        if reason == "not_found" {
            assert_eq!(world.measured.len(), 1, "{first}");
        }
    }
}

#[test]
fn refusals_of_other_filters_are_counted_by_code() {
    for (status, reason) in [
        ("401", Some("unauthorized")),
        ("403", Some("forbidden")),
        ("413", Some("request_too_large")),
        ("429", Some("rate_limited")),
        ("422", Some("request_refused")),
        ("408", None),
        ("500", None),
        ("503", None),
    ] {
        for first in ["POST /openai/v1/responses", "GET /openai/v1/models"] {
            let mut world = World::new(&bridge(CONFIGURATION));
            world.request(head(first, &[]), false).answer_by("x", head(status, &[]), true).finish("x");
            let wanted: Vec<(String, u64)> = reason
                .map(|reason| (format!("provider=.=openai;.;reason=.={reason};.;"), 1))
                .into_iter()
                .collect();
            assert_eq!(of(&world, "ai_bridge_refusals_total"), wanted, "{first} {status}");
        }
        // Errors of the upstream are no refusals.
        let world = answered(&bridge(CONFIGURATION), &json!({}), status, &json!({}));
        assert_eq!(of(&world, "ai_bridge_refusals_total"), []);
    }
}

#[test]
fn passthrough_responses_are_counted_by_status_class() {
    for (status, class) in
        [("200", "2xx"), ("204", "2xx"), ("302", "3xx"), ("404", "4xx"), ("599", "5xx"), ("x", "unknown")]
    {
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head("POST /openai/v1/models", &[]), false).upload(b"\xff", true);
        world.answer(head(status, &[]), false).download(b"\xfe", true).done();
        assert_eq!((&world.upstream_body[..], &world.client_body[..]), (&b"\xff"[..], &b"\xfe"[..]));
        let name = format!("ai_bridge_passthrough_total.provider=.=openai;.;status_class=.={class};.;");
        assert_eq!(measured(&world), [(name, 1)]);
    }
}

#[test]
fn remaining_limits_are_gauges_of_the_central_key_only() {
    let said = [
        ("anthropic-ratelimit-requests-remaining", "1"),
        ("anthropic-ratelimit-tokens-remaining", " 2 "),
        ("anthropic-ratelimit-input-tokens-remaining", "0"),
        ("anthropic-ratelimit-output-tokens-remaining", "4"),
        ("anthropic-ratelimit-tokens-limit", "9"),
        ("anthropic-ratelimit-tokens-reset", "9"),
    ];
    let of_messages = [("requests", 1), ("tokens", 2), ("input_tokens", 0), ("output_tokens", 4)];
    let of_openai = [("requests", 7), ("tokens", 8)];
    let openai = [("x-ratelimit-remaining-requests", "7"), ("x-ratelimit-remaining-tokens", "8")];
    let broken = [("x-ratelimit-remaining-requests", "-1"), ("x-ratelimit-remaining-tokens", "many")];
    for (first, lines, headers, details, wanted) in [
        ("POST /anthropic/v1/messages", vec![], &said[..], "via_upstream", &of_messages[..]),
        ("GET /anthropic/v1/models", vec![], &said, "via_upstream", &of_messages),
        ("POST /openai/v1/responses", vec![], &openai, "via_upstream", &of_openai),
        ("POST /openai/v1/responses", vec![], &broken, "via_upstream", &[]),
        ("POST /anthropic/v1/messages", vec![OWN_KEY], &said, "via_upstream", &[]),
        ("GET /anthropic/v1/models", vec![OWN_KEY], &said, "via_upstream", &[]),
        // Limits of the gateway itself set no gauge.
        ("POST /openai/v1/responses", vec![], &openai, "request_rate_limited", &[]),
        ("GET /openai/v1/models", vec![], &openai, "request_rate_limited", &[]),
    ] {
        // With nothing left, the status is 429.
        let statuses = if details == "via_upstream" { &["200", "429"][..] } else { &["429"] };
        for status in statuses {
            let mut world = World::new(&bridge(CONFIGURATION));
            world.request(head(first, &lines), false).answer_by(details, head(status, headers), false);
            let provider = first.split('/').nth(1).unwrap();
            let wanted: Vec<(String, u64)> = wanted
                .iter()
                .map(|(of, left)| (format!("provider=.={provider};.;of=.={of};.;"), *left))
                .collect();
            assert_eq!(of(&world, "ai_bridge_upstream_remaining"), wanted, "{first} {lines:?} {details}");
            if *status == "200" && first.starts_with("POST") {
                assert_eq!(world.measured.len(), wanted.len(), "{first}");
            }
        }
    }
}

/// An exchange whose record has this note, and no other but `usage_estimated`, which is not counted.
fn poorer(note: &str) -> World {
    let limited = changed(|configuration| {
        configuration["limits"] =
            json!({"event_bytes": 400, "document_bytes": 40_000, "tool_calls": 1, "thoughts": 1});
        configuration["record"] = json!({"text_bytes": 20, "total_bytes": 20});
    });
    let post = |path: &str, request: &str, content_type: &str, lines: &[(&str, &str)], answer: &str| {
        let mut world = World::new(&limited);
        let mut headers = vec![("content-type", content_type)];
        headers.extend(lines);
        world.request(head(&format!("POST {path}"), &[("user-agent", "claude-cli/2")]), false);
        world.upload(request.as_bytes(), true).answer(head("200", &headers), false);
        world.download(answer.as_bytes(), true).done();
        world
    };
    let message = |request: &str, answer: &str| {
        post("/anthropic/v1/messages", request, "application/json", &[], answer)
    };
    let events = |answer: &str| post("/anthropic/v1/messages", "{}", "text/event-stream", &[], answer);
    let tool = r#"{"type":"tool_use","name":"a"}"#;
    let thought = r#"{"type":"thinking","thinking":"a"}"#;
    match note {
        "text_cut" => {
            message(&json!({"messages": [{"role": "user", "content": "x".repeat(21)}]}).to_string(), "{}")
        }
        "value_too_large" => message(&json!({"metadata": {"user_id": "x".repeat(5000)}}).to_string(), "{}"),
        "stream_options_left" => post(
            "/openai/v1/chat/completions",
            r#"{"stream_options":null,"stream":true}"#,
            "text/event-stream",
            &[],
            "data: [DONE]\n\n",
        ),
        "response_encoded" => {
            post("/anthropic/v1/messages", "{}", "application/json", &[("content-encoding", "gzip")], "x")
        }
        "response_content_type" => post("/anthropic/v1/messages", "{}", "text/html", &[], "x"),
        "response_unreadable" => message("{}", "{]"),
        "event_too_large" => events(&format!("data: {{\"x\":\"{}\"}}\n\n", "x".repeat(400))),
        "document_too_large" => message("{}", &format!("{{\"x\":\"{}\"}}", "x".repeat(40_000))),
        "usage_unreadable" => message("{}", r#"{"usage":{"input_tokens":"1"}}"#),
        "usage_too_large" => message(
            r#"{"model":"claude-opus-4-8"}"#,
            &format!("{{\"usage\":{{\"input_tokens\":1,\"x\":\"{}\"}}}}", "x".repeat(16_384)),
        ),
        "price" => message(r#"{"model":"other"}"#, r#"{"usage":{"input_tokens":1}}"#),
        "tool_calls_dropped" => message("{}", &format!("{{\"content\":[{tool},{tool},{tool}]}}")),
        "thoughts_dropped" => message("{}", &format!("{{\"content\":[{thought},{thought}]}}")),
        other => panic!("{other}"),
    }
}

#[test]
fn every_note_of_a_record_is_counted() {
    for (note, line) in [
        ("text_cut", "text_cut"),
        ("value_too_large", "value_too_large"),
        ("stream_options_left", "stream_options_left"),
        ("response_encoded", "response_encoded"),
        ("response_content_type", "response_content_type"),
        ("response_unreadable", "response_unreadable"),
        ("event_too_large", "event_too_large"),
        ("document_too_large", "document_too_large"),
        ("usage_unreadable", "usage_unreadable"),
        ("usage_too_large", "usage_too_large"),
        ("price", "price"),
        ("tool_calls_dropped", "tool_calls_dropped:2"),
        ("thoughts_dropped", "thoughts_dropped:1"),
    ] {
        let world = poorer(note);
        let mut record = world.record();
        let notes = record["notes"].as_array_mut().unwrap();
        notes.retain(|note| note != "usage_estimated");
        assert_eq!(*notes, [line]);
        assert_eq!(of(&world, "ai_bridge_unread_total"), [(format!("reason=.={note};.;"), 1)], "{note}");
    }
}

#[test]
fn nothing_is_measured_outside_the_root_or_twice() {
    let rooted = changed(|configuration| configuration["root"] = json!("/ai"));
    let mut world = World::new(&rooted);
    world.request(head("GET /elsewhere", &[]), true).answer(head("200", &[]), true).done();
    assert_eq!(measured(&world), []);
    let mut world = answered(&bridge(CONFIGURATION), &json!({}), "200", &json!({}));
    let before = measured(&world);
    world.done().done();
    assert_eq!(measured(&world), before);
}

#[test]
fn without_metrics_nothing_is_measured() {
    let bridge = changed(|configuration| configuration["metrics"] = json!(false));
    let answer = json!({"type": "message", "usage": {"input_tokens": 1}});
    assert!(answered(&bridge, &json!({}), "200", &answer).measured.is_empty());
    let mut world = World::new(&bridge);
    world.request(head("GET /nowhere", &[]), true).done();
    assert!(world.measured.is_empty());
}

#[test]
fn refusals_of_other_filters_on_passthrough_set_no_gauge() {
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
