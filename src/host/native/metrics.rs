//! The metrics that Envoy keeps. They are defined with the configuration, and a measurement gives the labels' values.

use super::abi::Buffer;
use super::calls::{Filter, FilterConfiguration};
use crate::metric::{LabelBound, Measurement, Metric};
use std::cell::RefCell;

/// The metrics of a configuration, which all workers share.
#[derive(Clone, Copy)]
pub(super) struct Defined([Option<usize>; Metric::ALL.len()]);

/// The metrics of a worker.
pub(super) struct Metrics {
    defined: Defined,
    models: RefCell<LabelBound>,
}

// === impl Defined ===

impl Defined {
    /// Defines every metric.
    pub(super) fn new(configuration: FilterConfiguration) -> Self {
        Self(Metric::ALL.map(|metric| configuration.define(metric.kind(), metric.name(), metric.labels())))
    }

    fn id(&self, metric: Metric) -> Option<usize> {
        let at = Metric::ALL.iter().position(|other| *other == metric)?;
        *self.0.get(at)?
    }
}

// === impl Metrics ===

impl Metrics {
    pub(super) fn new(defined: Defined, label_values: usize) -> Self {
        Self { defined, models: RefCell::new(LabelBound::new(label_values)) }
    }

    /// Adds a measurement.
    pub(super) fn keep(&self, filter: Filter, measurement: Measurement) {
        let Measurement { mut series, value } = measurement;
        series.bound_model(&mut self.models.borrow_mut());
        let Some(id) = self.defined.id(series.metric) else { return };
        let values: Vec<String> = series.label_values().collect();
        let mut labels: Vec<Buffer<'_>> = values.iter().map(|value| Buffer::of(value.as_bytes())).collect();
        filter.measure(series.metric.kind(), id, &mut labels, value);
    }
}
