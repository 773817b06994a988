//! The price of a model and the cost of an interception (`envoy/behaviour.md#cost`).

use crate::glob::Glob;
use crate::usage::{Counted, Usage, UsageDetails};

mod adjustment;
mod amount;

pub use self::adjustment::Adjustment;
use self::adjustment::Rates;
pub use self::amount::{Amount, Cost};

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
    use super::{Adjustment, Amount, Price, cost, for_model};
    use crate::glob::Glob;
    use crate::usage::{Counted, Usage, UsageDetails};

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

    /// Prices of 4 and 20 USD, as `claude-opus-5-5` has them, with these factors.
    fn adjusted(adjust: Vec<Adjustment>) -> Price {
        let usd = |amount| Some(Amount::new(amount));
        Price {
            input: Amount::new(4.0),
            output: Amount::new(20.0),
            cache_read: usd(0.2),
            cache_write_5m: usd(5.0),
            cache_write_1h: usd(8.0),
            per_use: vec![(Counted::WebSearches, Amount::new(0.01))],
            adjust,
            ..price()
        }
    }

    fn factor(value: f64) -> Adjustment {
        Adjustment { factor: Some(Amount::new(value)), ..Adjustment::default() }
    }

    fn fast_or_in_the_us() -> Price {
        adjusted(vec![
            Adjustment { speed: Some("fast".to_owned()), ..factor(2.0) },
            Adjustment { inference_geo: Some("us".to_owned()), ..factor(1.1) },
        ])
    }

    /// 1,000 tokens of input, 4,000 cached, 500 written to caches, 300 of output.
    fn usage_at(speed: Option<&str>, geo: Option<&str>) -> Usage {
        Usage {
            input_tokens: Some(1000),
            output_tokens: Some(300),
            cache_read_tokens: Some(4000),
            cache_write_tokens: Some(500),
            total_input_tokens: Some(5500),
            details: UsageDetails {
                cache_write_5m_tokens: Some(300),
                cache_write_1h_tokens: Some(200),
                speed: speed.map(str::to_owned),
                inference_geo: geo.map(str::to_owned),
                ..UsageDetails::default()
            },
            ..Usage::default()
        }
    }

    #[test]
    fn every_adjustment_whose_conditions_hold_multiplies() {
        for (speed, geo, wanted) in [
            (None, None, 13_900),
            (Some("standard"), Some("global"), 13_900),
            (Some("fast"), Some("global"), 27_800),
            (Some("Fast"), None, 13_900),
            (None, Some("us"), 15_290),
            (Some("fast"), Some("us"), 30_580),
        ] {
            let cost = microusd(&fast_or_in_the_us(), &usage_at(speed, geo));
            assert_eq!(cost, Some(wanted), "{speed:?} {geo:?}");
        }
    }

    #[test]
    fn all_conditions_of_an_adjustment_must_hold() {
        let both = Adjustment {
            speed: Some("fast".to_owned()),
            inference_geo: Some("us".to_owned()),
            ..factor(2.0)
        };
        let price = adjusted(vec![both]);
        assert_eq!(microusd(&price, &usage_at(Some("fast"), None)), Some(13_900));
        assert_eq!(microusd(&price, &usage_at(None, Some("us"))), Some(13_900));
        assert_eq!(microusd(&price, &usage_at(Some("fast"), Some("us"))), Some(27_800));
    }

    #[test]
    fn each_factor_multiplies_its_own_tokens() {
        let fast = |adjustment: Adjustment| {
            let price = adjusted(vec![Adjustment { speed: Some("fast".to_owned()), ..adjustment }]);
            microusd(&price, &usage_at(Some("fast"), None)).unwrap()
        };
        let some = |value| Some(Amount::new(value));
        // Uncached input 4,000, writes 1,500 and 1,600, read from a cache 800, output 6,000.
        assert_eq!(fast(Adjustment { input_factor: some(2.0), ..Adjustment::default() }), 13_900 + 7_900);
        assert_eq!(fast(Adjustment { output_factor: some(1.5), ..Adjustment::default() }), 13_900 + 3_000);
        assert_eq!(fast(Adjustment { cache_read_factor: some(0.5), ..Adjustment::default() }), 13_900 - 400);
        let own = Adjustment { cache_read_factor: some(1.0), input_factor: some(3.0), ..factor(0.5) };
        assert_eq!(fast(own), 7_100 * 3 / 2 + 800 + 3_000, "the cached input has its own factor only");
        assert_eq!(fast(factor(0.0)), 0);
    }

    #[test]
    fn a_bound_of_long_input_counts_cached_tokens_and_is_not_above_itself() {
        let long = Adjustment { total_input_tokens_above: Some(5500), ..factor(2.0) };
        let price = adjusted(vec![long]);
        let usage = |total| Usage { total_input_tokens: total, ..usage_at(None, None) };
        assert_eq!(microusd(&price, &usage(Some(5500))), Some(13_900));
        assert_eq!(microusd(&price, &usage(Some(5501))), Some(27_800));
        assert_eq!(microusd(&price, &usage(None)), Some(13_900), "the sum of what is stated");
        let more = Usage { cache_read_tokens: Some(4001), ..usage(None) };
        assert_eq!(microusd(&price, &more), Some(27_800));
    }

    #[test]
    fn uses_and_other_counts_come_on_top_and_are_not_multiplied() {
        let mut price = fast_or_in_the_us();
        price.per_million =
            vec![(Counted::ImageInput, Amount::new(8.0)), (Counted::ImageOutput, Amount::new(30.0))];
        let mut usage = usage_at(Some("fast"), None);
        usage.details.web_search_requests = Some(3);
        usage.details.web_fetch_requests = Some(9);
        usage.details.image_input_tokens = Some(50);
        usage.details.image_output_tokens = Some(7024);
        assert_eq!(microusd(&price, &usage), Some(27_800 + 30_000 + 400 + 210_720));
        let details = UsageDetails { web_search_requests: Some(1), ..UsageDetails::default() };
        let searches = Usage { details, ..Usage::default() };
        assert_eq!(microusd(&price, &searches), Some(10_000), "also where no tokens are stated");
        let details = UsageDetails { web_fetch_requests: Some(1), ..UsageDetails::default() };
        let fetches = Usage { details, ..Usage::default() };
        assert_eq!(microusd(&price, &fetches), None, "nothing stated has a price");
    }

    #[test]
    fn the_costs_of_several_models_are_added_before_they_are_rounded() {
        let usage = Usage { cache_read_tokens: Some(1), ..Usage::default() };
        let half = cost(&price(), &usage).unwrap();
        assert_eq!((half.microusd(), (half + half).microusd()), (1, 1));
    }

    #[test]
    fn the_largest_numbers_saturate() {
        let most = Some(u64::MAX);
        let mut price = adjusted(vec![Adjustment { speed: Some("fast".to_owned()), ..factor(1000.0) }; 64]);
        price.per_use = vec![(Counted::WebSearches, Amount::new(1e6))];
        let mut usage = Usage { input_tokens: most, output_tokens: most, ..usage_at(Some("fast"), None) };
        usage.cache_write_tokens = most;
        usage.details.web_search_requests = most;
        assert_eq!(microusd(&price, &usage), most);
    }
}
