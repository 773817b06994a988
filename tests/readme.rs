//! The README names every code, note, metric and configuration member that there is.

#![expect(clippy::unwrap_used, reason = "a panic in a test is a failed test")]

use std::fs;
use std::path::Path;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// Every quoted word of small letters and underscores in the part of `source` that begins with `from` and ends with
/// the next line that is `until`.
fn words(source: &str, from: &str, until: &str) -> Vec<String> {
    let text = read(source);
    let part = text.split(from).nth(1).unwrap().split(until).next().unwrap();
    let quoted = part.split('"').skip(1).step_by(2);
    let words: Vec<String> = quoted
        .filter(|word| {
            !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c.is_ascii_digit())
        })
        .map(str::to_owned)
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
