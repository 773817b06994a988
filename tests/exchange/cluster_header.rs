//! Which cluster the cluster header names, and that a client cannot set it.

use crate::stripped_headers::{PLACES, gateway, sent as sent_headers};
use serde_json::json;
use world::{World, bridge, head};

#[test]
fn own_keys_may_have_another_cluster() {
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
fn a_client_cannot_set_the_cluster_header() {
    let bridge = gateway(|configuration| configuration["cluster_header"] = json!("X-Where-To"));
    let lines: [(&str, &[u8]); 4] = [
        ("authorization", b"Bearer own"),
        ("x-where-to", b"evil"),
        ("x-ai-bridge-cluster", b"evil"),
        ("x-where-to", b"evil"),
    ];
    for (kind, bridged, passthrough) in PLACES {
        for path in [bridged, passthrough] {
            let got = sent_headers(&bridge, &format!("POST {path}"), &lines);
            let got: Vec<_> = got.iter().filter(|(name, _)| !name.starts_with(':')).collect();
            let expected = [("authorization", &b"Bearer own"[..]), ("x-where-to", kind.as_bytes())]
                .map(|(name, value)| (name.to_owned(), value.to_vec()));
            assert_eq!(got, expected.iter().collect::<Vec<_>>(), "{path}");
        }
    }
}
