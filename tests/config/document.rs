//! The document as a whole: defaults, members, types, and that every problem is reported.

use ai_bridge::config::Config;
use ai_bridge::credential::{CredentialHeader, Key, Secret, Vendor};
use ai_bridge::headers::REMOVED_BY_DEFAULT;
use ai_bridge::limits::Limits;
use ai_bridge::price::{Adjustment, Amount};
use ai_bridge::provider::{ModelPolicy, ProviderType};
use ai_bridge::record::RecordPolicy;
use ai_bridge::usage::Counted;
use ai_bridge::values::Publish;
use serde_json::json;

use super::{EXAMPLE, accepted, environment, globs, parse, problems, provider_refuses, refuses};

const EVERYTHING_WRONG: &str = include_str!("everything-wrong.json");

#[test]
fn the_example_is_accepted_with_the_meaning_of_every_member() {
    let config = parse(EXAMPLE).unwrap();
    assert_eq!((config.root.as_str(), config.cluster_header.as_str()), ("", "x-ai-bridge-cluster"));
    let [provider] = config.providers.as_slice() else { panic!("{:?}", config.providers) };
    assert_eq!(provider.kind, ProviderType::Anthropic);
    assert_eq!(provider.key, Key::Central(Secret::new("sk-ant-environment-secret")));
    assert_eq!(
        (provider.vendor, provider.key_header),
        (Some(Vendor::Anthropic), Some(CredentialHeader::X_API_KEY))
    );
    assert_eq!(provider.query, [("api-version".to_owned(), "2025-04-01-preview".to_owned())]);
    assert_eq!(provider.more_passthrough, ["/v1/embeddings", "/v1/files/"]);
    assert!(provider.ask_for_usage);
    assert_eq!((provider.cluster.as_str(), provider.byok_cluster.as_str()), ("anthropic", "anthropic-byok"));
    assert_eq!(
        provider.models,
        ModelPolicy { allow: Some(globs(&["claude-*"])), deny: globs(&["claude-opus-*"]) }
    );
    assert_eq!(config.gateway_credentials.headers, ["x-gateway-token"]);
    assert_eq!(config.gateway_credentials.value_prefixes, ["gw_"]);
    assert_eq!(config.actor.header.as_deref(), Some("x-ai-bridge-actor-id"));
    assert_eq!(config.actor.metadata_headers, [("team".to_owned(), "x-team".to_owned())]);
    assert_eq!(config.actor.property.unwrap(), ["metadata", "filter_metadata", "…"]);
    assert_eq!(config.publish, Publish::Only(vec!["model".to_owned(), "total_tokens".to_owned()]));
    assert_eq!((config.record, config.limits), (RecordPolicy::default(), Limits::default()));
    let [price] = config.prices.as_slice() else { panic!("{:?}", config.prices) };
    assert_eq!(price.models, globs(&["claude-opus-4-*"]));
    let usd = Amount::new;
    assert_eq!((price.input, price.output, price.cache_read), (usd(5.0), usd(25.0), Some(usd(0.5))));
    assert_eq!((price.cache_write_5m, price.cache_write_1h), (Some(usd(6.25)), Some(usd(10.0))));
    assert_eq!(price.per_million, [(Counted::ImageOutput, usd(30.0))]);
    assert_eq!(price.per_use, [(Counted::WebSearches, usd(0.01))]);
    let factor = |factor| Adjustment { factor: Some(usd(factor)), ..Adjustment::default() };
    assert_eq!(
        price.adjust,
        [
            Adjustment { service_tier: Some("priority".to_owned()), ..factor(2.0) },
            Adjustment { speed: Some("fast".to_owned()), ..factor(2.0) },
            Adjustment { inference_geo: Some("us".to_owned()), ..factor(1.1) },
            Adjustment {
                total_input_tokens_above: Some(272_000),
                input_factor: Some(usd(2.0)),
                output_factor: Some(usd(1.5)),
                ..Adjustment::default()
            },
            Adjustment {
                service_tier: Some("flex".to_owned()),
                cache_read_factor: Some(usd(1.0)),
                ..factor(0.5)
            },
        ]
    );
}

