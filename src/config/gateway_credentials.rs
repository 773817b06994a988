//! `gateway_credentials`: how the tokens of the operator's gateway are recognised.

use super::header_name::header_name;
use super::node::Node;
use crate::credential::{GatewayCredentials, VENDOR_PREFIXES};

/// Bytes of the longest token prefix.
const LONGEST_PREFIX_BYTES: usize = 128;

/// The settings in `node`, with the default for each member that is not written.
pub(super) fn gateway_credentials(node: &Node<'_>) -> Option<GatewayCredentials> {
    node.object("an object", |members| {
        let headers = |node: &Node<'_>| node.each("header names", header_name);
        let prefixes = |node: &Node<'_>| node.each("token prefixes", value_prefix);
        GatewayCredentials {
            headers: members.read("headers", Vec::new(), headers),
            value_prefixes: members.read("value_prefixes", Vec::new(), prefixes),
        }
    })
}

/// A prefix that no vendor's key begins with. Problems do not repeat it.
fn value_prefix(node: &Node<'_>) -> Option<String> {
    let prefix = node.text()?;
    let same = |theirs: &str| theirs.starts_with(prefix) || prefix.starts_with(theirs);
    if prefix.is_empty() {
        node.problem(format_args!("expected the prefix of the gateway's tokens, found an empty string"));
    } else if !prefix.bytes().all(|byte| byte.is_ascii_graphic() && byte != b',') {
        node.problem(format_args!(
            "expected visible ASCII characters without a comma, as in a token (without \"Bearer\")"
        ));
    } else if prefix.len() > LONGEST_PREFIX_BYTES {
        node.problem(format_args!("longer than {LONGEST_PREFIX_BYTES} bytes"));
    } else if let Some((_, vendor)) = VENDOR_PREFIXES.iter().find(|(theirs, _)| same(theirs)) {
        node.problem(format_args!(
            "keys of {} begin so too and would be taken for the gateway's tokens",
            vendor.name()
        ));
    } else {
        return Some(prefix.to_owned());
    }
    None
}
