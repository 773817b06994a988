//! `vendor`: whose keys may go to a provider or to a member of a pool.

use super::node::Node;
use crate::credential::Vendor;

/// The vendor in `node`; `Some(None)`: no vendor.
pub(super) fn vendor(node: &Node<'_>) -> Option<Option<Vendor>> {
    let mut choices = Vec::with_capacity(Vendor::ALL.len().saturating_add(1));
    for (name, vendor) in Vendor::ALL {
        choices.push((name, Some(vendor)));
    }
    choices.push(("none", None));
    node.one_of(&choices)
}
