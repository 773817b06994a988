//! The filter's configuration. Envoy makes one for all its workers; each worker builds its own bridge at its first
//! stream.

use super::any_stream::AnyStream;
use super::attempt::Attempt;
use super::calls::{FilterConfiguration, wall_time};
use super::metrics::{self, Defined, Metrics};
use super::property::Property;
use super::shared::ProcessData;
use super::stream::{Stream, Worker};
use super::ticker::Ticker;
use crate::bridge::Bridge;
use crate::config::{Config, Upstream};
use crate::host::process;
use crate::pool;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// What all workers share.
pub(super) enum Configuration {
    /// Of the main filter.
    Main(Box<Main>),
    /// Of the upstream filter of a pool's member.
    Upstream(Arc<Upstream>),
}

/// The main filter's configuration: JSON that was parsed once without a problem, the metrics, and Envoy's part.
pub(super) struct Main {
    json: Vec<u8>,
    metrics: Defined,
    host: FilterConfiguration,
    /// Runs if the configuration has pools and metrics.
    ticker: Mutex<Option<Ticker>>,
}

// Envoy's address of a configuration hides from the compiler that all workers use it.
const _: () = {
    const fn is_shared<T: Send + Sync>() {}
    is_shared::<Configuration>();
};

thread_local! {
    /// This thread's part of each configuration in use.
    static WORKERS: RefCell<Vec<(Weak<Configuration>, Rc<Worker>)>> = const { RefCell::new(Vec::new()) };
}

// === impl Configuration ===

impl Configuration {
    /// Checks a configuration; `None`, with every problem in the log, if it is refused.
    pub(super) fn new(json: &[u8], host: FilterConfiguration) -> Option<Self> {
        if Upstream::is_meant(json) {
            let upstream = Upstream::parse(json).map_err(|errors| {
                log::error!("the configuration of an upstream filter is refused; every problem:\n{errors}");
            });
            return upstream.ok().map(|upstream| Self::Upstream(Arc::new(upstream)));
        }
        let (config, _) = parse(json)?;
        log::info!("configured with {} provider(s)", config.providers.len());
        let has_gauges = config.metrics && config.providers.iter().any(|provider| provider.pool.is_some());
        let scheduler = if has_gauges { host.scheduler() } else { None };
        Some(Self::Main(Box::new(Main {
            json: json.to_vec(),
            metrics: Defined::new(host),
            host,
            ticker: Mutex::new(scheduler.and_then(Ticker::start)),
        })))
    }

    /// Envoy is about to destroy its part of the configuration.
    pub(super) fn destroy(&self) {
        if let Self::Main(main) = self {
            drop(main.ticker.lock().unwrap_or_else(PoisonError::into_inner).take());
            metrics::destroyed(main.host);
        }
    }

    /// Shows the members of pools that became usable or were set aside. Envoy's main thread calls this.
    pub(super) fn show_pools(self: &Arc<Self>) {
        let Self::Main(main) = &**self else { return };
        let Some(worker) = self.worker(main) else { return };
        let Worker { bridge, metrics, .. } = &*worker;
        for provider in bridge.providers.iter().filter(|provider| provider.pool.is_some()) {
            let asides = pool::asides(&*bridge.pools.shared, provider);
            for measurement in bridge.pools.usable_changes(provider, &asides, wall_time()) {
                metrics.set(main.host, measurement);
            }
        }
    }

    /// A stream, or an attempt, of this configuration.
    pub(super) fn stream(self: &Arc<Self>) -> Option<AnyStream> {
        match &**self {
            Self::Main(main) => self.worker(main).map(Stream::new).map(AnyStream::Main),
            Self::Upstream(upstream) => Some(AnyStream::Attempt(Attempt::new(Arc::clone(upstream)))),
        }
    }

    /// This thread's part of the configuration; `main` is its content.
    fn worker(self: &Arc<Self>, main: &Main) -> Option<Rc<Worker>> {
        let known = |(configuration, worker): &(Weak<Self>, Rc<Worker>)| {
            (configuration.as_ptr() == Arc::as_ptr(self)).then(|| Rc::clone(worker))
        };
        if let Some(worker) = WORKERS.with_borrow(|workers| workers.iter().find_map(known)) {
            return Some(worker);
        }
        // The JSON was valid on the main thread: this fails only if the environment has changed since.
        let (config, actor) = parse(&main.json)?;
        let metrics = Metrics::new(main.metrics, config.limits.label_values);
        let worker = Rc::new(Worker {
            bridge: Rc::new(Bridge::new(config).sharing(Rc::new(ProcessData))),
            metrics,
            actor,
        });
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
