//! What goes to AWS, and what is refused.

use super::*;

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
