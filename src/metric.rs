//! The metrics: their names, units and labels (`envoy/behaviour.md#metrics`), and the bound on label values.

mod remaining;

pub use remaining::upstream_remaining;

use crate::fnv::BuildFnv;
use core::hash::{Hash, Hasher};
use core::ops::Deref;
use std::collections::HashSet;
use std::rc::Rc;

/// A metric. Values are integers; the unit is in the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Counter of interceptions; labels provider × api × model × outcome: at most providers × 3 × (`label_values` + 2) × 6.
    Requests,
    /// Counter of tokens; labels provider × model × type: at most providers × (`label_values` + 2) × 5.
    Tokens,
    /// Counter of cost in millionths of a US dollar; labels provider × model: at most providers × (`label_values` + 2).
    CostMicrousd,
    /// Histogram of an interception's duration in milliseconds; labels provider × api.
    DurationMs,
    /// Histogram of the time from the request's headers to the first event in milliseconds; labels provider × api.
    TimeToFirstEventMs,
    /// Counter of requests refused by this filter or one behind it; labels provider × reason (the `code` of a reply).
    Refusals,
    /// Counter of passthrough responses; labels provider × status class (`2xx` …).
    Passthrough,
    /// Gauge of the remaining rate limit of the central key, as the provider states it; labels provider × of (the limit).
    UpstreamRemaining,
    /// As [`UpstreamRemaining`](Self::UpstreamRemaining), with a pool; labels provider × of × member.
    MemberRemaining,
    /// Gauge: 1 where the member of a pool is usable, else 0; labels provider × member.
    PoolUsable,
    /// Counter: how often a usable member was set aside; labels provider × member × reason (4 statuses).
    PoolAside,
    /// Counter of further attempts; labels provider × from × to × reason: at most providers × 20 × 10.
    Failover,
    /// Counter of reasons for which a record contains less than the traffic; label reason (a note of the record).
    Unread,
}

/// How the host keeps a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Each measured value is added to the total.
    Counter,
    /// The last value counts.
    Gauge,
    /// Values are collected into buckets.
    Histogram,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Self; 13] = [
        Self::Requests,
        Self::Tokens,
        Self::CostMicrousd,
        Self::DurationMs,
        Self::TimeToFirstEventMs,
        Self::Refusals,
        Self::Passthrough,
        Self::UpstreamRemaining,
        Self::MemberRemaining,
        Self::PoolUsable,
        Self::PoolAside,
        Self::Failover,
        Self::Unread,
    ];

    /// The name, without labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requests => "ai_bridge_requests_total",
            Self::Tokens => "ai_bridge_tokens_total",
            Self::CostMicrousd => "ai_bridge_cost_microusd_total",
            Self::DurationMs => "ai_bridge_duration_ms",
            Self::TimeToFirstEventMs => "ai_bridge_time_to_first_event_ms",
            Self::Refusals => "ai_bridge_refusals_total",
            Self::Passthrough => "ai_bridge_passthrough_total",
            Self::UpstreamRemaining | Self::MemberRemaining => "ai_bridge_upstream_remaining",
            Self::PoolUsable => "ai_bridge_pool_usable",
            Self::PoolAside => "ai_bridge_pool_aside_total",
            Self::Failover => "ai_bridge_failover_total",
            Self::Unread => "ai_bridge_unread_total",
        }
    }

    /// The names of the labels; at most four.
    #[must_use]
    pub const fn labels(self) -> &'static [&'static str] {
        match self {
            Self::Requests => &["provider", "api", "model", "outcome"],
            Self::Tokens => &["provider", "model", "type"],
            Self::CostMicrousd => &["provider", "model"],
            Self::DurationMs | Self::TimeToFirstEventMs => &["provider", "api"],
            Self::Refusals => &["provider", "reason"],
            Self::Passthrough => &["provider", "status_class"],
            Self::UpstreamRemaining => &["provider", "of"],
            Self::MemberRemaining => &["provider", "of", "member"],
            Self::PoolUsable => &["provider", "member"],
            Self::PoolAside => &["provider", "member", "reason"],
            Self::Failover => &["provider", "from", "to", "reason"],
            Self::Unread => &["reason"],
        }
    }

    /// How the host keeps the metric.
    #[must_use]
    pub const fn kind(self) -> MetricKind {
        match self {
            Self::DurationMs | Self::TimeToFirstEventMs => MetricKind::Histogram,
            Self::UpstreamRemaining | Self::MemberRemaining | Self::PoolUsable => MetricKind::Gauge,
            Self::Requests
            | Self::Tokens
            | Self::CostMicrousd
            | Self::Refusals
            | Self::Passthrough
            | Self::PoolAside
            | Self::Failover
            | Self::Unread => MetricKind::Counter,
        }
    }
}

/// A value for one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// The metric with its label values.
    pub series: Series,
    /// The value to add, set or collect.
    pub value: u64,
}

/// The most labels of one metric.
pub(crate) const MOST_LABELS: usize = 4;

/// A metric with a value for each of its labels.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Series {
    /// Which metric the series belongs to.
    pub metric: Metric,
    /// The values in the order of [`Metric::labels`]; unused ones are empty.
    labels: [Label; MOST_LABELS],
}

/// The value of a label. A clone allocates nothing.
#[derive(Clone, Debug, Eq)]
pub enum Label {
    /// A label value that is fixed in the code.
    Fixed(&'static str),
    /// A text of the configuration or of a response.
    Shared(Rc<str>),
}

// === impl Label ===

impl Deref for Label {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Fixed(text) => text,
            Self::Shared(text) => text,
        }
    }
}

