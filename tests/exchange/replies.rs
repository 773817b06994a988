//! Replies of the gateway: body and headers in each dialect, and what they do not disclose.

use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{CONFIGURATION, World, bridge, changed, head};

/// Bridged routes, and whether their errors have the Messages shape.
const BRIDGED: [(&str, bool); 6] = [
    ("/anthropic/v1/messages", true),
    ("/copilot/v1/messages", true),
    ("/openai/v1/chat/completions", false),
    ("/openai/v1/responses", false),
    ("/openai/v1/responses/compact", false),
    ("/copilot/chat/completions", false),
];

const PASSTHROUGH: [(&str, bool); 3] =
    [("/anthropic/v1/models", true), ("/openai/v1/models", false), ("/copilot/models", false)];

const COPILOT_TOKEN: (&str, &str) = ("authorization", "Bearer gho_0123456789");

fn asked(bridge: &Rc<Bridge>, path: &str) -> World {
    let mut world = World::new(bridge);
    let credential = if path.starts_with("/copilot") { vec![COPILOT_TOKEN] } else { Vec::new() };
    let method = if BRIDGED.iter().any(|(bridged, _)| *bridged == path) { "POST" } else { "GET" };
    world.request(head(&format!("{method} {path}"), &credential), method == "GET");
    world
}

