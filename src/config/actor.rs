//! `actor`: where the authenticated caller is found.

use super::header_name::header_name_without_credential;
use super::node::Node;
use super::quoted::quoted;
use crate::caller::ActorSource;

/// Bytes of the longest metadata key.
const LONGEST_KEY_BYTES: usize = 64;
/// The most metadata keys.
const MOST_KEYS: usize = 32;
/// The most elements of a property path.
const LONGEST_PROPERTY: usize = 32;

/// The settings in `node`, with the default for each member that is not written.
pub(super) fn actor_source(node: &Node<'_>) -> Option<ActorSource> {
    node.object("an object", |members| {
        let (header, property) = (members.member("header"), members.member("property"));
        let required = members.bool("required", false);
        ActorSource {
            header: header.and_then(|node| header_name_without_credential(&node)),
            metadata_headers: members.read("metadata_headers", Vec::new(), metadata_headers),
            property: property.and_then(|node| property_path(&node)),
            required,
        }
    })
}

/// Each configured header with its path in the configuration.
pub(super) fn actor_headers(source: &ActorSource) -> impl Iterator<Item = (String, &str)> {
    let header = source.header.iter().map(|name| ("actor.header".to_owned(), name.as_str()));
    let metadata = source.metadata_headers.iter();
    header.chain(metadata.map(|(key, name)| (format!("actor.metadata_headers.{key}"), name.as_str())))
}

/// Metadata keys with the header of each. A key becomes a part of a property's name and of a header's name.
fn metadata_headers(node: &Node<'_>) -> Option<Vec<(String, String)>> {
    let entries = node.entries("an object of keys and header names")?;
    if entries.len() > MOST_KEYS {
        node.problem(format_args!("expected at most {MOST_KEYS} keys, found {}", entries.len()));
    }
    let mut seen: Vec<String> = Vec::new();
    let pair = |(key, node): &(&str, Node<'_>)| {
        let header = header_name_without_credential(node);
        if !is_metadata_key(key) {
            node.problem(format_args!(
                "expected a key of at most {LONGEST_KEY_BYTES} letters, digits, _ and - that starts with a \
                 letter or digit, found {}",
                quoted(key)
            ));
            return None;
        }
        let sent = key.to_ascii_lowercase();
        if seen.contains(&sent) {
            // Header names do not differ by case.
            node.problem(format_args!("\"{sent}\" is there twice: keys differ by more than case"));
            return None;
        }
        seen.push(sent);
        Some(((*key).to_owned(), header?))
    };
    Some(entries.iter().filter_map(pair).collect())
}

fn is_metadata_key(key: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric();
    key.len() <= LONGEST_KEY_BYTES
        && key.bytes().next().is_some_and(plain)
        && key.bytes().all(|byte| plain(byte) || byte == b'_' || byte == b'-')
}

/// The elements of the path of an Envoy attribute.
fn property_path(node: &Node<'_>) -> Option<Vec<String>> {
    let elements = node.list("strings")?;
    if elements.is_empty() || elements.len() > LONGEST_PROPERTY {
        node.problem(format_args!("expected 1 to {LONGEST_PROPERTY} strings, found {}", elements.len()));
        return None;
    }
    let element = |node: &Node<'_>| {
        let text = node.text()?;
        // The host's ABI separates elements by NUL.
        if text.is_empty() || text.contains('\0') {
            node.problem(format_args!("expected a part of a property path, found {}", quoted(text)));
            return None;
        }
        Some(text.to_owned())
    };
    Some(elements.iter().filter_map(element).collect())
}
