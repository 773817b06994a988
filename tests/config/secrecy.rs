//! What is shown, and that nothing makes the parser panic.

use ai_bridge::config::Config;
use proptest::prelude::{any, prop, prop_oneof, proptest};
use proptest::strategy::{Just, Strategy};
use serde_json::{Value, json};

use super::{EXAMPLE, environment, parse};

#[test]
fn no_secret_is_in_a_problem_or_in_debug_output() {
    let shown = |text: &str| match parse(text) {
        Ok(config) => format!("{config:?} {config:#?}"),
        Err(errors) => format!("{errors} {errors:?} {errors:#?}"),
    };
    let accepted = shown(EXAMPLE)
        + &shown(
            r#"{"providers": [{"type": "openai", "key": {"value": "secret-hunter2"}}],
            "gateway_credentials": {"value_prefixes": ["gw_"]}}"#,
        );
    assert!(accepted.contains("Secret(…)") && accepted.contains("x-gateway-token"), "{accepted}");
    let sound = [
        r#"{"type": "openai", "key": {"value": "secret-hunter2"}, "byok": "require"}"#,
        r#"{"type": "openai", "key": {"value": "sk-ant-secret-hunter2"}}"#,
        r#"{"type": "openai", "key": {"value": "gw_secret-hunter2"}}"#,
        r#"{"type": "openai", "key": {"value": "secret hunter2"}}"#,
        r#"{"type": "openai", "key": {"env": "TWO_LINES"}}"#,
        r#"{"type": "openai", "key": {"env": "BEARER"}}"#,
        r#"{"type": "openai", "key": {"env": "GATEWAY"}}"#,
        r#"{"type": "openai", "key": {"env": "sk-secret-hunter2"}}"#,
        r#"{"type": "openai", "key": {"sk-proj-secret-hunter2": true}}"#,
        r#"{"type": "openai", "key": "sk-proj-secret-hunter2"}"#,
        r#"{"type": "openai", "key": ["sk-proj-secret-hunter2"]}"#,
        r#"{"type": "openai", "name": "sk-proj-secret-hunter2"}"#,
        r#"{"type": "sk-proj-secret-hunter2"}"#,
        r#"{"type": "openai", "base_url": "https://u:secret-hunter2@h"}"#,
        r#"{"type": "openai", "base_url": "secret-hunter2@h"}"#,
        r#"{"type": "openai", "base_url": "https://h/?k=secret-hunter2"}"#,
    ];
    let refused: String = sound
        .iter()
        .map(|provider| {
            let text = format!(
                r#"{{"providers": [{provider}], "gateway_credentials": {{"value_prefixes": ["gw_", "gho_hunter2"]}}}}"#
            );
            assert!(parse(&text).is_err(), "{text}");
            shown(&text)
        })
        .collect();
    for secret in ["hunter2", "environment-secret", "environment\nsecret", "gw_"] {
        assert!(!accepted.contains(secret), "{secret} in {accepted}");
        assert!(!refused.contains(secret), "{secret} in {refused}");
    }
}

#[test]
fn a_problem_is_one_line_for_any_input() {
    let text = json!({
        "a\nb": 1, "root": "a\nb", "cluster_header": "a\nb", "providers": [{"type": "a\nb", "name": "a\nb",
        "base_url": "a\nb", "cluster": "a\nb", "byok": "a\nb", "models": {"deny": ["a\nb"]}, "key": {"env": "a\nb"}}],
        "publish": ["a\nb"], "remove_headers": ["a\nb"], "actor": {"metadata_headers": {"a\nb": "a\nb"}},
    });
    let errors = parse(&text.to_string()).unwrap_err();
    assert_eq!(errors.iter().count(), errors.to_string().lines().count());
}

proptest! {
    #[test]
    fn arbitrary_bytes_cause_no_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Config::parse(&bytes, &environment);
    }

    #[test]
    fn any_value_in_any_place_causes_no_panic(at in any::<prop::sample::Index>(), value in any_json()) {
        let mut document: Value = serde_json::from_str(EXAMPLE).unwrap();
        let mut places = Vec::new();
        pointers(&document, String::new(), &mut places);
        let place: &String = at.get(&places);
        *document.pointer_mut(place).unwrap() = value;
        if let Err(errors) = parse(&document.to_string()) {
            assert!(errors.iter().all(|problem| !problem.to_string().contains('\n')));
        }
    }

    #[test]
    fn any_text_as_a_key_is_never_shown(key in "\\PC{12,40}") {
        let text = json!({"providers": [{"type": "openai", "key": {"value": key}}]}).to_string();
        match parse(&text) {
            Ok(config) => assert!(!format!("{config:?}").contains(&key)),
            Err(errors) => assert!(!format!("{errors}{errors:?}").contains(&key)),
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        "[-a-zA-Z0-9_./:*%]{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z_]{0,8}", inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Every place in `value` as a JSON pointer (RFC 6901).
fn pointers(value: &Value, at: String, places: &mut Vec<String>) {
    match value {
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| pointers(item, format!("{at}/{index}"), places));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| pointers(member, format!("{at}/{name}"), places));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    places.push(at);
}
