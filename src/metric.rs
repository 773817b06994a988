//! Metric names, units and labels (contract §13), and the bound on label values.

use std::collections::HashSet;

/// What a metric counts. Values are integers; the unit is in the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Metric {
    /// Counter of interceptions; labels provider × api × model × outcome: at most providers × 3 × (`label_values` + 2) × 6.
    Requests,
    /// Counter of tokens; labels provider × model × type: at most providers × (`label_values` + 2) × 5.
    Tokens,
    /// Counter of cost in millionths of a US dollar; labels provider × model.
    CostMicrousd,
    /// Histogram of an interception's duration in milliseconds; labels provider × api.
    DurationMs,
    /// Histogram of the time from the request's headers to the first event in milliseconds; labels provider × api.
    TimeToFirstEventMs,
    /// Counter of requests refused by this filter or one behind it; labels provider × reason (every `code` of the README).
    Refusals,
    /// Counter of passthrough answers; labels provider × status class (`2xx` …).
    Passthrough,
    /// Gauge of what the provider says is left for the central key; labels provider × of.
    UpstreamRemaining,
    /// Counter of places where a record is poorer than the traffic; label reason (the notes of the record).
    Unread,
}

/// How the host keeps a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// Goes up.
    Counter,
    /// Is set.
    Gauge,
    /// Collects values.
    Histogram,
}

impl Metric {
    /// The name in front of the labels.
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
            Self::UpstreamRemaining => "ai_bridge_upstream_remaining",
            Self::Unread => "ai_bridge_unread_total",
        }
    }

    /// How the host keeps it.
    #[must_use]
    pub const fn kind(self) -> MetricKind {
        match self {
            Self::DurationMs | Self::TimeToFirstEventMs => MetricKind::Histogram,
            Self::UpstreamRemaining => MetricKind::Gauge,
            Self::Requests
            | Self::Tokens
            | Self::CostMicrousd
            | Self::Refusals
            | Self::Passthrough
            | Self::Unread => MetricKind::Counter,
        }
    }
}

/// One value for one metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measurement {
    /// Which metric.
    pub metric: Metric,
    /// Name and value, in the order of the metric's documentation.
    pub labels: Vec<(&'static str, String)>,
    /// Added, set or collected.
    pub value: u64,
}

impl Measurement {
    /// The raw name that carries the labels: `name.label=.=value;.;label=.=value;.;`, the form that Istio's extra tags
    /// and the reference configuration's `stats_tags` read.
    #[must_use]
    pub fn raw_name(&self) -> String {
        let mut name = self.metric.name().to_owned();
        for (at, (label, value)) in self.labels.iter().enumerate() {
            name.push_str(if at == 0 { "." } else { "" });
            name.push_str(label);
            name.push_str("=.=");
            name.extend(value.chars().map(label_character));
            if value.ends_with('.') {
                // Envoy drops dots at the end of a label: `a` and `a.` would be two series with the same labels.
                name.pop();
                name.push('_');
            }
            name.push_str(";.;");
        }
        name
    }
}

/// Characters that would break the raw form or Envoy's stat names are replaced.
const fn label_character(character: char) -> char {
    match character {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' | '/' | ':' | '@' | '+' => character,
        _ => '_',
    }
}

/// Bounds how many values a label may take: a value that comes when the bound is reached is `other`.
#[derive(Debug)]
pub struct LabelBound {
    seen: HashSet<String>,
    values: usize,
}

impl LabelBound {
    /// At most `values` distinct ones, each cut at 128 bytes.
    #[must_use]
    pub fn new(values: usize) -> Self {
        Self { seen: HashSet::new(), values }
    }

    /// `value`, or `other` where it is new and the bound is reached.
    pub fn admit(&mut self, value: &str) -> String {
        let value = crate::text::head(value, 128);
        if !self.seen.contains(value) {
            if self.seen.len() >= self.values {
                return "other".to_owned();
            }
            self.seen.insert(value.to_owned());
        }
        value.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{LabelBound, Measurement, Metric};

    #[test]
    fn the_raw_name_carries_the_labels() {
        let labels = vec![("provider", "openai".to_owned()), ("reason", "a;=b".to_owned())];
        let measurement = Measurement { metric: Metric::Refusals, labels, value: 1 };
        assert_eq!(measurement.raw_name(), "ai_bridge_refusals_total.provider=.=openai;.;reason=.=a__b;.;");
    }

    #[test]
    fn a_label_does_not_end_in_a_dot() {
        for (value, label) in
            [(".", "_"), ("..", "._"), ("a.", "a_"), ("a..b", "a..b"), (".a", ".a"), ("", "")]
        {
            let labels = vec![("reason", value.to_owned())];
            let measurement = Measurement { metric: Metric::Unread, labels, value: 1 };
            assert_eq!(measurement.raw_name(), format!("ai_bridge_unread_total.reason=.={label};.;"));
        }
    }

    #[test]
    fn a_label_takes_no_more_values_than_its_bound() {
        let mut models = LabelBound::new(2);
        assert_eq!(models.admit("a"), "a");
        assert_eq!(models.admit("b"), "b");
        assert_eq!(models.admit("c"), "other");
        assert_eq!(models.admit("a"), "a");
    }
}
