//! The configuration through the public API: what every member accepts, means and refuses.

mod bedrock;
mod callers_and_values;
mod document;
mod limits_and_prices;
mod members;
mod pools;
mod providers;
mod root_and_headers;
mod secrecy;

use ai_bridge::config::{Config, ConfigErrors};
use ai_bridge::glob::Glob;
use serde_json::Value;

/// A configuration in which every member is written.
const EXAMPLE: &str = include_str!("contract.json");

/// The environment variables of these tests.
fn environment(name: &str) -> Option<String> {
    let value = match name {
        "ANTHROPIC_API_KEY" => "sk-ant-environment-secret\n",
        "OPENAI_API_KEY" => "sk-proj-environment-secret",
        "EMPTY" => "",
        "BLANK" => " \n",
        "TWO_LINES" => "environment\nsecret",
        "BEARER" => "Bearer environment-secret",
        "GATEWAY" => "gw_environment-secret",
        _ => return None,
    };
    Some(value.to_owned())
}

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(text.as_bytes(), &environment)
}

#[expect(clippy::panic, reason = "a panic in a test is a failed test")]
fn accepted(value: &Value) -> Config {
    parse(&value.to_string()).unwrap_or_else(|errors| panic!("{value}\n{errors}"))
}

fn problems(text: &str) -> Vec<String> {
    match parse(text) {
        Ok(_) => Vec::new(),
        Err(errors) => errors.iter().map(ToString::to_string).collect(),
    }
}

/// Each of `rows`: members of a configuration with one valid provider, and the problem lines.
#[track_caller]
fn refuses(rows: &[(&str, &[&str])]) {
    for (members, lines) in rows {
        let text = format!(r#"{{"providers": [{{"type": "anthropic"}}], {members}}}"#);
        assert_eq!(problems(&text), *lines, "{text}");
    }
}

/// Each of `rows`: the members of one provider, and the problem lines without `providers[0]`.
#[track_caller]
fn provider_refuses(rows: &[(&str, &[&str])]) {
    for (members, lines) in rows {
        let text = format!(
            r#"{{"providers": [{{{members}}}], "gateway_credentials": {{"value_prefixes": ["gw_"]}}}}"#
        );
        let lines: Vec<String> = lines.iter().map(|line| format!("providers[0]{line}")).collect();
        assert_eq!(problems(&text), lines, "{text}");
    }
}

fn globs(patterns: &[&str]) -> Vec<Glob> {
    patterns.iter().copied().map(Glob::new).collect()
}
