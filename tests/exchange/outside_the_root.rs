//! Requests outside `root` pass unchanged, without the cluster header.

use crate::routes::ROWS;
use crate::stripped_headers::trailers_of;
use serde_json::json;
use world::{World, bridge, changed, head};

#[test]
fn requests_outside_the_root_lose_only_the_cluster_header() {
    for header in ["x-ai-bridge-cluster", "x-where"] {
        let bridge = bridge(
            &json!({
                "root": "/api/v2/aibridge", "cluster_header": header, "actor": {"header": "x-actor", "required": true},
                "gateway_credentials": {"headers": ["x-gateway"]}, "providers": ROWS.map(|row| json!({"type": row.kind, "enabled": false})),
            })
            .to_string(),
        );
        for path in [
            "/",
            "",
            "*",
            "/api/v2",
            "/api/v2/",
            "/api/v2/aibridgex",
            "/api/v2/aibridg%65/anthropic/v1/messages",
            "/API/v2/aibridge/anthropic/v1/messages",
            "/x/../api/v2/aibridge/openai/v1/responses",
            "//api/v2/aibridge",
            "/anthropic/v1/messages",
            "/%00",
            "/a\\b",
            "/%zz",
            "?/api/v2/aibridge/",
            "api/v2/aibridge/",
            "gateway.example:443",
        ] {
            for method in ["POST", "GET", "CONNECT", "OPTIONS"] {
                let lines = [
                    (header, "anthropic"),
                    (header, "openai"),
                    ("authorization", "Basic a"),
                    ("authorization", "Bearer b"),
                    ("x-api-key", "sk-ant-x"),
                    ("x-gateway", "t"),
                    ("x-actor", "a"),
                    ("cookie", "c"),
                    ("upgrade", "websocket"),
                    ("connection", "upgrade, x-hop"),
                    ("x-hop", "1"),
                    ("content-encoding", "zstd"),
                    ("x-ai-bridge-actor-id", "m"),
                    ("content-length", "99999999999"),
                    ("accept-encoding", "gzip"),
                ];
                let request = head(&format!("{method} {path}"), &lines);
                let expected: Vec<_> = request.iter().filter(|(name, _)| *name != header).collect();
                let mut world = World::new(&bridge);
                world
                    .request(request.clone(), false)
                    .upload(b"{", true)
                    .answer(head("502", &[]), true)
                    .done();
                let sent = world.upstream_headers.as_ref().unwrap();
                assert_eq!(sent.iter().collect::<Vec<_>>(), expected, "{path}");
                assert_eq!(world.upstream_body, b"{", "{path}");
                assert!(world.reply.is_none() && world.published.is_empty() && world.measured.is_empty());
            }
        }
    }
}

#[test]
fn trailers_outside_the_root_are_left_alone() {
    let bridge = changed(|configuration| configuration["root"] = json!("/ai"));
    let mut world = World::new(&bridge);
    let mut trailers = trailers_of(&[("authorization", "1"), ("x-ai-bridge-actor-id", "2")]);
    world.request(head("POST /shop", &[]), false).request_trailers_with(&mut trailers);
    assert_eq!(trailers.iter().count(), 2);
}
