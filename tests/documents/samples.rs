//! Every sample in a page is an input of a test.

use super::{files, product_pages, read};
use ai_bridge::config::Config;
use serde_json::{Map, Value, json};

/// Pages whose YAML other tests read: `tests/envoy/compose_shared.py`.
const TESTED_ELSEWHERE: &str = "envoy/compose/README.md";

/// The blocks of `page` in `language`.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let text = read(page);
    let parts: Vec<&str> = text.split("```").collect();
    let inside = parts.iter().skip(1).step_by(2);
    inside.filter_map(|block| block.strip_prefix(language)?.strip_prefix('\n').map(str::to_owned)).collect()
}

fn parsed(configuration: &Value) -> Result<Config, String> {
    let key = |name: &str| Some(format!("key-of-{name}"));
    Config::parse(configuration.to_string().as_bytes(), &key).map_err(|errors| errors.to_string())
}

/// Every member of `value` is in `schema`, and so is every member below it.
fn assert_members_known(value: &Map<String, Value>, schema: &Value) {
    for (name, value) in value {
        let member = &schema["properties"][name];
        assert!(member.is_object(), "{name} is not in the record's schema");
        let is_free = !member["properties"].is_object();
        if let (Value::Object(members), false) = (value, is_free) {
            assert_members_known(members, member);
        }
    }
}

/// `sample` has one of the two shapes of an error, and its code is one of the page's.
fn assert_error(page: &str, sample: &Value) {
    let error = &sample["error"];
    let expected = if sample["type"] == "error" {
        json!({"type": "error", "error": {"type": error["type"], "message": error["message"]}})
    } else {
        let code = error["code"].as_str().unwrap();
        assert!(read(page).contains(&format!("`{code}`")), "{page}: {code}");
        let [kind, message] = [&error["type"], &error["message"]];
        json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
    };
    assert_eq!(*sample, expected, "{page}");
    assert!(error["type"].is_string() && error["message"].is_string(), "{page}: {sample}");
}

#[test]
fn every_json_block_is_a_configuration_a_record_or_an_error_of_the_filter() {
    let schema: Value = serde_json::from_str(&read("envoy/records/record.schema.json")).unwrap();
    let mut checked = 0;
    for page in product_pages() {
        for block in blocks(&page, "json") {
            let sample: Value =
                serde_json::from_str(&block).unwrap_or_else(|error| panic!("{page}: {error}"));
            let members = sample.as_object().unwrap();
            let has = |name: &str| members.contains_key(name);
            let configuration = if has("providers") {
                Some(sample.clone())
            } else if has("record") {
                let mut whole = members.clone();
                whole.insert("providers".to_owned(), json!([{"type": "openai"}]));
                Some(Value::Object(whole))
            } else if has("bedrock") {
                Some(json!({"providers": [sample]}))
            } else {
                None
            };
            if let Some(configuration) = configuration {
                let problems = parsed(&configuration).err();
                assert_eq!(problems, None, "{page}: {block}");
            } else if has("outcome") {
                assert_members_known(members, &schema);
                for name in schema["required"].as_array().unwrap() {
                    assert!(has(name.as_str().unwrap()), "{page}: {name} is missing");
                }
            } else if has("usage_status") {
                assert_members_known(members, &schema["properties"]["usage"]);
            } else if has("error") {
                assert_error(&page, &sample);
            } else {
                // AWS's IAM policy is only JSON.
                assert!(has("Statement"), "{page}: a test has to read this: {block}");
            }
            checked += 1;
        }
    }
    assert!(checked >= 9, "{checked}");
}

/// Every line of a block is in one shipped file, in this order.
#[test]
fn every_yaml_block_is_a_piece_of_a_shipped_file() {
    let shipped: Vec<String> = files("envoy", &[".yaml"]).iter().map(|file| read(file)).collect();
    let holds = |text: &str, block: &str| {
        let mut lines = text.lines().map(str::trim);
        block.lines().map(str::trim).all(|wanted| lines.any(|line| line == wanted))
    };
    let mut checked = 0;
    for page in product_pages().iter().filter(|page| *page != TESTED_ELSEWHERE) {
        for block in blocks(page, "yaml") {
            assert!(shipped.iter().any(|text| holds(text, &block)), "{page}: no shipped file has\n{block}");
            checked += 1;
        }
    }
    assert!(checked >= 3, "{checked}");
}

#[test]
fn the_readmes_configuration_is_that_of_the_shipped_file() {
    let [configuration, _] = blocks("README.md", "json").try_into().unwrap();
    let shipped = read("envoy/budgets/envoy.yaml");
    let value =
        shipped.split("google.protobuf.StringValue\n").nth(1).unwrap().split_once("value: |\n").unwrap().1;
    let value = value.split("vm_config:").next().unwrap();
    let [here, there] =
        [configuration.as_str(), value].map(|text| serde_json::from_str::<Value>(text).unwrap());
    assert_eq!(here, there);
}

#[test]
fn the_readmes_record_is_one_of_the_sample() {
    let [_, record] = blocks("README.md", "json").try_into().unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    let sample = read("tests/records/sample.jsonl");
    assert!(sample.lines().any(|line| serde_json::from_str::<Value>(line).unwrap() == record), "{record}");
}

#[test]
fn every_make_target_that_a_page_names_exists() {
    let makefile = read("Makefile");
    let mut checked = 0;
    for page in product_pages() {
        let text = read(&page);
        let in_text = text.split("`make ").skip(1);
        let in_blocks = text.split("\nmake ").skip(1);
        for command in in_text.chain(in_blocks) {
            let target = command.split([' ', '`', '\n']).next().unwrap();
            if !target.contains('/') {
                assert!(makefile.contains(&format!("\n{target}:")), "{page}: make {target}");
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "{checked}");
}

#[test]
fn the_readmes_cost_is_that_of_the_table() {
    let table = read("tests/bench/README.md");
    let cells = |start: &str| {
        let row = table.lines().find(|line| line.starts_with(start)).unwrap();
        row.split('|').map(str::trim).collect::<Vec<&str>>()
    };
    let (titles, row) = (cells("| | Envoy alone |"), cells("| CPU, 1 KB request"));
    let times = |title| {
        let ratio: f64 = row[titles.iter().position(|known| *known == title)?].parse().ok()?;
        Some(format!("{ratio:.1} times"))
    };
    let date = table.lines().find(|line| line.ends_with(" s:")).unwrap().split(',').next().unwrap();
    let with = times("AI Bridge / Envoy alone").unwrap();
    let mut stated = format!("{with} as much CPU with the filter as without (measured on {date})");
    if let Some(native) = times("dynamic module / Envoy alone") {
        stated += &format!(", {native} with it as a [dynamic module](");
    }
    assert!(read("README.md").contains(&stated), "README.md does not say: {stated}");
}
