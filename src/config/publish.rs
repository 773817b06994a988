//! `publish`: which single values are set as properties.

use super::node::{Node, did_you_mean};
use super::quoted::quoted;
use crate::caller::ActorSource;
use crate::values::{NAMES, PREFIX, Publish};

/// The names in `node`. Each metadata key of `actor` is a name too.
pub(super) fn publish(node: &Node<'_>, actor: &ActorSource) -> Option<Publish> {
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
    Some(Publish::Only(names))
}