#[test]
fn everything_except_providers_has_a_default() {
    let config = accepted(&json!({"providers": [{"type": "anthropic"}]}));
    assert_eq!(config.root, "");
    assert_eq!(config.cluster_header, "x-ai-bridge-cluster");
    assert!(config.gateway_credentials.headers.is_empty());
    assert!(config.gateway_credentials.value_prefixes.is_empty());
    assert_eq!(config.actor.header, None);
    assert!(config.actor.metadata_headers.is_empty());
    assert_eq!(config.actor.property, None);
    assert!(!config.actor.required);
    assert_eq!(config.remove_headers, globs(REMOVED_BY_DEFAULT));
    let record = config.record;
    assert!(record.prompts && record.tool_arguments && record.thoughts);
    assert_eq!((record.text_bytes, record.total_bytes), (65_536, 1_048_576));
    assert_eq!(config.publish, Publish::All);
    assert!(config.metrics);
    assert!(config.notices.enabled && config.notices.message.is_empty());
    let limits = config.limits;
    assert_eq!((limits.request_body_bytes, limits.reader_bytes), (33_554_432, 65_536));
    assert_eq!((limits.event_bytes, limits.document_bytes), (1_048_576, 8_388_608));
    assert_eq!((limits.tool_calls, limits.thoughts, limits.label_values), (256, 256, 100));
    assert!(config.prices.is_empty());
}

