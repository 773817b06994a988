//! The metrics that Envoy keeps. They are defined with the configuration, and a measurement gives the labels' values.
//!
//! Envoy drops a series when the last configuration that has used it is destroyed. So before that, the other
//! configurations use all known series. A histogram cannot be used without a value, and begins again.

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
/// The most series that are kept over a reload.
const MOST_USED: usize = 20_000;

/// The configurations of main filters that Envoy has not destroyed. Envoy destroys none of them while this is locked.
static LIVE: Mutex<Vec<(FilterConfiguration, Defined)>> = Mutex::new(Vec::new());

fn live() -> MutexGuard<'static, Vec<(FilterConfiguration, Defined)>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

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
    /// Defines every metric.
    pub(super) fn new(configuration: FilterConfiguration) -> Self {
        let define = |metric: Metric| configuration.define(metric.kind(), metric.name(), metric.labels());
        let defined = Self(Metric::ALL.map(define));
        live().push((configuration, defined));
        defined
    }

    /// Makes `configuration` use every known series.
    fn hold_all(&self, configuration: FilterConfiguration) {
        for (at, values) in used().iter() {
            if let (Some(metric), Some(Some(id))) = (Metric::ALL.get(*at), self.0.get(*at)) {
                configuration.hold(metric.kind(), *id, &mut buffers(values));
            }
        }
    }
}

/// The hook that destroys `configuration` calls this, so that the others keep its series.
pub(super) fn destroyed(configuration: FilterConfiguration) {
    let mut live = live();
    live.retain(|(other, _)| *other != configuration);
    live.iter().for_each(|(other, defined)| defined.hold_all(*other));
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
