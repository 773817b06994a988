//! The plugin's life: its configuration, and a new stream context for every stream.

use super::metrics::Metrics;
use super::{hostcalls, stream::Stream};
use crate::bridge::Bridge;
use crate::config::Config;
use crate::exchange::Exchange;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use std::cell::RefCell;
use std::rc::Rc;

/// One per worker and plugin configuration, and one on the main thread.
#[derive(Default)]
pub(super) struct Root {
    configured: Option<Configured>,
}

/// Shared by all streams that begin under one configuration.
#[derive(Clone)]
struct Configured {
    bridge: Rc<Bridge>,
    metrics: Rc<RefCell<Metrics>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _size: usize) -> bool {
        let bytes = hostcalls::plugin_configuration();
        match Config::parse(&bytes, &hostcalls::environment_variable) {
            Ok(config) => {
                log::info!("configured with {} provider(s)", config.providers.len());
                let metrics = Metrics::new(config.limits.label_values);
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

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        let exchange = self.configured.as_ref().map(|configured| {
            let exchange = Exchange::new(Rc::clone(&configured.bridge), hostcalls::random());
            (exchange, Rc::clone(&configured.metrics))
        });
        Some(Box::new(Stream::new(exchange)))
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
