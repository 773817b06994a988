//! Providers whose paths name the model: routes, policy, values, credentials, and Bedrock's runtime API.

use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;
use world::frames::{self, exception};
use world::{World, bridge, head};

const CHAT: &str = r#"{"model":"in-the-body","model":1,"messages":[{"role":"user","content":"hi"}]}"#;
const MESSAGES: &str =
    r#"{"anthropic_version":"x","model":"in-the-body","messages":[{"role":"user","content":"hi"}]}"#;
const CLAUDE: &str = "/vertex/projects/p/locations/eu/publishers/anthropic/models/";

fn with(models: &Value) -> Rc<Bridge> {
    bridge(
        &json!({"providers": [
            {"type": "azure", "base_url": "https://r.openai.azure.com", "key": {"value": "central-azure-0000000000"}, "models": models},
            {"type": "vertex", "base_url": "https://eu-aiplatform.googleapis.com/v1", "key": {"value": "ya29.central-0000000000"}, "models": models},
            {"type": "gemini", "key": {"value": "AIzaCentralCentral0000"}, "models": models},
            {"type": "anthropic", "name": "runtime", "bedrock": {"region": "eu-west-1", "mode": "runtime"}, "models": models},
        ], "gateway_credentials": {"value_prefixes": ["gw_"]}, "actor": {"header": "x-actor"}})
        .to_string(),
    )
}

fn open() -> Rc<Bridge> {
    with(&json!({}))
}

fn sent(bridge: &Rc<Bridge>, request: &str, lines: &[(&str, &str)], body: &str) -> World {
    let mut world = World::new(bridge);
    world.request(head(request, lines), false);
    if world.reply.is_none() {
        world.upload(body.as_bytes(), true);
    }
    world
}

/// The status and `allow` with which a request is refused; 0: it goes upstream.
fn status(request: &str) -> (u16, Option<String>) {
    let mut world = World::new(&open());
    world.request(head(request, &[]), false);
    match &world.reply {
        Some(reply) => (reply.status, world.reply_header("allow").map(str::to_owned)),
        None => (0, None),
    }
}

#[test]
fn a_model_in_the_path_is_the_requested_one_and_the_bodys_is_not_read() {
    for (path, upstream, model, api, streaming) in [
        (
            "/azure/openai/deployments/gpt%2D5/chat/completions?api-version=1",
            "/openai/deployments/gpt%2D5/chat/completions?api-version=1",
            "gpt-5",
            "chat_completions",
            false,
        ),
        (
            &*format!("{CLAUDE}claude-opus@20250101:rawPredict"),
            "/v1/projects/p/locations/eu/publishers/anthropic/models/claude-opus@20250101:rawPredict",
            "claude-opus@20250101",
            "messages",
            false,
        ),
        (
            &*format!("{CLAUDE}claude-opus:streamRawPredict/"),
            "/v1/projects/p/locations/eu/publishers/anthropic/models/claude-opus:streamRawPredict",
            "claude-opus",
            "messages",
            true,
        ),
        (
            "/gemini/v1beta/models/gemini-3:generateContent",
            "/v1beta/models/gemini-3:generateContent",
            "gemini-3",
            "generate_content",
            false,
        ),
        (
            "/gemini/v1beta/models/gemini-3:streamGenerateContent?alt=sse",
            "/v1beta/models/gemini-3:streamGenerateContent?alt=sse",
            "gemini-3",
            "generate_content",
            true,
        ),
        (
            "/runtime/model/eu.anthropic.claude-v1%3A0/invoke",
            "/model/eu.anthropic.claude-v1%3A0/invoke",
            "eu.anthropic.claude-v1:0",
            "messages",
            false,
        ),
        (
            "/runtime/model/arn%3Aaws%3Abedrock%3Aeu%3A1%3Ainference-profile%2Feu.x/invoke-with-response-stream",
            "/model/arn%3Aaws%3Abedrock%3Aeu%3A1%3Ainference-profile%2Feu.x/invoke-with-response-stream",
            "arn:aws:bedrock:eu:1:inference-profile/eu.x",
            "messages",
            true,
        ),
    ] {
        let mut world = sent(&open(), &format!("POST {path}"), &[], CHAT);
        assert_eq!(world.sent(":path"), Some(upstream), "{path}");
        assert_eq!(world.upstream_body, CHAT.as_bytes(), "{path}");
        assert_eq!(world.published["ai_bridge_model"], model);
        assert_eq!(world.published["ai_bridge_requested_model"], model);
        let record = world.record_when_gone();
        assert_eq!(record["model"]["requested"], model, "{path}");
        assert_eq!((&record["api"], &record["streaming"]), (&json!(api), &json!(streaming)), "{path}");
    }
}

