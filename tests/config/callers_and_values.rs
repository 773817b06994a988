//! Token prefixes, the actor, and what is published.

use ai_bridge::values::Publish;
use serde_json::json;
use world::SINGLE_VALUES;

use super::{accepted, problems, refuses};

#[test]
fn a_token_prefix_may_not_match_keys_of_a_vendor() {
    let vendor = |path: usize, vendor: &str| {
        format!(
            "gateway_credentials.value_prefixes[{path}]: keys of {vendor} begin so too and would be taken for the gateway's tokens"
        )
    };
    let text = r#"{"providers": [{"type": "openai"}], "gateway_credentials":
        {"value_prefixes": ["sk-", "g", "gho_mine", "A", "sk-proj-x", "sk-corp-", "gw_", "x"]}}"#;
    assert_eq!(
        problems(text),
        [
            vendor(0, "Anthropic"),
            vendor(1, "GitHub"),
            vendor(2, "GitHub"),
            vendor(3, "Google"),
            vendor(4, "OpenAI"),
            vendor(7, "xAI")
        ]
    );
    let visible = "expected visible ASCII characters without a comma, as in a token (without \"Bearer\")";
    refuses(&[(
        r#""gateway_credentials": {"value_prefixes": ["", "Bearer gw_", "ä", "a,b", 1]}"#,
        &[
            "gateway_credentials.value_prefixes[0]: expected the prefix of the gateway's tokens, found an empty string",
            &format!("gateway_credentials.value_prefixes[1]: {visible}"),
            &format!("gateway_credentials.value_prefixes[2]: {visible}"),
            &format!("gateway_credentials.value_prefixes[3]: {visible}"),
            "gateway_credentials.value_prefixes[4]: expected a string, found a number",
        ],
    )]);
}

#[test]
fn an_actors_property_is_a_path_and_required_needs_no_source() {
    refuses(&[
        (r#""actor": {"property": []}"#, &["actor.property: expected 1 to 32 strings, found 0"]),
        (
            r#""actor": {"property": ["a", "", "b\u0000c", 1]}"#,
            &[
                "actor.property[1]: expected a part of a property path, found \"\"",
                "actor.property[2]: expected a part of a property path, found \"b\\0c\"",
                "actor.property[3]: expected a string, found a number",
            ],
        ),
    ]);
    for actor in [
        json!({"required": true}),
        json!({"required": true, "header": "x-a"}),
        json!({"required": true, "property": ["a"]}),
    ] {
        assert!(accepted(&json!({"providers": [{"type": "openai"}], "actor": actor})).actor.required);
    }
}

#[test]
fn a_metadata_key_fits_into_a_property_and_a_header_name() {
    for key in ["team", "cost_center", "cost-center", "costCenter", "0", "a1"] {
        accepted(&json!({"providers": [{"type": "openai"}], "actor": {"metadata_headers": {(key): "x-h"}}}));
    }
    for key in ["", "_a", "-a", "a b", "a.b", "ä", &"a".repeat(65)] {
        let text = json!({"providers": [{"type": "openai"}], "actor": {"metadata_headers": {(key): "x-h"}}})
            .to_string();
        let [line] = problems(&text).try_into().unwrap();
        assert!(line.contains("expected a key of at most 64 letters, digits, _ and -"), "{line}");
    }
}

#[test]
fn only_known_values_are_published_each_once() {
    let config = accepted(&json!({
        "providers": [{"type": "openai"}], "publish": SINGLE_VALUES, "actor": {"metadata_headers": {"team": "x-team"}},
    }));
    assert_eq!(config.publish, Publish::Only(SINGLE_VALUES.map(str::to_owned).to_vec()));
    let none = accepted(&json!({"providers": [{"type": "openai"}], "publish": []}));
    assert_eq!(none.publish, Publish::Only(Vec::new()));
    refuses(&[(
        r#""publish": ["model", "ai_bridge_model", "totalTokens", "actor_team", "prompt", "record", "model"]"#,
        &[
            "publish[1]: no single value is called \"ai_bridge_model\"; did you mean \"model\"?",
            "publish[2]: no single value is called \"totalTokens\"; did you mean \"total_tokens\"?",
            "publish[3]: no single value is called \"actor_team\"; its key is not in actor.metadata_headers",
            "publish[4]: no single value is called \"prompt\"",
            "publish[5]: no single value is called \"record\"",
            "publish[6]: \"model\" is there twice",
        ],
    )]);
}

#[test]
fn metadata_keys_differ_by_more_than_case() {
    refuses(&[(
        r#""actor": {"metadata_headers": {"Team": "x-a", "team": "x-b"}}"#,
        &["actor.metadata_headers.team: \"team\" is there twice: keys differ by more than case"],
    )]);
}
