//! `passthrough` and `query` of a provider.

use super::CALLER;
use serde_json::json;
use world::{World, bridge, head};

#[test]
fn configured_passthrough_routes_stand_beside_those_of_the_type() {
    let provider = json!({"type": "openai", "passthrough": ["/embeddings", "/files/", "/m/{model}:embed"]});
    let bridge = bridge(&json!({ "providers": [provider] }).to_string());
    for (line, upstream) in [
        ("POST /openai/v1/embeddings?x=%2F", Some("/v1/embeddings?x=%2F")),
        ("GET /openai/v1/files", Some("/v1/files")),
        ("DELETE /openai/v1/files/a%2Fb/c", Some("/v1/files/a%2Fb/c")),
        ("POST /openai/v1/m/x-1%3A0:embed", Some("/v1/m/x-1%3A0:embed")),
        ("GET /openai/v1/models", Some("/v1/models")),
        ("POST /openai/v1/embeddings/", None),
        ("POST /openai/v1/embeddings/x", None),
        ("POST /openai/v1/embedding%73", None),
        ("POST /openai/v1/m/x:generate", None),
        ("POST /openai/v1/m/x/y:embed", None),
        ("POST /openai/v1/m", None),
    ] {
        let mut world = World::new(&bridge);
        world.request(head(line, &CALLER), true);
        let path = world.upstream_headers.as_ref().and_then(|headers| headers.text(":path"));
        assert_eq!(path, upstream, "{line}");
        assert_eq!(
            world.reply.as_ref().map(|reply| reply.status),
            upstream.is_none().then_some(404),
            "{line}"
        );
        world.finish("");
        assert_eq!(world.records, 0, "{line}");
    }
}

#[test]
fn no_configured_subtree_hides_a_bridged_route() {
    let with = |route: &str| {
        let provider = json!({"type": "anthropic", "passthrough": [route]});
        bridge(&json!({ "providers": [provider] }).to_string())
    };
    for line in ["GET /anthropic/v1/messages", "GET /anthropic/v1/messages/"] {
        for route in ["/v1/{x}", "/{x}/messages", "/{x}/{y}/"] {
            let mut world = World::new(&with(route));
            world.request(head(line, &CALLER), true);
            assert_eq!(world.replied().0, 405, "{route}");
        }
    }
    let bridge = with("/v1/");
    for (line, status) in [
        ("GET /anthropic/v1/messages", Some(405)),
        ("GET /anthropic/v1/messages/", Some(405)),
        ("POST /anthropic/v1/mess%61ges", Some(404)),
        ("POST /anthropic/v1/messages%2F", Some(404)),
        ("POST /anthropic/v1/messages;x", Some(404)),
        ("POST /anthropic/v1/messages%3Fx", Some(404)),
        ("POST /anthropic/v1/x/..%2Fmessages", Some(400)),
        ("POST /anthropic/v1/files", None),
    ] {
        let mut world = World::new(&bridge);
        world.request(head(line, &CALLER), true);
        assert_eq!(world.reply.as_ref().map(|reply| reply.status), status, "{line}");
    }
}

#[test]
fn the_configured_query_is_added_where_the_client_did_not_send_the_name() {
    let query = json!({"api-version": "2025-04-01-preview", "note": "a&b é"});
    let added = "api-version=2025-04-01-preview&note=a%26b%20%C3%A9";
    for (kind, path) in [
        ("openai", "/openai/v1/chat/completions"),
        ("openai", "/openai/v1/models"),
        ("anthropic", "/anthropic/v1/messages"),
        ("anthropic", "/anthropic/api/hello"),
    ] {
        let provider = json!({"type": kind, "base_url": "https://h/x", "query": query});
        let bridge = bridge(&json!({ "providers": [provider] }).to_string());
        let route = path.strip_prefix(&format!("/{kind}")).unwrap();
        let route = if kind == "openai" { route.strip_prefix("/v1").unwrap() } else { route };
        for (client, upstream) in [
            ("", format!("?{added}")),
            ("?", format!("?{added}")),
            ("?b=%zz&&a+", format!("?b=%zz&&a+&{added}")),
            ("?note", "?note&api-version=2025-04-01-preview".to_owned()),
            ("?%6eote=1&api%2Dversion=2", "?%6eote=1&api%2Dversion=2".to_owned()),
        ] {
            let mut world = World::new(&bridge);
            world.request(head(&format!("POST {path}{client}"), &CALLER), false);
            assert_eq!(world.sent(":path").unwrap(), format!("/x{route}{upstream}"));
        }
    }
}
