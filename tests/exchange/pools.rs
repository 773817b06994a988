//! Requests to pools: which member is asked in which order and with what, what is learned of its answer, and what the
//! client and the record get (`envoy/behaviour.md#pools`).

use ai_bridge::bridge::Bridge;
use ai_bridge::headers::{HeaderEdits, Headers};
use ai_bridge::pool::{AttemptStream, Failure, LocalData, Moment, SharedData};
use core::time::Duration;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use world::{Asked, Member, World, bridge, head};

const REQUEST: &str =
    r#"{"model":"claude-opus-4","max_tokens":9,"messages":[{"role":"user","content":"hello"}]}"#;
const ANSWER: &str = r#"{"id":"msg_1","type":"message","model":"claude-x","content":[],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":5}}"#;

fn member(name: &str) -> Value {
    json!({
        "name": name, "key": {"value": format!("key-of-{name}-0123456789")},
        "base_url": format!("https://{name}.example/base-{name}"),
    })
}

/// A provider `p` with the members a to e, changed by `change`.
fn pool(change: impl FnOnce(&mut Value)) -> Rc<Bridge> {
    let mut provider =
        json!({"type": "anthropic", "name": "p", "pool": (["a", "b", "c", "d", "e"].map(member))});
    change(&mut provider);
    bridge(&json!({"providers": [provider], "actor": {"header": "x-actor"}}).to_string())
}

fn answers(status: u16, lines: &[(&str, &str)]) -> Member {
    Member::Answers(head(&status.to_string(), lines))
}

/// A request that begins so many seconds after the others.
fn request_at(bridge: &Rc<Bridge>, seconds: u64, lines: &[(&str, &str)]) -> World {
    let mut world = World::later(bridge, seconds);
    world.request(head("POST /p/v1/messages?x=%2F", lines), false).upload(REQUEST.as_bytes(), true);
    world
}

/// A whole request with its attempts. Members whose answers are not scripted are 200.
fn exchange_at(
    bridge: &Rc<Bridge>,
    seconds: u64,
    lines: &[(&str, &str)],
    script: &[(&str, Member)],
) -> (World, Vec<Asked>) {
    let mut world = request_at(bridge, seconds, lines);
    let asked = world.attempts(7, &|name| {
        let scripted = script.iter().find(|(scripted, _)| *scripted == name);
        let ok = || answers(200, &[("content-type", "application/json")]);
        scripted.map_or_else(ok, |(_, member)| member.clone())
    });
    if world.client_headers.as_ref().is_some_and(|headers| headers.status() == Some(200)) {
        world.download(ANSWER.as_bytes(), true);
    }
    world.done();
    (world, asked)
}

fn exchange(bridge: &Rc<Bridge>, script: &[(&str, Member)]) -> (World, Vec<String>) {
    let (world, asked) = exchange_at(bridge, 0, &[], script);
    (world, names(&asked))
}

fn names(asked: &[Asked]) -> Vec<String> {
    asked.iter().map(|asked| asked.member.clone()).collect()
}

/// The members that a request at `seconds` would ask.
fn list_at(bridge: &Rc<Bridge>, seconds: u64) -> String {
    let world = request_at(bridge, seconds, &[]);
    world.sent("x-ai-bridge-pool").unwrap().strip_prefix("p/").unwrap().to_owned()
}

