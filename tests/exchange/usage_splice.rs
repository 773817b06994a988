//! The usage splice: one member at its byte position, for every body and every cut.

use proptest::prelude::*;
use serde_json::{Value, json};
use world::splice::{check, expected, spliced};
use world::{CONFIGURATION, World, bridge, head};

const CHAT: &str = "POST /openai/v1/chat/completions";

/// Bodies with every order of `stream` and `stream_options`, and what goes upstream of them.
#[test]
fn the_splice_follows_its_rules_for_every_cut() {
    for (body, upstream) in [
        (r#"{"stream":true}"#, r#"{"stream":true,"stream_options":{"include_usage":true}}"#),
        ("{\"stream\":true \n}\n", "{\"stream\":true \n,\"stream_options\":{\"include_usage\":true}}\n"),
        (r#"{"stream":false}"#, r#"{"stream":false}"#),
        (r#"{"stream":1}"#, r#"{"stream":1}"#),
        (r#"{"stream":"true"}"#, r#"{"stream":"true"}"#),
        (r#"{}"#, r#"{}"#),
        (r#"{"n":{"stream":true}}"#, r#"{"n":{"stream":true}}"#),
        (
            r#"{"stream":true,"stream_options":null}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        (r#"{"stream_options":null,"stream":true}"#, r#"{"stream_options":null,"stream":true}"#),
        (r#"{"stream":false,"stream_options":null}"#, r#"{"stream":false,"stream_options":null}"#),
        (
            r#"{"stream_options":{},"stream":true}"#,
            r#"{"stream_options":{"include_usage":true},"stream":true}"#,
        ),
        (r#"{"stream":false,"stream_options":{}}"#, r#"{"stream":false,"stream_options":{}}"#),
        (
            r#"{"stream":true,"stream_options":{"include_usage":false}}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        (
            r#"{"stream":true,"stream_options":{"include_usage":null}}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        (
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
            r#"{"stream":true,"stream_options":{"include_usage":true}}"#,
        ),
        (
            r#"{"stream":true,"stream_options":{"a":[{}]}}"#,
            r#"{"stream":true,"stream_options":{"a":[{}],"include_usage":true}}"#,
        ),
        // The member cannot be added: the upstream reports the error.
        (r#"{"stream":true,"stream_options":[]}"#, r#"{"stream":true,"stream_options":[]}"#),
        (
            r#"{"stream":true,"stream_options":{"include_usage":1}}"#,
            r#"{"stream":true,"stream_options":{"include_usage":1}}"#,
        ),
        (
            r#"{"stream":true,"stream_options":{"include_usage":{}}}"#,
            r#"{"stream":true,"stream_options":{"include_usage":{}}}"#,
        ),
    ] {
        let (found, _) = spliced([body.as_bytes()]).unwrap();
        assert_eq!(String::from_utf8(found).unwrap(), upstream);
        let bytes: Vec<usize> = (1..body.len()).collect();
        check(body.as_bytes(), &bytes);
        (0..=body.len()).for_each(|at| check(body.as_bytes(), &[at]));
    }
}

#[test]
fn usage_is_cut_only_if_the_filter_asked_for_it() {
    for (body, ours) in [
        (r#"{"stream":true}"#, true),
        (r#"{"stream_options":{},"stream":false}"#, false),
        (r#"{"stream_options":{},"stream":true}"#, true),
        (r#"{"stream_options":{"include_usage":true},"stream":true}"#, false),
        (r#"{"stream_options":{"include_usage":false,"include_usage":true},"stream":true}"#, false),
        (r#"{"stream_options":{"include_usage":true,"include_usage":false},"stream":true}"#, true),
    ] {
        assert_eq!(spliced([body.as_bytes()]).unwrap().1, ours, "{body}");
        assert_eq!(expected(body.as_bytes()).1, ours, "{body}");
    }
}

#[test]
fn a_spliced_request_goes_up_without_its_length() {
    let body = br#"{"model":"gpt-5.5","stream":true,"messages":[]}"#;
    let length = body.len().to_string();
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(CHAT, &[("content-length", &length)]), false);
    assert_eq!(world.sent("content-length"), None);
    // The chunk that reaches the declared length is the last one.
    world.upload(body, false).answer(head("200", &[]), false);
    assert!(world.upstream_body.ends_with(br#","stream_options":{"include_usage":true}}"#));
    world.upload(b"", true).done();
    assert!(world.reply.is_none());
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /openai/v1/responses", &[("content-length", &length)]), false);
    assert_eq!(world.sent("content-length"), Some(length.as_str()));
}

#[test]
fn the_start_of_a_broken_literal_goes_nowhere() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(CHAT, &[]), false);
    world.upload(br#"{"stream":true,"stream_options":nu"#, false);
    assert_eq!(world.upstream_body, br#"{"stream":true,"stream_options":"#);
    world.upload(b"ts}", true);
    assert_eq!(world.replied().0, 400);
    assert_eq!(world.upstream_body, br#"{"stream":true,"stream_options":"#);
}

#[test]
fn trailers_end_a_body_that_was_edited() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(CHAT, &[]), false).upload(br#"{"stream":true,"stream_options":{}}"#, false);
    world.request_trailers().answer(head("200", &[]), true);
    assert_eq!(world.upstream_body, br#"{"stream":true,"stream_options":{"include_usage":true}}"#);
    assert!(world.reply.is_none());
}

#[test]
fn options_that_cannot_be_edited_are_noted_for_streams() {
    for (body, notes) in [
        (r#"{"stream_options":null,"stream":true}"#, json!(["stream_options_left"])),
        (r#"{"stream_options":7,"stream":true}"#, json!(["stream_options_left"])),
        (r#"{"stream_options":null,"stream":false}"#, json!([])),
        (r#"{"stream_options":null}"#, json!([])),
        (r#"{"stream":true}"#, json!([])),
    ] {
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head(CHAT, &[]), false).upload(body.as_bytes(), true);
        world.answer(head("429", &[("content-type", "application/json")]), false);
        world.download(b"{}", true).done();
        assert_eq!(world.record()["notes"], notes, "{body}");
        let value: Value = serde_json::from_slice(&world.upstream_body).unwrap();
        assert_eq!(value["stream_options"].is_object(), body == r#"{"stream":true}"#);
    }
}

const VALUES: &[&str] = &[
    "true",
    "false",
    "null",
    "0",
    "-1.5e3",
    "\"\"",
    "\"true\"",
    "[]",
    "{}",
    "[{\"include_usage\":true}]",
    "\"\\\"stream_options\\\":{\\\"include_usage\\\":false}}\"",
    "{\"stream_options\":{\"include_usage\":true},\"stream\":true}",
];

const NAMES: &[&str] = &[
    "\"stream\"",
    "\"stre\\u0061m\"",
    "\"stream_options\"",
    "\"stream\\u005foptions\"",
    "\"include_usage\"",
    "\"in\\u0063lude_usage\"",
    "\"include_obfuscation\"",
    "\"messages\"",
    "\"model\"",
    "\"\"",
];

const SPACES: &[&str] = &["", "", "", " ", "\n\t", "  \r\n"];

/// An object of these names and values, with white space anywhere.
fn object(
    name: impl Strategy<Value = String>,
    value: impl Strategy<Value = String>,
    members: std::ops::Range<usize>,
) -> impl Strategy<Value = String> {
    let space = || prop::sample::select(SPACES);
    let member = (space(), name, space(), space(), value, space())
        .prop_map(|(a, name, b, c, value, d)| format!("{a}{name}{b}:{c}{value}{d}"));
    (space(), prop::collection::vec(member, members))
        .prop_map(|(space, members)| format!("{{{}{space}}}", members.join(",")))
}

fn body() -> impl Strategy<Value = String> {
    let name = || prop::sample::select(NAMES).prop_map(str::to_owned);
    let value = || prop::sample::select(VALUES).prop_map(str::to_owned);
    let stream = prop_oneof![4 => Just("true"), 1 => Just("false"), 1 => prop::sample::select(VALUES)];
    let options = prop_oneof![3 => object(name(), value(), 0..4), 1 => Just("null".to_owned()), 1 => value()];
    let space = || prop::sample::select(SPACES);
    let deciding = (stream, options, any::<[bool; 3]>(), object(name(), value(), 0..3));
    // The deciding members come once each, in any order, between others.
    (space(), deciding, space()).prop_map(|(before, (stream, options, [has, first, last], more), after)| {
        let stream = format!("\"stream\": {stream}");
        let options = format!("\"stream_options\" :{options}");
        let other = format!("\"metadata\":{more}");
        let mut members = match (has, first) {
            (true, true) => vec![options, stream],
            (true, false) => vec![stream, options],
            (false, _) => vec![stream],
        };
        members.insert(if last { members.len() } else { 0 }, other);
        format!("{before}{{{}{after}}}{before}", members.join(" , "))
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_body_is_spliced_alike_for_any_chunks(body in body(), mut cuts in prop::collection::vec(0_usize..200, 0..6)) {
        cuts.iter_mut().for_each(|cut| *cut = (*cut).min(body.len()));
        cuts.sort_unstable();
        check(body.as_bytes(), &cuts);
        let bytes: Vec<usize> = (1..body.len()).collect();
        check(body.as_bytes(), &bytes);
    }

    #[test]
    fn any_members_are_spliced_by_the_rules(body in object(
        prop::sample::select(NAMES).prop_map(str::to_owned),
        prop::sample::select(VALUES).prop_map(str::to_owned),
        0..6,
    ), at in 0_usize..100) {
        check(body.as_bytes(), &[at.min(body.len())]);
    }
}

#[test]
fn a_provider_that_refuses_to_be_asked_gets_the_body_unchanged() {
    let body = r#"{"stream":true}"#;
    for (members, asks) in [
        (json!({}), true),
        (json!({"ask_for_usage": false}), false),
        (json!({"base_url": "https://api.mistral.ai/v1"}), false),
        (json!({"vendor": "mistral"}), false),
        (json!({"base_url": "https://api.mistral.ai/v1", "ask_for_usage": true}), true),
    ] {
        let mut provider = members;
        provider["type"] = json!("openai");
        let mut world = World::new(&bridge(&json!({ "providers": [provider] }).to_string()));
        let length = body.len().to_string();
        let lines = [("authorization", "Bearer sk-own"), ("content-length", length.as_str())];
        world.request(head(CHAT, &lines), false).upload(body.as_bytes(), true);
        assert_eq!(world.upstream_body.as_slice() == body.as_bytes(), !asks, "{provider}");
        assert_eq!(world.sent("content-length").is_some(), !asks, "{provider}");
    }
}
