//! The single values of an interception that other filters and access logs read as properties: their names, and which of
//! them are set.

/// The single values that are set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publish {
    /// Every single value is set.
    All,
    /// Only these; names without [`PREFIX`].
    Only(Vec<String>),
}

/// The beginning of every property's name.
pub const PREFIX: &str = "ai_bridge_";

/// The names of the single values without [`PREFIX`] (`envoy/behaviour.md#the-record`). Each metadata key of the actor adds
/// `actor_{key}`.
pub const NAMES: [&str; 14] = [
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
    "requested_model",
];

/// Those of [`NAMES`] that are numbers.
pub const NUMBERS: [&str; 6] = [
    "input_tokens",
    "output_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "total_tokens",
    "cost_microusd",
];

// === impl Publish ===

impl Publish {
    /// Whether no value is set.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Only(names) if names.is_empty())
    }
}
