//! Every member of the example: its path in problem lines, the hint for a misspelt name, and
//! texts and lists have their bounds.

use serde_json::{Map, Value, json};

use super::{EXAMPLE, accepted, parse, problems, provider_refuses, refuses};

/// Objects whose members have any names.
const FREE: [&str; 2] = ["actor.metadata_headers", "providers[0].query"];

/// Every member of the example: the path of its object in problem lines, the same as a JSON pointer, and its name.
fn members() -> Vec<(String, String, String)> {
    fn walk(value: &Value, path: &str, pointer: &str, found: &mut Vec<(String, String, String)>) {
        match value {
            Value::Object(members) if !FREE.contains(&path) => {
                for (name, value) in members {
                    found.push((path.to_owned(), pointer.to_owned(), name.clone()));
                    let dot = if path.is_empty() { "" } else { "." };
                    walk(value, &format!("{path}{dot}{name}"), &format!("{pointer}/{name}"), found);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    walk(item, &format!("{path}[{index}]"), &format!("{pointer}/{index}"), found);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {}
        }
    }
    let mut found = Vec::new();
    walk(&example(), "", "", &mut found);
    assert!(found.len() > 40, "{found:?}");
    found
}

#[expect(clippy::unwrap_used, reason = "a panic in a test is a failed test")]
fn example() -> Value {
    serde_json::from_str(EXAMPLE).unwrap()
}

fn path_of(object: &str, name: &str) -> String {
    if object.is_empty() { name.to_owned() } else { format!("{object}.{name}") }
}

/// The problems of the example after `change` to the object at `pointer`.
#[expect(clippy::unwrap_used, reason = "a panic in a test is a failed test")]
fn changed(pointer: &str, change: impl FnOnce(&mut Map<String, Value>)) -> Vec<String> {
    let mut document = example();
    change(document.pointer_mut(pointer).unwrap().as_object_mut().unwrap());
    problems(&document.to_string())
}

#[test]
fn a_misspelt_member_is_reported_with_its_path_and_a_hint() {
    for (object, pointer, name) in members() {
        let last = name.chars().last().unwrap();
        let short = name.strip_suffix(last).unwrap();
        for written in
            [short.to_owned(), format!("{name}x"), format!("{short}{last}{last}"), name.to_ascii_uppercase()]
        {
            let lines = changed(&pointer, |members| {
                let value = members.remove(&name).unwrap();
                members.insert(written.clone(), value);
            });
            let line = format!("{}: unknown member; did you mean \"{name}\"?", path_of(&object, &written));
            assert_eq!(lines.iter().filter(|found| **found == line).count(), 1, "{line}\n{lines:?}");
        }
    }
}

#[test]
fn an_unknown_member_is_a_problem_in_every_object() {
    for (object, pointer, name) in members() {
        let lines = changed(&pointer, |members| drop(members.insert("zzzzzzzz".to_owned(), json!(1))));
        assert_eq!(lines, [format!("{}: unknown member", path_of(&object, "zzzzzzzz"))], "beside {name}");
    }
}

#[test]
fn null_does_not_stand_for_a_default() {
    for (object, pointer, name) in members() {
        let lines = changed(&pointer, |members| drop(members.insert(name.clone(), Value::Null)));
        let path = path_of(&object, &name);
        let expected =
            |line: &String| line.starts_with(&format!("{path}: expected ")) && line.ends_with(", found null");
        assert_eq!(lines.iter().filter(|line| expected(line)).count(), 1, "{path}: {lines:?}");
    }
}

#[test]
fn every_member_that_is_not_required_may_be_left_out() {
    let required = [
        "providers",
        "providers[0].type",
        "providers[0].key.env",
        "prices[0].models",
        "prices[0].input",
        "prices[0].output",
        "per_million.image_output_tokens",
        "per_use.web_search_requests",
        ".service_tier",
        ".speed",
        ".inference_geo",
        ".total_input_tokens_above",
        "adjust[0].factor",
        "adjust[1].factor",
        "adjust[2].factor",
    ];
    for (object, pointer, name) in members() {
        let path = path_of(&object, &name);
        let lines = changed(&pointer, |members| drop(members.remove(&name)));
        let is_required = required.iter().any(|required| path.ends_with(required));
        assert_eq!(lines.is_empty(), !is_required, "{path}: {lines:?}");
        // Of these objects at least one member is required.
        let nested = ["prices[0].per_million", "prices[0].per_use", "prices[0].adjust["];
        let at = if path.ends_with(".env") {
            "providers[0].key: "
        } else if nested.iter().any(|start| object.starts_with(start)) {
            &format!("{object}: expected ")
        } else {
            &format!("{path}: required")
        };
        assert!(lines.iter().all(|line| line.starts_with(at)), "{path}: {lines:?}");
    }
}

#[test]
fn problems_have_the_index_of_their_provider() {
    let second = r#"{"type": "copilot", "name": "b-", "clustr": "", "key": {"value": "gho_x"}, "models": {"deny": [1]}}"#;
    assert_eq!(
        problems(&format!(
            r#"{{"providers": [{{"type": "openai"}}, {second}], "prices": [{{"models": ["*"], "input": 1, "output": 1}}, {{}}]}}"#
        )),
        [
            "providers[1].name: expected lower-case letters and digits, in words joined by single hyphens, found \"b-\"",
            "providers[1].models.deny[0]: expected a string, found a number",
            "providers[1].key: callers of Copilot always bring their own key, so leave `key` out",
            "providers[1].clustr: unknown member; did you mean \"cluster\"?",
            "prices[1].models: required: the models that this price holds for",
            "prices[1].input: required: USD per million input tokens",
            "prices[1].output: required: USD per million output tokens",
        ]
    );
}

#[test]
fn every_text_has_its_maximum_length() {
    let x = |count: usize| "x".repeat(count);
    let provider = |members: Value| {
        let mut provider = json!({"type": "openai"});
        provider.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        provider
    };
    for (members, path, most) in [
        (json!({"name": x(64)}), "name", 64),
        (json!({"cluster": x(512)}), "cluster", 512),
        (json!({"byok_cluster": x(512)}), "byok_cluster", 512),
        (json!({"key": {"value": x(8192)}}), "key.value", 8192),
        (json!({"query": {"v": x(1024)}}), "query.v", 1024),
        (json!({"passthrough": [format!("/{}", x(255))]}), "passthrough[0]", 255),
        (json!({"models": {"allow": [x(256)]}}), "models.allow[0]", 256),
        (json!({"models": {"deny": [x(256)]}}), "models.deny[0]", 256),
    ] {
        let written = json!({"providers": [provider(members)]}).to_string();
        accepted(&serde_json::from_str(&written).unwrap());
        let [line] = problems(&written.replace(&x(most), &x(most + 1))).try_into().unwrap();
        assert!(line.starts_with(&format!("providers[0].{path}: ")), "{line}");
        let most = if path == "passthrough[0]" { 256 } else { most };
        assert!(line.ends_with(&format!("longer than {most} bytes")), "{line}");
    }
    for (members, path, most) in [
        (json!({"root": format!("/{}", x(255))}), "root", 255),
        (json!({"cluster_header": x(128)}), "cluster_header", 128),
        (json!({"gateway_credentials": {"headers": [x(128)]}}), "gateway_credentials.headers[0]", 128),
        (
            json!({"gateway_credentials": {"value_prefixes": [x(128)]}}),
            "gateway_credentials.value_prefixes[0]",
            128,
        ),
        (json!({"actor": {"header": x(128)}}), "actor.header", 128),
        (json!({"actor": {"metadata_headers": {"team": x(128)}}}), "actor.metadata_headers.team", 128),
        (json!({"remove_headers": [x(128)]}), "remove_headers[0]", 128),
        (json!({"prices": [{"models": [x(256)], "input": 1, "output": 1}]}), "prices[0].models[0]", 256),
    ] {
        let mut document = members;
        document["providers"] = json!([{"type": "openai"}]);
        accepted(&document);
        let [line] = problems(&document.to_string().replace(&x(most), &x(most + 1))).try_into().unwrap();
        let bytes = if path == "root" { 256 } else { most };
        assert_eq!(line, format!("{path}: longer than {bytes} bytes"));
    }
}

#[test]
fn the_message_of_budgets_has_500_characters_at_most() {
    let with = |count: usize| json!({"providers": [{"type": "openai"}], "notices": false, "budget": {"message": "ü".repeat(count)}});
    let notices = accepted(&with(500)).notices;
    assert!(!notices.enabled);
    assert_eq!(notices.message, "ü".repeat(500));
    assert_eq!(
        problems(&with(501).to_string()),
        ["budget.message: expected at most 500 characters, found 501"]
    );
}

#[test]
fn an_actor_has_32_metadata_keys_and_property_parts_at_most() {
    let with = |keys: usize, parts: usize| {
        let headers: Map<String, Value> =
            (0..keys).map(|key| (format!("k{key}"), json!(format!("x-{key}")))).collect();
        let property = vec!["p"; parts];
        json!({"providers": [{"type": "openai"}], "actor": {"metadata_headers": headers, "property": property}})
    };
    let actor = accepted(&with(32, 32)).actor;
    assert_eq!((actor.metadata_headers.len(), actor.property.unwrap().len()), (32, 32));
    assert_eq!(
        problems(&with(33, 33).to_string()),
        [
            "actor.metadata_headers: expected at most 32 keys, found 33",
            "actor.property: expected 1 to 32 strings, found 33"
        ]
    );
}

#[test]
fn numbers_and_prices_are_bounded_on_both_sides() {
    refuses(&[
        (
            r#""limits": {"tool_calls": 10001}"#,
            &["limits.tool_calls: expected a whole number from 0 to 10000, found 10001"],
        ),
        (
            r#""limits": {"label_values": 0}"#,
            &["limits.label_values: expected a whole number from 1 to 10000, found 0"],
        ),
    ]);
    provider_refuses(&[(
        r#""type": "openai", "open_retry_after_seconds": 0.5"#,
        &[".open_retry_after_seconds: expected a whole number from 1 to 86400, found 0.5"],
    )]);
    for name in ["input", "output", "cache_read", "cache_write_5m", "cache_write_1h"] {
        for (amount, problem) in
            [("0", false), ("1e6", false), ("-0.1", true), ("1000000.1", true), ("null", true)]
        {
            let mut price = json!({"models": ["*"], "input": 1, "output": 1});
            price[name] = serde_json::from_str(amount).unwrap();
            let text = json!({"providers": [{"type": "openai"}], "prices": [price]}).to_string();
            let lines = problems(&text);
            assert_eq!(lines.len(), usize::from(problem), "{name} {amount}: {lines:?}");
            assert!(lines.iter().all(|line| line.starts_with(&format!("prices[0].{name}: "))), "{lines:?}");
        }
    }
}

#[test]
fn every_type_takes_every_member_except_copilot_a_key_and_its_header() {
    for kind in ["anthropic", "openai", "copilot"] {
        let mut provider = example()["providers"][0].clone();
        provider["type"] = json!(kind);
        provider["key"] = json!({"value": "ours"});
        if kind == "copilot" {
            provider.as_object_mut().unwrap().remove("key_header");
        }
        let text = json!({"providers": [provider]}).to_string();
        let lines = problems(&text);
        let copilot = ["providers[0].key: callers of Copilot always bring their own key, so leave `key` out"];
        assert_eq!(lines, if kind == "copilot" { &copilot[..] } else { &[] });
        let without = text.replace(r#""key":{"value":"ours"},"#, "");
        assert!(parse(&without).is_ok(), "{without}");
    }
    for key in [r#"{"value": "gho_x"}"#, r#"{"env": "OPENAI_API_KEY"}"#, r#"{"external": true}"#] {
        for byok in ["allow", "deny", "require"] {
            let text = format!(r#"{{"providers": [{{"type": "copilot", "key": {key}, "byok": "{byok}"}}]}}"#);
            assert_eq!(
                problems(&text),
                ["providers[0].key: callers of Copilot always bring their own key, so leave `key` out"]
            );
        }
    }
}
