//! Error responses of providers.

use serde_json::json;
use world::{CONFIGURATION, World, bridge, head};

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
