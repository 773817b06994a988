//! What the gateway answers itself, in whose dialect, and what record that leaves.

use crate::world::{CONFIGURATION, World, bridge, changed, head};
use serde_json::json;

const BODY: &[u8] = br#"{"model":"claude-opus-4-8","max_tokens":1,"messages":[]}"#;

fn asked(first: &str, lines: &[(&str, &str)]) -> World {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(first, lines), false);
    world
}

#[test]
fn an_unknown_path_is_404_in_the_dialect_and_leaves_no_record() {
    for (path, messages) in
        [("/anthropic/v1/files", true), ("/copilot/nothing", false), ("/nothing", false), ("/", false)]
    {
        let mut world = asked(&format!("GET {path}"), &[]);
        let (status, body) = world.replied();
        assert_eq!(status, 404);
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains("GET") && message.contains(path), "{message}");
        assert_eq!(body["type"] == "error", messages, "{path}");
        assert_eq!(body["error"]["code"].is_null(), messages, "{path}");
        assert_eq!(world.reply_header("x-should-retry"), Some("false"));
        world.done();
        assert_eq!(world.records, 0);
        assert_eq!(world.measured.len(), 1);
    }
}

#[test]
fn a_bridged_route_takes_post_only() {
    let mut world = asked("GET /openai/v1/responses/", &[]);
    assert_eq!(world.replied().0, 405);
    assert_eq!(world.reply_header("allow"), Some("POST"));
    world.done();
    assert_eq!(world.records, 0);
}

#[test]
fn an_upgrade_is_426_on_a_bridged_route_and_501_on_passthrough() {
    for (path, status) in [("/openai/v1/responses", 426), ("/openai/v1/models", 501)] {
        let world = asked(&format!("GET {path}"), &[("upgrade", "websocket"), ("connection", "upgrade")]);
        assert_eq!(world.replied().0, status);
    }
}

#[test]
fn a_disabled_provider_is_503_everywhere_and_leaves_a_record_of_bridged_requests() {
    let bridge = changed(|configuration| configuration["providers"][0]["enabled"] = json!(false));
    for (first, records) in [
        ("POST /anthropic/v1/messages", 1),
        ("GET /anthropic/v1/messages", 1),
        ("GET /anthropic/v1/models", 0),
        ("GET /anthropic/nothing", 0),
    ] {
        let mut world = World::new(&bridge);
        world.request(head(first, &[("upgrade", "websocket")]), false);
        let (status, body) = world.replied();
        assert_eq!((status, &body["error"]["type"]), (503, &json!("overloaded_error")), "{first}");
        assert_eq!(world.reply_header("x-should-retry"), Some("false"));
        world.done();
        assert_eq!(world.records, records, "{first}");
        if records == 1 {
            let record = world.record();
            assert_eq!(record["outcome"], "rejected");
            assert_eq!(record["error"]["code"], "provider_disabled");
            assert_eq!(record["response"]["status"], 503);
        }
    }
}

#[test]
fn the_checks_come_in_the_contracts_order() {
    let bridge = changed(|configuration| {
        configuration["providers"][0]["byok"] = json!("deny");
        configuration["actor"]["required"] = json!(true);
        configuration["limits"] = json!({"request_body_bytes": 10});
    });
    let mut lines = vec![
        ("x-api-key", "sk-ant-api03-a"),
        ("x-api-key", "sk-ant-api03-b"),
        ("content-encoding", "zstd"),
        ("content-length", "11"),
    ];
    let mut expect = |drop: usize, code: &str, status: u16| {
        let mut world = World::new(&bridge);
        world.request(head("POST /anthropic/v1/messages", &lines), false).done();
        let record = world.record();
        assert_eq!((record["error"]["code"].as_str(), world.replied().0), (Some(code), status));
        lines.drain(..drop);
    };
    expect(1, "repeated_credential", 400);
    expect(1, "byok_denied", 403);
    expect(0, "missing_actor", 401);
    lines.push(("x-actor", "alice"));
    let mut expect = |code: &str, status: u16| {
        let mut world = World::new(&bridge);
        world.request(head("POST /anthropic/v1/messages", &lines), false).done();
        assert_eq!((world.record()["error"]["code"].as_str(), world.replied().0), (Some(code), status));
        lines.remove(0);
    };
    expect("unsupported_encoding", 415);
    expect("request_too_large", 413);
}

