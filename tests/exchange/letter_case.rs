//! Paths in another letter case, which some servers (Azure's) do not tell apart.

use serde_json::json;
use world::{World, bridge, head};

/// What becomes of a POST: 0, or the status of the refusal.
fn status(path: &str) -> u16 {
    let bridge = bridge(
        &json!({"providers": [
            {"type": "azure", "base_url": "https://r.openai.azure.com", "key": {"value": "central"},
             "stored_objects": false, "passthrough": ["/openai/", "/anthropic/"]},
            {"type": "openai", "key": {"value": "central"}, "passthrough": ["/files/"]},
        ]})
        .to_string(),
    );
    let mut world = World::new(&bridge);
    world.request(head(&format!("POST {path}"), &[]), false);
    world.reply.as_ref().map_or(0, |reply| reply.status)
}

#[test]
fn a_bridged_route_in_another_case_is_no_passthrough() {
    for path in [
        "/azure/openai/v1/Responses",
        "/azure/openai/v1/responses/COMPACT",
        "/azure/openai/Deployments/gpt-5/chat/completions",
        "/azure/openai/deployments/gpt-5/Chat/Completions/",
        "/azure/OpenAI/v1/chat/completions",
        "/azure/openai/v1/chat/COMPLETIONS;x",
        "/azure/anthropic/V1/messages",
        "/openai/v1/responses/Compact",
        "/openai/v1/responses/comp%41ct",
    ] {
        assert_eq!(status(path), 404, "{path}");
    }
    for path in ["/azure/openai/Deployments", "/azure/openai/v1/Embeddings", "/openai/v1/files/Compact"] {
        assert_eq!(status(path), 0, "{path}");
    }
}

#[test]
fn a_stored_object_in_another_case_is_one() {
    for path in
        ["/azure/openai/v1/responses/r", "/azure/openai/v1/Responses/r", "/azure/openai/RESPONSES/r/x"]
    {
        assert_eq!(status(path), 403, "{path}");
    }
}
