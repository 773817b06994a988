//! One stream: callbacks in, steps out.

use super::hostcalls::{self, Side};
use super::metrics::Metrics;
use crate::exchange::Exchange;
use crate::step::{Effect, Ending, Flow, RequestHead, ResponseHead, Step};
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::cell::RefCell;
use std::rc::Rc;

/// An HTTP stream; without a configuration it passes.
pub(super) struct Stream {
    configured: Option<(Exchange, Rc<RefCell<Metrics>>)>,
}

impl Stream {
    pub(super) const fn new(configured: Option<(Exchange, Rc<RefCell<Metrics>>)>) -> Self {
        Self { configured }
    }

    /// Calls `callback` and carries out what it answers; `side` and `size` say which chunk is at hand.
    fn act(&mut self, side: Side, size: usize, callback: impl FnOnce(&mut Exchange) -> Step) -> Action {
        let Some((exchange, metrics)) = &mut self.configured else { return Action::Continue };
        let step = callback(exchange);
        for effect in step.effects {
            match effect {
                Effect::EditRequestHeaders(edits) => hostcalls::edit_headers(Side::Request, &edits),
                Effect::EditRequestTrailers(edits) => hostcalls::edit_request_trailers(&edits),
                Effect::EditResponseHeaders(edits) => hostcalls::edit_headers(Side::Response, &edits),
                Effect::ReplaceRequestChunk(bytes) | Effect::ReplaceResponseChunk(bytes) => {
                    hostcalls::replace_chunk(side, size, &bytes);
                }
                Effect::Reply(reply) => hostcalls::reply(&reply),
                Effect::Reset => hostcalls::reset(),
                Effect::Publish { name, value } => hostcalls::publish(&name, &value),
                Effect::Measure(measurement) => metrics.borrow_mut().keep(measurement),
            }
        }
        match step.flow {
            Flow::Continue => Action::Continue,
            Flow::Stop => Action::Pause,
        }
    }
}

/// Envoy's word for how a response came about.
fn code_details() -> Option<String> {
    let details = hostcalls::property(vec!["response", "code_details"])?;
    Some(String::from_utf8_lossy(&details).into_owned())
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, end: bool) -> Action {
        self.act(Side::Request, 0, |exchange| {
            let property = exchange.bridge().actor.property.as_ref();
            let actor_property =
                property.and_then(|path| hostcalls::property(path.iter().map(String::as_str).collect()));
            let headers = hostcalls::headers(Side::Request);
            exchange.request_headers(&RequestHead { headers, actor_property, end, now: hostcalls::now() })
        })
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        self.act(Side::Request, size, |exchange| {
            if !exchange.reads_request() {
                return Step::pass();
            }
            exchange.request_body(&hostcalls::chunk(Side::Request, size), end)
        })
    }

    fn on_http_request_trailers(&mut self, _count: usize) -> Action {
        self.act(Side::Request, 0, |exchange| exchange.request_trailers(&hostcalls::request_trailers()))
    }

    fn on_http_response_headers(&mut self, _count: usize, end: bool) -> Action {
        self.act(Side::Response, 0, |exchange| {
            if !exchange.awaits_response() {
                return Step::pass();
            }
            let headers = hostcalls::headers(Side::Response);
            exchange.response_headers(&ResponseHead {
                headers,
                code_details: code_details(),
                end,
                now: hostcalls::now(),
            })
        })
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        self.act(Side::Response, size, |exchange| {
            if !exchange.reads_response() {
                return Step::pass();
            }
            exchange.response_body(&hostcalls::chunk(Side::Response, size), end, hostcalls::now())
        })
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        self.act(Side::Response, 0, |exchange| exchange.response_trailers(hostcalls::now()))
    }

    fn on_log(&mut self) {
        // Nothing can be stopped any more: the answer is of no use.
        let _ = self.act(Side::Response, 0, |exchange| {
            if exchange.is_done() {
                return Step::pass();
            }
            exchange.finish(&Ending { code_details: code_details(), now: hostcalls::now() })
        });
    }
}
