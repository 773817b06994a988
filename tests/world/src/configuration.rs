//! Configurations of the filter for tests.

use ai_bridge::bridge::Bridge;
use ai_bridge::config::Config;
use serde_json::Value;
use std::rc::Rc;

/// The configuration that the transcripts assume.
pub const CONFIGURATION: &str = include_str!("../../transcripts/config.json");

/// The names of all single values (`publish`) under [`CONFIGURATION`].
pub const SINGLE_VALUES: [&str; 14] = [
    "id",
    "provider",
    "api",
    "model",
    "outcome",
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "total_tokens",
    "cost_microusd",
    "actor",
    "session",
    "actor_team",
];

/// A bridge under `configuration`.
pub fn bridge(configuration: &str) -> Rc<Bridge> {
    let config =
        Config::parse(configuration.as_bytes(), &|_| None).unwrap_or_else(|errors| panic!("{errors}"));
    Rc::new(Bridge::new(config))
}

/// A bridge under [`CONFIGURATION`] with `change` applied.
pub fn changed(change: impl FnOnce(&mut Value)) -> Rc<Bridge> {
    let mut configuration: Value = serde_json::from_str(CONFIGURATION).unwrap();
    change(&mut configuration);
    bridge(&configuration.to_string())
}