#[test]
fn another_vendors_key_is_not_forwarded() {
    let mut world =
        asked("POST /openai/v1/chat/completions", &[("authorization", "Bearer sk-ant-api03-secretsecret")]);
    let (status, body) = world.replied();
    assert_eq!(status, 403);
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.contains("Anthropic") && !message.contains("secret"), "{message}");
    world.done();
    assert_eq!(world.record()["credential"]["kind"], "byok");
}

#[test]
fn a_copilot_caller_must_bring_a_token() {
    let world = asked("POST /copilot/v1/messages", &[]);
    let (status, body) = world.replied();
    assert_eq!(
        (status, &body["error"]["type"], &body["type"]),
        (401, &json!("authentication_error"), &json!("error"))
    );
}

#[test]
fn a_broken_body_is_refused_in_the_chunk_that_shows_it() {
    for (body, code) in [
        (&b"{\"model\":}"[..], "invalid_json"),
        (b"[]", "invalid_json"),
        (b"{} x", "invalid_json"),
        (b"{\"a\":1", "invalid_json"),
        (b"  ", "empty_body"),
        (b"", "empty_body"),
        (b"{\"model\":\"a\",\"m\\u006fdel\":\"b\"}", "repeated_member"),
        (b"\xef\xbb\xbf{}", "invalid_json"),
        (b"{\"a\":\"\xff\"}", "invalid_json"),
    ] {
        let mut world = asked("POST /anthropic/v1/messages", &[]);
        world.upload(body, true);
        assert_eq!(world.upstream_body, b"", "{code}");
        let (status, reply) = world.replied();
        assert_eq!((status, &reply["error"]["type"]), (400, &json!("invalid_request_error")));
        world.finish("");
        let record = world.record();
        assert_eq!(
            (&record["outcome"], &record["error"]["code"]),
            (&json!("rejected"), &json!(code)),
            "{body:?}"
        );
    }
}

#[test]
fn the_chunk_that_reaches_the_declared_length_is_the_last() {
    let mut world = asked("POST /anthropic/v1/messages", &[("content-length", "8")]);
    world.upload(b"{\"a\"", false).upload(b":1, ", false);
    assert_eq!(world.upstream_body, b"{\"a\"");
    assert_eq!(world.replied().0, 400);
}

#[test]
fn only_white_space_may_follow_the_object() {
    let mut world = asked("POST /anthropic/v1/messages", &[]);
    world.upload(BODY, false).upload(b" \r\n", false).upload(b"x", false);
    assert_eq!(world.upstream_body, [BODY, b" \r\n"].concat());
    assert_eq!(world.replied().0, 400);
}

#[test]
fn a_body_that_trailers_end_is_judged_there() {
    let mut world = asked("POST /anthropic/v1/messages", &[]);
    world.upload(b"{\"model\":\"a\"", false).request_trailers();
    assert_eq!(world.replied().0, 400);
}

#[test]
fn a_body_above_the_limit_is_413_declared_or_not() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"request_body_bytes": 10}));
    let mut world = World::new(&bridge);
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{\"a\":\"1234", false);
    assert_eq!(world.upstream_body.len(), 10);
    world.upload(b"5", false);
    assert_eq!(world.replied().1["error"]["type"], "request_too_large");
    assert_eq!(world.upstream_body.len(), 10);
}