impl PartialEq for Label {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Hash for Label {
    fn hash<H: Hasher>(&self, state: &mut H) {
        str::hash(self, state);
    }
}

impl From<&'static str> for Label {
    fn from(text: &'static str) -> Self {
        Self::Fixed(text)
    }
}

impl From<&Rc<str>> for Label {
    fn from(text: &Rc<str>) -> Self {
        Self::Shared(Rc::clone(text))
    }
}

// === impl Series ===

impl Series {
    /// The series of `metric` with `values` in the order of [`Metric::labels`].
    #[must_use]
    pub fn new<const N: usize>(metric: Metric, values: [Label; N]) -> Self {
        let mut labels = [const { Label::Fixed("") }; MOST_LABELS];
        labels.iter_mut().zip(values).for_each(|(label, value)| *label = value);
        Self { metric, labels }
    }

    /// A measurement of `value`.
    #[must_use]
    pub const fn measured(self, value: u64) -> Measurement {
        Measurement { series: self, value }
    }

    /// The value of the label `model`, where the metric has one.
    pub fn model_mut(&mut self) -> Option<&mut Label> {
        let at = self.metric.labels().iter().position(|label| *label == "model")?;
        self.labels.get_mut(at)
    }

    /// The name under which the host keeps the series: `name.label=.=value;.;label=.=value;.;`. Istio's extra tags and the
    /// `stats_tags` of `envoy/envoy.yaml` read the labels out of it.
    #[must_use]
    pub fn raw_name(&self) -> String {
        let mut name = self.metric.name().to_owned();
        for (at, (label, value)) in self.metric.labels().iter().zip(&self.labels).enumerate() {
            name.push_str(if at == 0 { "." } else { "" });
            name.push_str(label);
            name.push_str("=.=");
            push_label(&mut name, value);
            name.push_str(";.;");
        }
        name
    }

    /// The labels' values as [`raw_name`](Self::raw_name) writes them, in the order of [`Metric::labels`].
    pub fn label_values(&self) -> impl Iterator<Item = String> {
        self.labels.iter().take(self.metric.labels().len()).map(|value| {
            let mut written = String::with_capacity(value.len());
            push_label(&mut written, value);
            written
        })
    }

    /// Replaces a model beyond the bound of `models` by `other`.
    pub fn bound_model(&mut self, models: &mut LabelBound) {
        if let Some(model) = self.model_mut()
            && **model != *"unknown"
        {
            *model = models.admit(model);
        }
    }
}

/// Writes `value` as a label.
fn push_label(name: &mut String, value: &str) {
    name.extend(value.chars().map(label_character));
    if value.ends_with('.') {
        // Envoy drops dots at the end of a label, so `a` and `a.` would become two series with the same labels.
        name.pop();
        name.push('_');
    }
}

/// `character`, or `_` for one that would break the raw form or Envoy's stat names.
const fn label_character(character: char) -> char {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' | '/' | ':' | '@' | '+' => character,
        _ => '_',
    }
}

/// Bounds the number of distinct values of a label: once the bound is reached, a new value is replaced by `other`.
#[derive(Debug)]
pub struct LabelBound {
    seen: HashSet<Rc<str>, BuildFnv>,
    values: usize,
}

impl LabelBound {
    /// At most `values` distinct values, each cut at 128 bytes.
    #[must_use]
    pub fn new(values: usize) -> Self {
        Self { seen: HashSet::default(), values }
    }

    /// `value`, or `other` where the value is new and the bound is reached.
    pub fn admit(&mut self, value: &str) -> Label {
        let value = crate::text::head(value, 128);
        if let Some(seen) = self.seen.get(value) {
            return Label::from(seen);
        }
        if self.seen.len() >= self.values {
            return Label::Fixed("other");
        }
        let value = Rc::from(value);
        let label = Label::from(&value);
        self.seen.insert(value);
        label
    }
}

#[cfg(test)]
mod tests {
    use super::{Label, LabelBound, Metric, Series};
    use std::collections::HashSet;
    use std::rc::Rc;

    fn label(text: &str) -> Label {
        Label::Shared(Rc::from(text))
    }

    #[test]
    fn the_raw_name_carries_the_labels() {
        let series = Series::new(Metric::Refusals, ["openai".into(), "a;=b".into()]);
        assert_eq!(series.raw_name(), "ai_bridge_refusals_total.provider=.=openai;.;reason=.=a__b;.;");
    }

    #[test]
    fn a_label_does_not_end_in_a_dot() {
        for (value, written) in
            [(".", "_"), ("..", "._"), ("a.", "a_"), ("a..b", "a..b"), (".a", ".a"), ("", "")]
        {
            let series = Series::new(Metric::Unread, [label(value)]);
            assert_eq!(series.raw_name(), format!("ai_bridge_unread_total.reason=.={written};.;"));
        }
    }

    #[test]
    fn a_label_takes_no_more_values_than_its_bound() {
        let mut models = LabelBound::new(2);
        let admitted = ["a", "b", "c", "a"].map(|model| models.admit(model));
        assert_eq!(admitted, ["a", "b", "other", "a"].map(label));
    }

    #[test]
    fn equal_labels_make_equal_series_wherever_they_come_from() {
        let mut known = HashSet::new();
        assert!(known.insert(Series::new(Metric::Unread, ["price".into()])));
        assert!(!known.insert(Series::new(Metric::Unread, [label("price")])));
        assert!(known.insert(Series::new(Metric::Unread, ["text_cut".into()])));
        assert!(known.insert(Series::new(Metric::CostMicrousd, ["a".into(), "b".into()])));
        assert!(known.insert(Series::new(Metric::CostMicrousd, ["ab".into(), "".into()])));
    }
}
