//! The README names every code, note, metric and configuration member that there is, and the record's schema every
//! value of those members that have a fixed set of them.

#![expect(clippy::unwrap_used, reason = "a panic in a test is a failed test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Everything quoted in the part of `source` that begins with `from` and ends with the next line that is `until`.
fn quoted(source: &str, from: &str, until: &str) -> BTreeSet<String> {
    let text = read(source);
    let part = text.split(from).nth(1).unwrap().split(until).next().unwrap();
    part.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Of what is quoted there, every word of small letters and underscores.
fn words(source: &str, from: &str, until: &str) -> Vec<String> {
    let words: Vec<String> = quoted(source, from, until)
        .into_iter()
        .filter(|word| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
        })
        .collect();
    assert!(words.len() > 4, "{source}: {words:?}");
    words
}

#[test]
fn every_code_note_and_metric_is_in_the_readme() {
    let readme = read("README.md");
    let named = [
        words("src/rejection.rs", "pub const fn code(", "\n    }\n"),
        words("src/exchange/local.rs", "= match status {", "\n        };"),
        words("src/note.rs", "pub const fn name(", "\n    }\n"),
        words("src/metric.rs", "pub const fn name(", "\n    }\n"),
        words("src/config/publish.rs", " = [", "];"),
    ];
    for word in named.iter().flatten() {
        let stands = [format!("`{word}`"), format!("`{word}:N`"), format!("_{word}`"), format!(" {word} ")];
        assert!(stands.iter().any(|form| readme.contains(form)), "{word} is not in README.md");
    }
}

#[test]
fn every_member_of_the_contracts_configuration_is_in_the_readme() {
    fn check(value: &serde_json::Value, readme: &str) {
        if let serde_json::Value::Object(members) = value {
            for (name, value) in members {
                let stands = [format!("{name}`"), format!("`{name}"), format!("\"{name}\"")]
                    .iter()
                    .any(|form| readme.contains(form));
                assert!(stands || ["team"].contains(&name.as_str()), "{name} is not in README.md");
                check(value, readme);
            }
        }
        if let serde_json::Value::Array(elements) = value {
            elements.iter().for_each(|element| check(element, readme));
        }
    }
    check(&serde_json::from_str(&read("tests/config/contract.json")).unwrap(), &read("README.md"));
}

#[test]
fn the_records_schema_has_every_value_of_members_with_a_fixed_set() {
    let schema: serde_json::Value = serde_json::from_str(&read("envoy/records/record.schema.json")).unwrap();
    let name = ("pub const fn name(", "\n    }\n");
    let type_name = ("pub const PROFILE: Profile = Profile {\n    name: ", ",\n");
    for (member, sources, (from, until)) in [
        ("/outcome", vec!["src/record.rs"], name),
        ("/api", vec!["src/api.rs"], name),
        ("/client", vec!["src/caller/client.rs"], name),
        ("/credential/properties/kind", vec!["src/credential.rs"], name),
        ("/notes/items/anyOf/0", vec!["src/note.rs"], name),
        (
            "/provider/properties/type",
            vec!["src/provider/anthropic.rs", "src/provider/openai.rs", "src/provider/copilot.rs"],
            type_name,
        ),
    ] {
        let known = schema["properties"].pointer(&format!("{member}/enum")).unwrap().as_array().unwrap();
        let known: BTreeSet<String> = known.iter().map(|value| value.as_str().unwrap().to_owned()).collect();
        let named: BTreeSet<String> = sources.iter().flat_map(|source| quoted(source, from, until)).collect();
        assert_eq!(known, named, "{member} and {sources:?}");
    }
}
