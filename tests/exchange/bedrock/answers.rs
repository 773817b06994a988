//! What the client gets of an answer, and what is recorded.

use super::*;

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
