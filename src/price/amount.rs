//! Amounts of money and factors with twelve decimal places. Sums and products of them are exact as long as prices and
//! factors have few decimals, so a cost that lies half-way between two microUSD is always rounded up.

use core::iter::Sum;
use core::ops::{Add, AddAssign};

/// Units of one.
const ONE: u64 = 1_000_000_000_000;

/// A configured price (USD per million tokens, which is microUSD per token) or factor, rounded to twelve decimal places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amount(u64);

/// An unrounded cost. Costs are added unrounded; [`Cost::microusd`] rounds the sum once. Sums saturate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost(u128);

/// The price of one token in [`Cost`]'s units, after factors.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate(u128);

// === impl Amount ===

impl Amount {
    /// The amount nearest to `value`. Configured values are between 0 and 1,000,000; others saturate.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "the cast saturates at 0 and at 18 million; `ONE` is exact"
    )]
    pub fn new(value: f64) -> Self {
        Self((value * ONE as f64 + 0.5) as u64)
    }

    /// The cost of `count` units at this price in microUSD.
    pub(super) fn of(self, count: u64) -> Cost {
        Rate::from(self).of(count)
    }
}

// === impl Rate ===

impl Rate {
    /// This rate times a factor. (Not inlined here and below: code for 128 bits is long.)
    #[inline(never)]
    pub(super) fn times(self, factor: Amount) -> Self {
        let product = self.0.saturating_mul(u128::from(factor.0));
        Self(product.saturating_add(u128::from(ONE / 2)) / u128::from(ONE))
    }

    /// The cost of `count` tokens.
    #[inline(never)]
    pub(super) fn of(self, count: u64) -> Cost {
        Cost(self.0.saturating_mul(u128::from(count)))
    }
}

impl From<Amount> for Rate {
    fn from(amount: Amount) -> Self {
        Self(u128::from(amount.0))
    }
}

// === impl Cost ===

impl Cost {
    /// Millionths of a US dollar, rounded half up.
    #[must_use]
    #[inline(never)]
    pub fn microusd(self) -> u64 {
        let rounded = self.0.saturating_add(u128::from(ONE / 2)) / u128::from(ONE);
        u64::try_from(rounded).unwrap_or(u64::MAX)
    }

    /// A million times this cost: from microUSD to USD.
    pub(super) fn in_usd(self) -> Self {
        Rate(self.0).of(1_000_000)
    }
}

impl Add for Cost {
    type Output = Self;

    #[inline(never)]
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::{Amount, Cost, Rate};

    #[test]
    fn a_cost_half_way_between_two_is_rounded_up() {
        for (price, count, microusd) in [
            (0.1, 4, 0),
            (0.1, 5, 1),
            (0.1, 15, 2),
            (0.075, 20, 2),
            (0.001, 499, 0),
            (0.001, 500, 1),
            (0.000_000_5, 1_000_000, 1),
        ] {
            assert_eq!(Amount::new(price).of(count).microusd(), microusd, "{count} × {price}");
        }
    }

    #[test]
    fn ten_thousand_costs_add_up_exactly() {
        let costs = (0..10_000).map(|_| Amount::new(0.3).of(1));
        assert_eq!(costs.sum::<Cost>(), Amount::new(3000.0).of(1));
        let halves = core::iter::repeat_n(Amount::new(0.5).of(1), 3);
        assert_eq!(halves.sum::<Cost>().microusd(), 2, "rounded once, not thrice");
    }

    #[test]
    fn factors_multiply_exactly() {
        let rate = Rate::from(Amount::new(12.5)).times(Amount::new(1.1)).times(Amount::new(2.0));
        assert_eq!(rate.of(2).microusd(), 55);
        assert_eq!(rate.times(Amount::new(0.0)).of(u64::MAX).microusd(), 0);
        let third = Rate::from(Amount::new(0.15)).times(Amount::new(1.666_666_666_67));
        assert_eq!(third.of(1_000_000).microusd(), 250_000);
    }

    #[test]
    fn the_largest_amounts_saturate() {
        let rate = (0..64).fold(Rate::from(Amount::new(1e6)), |rate, _| rate.times(Amount::new(1000.0)));
        assert_eq!(rate.of(u64::MAX).in_usd().microusd(), u64::MAX);
        let largest = rate.of(u64::MAX);
        assert_eq!((largest + largest).microusd(), u64::MAX);
        assert_eq!(Amount::new(-1.0), Amount::new(0.0));
        assert_eq!(Amount::new(f64::NAN), Amount::new(0.0));
    }
}
