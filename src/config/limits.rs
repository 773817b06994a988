//! `limits`: the bounds of what one stream may use.

use super::node::{Members, Node, SIZE_MAX};
use crate::limits::Limits;
use core::ops::RangeInclusive;

const MIB: u64 = 1 << 20;

/// The limits in `node`, with the default for each that is not written.
pub(super) fn limits(node: &Node<'_>) -> Option<Limits> {
    node.object("an object", |members| {
        let default = Limits::default();
        let bytes = |name, default, bounds| members.read(name, default, |node| node.whole(bounds));
        Limits {
            request_body_bytes: bytes("request_body_bytes", default.request_body_bytes, 1..=SIZE_MAX),
            reader_bytes: size(members, "reader_bytes", default.reader_bytes, 1..=16 * MIB),
            event_bytes: size(members, "event_bytes", default.event_bytes, 1..=64 * MIB),
            document_bytes: bytes("document_bytes", default.document_bytes, 1..=SIZE_MAX),
            tool_calls: size(members, "tool_calls", default.tool_calls, 0..=10_000),
            thoughts: size(members, "thoughts", default.thoughts, 0..=10_000),
            label_values: size(members, "label_values", default.label_values, 1..=10_000),
        }
    })
}

fn size(members: &Members<'_>, name: &'static str, default: usize, bounds: RangeInclusive<u64>) -> usize {
    members.read(name, default, |node| node.size(bounds))
}