#[test]
fn a_served_model_leaves_the_requested_one_published() {
    let mut world = sent(&open(), &format!("POST {CLAUDE}claude-opus:rawPredict"), &[], MESSAGES);
    let answer = json!({"id": "m", "type": "message", "model": "claude-opus-4-8", "usage": {"input_tokens": 3, "output_tokens": 2}, "stop_reason": "end_turn"});
    world.answer(head("200", &[("content-type", "application/json")]), false);
    world.download(answer.to_string().as_bytes(), true).done();
    assert_eq!(world.published["ai_bridge_model"], "claude-opus-4-8");
    assert_eq!(world.published["ai_bridge_requested_model"], "claude-opus");
    assert_eq!(world.record()["outcome"], "completed");
}

#[test]
fn a_refused_model_of_the_path_is_refused_at_the_headers() {
    let bridge = with(&json!({"allow": ["claude-haiku*", "gemini-flash*"]}));
    for (path, kind) in [
        ("/azure/openai/deployments/gpt-5/chat/completions", "/error/type"),
        (&*format!("{CLAUDE}claude-opus:rawPredict"), "/error/type"),
        ("/gemini/v1beta/models/gemini%2Dpro:generateContent", "/error/status"),
        ("/runtime/model/claude-opus/invoke", "/message"),
    ] {
        let mut world = World::new(&bridge);
        world.request(head(&format!("POST {path}"), &[]), false);
        let (status, body) = world.replied();
        assert_eq!(status, 400, "{path}");
        assert!(body.pointer(kind).is_some(), "{body}");
        assert!(world.upstream_headers.is_none());
        let record = world.record_when_gone();
        assert_eq!(
            (&record["outcome"], &record["error"]["code"]),
            (&json!("rejected"), &json!("model_denied"))
        );
    }
    let world = sent(&bridge, &format!("POST {CLAUDE}claude%2Dhaiku:rawPredict"), &[], MESSAGES);
    assert!(world.reply.is_none());
    // The lists of other models are still judged.
    let body = r#"{"fallbacks":[{"model":"claude-opus"}],"messages":[]}"#;
    let mut world = sent(&bridge, &format!("POST {CLAUDE}claude-haiku:rawPredict"), &[], body);
    assert_eq!(world.record_when_gone()["error"]["code"], "model_denied");
}

#[test]
fn an_unreadable_model_of_the_path_is_refused_only_under_a_policy() {
    let long = "m".repeat(1025);
    for (model, shown) in [("a%FF", "a\u{fffd}"), (&*long, &long[..1024])] {
        let path = format!("POST /runtime/model/{model}/invoke");
        let mut world = sent(&open(), &path, &[], MESSAGES);
        assert!(world.reply.is_none());
        assert_eq!(world.record_when_gone()["model"]["requested"], shown);
        let mut world = sent(&with(&json!({"deny": ["x"]})), &path, &[], MESSAGES);
        let record = world.record_when_gone();
        assert_eq!(record["error"]["code"], "model_unreadable");
        assert_eq!(record["response"]["status"], 400);
    }
}

