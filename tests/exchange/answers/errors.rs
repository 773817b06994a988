//! Error responses of providers.

use serde_json::{Value, json};
use world::{CONFIGURATION, World, bridge, head};

const ROUTES: [&str; 3] = ["/anthropic/v1/messages", "/openai/v1/chat/completions", "/openai/v1/responses"];

/// The record of an answer with this status, type and body: the same on every route and in chunks of every size.
fn recorded(status: &str, kind: &str, body: &[u8]) -> Value {
    let mut records = Vec::new();
    for route in ROUTES {
        for size in [1, 3, body.len().max(1)] {
            let mut world = World::new(&bridge(CONFIGURATION));
            let request = br#"{"model":"m","stream":true,"messages":[],"input":[]}"#;
            world.request(head(&format!("POST {route}"), &[]), false).upload(request, true);
            world.answer(head(status, &[("content-type", kind)]), false);
            for (at, piece) in body.chunks(size).enumerate() {
                world.download(piece, false);
                let passed = body.len().min((at + 1) * size);
                assert_eq!(world.client_body, body.get(..passed).unwrap(), "{route}");
            }
            world.download(b"", true).done();
            let record = world.record();
            assert_eq!(record["outcome"], "failed", "{route} {}", body.escape_ascii());
            records.push(json!({"error": record["error"], "notes": record["notes"]}));
        }
    }
    let first = records.pop().unwrap();
    assert!(records.iter().all(|record| *record == first), "{records:?} {first}");
    first
}

