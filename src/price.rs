//! The price of a model and the cost of an interception (`envoy/behaviour.md#cost`).

use crate::glob::Glob;
use crate::usage::{Usage, UsageDetails};

mod adjustment;
mod amount;
mod counted;

pub use self::adjustment::Adjustment;
use self::adjustment::Rates;
pub use self::amount::{Amount, Cost};
pub use self::counted::Counted;

/// Prices in USD per million tokens. The same numbers are microUSD per token. Each is between 0 and 1,000,000.
#[derive(Clone, Debug)]
pub struct Price {
    /// The models for which the price holds; at least one pattern.
    pub models: Vec<Glob>,
    /// A million input tokens that were not cached.
    pub input: Amount,
    /// A million output tokens.
    pub output: Amount,
    /// A million tokens read from a cache; `None`: the price of input.
    pub cache_read: Option<Amount>,
    /// A million tokens written to a cache for five minutes; `None`: the price of input.
    pub cache_write_5m: Option<Amount>,
    /// A million tokens written to a cache for an hour; `None`: the price of input.
    pub cache_write_1h: Option<Amount>,
    /// Prices of a million of a count of `usage.details`. They come on top and are not adjusted.
    pub per_million: Vec<(Counted, Amount)>,
    /// Prices in USD of one of a count of `usage.details`. They come on top and are not adjusted.
    pub per_use: Vec<(Counted, Amount)>,
    /// Factors for the prices of tokens; every one whose conditions hold multiplies.
    pub adjust: Vec<Adjustment>,
}

/// The price of `model`: the first whose patterns match.
#[must_use]
pub fn for_model<'a>(prices: &'a [Price], model: &str) -> Option<&'a Price> {
    prices.iter().find(|price| price.models.iter().any(|pattern| pattern.matches(model)))
}

/// The unrounded cost of `usage`: its tokens and its priced details. `None` where `usage` states nothing that has a price.
///
/// The conditions of `adjust` are tested by the numbers of this `usage`.
#[must_use]
pub fn cost(price: &Price, usage: &Usage) -> Option<Cost> {
    match (cost_of_tokens(price, usage), cost_of_details(price, &usage.details)) {
        (None, None) => None,
        (tokens, details) => Some(tokens.unwrap_or_default() + details.unwrap_or_default()),
    }
}

/// The unrounded cost of the tokens of `usage`, after `adjust`. `None` where it states no number of tokens.
///
/// Reasoning tokens are a part of the output tokens. Cache writes of unknown lifetime are priced as five-minute writes.
#[must_use]
pub fn cost_of_tokens(price: &Price, usage: &Usage) -> Option<Cost> {
    let details = &usage.details;
    // `total_tokens` is not enough: it is `None` where only a cache's numbers were stated.
    usage
        .input_tokens
        .or(usage.output_tokens)
        .or(usage.cache_read_tokens)
        .or(usage.cache_write_tokens)
        .or(details.cache_write_5m_tokens)
        .or(details.cache_write_1h_tokens)?;
    let input = usage.input_tokens.unwrap_or(0);
    let cache_read = usage.cache_read_tokens.unwrap_or(0);
    let one_hour = details.cache_write_1h_tokens.unwrap_or(0);
    let five_minutes = details.cache_write_5m_tokens.unwrap_or(0);
    let of_known_lifetime = one_hour.saturating_add(five_minutes);
    let of_unknown_lifetime = usage.cache_write_tokens.unwrap_or(0).saturating_sub(of_known_lifetime);
    let five_minutes = five_minutes.saturating_add(of_unknown_lifetime);
    let total_input = usage.total_input_tokens.unwrap_or_else(|| {
        input.saturating_add(cache_read).saturating_add(five_minutes).saturating_add(one_hour)
    });
    let rates = rates(price, details, total_input);
    Some(
        rates.input.of(input)
            + rates.output.of(usage.output_tokens.unwrap_or(0))
            + rates.cache_read.of(cache_read)
            + rates.cache_write_5m.of(five_minutes)
            + rates.cache_write_1h.of(one_hour),
    )
}

