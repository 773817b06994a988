//! The filter's configuration. Envoy makes one for all its workers; each worker builds its own bridge at its first stream.

use super::calls::FilterConfiguration;
use super::metrics::{self, Defined, Metrics};
use super::property::Property;
use crate::bridge::Bridge;
use crate::config::Config;
use crate::host::process;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Weak};

/// What all workers share: a text that is known to be valid, the metrics, and Envoy's own part.
pub(super) struct Configuration {
    json: Vec<u8>,
    metrics: Defined,
    host: FilterConfiguration,
}

/// What the streams of one worker share.
pub(super) struct Worker {
    pub(super) bridge: Rc<Bridge>,
    pub(super) metrics: Metrics,
    /// Where the actor is, if the configuration names a property.
    pub(super) actor: Option<Property>,
}

thread_local! {
    /// This thread's part of each configuration in use.
    static WORKERS: RefCell<Vec<(Weak<Configuration>, Rc<Worker>)>> = const { RefCell::new(Vec::new()) };
}

// === impl Configuration ===

impl Configuration {
    /// Checks a configuration; `None`, with every problem in the log, if it is refused.
    pub(super) fn new(json: &[u8], host: FilterConfiguration) -> Option<Self> {
        let (config, _) = parse(json)?;
        log::info!("configured with {} provider(s)", config.providers.len());
        Some(Self { json: json.to_vec(), metrics: Defined::new(host), host })
    }

    /// Envoy is about to destroy its part of the configuration.
    pub(super) fn destroy(&self) {
        metrics::destroyed(self.host);
    }

    /// This thread's part of the configuration.
    pub(super) fn worker(self: &Arc<Self>) -> Option<Rc<Worker>> {
        let known = |(configuration, worker): &(Weak<Self>, Rc<Worker>)| {
            (configuration.as_ptr() == Arc::as_ptr(self)).then(|| Rc::clone(worker))
        };
        if let Some(worker) = WORKERS.with_borrow(|workers| workers.iter().find_map(known)) {
            return Some(worker);
        }
        // Only an environment that has changed since makes this fail.
        let (config, actor) = parse(&self.json)?;
        let metrics = Metrics::new(self.metrics, config.limits.label_values);
        let worker = Rc::new(Worker { bridge: Rc::new(Bridge::new(config)), metrics, actor });
        WORKERS.with_borrow_mut(|workers| {
            // A weak reference keeps the address of its configuration from being used again.
            workers.retain(|(configuration, _)| configuration.strong_count() > 0);
            workers.push((Arc::downgrade(self), Rc::clone(&worker)));
        });
        Some(worker)
    }
}

fn parse(json: &[u8]) -> Option<(Config, Option<Property>)> {
    let parsed = Config::parse(json, &process::environment_variable).map_err(|errors| errors.to_string());
    let parsed = parsed.and_then(|config| {
        let actor = config.actor.property.as_deref().map(Property::new).transpose();
        let actor = actor.map_err(|problem| format!("actor.property: {problem}"))?;
        Ok((config, actor))
    });
    parsed.map_err(|errors| log::error!("the configuration is refused; every problem:\n{errors}")).ok()
}
