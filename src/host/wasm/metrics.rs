//! The metrics that the host keeps: the id of each series, defined at its first measurement, and the bound on model names.

use super::hostcalls;
use crate::fnv::BuildFnv;
use crate::metric::{LabelBound, Measurement, MetricKind, Series};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// One for each worker and plugin configuration. It grows with the distinct series, which [`LabelBound`] bounds.
pub(in crate::host) struct Metrics {
    ids: HashMap<Series, u32, BuildFnv>,
    models: LabelBound,
}

/// The metrics that the streams of one configuration share.
pub(in crate::host) type SharedMetrics = Rc<RefCell<Metrics>>;

impl Metrics {
    pub(super) fn new(label_values: usize) -> Self {
        Self { ids: HashMap::default(), models: LabelBound::new(label_values) }
    }

    pub(in crate::host) fn keep(&mut self, measurement: Measurement) {
        let Measurement { mut series, value } = measurement;
        series.bound_model(&mut self.models);
        let kind = series.metric.kind();
        let id = match self.ids.get(&series) {
            Some(id) => *id,
            None => match hostcalls::define_metric(kind, &series.raw_name()) {
                Some(id) => {
                    self.ids.insert(series, id);
                    id
                }
                None => return,
            },
        };
        match kind {
            MetricKind::Counter => hostcalls::increment_metric(id, value),
            MetricKind::Gauge | MetricKind::Histogram => hostcalls::record_metric(id, value),
        }
    }
}