#[test]
fn a_model_that_policy_forbids_is_refused_before_the_object_closes_upstream() {
    let bridge = changed(|configuration| {
        configuration["providers"][0]["models"] = json!({"allow": ["claude-*"], "deny": ["claude-opus-*"]});
    });
    for (body, code) in [
        (&b"{\"model\":\"claude-opus-4-8\"}"[..], Some("model_denied")),
        (b"{\"model\":\"gpt-5\"}", Some("model_denied")),
        (b"{\"model\":7}", Some("model_unreadable")),
        (b"{}", Some("model_unreadable")),
        (b"{\"model\":\"claude-haiku-4-5\"}", None),
    ] {
        let mut world = World::new(&bridge);
        world.request(head("POST /anthropic/v1/messages", &[]), false).upload(body, false);
        match code {
            Some(code) => {
                assert_eq!(world.replied().0, 403);
                world.finish("");
                assert_eq!(world.record()["error"]["code"], code);
            }
            None => assert!(world.reply.is_none()),
        }
    }
}

#[test]
fn an_empty_allow_list_allows_none() {
    let bridge = changed(|configuration| configuration["providers"][0]["models"] = json!({"allow": []}));
    let mut world = World::new(&bridge);
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(BODY, true);
    assert_eq!(world.replied().0, 403);
}

#[test]
fn background_responses_are_501_unless_allowed() {
    let body = br#"{"model":"gpt-5","input":"hi","background":true}"#;
    let mut world = asked("POST /openai/v1/responses", &[]);
    world.upload(body, true);
    assert_eq!(world.replied().0, 501);
    let bridge = changed(|configuration| configuration["providers"][1]["allow_background"] = json!(true));
    let mut world = World::new(&bridge);
    world.request(head("POST /openai/v1/responses", &[]), false).upload(body, true);
    assert_eq!(world.upstream_body, body);
}

#[test]
fn when_the_answer_has_begun_the_stream_is_cut_instead() {
    let mut world = asked("POST /anthropic/v1/messages", &[]);
    world.upload(b"{", false).answer(head("200", &[("content-type", "text/event-stream")]), false);
    world.upload(b"x", false);
    assert!(world.reset && world.reply.is_none());
    world.finish("");
    let record = world.record();
    assert_eq!(record["outcome"], "rejected");
    assert_eq!(record["notes"], json!(["reply_impossible"]));
}

#[test]
fn envoys_own_replies_are_in_the_dialect() {
    for (status, details, code, kind, retry, should_retry, outcome) in [
        (
            "503",
            "no_healthy_upstream",
            "service_unavailable",
            "server_error",
            Some("30"),
            None,
            "unavailable",
        ),
        (
            "503",
            "upstream_reset_before_response_started{connection_failure}",
            "service_unavailable",
            "server_error",
            None,
            None,
            "unavailable",
        ),
        ("504", "response_timeout", "gateway_timeout", "server_error", None, None, "unavailable"),
        ("408", "request_overall_timeout", "request_timeout", "server_error", None, None, "aborted_client"),
        (
            "413",
            "request_payload_too_large",
            "request_too_large",
            "invalid_request_error",
            None,
            Some("false"),
            "rejected",
        ),
        (
            "429",
            "request_rate_limited",
            "rate_limited",
            "rate_limit_error",
            Some("60"),
            Some("false"),
            "rejected",
        ),
        (
            "403",
            "rbac_access_denied_matched_policy[none]",
            "forbidden",
            "permission_error",
            None,
            Some("false"),
            "rejected",
        ),
    ] {
        let mut world = asked("POST /openai/v1/responses", &[]);
        world.answer_by(details, head(status, &[("content-length", "9"), ("x-kept", "k")]), false);
        let (replied, body) = world.replied();
        assert_eq!(replied.to_string(), status);
        assert_eq!(
            (&body["error"]["code"], &body["error"]["type"]),
            (&json!(code), &json!(kind)),
            "{details}"
        );
        assert_eq!(world.reply_header("retry-after"), retry, "{details}");
        assert_eq!(world.reply_header("x-should-retry"), should_retry, "{details}");
        assert_eq!(world.reply_header("x-kept"), Some("k"));
        assert_eq!(world.reply_header("content-length"), None);
        world.finish(details);
        let record = world.record();
        assert_eq!(
            (&record["outcome"], &record["error"]["code"]),
            (&json!(outcome), &json!(code)),
            "{details}"
        );
    }
}

