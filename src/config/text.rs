//! Rules for the texts that stand in several members.

use super::echo::quoted;
use super::node::Node;
use crate::glob::Glob;

/// Bytes of the longest pattern of model names.
const LONGEST_PATTERN_BYTES: usize = 256;
/// Bytes of the longest cluster name.
const LONGEST_CLUSTER_BYTES: usize = 512;

/// A list of patterns of model names.
pub(super) fn model_patterns(node: &Node<'_>) -> Option<Vec<Glob>> {
    node.each("model names, in which * stands for any characters", |node| model_pattern(node, node.text()?))
}

/// As [`model_patterns`], where none would mean nothing.
pub(super) fn some_model_patterns(node: &Node<'_>) -> Option<Vec<Glob>> {
    let patterns = model_patterns(node)?;
    if node.is_empty_list() {
        node.problem(format_args!("expected at least one model name, found an empty list"));
    }
    Some(patterns)
}

/// The pattern of model names that `text`, which stands at `node`, is.
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

/// The name of an Envoy cluster, which is sent as a header value between filter and router. Istio's and Envoy
/// Gateway's names hold `|` and `/`.
pub(super) fn cluster(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if text.is_empty() {
        node.problem(format_args!("expected the name of an Envoy cluster, found an empty string"));
    } else if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || text.trim() != text {
        node.problem(format_args!("expected printable ASCII, found {}", quoted(text)));
    } else if text.len() > LONGEST_CLUSTER_BYTES {
        node.problem(format_args!("longer than {LONGEST_CLUSTER_BYTES} bytes"));
    } else {
        return Some(text.to_owned());
    }
    None
}
