//! What an interception used and cost, as far as its response was read: as a whole and by model.

use crate::answer::Answer;
use crate::price::{self, Cost, Price};
use crate::record::ModelUsage;
use crate::usage::{Estimate, Iteration, IterationModel, Iterations, Usage, UsageStatus};

/// Models that are named in `usage.by_model`; the further ones are together `other`.
const NAMED_MODELS: usize = 16;

/// The name of the models that are not named.
const OTHER: &str = "other";

/// Usage and cost of what was read of a response so far.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) usage: Usage,
    /// The same by model, where more than one worked.
    pub(super) by_model: Vec<ModelUsage>,
    /// Millionths of a US dollar; `None` where no model has a price or no number is known.
    pub(super) cost_microusd: Option<u64>,
    /// Prices are configured, and a model has none.
    pub(super) unpriced: bool,
    /// More than [`NAMED_MODELS`] worked.
    pub(super) models_merged: bool,
    /// What is charged instead, where the final usage never came.
    pub(super) charge: Option<Box<Charge>>,
}

/// What is charged by an estimate.
#[derive(Debug)]
pub(super) struct Charge {
    pub(super) estimate: Estimate,
    pub(super) usage: Usage,
    /// As [`Totals::cost_microusd`].
    pub(super) cost_microusd: Option<u64>,
}

/// What one model used, or all those that are not named.
struct Share<'a> {
    /// `None`: those that are not named.
    model: Option<&'a str>,
    price: Option<&'a Price>,
    usage: Usage,
    cost: Option<Cost>,
}

// === impl Totals ===

impl Totals {
    /// The totals of `answer`, which `model` served.
    pub(super) fn new(answer: Option<&Answer>, model: Option<&str>, prices: &[Price]) -> Self {
        let usage = answer.map(|answer| answer.usage.usage()).unwrap_or_default();
        if let Some(iterations) = answer.and_then(|answer| answer.usage.iterations()) {
            return Self::of_iterations(iterations, usage, model, prices);
        }
        let price = model.and_then(|model| price::for_model(prices, model));
        Self {
            cost_microusd: price.and_then(|price| price::cost(price, &usage)).map(Cost::microusd),
            unpriced: model.is_some() && price.is_none() && !prices.is_empty(),
            usage,
            ..Self::default()
        }
    }

    /// Estimates what is charged by the bytes of the request's texts, if the final usage of `answer` has not come. To be
    /// called only for a 2xx response that is read as an answer.
    pub(super) fn estimate(
        &mut self,
        answer: &Answer,
        request_bytes: u64,
        model: Option<&str>,
        prices: &[Price],
    ) {
        if answer.usage.status() == UsageStatus::Complete {
            return;
        }
        let estimate = Estimate::new(&self.usage, request_bytes, answer.texts.total());
        let usage = estimate.charged(&self.usage);
        let price = model.and_then(|model| price::for_model(prices, model));
        let cost = price.and_then(|price| price::cost(price, &usage)).map(Cost::microusd);
        // Where several models worked, what was stated may cost more.
        let cost_microusd = cost.max(self.cost_microusd);
        self.charge = Some(Box::new(Charge { estimate, usage, cost_microusd }));
    }

    /// The usage and the cost that are charged.
    pub(super) fn charged(&self) -> (&Usage, Option<u64>) {
        match &self.charge {
            Some(charge) => (&charge.usage, charge.cost_microusd),
            None => (&self.usage, self.cost_microusd),
        }
    }

    /// The totals where the provider lists what is billed. Each step has the price of its own model.
    fn of_iterations(iterations: &Iterations, usage: Usage, served: Option<&str>, prices: &[Price]) -> Self {
        let price_of = |model: &str| price::for_model(prices, model);
        let mut shares: Vec<Share<'_>> = Vec::new();
        let (mut unpriced, mut last) = (false, 0);
        for Iteration { model, usage: step } in iterations.each(&usage.details) {
            let model = match model {
                IterationModel::Served => Some(served.unwrap_or("unknown")),
                IterationModel::Named(name) => Some(name),
                IterationModel::Beyond => None,
            };
            last = share_of(&mut shares, model, price_of);
            let Some(share) = shares.get_mut(last) else { continue };
            let price = if share.model.is_some() { share.price } else { model.and_then(price_of) };
            let cost = price.and_then(|price| price::cost_of_tokens(price, &step));
            share.add(&step, cost);
            unpriced |= price.is_none() && !prices.is_empty();
        }
        // The details are those of the response, so the serving model's prices hold for them. So is reasoning that no step
        // states.
        let details =
            served.and_then(price_of).and_then(|price| price::cost_of_details(price, &usage.details));
        let at = shares.iter().position(|share| share.model == served).unwrap_or(last);
        let stated = shares.iter().any(|share| share.usage.reasoning_tokens.is_some());
        let reasoning_tokens = usage.reasoning_tokens.filter(|_| !stated);
        if let Some(share) = shares.get_mut(at) {
            share.usage.reasoning_tokens = share.usage.reasoning_tokens.or(reasoning_tokens);
            share.add_cost(details);
        }
        let cost = shares.iter().filter_map(|share| share.cost).reduce(|sum, cost| sum + cost);
        let models_merged = shares.iter().any(|share| share.model.is_none());
        let by_model =
            if shares.len() > 1 { shares.into_iter().map(Share::into_usage).collect() } else { Vec::new() };
        Self {
            usage,
            by_model,
            cost_microusd: cost.map(Cost::microusd),
            unpriced,
            models_merged,
            charge: None,
        }
    }
}

/// The position of the share of `model`, which is added where it is new.
fn share_of<'a>(
    shares: &mut Vec<Share<'a>>,
    model: Option<&'a str>,
    price_of: impl Fn(&str) -> Option<&'a Price>,
) -> usize {
    let named = shares.iter().filter(|share| share.model.is_some()).count();
    let known = |model: Option<&str>| shares.iter().position(|share| share.model == model);
    let model = model.filter(|model| named < NAMED_MODELS || known(Some(model)).is_some());
    known(model).unwrap_or_else(|| {
        let price = model.and_then(price_of);
        shares.push(Share { model, price, usage: Usage::default(), cost: None });
        shares.len().saturating_sub(1)
    })
}

// === impl Share ===

impl Share<'_> {
    fn add(&mut self, step: &Usage, cost: Option<Cost>) {
        let sum = &mut self.usage;
        for (sum, tokens) in [
            (&mut sum.input_tokens, step.input_tokens),
            (&mut sum.output_tokens, step.output_tokens),
            (&mut sum.cache_read_tokens, step.cache_read_tokens),
            (&mut sum.cache_write_tokens, step.cache_write_tokens),
            (&mut sum.reasoning_tokens, step.reasoning_tokens),
            (&mut sum.total_input_tokens, step.total_input_tokens),
        ] {
            if let Some(tokens) = tokens {
                *sum = Some(sum.unwrap_or(0).saturating_add(tokens));
            }
        }
        self.add_cost(cost);
    }

    fn add_cost(&mut self, cost: Option<Cost>) {
        if let Some(cost) = cost {
            self.cost = Some(self.cost.unwrap_or_default() + cost);
        }
    }

    fn into_usage(self) -> ModelUsage {
        let model = self.model.unwrap_or(OTHER).to_owned();
        ModelUsage { model, usage: self.usage, cost_microusd: self.cost.map(Cost::microusd) }
    }
}