#[test]
fn the_size_is_checked_before_the_model_and_the_model_before_the_body() {
    let bridge = with(&json!({"allow": []}));
    for (size, code) in [("99999999999", "request_too_large"), ("0", "model_denied")] {
        let mut world = World::new(&bridge);
        world.request(head("POST /runtime/model/m/invoke", &[("content-length", size)]), true);
        assert_eq!(world.record_when_gone()["error"]["code"], code);
    }
}

#[test]
fn routes_take_their_methods_and_no_other_route_is_forwarded() {
    let allow = |method: &str| Some(method.to_owned());
    for (request, expected) in [
        ("GET /gemini/v1beta/models", (0, None)),
        ("GET /gemini/v1beta/models/gemini-3", (0, None)),
        ("POST /gemini/v1beta/models/gemini-3:countTokens", (0, None)),
        ("POST /gemini/v1beta/models/gemini-3:embedContent", (405, allow("GET"))),
        ("GET /gemini/v1beta/models/gemini-3:embedContent", (404, None)),
        ("GET /gemini/v1beta/models/gemini-3%3AembedContent/", (404, None)),
        ("GET /gemini/v1/models/gemini-3:predict?x", (404, None)),
        ("GET /gemini/v1/models/gemini-3:countTokens", (0, None)),
        ("POST /gemini/v1beta/models/gemini-3:batchGenerateContent", (405, allow("GET"))),
        ("DELETE /gemini/v1beta/models/x", (405, allow("GET"))),
        ("GET /gemini/v1beta/models/gemini-3:generateContent", (405, allow("POST"))),
        ("POST /gemini/v1beta/models/gemini-3%3AgenerateContent", (404, None)),
        ("POST /gemini/v1beta/models/gemini-3:generateConten%74", (404, None)),
        ("GET /gemini/v1beta/models/gemini-3:generateContent%3Fx", (404, None)),
        ("POST /gemini/v1beta/models/a;b:generateContent", (404, None)),
        ("POST /gemini/v1beta/files", (404, None)),
        (
            "POST /vertex/projects/p/locations/eu/publishers/anthropic/models/count-tokens:rawPredict",
            (0, None),
        ),
        ("POST /vertex/projects/p/locations/eu/publishers/anthropic/models/x:predict", (404, None)),
        ("POST /vertex/projects/p%2Fq/locations/eu/publishers/anthropic/models/x:rawPredict", (404, None)),
        ("POST /vertex/projects/p/locations/eu/endpoints/openapi/chat/completions", (0, None)),
        ("POST /azure/openai/v1/responses", (0, None)),
        ("GET /azure/openai/responses/resp_1?api-version=x", (0, None)),
        ("POST /azure/openai/responses/comp%61ct", (404, None)),
        ("POST /azure/openai/deployments/gpt/embeddings", (404, None)),
        ("POST /azure/openai/deployments/gpt%3Fx/chat/completions", (404, None)),
        ("POST /runtime/model/m/count-tokens", (0, None)),
        ("GET /runtime/inference-profiles?type=SYSTEM_DEFINED", (0, None)),
        ("POST /runtime/model/m/converse", (404, None)),
        ("POST /runtime/model/m%2Finvoke%3F/count-tokens", (404, None)),
        ("POST /runtime/v1/messages", (404, None)),
    ] {
        assert_eq!(status(request), expected, "{request}");
    }
}

#[test]
fn each_route_has_the_error_shape_of_its_clients() {
    for (request, member) in [
        ("GET /azure/x", "/error/code"),
        ("GET /azure/anthropic/x", "/type"),
        ("GET /vertex/projects/p/locations/eu/publishers/anthropic/x", "/type"),
        ("GET /vertex/projects/p/locations/eu/publishers/google/x", "/error/param"),
        ("GET /gemini/x", "/error/status"),
        ("GET /runtime/model/m/invoke", "/message"),
        ("GET /runtime/x", "/message"),
    ] {
        let mut world = World::new(&open());
        world.request(head(request, &[]), false);
        assert!(world.replied().1.pointer(member).is_some(), "{request}");
    }
    let mut world = World::new(&open());
    world.request(head("POST /runtime/model/m/invoke", &[("upgrade", "websocket")]), false);
    assert_eq!(world.reply_header("x-amzn-errortype"), Some("ValidationException"));
}

