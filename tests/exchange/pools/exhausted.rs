//! `retry-after` where every member is set aside.

use super::{REQUEST, answers, exchange, exchange_at, pool, request_at};
use serde_json::json;
use world::{Member, World, head};

#[test]
fn where_every_member_is_aside_retry_after_is_the_shortest_time() {
    let bridge = pool(|provider| provider["pool"].as_array_mut().unwrap().truncate(2));
    let script = [
        ("a", answers(429, &[("retry-after", "30")])),
        ("b", answers(529, &[("retry-after", "90"), ("retry-after-ms", "1")])),
    ];
    let (world, _) = exchange(&bridge, &script);
    let client = world.client_headers.as_ref().unwrap();
    assert_eq!((client.text("retry-after"), client.contains("retry-after-ms")), (Some("30"), false));
    assert_eq!(world.record()["response"]["status"], json!(529));
    for status in [500, 502, 400, 403, 404] {
        let (world, _) = exchange_at(&bridge, 10, &[], &[("a", answers(status, &[("retry-after", "77")]))]);
        let after = world.client_headers.as_ref().unwrap().text("retry-after").unwrap();
        assert_eq!(after, if status < 500 { "77" } else { "20" }, "{status}");
    }
    // Envoy's own reply, too.
    let (world, _) = exchange_at(&bridge, 10, &[], &[("a", Member::Refuses), ("b", Member::Refuses)]);
    assert_eq!(world.reply.as_ref().map(|reply| reply.status), Some(503));
    assert!(world.reply_header("retry-after").is_some());
}

#[test]
fn while_a_member_is_usable_an_answer_keeps_its_retry_after() {
    let failing = |n| answers(429, &[("retry-after", n)]);
    let (world, asked) =
        exchange(&pool(|_| {}), &[("a", failing("5")), ("b", failing("6")), ("c", failing("7"))]);
    assert_eq!((asked.len(), world.client_headers.unwrap().text("retry-after")), (3, Some("7")));
}

#[test]
fn another_filters_refusal_keeps_its_retry_after_where_all_are_aside() {
    let bridge = pool(|provider| provider["pool"].as_array_mut().unwrap().truncate(2));
    let aside = |seconds| answers(429, &[("retry-after", seconds)]);
    exchange(&bridge, &[("a", aside("30")), ("b", aside("90"))]);
    let budget = [
        ("x-ratelimit-limit", "10, 10;w=86400"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "7200"),
    ];
    for (status, lines, wait) in
        [("429", &budget[..], Some("7200")), ("429", &[], Some("60")), ("401", &[], None)]
    {
        let mut world = request_at(&bridge, 1, &[("x-actor", "ada")]);
        world.answer_by("request_rate_limited", head(status, lines), true);
        assert_eq!(world.reply_header("retry-after"), wait, "{status} {lines:?}");
    }
}

#[test]
fn a_5xx_of_another_filter_keeps_its_retry_after_if_no_member_was_asked() {
    let bridge = pool(|provider| provider["pool"].as_array_mut().unwrap().truncate(2));
    let aside = |seconds| answers(429, &[("retry-after", seconds)]);
    exchange(&bridge, &[("a", aside("30")), ("b", aside("90"))]);
    for (details, lines, wait) in
        [("overload", &[("retry-after", "2")][..], "2"), ("no_healthy_upstream", &[], "21")]
    {
        for (line, body) in [("POST /p/v1/messages", REQUEST), ("GET /p/v1/models", "")] {
            let mut world = World::later(&bridge, 10);
            world.request(head(line, &[]), body.is_empty());
            world.answer_by(details, head("503", lines), true);
            assert_eq!(world.reply_header("retry-after"), Some(wait), "{line} {details}");
        }
    }
}
