//! What a provider states in a response as left of its limits.

use super::{Measurement, Metric, Series};
use crate::headers::{Headers, PROVIDER_LIMITS};
use std::rc::Rc;

/// The gauges that `headers` of a response to the central key set; `member`: the one of a pool that has answered.
pub fn upstream_remaining(
    provider: &Rc<str>,
    member: Option<&Rc<str>>,
    headers: &Headers,
) -> impl Iterator<Item = Measurement> {
    PROVIDER_LIMITS.iter().filter_map(move |limit| {
        let of = limit.of?;
        let left = headers.text(limit.remaining)?.trim().parse().ok()?;
        let series = match member {
            Some(member) => Series::new(Metric::MemberRemaining, [provider.into(), of.into(), member.into()]),
            None => Series::new(Metric::UpstreamRemaining, [provider.into(), of.into()]),
        };
        Some(series.measured(left))
    })
}
