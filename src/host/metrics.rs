//! Metrics kept by the host: an id for each name, defined when it is first needed, and the bound on model names.

use super::hostcalls;
use crate::metric::{LabelBound, Measurement, MetricKind};
use std::collections::HashMap;

/// One per worker and plugin configuration. Grows with the distinct names, which [`LabelBound`] bounds.
pub(super) struct Metrics {
    ids: HashMap<String, u32>,
    models: LabelBound,
}

impl Metrics {
    pub(super) fn new(label_values: usize) -> Self {
        Self { ids: HashMap::new(), models: LabelBound::new(label_values) }
    }

    pub(super) fn keep(&mut self, mut measurement: Measurement) {
        if let Some((_, model)) = measurement.labels.iter_mut().find(|(label, _)| *label == "model")
            && model != "unknown"
        {
            *model = self.models.admit(model);
        }
        let kind = measurement.metric.kind();
        let name = measurement.raw_name();
        let id = match self.ids.get(&name) {
            Some(id) => *id,
            None => match hostcalls::define_metric(kind, &name) {
                Some(id) => {
                    self.ids.insert(name, id);
                    id
                }
                None => return,
            },
        };
        match kind {
            MetricKind::Counter => hostcalls::increment_metric(id, measurement.value),
            MetricKind::Gauge | MetricKind::Histogram => hostcalls::record_metric(id, measurement.value),
        }
    }
}
