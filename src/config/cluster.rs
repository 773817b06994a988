//! Names of Envoy clusters.

use super::node::Node;
use super::quoted::quoted;

/// Bytes of the longest cluster name.
const LONGEST_CLUSTER_BYTES: usize = 512;

/// The cluster's name in `node`. The filter sends it to the router as a header value. Istio's and Envoy Gateway's names
/// contain `|` and `/`.
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
