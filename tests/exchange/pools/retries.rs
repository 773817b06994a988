//! Which answers are followed by another attempt.

use super::{answers, attempts, exchange, list_at, names, pool, request_at};
use ai_bridge::headers::Headers;
use ai_bridge::pool::AttemptStream;
use serde_json::json;
use world::head;

#[test]
fn statuses_of_a_failing_member_get_another_attempt_and_others_none() {
    for (status, retried) in [
        (401, true),
        (429, true),
        (500, true),
        (502, true),
        (503, true),
        (504, true),
        (529, true),
        (400, false),
        (403, false),
        (404, false),
        (413, false),
        (422, false),
        (501, false),
        (200, false),
        (302, false),
    ] {
        let (world, asked) =
            exchange(&pool(|_| {}), &[("a", answers(status, &[("content-type", "application/json")]))]);
        assert_eq!(asked.len(), if retried { 2 } else { 1 }, "{status}");
        let expected = if retried {
            vec![("a".to_owned(), json!(status)), ("b".to_owned(), json!(200))]
        } else {
            vec![("a".to_owned(), json!(status))]
        };
        assert_eq!(attempts(&world), expected);
        assert_eq!(
            world.record()["notes"],
            if retried { json!(["failover"]) } else { json!([]) },
            "{status}"
        );
    }
}

#[test]
fn a_401_of_a_member_without_a_key_is_about_the_request() {
    let bridge = pool(|provider| provider["pool"][0]["key"] = json!({"none": true}));
    let (world, asked) = exchange(&bridge, &[("a", answers(401, &[]))]);
    assert_eq!((asked.len(), world.record()["credential"].clone()), (1, json!({"kind": "none"})));
    assert_eq!(list_at(&bridge, 1), "a,b,c");
}

#[test]
fn a_marked_answer_that_reaches_the_client_is_noted_and_loses_the_mark() {
    let mut world = request_at(&pool(|_| {}), 0, &[]);
    let ticket = world.ticket();
    let (mut attempt, _) = AttemptStream::begin(&ticket, "p", "a", world.moment(), Headers::default).unwrap();
    let mut answer = head("429", &[("retry-after", "5")]);
    attempt.response_headers(&answer, world.moment()).0.apply(&mut answer);
    assert_eq!(answer.text("x-ai-bridge-retry"), Some("1"));
    world.answer(answer, false).download(b"{}", true).done();
    assert!(!world.client_headers.as_ref().unwrap().contains("x-ai-bridge-retry"));
    assert_eq!(world.record()["notes"], json!(["not_retriable"]));
}

#[test]
fn a_member_cannot_mark_its_answer_itself() {
    let (world, asked) = exchange(&pool(|_| {}), &[("a", answers(200, &[("x-ai-bridge-retry", "1")]))]);
    assert_eq!((asked.len(), world.record()["notes"].clone()), (1, json!([])));
    assert!(!world.client_headers.unwrap().contains("x-ai-bridge-retry"));
}

#[test]
fn an_answer_is_marked_only_where_a_usable_member_of_the_list_is_left() {
    let bridge = pool(|provider| provider["pool"].as_array_mut().unwrap().truncate(2));
    let mut world = request_at(&bridge, 0, &[]);
    // Meanwhile another request finds that `b` is overloaded.
    exchange(&bridge, &[("a", answers(500, &[])), ("b", answers(529, &[]))]);
    let asked = world.attempts(9, &|_| answers(500, &[]));
    assert_eq!(names(&asked), ["a"]);
}
