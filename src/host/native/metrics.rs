//! The metrics that Envoy keeps. They are defined with the configuration, and a measurement gives the labels' values.
//!
//! Envoy forgets a series with the last configuration that has used it. So a new configuration uses all series that the
//! ones before it have used; histograms cannot be used without a value, and begin again.

use super::abi::Buffer;
use super::calls::{Filter, FilterConfiguration};
use crate::fnv::BuildFnv;
use crate::metric::{LabelBound, Measurement, Metric, Series};
use std::cell::RefCell;
use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The metrics of a configuration, which all workers share.
#[derive(Clone, Copy)]
pub(super) struct Defined([Option<usize>; Metric::ALL.len()]);

/// The metrics of a worker.
pub(super) struct Metrics {
    defined: Defined,
    models: RefCell<LabelBound>,
    /// The series that this worker has used.
    used: RefCell<HashSet<Series, BuildFnv>>,
}

/// The series that any configuration has used, as an index in [`Metric::ALL`] and label values.
static USED: Mutex<BTreeSet<(usize, Vec<String>)>> = Mutex::new(BTreeSet::new());
/// The most series that a new configuration takes over.
const MOST_USED: usize = 20_000;

fn used() -> MutexGuard<'static, BTreeSet<(usize, Vec<String>)>> {
    USED.lock().unwrap_or_else(PoisonError::into_inner)
}

fn buffers(values: &[String]) -> Vec<Buffer<'_>> {
    values.iter().map(|value| Buffer::of(value.as_bytes())).collect()
}

/// The place of `metric` in [`Metric::ALL`].
fn index(metric: Metric) -> Option<usize> {
    Metric::ALL.iter().position(|other| *other == metric)
}

// === impl Defined ===

impl Defined {
    /// Defines every metric, with the series that are known.
    pub(super) fn new(configuration: FilterConfiguration) -> Self {
        let define = |metric: Metric| configuration.define(metric.kind(), metric.name(), metric.labels());
        let defined = Self(Metric::ALL.map(define));
        for (at, values) in used().iter() {
            if let (Some(metric), Some(Some(id))) = (Metric::ALL.get(*at), defined.0.get(*at)) {
                configuration.hold(metric.kind(), *id, &mut buffers(values));
            }
        }
        defined
    }
}

// === impl Metrics ===

impl Metrics {
    pub(super) fn new(defined: Defined, label_values: usize) -> Self {
        Self { defined, models: RefCell::new(LabelBound::new(label_values)), used: RefCell::default() }
    }

    /// Adds a measurement.
    pub(super) fn keep(&self, filter: Filter, measurement: Measurement) {
        let Measurement { mut series, value } = measurement;
        series.bound_model(&mut self.models.borrow_mut());
        let Some(at) = index(series.metric) else { return };
        let Some(Some(id)) = self.defined.0.get(at) else { return };
        let values: Vec<String> = series.label_values().collect();
        filter.measure(series.metric.kind(), *id, &mut buffers(&values), value);
        if !self.used.borrow().contains(&series) {
            self.used.borrow_mut().insert(series);
            let mut used = used();
            if used.len() < MOST_USED {
                used.insert((at, values));
            }
        }
    }
}
