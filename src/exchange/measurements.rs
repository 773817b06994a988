//! What the provider says is left of its limits for our key: the gauges `ai_bridge_upstream_remaining`.

use crate::headers::Headers;
use crate::metric::{Metric, Series};
use crate::step::Effect;
use std::rc::Rc;

/// What the provider says is left for our key.
pub(super) fn upstream_remaining(provider: &Rc<str>, headers: &Headers) -> Vec<Effect> {
    let gauges = REMAINING.iter().filter_map(|(header, of)| {
        let left = headers.text(header)?.trim().parse().ok()?;
        let series = Series::new(Metric::UpstreamRemaining, [provider.into(), (*of).into()]);
        Some(Effect::Measure(series.measured(left)))
    });
    gauges.collect()
}

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
