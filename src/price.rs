//! The price of a model and the cost of an interception (`envoy/behaviour.md#cost`).

use crate::glob::Glob;
use crate::usage::Usage;

/// Prices in USD per million tokens. The same numbers are microUSD per token. Each is between 0 and 1,000,000.
#[derive(Clone, Debug)]
pub struct Price {
    /// The models for which the price holds; at least one pattern.
    pub models: Vec<Glob>,
    /// A million input tokens that were not cached.
    pub input: f64,
    /// A million output tokens.
    pub output: f64,
    /// A million tokens read from a cache; `None`: the price of input.
    pub cache_read: Option<f64>,
    /// A million tokens written to a cache for five minutes; `None`: the price of input.
    pub cache_write_5m: Option<f64>,
    /// A million tokens written to a cache for an hour; `None`: the price of input.
    pub cache_write_1h: Option<f64>,
}

/// The price of `model`: the first whose patterns match.
#[must_use]
pub fn for_model<'a>(prices: &'a [Price], model: &str) -> Option<&'a Price> {
    prices.iter().find(|price| price.models.iter().any(|pattern| pattern.matches(model)))
}

/// The cost in millionths of a US dollar. The sum is rounded once, half up. `None` where `usage` states no number.
///
/// Reasoning tokens are a part of the output tokens. Cache writes of unknown lifetime are priced as five-minute writes.
#[must_use]
pub fn cost_microusd(price: &Price, usage: &Usage) -> Option<u64> {
    let details = &usage.details;
    // `total_tokens` is not enough: it is `None` where only a cache's numbers were stated.
    usage
        .input_tokens
        .or(usage.output_tokens)
        .or(usage.cache_read_tokens)
        .or(usage.cache_write_tokens)
        .or(details.cache_write_5m_tokens)
        .or(details.cache_write_1h_tokens)?;
    let one_hour = details.cache_write_1h_tokens.unwrap_or(0);
    let five_minutes = details.cache_write_5m_tokens.unwrap_or(0);
    let of_unknown_lifetime =
        usage.cache_write_tokens.unwrap_or(0).saturating_sub(one_hour.saturating_add(five_minutes));
    let five_minutes = five_minutes.saturating_add(of_unknown_lifetime);
    let sum: f64 = [
        (usage.input_tokens, price.input),
        (usage.output_tokens, price.output),
        (usage.cache_read_tokens, price.cache_read.unwrap_or(price.input)),
        (Some(five_minutes), price.cache_write_5m.unwrap_or(price.input)),
        (Some(one_hour), price.cache_write_1h.unwrap_or(price.input)),
    ]
    .into_iter()
    .map(|(tokens, price)| as_f64(tokens.unwrap_or(0)) * price)
    .sum();
    Some(round_half_up(sum))
}

#[expect(clippy::cast_precision_loss, reason = "token counts are below 2^53")]
const fn as_f64(tokens: u64) -> f64 {
    tokens as f64
}

/// The cast saturates; sums are not negative. Binary fractions are inexact (0.1 × 5 is slightly below 0.5): the error is far
/// below a thousandth of a microUSD, so a ten-millionth is added.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "see above")]
fn round_half_up(sum: f64) -> u64 {
    let whole = sum.floor();
    (whole as u64).saturating_add(u64::from(sum - whole + 1e-7 >= 0.5))
}

#[cfg(test)]
mod tests {
    use super::{Price, cost_microusd, for_model};
    use crate::glob::Glob;
    use crate::usage::{Usage, UsageDetails};

    fn price() -> Price {
        Price {
            models: vec![Glob::new("claude-opus-4-*")],
            input: 5.0,
            output: 25.0,
            cache_read: Some(0.5),
            cache_write_5m: Some(6.25),
            cache_write_1h: None,
        }
    }

    #[test]
    fn the_sum_is_rounded_once_and_half_up() {
        let usage = |read, write, hour| Usage {
            input_tokens: Some(10),
            output_tokens: Some(2),
            cache_read_tokens: Some(read),
            cache_write_tokens: Some(write),
            details: UsageDetails { cache_write_1h_tokens: Some(hour), ..UsageDetails::default() },
            ..Usage::default()
        };
        assert_eq!(cost_microusd(&price(), &usage(0, 0, 0)), Some(100));
        assert_eq!(cost_microusd(&price(), &usage(1, 0, 0)), Some(101));
        assert_eq!(cost_microusd(&price(), &usage(0, 1, 0)), Some(106));
        assert_eq!(cost_microusd(&price(), &usage(1, 1, 0)), Some(107));
        assert_eq!(cost_microusd(&price(), &usage(0, 3, 2)), Some(116));
    }

    #[test]
    fn cache_writes_that_only_the_details_state_are_priced_too() {
        let details = UsageDetails {
            cache_write_5m_tokens: Some(4),
            cache_write_1h_tokens: Some(2),
            ..UsageDetails::default()
        };
        let usage = Usage { details, ..Usage::default() };
        assert_eq!(cost_microusd(&price(), &usage), Some(35));
    }

    #[test]
    fn one_number_is_enough_for_a_cost() {
        let cases = [
            (Usage { input_tokens: Some(2), ..Usage::default() }, 10),
            (Usage { output_tokens: Some(2), ..Usage::default() }, 50),
            (Usage { cache_read_tokens: Some(5), ..Usage::default() }, 3),
            (Usage { cache_write_tokens: Some(2), ..Usage::default() }, 13),
            (Usage { cache_read_tokens: Some(0), ..Usage::default() }, 0),
        ];
        for (usage, cost) in cases {
            assert_eq!(cost_microusd(&price(), &usage), Some(cost), "{usage:?}");
        }
    }

    #[test]
    fn usage_that_states_no_number_has_no_cost() {
        assert_eq!(cost_microusd(&price(), &Usage::default()), None);
        let usage = Usage { reasoning_tokens: Some(5), ..Usage::default() };
        assert_eq!(cost_microusd(&price(), &usage), None, "reasoning is inside the output");
    }

    #[test]
    fn the_first_price_that_matches_the_model_holds() {
        let dear = Price { models: vec![Glob::new("*")], input: 99.0, ..price() };
        let prices = [price(), dear];
        assert_eq!(for_model(&prices, "claude-opus-4-1").map(|price| price.input), Some(5.0));
        assert_eq!(for_model(&prices, "gpt-5").map(|price| price.input), Some(99.0));
        assert!(for_model(&prices[..1], "gpt-5").is_none());
    }
}
