//! Which members a request may ask, and in which order.

use super::{answers, exchange, exchange_at, list_at, pool, request_at};
use serde_json::json;
use world::{World, bridge, head};

#[test]
fn the_list_holds_at_most_three_usable_members_in_the_configured_order() {
    let bridge = pool(|_| {});
    assert_eq!(list_at(&bridge, 0), "a,b,c");
    exchange(&bridge, &[("a", answers(429, &[("retry-after", "60")])), ("b", answers(529, &[]))]);
    assert_eq!(list_at(&bridge, 1), "c,d,e");
    exchange_at(&bridge, 1, &[], &[("c", answers(503, &[("retry-after", "600")]))]);
    assert_eq!(list_at(&bridge, 2), "d,e");
    assert_eq!(list_at(&bridge, 30), "b,d,e");
    assert_eq!(list_at(&bridge, 90), "a,b,d");
}

#[test]
fn a_client_sets_neither_the_list_nor_the_number_of_attempts() {
    let lines = [
        ("x-ai-bridge-pool", "p/e"),
        ("x-ai-bridge-attempt", "1"),
        ("x-envoy-retry-on", "5xx"),
        ("x-envoy-max-retries", "9"),
        ("x-envoy-retriable-status-codes", "200"),
        ("x-envoy-upstream-rq-per-try-timeout-ms", "1"),
    ];
    let world = request_at(&pool(|_| {}), 0, &lines);
    assert_eq!(world.sent("x-ai-bridge-pool"), Some("p/a,b,c"));
    assert!(lines[1..].iter().all(|(name, _)| world.sent(name).is_none()));
    // Outside of every pool the header is removed, too.
    let bridge = bridge(&json!({"root": "/ai", "providers": [{"type": "openai"}]}).to_string());
    for path in ["GET /other", "GET /ai/openai/v1/models"] {
        let mut world = World::new(&bridge);
        world.request(head(path, &[("x-ai-bridge-pool", "p/e"), ("authorization", "Bearer own")]), true);
        assert_eq!(world.sent("x-ai-bridge-pool"), None);
    }
}
