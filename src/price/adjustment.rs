//! Factors that hold under conditions: service tiers, fast modes, regions, long inputs.

use super::amount::{Amount, Rate};
use crate::usage::UsageDetails;

/// One entry of `adjust`. It multiplies the prices of tokens where all of its conditions hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adjustment {
    /// `usage.details.service_tier` is this text.
    pub service_tier: Option<String>,
    /// `usage.details.speed` is this text.
    pub speed: Option<String>,
    /// `usage.details.inference_geo` is this text.
    pub inference_geo: Option<String>,
    /// The input, cached tokens included, is larger than this.
    pub total_input_tokens_above: Option<u64>,
    /// Multiplies input and output.
    pub factor: Option<Amount>,
    /// Multiplies all input.
    pub input_factor: Option<Amount>,
    /// Multiplies output.
    pub output_factor: Option<Amount>,
    /// Multiplies input read from a cache, in place of `factor` and `input_factor`.
    pub cache_read_factor: Option<Amount>,
}

/// The prices of one token of each kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rates {
    pub(super) input: Rate,
    pub(super) output: Rate,
    pub(super) cache_read: Rate,
    pub(super) cache_write_5m: Rate,
    pub(super) cache_write_1h: Rate,
}

// === impl Adjustment ===

impl Adjustment {
    /// Whether all conditions hold. A value that the provider did not state equals no text.
    pub(super) fn holds(&self, details: &UsageDetails, total_input_tokens: u64) -> bool {
        let equal =
            |condition: &Option<String>, stated: &Option<String>| condition.is_none() || condition == stated;
        equal(&self.service_tier, &details.service_tier)
            && equal(&self.speed, &details.speed)
            && equal(&self.inference_geo, &details.inference_geo)
            && self.total_input_tokens_above.is_none_or(|bound| total_input_tokens > bound)
    }
}

// === impl Rates ===

impl Rates {
    /// The rates times the factors of `adjustment`.
    pub(super) fn times(self, adjustment: &Adjustment) -> Self {
        let Adjustment { factor, input_factor, output_factor, cache_read_factor, .. } = *adjustment;
        let input = |rate: Rate| times(times(rate, factor), input_factor);
        Self {
            input: input(self.input),
            output: times(times(self.output, factor), output_factor),
            cache_read: cache_read_factor
                .map_or_else(|| input(self.cache_read), |own| self.cache_read.times(own)),
            cache_write_5m: input(self.cache_write_5m),
            cache_write_1h: input(self.cache_write_1h),
        }
    }
}

fn times(rate: Rate, factor: Option<Amount>) -> Rate {
    factor.map_or(rate, |factor| rate.times(factor))
}
