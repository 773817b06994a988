//! What an interception used and cost, as far as its response was read.

use crate::answer::Answer;
use crate::price::{self, Cost, Price};
use crate::usage::Usage;

/// Usage and cost.
#[derive(Debug)]
pub(super) struct Totals {
    pub(super) usage: Usage,
    /// Millionths of a US dollar; `None` where the model has no price or no number is known.
    pub(super) cost_microusd: Option<u64>,
    /// Prices are configured, and none is for this model.
    pub(super) unpriced: bool,
}

// === impl Totals ===

impl Totals {
    /// The totals of `answer` by the price of `model`.
    pub(super) fn new(answer: Option<&Answer>, model: Option<&str>, prices: &[Price]) -> Self {
        let usage = answer.map(|answer| answer.usage.usage()).unwrap_or_default();
        let price = model.and_then(|model| price::for_model(prices, model));
        Self {
            cost_microusd: price.and_then(|price| price::cost(price, &usage)).map(Cost::microusd),
            unpriced: model.is_some() && price.is_none() && !prices.is_empty(),
            usage,
        }
    }
}
