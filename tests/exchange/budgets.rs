//! What callers are told about budgets: warnings in response headers, the reply where a budget is used up, the record.

use ai_bridge::bridge::Bridge;
use ai_bridge::headers::Headers;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{CONFIGURATION, World, bridge, changed, head};

const MESSAGES: &str = "/anthropic/v1/messages";
const CHAT: &str = "/openai/v1/chat/completions";
const RESPONSES: &str = "/openai/v1/responses";
const BY_RATE_LIMIT: &str = "request_rate_limited";
/// When the budgets of these tests open again. A world's second callback comes 10 ms after this minus 3600 s.
const RESETS_AT: u64 = 1_795_411_980 + 3600;
const RESETS_AT_WORDS: &str = "2026-11-23T06:33:00";

/// The headers of Envoy's rate limit filter for a budget of 100.
fn stated(remaining: &str) -> [(&str, &str); 3] {
    [
        ("x-ratelimit-limit", "100, 100;w=86400, 5000;w=60"),
        ("x-ratelimit-remaining", remaining),
        ("x-ratelimit-reset", "3600"),
    ]
}

/// A stream of an actor with the central key, whose response has the headers `lines`.
fn answered(bridge: &Rc<Bridge>, path: &str, details: &str, status: &str, lines: &[(&str, &str)]) -> World {
    answered_as(bridge, &[("x-actor", "ada")], path, details, status, lines)
}

fn answered_as(
    bridge: &Rc<Bridge>,
    caller: &[(&str, &str)],
    path: &str,
    details: &str,
    status: &str,
    lines: &[(&str, &str)],
) -> World {
    let mut world = World::new(bridge);
    world.request(head(&format!("POST {path}"), caller), false);
    world.upload(br#"{"model":"m"}"#, true).answer_by(details, head(status, lines), false);
    world
}

fn passed(path: &str, remaining: &str) -> World {
    answered(&bridge(CONFIGURATION), path, "via_upstream", "200", &stated(remaining))
}

fn refused(bridge: &Rc<Bridge>, path: &str) -> World {
    answered(bridge, path, BY_RATE_LIMIT, "429", &stated("0"))
}

/// The headers whose names begin with `prefix`, without it.
fn below(headers: &Headers, prefix: &str) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).unwrap();
    let mut found: Vec<(String, String)> = headers
        .iter()
        .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?.to_owned(), text(value))))
        .collect();
    found.sort();
    found
}

