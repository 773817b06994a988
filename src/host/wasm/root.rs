//! The root context: reads the plugin's configuration and makes a context for each stream.

use super::metrics::Metrics;
use super::waiting::{INTERVAL, PATIENCE, Waiting};
use super::{hostcalls, stream::Stream};
use crate::bridge::Bridge;
use crate::config::Config;
use crate::exchange::Exchange;
use crate::host::process;
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
    waiting: Rc<Waiting>,
}

/// The state that all streams of one configuration share.
#[derive(Clone)]
struct Configured {
    bridge: Rc<Bridge>,
    metrics: Rc<RefCell<Metrics>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = hostcalls::plugin_configuration();
        match Config::parse(&bytes, &process::environment_variable) {
            Ok(config) => {
                log::info!("configured with {} provider(s)", config.providers.len());
                let metrics = Metrics::new(config.limits.label_values);
                let holds = config.providers.iter().any(|provider| provider.invoke().is_some());
                self.waiting.reconfigured();
                self.set_tick_period(if holds { INTERVAL } else { Duration::ZERO });
                self.configured = Some(Configured {
                    bridge: Rc::new(Bridge::new(config)),
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
