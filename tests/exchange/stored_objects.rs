//! Stored objects (`stored_objects: false`) are out of reach with the central credential.

use serde_json::json;
use world::{World, changed, head};

#[test]
fn the_central_key_reaches_no_stored_object_where_denied() {
    let (stored, free) = (
        ["/responses/resp_1", "/responses/r/input_items", "/conversations", "/conversations/c/items"],
        ["/models", "/models/", "/models/ft"],
    );
    for key in [json!({"value": "central"}), json!({"external": true})] {
        for allowed in [true, false] {
            let bridge = changed(|configuration| {
                configuration["providers"][1]["key"] = key.clone();
                configuration["providers"][1]["stored_objects"] = json!(allowed);
                configuration["providers"][0]["stored_objects"] = json!(false);
            });
            let check = |method: &str, path: &str, token: &str, refused: bool| {
                let mut world = World::new(&bridge);
                let token = format!("Bearer {token}");
                world.request(head(&format!("{method} {path}"), &[("authorization", &token)]), false);
                let reply = world.reply.is_some().then(|| world.replied());
                assert_eq!(reply.is_some(), refused, "{method} {path} {token}");
                if let Some((status, body)) = reply {
                    let error = &body["error"];
                    let code = if path.starts_with("/anthropic/") {
                        json!(null)
                    } else {
                        json!("stored_object_denied")
                    };
                    let message = json!("stored objects are not reachable with the gateway's own credential");
                    assert_eq!((status, &error["message"], &error["code"]), (403, &message, &code));
                }
                world.done();
                assert_eq!(world.records, 0);
            };
            for method in ["GET", "POST", "DELETE", "HEAD", "PATCH"] {
                for (route, is_stored) in
                    stored.iter().map(|r| (r, true)).chain(free.iter().map(|r| (r, false)))
                {
                    let path = format!("/openai/v1{route}?x");
                    let is_stored = is_stored || method == "DELETE";
                    check(method, &path, "gw_x", is_stored && !allowed);
                    check(method, &path, "sk-proj-own-0123456789", false);
                }
                check(method, "/anthropic/v1/models/x", "gw_x", method == "DELETE");
                check(method, "/anthropic/v1/models/x", "sk-ant-own-0123456789", false);
            }
        }
    }
}

#[test]
fn without_a_needed_key_nothing_separates_callers_either() {
    let bridge = changed(|configuration| {
        let provider = &mut configuration["providers"][1];
        for member in ["byok", "byok_cluster"] {
            provider.as_object_mut().unwrap().remove(member);
        }
        provider["key"] = json!({"none": true});
        provider["stored_objects"] = json!(false);
    });
    for (path, refused) in [("/openai/v1/responses/resp_1", true), ("/openai/v1/models", false)] {
        let mut world = World::new(&bridge);
        world.request(head(&format!("GET {path}"), &[("authorization", "Bearer sk-own")]), true);
        assert_eq!(world.reply.is_some(), refused, "{path}");
    }
}
