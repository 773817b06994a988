//! What is recorded, the limits and the prices: numbers with their defaults and bounds.

use core::ops::RangeInclusive;

use super::node::{Members, Node};
use super::text::some_model_patterns;
use crate::limits::Limits;
use crate::price::Price;
use crate::record::RecordPolicy;

const MIB: u64 = 1 << 20;
/// The largest size of anything: what a 32-bit `usize` counts.
const SIZE_MAX: u64 = u32::MAX as u64;
/// The highest price of a million tokens in USD.
const HIGHEST_PRICE: u32 = 1_000_000;

/// What `node` says, with the defaults for what it does not. Where one of the two caps is given, the other's
/// default follows so far that one text never exceeds all of them.
pub(super) fn record_policy(node: &Node<'_>) -> Option<RecordPolicy> {
    node.object("an object", |members| {
        let default = RecordPolicy::default();
        let text = members.member("text_bytes").map(|node| node.whole(0..=16 * MIB).and_then(size));
        let total = members.member("total_bytes").map(|node| node.whole(0..=64 * MIB).and_then(size));
        let (text, total) = (text.flatten(), total.flatten());
        RecordPolicy {
            prompts: members.bool("prompts", default.prompts),
            tool_arguments: members.bool("tool_arguments", default.tool_arguments),
            thoughts: members.bool("thoughts", default.thoughts),
            text_bytes: text.unwrap_or_else(|| default.text_bytes.min(total.unwrap_or(usize::MAX))),
            total_bytes: total.unwrap_or_else(|| default.total_bytes.max(text.unwrap_or(0))),
        }
    })
}

/// What `node` says, with the defaults for what it does not.
pub(super) fn limits(node: &Node<'_>) -> Option<Limits> {
    node.object("an object", |members| {
        let default = Limits::default();
        let bytes = |name, default, bounds| members.read(name, default, |node| node.whole(bounds));
        Limits {
            request_body_bytes: bytes("request_body_bytes", default.request_body_bytes, 1..=SIZE_MAX),
            reader_bytes: whole(members, "reader_bytes", default.reader_bytes, 1..=16 * MIB),
            event_bytes: whole(members, "event_bytes", default.event_bytes, 1..=64 * MIB),
            document_bytes: bytes("document_bytes", default.document_bytes, 1..=SIZE_MAX),
            tool_calls: whole(members, "tool_calls", default.tool_calls, 0..=10_000),
            thoughts: whole(members, "thoughts", default.thoughts, 0..=10_000),
            label_values: whole(members, "label_values", default.label_values, 1..=10_000),
        }
    })
}

fn whole(members: &Members<'_>, name: &'static str, default: usize, bounds: RangeInclusive<u64>) -> usize {
    members.read(name, default, |node| node.whole(bounds).and_then(size))
}

/// Every bound fits 32 bits, so this always succeeds.
fn size(number: u64) -> Option<usize> {
    usize::try_from(number).ok()
}

/// The prices in `node`, in their order.
pub(super) fn prices(node: &Node<'_>) -> Option<Vec<Price>> {
    node.each("objects", price)
}

fn price(node: &Node<'_>) -> Option<Price> {
    node.object("an object", |members| {
        let amount = |node: Node<'_>| node.number(0..=HIGHEST_PRICE);
        let models = members.required("models", "the models that this price holds for");
        let input = members.required("input", "USD per million input tokens");
        let output = members.required("output", "USD per million output tokens");
        let cached = ["cache_read", "cache_write_5m", "cache_write_1h"];
        let [cache_read, cache_write_5m, cache_write_1h] =
            cached.map(|name| members.member(name).and_then(amount));
        let models = models.and_then(|node| some_model_patterns(&node));
        let (input, output) = (input.and_then(amount), output.and_then(amount));
        Some(Price {
            models: models?,
            input: input?,
            output: output?,
            cache_read,
            cache_write_5m,
            cache_write_1h,
        })
    })?
}
