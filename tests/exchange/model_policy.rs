//! The model policy of a provider (`models.allow`, `models.deny`).

use crate::request_bodies::{APIS, CHAT, MESSAGES, RESPONSES, refused, sent};
use serde_json::json;
use world::{CONFIGURATION, World, bridge, changed, head};

#[test]
fn the_model_is_judged_before_the_closing_chunk_passes() {
    let policy = changed(|configuration| {
        for provider in configuration["providers"].as_array_mut().unwrap() {
            provider["models"] = json!({"deny": ["evil*"]});
        }
    });
    for first in APIS {
        for lines in [vec![], vec![("content-length", "16")], vec![("content-length", "1000")]] {
            let mut world = World::new(&policy);
            world
                .request(head(first, &lines), false)
                .upload(b"{\"model\":\"evil\"", false)
                .upload(b"}", false);
            assert_eq!(
                (world.replied().0, world.upstream_body.as_slice()),
                (400, &b"{\"model\":\"evil\""[..])
            );
        }
    }
}

#[test]
fn a_policy_passes_models_that_it_allows_and_does_not_deny() {
    let cut = format!("\"a{}\"", "x".repeat(1024));
    for (policy, allowed, denied, unreadable) in [
        (json!({}), &["a-1", "b", ""][..], &[][..], false),
        (json!({"deny": []}), &["a-1", "b", ""], &[], false),
        (json!({"allow": []}), &[], &["a-1", "b", ""], true),
        (json!({"allow": ["a-*"]}), &["a-1", "a-"], &["a", "b", "A-1", "", " a-1", "ba-1"], true),
        (json!({"allow": ["*"]}), &["a-1", "b"], &[], true),
        (json!({"allow": ["a", "b"]}), &["a", "b"], &["c", "ab"], true),
        (json!({"deny": ["a-*"]}), &["b", "a"], &["a-1", "a-"], true),
        (json!({"allow": ["a*"], "deny": ["*-x", "ab"]}), &["a", "a-1"], &["a-x", "ab", "b"], true),
    ] {
        let bridge = changed(|configuration| {
            for provider in configuration["providers"].as_array_mut().unwrap() {
                provider["models"] = policy.clone();
            }
        });
        for first in [MESSAGES, CHAT, RESPONSES, "POST /openai/v1/responses/compact"] {
            for model in allowed {
                let world = sent(&bridge, first, json!({"model": model}).to_string().as_bytes());
                assert!(world.reply.is_none(), "{policy} {model}");
            }
            for model in denied {
                refused(&bridge, first, json!({"model": model}).to_string().as_bytes(), 400, "model_denied");
            }
            for model in ["7", "null", "[\"a-1\"]", "{\"model\":\"a-1\"}", "true", &cut] {
                let body = format!("{{\"model\":{model},\"x\":{{\"model\":\"a-1\"}}}}");
                if unreadable {
                    refused(&bridge, first, body.as_bytes(), 400, "model_unreadable");
                } else {
                    assert!(sent(&bridge, first, body.as_bytes()).reply.is_none());
                }
            }
            if unreadable {
                refused(&bridge, first, b"{}", 400, "model_unreadable");
            } else {
                assert!(sent(&bridge, first, b"{}").reply.is_none());
            }
        }
        let mut world = World::new(&bridge);
        world.request(head("GET /anthropic/v1/models", &[]), true);
        assert!(world.reply.is_none(), "passthrough is not looked at");
    }
}

#[test]
fn a_policy_judges_the_unescaped_model() {
    let bridge = changed(|configuration| configuration["providers"][0]["models"] = json!({"deny": ["evil"]}));
    refused(&bridge, MESSAGES, br#"{"model":"\u0065vil"}"#, 400, "model_denied");
    refused(&bridge, MESSAGES, br#"{"m\u006fdel":"evil"}"#, 400, "model_denied");
    refused(&bridge, MESSAGES, br#"{"model":"good","model":"evil"}"#, 400, "repeated_member");
}

#[test]
fn a_model_name_above_its_bound_is_cut_and_never_allowed() {
    let body = json!({"model": "m".repeat(5000)}).to_string();
    let policy = changed(|configuration| configuration["providers"][0]["models"] = json!({"allow": ["*"]}));
    for (bridge, refused) in [(bridge(CONFIGURATION), false), (policy, true)] {
        let mut world = World::new(&bridge);
        world.request(head("POST /anthropic/v1/messages", &[]), false).upload(body.as_bytes(), true);
        assert_eq!(world.reply.is_some(), refused);
        world.finish("downstream_remote_disconnect");
        assert_eq!(world.record()["model"]["requested"].as_str().unwrap().len(), 1024);
    }
}
