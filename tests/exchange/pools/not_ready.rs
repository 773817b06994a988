//! An upstream filter that does not know the request replies, and sends no key.

use super::{answers, exchange, pool, request_at};
use ai_bridge::headers::Headers;
use ai_bridge::pool::AttemptStream;
use serde_json::{Value, json};
use world::head;

#[test]
fn a_cluster_of_another_provider_or_member_gets_no_key() {
    let world = request_at(&pool(|_| {}), 0, &[]);
    for (provider, member) in [("q", "a"), ("p", "x"), ("", "")] {
        assert!(
            AttemptStream::begin(&world.ticket(), provider, member, world.moment(), Headers::default)
                .is_none()
        );
    }
    assert!(world.ticket().borrow().attempts.is_empty());
    let reply = ai_bridge::reply::pool_not_ready();
    let body: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!((reply.status, body["error"]["code"].as_str()), (503, Some("pool_not_ready")));
}

#[test]
fn pool_not_ready_is_in_the_callers_dialect() {
    let mut world = request_at(&pool(|_| {}), 0, &[]);
    let lines = [("x-ai-bridge-reason", "pool_not_ready"), ("retry-after", "1")];
    // Envoy takes it for an answer of the upstream.
    world.answer(head("503", &lines), false).done();
    let (status, body) = world.replied();
    assert_eq!((status, body["error"]["type"].as_str()), (503, Some("overloaded_error")));
    assert_eq!(
        (world.reply_header("x-ai-bridge-reason"), world.reply_header("retry-after")),
        (None, Some("1"))
    );
    assert_eq!(world.record()["error"]["code"], json!("pool_not_ready"));
}

#[test]
fn a_member_cannot_reply_as_an_upstream_filter_that_is_not_ready() {
    let lines = [("x-ai-bridge-reason", "pool_not_ready"), ("content-type", "application/json")];
    let failing = answers(503, &lines);
    let bridge = pool(|provider| provider["pool"].as_array_mut().unwrap().truncate(2));
    let (world, _) = exchange(&bridge, &[("a", failing.clone()), ("b", failing)]);
    assert!(world.reply.is_none());
    assert_eq!(world.record()["error"]["code"], Value::Null);
}