fn attempts(world: &World) -> Vec<(String, Value)> {
    let record = world.record();
    let attempts = record["attempts"].as_array().cloned().unwrap_or_default();
    let answer = |attempt: &Value| {
        assert!(attempt["ms"].is_u64());
        let given = [&attempt["status"], &attempt["error"]];
        given.into_iter().find(|given| !given.is_null()).cloned().unwrap_or_default()
    };
    attempts.iter().map(|a| (a["member"].as_str().unwrap().to_owned(), answer(a))).collect()
}

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
fn each_member_gets_only_its_own_path_host_key_and_headers() {
    let bridge = pool(|provider| {
        provider["pool"][1]["headers"] = json!({"x-of-b": "b", "x-both": "b"});
        provider["pool"][1]["key_header"] = json!("authorization");
        provider["pool"][2]["headers"] = json!({"x-both": "c"});
        provider["pool"][2]["key"] = json!({"external": true});
        provider["byok"] = json!("deny");
    });
    let lines = [("x-both", "client"), ("x-of-b", "1"), ("x-of-b", "2"), ("anthropic-version", "v")];
    let failing = [("a", answers(500, &[])), ("b", answers(500, &[]))];
    let (_, asked) = exchange_at(&bridge, 0, &lines, &failing);
    let [a, b, c] = asked.as_slice() else { panic!("{asked:?}") };
    for (asked, name) in [(a, "a"), (b, "b"), (c, "c")] {
        let text = |header: &str| asked.headers.text(header).map(str::to_owned);
        assert_eq!(text(":path"), Some(format!("/base-{name}/v1/messages?x=%2F")));
        assert_eq!(text(":authority"), Some(format!("{name}.example")));
        assert_eq!(text("anthropic-version").as_deref(), Some("v"));
        assert_eq!(asked.body, REQUEST.as_bytes());
        let own: Vec<&str> =
            asked.headers.iter().map(|(name, _)| name).filter(|n| n.starts_with("x-ai-bridge")).collect();
        assert_eq!(own, ["x-ai-bridge-cluster"], "the route removes it");
        for other in ["a", "b", "c"].iter().filter(|other| **other != name) {
            let key = format!("key-of-{other}");
            assert!(asked.headers.iter().all(|(_, value)| !String::from_utf8_lossy(value).contains(&key)));
        }
    }
    let value = |asked: &Asked, name: &str| asked.headers.text(name).map(str::to_owned);
    assert_eq!(value(a, "x-api-key").as_deref(), Some("key-of-a-0123456789"));
    assert_eq!(value(a, "x-both").as_deref(), Some("client"));
    assert_eq!(
        a.headers.all("x-of-b").collect::<Vec<_>>(),
        [b"1", b"2"],
        "the first attempt's are the client's"
    );
    assert_eq!(value(b, "authorization").as_deref(), Some("Bearer key-of-b-0123456789"));
    assert_eq!(
        (value(b, "x-api-key"), value(b, "x-of-b"), value(b, "x-both")),
        (None, Some("b".to_owned()), Some("b".to_owned()))
    );
    assert_eq!((value(c, "x-api-key"), value(c, "authorization")), (None, None), "Envoy adds it");
    assert_eq!((value(c, "x-of-b").as_deref(), value(c, "x-both").as_deref()), (Some("1, 2"), Some("c")));
}

#[test]
fn a_key_that_another_filter_added_does_not_reach_the_next_member() {
    let bridge = pool(|provider| {
        provider["pool"][0]["key"] = json!({"external": true});
        provider["byok"] = json!("deny");
    });
    let lines = [("x-amz-date", "client"), ("x-two", "1"), ("x-two", "2"), ("x-gone", "g"), ("x-same", "s")];
    let world = request_at(&bridge, 0, &lines);
    let ticket = world.ticket();
    let mut headers = world.upstream_headers.clone().unwrap();
    let begin = |member: &str, headers: &mut Headers| {
        let before = headers.clone();
        let (stream, edits) = AttemptStream::begin(&ticket, "p", member, world.moment(), || before).unwrap();
        edits.apply(headers);
        stream
    };
    begin("a", &mut headers);
    // As `aws_request_signing` and `credential_injector` in the cluster of `a` do.
    let mut added = HeaderEdits::default();
    for (name, value) in [
        ("authorization", "AWS4-HMAC-SHA256 of-a"),
        ("x-amz-security-token", "of-a"),
        ("x-amz-date", "of-a"),
        ("x-two", "of-a"),
        ("x-envoy-attempt-count", "2"),
    ] {
        added.set(name, value);
    }
    added.remove("x-gone");
    added.apply(&mut headers);
    begin("b", &mut headers);
    let is_of_a = |(_, value): (&str, &[u8])| value.ends_with(b"of-a");
    assert!(!headers.iter().any(is_of_a), "{headers:?}");
    for (name, value) in [
        ("x-amz-security-token", None),
        ("x-amz-date", Some("client")),
        ("x-two", Some("1, 2")),
        ("x-gone", Some("g")),
        ("x-same", Some("s")),
        ("x-envoy-attempt-count", Some("2")),
        ("x-api-key", Some("key-of-b-0123456789")),
        ("x-ai-bridge-pool", None),
    ] {
        assert_eq!(headers.text(name), value, "{name}");
    }
}

