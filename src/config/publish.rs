//! Which single values are set as properties.

use super::echo::quoted;
use super::node::{Node, did_you_mean};
use super::{ActorSource, Publish};

/// What every property's name begins with.
const PREFIX: &str = "ai_bridge_";

/// The single values of contract §8, without [`PREFIX`]; `actor_{key}` comes to them.
const NAMES: [&str; 13] = [
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

    /// The names in `node`; those of `actor`'s metadata are known too.
    pub(super) fn parse(node: &Node<'_>, actor: &ActorSource) -> Option<Self> {
        let items = node.list("names")?;
        let metadata: Vec<String> =
            actor.metadata_headers.iter().map(|(key, _)| format!("actor_{key}")).collect();
        let known: Vec<&str> = NAMES.into_iter().chain(metadata.iter().map(String::as_str)).collect();
        let mut names: Vec<String> = Vec::new();
        for item in items {
            let Some(name) = item.text() else { continue };
            if !known.contains(&name) {
                let plain = name.strip_prefix(PREFIX).unwrap_or(name);
                let mut hint = did_you_mean(plain, &known);
                if hint.is_empty() && plain.starts_with("actor_") {
                    hint.push_str("; its key is not in actor.metadata_headers");
                }
                item.problem(format_args!("no single value is called {}{hint}", quoted(name)));
            } else if names.iter().any(|other| other == name) {
                item.problem(format_args!("\"{name}\" is there twice"));
            } else {
                names.push(name.to_owned());
            }
        }
        Some(Self::Only(names))
    }
}
