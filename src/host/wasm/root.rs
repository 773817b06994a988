//! The root context: reads the plugin's configuration and makes a context for each stream.

use super::attempt::Attempt;
use super::metrics::Metrics;
use super::shared::VmData;
use super::waiting::{INTERVAL, PATIENCE, Waiting};
use super::{hostcalls, stream::Stream};
use crate::bridge::Bridge;
use crate::config::{Config, Upstream};
use crate::exchange::Exchange;
use crate::host::process;
use crate::pool;
use crate::step::Effect;
use core::time::Duration;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use std::cell::RefCell;
use std::rc::Rc;

/// One for each worker and plugin configuration, and one on the main thread.
#[derive(Default)]
pub(super) struct Root {
    configured: Option<Configured>,
    /// Set where this is the upstream filter of a pool's member.
    upstream: Option<Rc<Upstream>>,
    waiting: Rc<Waiting>,
}

/// The state that all streams of one configuration share.
#[derive(Clone)]
struct Configured {
    bridge: Rc<Bridge>,
    metrics: Rc<RefCell<Metrics>>,
}

/// The interval in which the gauges of pools are brought up to date while no requests come.
const POOL_INTERVAL: Duration = Duration::from_secs(5);

impl Root {
    fn configure_upstream(&mut self, bytes: &[u8]) -> bool {
        match Upstream::parse(bytes) {
            Ok(upstream) => {
                self.upstream = Some(Rc::new(upstream));
                true
            }
            Err(errors) => {
                log::error!("the configuration of an upstream filter is refused; every problem:\n{errors}");
                false
            }
        }
    }

    /// Shows the members of pools that became usable or were set aside.
    fn show_pools(&self) {
        let Some(Configured { bridge, metrics }) = &self.configured else { return };
        let pools = bridge.providers.iter().filter(|provider| provider.pool.is_some() && bridge.metrics);
        for provider in pools {
            let asides = pool::asides(&*bridge.pools.shared, provider);
            for measurement in bridge.pools.usable_changes(provider, &asides, hostcalls::now()) {
                metrics.borrow_mut().keep(measurement);
            }
        }
    }
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = hostcalls::plugin_configuration();
        if Upstream::is_meant(&bytes) {
            return self.configure_upstream(&bytes);
        }
        match Config::parse(&bytes, &process::environment_variable) {
            Ok(config) => {
                log::info!("configured with {} provider(s)", config.providers.len());
                let metrics = Metrics::new(config.limits.label_values);
                let holds = config.providers.iter().any(|provider| provider.invoke().is_some());
                self.waiting.reconfigured();
                let shows_pools =
                    config.metrics && config.providers.iter().any(|provider| provider.pool.is_some());
                self.set_tick_period(match (holds, shows_pools) {
                    (true, _) => INTERVAL,
                    (false, true) => POOL_INTERVAL,
                    (false, false) => Duration::ZERO,
                });
                self.configured = Some(Configured {
                    bridge: Rc::new(Bridge::new(config).sharing(Rc::new(VmData))),
                    metrics: Rc::new(RefCell::new(metrics)),
                });
                true
            }
            Err(errors) => {
                log::error!("the configuration is refused; every problem:\n{errors}");
                false
            }
        }
    }

    fn on_tick(&mut self) {
        self.show_pools();
        let count = |context| hostcalls::enter(context).then(hostcalls::request_bytes).flatten();
        let overdue = self.waiting.overdue(hostcalls::now(), count);
        if !overdue.is_empty() {
            log::error!(
                "{} request(s) to Bedrock in mode \"invoke\" answered 500: the host holds their headers and has \
                 delivered no body for {} s. Set `allow_on_headers_stop_iteration: true` beside this filter's \
                 `configuration` (envoy.extensions.wasm.v3.PluginConfig)",
                overdue.len(),
                PATIENCE.as_secs(),
            );
        }
        for (context, exchange) in overdue {
            let step = exchange.borrow_mut().body_withheld();
            for effect in step.effects {
                if let Effect::Reply(reply) = effect
                    && hostcalls::enter(context)
                {
                    hostcalls::reply(&reply);
                }
            }
        }
    }

    fn create_http_context(&self, context_id: u32) -> Option<Box<dyn HttpContext>> {
        if let Some(upstream) = &self.upstream {
            return Some(Box::new(Attempt::new(Rc::clone(upstream))));
        }
        let exchange = self.configured.as_ref().map(|configured| {
            let exchange = Exchange::new(Rc::clone(&configured.bridge), process::random());
            (Rc::new(RefCell::new(exchange)), Rc::clone(&configured.metrics))
        });
        Some(Box::new(Stream::new(exchange, context_id, Rc::clone(&self.waiting))))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