/// Each case: the path, the member with the error's type, its type for an open circuit and for a used-up budget, and the
/// header with the id that clients show.
#[test]
fn an_open_circuit_and_a_used_up_budget_have_the_dialect_and_the_id() {
    let messages = ("/error/type", "overloaded_error", "billing_error", "request-id");
    let chat = ("/error/type", "server_error", "insufficient_quota", "x-request-id");
    let budget = [
        ("x-ratelimit-limit", "10, 10;w=86400"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "7200"),
    ];
    for (path, (member, open_circuit, used_up, request_id)) in [
        ("/azure/openai/deployments/gpt-5/chat/completions", chat),
        (
            "/azure/openai/v1/responses",
            ("/error/type", "server_error", "usage_limit_reached", "x-request-id"),
        ),
        ("/azure/anthropic/v1/messages", messages),
        (&*format!("{CLAUDE}claude-opus:streamRawPredict"), messages),
        ("/vertex/projects/p/locations/eu/endpoints/openapi/chat/completions", chat),
        (
            "/gemini/v1beta/models/g:generateContent",
            ("/error/status", "UNAVAILABLE", "RESOURCE_EXHAUSTED", "x-request-id"),
        ),
        (
            "/runtime/model/m/invoke",
            ("", "ServiceUnavailableException", "ThrottlingException", "x-request-id"),
        ),
    ] {
        for (details, status, lines, kind, wait) in [
            ("no_healthy_upstream", "503", &[][..], open_circuit, "32"),
            ("request_rate_limited", "429", &budget[..], used_up, "7200"),
        ] {
            let at = format!("{path} {status}");
            let mut world = sent(&open(), &format!("POST {path}"), &[("x-actor", "ada")], MESSAGES);
            world.answer_by(details, head(status, lines), false).finish(details);
            let (replied, body) = world.replied();
            assert_eq!(replied.to_string(), status, "{at}");
            let stated = if member.is_empty() {
                world.reply_header("x-amzn-errortype")
            } else {
                body.pointer(member).and_then(Value::as_str)
            };
            assert_eq!(stated, Some(kind), "{at}");
            let message = body.pointer("/error/message").or_else(|| body.get("message"));
            let message = message.and_then(Value::as_str).unwrap();
            assert!(message.starts_with("AI gateway: "), "{at}: {message}");
            assert_eq!(message.contains("circuit breaker is open"), status == "503", "{at}");
            assert_eq!(world.reply_header("retry-after"), Some(wait), "{at}");
            assert_eq!(world.reply_header("x-should-retry"), (status == "429").then_some("false"), "{at}");
            let record = world.record();
            assert_eq!(world.reply_header("x-ai-bridge-id"), record["id"].as_str(), "{at}");
            assert_eq!(world.reply_header(request_id), record["id"].as_str(), "{at}");
            let code = if status == "429" { "budget_exhausted" } else { "service_unavailable" };
            assert_eq!((&record["error"]["code"], &record["error"]["type"]), (&json!(code), &json!(kind)));
        }
    }
}

#[test]
fn a_404_of_a_path_with_a_model_says_what_the_model_is() {
    let mut world = World::new(&open());
    world.request(head("POST /model/m/invoke", &[]), false);
    assert_eq!(
        world.replied().1["error"]["message"],
        "AI gateway: no route for POST /model/m/invoke. The client's base URL must end in /runtime for \
         /runtime/model/{model}/invoke. {model} is the model ID."
    );
}

