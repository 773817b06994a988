use super::{Adapted, Invoke, encode, is_bedrock_id};
use crate::bedrock::Table;
use crate::glob::Glob;
use proptest::prelude::*;
use serde_json::{Value, json};

const OPUS: &str = "anthropic.claude-opus-4-6-v1";
const SONNET_4_5: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

fn adapt(body: &str, id: &str, betas: &[&str]) -> Adapted {
    let betas: Vec<String> = betas.iter().map(|beta| (*beta).to_owned()).collect();
    Invoke::default().adapt(body.as_bytes(), "claude", id, false, &betas).unwrap()
}

fn text(adapted: &Adapted) -> &str {
    core::str::from_utf8(&adapted.body).unwrap()
}

#[test]
fn only_model_and_stream_are_removed_and_the_rest_keeps_its_bytes() {
    let version = r#""anthropic_version":"bedrock-2023-05-31""#;
    for (body, wanted) in [
        (r#"{"model":"m","max_tokens":1}"#, format!(r#"{{{version},"max_tokens":1}}"#)),
        (r#"{"max_tokens":1,"model":"m"}"#, format!(r#"{{{version},"max_tokens":1}}"#)),
        (r#"{"model":"m"}"#, format!("{{{version}}}")),
        (
            " {\n \"a\" : [1,  2] ,\n \"stream\":true, \"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"h\\u00e9 {}\"}] }\n",
            format!(
                " {{{version},\n \"a\" : [1,  2] ,\"messages\":[{{\"role\":\"user\",\"content\":\"h\\u00e9 {{}}\"}}] }}\n"
            ),
        ),
        (r#"{"mod\u0065l":"m","b":1.50}"#, format!(r#"{{{version},"b":1.50}}"#)),
        (
            r#"{"anthropic_version":"2026-10-21","model":"m"}"#,
            r#"{"anthropic_version":"2026-10-21"}"#.to_owned(),
        ),
    ] {
        let adapted = adapt(body, OPUS, &[]);
        assert_eq!(text(&adapted), wanted, "{body}");
        assert!(!adapted.lossy);
    }
}

#[test]
fn the_path_has_the_operation_and_the_percent_encoded_id() {
    let invoke = Invoke::default();
    let path = |id: &str, stream| invoke.adapt(b"{}", "m", id, stream, &[]).unwrap().path;
    assert_eq!(path(OPUS, false), "/model/anthropic.claude-opus-4-6-v1/invoke");
    assert_eq!(
        path(SONNET_4_5, true),
        "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/invoke-with-response-stream"
    );
    assert_eq!(encode("arn:aws:bedrock:us-east-1:1:x/y~z"), "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ax%2Fy~z");
}

#[test]
fn the_map_comes_before_the_bedrock_id_that_the_client_requested() {
    let invoke = Invoke {
        models: vec![
            (Glob::new("claude-opus-4-8"), "anthropic.claude-opus-4-8".to_owned()),
            (Glob::new("claude-opus-*"), OPUS.to_owned()),
        ],
        ..Invoke::default()
    };
    for (requested, id) in [
        ("claude-opus-4-8", Some("anthropic.claude-opus-4-8")),
        ("claude-opus-4-6", Some(OPUS)),
        (SONNET_4_5, Some(SONNET_4_5)),
        ("claude-haiku-4-5", None),
        ("", None),
    ] {
        assert_eq!(invoke.model_id(requested), id, "{requested}");
    }
    for (model, is) in [
        ("anthropic.claude-opus-4-8", true),
        ("global.anthropic.claude-opus-4-8", true),
        ("us-gov.anthropic.claude-3-haiku-20240307-v1:0", true),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", true),
        ("arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/anthropic.claude-v2", true),
        ("claude-opus-4-8", false),
        ("x/../anthropic.claude", false),
        ("arn:aws:bedrock:x/../y", false),
        ("anthropic.claude opus", false),
        ("anthropic.claude?x", false),
        ("meta.llama3", false),
        ("US.anthropic.claude", false),
    ] {
        assert_eq!(is_bedrock_id(model), is, "{model}");
    }
}

#[test]
fn of_the_betas_in_headers_and_body_only_those_of_the_model_pass() {
    let asked = ["context-1m-2025-08-07, claude-code-20250219", "compact-2026-01-12,,context-1m-2025-08-07"];
    let body = r#"{"anthropic_beta":["context-management-2025-06-27","oauth-2025-04-20"],"model":"m"}"#;
    let adapted = adapt(body, OPUS, &asked);
    assert_eq!(
        serde_json::from_slice::<Value>(&adapted.body).unwrap(),
        json!({
            "anthropic_version": "bedrock-2023-05-31",
            "anthropic_beta": ["context-1m-2025-08-07", "compact-2026-01-12", "context-management-2025-06-27"],
        })
    );
    assert!(adapted.lossy);
    // Another model has other betas.
    assert_eq!(
        text(&adapt("{}", SONNET_4_5, &["effort-2025-11-24", "interleaved-thinking-2025-05-14"])),
        r#"{"anthropic_version":"bedrock-2023-05-31","anthropic_beta":["interleaved-thinking-2025-05-14"]}"#
    );
    for unreadable in ["\"x\"".to_owned(), "[1]".to_owned(), format!("[\"{}\"]", "x".repeat(65_536))] {
        let dropped = adapt(&format!(r#"{{"anthropic_beta":{unreadable}}}"#), OPUS, &[]);
        assert!(!text(&dropped).contains("beta") && dropped.lossy);
    }
}

#[test]
fn members_that_the_model_lacks_are_dropped_whole_or_in_part() {
    let body = r#"{"service_tier":"auto","output_config":{"effort":"high" , "format":{"type":"x"}},"metadata":{"effort":1}}"#;
    let adapted = adapt(body, SONNET_4_5, &[]);
    assert_eq!(
        text(&adapted),
        r#"{"anthropic_version":"bedrock-2023-05-31","output_config":{ "format":{"type":"x"}},"metadata":{"effort":1}}"#
    );
    assert!(adapted.lossy);
    let without = adapt(r#"{"output_config":{"effort":"high"},"a":1}"#, SONNET_4_5, &[]);
    assert_eq!(text(&without), r#"{"anthropic_version":"bedrock-2023-05-31","a":1}"#);
    let kept = r#"{"output_config":{"effort":"high"}}"#;
    let young = adapt(kept, OPUS, &[]);
    assert!(text(&young).ends_with(kept.trim_start_matches('{')) && !young.lossy);
    let old = adapt(kept, "anthropic.claude-3-haiku-20240307-v1:0", &[]);
    assert_eq!(text(&old), r#"{"anthropic_version":"bedrock-2023-05-31"}"#);
}

#[test]
fn adaptive_thinking_becomes_a_budget_for_models_that_lack_it() {
    for (id, max_tokens, wanted) in [
        (OPUS, "4096", json!({"type": "adaptive", "display": "summarized"})),
        (SONNET_4_5, "32000", json!({"type": "enabled", "budget_tokens": 16000})),
        (SONNET_4_5, "1500", json!({"type": "enabled", "budget_tokens": 1024})),
        (SONNET_4_5, "1025", json!({"type": "enabled", "budget_tokens": 1024})),
        (SONNET_4_5, "1024", json!({"type": "disabled"})),
        (SONNET_4_5, "\"many\"", json!({"type": "disabled"})),
    ] {
        let body = format!(
            r#"{{"thinking":{{"type":"adaptive","display":"summarized"}},"max_tokens":{max_tokens}}}"#
        );
        let adapted = adapt(&body, id, &[]);
        let value: Value = serde_json::from_slice(&adapted.body).unwrap();
        assert_eq!(value["thinking"], wanted, "{id} {max_tokens}");
        assert_eq!(adapted.lossy, id != OPUS);
    }
    let manual = r#""thinking":{"type":"enabled","budget_tokens":5000}"#;
    assert!(text(&adapt(&format!("{{{manual}}}"), SONNET_4_5, &[])).contains(manual));
}

#[test]
fn for_an_opaque_arn_the_requested_name_decides_the_model() {
    let invoke = Invoke::default();
    let arn = "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc";
    let body = br#"{"thinking":{"type":"adaptive"},"max_tokens":4000}"#;
    let of = |requested| invoke.adapt(body, requested, arn, true, &[]).unwrap().lossy;
    assert!(of("claude-sonnet-4-5-20250929"));
    assert!(!of("claude-opus-4-8"));
}

#[test]
fn configured_tables_replace_the_defaults() {
    let invoke = Invoke {
        betas: Table(vec![(Glob::new("*"), vec![Glob::new("*")])]),
        unsupported_fields: Table(Vec::new()),
        manual_thinking: Vec::new(),
        anthropic_version: "2026-10-21".to_owned(),
        ..Invoke::default()
    };
    let body = br#"{"service_tier":"auto","thinking":{"type":"adaptive"}}"#;
    let adapted = invoke.adapt(body, "m", SONNET_4_5, true, &["new-2027-01-01".to_owned()]).unwrap();
    assert_eq!(
        text(&adapted),
        r#"{"anthropic_version":"2026-10-21","anthropic_beta":["new-2027-01-01"],"service_tier":"auto","thinking":{"type":"adaptive"}}"#
    );
    assert!(!adapted.lossy);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z\"\\\\{},:]{0,5}", inner, 0..4)
                .prop_map(|map| Value::from(map.into_iter().collect::<serde_json::Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn the_translated_body_differs_only_in_the_known_members(
        members in prop::collection::btree_map("model|stream|max_tokens|[a-z\"\\\\{},]{1,6}", any_json(), 0..8),
        pretty in any::<bool>(),
    ) {
        let mut value: serde_json::Map<String, Value> = members.into_iter().collect();
        let body = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
        let adapted = adapt(&body, OPUS, &[]);
        let unsupported = Invoke::default().unsupported_fields;
        value.retain(|name, _| !matches!(name.as_str(), "model" | "stream") && !unsupported.holds(name, OPUS));
        value.insert("anthropic_version".to_owned(), Value::from("bedrock-2023-05-31"));
        prop_assert_eq!(serde_json::from_slice::<Value>(&adapted.body).unwrap(), Value::from(value));
    }

    #[test]
    fn any_bytes_are_translated_or_refused_without_a_panic(body in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = Invoke::default().adapt(&body, "m", OPUS, true, &[]);
    }
}