fn client(world: &World, prefix: &str) -> Vec<(String, String)> {
    below(world.client_headers.as_ref().unwrap(), prefix)
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn expected_unified(status: &str, used: &str, threshold: Option<&str>) -> Vec<(String, String)> {
    let at = RESETS_AT.to_string();
    let mut all =
        pairs(&[("overage-reset", &at), ("overage-utilization", used), ("reset", &at), ("status", status)]);
    if let Some(threshold) = threshold {
        all.extend(pairs(&[
            ("overage-status", status),
            ("overage-surpassed-threshold", threshold),
            ("representative-claim", "overage"),
        ]));
    }
    all.sort();
    all
}

#[test]
fn responses_carry_codex_headers_from_the_first_request_on() {
    for (remaining, percent) in [("100", "0"), ("50", "50"), ("25", "75"), ("1", "99"), ("0", "99")] {
        let world = passed(RESPONSES, remaining);
        let expected = pairs(&[
            ("reset-at", &RESETS_AT.to_string()),
            ("used-percent", percent),
            ("window-minutes", "1440"),
        ]);
        assert_eq!(client(&world, "x-codex-primary-"), expected, "{remaining}");
    }
}

#[test]
fn messages_carry_unified_headers_with_a_claim_from_three_quarters_on() {
    for (remaining, status, used, threshold) in [
        ("100", "allowed", "0.00", None),
        ("26", "allowed", "0.74", None),
        ("25", "allowed_warning", "0.75", Some("0.75")),
        ("6", "allowed_warning", "0.94", Some("0.75")),
        ("5", "allowed_warning", "0.95", Some("0.95")),
        ("0", "allowed_warning", "0.99", Some("0.95")),
    ] {
        let world = passed(MESSAGES, remaining);
        let expected = expected_unified(status, used, threshold);
        assert_eq!(client(&world, "anthropic-ratelimit-unified-"), expected, "{remaining}");
    }
}

#[test]
fn a_budget_replaces_the_organisations_own_unified_headers() {
    let theirs = [
        ("anthropic-ratelimit-unified-status", "rejected"),
        ("anthropic-ratelimit-unified-5h-utilization", "0.3"),
        ("anthropic-ratelimit-unified-overage-status", "rejected"),
        ("anthropic-ratelimit-requests-remaining", "41"),
    ];
    let bridge = bridge(CONFIGURATION);
    let lines = [stated("50").as_slice(), &theirs].concat();
    let world = answered(&bridge, MESSAGES, "via_upstream", "200", &lines);
    let got = client(&world, "anthropic-ratelimit-");
    assert!(got.contains(&("requests-remaining".to_owned(), "41".to_owned())));
    assert_eq!(client(&world, "anthropic-ratelimit-unified-"), expected_unified("allowed", "0.50", None));
    let world = answered(&bridge, MESSAGES, "via_upstream", "200", &theirs);
    assert_eq!(client(&world, "anthropic-ratelimit-").len(), 4, "without a budget they stay");
}

#[test]
fn chat_completions_have_no_warning() {
    let bridge = bridge(CONFIGURATION);
    let world = answered(&bridge, CHAT, "via_upstream", "200", &stated("5"));
    assert_eq!(beside_the_id(&world), head("200", &stated("5")));
}

#[test]
fn every_answer_warns_also_an_error_and_a_reply_of_another_filter() {
    let bridge = bridge(CONFIGURATION);
    for status in ["400", "429", "500"] {
        let world = answered(&bridge, RESPONSES, "via_upstream", status, &stated("25"));
        assert_eq!(client(&world, "x-codex-primary-used-percent"), pairs(&[("", "75")]), "{status}");
    }
    for (status, remaining) in [("503", "25"), ("503", "0"), ("403", "25"), ("429", "25")] {
        let world = answered(&bridge, RESPONSES, "x", status, &stated(remaining));
        let used = if remaining == "0" { "99" } else { "75" };
        assert_eq!(world.reply_header("x-codex-primary-used-percent"), Some(used), "{status}");
        assert_eq!(world.reply_header("x-codex-promo-message"), None);
    }
}

#[test]
fn a_429_of_the_provider_is_never_the_wall() {
    let bridge = bridge(CONFIGURATION);
    let mut world = answered(&bridge, MESSAGES, "via_upstream", "429", &stated("0"));
    assert!(world.reply.is_none());
    let record = world.done().record();
    assert_eq!(record["budget"]["notice"], "warning");
    assert_eq!(record["budget"]["used"], json!(0.99));
}

#[test]
fn the_wall_is_told_in_the_words_of_each_api() {
    let bridge = bridge(CONFIGURATION);
    let message =
        format!("AI gateway: a budget for your requests is used up; it opens again at {RESETS_AT_WORDS}Z");
    for (path, kind, body) in [
        (
            RESPONSES,
            "usage_limit_reached",
            json!({"error": {"message": message, "type": "usage_limit_reached", "param": null,
                "code": "usage_limit_reached", "resets_at": RESETS_AT}}),
        ),
        (
            CHAT,
            "insufficient_quota",
            json!({"error": {"message": message, "type": "insufficient_quota", "param": null,
                "code": "insufficient_quota"}}),
        ),
        (
            MESSAGES,
            "billing_error",
            json!({"type": "error", "error": {"type": "billing_error", "message": message}}),
        ),
    ] {
        let mut world = refused(&bridge, path);
        assert_eq!(world.replied(), (429, body), "{path}");
        assert_eq!(world.reply_header("retry-after"), Some("3600"), "{path}");
        assert_eq!(world.reply_header("x-should-retry"), Some("false"), "{path}");
        assert_eq!(world.reply_header("x-ratelimit-remaining"), Some("0"), "{path}");
        let headers = Headers::new(world.reply.as_ref().unwrap().headers.clone());
        assert!(!headers.repeats("retry-after") && !headers.repeats("x-should-retry"), "{path}");
        let at = RESETS_AT.to_string();
        let unified =
            if path == MESSAGES { pairs(&[("reset", &at), ("status", "rejected")]) } else { vec![] };
        assert_eq!(below(&headers, "anthropic-ratelimit-unified-"), unified, "{path}");
        let codex = if path == RESPONSES { pairs(&[("promo-message", &message)]) } else { vec![] };
        assert_eq!(below(&headers, "x-codex-"), codex, "{path}");

        let record = world.finish(BY_RATE_LIMIT).record();
        assert_eq!(record["outcome"], "rejected");
        assert_eq!(record["error"], json!({"type": kind, "code": "budget_exhausted", "message": message}));
        let resets_at = format!("{RESETS_AT_WORDS}.000Z");
        assert_eq!(record["budget"], json!({"used": 1, "resets_at": resets_at, "notice": "exhausted"}));
        let reasons = world
            .measured
            .iter()
            .filter(|measurement| measurement.series.raw_name().contains("reason=.=budget_exhausted"));
        assert_eq!(reasons.count(), 1, "{path}");
    }
}

#[test]
fn the_operators_message_ends_the_sentence_and_is_plain_in_a_header() {
    let text = "Ask ⟨#ai-budgets⟩:\n+49\u{7f}1 \"ö\"";
    let bridge = changed(|all| all["budget"] = json!({"message": text}));
    let opens =
        format!("AI gateway: a budget for your requests is used up; it opens again at {RESETS_AT_WORDS}Z. ");
    for path in [MESSAGES, CHAT, RESPONSES] {
        let world = refused(&bridge, path);
        assert_eq!(world.replied().1["error"]["message"], json!(format!("{opens}{text}")), "{path}");
    }
    let plain = format!("{opens}Ask ?#ai-budgets?: +49 1 \"?\"");
    assert_eq!(refused(&bridge, RESPONSES).reply_header("x-codex-promo-message"), Some(plain.as_str()));
}

/// The reply without a budget, and no member in the record.
fn assert_plain_reply(mut world: World, at: &str) {
    let (status, body) = world.replied();
    assert_eq!(status, 429, "{at}");
    assert_eq!(body["error"]["type"], "rate_limit_error", "{at}");
    assert_eq!(world.reply_header("x-codex-promo-message"), None, "{at}");
    assert_eq!(world.reply_header("anthropic-ratelimit-unified-status"), None, "{at}");
    let record = world.finish(BY_RATE_LIMIT).record();
    assert_eq!(record["error"]["code"], "rate_limited", "{at}");
    assert_eq!(record["budget"], Value::Null, "{at}");
}

/// The headers that the client gets, without the record's id.
fn beside_the_id(world: &World) -> Headers {
    let headers = world.client_headers.as_ref().unwrap().iter();
    let others = headers.filter(|(name, _)| *name != "x-ai-bridge-id");
    Headers::new(others.map(|(name, value)| (name.to_owned(), value.to_vec())).collect())
}

/// No header of a passing response changes except by the record's id, and the record has no member.
fn assert_untouched(mut world: World, lines: &[(&str, &str)], at: &str) {
    assert_eq!(beside_the_id(&world), head("200", lines), "{at}");
    assert_eq!(world.done().record()["budget"], Value::Null, "{at}");
}

#[test]
fn without_notices_central_key_or_actor_nothing_is_told() {
    let silent = changed(|all| all["notices"] = json!(false));
    let bridge = bridge(CONFIGURATION);
    let own = |path: &str| {
        if path == MESSAGES { ("x-api-key", "sk-ant-api03-OWN") } else { ("authorization", "Bearer own") }
    };
    let lines = stated("5");
    for path in [MESSAGES, RESPONSES] {
        let byok = [("x-actor", "ada"), own(path)];
        for (bridge, caller, at) in [
            (&silent, &[("x-actor", "ada")][..], "notices"),
            (&bridge, &byok, "byok"),
            (&bridge, &[], "actor"),
        ] {
            let world = answered_as(bridge, caller, path, BY_RATE_LIMIT, "429", &stated("0"));
            assert_plain_reply(world, at);
            let world = answered_as(bridge, caller, path, "via_upstream", "200", &lines);
            assert_untouched(world, &lines, at);
        }
    }
}

#[test]
fn without_notices_response_headers_only_gain_the_id() {
    let silent = changed(|all| all["notices"] = json!(false));
    let theirs = [
        ("content-type", "application/json"),
        ("retry-after", "7"),
        ("x-should-retry", "true"),
        ("request-id", "req_1"),
        ("x-request-id", "req_2"),
        ("anthropic-ratelimit-unified-status", "allowed_warning"),
        ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
        ("anthropic-ratelimit-unified-5h-utilization", "0.91"),
        ("x-codex-primary-used-percent", "91"),
        ("x-codex-promo-message", "theirs"),
        ("x-ratelimit-limit-requests", "18446744073709551616"),
        ("x-ratelimit-remaining-tokens", "-1"),
        ("x-ratelimit-reset-tokens", "6m0s"),
    ];
    let lines = [stated("3").as_slice(), &theirs].concat();
    for path in [MESSAGES, CHAT, RESPONSES, "/copilot/responses", "/copilot/v1/messages"] {
        for status in ["200", "400", "401", "429", "500", "529"] {
            let world = answered(&silent, path, "via_upstream", status, &lines);
            assert_eq!(beside_the_id(&world), head(status, &lines), "{path} {status}");
        }
    }
}

#[test]
fn copilot_is_untouched() {
    let bridge = bridge(CONFIGURATION);
    let caller = [("x-actor", "ada"), ("authorization", "Bearer gho_0123456789")];
    let lines = stated("5");
    for path in ["/copilot/responses", "/copilot/v1/messages"] {
        let world = answered_as(&bridge, &caller, path, "via_upstream", "200", &lines);
        assert_untouched(world, &lines, path);
        let world = answered_as(&bridge, &caller, path, BY_RATE_LIMIT, "429", &stated("0"));
        assert_plain_reply(world, path);
    }
}

#[test]
fn other_forms_of_the_headers_are_no_budget() {
    let bridge = bridge(CONFIGURATION);
    for limit in ["100", "100;w=60", "100, 99;w=60", "1e2, 100;w=60", "4294967296, 4294967296;w=60"] {
        for (remaining, details, status) in [("0", BY_RATE_LIMIT, "429"), ("5", "via_upstream", "200")] {
            let lines = [
                ("x-ratelimit-limit", limit),
                ("x-ratelimit-remaining", remaining),
                ("x-ratelimit-reset", "7"),
            ];
            let world = answered(&bridge, RESPONSES, details, status, &lines);
            if status == "200" {
                assert_untouched(world, &lines, limit);
            } else {
                assert_eq!(world.reply_header("retry-after"), Some("7"), "{limit}");
                assert_plain_reply(world, limit);
            }
        }
    }
    assert_plain_reply(answered(&bridge, CHAT, "local_rate_limited", "429", &[]), "no headers");
}

#[test]
fn the_last_header_of_each_name_counts() {
    let theirs =
        [("x-ratelimit-limit", "7, 7;w=1"), ("x-ratelimit-remaining", "7"), ("x-ratelimit-reset", "1")];
    let lines = [theirs.as_slice(), &stated("25")].concat();
    let world = answered(&bridge(CONFIGURATION), RESPONSES, "via_upstream", "200", &lines);
    assert_eq!(client(&world, "x-codex-primary-used-percent"), pairs(&[("", "75")]));
}

#[test]
fn the_record_states_the_budget_of_any_api_and_outcome() {
    for path in [MESSAGES, CHAT, RESPONSES] {
        for (remaining, used, notice) in
            [("60", json!(0.4), Value::Null), ("20", json!(0.8), json!("warning"))]
        {
            let budget = &passed(path, remaining).record_when_gone()["budget"];
            assert_eq!(budget["used"], used, "{path}");
            assert_eq!(budget["resets_at"], json!(format!("{RESETS_AT_WORDS}.000Z")), "{path}");
            assert_eq!(budget["notice"], notice, "{path}");
        }
    }
}
