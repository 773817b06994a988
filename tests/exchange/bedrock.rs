//! Claude on Bedrock: what goes to AWS, what the client gets, and what is recorded.

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

#[test]
fn native_mode_changes_only_address_and_credential() {
    for (key, authorization) in [
        ("", None),
        (r#", "key": {"external": true}"#, None),
        (r#", "key": {"value": "ABSKQmVkcm9jazEyMzQ1Ng"}"#, Some("Bearer ABSKQmVkcm9jazEyMzQ1Ng")),
    ] {
        let mut world = World::new(&providers(key));
        let headers = [
            ("x-api-key", "gw_1"),
            ("authorization", "AWS4-HMAC-SHA256 Credential=AKIA/x, SignedHeaders=host, Signature=1"),
            ("anthropic-version", "2023-06-01"),
            ("anthropic-beta", "a,b"),
            ("x-amz-date", "20260101T000000Z"),
        ];
        world.request(head("POST /native/v1/messages?beta=true", &headers), false);
        world.upload(&BODY.as_bytes()[..20], false).upload(&BODY.as_bytes()[20..], true);
        assert_eq!(world.sent(":path"), Some("/anthropic/v1/messages?beta=true"));
        assert_eq!(world.sent(":authority"), Some("bedrock-mantle.us-east-1.api.aws"));
        assert_eq!(world.sent("x-ai-bridge-cluster"), Some("native"));
        assert_eq!(world.sent("authorization"), authorization);
        assert_eq!((world.sent("x-api-key"), world.sent("x-amz-date")), (None, None));
        assert_eq!(world.sent("anthropic-version"), Some("2023-06-01"));
        assert_eq!(world.sent("anthropic-beta"), Some("a,b"));
        assert_eq!(world.upstream_body, BODY.as_bytes());
        let stream = sse(&events());
        world.answer(head("200", &[("content-type", "text/event-stream")]), false);
        world.download(stream.as_bytes(), true).done();
        assert_eq!(world.client_body, stream.as_bytes());
        let record = world.record();
        assert_eq!(record["provider"], json!({"type": "anthropic", "name": "native"}));
        assert_eq!(
            record["upstream"],
            json!({"host": "bedrock-mantle.us-east-1.api.aws", "cluster": "native"})
        );
        assert_eq!(record["credential"]["kind"], "centralized");
        assert_eq!(record["credential"]["hint"].is_null(), authorization.is_none());
        assert_eq!(record["outcome"], "completed");
    }
}

#[test]
fn no_callers_key_reaches_aws() {
    for (path, header, code) in [
        ("/native/v1/messages", ("x-api-key", "sk-ant-api03-0123456789"), "wrong_vendor_credential"),
        (
            "/invoke/v1/messages",
            ("authorization", "Bearer sk-ant-oat01-0123456789"),
            "wrong_vendor_credential",
        ),
        ("/invoke/v1/messages", ("authorization", "Bearer ABSK0123456789"), "byok_denied"),
        ("/native/v1/messages", ("authorization", "Bearer sk-0123456789"), "byok_denied"),
    ] {
        let mut world = World::new(&signed());
        world.request(head(&format!("POST {path}"), &[header]), false).upload(BODY.as_bytes(), true).done();
        assert_eq!(world.replied().0, 403);
        assert!(world.upstream_headers.is_none() && world.upstream_body.is_empty());
        assert_eq!(
            (&world.record()["error"]["code"], &world.record()["outcome"]),
            (&json!(code), &json!("rejected"))
        );
    }
    let mut world = World::new(&signed());
    let own = [("x-api-key", "sk-ant-api03-0123456789")];
    world.request(head("POST /native/v1/messages/count_tokens", &own), false);
    assert_eq!(world.replied().0, 403);
}

#[test]
fn passthrough_routes_exist_in_native_mode_only() {
    for (first, upstream) in [
        (
            "POST /native/v1/messages/count_tokens?beta=true",
            Some("/anthropic/v1/messages/count_tokens?beta=true"),
        ),
        ("GET /native/v1/models", Some("/anthropic/v1/models")),
        ("GET /native/v1/models/claude", Some("/anthropic/v1/models/claude")),
        ("HEAD /native/api/hello", None),
        ("POST /native/api/event_logging/v2/batch", None),
        ("POST /invoke/v1/messages/count_tokens", None),
        ("GET /invoke/v1/models", None),
    ] {
        let mut world = World::new(&signed());
        world.request(head(first, &[("x-amz-date", "x")]), true);
        match upstream {
            Some(path) => {
                assert_eq!((world.sent(":path"), world.sent("x-amz-date")), (Some(path), None), "{first}");
            }
            None => assert_eq!(world.replied().0, 404, "{first}"),
        }
    }
}

#[test]
fn invoke_holds_a_request_and_changes_only_what_it_must() {
    for size in [1, 7, 1000] {
        let world = sent(BODY, size);
        assert_eq!(
            world.sent(":path"),
            Some("/model/eu.anthropic.claude-opus-4-8/invoke-with-response-stream")
        );
        assert_eq!(world.sent(":authority"), Some(HOST));
        assert_eq!(world.sent("x-ai-bridge-cluster"), Some("invoke"));
        for gone in ["anthropic-version", "anthropic-beta", "x-amz-security-token", "authorization"] {
            assert_eq!(world.sent(gone), None, "{gone}");
        }
        assert_eq!(world.sent("x-amzn-bedrock-trace"), Some("ENABLED"));
        let wanted = r#"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["computer-use-2025-11-24"], "max_tokens":64,"messages":[{"role":"user","content":"hi"}]}"#;
        assert_eq!(core::str::from_utf8(&world.upstream_body), Ok(wanted));
        assert_eq!(world.sent("content-length"), Some(wanted.len().to_string().as_str()));
    }
}

#[test]
fn invoke_sends_nothing_before_the_request_has_ended() {
    let mut world = World::new(&signed());
    let length = BODY.len().to_string();
    world.request(head("POST /invoke/v1/messages", &[("content-length", &length)]), false);
    world.upload(&BODY.as_bytes()[..50], false);
    assert!(world.upstream_headers.is_none());
    world.upload(&BODY.as_bytes()[50..], false);
    assert!(world.upstream_headers.is_none() && world.upstream_body.is_empty());
    world.upload(b"", true);
    assert!(world.sent(":path").unwrap().starts_with("/model/"));
    assert_eq!(world.record_when_gone()["outcome"], "aborted_client");
}

#[test]
fn a_request_that_ends_in_trailers_is_invoked() {
    let mut world = World::new(&providers(r#", "key": {"value": "ABSKQmVkcm9jazEyMzQ1Ng"}"#));
    world.request(head("POST /invoke/v1/messages", &[]), false);
    world.upload(BODY.as_bytes(), false).request_trailers();
    assert!(world.sent(":path").unwrap().starts_with("/model/"));
    assert!(world.upstream_body.starts_with(b"{\"anthropic_version\""));
}

#[test]
fn a_signed_request_that_ends_in_trailers_is_refused() {
    for path in ["/invoke/v1/messages", "/native/v1/messages"] {
        let mut world = World::new(&signed());
        world.request(head(&format!("POST {path}"), &[]), false);
        world.upload(BODY.as_bytes(), false).request_trailers().done();
        assert_eq!(world.replied().0, 400);
        assert_eq!(world.record()["error"]["code"], "unsignable_request");
    }
    for (key, refused) in [("", true), (r#", "key": {"value": "ABSKQmVkcm9jazEyMzQ1Ng"}"#, false)] {
        let mut world = World::new(&providers(key));
        world.request(head("POST /native/v1/messages/count_tokens", &[]), false).request_trailers();
        assert_eq!(world.reply.as_ref().map(|reply| reply.status), refused.then_some(400));
    }
}

#[test]
fn requests_that_cannot_be_invoked_are_refused_like_anthropic() {
    let large = format!(r#"{{"model":"claude-opus-4-8","x":"{}"}}"#, "x".repeat(2000));
    for (body, status, code, kind) in [
        (r#"{"model":"gpt-5","messages":[]}"#, 404, "model_unmapped", "not_found_error"),
        (r#"{"messages":[]}"#, 400, "model_missing", "invalid_request_error"),
        (r#"{"model":7}"#, 400, "model_missing", "invalid_request_error"),
        (r#"{"model":""}"#, 400, "model_missing", "invalid_request_error"),
        (r#"{"model":"claude-opus-4-8","#, 400, "invalid_json", "invalid_request_error"),
        (r#"{"model":"claude-opus-4-8","model":"b"}"#, 400, "repeated_member", "invalid_request_error"),
        (&large, 413, "request_too_large", "request_too_large"),
        ("", 400, "empty_body", "invalid_request_error"),
    ] {
        let mut world = sent(body, 100);
        world.done();
        let (found, reply) = world.replied();
        assert_eq!((found, reply["error"]["type"].as_str()), (status, Some(kind)), "{body}");
        assert!(world.upstream_headers.is_none() && world.upstream_body.is_empty(), "{body}");
        assert_eq!(world.record()["error"]["code"], code);
        assert_eq!(world.reply_header("x-should-retry"), Some("false"));
    }
    let mut world = World::new(&signed());
    world.request(head("POST /invoke/v1/messages", &[("content-length", "2001")]), false).done();
    assert_eq!(world.replied().0, 413);
}

#[test]
fn a_body_that_the_host_withholds_is_refused_and_recorded() {
    let mut world = World::new(&signed());
    world.request(head("POST /invoke/v1/messages", &[]), false).body_withheld().done();
    let (status, reply) = world.replied();
    assert_eq!((status, &reply["error"]["type"]), (500, &json!("api_error")));
    let record = world.record();
    assert_eq!((&record["outcome"], &record["error"]["code"]), (&json!("rejected"), &json!("body_withheld")));

    // Neither where the body comes, nor where the request is not held.
    let mut world = World::new(&signed());
    world.request(head("POST /invoke/v1/messages", &[]), false).upload(b"{", false).body_withheld();
    assert!(world.reply.is_none());
    let mut world = World::new(&signed());
    world.request(head("POST /native/v1/messages", &[]), false).body_withheld();
    assert!(world.reply.is_none());
}

#[test]
fn an_aws_event_stream_becomes_server_sent_events() {
    let stream: Vec<u8> = events().iter().flat_map(chunk).collect();
    for size in [1, 11, 100, stream.len()] {
        let mut world = streaming();
        let headers = world.client_headers.as_ref().unwrap();
        assert_eq!(headers.text("content-type"), Some("text/event-stream; charset=utf-8"));
        assert_eq!(headers.text("content-length"), None);
        assert_eq!(
            (headers.text("request-id"), headers.text("x-amzn-requestid")),
            (Some("aws-1"), Some("aws-1"))
        );
        for chunk in stream.chunks(size) {
            world.download(chunk, false);
        }
        world.download(b"", true).done();
        assert_eq!(String::from_utf8_lossy(&world.client_body), sse(&events()));
        let record = world.record();
        assert_eq!(record["outcome"], "completed");
        assert_eq!(record["model"], json!({"requested": "claude-opus-4-8", "served": "claude-opus-4-8"}));
        assert_eq!(record["upstream"], json!({"host": HOST, "cluster": "invoke", "request_id": "aws-1"}));
        assert_eq!(record["path"], "/invoke/v1/messages");
        assert_eq!((&record["streaming"], &record["prompt"]), (&json!(true), &json!("hi")));
        assert_eq!(record["tool_calls"][0]["arguments"], json!({"a": 1}));
        let usage = &record["usage"];
        // The message's own numbers, completed by those of Bedrock.
        assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(3), &json!(7)));
        assert_eq!((&usage["cache_read_tokens"], &usage["usage_status"]), (&json!(2), &json!("complete")));
        assert_eq!(record["notes"], json!(["bedrock_adapted"]));
        assert!(record["time_to_first_event_ms"].is_u64());
    }
}

#[test]
fn bedrocks_metrics_replace_missing_usage() {
    let mut world = streaming();
    let stop = json!({"type": "message_stop", "amazon-bedrock-invocationMetrics": {"inputTokenCount": 4, "outputTokenCount": 8}});
    world.download(&chunk(&stop), true).done();
    let usage = world.record()["usage"].clone();
    assert_eq!((&usage["input_tokens"], &usage["output_tokens"]), (&json!(4), &json!(8)));
    assert_eq!((&usage["total_tokens"], &usage["usage_status"]), (&json!(12), &json!("complete")));
    assert_eq!(usage["provider_usage"]["inputTokenCount"], 4);
}

#[test]
fn an_exception_in_a_stream_is_an_error_event_and_a_failure() {
    let mut world = streaming();
    let exception = exception("throttlingException", r#"{"message":"Too many tokens"}"#);
    world.download(&[chunk(&events()[0]), exception].concat(), true).done();
    let error = json!({"type": "error", "error": {"type": "rate_limit_error", "message": "Too many tokens"}, "request_id": "aws-1"});
    let text = String::from_utf8(world.client_body.clone()).unwrap();
    let data = text.strip_prefix(&sse(&events()[..1])).unwrap().strip_prefix("event: error\ndata: ").unwrap();
    assert_eq!(serde_json::from_str::<Value>(data).unwrap(), error);
    let record = world.record();
    assert_eq!(record["outcome"], "failed");
    assert_eq!(
        record["error"],
        json!({"type": "rate_limit_error", "code": "throttlingException", "message": "Too many tokens"})
    );
}

#[test]
fn a_damaged_stream_fails_and_a_short_one_is_aborted() {
    let mut damaged = chunk(&events()[1]);
    damaged[50] ^= 4;
    let mut world = streaming();
    world
        .download(&[chunk(&events()[0]), damaged].concat(), false)
        .download(&chunk(&events()[5]), true)
        .done();
    let record = world.record();
    assert_eq!(
        (&record["outcome"], &record["error"]["code"]),
        (&json!("failed"), &json!("event_stream_damaged"))
    );
    assert!(String::from_utf8_lossy(&world.client_body).ends_with("\"request_id\":\"aws-1\"}\n\n"));

    for (details, outcome) in [
        ("via_upstream", "aborted_upstream"),
        ("upstream_reset_after_response_started{}", "aborted_upstream"),
        ("downstream_remote_disconnect", "aborted_client"),
    ] {
        let mut world = streaming();
        let cut = chunk(&events()[1]);
        world.download(&[chunk(&events()[0]), cut[..30].to_vec()].concat(), false);
        if details == "via_upstream" {
            world.download(b"", true);
        }
        world.finish(details);
        assert_eq!(String::from_utf8_lossy(&world.client_body), sse(&events()[..1]));
        assert_eq!(world.record()["outcome"], outcome, "{details}");
    }
}

#[test]
fn an_event_above_the_limit_ends_the_stream_with_an_error() {
    let mut world = streaming();
    let large = json!({"type": "ping", "x": "x".repeat(1 << 20)});
    for part in chunk(&large).chunks(16_384) {
        world.download(part, false);
    }
    world.download(b"", true).done();
    let record = world.record();
    assert_eq!((&record["outcome"], &record["error"]["code"]), (&json!("failed"), &json!("event_too_large")));
    assert!(record["notes"].as_array().unwrap().contains(&json!("event_too_large")));
}

#[test]
fn a_stream_that_ends_in_trailers_loses_nothing() {
    let mut world = streaming();
    world.download(&events().iter().flat_map(chunk).collect::<Vec<u8>>(), false).response_trailers().done();
    assert_eq!(String::from_utf8_lossy(&world.client_body), sse(&events()));
    assert_eq!(world.record()["outcome"], "completed");
    assert_eq!(world.record()["notes"], json!(["bedrock_adapted"]));
}

#[test]
fn a_stream_without_a_single_byte_is_not_completed() {
    for has_body in [false, true] {
        let mut world = sent(BODY, 1000);
        let headers = [("content-type", "application/vnd.amazon.eventstream")];
        world.answer(head("200", &headers), !has_body);
        if has_body {
            world.download(b"", true);
        }
        world.done();
        let client = world.client_headers.as_ref().unwrap();
        assert_eq!(client.text("content-type"), Some("text/event-stream; charset=utf-8"));
        assert_eq!(world.record()["outcome"], "aborted_upstream", "{has_body}");
        assert_eq!(world.record()["notes"], json!(["bedrock_adapted", "usage_estimated"]));
    }
}

#[test]
fn aws_error_messages_are_read_in_both_spellings() {
    for body in [
        r#"{"message":"no"}"#,
        r#"{"Message":"no"}"#,
        r#"{"message":null,"Message":"no"}"#,
        r#"{"Message":null,"message":"no"}"#,
    ] {
        let mut world = sent(BODY, 1000);
        world.answer(head("403", &[("x-amzn-errortype", "AccessDeniedException")]), false);
        world.download(body.as_bytes(), true).done();
        assert_eq!(world.record()["error"]["message"], "no", "{body}");
    }
}

#[test]
fn a_document_passes_as_it_is() {
    let body = r#"{"id":"msg_1","type":"message","model":"claude-opus-4-8","stop_reason":"end_turn","content":[],"usage":{"input_tokens":3,"output_tokens":4}}"#;
    let mut world = sent(r#"{"model":"claude-opus-4-8","stream":false}"#, 100);
    assert_eq!(world.sent(":path"), Some("/model/eu.anthropic.claude-opus-4-8/invoke"));
    let length = body.len().to_string();
    let headers =
        [("content-type", "application/json"), ("content-length", &*length), ("x-amzn-requestid", "aws-2")];
    world.answer(head("200", &headers), false).download(body.as_bytes(), true).done();
    assert_eq!(world.client_body, body.as_bytes());
    let headers = world.client_headers.as_ref().unwrap();
    assert_eq!((headers.text("content-length"), headers.text("request-id")), (Some(&*length), Some("aws-2")));
    assert_eq!(
        (&world.record()["outcome"], &world.record()["usage"]["total_tokens"]),
        (&json!("completed"), &json!(7))
    );
}

#[test]
fn an_error_of_aws_is_translated_for_the_client() {
    let headers = [
        ("content-type", "application/x-amz-json-1.1"),
        ("content-length", "30"),
        ("x-amzn-errortype", "ThrottlingException:http://internal.amazon.com/"),
        ("x-amzn-requestid", "aws-3"),
        ("retry-after", "7"),
    ];
    for path in ["/invoke/v1/messages", "/native/v1/messages"] {
        for size in [1, 100] {
            let mut world = World::new(&signed());
            world.request(head(&format!("POST {path}"), &[]), false).upload(BODY.as_bytes(), true);
            world.answer(head("429", &headers), false);
            for part in br#"{"message":"Too many requests"}"#.chunks(size) {
                world.download(part, false);
            }
            world.download(b"", true).done();
            let said: Value = serde_json::from_slice(&world.client_body).unwrap();
            assert_eq!(
                said,
                json!({"type": "error", "error": {"type": "rate_limit_error", "message": "Too many requests"}, "request_id": "aws-3"})
            );
            let client = world.client_headers.as_ref().unwrap();
            assert_eq!((client.text(":status"), client.text("retry-after")), (Some("429"), Some("7")));
            assert_eq!(
                (client.text("content-type"), client.text("request-id")),
                (Some("application/json"), Some("aws-3"))
            );
            assert_eq!(client.text("content-length"), None);
            let record = world.record();
            assert_eq!(record["outcome"], "failed");
            let error = json!({"type": "rate_limit_error", "code": "ThrottlingException", "message": "Too many requests"});
            assert_eq!(record["error"], error);
        }
    }
}

#[test]
fn native_mode_passes_errors_of_anthropic_unchanged() {
    let body = br#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#;
    let length = body.len().to_string();
    let mut world = World::new(&signed());
    world.request(head("POST /native/v1/messages", &[]), false).upload(BODY.as_bytes(), true);
    world.answer(head("529", &[("content-type", "application/json"), ("content-length", &*length)]), false);
    world.download(body, true).done();
    assert_eq!(world.client_body, body);
    assert_eq!(world.client_headers.as_ref().unwrap().text("content-length"), Some(&*length));
    assert_eq!(world.record()["error"], json!({"type": "overloaded_error", "message": "Overloaded"}));
}

#[test]
fn compressed_responses_are_not_translated_and_are_noted() {
    let mut world = sent(BODY, 1000);
    let headers = [("content-type", "application/vnd.amazon.eventstream"), ("content-encoding", "gzip")];
    world.answer(head("200", &headers), false).download(b"\x1f\x8b", true).done();
    assert_eq!(world.client_body, b"\x1f\x8b");
    assert!(world.record()["notes"].as_array().unwrap().contains(&json!("response_encoded")));
}

#[test]
fn the_configured_query_is_added_in_every_mode() {
    for (mode, path) in [
        ("native", "/anthropic/v1/messages?beta=true&v=1"),
        ("invoke", "/model/anthropic.claude-opus-4-8/invoke-with-response-stream?v=1"),
    ] {
        let mut bedrock = json!({"region": "us-east-1", "mode": mode});
        if mode == "invoke" {
            bedrock["host_holds_headers"] = json!(true);
            bedrock["models"] = json!({"*": "anthropic.claude-opus-4-8"});
        }
        let provider = json!({"type": "anthropic", "bedrock": bedrock, "query": {"v": "1"}});
        let mut world = World::new(&bridge(&json!({ "providers": [provider] }).to_string()));
        world
            .request(head("POST /anthropic/v1/messages?beta=true", &[]), false)
            .upload(BODY.as_bytes(), true);
        assert_eq!(world.sent(":path"), Some(path));
    }
}

#[test]
fn headers_of_an_aws_client_do_not_go_as_trailers() {
    for (path, answered) in [("messages", false), ("messages", true), ("models", false), ("models", true)] {
        let mut world = World::new(&providers(r#", "key": {"value": "ABSKQmVkcm9jazEyMzQ1Ng"}"#));
        let method = if path == "models" { "GET" } else { "POST" };
        world.request(head(&format!("{method} /native/v1/{path}"), &[]), false);
        world.upload(BODY.as_bytes(), false);
        if answered {
            world.answer(head("200", &[]), false);
        }
        let mut trailers =
            crate::stripped_headers::trailers_of(&[("x-amz-security-token", "1"), ("x-sum", "2")]);
        world.request_trailers_with(&mut trailers);
        assert_eq!(trailers.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["x-sum"], "{path}");
    }
}