/// `moment` so many seconds later by the wall clock and by the other one.
fn later(moment: Moment, wall: u64, clock: u64) -> Moment {
    Moment { wall: moment.wall + Duration::from_secs(wall), clock: moment.clock + Duration::from_secs(clock) }
}

#[test]
fn an_attempts_time_follows_the_clock_that_durations_are_measured_with() {
    let mut world = request_at(&pool(|_| {}), 0, &[]);
    let (ticket, now) = (world.ticket(), world.moment());
    let begin = |member, now| AttemptStream::begin(&ticket, "p", member, now, Headers::default).unwrap().0;
    // The wall clock is set forward by an hour.
    begin("a", now).response_headers(&head("500", &[]), later(now, 3602, 2));
    let failure = Failure { is_connect_failure: false, limit: Some(Duration::from_secs(10)) };
    begin("b", later(now, 3602, 2)).over(failure, later(now, 3605, 5).clock);
    let mut answer = head("200", &[]);
    begin("c", later(now, 3605, 5)).response_headers(&answer, later(now, 5, 6)).0.apply(&mut answer);
    world.answer(answer, false).download(ANSWER.as_bytes(), true).done();
    let attempts = world.record()["attempts"].clone();
    assert_eq!(
        attempts,
        json!([
            {"member": "a", "status": 500, "ms": 2000},
            {"member": "b", "error": "reset", "ms": 3000},
            {"member": "c", "status": 200, "ms": 1000},
        ])
    );
}

