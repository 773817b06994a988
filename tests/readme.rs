//! The README names every code, note, metric and configuration member that there is, and the record's schema every
//! value of those members that have a fixed set of them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a panic in a test is a failed test")]

use ai_bridge::config::Config;
use ai_bridge::provider::ProviderType;
use serde_json::{Value, json};
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
        words("src/reply/rejection.rs", "pub const fn code(", "\n    }\n"),
        words("src/reply/local.rs", "= match status {", "\n        };"),
        words("src/note.rs", "pub const fn name(", "\n    }\n"),
        words("src/metric.rs", "pub const fn name(", "\n    }\n"),
        words("src/values.rs", " = [", "];"),
    ];
    for word in named.iter().flatten() {
        let stands = [format!("`{word}`"), format!("`{word}:N`"), format!("_{word}`"), format!(" {word} ")];
        assert!(stands.iter().any(|form| readme.contains(form)), "{word} is not in README.md");
    }
}

/// The cells of every row of the tables below `title`, up to the next title.
fn table(title: &str) -> Vec<Vec<String>> {
    let readme = read("README.md");
    let part = readme.split(&format!("\n{title}\n")).nth(1).unwrap().split("\n#").next().unwrap().to_owned();
    let rows = part.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// A configuration that says `value` at `path` (`limits.tool_calls`), and nothing else that matters.
fn configured(path: &str, value: f64) -> Result<Config, String> {
    let price = json!({"models": ["*"], "input": 1, "output": 1});
    let mut document = json!({"providers": [{"type": "openai"}], "prices": [price]});
    let (object, name) = path.rsplit_once('.').unwrap();
    let object = match object {
        "providers[0]" => &mut document["providers"][0],
        "prices[0]" => &mut document["prices"][0],
        _ => &mut document[object],
    };
    object[name] = json!(value);
    Config::parse(document.to_string().as_bytes(), &|_| None).map_err(|errors| errors.to_string())
}

#[test]
fn the_numbers_of_the_configuration_tables_are_true() {
    let mut checked = 0;
    for (title, object) in [
        ("## Configuration", ""),
        ("### Providers (`providers[]`)", "providers[0]."),
        ("### Prices (`prices[]`), in USD per million tokens", "prices[0]."),
    ] {
        for row in table(title) {
            let [member, kind, default, bounds, ..] = row.as_slice() else { panic!("{row:?}") };
            if !kind.contains("number") {
                continue;
            }
            let name = member.trim_matches('`');
            let path = format!("{object}{name}");
            let (least, most) = bounds.split_once('–').unwrap();
            let (least, most): (f64, f64) = (least.parse().unwrap(), most.parse().unwrap());
            for (value, fits) in [(least, true), (most, true), (least - 1.0, false), (most + 1.0, false)] {
                let found = configured(&path, value);
                assert_eq!(found.is_ok(), fits, "{path}: {value}");
                assert!(found.err().is_none_or(|error| error.starts_with(&format!("{path}: "))), "{path}");
            }
            let default = default.split(',').next().unwrap();
            if default.parse::<u64>().is_ok() {
                // The field has the member's name.
                let shown =
                    format!("{:?}", Config::parse(br#"{"providers": [{"type": "openai"}]}"#, &|_| None));
                let field = format!(" {}: {default}", name.rsplit('.').next().unwrap());
                assert!(
                    shown.contains(&format!("{field},")) || shown.contains(&format!("{field} ")),
                    "{field}: {shown}"
                );
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 15);
}

#[test]
fn every_member_of_the_configuration_tables_is_one_of_the_contracts_and_the_other_way_round() {
    fn paths(value: &Value, at: &str, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) if !["key", "metadata_headers"].iter().any(|free| at.ends_with(free)) => {
                let dot = if at.is_empty() { "" } else { "." };
                members.iter().for_each(|(name, value)| paths(value, &format!("{at}{dot}{name}"), found));
            }
            Value::Array(items) if items.iter().all(Value::is_object) => {
                found.insert(at.to_owned());
                items.iter().for_each(|item| paths(item, &format!("{at}[]"), found));
            }
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_) => {
                found.insert(at.to_owned());
            }
        }
    }
    let mut contract = BTreeSet::new();
    paths(&serde_json::from_str(&read("tests/config/contract.json")).unwrap(), "", &mut contract);
    let documented: BTreeSet<String> = [
        ("## Configuration", ""),
        ("### Providers (`providers[]`)", "providers[]."),
        ("### Prices (`prices[]`), in USD per million tokens", "prices[]."),
    ]
    .into_iter()
    .flat_map(|(title, object)| {
        table(title).into_iter().map(move |row| format!("{object}{}", row[0].trim_matches('`')))
    })
    .collect();
    assert_eq!(documented, contract);
}

#[test]
fn the_table_of_routes_is_that_of_the_providers() {
    let rows = table("## Routes");
    assert_eq!(rows.len(), ProviderType::ALL.len());
    for (row, kind) in rows.iter().zip(ProviderType::ALL) {
        let profile = kind.profile();
        let listed =
            |routes: &[&str]| routes.iter().map(|route| format!("`{route}`")).collect::<Vec<_>>().join(", ");
        let bridged: Vec<&str> = profile.bridged.iter().map(|(route, _)| *route).collect();
        let expected = [
            listed(&[profile.name]),
            format!("`/{{name}}{}`", profile.prefix_suffix),
            listed(&bridged),
            listed(profile.passthrough),
        ];
        assert_eq!(row.as_slice(), expected);
    }
}

#[test]
fn the_records_schema_has_every_value_of_members_with_a_fixed_set() {
    let schema: Value = serde_json::from_str(&read("envoy/records/record.schema.json")).unwrap();
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

/// How GitHub names the place of a title.
fn anchor(title: &str) -> String {
    let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
}

/// The titles of a page, outside of its code.
fn titles(page: &str) -> Vec<String> {
    let mut is_code = false;
    let lines = page.lines().filter(|line| {
        is_code ^= line.trim_start().starts_with("```");
        !is_code && line.starts_with('#')
    });
    lines.map(|line| line.trim_start_matches('#').trim().to_owned()).collect()
}

#[test]
fn every_link_between_the_pages_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = fs::read_dir(root.join("envoy")).unwrap().map(|entry| entry.unwrap().path());
    let pages: Vec<_> = folders
        .map(|folder| folder.join("README.md"))
        .chain([root.join("README.md")])
        .filter(|page| page.exists())
        .collect();
    assert!(pages.len() >= 5, "{pages:?}");
    let mut checked = 0;
    for page in &pages {
        let text = fs::read_to_string(page).unwrap();
        for link in text.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
            if link.contains("://") {
                continue;
            }
            let (file, place) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link}", page.display());
            if !place.is_empty() {
                let known = titles(&fs::read_to_string(&target).unwrap());
                assert!(known.iter().any(|title| anchor(title) == place), "{}: {link}", page.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked}");
}

#[test]
fn the_readmes_contents_name_every_section_in_its_order() {
    let readme = read("README.md");
    let contents: Vec<&str> =
        readme.lines().filter(|line| line.starts_with("* **") && line.contains("](#")).collect();
    let named: Vec<String> = contents
        .iter()
        .flat_map(|line| line.split("](#").skip(1))
        .map(|rest| rest.split(')').next().unwrap().to_owned())
        .collect();
    let sections: Vec<String> =
        readme.lines().filter_map(|line| line.strip_prefix("## ")).map(anchor).collect();
    assert_eq!(named, sections);
}
