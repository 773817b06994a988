//! The context of one stream: passes callbacks to the exchange and carries out its steps.

use super::hostcalls::{self, Side};
use super::metrics::SharedMetrics;
use super::monotonic::Clock;
use super::waiting::{SharedExchange, Waiting};
use crate::exchange::Exchange;
use crate::headers::Headers;
use crate::host::tickets::{Offered, Open};
use crate::step::{Effect, Ending, Flow, RequestHead, ResponseHead, Step};
use core::time::Duration;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::Action;
use std::rc::Rc;

/// An HTTP stream. Without a configuration it passes unchanged.
pub(super) struct Stream {
    configured: Option<(SharedExchange, SharedMetrics)>,
    context: u32,
    waiting: Rc<Waiting>,
    /// The bytes of a held body that were given to the exchange.
    held_bytes: usize,
    clock: Clock,
    /// What upstream filters need to know of a request to a pool.
    offered: Option<Offered>,
}

impl Stream {
    pub(super) fn new(
        configured: Option<(SharedExchange, SharedMetrics)>,
        context: u32,
        waiting: Rc<Waiting>,
    ) -> Self {
        Self { configured, context, waiting, held_bytes: 0, clock: Clock::default(), offered: None }
    }

    /// The time that durations are measured with.
    fn clock(&self) -> impl FnOnce() -> Duration + use<> {
        let clock = self.clock;
        move || clock.now()
    }

    /// Calls `callback` and carries out its step. `side` and `size` describe the current chunk.
    fn act(&mut self, side: Side, size: usize, callback: impl FnOnce(&mut Exchange) -> Step) -> Action {
        let Some((exchange, _)) = &self.configured else { return Action::Continue };
        let step = callback(&mut exchange.borrow_mut());
        let releases = step.flow == Flow::Release;
        let action = self.carry_out(side, size, step, None);
        if !releases {
            return action;
        }
        // The current buffer contains the whole body, because nothing of it was forwarded.
        let held = self.held_bytes;
        let Some((exchange, _)) = &self.configured else { return Action::Continue };
        let step = exchange.borrow_mut().release(&hostcalls::chunk(Side::Request, held));
        self.carry_out(Side::Request, held, step, None)
    }

    /// `headers`: the request's headers, in their callback.
    fn carry_out(&self, side: Side, size: usize, step: Step, mut headers: Option<&Headers>) -> Action {
        let Some((_, metrics)) = &self.configured else { return Action::Continue };
        for effect in step.effects {
            match effect {
                Effect::EditRequestHeaders(edits) => match headers.take() {
                    Some(headers) => hostcalls::edit_request_headers(headers, &edits),
                    None => hostcalls::edit_headers(Side::Request, &edits),
                },
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
            Flow::Continue | Flow::Release => Action::Continue,
            Flow::Stop | Flow::Hold => Action::Pause,
        }
    }

    fn holds_request(&self) -> bool {
        self.configured.as_ref().is_some_and(|(exchange, _)| exchange.borrow().holds_request())
    }
}

/// Envoy's response code details, which say who made the response and why.
fn code_details() -> Option<String> {
    let details = hostcalls::property(vec!["response", "code_details"])?;
    Some(String::from_utf8_lossy(&details).into_owned())
}

impl Context for Stream {}

impl Drop for Stream {
    fn drop(&mut self) {
        self.waiting.end(self.context);
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, end: bool) -> Action {
        let Some((exchange, metrics)) = &self.configured else { return Action::Continue };
        let property = exchange.borrow().bridge().actor.property.clone();
        let actor_property =
            property.and_then(|path| hostcalls::property(path.iter().map(String::as_str).collect()));
        let headers = hostcalls::headers(Side::Request);
        let head = RequestHead { headers, actor_property, end };
        let clock = &mut self.clock;
        let step = exchange.borrow_mut().request_headers(&head, || {
            let now = hostcalls::now();
            *clock = Clock::beginning_at(now);
            now
        });
        let ticket = exchange.borrow().ticket();
        if let Some(ticket) = ticket {
            let id = exchange.borrow().ticket_id();
            let open = Open { ticket, clock: self.clock, report: Rc::clone(metrics) };
            self.offered = Some(Offered::new(id, open));
        }
        let action = self.carry_out(Side::Request, 0, step, Some(&head.headers));
        if self.holds_request() {
            self.waiting.begin(self.context, hostcalls::request_bytes(), exchange);
        }
        action
    }

    fn on_http_request_body(&mut self, size: usize, end: bool) -> Action {
        if self.holds_request() {
            self.waiting.delivered();
            // The buffer of a held request is all that has arrived.
            let from = core::mem::replace(&mut self.held_bytes, size);
            return self.act(Side::Request, size, |exchange| {
                exchange.request_body(&hostcalls::part(Side::Request, from, size), end)
            });
        }
        self.act(Side::Request, size, |exchange| {
            if !exchange.reads_request() {
                return Step::pass();
            }
            let size = if exchange.needs_request_bytes() { size } else { 0 };
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
            let code_details = if Exchange::asks_who_answers(&headers) { code_details() } else { None };
            exchange.response_headers(&ResponseHead { headers, code_details, end }, hostcalls::now)
        })
    }

    fn on_http_response_body(&mut self, size: usize, end: bool) -> Action {
        let clock = self.clock();
        self.act(Side::Response, size, |exchange| {
            if !exchange.reads_response() {
                return Step::pass();
            }
            let size = if exchange.needs_response_bytes() { size } else { 0 };
            exchange.response_body(&hostcalls::chunk(Side::Response, size), end, clock)
        })
    }

    fn on_http_response_trailers(&mut self, _count: usize) -> Action {
        let clock = self.clock();
        self.act(Side::Response, 0, |exchange| exchange.response_trailers(clock))
    }

    fn on_log(&mut self) {
        let clock = self.clock();
        // The stream is over, so the returned action has no effect.
        let _ = self.act(Side::Response, 0, |exchange| {
            if exchange.is_done() {
                return Step::pass();
            }
            let code_details = if exchange.asks_how_it_ended() { code_details() } else { None };
            exchange.finish(&Ending { code_details, now: clock(), wall: hostcalls::now() })
        });
    }
}