/// Bodies of errors, and what is recorded.
fn shapes() -> Vec<(&'static str, Value)> {
    let message = |message: &str| json!({"message": message});
    vec![
        (
            r#"[{"error":{"code":400,"message":"m","status":"INVALID_ARGUMENT","details":[]}}]"#,
            json!({"type": "INVALID_ARGUMENT", "code": "400", "message": "m"}),
        ),
        (
            r#" [ {"error":{"code":400,"message":"m"}}, {"error":{"code":500,"message":"n","status":"s"}} ] "#,
            json!({"code": "400", "message": "m"}),
        ),
        (
            r#"{"error":{"code":429,"message":"m","status":"S","type":"t"}}"#,
            json!({"type": "t", "code": "429", "message": "m"}),
        ),
        (r#"{"error":"m"}"#, message("m")),
        (r#"{"message":"m"}"#, message("m")),
        (r#"{"Message":"m"}"#, message("m")),
        (
            r#"{"object":"error","message":"m","type":"t","param":null,"code":"1500"}"#,
            json!({"type": "t", "code": "1500", "message": "m"}),
        ),
        (r#"{"type":"error","message":"m"}"#, message("m")),
        (r#"{"detail":"m"}"#, message("m")),
        (
            r#"{"detail":[{"type":"missing","loc":["body","x"],"msg":"m","input":{}},{"msg":"n"}]}"#,
            message("m"),
        ),
        (r#"{"detail":["m","n"]}"#, message("m")),
        (r#"{"detail":{"error":"m"}}"#, message("m")),
        (
            r#"{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body"],"msg":"m"},{"msg":"n"}]},"type":"t","code":null}"#,
            json!({"type": "t", "message": "m"}),
        ),
        (r#"{"message":{"detail":"m"}}"#, message("m")),
        (r#"{"code":401,"msg":"m","success":false}"#, json!({"code": "401", "message": "m"})),
        (r#"{"detail":"d","message":"m"}"#, message("m")),
        (r#"{"message":"n","error":{"message":"m"}}"#, message("m")),
    ]
}

#[test]
fn the_message_of_every_shape_is_recorded_whatever_the_content_type() {
    for (body, error) in shapes() {
        for kind in ["application/json", "text/event-stream", "text/plain; charset=utf-8", "x"] {
            assert_eq!(
                recorded("400", kind, body.as_bytes()),
                json!({"error": error, "notes": []}),
                "{body}"
            );
        }
    }
}

#[test]
fn an_error_document_in_place_of_an_event_stream_is_an_error() {
    for (body, error) in shapes() {
        let body = body.trim_start();
        for body in [body.to_owned(), format!("\r\n\n{body}\n")] {
            let wanted = json!({"error": error, "notes": ["usage_estimated"]});
            assert_eq!(recorded("200", "text/event-stream", body.as_bytes()), wanted, "{body}");
        }
    }
    // It does not say that it is an error.
    for body in ["{}", r#"{"id":"m","type":"message","error":null}"#, "[]", r#"{"message":7}"#, "{\"a\""] {
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{}", true);
        world.answer(head("200", &[("content-type", "text/event-stream")]), false);
        world.download(body.as_bytes(), true).done();
        let record = world.record();
        assert_eq!((&record["outcome"], record.get("error")), (&json!("aborted_upstream"), None), "{body}");
    }
}

#[test]
fn a_text_is_the_message_of_an_error() {
    let long = format!("{}ü and more", "x".repeat(1023));
    let html = "<html>\n<head><title>502 Bad Gateway</title></head>\n</html>";
    for (body, message) in [
        (b"upstream connect error".as_slice(), "upstream connect error"),
        (b"\n\t Internal Server Error\r\n\n", "Internal Server Error"),
        (html.as_bytes(), html),
        (b"caf\xe9", "caf\u{fffd}"),
        (b"\xef\xbb\xbftext", "text"),
        (b"\"a text\"", "a text"),
        (b"404", "404"),
        (b"404 page not found", "404 page not found"),
        (b"true story", "true story"),
        (long.as_bytes(), &long[..1023]),
    ] {
        for kind in ["text/plain", "text/html", "application/json", "text/event-stream"] {
            let wanted = json!({"error": {"message": message}, "notes": []});
            assert_eq!(recorded("502", kind, body), wanted, "{}", body.escape_ascii());
        }
    }
    for body in [b"".as_slice(), b" \r\n"] {
        assert_eq!(recorded("502", "text/plain", body), json!({"error": null, "notes": []}));
    }
}

#[test]
fn json_without_a_known_message_is_the_message_itself() {
    for body in ["{}", "[]", r#"{"errors":[{"reason":"m"}]}"#] {
        let wanted = json!({"error": {"message": body}, "notes": []});
        assert_eq!(recorded("500", "application/json", body.as_bytes()), wanted);
    }
    let invalid = br#"{"error": oops}"#;
    let wanted = json!({"error": {"message": "{\"error\": oops}"}, "notes": ["response_unreadable"]});
    assert_eq!(recorded("500", "application/json", invalid), wanted);
    let invalid = br#"{"error": {"message": "m"}} oops"#;
    let wanted = json!({"error": {"message": "m"}, "notes": ["response_unreadable"]});
    assert_eq!(recorded("500", "application/json", invalid), wanted);
}

#[test]
fn the_request_id_of_the_response_is_recorded() {
    let long = "r".repeat(2000);
    let (aws, openai, anthropic) = ("x-amzn-requestid", "x-request-id", "request-id");
    for (status, lines, wanted) in [
        ("200", vec![(anthropic, "a")], json!("a")),
        ("200", vec![(openai, "o"), (anthropic, "a")], json!("a")),
        ("429", vec![(aws, "w"), (openai, "o")], json!("o")),
        ("500", vec![(aws, "w")], json!("w")),
        ("200", vec![(anthropic, ""), (openai, "o")], json!("o")),
        ("200", vec![(openai, long.as_str())], json!(&long[..1024])),
        ("200", vec![(openai, "\u{fc}")], json!("\u{fc}")),
        ("200", vec![], json!(null)),
    ] {
        for route in ROUTES {
            let mut world = World::new(&bridge(CONFIGURATION));
            let request = head(&format!("POST {route}"), &[("x-request-id", "of-envoy")]);
            world.request(request, false).upload(b"{}", true);
            world.answer(head(status, &lines), true).done();
            let record = world.record();
            assert_eq!(record["upstream"]["request_id"], wanted, "{lines:?}");
            assert_eq!(record["request_id"], "of-envoy");
        }
    }
}

#[test]
fn an_error_response_passes_unchanged_and_is_recorded() {
    for (path, status, kind, body, wanted) in [
        (
            "/anthropic/v1/messages",
            "400",
            "application/json",
            r#"{"type":"error","error":{"type":"t","message":"m"},"request_id":"r"}"#,
            json!({"type": "t", "message": "m"}),
        ),
        (
            "/openai/v1/chat/completions",
            "429",
            "application/json",
            r#"{"error":{"message":"m","type":"t","param":null,"code":"c"}}"#,
            json!({"type": "t", "code": "c", "message": "m"}),
        ),
        (
            "/openai/v1/responses",
            "500",
            "text/plain",
            r#"{"error":{"code":7,"type":null,"message":null}}"#,
            json!({"code": "7"}),
        ),
        ("/openai/v1/responses", "404", "application/json", r#"{"error":"m"}"#, json!({"message": "m"})),
        ("/openai/v1/responses", "404", "application/json", r#"{"message":"m"}"#, json!({"message": "m"})),
        ("/openai/v1/responses", "404", "application/json", r#"{"detail":"m"}"#, json!({"message": "m"})),
        ("/openai/v1/responses", "404", "application/json", r#"{"error":{"message":"cut"#, json!(null)),
        ("/openai/v1/responses", "302", "text/html", "", json!(null)),
    ] {
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head(&format!("POST {path}"), &[]), false).upload(b"{}", true);
        let lines = [("content-type", kind), ("retry-after", "7"), ("x-request-id", "r")];
        world.answer(head(status, &lines), false).download(body.as_bytes(), true).done();
        assert_eq!(world.client_body, body.as_bytes());
        let headers = world.client_headers.as_ref().unwrap();
        assert_eq!((headers.text(":status"), headers.text("retry-after")), (Some(status), Some("7")));
        let record = world.record();
        assert_eq!((&record["outcome"], &record["error"]), (&json!("failed"), &wanted), "{body}");
        assert_eq!(record["response"]["status"].to_string(), status);
        assert_eq!(record["usage"]["usage_status"], "missing");
    }
}
