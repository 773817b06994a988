//! What the upstream sees of a request's headers.

use crate::world::{CONFIGURATION, World, bridge, changed, head};
use ai_bridge::headers::Headers;
use serde_json::json;

#[test]
fn a_bridged_request_is_addressed_and_gets_the_central_key() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(
        head(
            "POST /anthropic/v1/messages?beta=true",
            &[
                ("authorization", "Bearer gw_abc"),
                ("x-ai-bridge-cluster", "somewhere-else"),
                ("x-ai-bridge-actor-id", "forged"),
                ("cookie", "a=b"),
                ("x-actor", "alice"),
                ("x-team", "payments"),
                ("accept-encoding", "gzip"),
                ("content-length", "12"),
                ("anthropic-beta", "a,b ,c"),
            ],
        ),
        false,
    );
    for (name, value) in [
        (":path", Some("/v1/messages?beta=true")),
        (":authority", Some("api.anthropic.com")),
        ("x-ai-bridge-cluster", Some("anthropic")),
        ("x-api-key", Some("sk-ant-api03-CENTRALCENTRALCENTRAL")),
        ("authorization", None),
        ("x-ai-bridge-actor-id", None),
        ("cookie", None),
        ("x-actor", None),
        ("x-team", None),
        ("accept-encoding", None),
        ("content-length", Some("12")),
        ("anthropic-beta", Some("a,b ,c")),
    ] {
        assert_eq!(world.sent(name), value, "{name}");
    }
    for (name, value) in
        [("provider", "anthropic"), ("api", "messages"), ("actor", "alice"), ("actor_team", "payments")]
    {
        assert_eq!(world.published[&format!("ai_bridge_{name}")], value);
    }
}

#[test]
fn the_actor_is_told_where_configured_and_never_on_passthrough() {
    let bridge = changed(|configuration| configuration["providers"][0]["send_actor"] = json!(true));
    let lines = [("x-actor", "alice"), ("x-team", "payments")];
    let mut world = World::new(&bridge);
    world.request(head("POST /anthropic/v1/messages", &lines), false);
    assert_eq!(world.sent("x-ai-bridge-actor-id"), Some("alice"));
    assert_eq!(world.sent("x-ai-bridge-actor-metadata-team"), Some("payments"));
    let mut world = World::new(&bridge);
    world.request(head("GET /anthropic/v1/models", &lines), true);
    assert_eq!(world.sent("x-ai-bridge-actor-id"), None);
    // A gateway may know the team alone.
    let mut world = World::new(&bridge);
    world.request(head("POST /anthropic/v1/messages", &lines[1..]), false);
    assert_eq!(world.sent("x-ai-bridge-actor-id"), None);
    assert_eq!(world.sent("x-ai-bridge-actor-metadata-team"), Some("payments"));
}

#[test]
fn the_property_wins_over_the_header() {
    let bridge = changed(|configuration| configuration["actor"]["property"] = json!(["metadata", "x"]));
    let mut world = World::new(&bridge);
    world.request_with(
        head("POST /anthropic/v1/messages", &[("x-actor", "header")]),
        Some(b"property"),
        false,
    );
    world.upload(b"{}", true).finish("downstream_remote_disconnect");
    assert_eq!(world.record()["actor"]["id"], "property");
}

#[test]
fn the_cluster_is_the_name_or_what_is_configured_and_callers_own_keys_may_have_another() {
    let own = [("authorization", "Bearer own-0123456789")];
    for (cluster, byok_cluster, central, callers) in [
        (None, None, "mine", "mine"),
        (Some("c|443||x"), None, "c|443||x", "c|443||x"),
        (None, Some("own"), "mine", "own"),
        (Some("c"), Some("own"), "c", "own"),
    ] {
        for (kind, routes) in [
            ("anthropic", ["/v1/messages", "/v1/models"]),
            ("openai", ["/v1/responses", "/v1/models"]),
            ("copilot", ["/responses", "/models"]),
        ] {
            let mut provider = json!({"type": kind, "name": "mine", "key": {"value": "central"}});
            if kind == "copilot" {
                provider.as_object_mut().unwrap().remove("key");
            }
            for (name, value) in [("cluster", cluster), ("byok_cluster", byok_cluster)] {
                if let Some(value) = value {
                    provider[name] = json!(value);
                }
            }
            let bridge = bridge(&json!({"providers": [provider]}).to_string());
            for route in routes {
                let sent = |lines: &[(&str, &str)]| {
                    let mut world = World::new(&bridge);
                    world.request(head(&format!("POST /mine{route}"), lines), false);
                    world.sent("x-ai-bridge-cluster").map(str::to_owned)
                };
                assert_eq!(sent(&own).as_deref(), Some(callers), "{kind} {route}");
                if kind != "copilot" {
                    assert_eq!(sent(&[]).as_deref(), Some(central), "{kind} {route}");
                }
            }
        }
    }
}

#[test]
fn outside_the_root_only_the_cluster_header_is_removed() {
    let bridge = changed(|configuration| configuration["root"] = json!("/ai"));
    let mut world = World::new(&bridge);
    let lines = [("x-ai-bridge-cluster", "anthropic"), ("x-ai-bridge-other", "kept"), ("cookie", "kept")];
    world.request(head("GET /other//x", &lines), false).upload(b"not json", true).done();
    assert_eq!(world.sent("x-ai-bridge-cluster"), None);
    assert_eq!(world.sent("x-ai-bridge-other"), Some("kept"));
    assert_eq!(world.sent("cookie"), Some("kept"));
    assert_eq!((world.records, world.upstream_body.as_slice()), (0, &b"not json"[..]));
}

#[test]
fn passthrough_passes_whatever_the_body_is_and_counts() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages/count_tokens", &[("accept-encoding", "gzip")]), false);
    assert_eq!(world.sent("accept-encoding"), Some("gzip"));
    world.upload(b"\xff", true).answer(head("200", &[]), false).download(b"\xfe", true).done();
    assert_eq!((world.upstream_body.as_slice(), world.client_body.as_slice()), (&b"\xff"[..], &b"\xfe"[..]));
    assert_eq!(world.records, 0);
    assert!(world.measured.iter().any(|measured| measured.series.raw_name().contains("status_class=.=2xx")));
}

fn trailers_of(lines: &[(&str, &str)]) -> Headers {
    Headers::new(lines.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect())
}

#[test]
fn what_is_not_for_the_upstream_is_not_for_it_as_a_trailer_either() {
    let names =
        ["x-checksum", "x-ai-bridge-actor-id", "authorization", "x-api-key", "cookie", "x-actor", "x-sum"];
    let all: Vec<(&str, &str)> = names.iter().map(|name| (*name, "1")).collect();
    let passed = |line: &str, answered: bool| {
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head(line, &[]), false).upload(b"{\"model\":\"m\"}", false);
        if answered {
            world.answer(head("200", &[]), false);
        }
        let mut trailers = trailers_of(&all);
        world.request_trailers_with(&mut trailers);
        trailers.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    for answered in [false, true] {
        assert_eq!(passed("POST /anthropic/v1/messages", answered), ["x-checksum", "x-sum"]);
        assert_eq!(passed("POST /anthropic/v1/messages/count_tokens", answered), ["x-checksum", "x-sum"]);
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
