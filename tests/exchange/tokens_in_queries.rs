//! Tokens of the gateway in a request's query (`?key=`, `access_token=`).

use serde_json::json;
use world::{World, bridge, head};

fn upstream_path(path: &str) -> String {
    let bridge = bridge(
        &json!({
            "providers": [
                {"type": "anthropic", "key": {"value": "central"}},
                {"type": "openai", "key": {"value": "central"}, "query": {"v": "1"}},
                {"type": "gemini", "key": {"value": "central"}},
            ],
            "gateway_credentials": {"value_prefixes": ["gw_"]},
        })
        .to_string(),
    );
    let mut world = World::new(&bridge);
    world.request(head(&format!("POST {path}"), &[]), false);
    world.sent(":path").unwrap().to_owned()
}

#[test]
fn a_gateway_token_in_a_query_stays_here_and_other_parameters_pass() {
    for (sent, wanted) in [
        ("/anthropic/v1/messages?key=gw_0123", "/v1/messages"),
        ("/anthropic/v1/messages?beta=true&key=gw_0123", "/v1/messages?beta=true"),
        ("/anthropic/v1/messages?access_token=gw_0123&beta=%74rue", "/v1/messages?beta=%74rue"),
        ("/anthropic/v1/messages?k%65y=%67w_0123&x", "/v1/messages?x"),
        ("/anthropic/v1/messages?Key=+gw_0123&API-KEY=gw_1&api_key=gw_2", "/v1/messages"),
        ("/anthropic/v1/models?key=gw_0123", "/v1/models"),
        ("/openai/v1/chat/completions?key=gw_0123", "/v1/chat/completions?v=1"),
        // Neither a token of the gateway nor a parameter of a credential: kept to the byte.
        ("/anthropic/v1/messages?key=other&cursor=gw_0123&&", "/v1/messages?key=other&cursor=gw_0123&&"),
        ("/anthropic/v1/messages?", "/v1/messages?"),
        (
            "/gemini/v1beta/models/m:generateContent?key=gw_0123&access_token=gw_1",
            "/v1beta/models/m:generateContent",
        ),
        (
            "/gemini/v1beta/models/m:generateContent?alt=sse&key=own",
            "/v1beta/models/m:generateContent?alt=sse",
        ),
    ] {
        assert_eq!(upstream_path(sent), wanted, "{sent}");
    }
}
