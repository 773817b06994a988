//! What the attempts of a request report to its main filter.

use super::calls::Filter;
use crate::metric::Measurement;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The report that the main filter and the attempts of one request share.
pub(in crate::host) type AttemptReport = Rc<Report>;

/// What only the main filter can pass on.
#[derive(Default)]
pub(in crate::host) struct Report {
    /// The main filter adds them to the metrics, which belong to its configuration.
    pub(super) measurements: RefCell<Vec<Measurement>>,
    /// The main filter, until Envoy destroys it: an attempt that is being destroyed can ask Envoy nothing itself.
    pub(super) main: Cell<Option<Filter>>,
    /// How many attempts a panic has ended since the main filter has looked.
    pub(super) failures: Cell<u32>,
}