#[test]
fn a_key_in_the_query_is_a_credential_and_never_goes_up_there() {
    const PATH: &str = "/gemini/v1beta/models/g:generateContent";
    let central = "AIzaCentralCentral0000";
    for (query, lines, key, bearer, upstream_query, kind) in [
        ("?key=AIzaOwn&alt=sse", &[][..], Some("AIzaOwn"), None, "?alt=sse", "byok"),
        ("?k%65y=AIzaOwn", &[], Some("AIzaOwn"), None, "", "byok"),
        ("?key=gw_1&a=b", &[], Some(central), None, "?a=b", "centralized"),
        ("?key=", &[], Some(central), None, "", "centralized"),
        ("?key=a%0Ab", &[], Some(central), None, "", "centralized"),
        ("?key=AIzaQuery", &[("x-goog-api-key", "AIzaHeader")], Some("AIzaHeader"), None, "", "byok"),
        ("?key=AIzaQuery", &[("authorization", "Bearer ya29.x")], Some("AIzaQuery"), None, "", "byok"),
        ("?a=b", &[("authorization", "Bearer ya29.x")], None, Some("Bearer ya29.x"), "?a=b", "byok"),
        ("", &[("authorization", "Bearer gw_1")], Some(central), None, "", "centralized"),
    ] {
        let mut world = sent(&open(), &format!("POST {PATH}{query}"), lines, "{}");
        assert_eq!((world.sent("x-goog-api-key"), world.sent("authorization")), (key, bearer), "{query}");
        assert_eq!(world.sent(":path"), Some(&*format!("/v1beta/models/g:generateContent{upstream_query}")));
        let record = world.record_when_gone();
        assert_eq!(record["credential"]["kind"], kind, "{query}");
        assert!(!record.to_string().contains("AIzaQuery") && !record.to_string().contains("AIzaOwn"));
    }
    for (query, code) in
        [("?key=a&key=b", "repeated_credential"), ("?key=sk-ant-x", "wrong_vendor_credential")]
    {
        let mut world = sent(&open(), &format!("POST {PATH}{query}"), &[], "{}");
        assert_eq!(world.record_when_gone()["error"]["code"], code);
    }
    // Passthrough routes and no record: the key leaves the query, too.
    let mut world = World::new(&open());
    world.request(head("GET /gemini/v1beta/models?key=AIzaOwn", &[]), true);
    assert_eq!(
        (world.sent(":path"), world.sent("x-goog-api-key")),
        (Some("/v1beta/models"), Some("AIzaOwn"))
    );
}

#[test]
fn azure_takes_a_callers_key_in_api_key_then_bearer_and_for_claude_in_x_api_key() {
    let central = "central-azure-0000000000";
    for (path, lines, header, value) in [
        ("/azure/openai/v1/responses", &[][..], "api-key", central),
        (
            "/azure/openai/v1/responses",
            &[("api-key", "own"), ("authorization", "Bearer b")],
            "api-key",
            "own",
        ),
        ("/azure/openai/v1/responses", &[("authorization", "Bearer b")], "authorization", "Bearer b"),
        ("/azure/openai/v1/responses", &[("x-api-key", "own")], "api-key", central),
        ("/azure/anthropic/v1/messages", &[("x-api-key", "own")], "x-api-key", "own"),
        ("/azure/anthropic/v1/messages/count_tokens", &[("x-api-key", "own")], "x-api-key", "own"),
    ] {
        let world = sent(&open(), &format!("POST {path}"), lines, MESSAGES);
        let sent = ["api-key", "authorization", "x-api-key"].map(|name| world.sent(name));
        assert_eq!(world.sent(header), Some(value), "{path} {lines:?}");
        assert_eq!(sent.iter().flatten().count(), 1, "{sent:?}");
    }
}

fn events() -> Vec<u8> {
    [
        json!({"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": {"input_tokens": 3, "output_tokens": 1}}}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 7}}),
        json!({"type": "message_stop"}),
    ]
    .iter()
    .flat_map(|event| frames::chunk(&event.to_string()))
    .collect()
}