#[test]
fn a_member_that_was_set_aside_during_the_first_attempt_is_made_usable_by_the_second() {
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

#[test]
fn where_the_last_attempt_has_no_answer_no_earlier_one_has_served() {
    let (world, asked) = exchange(
        &pool(|_| {}),
        &[("a", answers(429, &[])), ("b", answers(503, &[])), ("c", Member::Refuses)],
    );
    assert_eq!(asked.len(), 3);
    let record = world.record();
    assert_eq!(record["upstream"], json!({"host": "c.example", "cluster": "p-c"}));
    assert_eq!(record["outcome"], json!("unavailable"));
}

#[test]
fn a_callers_own_key_reaches_no_host_but_the_first_members() {
    let world = request_at(&pool(|_| {}), 0, &[("x-api-key", "sk-ant-own-0123456789")]);
    let begin = |member| {
        AttemptStream::begin(&world.ticket(), "p", member, world.moment(), Headers::default).is_some()
    };
    assert_eq!(["a", "b", "e"].map(begin), [true, false, false]);
}

#[test]
fn the_first_writers_of_two_workers_do_not_overwrite_each_other() {
    type Values = BTreeMap<String, (Vec<u8>, u32)>;
    /// Envoy's shared data: version 0 is not compared.
    #[derive(Clone, Default)]
    struct Unconditional(Rc<RefCell<Values>>);
    impl SharedData for Unconditional {
        fn read(&self, key: &str) -> (Vec<u8>, u32) {
            self.0.borrow().get(key).cloned().unwrap_or_default()
        }

        fn write(&self, key: &str, value: &[u8], version: u32) -> bool {
            let mut data = self.0.borrow_mut();
            let current = data.get(key).map_or(0, |(_, version)| *version);
            if version != 0 && version != current {
                return false;
            }
            data.insert(key.to_owned(), (value.to_vec(), current + 1));
            true
        }
    }
    let shared = Unconditional::default();
    let provider =
        json!({"type": "anthropic", "name": "p", "start": "session", "pool": (["a", "b"].map(member))});
    let config = json!({"providers": [provider]}).to_string();
    let build = || {
        let config = ai_bridge::config::Config::parse(config.as_bytes(), &|_| None).unwrap();
        Bridge::new(config).sharing(Rc::new(shared.clone()))
    };
    build();
    let before = shared.0.borrow().clone();
    assert_eq!(before.len(), 1 + 64, "the members, and the sessions that moved");
    assert!(before.values().all(|(value, version)| *value == [1] && *version == 1));
    build();
    assert_eq!(*shared.0.borrow(), before, "a later worker changes nothing");
}

#[test]
fn no_filter_in_the_connection_manager_sees_a_key() {
    for path in ["POST /p/v1/messages", "GET /p/v1/models"] {
        let mut world = World::new(&pool(|_| {}));
        world.request(head(path, &[("x-api-key", "gw"), ("cookie", "x")]), false);
        let headers = world.upstream_headers.as_ref().unwrap();
        assert!(headers.iter().all(|(_, value)| !String::from_utf8_lossy(value).contains("key-of")));
    }
}

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
fn attempts_without_an_answer_are_recorded_and_set_nothing_aside() {
    let bridge = pool(|_| {});
    let script =
        [("a", Member::Refuses), ("b", Member::Resets), ("c", Member::Sleeps(Duration::from_secs(3)))];
    let (world, _) = exchange(&bridge, &script);
    let failed = [("a", "connect_failure"), ("b", "reset"), ("c", "timeout")];
    assert_eq!(attempts(&world), failed.map(|(member, error)| (member.to_owned(), json!(error))));
    let record = world.record();
    assert_eq!(
        (record["outcome"].as_str(), record["attempts"][2]["ms"].as_u64()),
        (Some("unavailable"), Some(3020))
    );
    assert_eq!(list_at(&bridge, 4), "a,b,c");
}

#[test]
fn the_record_is_that_of_the_served_attempt() {
    let (world, _) = exchange(&pool(|_| {}), &[("a", answers(429, &[("request-id", "of-a")]))]);
    let record = world.record();
    assert_eq!(record["upstream"], json!({"host": "b.example", "cluster": "p-b"}));
    assert_eq!(record["credential"], json!({"kind": "centralized", "hint": "ke...89"}));
    assert_eq!(
        (record["response"]["status"].as_u64(), record["usage"]["output_tokens"].as_u64()),
        (Some(200), Some(5))
    );
    assert_eq!(record["attempts"][0]["ms"], json!(20));
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
fn a_callers_own_key_goes_once_to_the_first_member_untouched() {
    let bridge = pool(|provider| provider["byok_cluster"] = json!("own"));
    exchange(&bridge, &[("a", answers(429, &[("retry-after", "600")]))]);
    let own = [("x-api-key", "sk-ant-own-0123456789"), ("x-both", "client")];
    let (world, asked) = exchange_at(&bridge, 1, &own, &[("a", answers(429, &[("retry-after", "9")]))]);
    assert_eq!(world.sent("x-ai-bridge-pool"), Some("p"));
    assert_eq!(world.sent("x-ai-bridge-cluster"), Some("own"));
    let [a] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(a.headers.text("x-api-key"), Some("sk-ant-own-0123456789"));
    assert_eq!(
        (a.headers.text(":path"), a.headers.text(":authority")),
        (Some("/base-a/v1/messages?x=%2F"), Some("a.example"))
    );
    assert!(!a.headers.contains("x-ai-bridge-pool"));
    assert_eq!(world.client_headers.as_ref().unwrap().text("retry-after"), Some("9"));
    let record = world.record();
    assert_eq!(
        (record["attempts"].clone(), record["affinity"].clone(), record["notes"].clone()),
        (Value::Null, Value::Null, json!([]))
    );
    assert_eq!(
        (record["credential"]["kind"].as_str(), record["upstream"]["cluster"].as_str()),
        (Some("byok"), Some("own"))
    );
    // Its success tells nothing of the member's key.
    exchange_at(&bridge, 2, &own, &[]);
    assert_eq!(list_at(&bridge, 3), "b,c,d");
}

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

#[test]
fn a_session_is_hashed_to_a_member_and_keeps_it() {
    let bridge = pool(|provider| provider["start"] = json!("session"));
    let agent = ("user-agent", "claude-cli/2.0.0 (external, cli)");
    let list = |lines: &[(&str, &str)]| {
        let world = request_at(&bridge, 0, lines);
        world.sent("x-ai-bridge-pool").unwrap().to_owned()
    };
    let session = |n: usize| format!("session-{n}");
    let lists: BTreeSet<String> =
        (0..50).map(|n| list(&[agent, ("x-claude-code-session-id", session(n).as_str())])).collect();
    assert!(lists.len() > 20, "sessions spread over members and orders: {}", lists.len());
    for n in 0..5 {
        let lines = [agent, ("x-claude-code-session-id", &session(n) as &str)];
        assert_eq!(list(&lines), list(&lines));
    }
    // The actor, else the configured order.
    let actors: BTreeSet<String> = (0..50).map(|n| list(&[("x-actor", &format!("u{n}"))])).collect();
    assert!(actors.len() > 20);
    assert_eq!(list(&[]), "p/a,b,c");
}

#[test]
fn a_session_that_had_to_move_stays_where_it_went_for_an_hour() {
    let bridge = pool(|provider| provider["start"] = json!("session"));
    let lines = [("x-actor", "someone")];
    let home = exchange_at(&bridge, 0, &lines, &[]);
    let home_name = home.1[0].member.clone();
    assert_eq!(home.0.record()["affinity"], json!({"member": home_name}));
    let (moved, asked) =
        exchange_at(&bridge, 1, &lines, &[(&home_name, answers(529, &[("retry-after", "5")]))]);
    let away = asked[1].member.clone();
    assert_eq!(moved.record()["affinity"], json!({"member": away, "moved": true}));
    for second in [2, 10, 3000] {
        let (stays, asked) = exchange_at(&bridge, second, &lines, &[]);
        assert_eq!(names(&asked), std::slice::from_ref(&away), "{second}");
        assert_eq!(stays.record()["affinity"], json!({"member": away}));
    }
    assert_eq!(exchange_at(&bridge, 3700, &lines, &[]).1[0].member, home_name);
    // A session that was not there moves with its first request.
    exchange_at(&bridge, 4000, &[], &[("a", answers(429, &[("retry-after", "600")]))]);
    assert_eq!(exchange_at(&bridge, 4001, &[], &[]).0.record()["affinity"], Value::Null, "no session");
}

#[test]
fn a_models_name_is_the_members_own_in_the_body_and_in_the_path() {
    let bridge = pool(|provider| {
        provider["pool"][1]["models"] = json!({"claude-opus-*": "opus/on b", "*": "x"});
    });
    let mut world = World::new(&bridge);
    let lines = [("content-length", &*REQUEST.len().to_string())];
    world.request(head("POST /p/v1/messages", &lines), false).upload(REQUEST.as_bytes(), true);
    let asked = world.attempts(3, &|name| if name == "c" { answers(200, &[]) } else { answers(500, &[]) });
    let mapped = REQUEST.replace("claude-opus-4", "opus/on b");
    let bodies: Vec<&[u8]> = asked.iter().map(|asked| asked.body.as_slice()).collect();
    assert_eq!(bodies, [REQUEST.as_bytes(), mapped.as_bytes(), REQUEST.as_bytes()]);
    let lengths: Vec<bool> = asked.iter().map(|asked| asked.headers.contains("content-length")).collect();
    assert_eq!(lengths, [true, false, true]);

    let models = json!({"gpt-*": "my gpt/1", "*": "y"});
    let members = ["a", "b"].map(|name| {
        let mut member = member(name);
        member["models"] = if name == "b" { models.clone() } else { json!({"*": "plain"}) };
        member
    });
    let azure = json!({"type": "azure", "name": "p", "pool": members, "query": {"api-version": "1"}});
    let bridge = world::bridge(&json!({"providers": [azure]}).to_string());
    let mut world = World::new(&bridge);
    let body = r#"{"model":"gpt-5","messages":[]}"#;
    world
        .request(head("POST /p/openai/deployments/gpt%2D5/chat/completions?a=gpt-5", &[]), false)
        .upload(body.as_bytes(), true);
    let asked = world.attempts(3, &|name| if name == "b" { answers(200, &[]) } else { answers(500, &[]) });
    let paths: Vec<_> = asked.iter().map(|asked| asked.headers.text(":path").unwrap()).collect();
    assert_eq!(
        paths,
        [
            "/base-a/openai/deployments/plain/chat/completions?a=gpt-5&api-version=1",
            "/base-b/openai/deployments/my%20gpt%2F1/chat/completions?a=gpt-5&api-version=1",
        ]
    );
    assert!(asked.iter().all(|asked| asked.body == body.as_bytes()), "the body's model is not read");
}

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

#[test]
fn shared_data_of_another_version_means_that_every_member_is_usable() {
    struct Garbage(LocalData);
    impl SharedData for Garbage {
        fn read(&self, key: &str) -> (Vec<u8>, u32) {
            let (_, version) = self.0.read(key);
            (vec![9; 1000], version)
        }

        fn write(&self, _: &str, _: &[u8], _: u32) -> bool {
            false
        }
    }
    let provider =
        json!({"type": "anthropic", "name": "p", "start": "session", "pool": (["a", "b"].map(member))});
    let config = json!({"providers": [provider], "actor": {"header": "x-actor"}}).to_string();
    let config = ai_bridge::config::Config::parse(config.as_bytes(), &|_| None).unwrap();
    let bridge = Rc::new(Bridge::new(config).sharing(Rc::new(Garbage(LocalData::default()))));
    for second in 0..3 {
        let failing = answers(429, &[]);
        let (world, asked) =
            exchange_at(&bridge, second, &[("x-actor", "u")], &[("a", failing.clone()), ("b", failing)]);
        assert_eq!(asked.len(), 2);
        assert_eq!(world.client_headers.as_ref().unwrap().text("retry-after"), None);
    }
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

#[test]
fn pools_are_measured() {
    let bridge = pool(|provider| provider["pool"].as_array_mut().unwrap().truncate(3));
    let script = [("a", answers(429, &[])), ("b", Member::Resets)];
    let (world, _) = exchange(&bridge, &script);
    let measured = |world: &World| -> Vec<String> {
        let all = world.measured.iter().map(|m| format!("{}{}", m.series.raw_name(), m.value));
        all.filter(|name| name.contains("pool") || name.contains("failover")).collect()
    };
    assert_eq!(
        measured(&world),
        [
            "ai_bridge_pool_usable.provider=.=p;.;member=.=a;.;1",
            "ai_bridge_pool_usable.provider=.=p;.;member=.=b;.;1",
            "ai_bridge_pool_usable.provider=.=p;.;member=.=c;.;1",
            "ai_bridge_pool_aside_total.provider=.=p;.;member=.=a;.;reason=.=429;.;1",
            "ai_bridge_failover_total.provider=.=p;.;from=.=a;.;to=.=b;.;reason=.=429;.;1",
            "ai_bridge_failover_total.provider=.=p;.;from=.=b;.;to=.=c;.;reason=.=reset;.;1",
        ]
    );
    let (world, _) = exchange_at(&bridge, 1, &[], &[]);
    let usable = |states: [u8; 3]| {
        let gauge =
            |(member, state)| format!("ai_bridge_pool_usable.provider=.=p;.;member=.={member};.;{state}");
        ["a", "b", "c"].into_iter().zip(states).map(gauge).collect::<Vec<_>>()
    };
    assert_eq!(
        measured(&world),
        usable([0, 1, 1]),
        "all, because other workers may have shown something else"
    );
    let (world, _) = exchange_at(&bridge, 70, &[], &[]);
    assert_eq!(measured(&world)[..3], usable([1, 1, 1]));
    assert_eq!(measured(&exchange_at(&bridge, 71, &[], &[]).0), [""; 0]);
    exchange_at(&bridge, 72, &[], &[("a", answers(429, &[("retry-after", "1")]))]);
    let remaining = answers(
        200,
        &[("anthropic-ratelimit-requests-remaining", "7"), ("content-type", "application/json")],
    );
    let (world, _) = exchange_at(&bridge, 2, &[], &[("b", remaining)]);
    let names: Vec<String> = world.measured.iter().map(|m| m.series.raw_name()).collect();
    assert!(
        names.contains(
            &"ai_bridge_upstream_remaining.provider=.=p;.;of=.=requests;.;member=.=b;.;".to_owned()
        ),
        "{names:?}"
    );
}

#[test]
fn no_output_shows_a_members_key() {
    let mut world = World::watched(&pool(|_| {}));
    world.request(head("POST /p/v1/messages", &[]), false).upload(REQUEST.as_bytes(), true);
    let shown = world.shown();
    assert!(!shown.contains("key-of") && !world.steps.contains("key-of"), "{shown}");
}