#[test]
fn an_empty_configuration_says_that_providers_are_required() {
    for text in ["", " \n", "{}"] {
        assert_eq!(problems(text), ["providers: required: a list of at least one provider"], "{text:?}");
    }
    assert_eq!(
        problems(r#"{"providers": []}"#),
        ["providers: expected at least one provider, found an empty list"]
    );
}

#[test]
fn invalid_json_is_reported_with_line_and_column() {
    for (text, line) in [
        ("{", "configuration: not valid JSON: EOF while parsing an object at line 1 column 1"),
        (
            "{\n  // the providers\n  \"providers\": []}",
            "configuration: not valid JSON: key must be a string at line 2 column 3; comments are not allowed",
        ),
        (
            "{\"providers\": [] // all\n}",
            "configuration: not valid JSON: expected `,` or `}` at line 1 column 18; comments are not allowed",
        ),
        ("{\"providers\": [],}", "configuration: not valid JSON: trailing comma at line 1 column 18"),
        ("{} {}", "configuration: not valid JSON: trailing characters at line 1 column 4"),
        (
            "\n\u{b}\n\u{9}providers",
            "configuration: not valid JSON: expected value at line 2 column 1; give one JSON object in a \
             google.protobuf.StringValue",
        ),
        (
            "\u{feff}{}",
            "configuration: not valid JSON: expected value at line 1 column 1; give one JSON object in a \
             google.protobuf.StringValue",
        ),
        ("[]", "configuration: expected an object, found a list"),
        ("null", "configuration: expected an object, found null"),
        ("\"{}\"", "configuration: expected an object, found a string"),
    ] {
        assert_eq!(problems(text), [line], "{text:?}");
    }
    let invalid_utf8 = Config::parse(b"{\"a\": \"\xff\"}", &environment).unwrap_err().to_string();
    assert_eq!(invalid_utf8, "configuration: not valid JSON: invalid unicode code point at line 1 column 8");
    let deep = format!("{{\"providers\": {}", "[".repeat(100_000));
    assert_eq!(
        problems(&deep),
        ["configuration: not valid JSON: recursion limit exceeded at line 1 column 141"]
    );
}

#[test]
fn every_problem_is_reported_at_once_one_a_line() {
    let errors = parse(EVERYTHING_WRONG).unwrap_err();
    assert_eq!(format!("{errors}\n"), include_str!("everything-wrong.txt"));
    assert_eq!(errors.iter().count(), errors.to_string().lines().count());
    assert_eq!(errors.iter().count(), (&errors).into_iter().count());
}

#[test]
fn an_unknown_type_hides_no_problem_of_the_other_members() {
    let member = json!({"name": "a", "key": {"value": 1}, "cluster": "c", "base_url": "x", "vendor": "openia",
        "key_header": 1, "headers": {"host": "x"}, "models": {"*": 1}, "nmae": "b"});
    let other = json!({"name": "b", "key": {"value": "sk-ant-0123456789"}});
    for (with_type, kind) in [
        (json!(null), "expected one of"),
        (json!("antropic"), "expected one of"),
        (json!(1), "expected one of"),
    ] {
        let provider = json!({"type": with_type, "name": "p", "vendor": "anthropi", "start": "last",
            "passthrough": ["/x", "y", "/v1/messages"], "pool": [member, other]});
        let lines = problems(&json!({"providers": [provider]}).to_string());
        let paths: Vec<&str> = lines.iter().map(|line| line.split_once(": ").unwrap().0).collect();
        let below = |member: &str| format!("providers[0].{member}");
        let of_pool = |member: &str| format!("providers[0].pool[0].{member}");
        let mut expected = ["type", "start", "vendor"].map(below).to_vec();
        expected.extend(
            ["key.value", "base_url", "vendor", "key_header", "headers.host", "models[\"*\"]", "nmae"]
                .map(of_pool),
        );
        expected.push(below("passthrough[1]"));
        assert_eq!(paths, expected, "{lines:#?}");
        assert!(lines[0].starts_with(&format!("providers[0].type: {kind}")));
    }
}

#[test]
fn unknown_and_repeated_members_are_problems_at_any_depth() {
    refuses(&[
        (r#""rot": "/x""#, &["rot: unknown member; did you mean \"root\"?"]),
        (r#""clusterHeader": "x-c""#, &["clusterHeader: unknown member; did you mean \"cluster_header\"?"]),
        (r#""timeouts": {}"#, &["timeouts: unknown member"]),
        (r#""a b\n": 1"#, &["[\"a b\\n\"]: unknown member"]),
        (r#""root": "", "root": "/x""#, &["root: duplicate member"]),
        (r#""\u0072oot": "", "root": """#, &["root: duplicate member"]),
        (r#""actor": {"headers": "x-a"}"#, &["actor.headers: unknown member; did you mean \"header\"?"]),
        (
            r#""actor": {"metadata_headers": {"team": "x-a", "team": "x-b"}}"#,
            &["actor.metadata_headers.team: duplicate member"],
        ),
        (r#""gateway_credentials": {"prefixes": []}"#, &["gateway_credentials.prefixes: unknown member"]),
        (r#""record": {"prompt": true}"#, &["record.prompt: unknown member; did you mean \"prompts\"?"]),
        (
            r#""limits": {"request_body": 1}"#,
            &["limits.request_body: unknown member; did you mean \"request_body_bytes\"?"],
        ),
        (
            r#""prices": [{"models": ["*"], "input": 1, "output": 1, "cache_write": 1}]"#,
            &["prices[0].cache_write: unknown member; did you mean \"cache_write_5m\"?"],
        ),
    ]);
    provider_refuses(&[
        (r#""type": "openai", "clutser": "x""#, &[".clutser: unknown member; did you mean \"cluster\"?"]),
        (r#""type": "openai", "type": "anthropic""#, &[".type: duplicate member"]),
        (r#""type": "openai", "keyz": []"#, &[".keyz: unknown member; did you mean \"key\"?"]),
        (
            r#""type": "openai", "models": {"alow": []}"#,
            &[".models.alow: unknown member; did you mean \"allow\"?"],
        ),
        (
            r#""type": "openai", "key": {"value": "k", "vaule": "k"}"#,
            &[".key.vaule: unknown member; did you mean \"value\"?"],
        ),
    ]);
}

#[test]
fn unsupported_members_are_refused() {
    provider_refuses(&[(
        r#""type": "openai", "keys": [{"value": "k"}]"#,
        &[".keys: not supported in this version; give one `key`"],
    )]);
}

#[test]
fn a_wrong_type_is_reported_with_expected_and_found() {
    refuses(&[
        (r#""root": null"#, &["root: expected a string, found null"]),
        (r#""cluster_header": 1"#, &["cluster_header: expected a string, found a number"]),
        (r#""gateway_credentials": []"#, &["gateway_credentials: expected an object, found a list"]),
        (
            r#""gateway_credentials": {"headers": "x-t", "value_prefixes": {}}"#,
            &[
                "gateway_credentials.headers: expected a list of header names, found a string",
                "gateway_credentials.value_prefixes: expected a list of token prefixes, found an object",
            ],
        ),
        (r#""actor": "x-actor""#, &["actor: expected an object, found a string"]),
        (
            r#""actor": {"header": ["x"], "metadata_headers": ["x"], "property": "metadata.x", "required": 0}"#,
            &[
                "actor.required: expected true or false, found a number",
                "actor.header: expected a string, found a list",
                "actor.metadata_headers: expected an object of keys and header names, found a list",
                "actor.property: expected a list of strings, found a string",
            ],
        ),
        (
            r#""remove_headers": "cookie""#,
            &["remove_headers: expected a list of header names, found a string"],
        ),
        (r#""record": false"#, &["record: expected an object, found a boolean"]),
        (r#""record": {"thoughts": "no"}"#, &["record.thoughts: expected true or false, found a string"]),
        (r#""publish": "model""#, &["publish: expected a list of names, found a string"]),
        (r#""publish": [1]"#, &["publish[0]: expected a string, found a number"]),
        (r#""metrics": 1"#, &["metrics: expected true or false, found a number"]),
        (r#""notices": "no""#, &["notices: expected true or false, found a string"]),
        (r#""budget": "Ask IT""#, &["budget: expected an object, found a string"]),
        (r#""budget": {"message": 1}"#, &["budget.message: expected a string, found a number"]),
        (r#""limits": [1]"#, &["limits: expected an object, found a list"]),
        (r#""prices": {}"#, &["prices: expected a list of objects, found an object"]),
        (r#""prices": [5]"#, &["prices[0]: expected an object, found a number"]),
    ]);
    assert_eq!(
        problems(r#"{"providers": {"type": "openai"}}"#),
        ["providers: expected a list of providers, found an object"]
    );
    assert_eq!(
        problems(r#"{"providers": ["openai", {"type": "openai", "name": "openai"}]}"#),
        ["providers[0]: expected an object, found a string"]
    );
    provider_refuses(&[
        (
            "",
            &[
                ".type: required: one of \"anthropic\", \"openai\", \"copilot\", \"azure\", \"vertex\", \"gemini\"",
            ],
        ),
        (
            r#""type": 1"#,
            &[
                ".type: expected one of \"anthropic\", \"openai\", \"copilot\", \"azure\", \"vertex\", \"gemini\", found a number",
            ],
        ),
        (
            r#""type": "openai", "name": 1, "enabled": null, "base_url": {}, "cluster": 1, "byok_cluster": [],
               "byok": true, "send_actor": "no", "models": [], "allow_background": 0, "stored_objects": 1,
               "open_retry_after_seconds": "30""#,
            &[
                ".name: expected a string, found a number",
                ".enabled: expected true or false, found null",
                ".base_url: expected a string, found an object",
                ".cluster: expected a string, found a number",
                ".byok_cluster: expected a string, found a list",
                ".byok: expected one of \"allow\", \"deny\", \"require\", found a boolean",
                ".send_actor: expected true or false, found a string",
                ".models: expected an object with `allow` and `deny`, found a list",
                ".allow_background: expected true or false, found a number",
                ".stored_objects: expected true or false, found a number",
                ".open_retry_after_seconds: expected a whole number from 1 to 86400, found a string",
            ],
        ),
    ]);
}
