//! Patterns of model names, as several members list them.

use super::node::Node;
use super::quoted::quoted;
use crate::glob::Glob;

/// Bytes of the longest pattern of model names.
const LONGEST_PATTERN_BYTES: usize = 256;

/// A list of patterns of model names.
pub(super) fn model_patterns(node: &Node<'_>) -> Option<Vec<Glob>> {
    node.each("model names, in which * stands for any characters", |node| model_pattern(node, node.text()?))
}

/// As [`model_patterns`], for a list that must not be empty.
pub(super) fn some_model_patterns(node: &Node<'_>) -> Option<Vec<Glob>> {
    let patterns = model_patterns(node)?;
    if node.is_empty_list() {
        node.problem(format_args!("expected at least one model name, found an empty list"));
    }
    Some(patterns)
}

/// The pattern `text`; problems are reported at `node`.
pub(super) fn model_pattern(node: &Node<'_>, text: &str) -> Option<Glob> {
    if text.is_empty() {
        node.problem(format_args!("expected a model name, found an empty string"));
    } else if text.trim() != text || text.contains(char::is_control) {
        node.problem(format_args!(
            "{} would never match: no model's name has such white space",
            quoted(text)
        ));
    } else if text.len() > LONGEST_PATTERN_BYTES {
        node.problem(format_args!("longer than {LONGEST_PATTERN_BYTES} bytes"));
    } else {
        return Some(Glob::new(text));
    }
    None
}
