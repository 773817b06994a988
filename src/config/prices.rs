//! `prices`: USD per million tokens, per million of other counts and per use, and factors under conditions.

use super::model_pattern::some_model_patterns;
use super::node::Node;
use crate::price::{Adjustment, Amount, Price};
use crate::usage::Counted;

/// The highest price, in USD.
const HIGHEST_PRICE: u32 = 1_000_000;
/// The highest factor of an `adjust` entry.
const HIGHEST_FACTOR: u32 = 1_000;
/// The most entries of `adjust`.
const MOST_ADJUSTMENTS: usize = 64;
/// The highest bound of long input, in tokens.
const HIGHEST_INPUT: u64 = 1_000_000_000;
/// Bytes of the longest text that a condition compares.
const LONGEST_TEXT_BYTES: usize = 256;

/// The prices in `node`, in their order.
pub(super) fn prices(node: &Node<'_>) -> Option<Vec<Price>> {
    node.each("objects", price)
}

fn price(node: &Node<'_>) -> Option<Price> {
    node.object("an object", |members| {
        let models = members.required("models", "the models that this price holds for");
        let input = members.required("input", "USD per million input tokens");
        let output = members.required("output", "USD per million output tokens");
        let cached = ["cache_read", "cache_write_5m", "cache_write_1h"];
        let [cache_read, cache_write_5m, cache_write_1h] =
            cached.map(|name| members.member(name).and_then(|node| amount(&node)));
        let per_million = members.read("per_million", Vec::new(), counted);
        let per_use = members.read("per_use", Vec::new(), counted);
        let adjust = members.read("adjust", Vec::new(), adjustments);
        let models = models.and_then(|node| some_model_patterns(&node));
        let (input, output) = (input.and_then(|node| amount(&node)), output.and_then(|node| amount(&node)));
        Some(Price {
            models: models?,
            input: input?,
            output: output?,
            cache_read,
            cache_write_5m,
            cache_write_1h,
            per_million,
            per_use,
            adjust,
        })
    })?
}

fn amount(node: &Node<'_>) -> Option<Amount> {
    node.number(0..=HIGHEST_PRICE).map(Amount::new)
}

/// Prices of counts of `usage.details`.
fn counted(node: &Node<'_>) -> Option<Vec<(Counted, Amount)>> {
    node.object("an object of counts and prices", |members| {
        if members.is_empty() {
            node.problem(format_args!("expected at least one count of usage.details, found an empty object"));
        }
        let priced = |(name, what)| Some((what, amount(&members.member(name)?)?));
        Counted::NAMES.into_iter().filter_map(priced).collect()
    })
}

fn adjustments(node: &Node<'_>) -> Option<Vec<Adjustment>> {
    let entries = node.each("objects", adjustment)?;
    if entries.len() > MOST_ADJUSTMENTS {
        node.problem(format_args!("expected at most {MOST_ADJUSTMENTS} entries, found {}", entries.len()));
    }
    Some(entries)
}

/// One entry of `adjust`. Without a condition it would be a price, and without a factor it would change nothing.
fn adjustment(node: &Node<'_>) -> Option<Adjustment> {
    node.object("an object", |members| {
        let texts = ["service_tier", "speed", "inference_geo"].map(|name| members.member(name));
        let bound = members.member("total_input_tokens_above");
        let factors =
            ["factor", "input_factor", "output_factor", "cache_read_factor"].map(|name| members.member(name));
        if bound.is_none() && texts.iter().all(Option::is_none) {
            node.problem(format_args!(
                "expected a condition: service_tier, speed, inference_geo or total_input_tokens_above"
            ));
        }
        if factors.iter().all(Option::is_none) {
            node.problem(format_args!(
                "expected a factor: factor, input_factor, output_factor or cache_read_factor"
            ));
        }
        let [service_tier, speed, inference_geo] =
            texts.map(|node| node.and_then(|node| compared_text(&node)));
        let total_input_tokens_above = bound.and_then(|node| node.whole(0..=HIGHEST_INPUT));
        let factor = |node: Node<'_>| node.number(0..=HIGHEST_FACTOR).map(Amount::new);
        let [factor, input_factor, output_factor, cache_read_factor] =
            factors.map(|node| node.and_then(factor));
        Adjustment {
            service_tier,
            speed,
            inference_geo,
            total_input_tokens_above,
            factor,
            input_factor,
            output_factor,
            cache_read_factor,
        }
    })
}

/// A text that a value of `usage.details` must equal.
fn compared_text(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if text.is_empty() {
        node.problem(format_args!("expected the provider's word, found an empty string"));
    } else if text.len() > LONGEST_TEXT_BYTES {
        node.problem(format_args!("longer than {LONGEST_TEXT_BYTES} bytes"));
    } else {
        return Some(text.to_owned());
    }
    None
}
