//! `query`: what is added to the query of a provider's requests.

use super::node::Node;
use crate::credential::{GatewayCredentials, KEY_PARAMETER, vendor_of};

/// Most members.
const MOST_NAMES: usize = 32;
/// Bytes of the longest name.
const LONGEST_NAME_BYTES: usize = 128;
/// Bytes of the longest value.
const LONGEST_VALUE_BYTES: usize = 1024;

/// Each name in `node` with its value. Problems do not repeat a value. `takes_key`: the provider takes a caller's key in the
/// query.
pub(super) fn query(
    node: &Node<'_>,
    takes_key: bool,
    gateway: &GatewayCredentials,
) -> Option<Vec<(String, String)>> {
    let entries = node.entries("an object of names and their values")?;
    if entries.len() > MOST_NAMES {
        node.problem(format_args!("expected at most {MOST_NAMES} names, found {}", entries.len()));
    }
    let mut query = Vec::new();
    for (name, node) in entries {
        let Some(value) = node.text() else { continue };
        if name.is_empty() {
            node.problem(format_args!("expected the name of a query parameter, found an empty string"));
        } else if name.len() > LONGEST_NAME_BYTES {
            node.problem(format_args!("the name is longer than {LONGEST_NAME_BYTES} bytes"));
        } else if value.len() > LONGEST_VALUE_BYTES {
            node.problem(format_args!("longer than {LONGEST_VALUE_BYTES} bytes"));
        } else if vendor_of(value).is_some() {
            node.problem(format_args!(
                "the value is a key: a query is logged on its way; keys belong in `key`"
            ));
        } else if gateway.claims(value) {
            node.problem(format_args!(
                "the value begins with one of gateway_credentials.value_prefixes: it is the gateway's own token"
            ));
        } else if takes_key && name == KEY_PARAMETER {
            node.problem(format_args!("the provider takes a key in it: keys belong in `key`"));
        } else {
            query.push((name.to_owned(), value.to_owned()));
        }
    }
    Some(query)
}
