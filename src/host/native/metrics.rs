//! The metrics that Envoy keeps. They are defined with the configuration, and a measurement gives the labels' values.
//!
//! Envoy forgets a series with the last configuration that has used it. So before a configuration goes, those that stay use
//! all known series, each once, because Envoy may keep label values of every use; histograms cannot be used without a value,
//! and begin again.

use super::abi::Buffer;
use super::calls::{Filter, FilterConfiguration};
use crate::fnv::BuildFnv;
use crate::metric::{LabelBound, MOST_LABELS, Measurement, Metric, MetricKind, Series};
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The metrics of a configuration, which all workers share.
#[derive(Clone, Copy)]
pub(super) struct Defined([Option<usize>; Metric::ALL.len()]);

/// The metrics of a worker.
pub(super) struct Metrics {
    defined: Defined,
    models: RefCell<LabelBound>,
    /// The series that this worker has used, with their label values as Envoy gets them.
    used: RefCell<HashMap<Series, Rc<[String]>, BuildFnv>>,
}

/// A series, as an index in [`Metric::ALL`] and label values.
type Known = (usize, Vec<String>);

/// The series that any configuration has used, each with its place in the order of their first use.
static USED: Mutex<BTreeMap<Known, usize>> = Mutex::new(BTreeMap::new());
/// The most series that are kept over a reload.
const MOST_USED: usize = 20_000;

/// A configuration of a main filter that Envoy has not destroyed.
struct Live {
    configuration: FilterConfiguration,
    defined: Defined,
    /// How many of the known series it was made to use: the first ones.
    held: usize,
}

/// While this is locked, none of them is destroyed.
static LIVE: Mutex<Vec<Live>> = Mutex::new(Vec::new());

fn live() -> MutexGuard<'static, Vec<Live>> {
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn used() -> MutexGuard<'static, BTreeMap<Known, usize>> {
    USED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `call` with `values` as Envoy takes them.
fn with_buffers(values: &[String], call: impl FnOnce(&mut [Buffer<'_>])) {
    let mut buffers = [Buffer::NONE; MOST_LABELS];
    let used =
        buffers.iter_mut().zip(values).map(|(buffer, value)| *buffer = Buffer::of(value.as_bytes())).count();
    call(buffers.get_mut(..used).unwrap_or_default());
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
        live().push(Live { configuration, defined, held: 0 });
        defined
    }
}

// === impl Live ===

impl Live {
    /// Uses every known series that this has not been made to use before.
    fn hold_all(&mut self) {
        let used = used();
        for ((at, values), _) in used.iter().filter(|(_, place)| **place >= self.held) {
            if let (Some(metric), Some(Some(id))) = (Metric::ALL.get(*at), self.defined.0.get(*at)) {
                with_buffers(values, |labels| self.configuration.hold(metric.kind(), *id, labels));
            }
        }
        self.held = used.len();
    }
}

/// The hook that destroys `configuration` calls this, so that the others keep its series.
pub(super) fn destroyed(configuration: FilterConfiguration) {
    let mut live = live();
    live.retain(|other| other.configuration != configuration);
    live.iter_mut().for_each(Live::hold_all);
}

// === impl Metrics ===

impl Metrics {
    pub(super) fn new(defined: Defined, label_values: usize) -> Self {
        Self { defined, models: RefCell::new(LabelBound::new(label_values)), used: RefCell::default() }
    }

    /// Adds a measurement.
    pub(super) fn keep(&self, filter: Filter, measurement: Measurement) {
        self.add(measurement, |kind, id, labels, value| filter.measure(kind, id, labels, value));
    }

    /// Sets a gauge outside of any stream.
    pub(super) fn set(&self, host: FilterConfiguration, measurement: Measurement) {
        self.add(measurement, |_, id, labels, value| host.set_gauge(id, labels, value));
    }

    fn add(&self, measurement: Measurement, measure: impl FnOnce(MetricKind, usize, &mut [Buffer<'_>], u64)) {
        let Measurement { mut series, value } = measurement;
        series.bound_model(&mut self.models.borrow_mut());
        let Some(at) = index(series.metric) else { return };
        let Some(Some(id)) = self.defined.0.get(at) else { return };
        let kind = series.metric.kind();
        let known = self.used.borrow().get(&series).cloned();
        let values = known.unwrap_or_else(|| self.begin(at, series));
        with_buffers(&values, |labels| measure(kind, *id, labels, value));
    }

    /// Notes that `series`, whose metric is at `at`, is used from now on, and returns its label values.
    fn begin(&self, at: usize, series: Series) -> Rc<[String]> {
        let values: Rc<[String]> = series.label_values().collect();
        self.used.borrow_mut().insert(series, Rc::clone(&values));
        let mut used = used();
        let place = used.len();
        if place < MOST_USED {
            used.entry((at, values.to_vec())).or_insert(place);
        }
        values
    }
}