#[test]
fn an_open_circuit_says_so() {
    let mut world = asked("POST /copilot/v1/messages", &[("authorization", "Bearer gho_token")]);
    world.answer_by("no_healthy_upstream", head("503", &[]), true);
    let (_, body) = world.replied();
    assert_eq!(
        body,
        json!({"type":"error","error":{"type":"overloaded_error","message":"circuit breaker is open"}})
    );
}

#[test]
fn a_budget_that_resets_soon_says_when() {
    let mut world = asked("POST /anthropic/v1/messages", &[]);
    world.answer_by("request_rate_limited", head("429", &[("x-ratelimit-reset", "17")]), true);
    assert_eq!(world.reply_header("retry-after"), Some("17"));
}

#[test]
fn stored_objects_can_be_kept_from_the_central_key() {
    let (stored, free) = (
        ["/responses/resp_1", "/responses/r/input_items", "/conversations", "/conversations/c/items"],
        ["/models", "/models/", "/models/ft"],
    );
    for key in [json!({"value": "central"}), json!({"external": true})] {
        for allowed in [true, false] {
            let bridge = changed(|configuration| {
                configuration["providers"][1]["key"] = key.clone();
                configuration["providers"][1]["stored_objects"] = json!(allowed);
                configuration["providers"][0]["stored_objects"] = json!(false);
            });
            let check = |method: &str, path: &str, token: &str, refused: bool| {
                let mut world = World::new(&bridge);
                let token = format!("Bearer {token}");
                world.request(head(&format!("{method} {path}"), &[("authorization", &token)]), false);
                let reply = world.reply.is_some().then(|| world.replied());
                assert_eq!(reply.is_some(), refused, "{method} {path} {token}");
                if let Some((status, body)) = reply {
                    let error = &body["error"];
                    let code = if path.starts_with("/anthropic/") {
                        json!(null)
                    } else {
                        json!("stored_object_denied")
                    };
                    let message = json!("stored objects are not reachable with the gateway's own credential");
                    assert_eq!((status, &error["message"], &error["code"]), (403, &message, &code));
                }
                world.done();
                assert_eq!(world.records, 0);
            };
            for method in ["GET", "POST", "DELETE", "HEAD", "PATCH"] {
                for (route, is_stored) in
                    stored.iter().map(|r| (r, true)).chain(free.iter().map(|r| (r, false)))
                {
                    let path = format!("/openai/v1{route}?x");
                    let is_stored = is_stored || method == "DELETE";
                    check(method, &path, "gw_x", is_stored && !allowed);
                    check(method, &path, "sk-proj-own-0123456789", false);
                }
                check(method, "/anthropic/v1/models/x", "gw_x", method == "DELETE");
                check(method, "/anthropic/v1/models/x", "sk-ant-own-0123456789", false);
            }
        }
    }
}

#[test]
fn a_model_whose_name_never_ends_is_recorded_cut_and_allowed_by_no_policy() {
    let body = json!({"model": "m".repeat(5000)}).to_string();
    let policy = changed(|configuration| configuration["providers"][0]["models"] = json!({"allow": ["*"]}));
    for (bridge, refused) in [(bridge(CONFIGURATION), false), (policy, true)] {
        let mut world = World::new(&bridge);
        world.request(head("POST /anthropic/v1/messages", &[]), false).upload(body.as_bytes(), true);
        assert_eq!(world.reply.is_some(), refused);
        world.finish("downstream_remote_disconnect");
        assert_eq!(world.record()["model"]["requested"].as_str().unwrap().len(), 1024);
    }
}