/// The unrounded cost of what `per_million` and `per_use` name. `None` where `details` states none of it.
#[must_use]
pub fn cost_of_details(price: &Price, details: &UsageDetails) -> Option<Cost> {
    let per_million = price.per_million.iter().filter_map(|(what, each)| Some(each.of(what.of(details)?)));
    let per_use = price.per_use.iter().filter_map(|(what, each)| Some(each.of(what.of(details)?).in_usd()));
    per_million.chain(per_use).reduce(|sum, cost| sum + cost)
}

/// The prices of tokens under the conditions that hold.
fn rates(price: &Price, details: &UsageDetails, total_input_tokens: u64) -> Rates {
    let cached = |amount: Option<Amount>| amount.unwrap_or(price.input).into();
    let listed = Rates {
        input: price.input.into(),
        output: price.output.into(),
        cache_read: cached(price.cache_read),
        cache_write_5m: cached(price.cache_write_5m),
        cache_write_1h: cached(price.cache_write_1h),
    };
    let holding = price.adjust.iter().filter(|adjustment| adjustment.holds(details, total_input_tokens));
    holding.fold(listed, Rates::times)
}

#[cfg(test)]
mod tests {
    use super::{Adjustment, Amount, Counted, Price, cost, for_model};
    use crate::glob::Glob;
    use crate::usage::{Usage, UsageDetails};

    fn price() -> Price {
        Price {
            models: vec![Glob::new("claude-opus-4-*")],
            input: Amount::new(5.0),
            output: Amount::new(25.0),
            cache_read: Some(Amount::new(0.5)),
            cache_write_5m: Some(Amount::new(6.25)),
            cache_write_1h: None,
            per_million: Vec::new(),
            per_use: Vec::new(),
            adjust: Vec::new(),
        }
    }

    fn microusd(price: &Price, usage: &Usage) -> Option<u64> {
        cost(price, usage).map(super::Cost::microusd)
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
        assert_eq!(microusd(&price(), &usage(0, 0, 0)), Some(100));
        assert_eq!(microusd(&price(), &usage(1, 0, 0)), Some(101));
        assert_eq!(microusd(&price(), &usage(0, 1, 0)), Some(106));
        assert_eq!(microusd(&price(), &usage(1, 1, 0)), Some(107));
        assert_eq!(microusd(&price(), &usage(0, 3, 2)), Some(116));
    }

    #[test]
    fn cache_writes_that_only_the_details_state_are_priced_too() {
        let details = UsageDetails {
            cache_write_5m_tokens: Some(4),
            cache_write_1h_tokens: Some(2),
            ..UsageDetails::default()
        };
        let usage = Usage { details, ..Usage::default() };
        assert_eq!(microusd(&price(), &usage), Some(35));
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
            assert_eq!(microusd(&price(), &usage), Some(cost), "{usage:?}");
        }
    }

    #[test]
    fn usage_that_states_no_number_has_no_cost() {
        assert_eq!(microusd(&price(), &Usage::default()), None);
        let usage = Usage { reasoning_tokens: Some(5), ..Usage::default() };
        assert_eq!(microusd(&price(), &usage), None, "reasoning is inside the output");
    }

    #[test]
    fn the_first_price_that_matches_the_model_holds() {
        let dear = Price { models: vec![Glob::new("*")], input: Amount::new(99.0), ..price() };
        let prices = [price(), dear];
        assert_eq!(for_model(&prices, "claude-opus-4-1").map(|price| price.input), Some(Amount::new(5.0)));
        assert_eq!(for_model(&prices, "gpt-5").map(|price| price.input), Some(Amount::new(99.0)));
        assert!(for_model(&prices[..1], "gpt-5").is_none());
    }
}
