//! `prices`: USD per million tokens.

use super::model_pattern::some_model_patterns;
use super::node::Node;
use crate::price::{Amount, Price};

/// The highest price of a million tokens, in USD.
const HIGHEST_PRICE: u32 = 1_000_000;

/// The prices in `node`, in their order.
pub(super) fn prices(node: &Node<'_>) -> Option<Vec<Price>> {
    node.each("objects", price)
}

fn price(node: &Node<'_>) -> Option<Price> {
    node.object("an object", |members| {
        let amount = |node: Node<'_>| node.number(0..=HIGHEST_PRICE).map(Amount::new);
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
            per_million: Vec::new(),
            per_use: Vec::new(),
            adjust: Vec::new(),
        })
    })?
}
