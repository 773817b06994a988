//! The measurements of a stream: what is counted when, and under which labels. [`metric`] has the names.

use super::arrival::Arrival;
use crate::credential::CredentialKind;
use crate::headers::Headers;
use crate::metric::{self, Label, Metric, Series};
use crate::pool::SharedTicket;
use crate::provider::Member;
use crate::record::{Outcome, Record, UsageRef};
use crate::step::Effect;
use crate::usage::Usage;
use std::rc::Rc;

/// What only the exchange knows about an interception besides its record.
pub(super) struct Labels<'a> {
    /// The model of a 2xx response. Others are `None`, so that callers cannot make up label values.
    pub(super) model: Option<&'a str>,
    /// Why a request was refused, by this filter or by one behind it.
    pub(super) refusal_code: Option<&'static str>,
    /// The reasons of `ai_bridge_unread_total`: one for each note about data that the filter did not read.
    pub(super) unread: &'a [&'static str],
}

/// Adds the measurements of an interception that is over.
pub(super) fn of_interception(
    arrival: &Arrival,
    record: &Record<'_>,
    labels: &Labels<'_>,
    effects: &mut Vec<Effect>,
) {
    let name = || Label::from(&arrival.provider.name);
    let api = || Label::Fixed(arrival.api.name());
    let model = labels.model.map(Rc::<str>::from);
    let model = || model.as_ref().map_or(Label::Fixed("unknown"), Label::from);
    let mut measure = |series: Series, value: u64| effects.push(Effect::Measure(series.measured(value)));
    measure(Series::new(Metric::Requests, [name(), api(), model(), record.outcome.name().into()]), 1);
    let UsageRef { usage, by_model, .. } = &record.usage;
    if by_model.is_empty() {
        measure_use(&name(), &model(), usage, record.cost_microusd, &mut measure);
    }
    for share in *by_model {
        let model =
            labels.model.map_or(Label::Fixed("unknown"), |_| Label::from(&Rc::from(share.model.as_str())));
        measure_use(&name(), &model, &share.usage, share.cost_microusd, &mut measure);
    }
    measure(Series::new(Metric::DurationMs, [name(), api()]), record.duration_ms);
    if let Some(waited) = record.time_to_first_event_ms {
        measure(Series::new(Metric::TimeToFirstEventMs, [name(), api()]), waited);
    }
    for reason in labels.unread {
        measure(Series::new(Metric::Unread, [(*reason).into()]), 1);
    }
    if let Some(code) = labels.refusal_code.filter(|_| record.outcome == Outcome::Rejected) {
        effects.push(refused(name(), code));
    }
}

/// Counts what one model used.
fn measure_use(
    provider: &Label,
    model: &Label,
    usage: &Usage,
    cost_microusd: Option<u64>,
    measure: &mut impl FnMut(Series, u64),
) {
    for (kind, tokens) in [
        ("input", usage.input_tokens),
        ("output", usage.output_tokens),
        ("cache_read", usage.cache_read_tokens),
        ("cache_write", usage.cache_write_tokens),
        ("reasoning", usage.reasoning_tokens),
    ] {
        if let Some(tokens) = tokens.filter(|tokens| *tokens > 0) {
            measure(Series::new(Metric::Tokens, [provider.clone(), model.clone(), kind.into()]), tokens);
        }
    }
    if let Some(cost) = cost_microusd.filter(|cost| *cost > 0) {
        measure(Series::new(Metric::CostMicrousd, [provider.clone(), model.clone()]), cost);
    }
}

/// Counts one refused request.
pub(super) fn refused(provider: Label, reason: &'static str) -> Effect {
    Effect::Measure(Series::new(Metric::Refusals, [provider, reason.into()]).measured(1))
}

/// Counts one response on a passthrough route by the class of its status.
pub(super) fn passthrough(provider: &Rc<str>, status: Option<u16>) -> Effect {
    let class = match status {
        Some(200..=299) => "2xx",
        Some(300..=399) => "3xx",
        Some(400..=499) => "4xx",
        Some(500..=599) => "5xx",
        _ => "unknown",
    };
    Effect::Measure(Series::new(Metric::Passthrough, [provider.into(), class.into()]).measured(1))
}

/// What the provider states in a response as left of its limits, as gauges. Without a central key there are none. `kind`:
/// whose credential the request has; with a pool the member that has answered decides.
pub(super) fn upstream_remaining(
    provider: &Rc<str>,
    kind: CredentialKind,
    pool: Option<&SharedTicket>,
    headers: &Headers,
) -> Vec<Effect> {
    let ticket = pool.map(|ticket| ticket.borrow());
    let member = ticket.as_ref().and_then(|ticket| ticket.served_member());
    if member.map_or(kind, Member::credential_kind) != CredentialKind::Centralized {
        return Vec::new();
    }
    let name = member.map(|member| &member.name);
    metric::upstream_remaining(provider, name, headers).map(Effect::Measure).collect()
}
