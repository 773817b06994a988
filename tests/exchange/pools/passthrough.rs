//! Passthrough goes once, to the first usable member.

use super::{answers, pool};
use serde_json::json;
use world::{World, head};

#[test]
fn passthrough_goes_once_to_the_first_usable_member() {
    for start in ["first", "session"] {
        let bridge = pool(|provider| provider["start"] = json!(start));
        let route = |seconds| {
            let mut world = World::later(&bridge, seconds);
            world.request(head("GET /p/v1/models", &[("x-actor", "someone")]), true);
            (world.sent("x-ai-bridge-pool").unwrap().to_owned(), world)
        };
        let (first, mut world) = route(0);
        assert_eq!(first, "p/a");
        let asked = world.attempts(1, &|_| answers(429, &[("retry-after", "30")]));
        assert_eq!(asked.len(), 1);
        assert_eq!(
            (asked[0].headers.text(":path"), asked[0].headers.text("x-api-key")),
            (Some("/base-a/v1/models"), Some("key-of-a-0123456789"))
        );
        assert_eq!(route(1).0, "p/b");
    }
}
