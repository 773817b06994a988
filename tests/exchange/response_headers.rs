//! Which headers of a response reach the client.

use ai_bridge::exchange::Exchange;
use ai_bridge::step::{Effect, RequestHead, ResponseHead};
use core::time::Duration;
use world::{CONFIGURATION, World, bridge, head};

#[test]
fn response_headers_pass_except_the_record_id_and_the_length_of_a_cut_stream() {
    let lines = [
        ("content-type", "text/event-stream"),
        ("content-length", "100"),
        ("retry-after", "7"),
        ("x-request-id", "req_1"),
        ("request-id", "req_2"),
        ("anthropic-ratelimit-requests-remaining", "41"),
        ("anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:00Z"),
        ("x-ratelimit-remaining-tokens", "9"),
        ("connection", "keep-alive"),
        ("set-cookie", "a=b"),
        ("set-cookie", "c=d"),
        ("x-should-retry", "true"),
        ("x-ai-bridge-cluster", "theirs"),
        ("cookie", "odd"),
        ("www-authenticate", "Bearer"),
        ("trailer", "x-sum"),
        ("x-ai-bridge-id", "theirs"),
        ("x-ai-bridge-id", "theirs too"),
    ];
    let bridge = bridge(CONFIGURATION);
    let streamed = r#"{"model":"m","stream":true}"#;
    for (path, body, cut) in [
        ("/openai/v1/chat/completions", streamed, true),
        ("/copilot/chat/completions", streamed, true),
        (
            "/openai/v1/chat/completions",
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
            false,
        ),
        ("/openai/v1/chat/completions", r#"{"model":"m"}"#, false),
        ("/openai/v1/responses", streamed, false),
        ("/anthropic/v1/messages", streamed, false),
        ("/openai/v1/models", "", false),
    ] {
        for status in ["200", "404", "429", "529"] {
            let mut world = World::new(&bridge);
            world.request(head(&format!("POST {path}"), &[("authorization", "Bearer own")]), false);
            world.upload(body.as_bytes(), true).answer(head(status, &lines), false).done();
            let got = world.client_headers.as_ref().unwrap();
            let answer = head(status, &lines);
            let cut = cut && status == "200";
            let mut got: Vec<_> = got.iter().collect();
            let passthrough = path.ends_with("/models");
            if !passthrough {
                let (name, id) = got.pop().unwrap();
                assert_eq!((name, id), ("x-ai-bridge-id", world.record()["id"].as_str().unwrap().as_bytes()));
            }
            let changed =
                |name: &str| cut && name == "content-length" || !passthrough && name == "x-ai-bridge-id";
            let expected: Vec<_> = answer.iter().filter(|(name, _)| !changed(name)).collect();
            assert_eq!(got, expected, "{path} {status}");
        }
    }
}

#[test]
fn a_clients_own_id_goes_nowhere() {
    let bridge = bridge(CONFIGURATION);
    let mut world = World::new(&bridge);
    world.request(head("POST /openai/v1/responses", &[("x-ai-bridge-id", "mine")]), false);
    world.upload(br#"{"model":"m"}"#, true).answer(head("200", &[]), false).done();
    assert!(!world.upstream_headers.as_ref().unwrap().contains("x-ai-bridge-id"));
    let record = world.record();
    let ids: Vec<_> = world.client_headers.as_ref().unwrap().all("x-ai-bridge-id").collect();
    assert_eq!(ids, [record["id"].as_str().unwrap().as_bytes()]);
    assert_ne!(record["id"], "mine");
}

#[test]
fn the_changes_of_response_headers_are_one_effect() {
    let bridge = bridge(CONFIGURATION);
    let mut exchange = Exchange::new(bridge, 1);
    let request = head("POST /openai/v1/chat/completions", &[]);
    let request = RequestHead { headers: request, actor_property: None, end: false };
    exchange.request_headers(&request, || Duration::ZERO);
    exchange.request_body(br#"{"model":"m","stream":true}"#, true);
    let answer = head("200", &[("content-type", "text/event-stream"), ("content-length", "100")]);
    let step = exchange
        .response_headers(&ResponseHead { headers: answer, code_details: None, end: false }, || {
            Duration::ZERO
        });
    let edits = step.effects.iter().filter(|effect| matches!(effect, Effect::EditResponseHeaders(_)));
    assert_eq!(edits.count(), 1, "{:?}", step.effects);
}
