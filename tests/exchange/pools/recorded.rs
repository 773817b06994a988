//! What the record and the metrics say of the attempts.

use super::{ANSWER, answers, attempts, exchange, exchange_at, later, list_at, pool, request_at};
use ai_bridge::headers::Headers;
use ai_bridge::pool::{AttemptStream, Failure};
use core::time::Duration;
use serde_json::json;
use world::{Member, World, head};

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
fn envoys_reply_says_how_an_attempt_failed_whose_end_is_not_known_yet() {
    for (details, status, error) in [
        ("upstream_reset_before_response_started{connection_termination}", "503", json!("reset")),
        (
            "upstream_reset_before_response_started{remote_connection_failure}",
            "503",
            json!("connect_failure"),
        ),
        ("upstream_response_timeout", "504", json!("timeout")),
        ("stream_idle_timeout", "408", json!(null)),
    ] {
        let mut world = request_at(&pool(|_| {}), 0, &[]);
        let (ticket, now) = (world.ticket(), world.moment());
        let _open = AttemptStream::begin(&ticket, "p", "a", now, Headers::default);
        world.answer_by(details, head(status, &[]), true).done();
        assert_eq!(world.record()["attempts"][0]["error"], error, "{details}");
    }
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

/// The error's code, and how the request is refused.
type Refusal<'r> = (&'r str, &'r dyn Fn(&mut World));

#[test]
fn a_refused_request_is_no_failure_of_the_member_that_got_its_beginning() {
    let bridge = pool(|provider| provider["models"] = json!({"deny": ["denied"]}));
    let refused: [Refusal<'_>; 2] = [
        ("request_timeout", &|world| {
            world.answer_by("stream_idle_timeout", head("408", &[]), false);
        }),
        ("forbidden", &|world| {
            world.answer_by("rbac_access_denied", head("403", &[]), false);
        }),
    ];
    for (code, refuse) in refused {
        let mut world = World::new(&bridge);
        world.request(head("POST /p/v1/messages", &[]), false);
        let attempt =
            AttemptStream::begin(&world.ticket(), "p", "a", world.moment(), Headers::default).unwrap();
        // Envoy ends the attempt before it hands the reply on.
        attempt.0.over(Failure { is_connect_failure: false, limit: None }, world.now());
        refuse(&mut world);
        world.done();
        let record = world.record();
        assert_eq!(record["error"]["code"], json!(code));
        assert_eq!(record["attempts"], json!([{"member": "a", "ms": 0}]), "{code}");
    }
}

#[test]
fn an_attempt_that_failed_before_the_request_was_refused_keeps_its_error() {
    let bridge = pool(|provider| provider["models"] = json!({"deny": ["denied"]}));
    let failure = Failure { is_connect_failure: false, limit: None };
    for fails_first in [true, false] {
        let mut world = World::new(&bridge);
        world.request(head("POST /p/v1/messages", &[]), false);
        let begin = |world: &World, name| {
            AttemptStream::begin(&world.ticket(), "p", name, world.moment(), Headers::default).unwrap().0
        };
        begin(&world, "a").over(failure, world.now());
        let second = (!fails_first).then(|| begin(&world, "b"));
        world.upload(br#"{"messages":[],"model":"denied"}"#, true);
        if let Some(second) = second {
            second.over(failure, world.now());
        }
        world.done();
        let record = world.record();
        assert_eq!(record["error"]["code"], json!("model_denied"));
        let both = [json!({"member": "a", "ms": 0, "error": "reset"}), json!({"member": "b", "ms": 5})];
        assert_eq!(record["attempts"].as_array().unwrap()[..], both[..2 - usize::from(fails_first)]);
    }
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

/// The gauges of `world` about what is left of the members' limits: the member, and the value.
fn remaining(world: &World) -> Vec<(String, u64)> {
    let begin = "ai_bridge_upstream_remaining.provider=.=p;.;of=.=requests;.;member=.=";
    let gauge = |measured: &ai_bridge::metric::Measurement| {
        let name = measured.series.raw_name();
        Some((name.strip_prefix(begin)?.strip_suffix(";.;")?.to_owned(), measured.value))
    };
    world.measured.iter().filter_map(gauge).collect()
}

#[test]
fn each_answer_to_a_members_key_sets_its_gauge_once() {
    const LEFT: &str = "anthropic-ratelimit-requests-remaining";
    let script = [
        ("a", answers(429, &[(LEFT, "0"), ("x-ratelimit-remaining-tokens", "5")])),
        ("b", answers(500, &[(LEFT, "11")])),
        ("c", answers(529, &[(LEFT, "7")])),
    ];
    let all = [("a", 0), ("b", 11), ("c", 7)].map(|(member, left)| (member.to_owned(), left));
    let (world, _) = exchange(&pool(|_| {}), &script);
    assert_eq!(remaining(&world), all);
    // The key of each member decides, not that of the first one.
    for (keyless, at) in [("a", 0), ("b", 1), ("c", 2)] {
        let bridge = pool(|provider| provider["pool"][at]["key"] = json!({"none": true}));
        let (world, _) = exchange(&bridge, &script);
        let mut others = all.to_vec();
        others.retain(|(member, _)| member != keyless);
        assert_eq!(remaining(&world), others, "{keyless}");
    }
}

#[test]
fn pools_are_not_measured_without_metrics() {
    let member = |name: &str| json!({"name": name, "key": {"value": "k"}});
    let providers = json!([{"type": "anthropic", "name": "p", "pool": [member("a"), member("b")]}]);
    let bridge = world::bridge(&json!({"providers": providers, "metrics": false}).to_string());
    for seconds in [0, 1] {
        let script = [("a", answers(429, &[("retry-after", "1")]))];
        let (world, _) = exchange_at(&bridge, seconds, &[], &script);
        assert_eq!(world.measured, []);
    }
    // Member a answers again.
    let (world, asked) = exchange_at(&bridge, 5, &[], &[]);
    assert_eq!((world.measured.len(), asked.len()), (0, 1));
}

#[test]
fn the_member_that_answers_decides_how_its_usage_is_read() {
    let google = "https://generativelanguage.googleapis.com/v1beta/openai";
    let bridge = world::bridge(
        &json!({"providers": [{"type": "openai", "name": "p", "pool": [
            {"name": "a", "key": {"none": true}},
            {"name": "b", "key": {"none": true}, "base_url": google},
        ]}]})
        .to_string(),
    );
    // Google's total has thoughts that its completion tokens lack.
    let answer = r#"{"id":"1","object":"chat.completion","model":"m","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":25}}"#;
    for (first, output) in [(200, 5), (429, 15)] {
        let mut world = World::new(&bridge);
        world.request(head("POST /p/v1/chat/completions", &[]), false).upload(br#"{"model":"m"}"#, true);
        world.attempts(9, &|name| answers(if name == "a" { first } else { 200 }, &[]));
        world.download(answer.as_bytes(), true).done();
        assert_eq!(world.record()["usage"]["output_tokens"], json!(output), "{first}");
    }
}
