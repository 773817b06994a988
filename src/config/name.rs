//! Names of providers and of members of pools.

use super::node::Node;
use super::quoted::quoted;

/// Bytes of the longest name: it is a part of paths, records and metric labels.
const LONGEST_NAME_BYTES: usize = 64;

/// The name in `node`, where it is well-formed. A name that is one of `others`, those of the list `list`, is reported and
/// returned.
pub(super) fn unique_name(node: &Node<'_>, others: &[Option<String>], list: &str) -> Option<String> {
    let name = well_formed(node)?;
    if let Some(other) = others.iter().position(|other| other.as_deref() == Some(name)) {
        node.problem(format_args!("\"{name}\" is already the name of {list}[{other}]"));
    }
    Some(name.to_owned())
}

/// The name in `node`, where it is well-formed.
pub(super) fn well_formed<'a>(node: &Node<'a>) -> Option<&'a str> {
    let text = node.text()?;
    if !is_name(text) {
        node.problem(format_args!(
            "expected lower-case letters and digits, in words joined by single hyphens, found {}",
            quoted(text)
        ));
        return None;
    }
    if text.len() > LONGEST_NAME_BYTES {
        node.problem(format_args!("longer than {LONGEST_NAME_BYTES} bytes"));
        return None;
    }
    Some(text)
}

/// `^[a-z0-9]+(-[a-z0-9]+)*$`
fn is_name(text: &str) -> bool {
    text.split('-').all(|word| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}