fn streamed(body: &[u8], size: usize) -> World {
    let signature =
        "AWS4-HMAC-SHA256 Credential=AKIAX/20260101/eu/bedrock/aws4_request, SignedHeaders=host, Signature=0";
    let lines = [
        ("authorization", signature),
        ("x-amz-date", "d"),
        ("x-amz-security-token", "t"),
        ("x-amz-content-sha256", "h"),
    ];
    let mut world = sent(&open(), "POST /runtime/model/m/invoke-with-response-stream", &lines, MESSAGES);
    assert!(lines.iter().all(|(name, _)| world.sent(name).is_none()));
    let headers = [("content-type", "application/vnd.amazon.eventstream"), ("x-amzn-requestid", "r")];
    world.answer(head("200", &headers), false);
    for chunk in body.chunks(size) {
        world.download(chunk, false);
    }
    world.download(b"", true).done();
    assert_eq!(world.client_body, body);
    let client = world.client_headers.as_ref().unwrap();
    assert_eq!(client.text("content-type"), Some("application/vnd.amazon.eventstream"));
    assert!(!client.contains("request-id"));
    world
}

#[test]
fn frames_of_the_runtime_api_pass_untouched_and_a_copy_is_read() {
    for size in [1, 7, 4096] {
        let record = streamed(&events(), size).record();
        assert_eq!(
            (&record["outcome"], &record["credential"]["kind"]),
            (&json!("completed"), &json!("centralized"))
        );
        assert_eq!(record["usage"]["output_tokens"], 7);
        assert_eq!(
            (&record["response"]["id"], &record["upstream"]["request_id"]),
            (&json!("msg_1"), &json!("r"))
        );
    }
}

#[test]
fn frames_without_a_content_type_are_read_where_the_request_asked_for_them() {
    for (operation, status) in [("invoke-with-response-stream", "complete"), ("invoke", "missing")] {
        for headers in [&[][..], &[("content-type", " ")]] {
            let mut world = sent(&open(), &format!("POST /runtime/model/m/{operation}"), &[], MESSAGES);
            world.answer(head("200", headers), false).download(&events(), true).done();
            assert_eq!(world.client_body, events());
            assert_eq!(world.record()["usage"]["usage_status"], status, "{operation}");
        }
    }
}

#[test]
fn errors_of_the_runtime_api_pass_and_are_recorded_by_their_names() {
    let body = [events(), Vec::new()].concat();
    let start = &body[..frames::chunk(&json!({"type": "message_start", "message": {"id": "msg_1", "model": "claude", "usage": {"input_tokens": 3, "output_tokens": 1}}}).to_string()).len()];
    let thrown = [start, &exception("throttlingException", r#"{"message":"slow"}"#)].concat();
    let record = streamed(&thrown, 50).record();
    assert_eq!(record["outcome"], "failed");
    assert_eq!(
        record["error"],
        json!({"type": "throttlingException", "code": "throttlingException", "message": "slow"})
    );

    let mut damaged = events();
    damaged[20] ^= 1;
    let record = streamed(&damaged, 50).record();
    assert_eq!(
        (&record["outcome"], &record["notes"][0]),
        (&json!("completed"), &json!("response_unreadable"))
    );

    let mut world = sent(&open(), "POST /runtime/model/m/invoke", &[], MESSAGES);
    let headers =
        [("content-type", "application/json"), ("x-amzn-errortype", "ThrottlingException:http://x")];
    world.answer(head("429", &headers), false).download(br#"{"message":"slow"}"#, true).done();
    assert_eq!(world.client_body, br#"{"message":"slow"}"#);
    let record = world.record();
    assert_eq!(
        record["error"],
        json!({"type": "ThrottlingException", "code": "ThrottlingException", "message": "slow"})
    );

    // A relay in front of AWS states errors in a shape of its own.
    let mut world = sent(&open(), "POST /runtime/model/m/invoke", &[], MESSAGES);
    let stated = json!({"type": "t", "code": "c", "message": "m"});
    world
        .answer(head("400", &[]), false)
        .download(json!({"error": stated}).to_string().as_bytes(), true)
        .done();
    assert_eq!(world.record()["error"], stated);
}