/// Checks that the whole body has the dialect's shape and a message.
fn assert_dialect(body: &Value, messages: bool, kind: &str, code: &str, at: &str) {
    let message = body["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("AI gateway: ") && message.ends_with('.'), "{at}: {message}");
    let advice = message.split_once(". ").map(|(_, advice)| advice);
    assert!(advice.is_some_and(|advice| advice.len() > 8), "{at}: {message}");
    let wanted = if messages {
        json!({"type": "error", "error": {"type": kind, "message": message}})
    } else {
        json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
    };
    assert_eq!(*body, wanted, "{at}");
}

/// Status, Envoy's reason, our code, the type in the Messages dialect and in OpenAI's, `x-should-retry`, `retry-after`,
/// and the outcome.
type Reply =
    (u16, &'static str, &'static str, &'static str, &'static str, bool, Option<&'static str>, &'static str);

const INVALID: &str = "invalid_request_error";

const REPLIES: [Reply; 25] = [
    (400, "x", "bad_request", INVALID, INVALID, true, None, "rejected"),
    (401, "x", "unauthorized", "authentication_error", "authentication_error", true, None, "rejected"),
    (402, "x", "request_refused", INVALID, INVALID, false, None, "rejected"),
    (403, "x", "forbidden", "permission_error", "permission_error", true, None, "rejected"),
    (404, "route_not_found", "not_found", "not_found_error", "not_found_error", true, None, "rejected"),
    (405, "x", "request_refused", INVALID, INVALID, true, None, "rejected"),
    (408, "x", "request_timeout", "timeout_error", "server_error", false, None, "aborted_client"),
    (413, "x", "request_too_large", "request_too_large", INVALID, true, None, "rejected"),
    (415, "x", "request_refused", INVALID, INVALID, true, None, "rejected"),
    (426, "x", "request_refused", INVALID, INVALID, true, None, "rejected"),
    (429, "x", "rate_limited", "rate_limit_error", "rate_limit_error", true, Some("60"), "rejected"),
    (431, "x", "request_refused", INVALID, INVALID, false, None, "rejected"),
    (500, "x", "gateway_error", "api_error", "server_error", false, None, "unavailable"),
    (501, "x", "gateway_error", INVALID, INVALID, true, None, "unavailable"),
    (502, "x", "bad_gateway", "api_error", "server_error", false, None, "unavailable"),
    (503, "x", "service_unavailable", "overloaded_error", "server_error", false, None, "unavailable"),
    (
        503,
        "no_healthy_upstream",
        "service_unavailable",
        "overloaded_error",
        "server_error",
        false,
        Some("32"),
        "unavailable",
    ),
    (
        503,
        "upstream_reset_before_response_started{connection_failure}",
        "service_unavailable",
        "overloaded_error",
        "server_error",
        false,
        None,
        "unavailable",
    ),
    (
        403,
        "rbac_access_denied_matched_policy[none]",
        "forbidden",
        "permission_error",
        "permission_error",
        true,
        None,
        "rejected",
    ),
    (
        408,
        "request_overall_timeout",
        "request_timeout",
        "timeout_error",
        "server_error",
        false,
        None,
        "aborted_client",
    ),
    (
        413,
        "request_payload_too_large",
        "request_too_large",
        "request_too_large",
        INVALID,
        true,
        None,
        "rejected",
    ),
    (
        429,
        "request_rate_limited",
        "rate_limited",
        "rate_limit_error",
        "rate_limit_error",
        true,
        Some("60"),
        "rejected",
    ),
    (504, "response_timeout", "gateway_timeout", "timeout_error", "server_error", false, None, "unavailable"),
    (504, "x", "gateway_timeout", "timeout_error", "server_error", false, None, "unavailable"),
    (529, "x", "gateway_error", "api_error", "server_error", false, None, "unavailable"),
];

#[test]
fn replies_of_envoy_and_other_filters_get_the_dialect() {
    let bridge = bridge(CONFIGURATION);
    for (path, messages) in BRIDGED.into_iter().chain(PASSTHROUGH) {
        for (status, details, code, in_messages, in_openai, no_retry, retry_after, outcome) in REPLIES {
            let at = format!("{path} {status} {details}");
            let kind = if messages { in_messages } else { in_openai };
            let mut world = asked(&bridge, path);
            world.answer_by(details, head(&status.to_string(), &[("content-type", "text/plain")]), false);
            let (replied, body) = world.replied();
            assert_eq!(replied, status, "{at}");
            assert_dialect(&body, messages, kind, code, &at);
            assert_eq!(world.reply_header("content-type"), Some("application/json"), "{at}");
            assert_eq!(world.reply_header("x-should-retry"), no_retry.then_some("false"), "{at}");
            assert_eq!(world.reply_header("retry-after"), retry_after, "{at}");
            world.finish(details);
            if PASSTHROUGH.contains(&(path, messages)) {
                assert_eq!(world.records, 0, "{at}");
                continue;
            }
            let record = world.record();
            assert_eq!(record["outcome"], outcome, "{at}");
            assert_eq!(record["response"], json!({"status": status, "finish_reasons": []}), "{at}");
            let message = body["error"]["message"].clone();
            assert_eq!(record["error"], json!({"type": kind, "code": code, "message": message}), "{at}");
        }
    }
}

/// The values of a reply's headers that name an id.
fn ids(world: &World) -> Vec<(&str, &str)> {
    let headers = &world.reply.as_ref().unwrap().headers;
    let named = ["x-ai-bridge-id", "request-id", "x-request-id"];
    let ids = headers.iter().filter(|(name, _)| named.contains(&name.as_str()));
    ids.map(|(name, value)| (name.as_str(), core::str::from_utf8(value).unwrap())).collect()
}

#[test]
fn replies_that_leave_a_record_carry_its_id_and_others_none() {
    let bridge = bridge(CONFIGURATION);
    for (path, messages) in BRIDGED {
        let mut refused = World::new(&bridge);
        let repeated = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
        refused.request(head(&format!("POST {path}"), &repeated), false).finish("");
        let mut invalid = asked(&bridge, path);
        invalid.upload(b"{]", true).finish("");
        let mut answered = asked(&bridge, path);
        let theirs = [("x-ai-bridge-id", "a"), ("request-id", "b"), ("x-request-id", "c")];
        answered.answer_by("request_rate_limited", head("429", &theirs), true).finish("");
        for (world, ours) in [(refused, true), (invalid, true), (answered, false)] {
            let record = world.record();
            let id = record["id"].as_str().unwrap();
            let request_id = if messages { "request-id" } else { "x-request-id" };
            let other = if messages { ("x-request-id", "c") } else { ("request-id", "b") };
            let mut wanted = vec![("x-ai-bridge-id", id), (request_id, id)];
            if !ours {
                wanted.insert(0, other);
            }
            assert_eq!(ids(&world), wanted, "{path}");
        }
    }
    for (path, _) in PASSTHROUGH {
        let mut world = asked(&bridge, path);
        world.answer_by("request_rate_limited", head("429", &[]), true);
        assert_eq!(ids(&world), [], "{path}");
    }
    for request in ["POST /nowhere", "GET /openai/v1/responses/a/../b", "GET /anthropic/v1/messages"] {
        let mut world = World::new(&bridge);
        world.request(head(request, &[]), true);
        assert_eq!(ids(&world), [], "{request}");
    }
}

#[test]
fn a_reply_keeps_its_headers_except_those_of_its_body() {
    let mut world = asked(&bridge(CONFIGURATION), "/openai/v1/responses");
    let lines = [
        ("retry-after", "7"),
        ("x-should-retry", "true"),
        ("x-ratelimit-reset", "99"),
        ("www-authenticate", "Bearer"),
        ("content-security-policy", "sandbox"),
        ("content-type", "text/plain"),
        ("content-length", "3"),
        ("content-encoding", "gzip"),
        ("content-language", "de"),
        ("etag", "x"),
        ("x-request-id", "theirs"),
        ("x-ai-bridge-id", "theirs"),
        ("transfer-encoding", "chunked"),
    ];
    world.answer_by("request_rate_limited", head("429", &lines), false);
    let headers = &world.reply.as_ref().unwrap().headers;
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let kept =
        ["retry-after", "x-should-retry", "x-ratelimit-reset", "www-authenticate", "content-security-policy"];
    assert_eq!(names, [&["content-type"], &kept[..], &["x-ai-bridge-id", "x-request-id"]].concat());
    assert_eq!(world.reply_header("retry-after"), Some("7"));
    assert_eq!(world.reply_header("content-type"), Some("application/json"));
}

#[test]
fn an_exceeded_budget_has_its_reset_or_60_s_in_retry_after() {
    for (reset, wanted) in [
        (Some("17"), "17"),
        (Some(" 0 "), "0"),
        (Some("+5"), "5"),
        (Some("-5"), "60"),
        (Some("1.5"), "60"),
        (Some(""), "60"),
        (Some("99999999999"), "60"),
        (None, "60"),
    ] {
        for path in ["/anthropic/v1/messages", "/openai/v1/chat/completions", "/openai/v1/models"] {
            let mut world = asked(&bridge(CONFIGURATION), path);
            let lines: Vec<(&str, &str)> =
                reset.map(|reset| ("x-ratelimit-reset", reset)).into_iter().collect();
            world.answer_by("request_rate_limited", head("429", &lines), true);
            assert_eq!(world.reply_header("retry-after"), Some(wanted), "{path} {reset:?}");
            assert_eq!(world.reply_header("x-should-retry"), Some("false"));
            let message = format!(
                "AI gateway: a limit of the gateway is reached. Ask the operator, or try again in {wanted} s."
            );
            assert_eq!(world.replied().1["error"]["message"], message);
        }
    }
}

#[test]
fn the_message_of_a_limit_states_the_wait_that_the_limit_states() {
    for (stated, wanted) in [("7", " in 7 s."), ("Wed, 21 Oct 2026 07:28:00 GMT", ".")] {
        let mut world = asked(&bridge(CONFIGURATION), "/openai/v1/responses");
        let lines = [("retry-after", stated), ("x-ratelimit-reset", "99")];
        world.answer_by("request_rate_limited", head("429", &lines), true);
        assert_eq!(world.reply_header("retry-after"), Some(stated));
        let message =
            format!("AI gateway: a limit of the gateway is reached. Ask the operator, or try again{wanted}");
        assert_eq!(world.replied().1["error"]["message"], message);
    }
}

#[test]
fn an_open_circuit_has_its_message_in_every_dialect() {
    for (path, messages) in BRIDGED.into_iter().chain(PASSTHROUGH) {
        let mut world = asked(&bridge(CONFIGURATION), path);
        world.answer_by("no_healthy_upstream", head("503", &[]), false);
        let message = "AI gateway: the provider has failed several times, so its circuit breaker is open. Try again \
                       in 32 s.";
        let wanted = if messages {
            json!({"type": "error", "error": {"type": "overloaded_error", "message": message}})
        } else {
            json!({"error": {"message": message, "type": "server_error", "param": null, "code": "service_unavailable"}})
        };
        assert_eq!(world.replied(), (503, wanted), "{path}");
        assert_eq!(world.reply_header("retry-after"), Some("32"));
        assert_eq!(world.reply_header("x-should-retry"), None, "{path}: clients may try again");
        world.finish("no_healthy_upstream");
        if !PASSTHROUGH.contains(&(path, messages)) {
            let record = world.record();
            assert_eq!((&record["outcome"], &record["model"]), (&json!("unavailable"), &json!({})));
            assert_eq!((record.get("prompt"), &record["streaming"]), (None, &json!(false)));
        }
    }
}

#[test]
fn errors_of_the_upstream_are_no_replies_of_the_gateway() {
    for status in ["400", "401", "429", "503", "504", "529"] {
        let mut world = asked(&bridge(CONFIGURATION), "/anthropic/v1/messages");
        world.upload(b"{}", true).answer(head(status, &[("retry-after", "3")]), false);
        world.download(b"as it is", true).done();
        assert!(world.reply.is_none());
        let headers = world.client_headers.as_ref().unwrap();
        assert_eq!((headers.text("retry-after"), headers.text("x-should-retry")), (Some("3"), None));
        assert_eq!(world.client_body, b"as it is");
        assert_eq!(world.record()["outcome"], "failed", "{status}");
    }
}

/// Each case: headers, body, status, code, and the error type in both dialects.
#[test]
fn a_refusal_has_the_error_type_of_its_status_and_no_retry() {
    let strict = changed(|configuration| {
        configuration["limits"] = json!({"request_body_bytes": 100});
        configuration["actor"]["required"] = json!(true);
        for provider in configuration["providers"].as_array_mut().unwrap() {
            provider["models"] = json!({"allow": ["good*"]});
        }
    });
    let actor = ("x-actor", "alice");
    let long = "x".repeat(100);
    let long = format!("{{\"model\":\"good\",\"a\":\"{long}\"}}");
    type Case<'a> = (Vec<(&'a str, &'a str)>, &'a str, u16, &'a str, &'a str, &'a str);
    let cases: Vec<Case<'_>> = vec![
        (
            vec![actor, ("x-api-key", "a"), ("x-api-key", "b")],
            "",
            400,
            "repeated_credential",
            INVALID,
            INVALID,
        ),
        (vec![actor, actor], "", 400, "unreadable_actor", INVALID, INVALID),
        (vec![actor], " ", 400, "empty_body", INVALID, INVALID),
        (vec![actor], "{]", 400, "invalid_json", INVALID, INVALID),
        (vec![actor], r#"{"model":"good","model":"good"}"#, 400, "repeated_member", INVALID, INVALID),
        (vec![], "{}", 401, "missing_actor", "authentication_error", "authentication_error"),
        (
            vec![actor, ("authorization", "Bearer xai-abc")],
            "{}",
            403,
            "wrong_vendor_credential",
            "permission_error",
            "permission_error",
        ),
        (vec![actor], r#"{"model":"bad"}"#, 400, "model_denied", INVALID, INVALID),
        (vec![actor], "{}", 400, "model_unreadable", INVALID, INVALID),
        (vec![actor], &long, 413, "request_too_large", "request_too_large", INVALID),
        (vec![actor, ("content-length", "101")], "", 413, "request_too_large", "request_too_large", INVALID),
        (vec![actor, ("content-encoding", "zstd")], "", 415, "unsupported_encoding", INVALID, INVALID),
    ];
    for (path, messages) in BRIDGED {
        for (lines, body, status, code, in_messages, in_openai) in &cases {
            let at = format!("{path} {code}");
            let mut lines = lines.clone();
            if path.starts_with("/copilot") && !lines.iter().any(|(name, _)| *name == "authorization") {
                lines.push(COPILOT_TOKEN);
            }
            let mut world = World::new(&strict);
            world.request(head(&format!("POST {path}"), &lines), false).upload(body.as_bytes(), true);
            let (replied, reply) = world.replied();
            assert_eq!(replied, *status, "{at}");
            let kind = if messages { in_messages } else { in_openai };
            assert_dialect(&reply, messages, kind, code, &at);
            assert_eq!(world.reply_header("x-should-retry"), Some("false"), "{at}");
            assert_eq!(
                (world.reply_header("retry-after"), &world.upstream_body[..]),
                (None, &b""[..]),
                "{at}"
            );
            world.finish("");
            let record = world.record();
            let message = reply["error"]["message"].clone();
            assert_eq!(record["error"], json!({"type": kind, "code": code, "message": message}), "{at}");
            assert_eq!(
                (&record["outcome"], &record["response"]["status"]),
                (&json!("rejected"), &json!(status))
            );
            assert_eq!(record["notes"], json!([]), "{at}");
        }
    }
}

#[test]
fn a_refusal_by_path_or_method_has_the_dialect_of_its_path() {
    let bridge = changed(|configuration| {
        let mut off = configuration["providers"][0].clone();
        off["name"] = json!("off");
        off["enabled"] = json!(false);
        configuration["providers"].as_array_mut().unwrap().push(off);
    });
    let upgrade = ("upgrade", "websocket");
    for (first, lines, messages, status, code, kind) in [
        ("GET /anthropic/v1/messages", vec![], true, 405, "method_not_allowed", INVALID),
        ("PUT /openai/v1/responses", vec![], false, 405, "method_not_allowed", INVALID),
        ("GET /copilot/v1/messages", vec![upgrade], true, 426, "upgrade_refused", INVALID),
        ("GET /openai/v1/responses", vec![upgrade], false, 426, "upgrade_refused", INVALID),
        ("GET /anthropic/v1/models", vec![upgrade], true, 501, "upgrade_unsupported", INVALID),
        ("GET /openai/v1/models", vec![upgrade], false, 501, "upgrade_unsupported", INVALID),
        ("GET /anthropic/v1/nothing", vec![], true, 404, "not_found", "not_found_error"),
        ("GET /openai/v1/nothing", vec![], false, 404, "not_found", "not_found_error"),
        ("GET /nothing", vec![], false, 404, "not_found", "not_found_error"),
        ("GET /off/v1/models", vec![], true, 503, "provider_disabled", "overloaded_error"),
        ("POST /off/v1/messages", vec![], true, 503, "provider_disabled", "overloaded_error"),
        ("POST /copilot/v1/messages", vec![], true, 401, "missing_credential", "authentication_error"),
        ("GET /copilot/models", vec![], false, 401, "missing_credential", "authentication_error"),
    ] {
        let mut world = World::new(&bridge);
        world.request(head(first, &lines), true);
        let (replied, body) = world.replied();
        assert_eq!(replied, status, "{first}");
        assert_dialect(&body, messages, kind, code, first);
        assert_eq!(world.reply_header("x-should-retry"), Some("false"), "{first}");
        assert_eq!(world.reply_header("allow"), (status == 405).then_some("POST"), "{first}");
    }
    let mut world = asked(&bridge, "/openai/v1/responses");
    world.upload(br#"{"background":true}"#, true);
    let (status, body) = world.replied();
    assert_eq!((status, world.reply_header("x-should-retry")), (501, Some("false")));
    assert_dialect(&body, false, INVALID, "background_refused", "background");
}

#[test]
fn no_reply_discloses_configuration_keys_or_addresses() {
    let private = changed(|configuration| {
        configuration["cluster_header"] = json!("x-where-SECRET");
        configuration["actor"]["required"] = json!(true);
        for (provider, url) in configuration["providers"].as_array_mut().unwrap().iter_mut().zip(0..) {
            provider["base_url"] = json!(format!("https://secret{url}.example/v1"));
            provider["cluster"] = json!("SECRET");
            provider["models"] = json!({"allow": ["public-*"], "deny": ["*-SECRET"]});
        }
    });
    let mut seen = 0;
    let mut check = |mut world: World| {
        if let Some(reply) = &world.reply {
            let shown = format!("{} {:?}", reply.body, reply.headers).to_lowercase();
            for word in ["secret", "central", "gho_", "x-actor", "gw_"] {
                assert!(!shown.contains(word), "{word} in {shown}");
            }
            seen += 1;
        }
        world.finish("");
    };
    for (path, _) in BRIDGED.into_iter().chain(PASSTHROUGH) {
        for lines in [vec![], vec![COPILOT_TOKEN, ("x-actor", "a")], vec![("x-actor", "a")]] {
            for details in ["no_healthy_upstream", "x"] {
                let mut world = World::new(&private);
                world.request(head(&format!("POST {path}"), &lines), false);
                if world.reply.is_none() {
                    world.upload(br#"{"model":"m"}"#, true);
                }
                if world.reply.is_none() {
                    world.answer_by(details, head("503", &[]), true);
                }
                check(world);
            }
        }
    }
    assert_eq!(seen, 54);
}

#[test]
fn retry_after_is_the_configured_wait_of_an_open_circuit() {
    let bridge =
        changed(|configuration| configuration["providers"][0]["open_retry_after_seconds"] = json!(7));
    for path in ["POST /anthropic/v1/messages", "GET /anthropic/v1/models"] {
        let mut world = World::new(&bridge);
        world.request(head(path, &[]), false).answer_by("no_healthy_upstream", head("503", &[]), false);
        assert_eq!(world.reply_header("retry-after"), Some("7"), "{path}");
    }
}
