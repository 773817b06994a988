//! `record`: which texts of the traffic are recorded, and how much of them.

use super::node::Node;
use crate::record::RecordPolicy;

const MIB: u64 = 1 << 20;

/// The policy in `node`, with the default for each member that is not written. Where only one of the two sizes is
/// written, the other's default is raised or lowered so that one text never exceeds all of them.
pub(super) fn record_policy(node: &Node<'_>) -> Option<RecordPolicy> {
    node.object("an object", |members| {
        let default = RecordPolicy::default();
        let text = members.member("text_bytes").and_then(|node| node.size(0..=16 * MIB));
        let total = members.member("total_bytes").and_then(|node| node.size(0..=64 * MIB));
        RecordPolicy {
            prompts: members.bool("prompts", default.prompts),
            tool_arguments: members.bool("tool_arguments", default.tool_arguments),
            thoughts: members.bool("thoughts", default.thoughts),
            text_bytes: text.unwrap_or_else(|| default.text_bytes.min(total.unwrap_or(usize::MAX))),
            total_bytes: total.unwrap_or_else(|| default.total_bytes.max(text.unwrap_or(0))),
        }
    })
}
