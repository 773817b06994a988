//! Which headers of a response reach the client.

use world::{CONFIGURATION, World, bridge, head};

#[test]
fn response_headers_pass_except_the_length_of_a_cut_stream() {
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
            world.upload(body.as_bytes(), true).answer(head(status, &lines), false);
            let got = world.client_headers.as_ref().unwrap();
            let answer = head(status, &lines);
            let cut = cut && status == "200";
            let expected: Vec<_> =
                answer.iter().filter(|(name, _)| !(cut && *name == "content-length")).collect();
            assert_eq!(got.iter().collect::<Vec<_>>(), expected, "{path} {status}");
        }
    }
}
