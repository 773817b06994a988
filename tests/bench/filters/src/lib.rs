//! Filters that do less than AI Bridge, to compare their cost: one module, in which the plugin configuration selects one.
//!
//! | configuration | does |
//! |---|---|
//! | `empty` | nothing; it is called for everything that AI Bridge is called for |
//! | `headers` | reads the headers of both directions and edits three of the request's, as any passthrough must |
//! | `floor` | reads the headers and bodies of both directions and sets one property, as any filter that reads must |
//! | `same-calls` | calls the host as AI Bridge does for a short request, with constants for all that AI Bridge computes |
#![cfg(target_arch = "wasm32")]

mod empty;
mod floor;
mod headers;
mod same_calls;

use empty::Empty;
use floor::Floor;
use headers::Headers;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;
use same_calls::{Metrics, SameCalls};

/// The entry points for the host.
mod entry {
    proxy_wasm::main! {{ proxy_wasm::set_root_context(|_| Box::new(super::Root { kind: None })); }}
}

/// The root context.
#[derive(Debug)]
struct Root {
    kind: Option<Kind>,
}

/// The filter that the plugin configuration selects.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Empty,
    Headers,
    Floor,
    SameCalls(Metrics),
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, _: usize) -> bool {
        self.kind = match self.get_plugin_configuration().as_deref() {
            Some(b"empty") => Some(Kind::Empty),
            Some(b"headers") => Some(Kind::Headers),
            Some(b"floor") => Some(Kind::Floor),
            Some(b"same-calls") => Metrics::define().map(Kind::SameCalls),
            _ => None,
        };
        self.kind.is_some()
    }

    fn create_http_context(&self, _: u32) -> Option<Box<dyn HttpContext>> {
        Some(match self.kind? {
            Kind::Empty => Box::new(Empty),
            Kind::Headers => Box::new(Headers),
            Kind::Floor => Box::new(Floor::default()),
            Kind::SameCalls(metrics) => Box::new(SameCalls::new(metrics)),
        })
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }
}
