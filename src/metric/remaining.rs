//! What a provider states in a response as left of its limits.

use super::{Measurement, Metric, Series};
use crate::headers::Headers;
use std::rc::Rc;

/// Header and value of the label `of`.
/// <https://docs.anthropic.com/en/api/rate-limits#response-headers>,
/// <https://platform.openai.com/docs/guides/rate-limits#rate-limits-in-headers>
const REMAINING: [(&str, &str); 6] = [
    ("anthropic-ratelimit-requests-remaining", "requests"),
    ("anthropic-ratelimit-tokens-remaining", "tokens"),
    ("anthropic-ratelimit-input-tokens-remaining", "input_tokens"),
    ("anthropic-ratelimit-output-tokens-remaining", "output_tokens"),
    ("x-ratelimit-remaining-requests", "requests"),
    ("x-ratelimit-remaining-tokens", "tokens"),
];

/// The gauges that `headers` of a response to the central key set; `member`: the one of a pool that has answered.
pub fn upstream_remaining(
    provider: &Rc<str>,
    member: Option<&Rc<str>>,
    headers: &Headers,
) -> impl Iterator<Item = Measurement> {
    REMAINING.iter().filter_map(move |(header, of)| {
        let left = headers.text(header)?.trim().parse().ok()?;
        let series = match member {
            Some(member) => {
                Series::new(Metric::MemberRemaining, [provider.into(), (*of).into(), member.into()])
            }
            None => Series::new(Metric::UpstreamRemaining, [provider.into(), (*of).into()]),
        };
        Some(series.measured(left))
    })
}
