//! Which answers set a member aside, for how long, and what makes it usable again.

use super::{answers, exchange, exchange_at, later, list_at, pool, request_at};
use ai_bridge::headers::Headers;
use ai_bridge::pool::AttemptStream;
use world::head;

#[test]
fn how_long_a_member_is_set_aside() {
    let reset = [
        ("anthropic-ratelimit-tokens-remaining", "0"),
        ("anthropic-ratelimit-tokens-reset", "2026-11-23T05:35:00Z"),
    ];
    for (status, lines, seconds) in [
        (429, &[("retry-after", "7")][..], 7),
        (429, &reset, 120),
        (429, &[], 60),
        (429, &[("retry-after", "0")], 1),
        (429, &[("retry-after", "100000")], 900),
        (429, &[("retry-after", "Mon, 23 Nov 2026 05:33:20 GMT")], 20),
        (401, &[("retry-after", "1")], 60),
        (529, &[], 10),
        (529, &[("retry-after", "3")], 3),
        (503, &[], 10),
        (503, &[("retry-after", "20")], 20),
        (500, &[("retry-after", "20")], 0),
        (403, &[("retry-after", "20")], 0),
        (504, &[], 0),
    ] {
        let bridge = pool(|_| {});
        exchange(&bridge, &[("a", answers(status, lines))]);
        let until = (0..=901).find(|second| list_at(&bridge, *second).starts_with('a'));
        let expected = if seconds == 0 { Some(0) } else { Some(seconds) };
        assert!(
            until >= expected && until <= expected.map(|second| second + 1),
            "{status} {lines:?}: {until:?}"
        );
    }
}

#[test]
fn a_2xx_of_an_attempt_that_began_later_makes_a_member_usable_at_once() {
    let bridge = pool(|provider| provider["pool"].as_array_mut().unwrap().truncate(2));
    let aside = |seconds: &str| answers(429, &[("retry-after", seconds)]);
    let early = request_at(&bridge, 0, &[]);
    let (mut attempt, _) =
        AttemptStream::begin(&early.ticket(), "p", "a", early.moment(), Headers::default).unwrap();
    exchange(&bridge, &[("a", aside("50")), ("b", aside("600"))]);
    attempt.response_headers(&head("200", &[]), later(early.moment(), 5, 5));
    assert_eq!(list_at(&bridge, 5), "a", "all are aside, and `a` is back first");
    assert_eq!(exchange_at(&bridge, 6, &[], &[]).1[0].member, "a");
    assert_eq!(list_at(&bridge, 7), "a", "usable");
    exchange_at(&bridge, 8, &[], &[("a", aside("300"))]);
    assert_eq!(list_at(&bridge, 9), "a", "back before `b`");
}

#[test]
fn a_later_attempts_200_ends_what_another_request_set_aside() {
    let bridge = pool(|provider| provider["pool"].as_array_mut().unwrap().truncate(2));
    let world = request_at(&bridge, 0, &[]);
    let (ticket, now) = (world.ticket(), world.moment());
    let begin = |member, now| AttemptStream::begin(&ticket, "p", member, now, Headers::default).unwrap().0;
    let mut first = begin("a", now);
    exchange_at(&bridge, 1, &[], &[("a", answers(500, &[])), ("b", answers(429, &[("retry-after", "600")]))]);
    assert_eq!(list_at(&bridge, 2), "a");
    first.response_headers(&head("500", &[]), later(now, 5, 5));
    begin("b", later(now, 6, 6)).response_headers(&head("200", &[]), later(now, 7, 7));
    assert_eq!(list_at(&bridge, 8), "a,b");
}
