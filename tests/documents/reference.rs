//! Pages that list something list all of it: codes, notes, metrics, values, members with their bounds, routes.

use super::{files, read, table};
use ai_bridge::api::Api;
use ai_bridge::config::Config;
use ai_bridge::credential::{VENDOR_PREFIXES, Vendor};
use ai_bridge::headers::REMOVED_BY_DEFAULT;
use ai_bridge::provider::HOSTS;
use ai_bridge::provider::ProviderType;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const TYPES: [ProviderType; 6] = ProviderType::ALL;

/// The tables of the configuration: page, heading, and the path of the object whose members they list.
const TABLES: [(&str, &str, &str); 5] = [
    ("envoy/configuration.md", "## Members", ""),
    ("envoy/configuration.md", "## Providers", "providers[]."),
    ("envoy/configuration.md", "## Prices", "prices[]."),
    ("envoy/configuration.md", "### Factors", "prices[].adjust[]."),
    ("envoy/bedrock/README.md", "## Members of bedrock", "providers[].bedrock."),
];

/// Everything quoted between `from` and `until` behind `owner`, in the one file of `src/` that has both.
fn quoted(owner: &str, from: &str, until: &str) -> BTreeSet<String> {
    let mut parts = Vec::new();
    for file in files("src", &[".rs"]) {
        let text = read(&file);
        let part = text.split_once(owner).and_then(|(_, rest)| rest.split_once(from));
        parts.extend(part.map(|(_, rest)| rest.split(until).next().unwrap().to_owned()));
    }
    assert_eq!(parts.len(), 1, "{} files of src/ have {owner:?} and behind it {from:?}", parts.len());
    parts[0].split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Of what is quoted there, every word of small letters, digits and underscores.
fn words(owner: &str, from: &str, until: &str) -> Vec<String> {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let found = quoted(owner, from, until).into_iter();
    let words: Vec<String> = found.filter(|word| !word.is_empty() && word.chars().all(is_word)).collect();
    assert!(words.len() > 4, "{owner}: {words:?}");
    words
}

/// What the function `name` of `owner` may return.
fn names(owner: &str, function: &str) -> Vec<String> {
    words(&format!("impl {owner} {{"), &format!("fn {function}("), "\n    }\n")
}

fn assert_named(page: &str, words: &[String], forms: impl Fn(&str) -> Vec<String>) {
    let text = read(page);
    for word in words {
        assert!(forms(word).iter().any(|form| text.contains(form)), "{word} is not in {page}");
    }
}

#[test]
fn every_code_and_note_is_explained() {
    let in_code = |word: &str| vec![format!("`{word}`"), format!("`{word}:N`")];
    assert_named("envoy/errors.md", &names("Rejection", "code"), in_code);
    assert_named(
        "envoy/errors.md",
        &words("NO_HEALTHY_UPSTREAM", "= match status {", "\n        };"),
        in_code,
    );
    assert_named("envoy/errors.md", &names("Note", "name"), in_code);
}

#[test]
fn two_pages_name_the_notes_that_the_metric_does_not_count() {
    let source = read("src/note.rs");
    let (_, body) = source.split_once("fn is_unread(").unwrap();
    let variants = body.split("\n    }\n").next().unwrap().split("Self::").skip(1);
    let name = |variant: &str| {
        let variant: String = variant.chars().take_while(char::is_ascii_alphabetic).collect();
        let (_, rest) = source.split_once(&format!("Self::{variant} => \"")).unwrap();
        rest.split('"').next().unwrap().to_owned()
    };
    let mut uncounted: BTreeSet<String> = variants.map(name).collect();
    // The native host counts it.
    assert!(uncounted.remove("filter_failed"));
    for page in ["envoy/errors.md", "envoy/prometheus/README.md"] {
        let text = read(page);
        let (_, list) = text.split_once("all notes but ").unwrap();
        let list = list.split(['.', '|']).next().unwrap();
        let named: BTreeSet<String> = list.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        assert_eq!(named, uncounted, "{page}");
    }
}

#[test]
fn every_metric_and_single_value_is_explained() {
    let in_code = |word: &str| vec![format!("`{word}`")];
    assert_named("envoy/prometheus/README.md", &names("Metric", "name"), in_code);
    let values = words("const NAMES: [&str; 14]", " = [", "];");
    assert_named("envoy/records/README.md", &values, |word| vec![format!("`ai_bridge_{word}`")]);
    let publish = |word: &str| vec![format!("`{word} "), format!(" {word} "), format!(" {word}`")];
    assert_named("envoy/configuration.md", &values, publish);
}

#[test]
fn every_vendor_prefix_and_client_is_in_its_table() {
    let text = read("envoy/behaviour.md");
    let clients = quoted("impl Client {", "fn name(", "\n    }\n");
    assert!(clients.len() > 10, "{clients:?}");
    for name in VENDOR_PREFIXES.iter().map(|(prefix, _)| *prefix).chain(clients.iter().map(String::as_str)) {
        assert!(text.contains(&format!("`{name}`")), "{name} is not in envoy/behaviour.md");
    }
}

#[test]
fn every_host_of_a_vendor_is_in_the_row_of_its_vendor() {
    let text = read("envoy/behaviour.md");
    for (domain, vendor) in HOSTS {
        let owner = vendor.map_or("–", Vendor::name);
        let row = text.lines().find(|line| line.starts_with(&format!("| {owner} |"))).unwrap_or_default();
        assert!(row.contains(&format!("`{domain}`")), "{domain} is not in envoy/behaviour.md");
    }
}

/// The configuration with `value` at `path` (`limits.tool_calls`) and nothing else that matters.
fn configured(path: &str, value: f64) -> Result<Config, String> {
    let price = json!({"models": ["*"], "input": 1, "output": 1});
    let mut document = json!({"providers": [{"type": "openai"}], "prices": [price]});
    let (object, name) = path.rsplit_once('.').unwrap();
    let object = match object {
        "providers[0]" => &mut document["providers"][0],
        "providers[0].bedrock" => {
            document["providers"][0] = json!({"type": "anthropic", "bedrock": invoke()});
            &mut document["providers"][0]["bedrock"]
        }
        "prices[0]" => &mut document["prices"][0],
        "prices[0].adjust[0]" => {
            document["prices"][0]["adjust"] = json!([{"speed": "fast", "factor": 1}]);
            &mut document["prices"][0]["adjust"][0]
        }
        _ => &mut document[object],
    };
    object[name] = json!(value);
    Config::parse(document.to_string().as_bytes(), &|_| None).map_err(|errors| errors.to_string())
}

fn invoke() -> Value {
    json!({"region": "us-east-1", "mode": "invoke", "host_holds_headers": true})
}

#[test]
fn the_numbers_of_the_configuration_tables_are_true() {
    let default =
        json!({"providers": [{"type": "openai"}, {"type": "anthropic", "bedrock": invoke()}]}).to_string();
    // A field has its member's name.
    let default = format!("{:?}", Config::parse(default.as_bytes(), &|_| None).unwrap());
    let mut checked = 0;
    for (page, heading, object) in TABLES {
        for row in table(page, heading) {
            let [member, kind, stated, bounds, ..] = row.as_slice() else { panic!("{row:?}") };
            if !kind.contains("number") {
                continue;
            }
            let name = member.trim_matches('`');
            let path = format!("{}{name}", object.replace("[]", "[0]"));
            let (least, most) = bounds.split_once('–').unwrap();
            let (least, most): (f64, f64) = (least.parse().unwrap(), most.parse().unwrap());
            for (value, fits) in [(least, true), (most, true), (least - 1.0, false), (most + 1.0, false)] {
                let found = configured(&path, value);
                assert_eq!(found.is_ok(), fits, "{path}: {value}");
                assert!(found.err().is_none_or(|error| error.starts_with(&format!("{path}: "))), "{path}");
            }
            let stated = stated.split(',').next().unwrap();
            if stated.parse::<u64>().is_ok() {
                let field = format!(" {}: {stated}", name.rsplit('.').next().unwrap());
                let is_shown = [",", " "].iter().any(|end| default.contains(&format!("{field}{end}")));
                assert!(is_shown, "{field}: {default}");
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 21);
}

/// Objects whose members have no row each.
const FREE: [&str; 5] = ["key", "query", "metadata_headers", "per_million", "per_use"];

/// The path of every member of `value`, without those of objects whose member names are free.
fn paths(value: &Value, at: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) if !FREE.iter().any(|free| at.ends_with(free)) => {
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

/// Of the two configurations in `tests/config`, the first by name holds every member; the page shows it.
#[test]
fn the_configuration_tables_list_every_member_and_no_other() {
    let [all, _wrong] = files("tests/config", &[".json"]).try_into().unwrap();
    let all: Value = serde_json::from_str(&read(&all)).unwrap();
    let page = read("envoy/configuration.md");
    let example = page.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(serde_json::from_str::<Value>(example).unwrap(), all, "the page's example");
    let mut members = BTreeSet::new();
    paths(&all, "", &mut members);
    // A pool is instead of `key` and `cluster`, so that the example has none.
    members.extend(["providers[].pool", "providers[].start"].map(str::to_owned));
    let documented: BTreeSet<String> = TABLES
        .into_iter()
        .filter(|(page, ..)| *page == "envoy/configuration.md")
        .flat_map(|(page, heading, object)| {
            table(page, heading).into_iter().map(move |row| format!("{object}{}", row[0].trim_matches('`')))
        })
        .collect();
    assert_eq!(documented, members);
}

#[test]
fn every_member_of_a_pool_is_listed() {
    let rows = table("envoy/configuration.md", "## Members of a pool");
    let listed: Vec<String> = rows.iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    let mut known = words("fn member(", "let written_key", "Some(Member {");
    known.retain(|word| !word.is_empty());
    known.push("name".to_owned());
    let sorted = |words: Vec<String>| words.into_iter().collect::<BTreeSet<String>>();
    assert_eq!(sorted(listed), sorted(known));
}

#[test]
fn every_member_of_bedrock_is_listed() {
    let mut known = words("const OF_INVOKE", " = [", "];");
    known.extend(["region", "mode"].map(str::to_owned));
    known.sort();
    let rows = table("envoy/bedrock/README.md", "## Members of bedrock");
    let mut listed: Vec<String> = rows.iter().map(|row| row[0].trim_matches('`').to_owned()).collect();
    listed.sort();
    assert_eq!(listed, known);
}

#[test]
fn the_table_of_routes_is_that_of_the_providers() {
    let rows = table("envoy/behaviour.md", "## Paths and routes");
    for kind in TYPES {
        let profile = kind.profile();
        let listed =
            |routes: &[&str]| routes.iter().map(|route| format!("`{route}`")).collect::<Vec<_>>().join(", ");
        let bridged: Vec<&str> = profile.bridged.iter().map(|(route, _)| *route).collect();
        let passthrough: Vec<String> = profile
            .passthrough
            .iter()
            .map(|route| format!("{}`{}`", if route.only_get { "GET " } else { "" }, route.route))
            .collect();
        let expected = [
            listed(&[profile.name]),
            format!("`/{{name}}{}`", profile.prefix_suffix),
            listed(&bridged),
            passthrough.join(", "),
        ];
        assert!(rows.iter().any(|row| row.as_slice() == expected), "{expected:?} {rows:?}");
    }
}

#[test]
fn the_records_schema_has_every_value_of_members_with_a_fixed_set() {
    let schema: Value = serde_json::from_str(&read("envoy/records/record.schema.json")).unwrap();
    let name = |owner: &str| quoted(&format!("impl {owner} {{"), "fn name(", "\n    }\n");
    let types = TYPES.iter().map(|kind| kind.profile().name.to_owned()).collect();
    for (member, expected) in [
        ("/outcome", name("Outcome")),
        ("/api", Api::ALL.iter().map(|api| api.name().to_owned()).collect()),
        ("/client", name("Client")),
        ("/credential/properties/kind", name("CredentialKind")),
        ("/notes/items/anyOf/0", name("Note")),
        ("/provider/properties/type", types),
    ] {
        let known = schema["properties"].pointer(&format!("{member}/enum")).unwrap().as_array().unwrap();
        let known: BTreeSet<String> = known.iter().map(|value| value.as_str().unwrap().to_owned()).collect();
        assert_eq!(known, expected, "{member}");
    }
}

#[test]
fn the_headers_that_are_removed_by_default_are_listed_in_the_page_and_in_the_example() {
    let behaviour = read("envoy/behaviour.md");
    let table = behaviour.split_once("Without `remove_headers` these are removed.").unwrap().1;
    let table = table.split_once("\n## ").unwrap().0;
    let listed: BTreeSet<&str> = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next())
        .flat_map(|cell| cell.split(", "))
        .map(|name| name.trim_matches('`'))
        .collect();
    assert_eq!(listed, REMOVED_BY_DEFAULT.iter().copied().collect());
    let example = read("envoy/configuration.md");
    let example = example.split_once("\"remove_headers\": [").unwrap().1.split_once(']').unwrap().0;
    let listed: BTreeSet<&str> = example.split(',').map(|name| name.trim().trim_matches('"')).collect();
    assert_eq!(listed, REMOVED_BY_DEFAULT.iter().copied().collect());
}
