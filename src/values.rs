//! The single values: their names, and which of them are set as properties.

/// Which single values are set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publish {
    /// All of them.
    All,
    /// These, named without the prefix `ai_bridge_`.
    Only(Vec<String>),
}

/// What every property's name begins with.
pub const PREFIX: &str = "ai_bridge_";

/// The single values of `envoy/behaviour.md#the-record`, without [`PREFIX`]; `actor_{key}` comes to them.
pub const NAMES: [&str; 13] = [
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
];

impl Publish {
    /// Whether none is set.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Only(names) if names.is_empty())
    }
}
