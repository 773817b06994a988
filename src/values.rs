//! The single values of an interception that other filters and access logs read as properties: their names, and which of
//! them are set.

use crate::json::Digits;
use core::ops::Deref;
use std::rc::Rc;

/// The text of a single value, or a record. Most take no memory of their own: a worker sets a dozen for each request.
#[derive(Clone, Debug)]
pub enum Value {
    /// A text of this filter.
    Fixed(&'static str),
    /// A text of the configuration or of a stream.
    Shared(Rc<str>),
    /// A number.
    Number(Digits),
    /// Any other text.
    Owned(Vec<u8>),
}

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

// === impl Value ===

impl Value {
    /// The text as bytes of its own.
    #[must_use]
    pub fn into_owned(self) -> Vec<u8> {
        match self {
            Self::Owned(bytes) => bytes,
            Self::Fixed(_) | Self::Shared(_) | Self::Number(_) => self.to_vec(),
        }
    }
}

impl Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Fixed(text) => text.as_bytes(),
            Self::Shared(text) => text.as_bytes(),
            Self::Number(digits) => digits,
            Self::Owned(bytes) => bytes,
        }
    }
}

// === impl Publish ===

impl Publish {
    /// Whether no value is set.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        matches!(self, Self::Only(names) if names.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::Value;
    use crate::json::Digits;

    #[test]
    fn a_number_is_written_in_decimal_digits() {
        for number in [0, 7, 10, 1_000_000, u64::MAX - 1, u64::MAX] {
            assert_eq!(*Value::Number(Digits::of(number)), *number.to_string().as_bytes());
        }
    }
}
