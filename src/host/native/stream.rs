//! One stream: passes callbacks to the exchange and carries out its steps.

use super::abi::{Attribute, Body, Buffer, HeaderMap};
use super::attempt_report::AttemptReport;
use super::calls::{Filter, wall_time};
use super::clock::Clock;
use super::metrics::Metrics;
use super::panic;
use super::property::Property;
use crate::bridge::Bridge;
use crate::exchange::Exchange;
use crate::host::process;
use crate::host::tickets::{Offered, Open};
use crate::metric::{Metric, Series};
use crate::note::Note;
use crate::step::{Effect, Ending, Flow, RequestHead, ResponseHead, Step};
use crate::values;
use core::time::Duration;
use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;

/// What the streams of one worker share.
pub(super) struct Worker {
    pub(super) bridge: Rc<Bridge>,
    pub(super) metrics: Metrics,
    /// Where the actor is, if the configuration names a property.
    pub(super) actor: Option<Property>,
}

/// An HTTP stream. Envoy may call its hooks while it is called itself, so nothing here is borrowed during a call.
pub(super) struct Stream {
    worker: Rc<Worker>,
    exchange: RefCell<Exchange>,
    clock: Clock,
    /// Envoy has destroyed its part of the stream: the filter makes no more calls for it.
    destroyed: Cell<bool>,
    /// A hook has panicked. The exchange is used only to leave its record.
    broken: Cell<bool>,
    /// The bytes of a held body that were given to the exchange.
    held_bytes: Cell<usize>,
    /// What upstream filters need to know of a request to a pool.
    ticket: OnceCell<(Offered, AttemptReport)>,
}

/// The namespace of this filter's dynamic metadata.
const METADATA: &str = "ai_bridge";
/// The beginning of the names of filter state. It is the one under which the wasm host sets properties, so that access
/// logs, rate limits and tracers need not change with the host.
pub(super) const FILTER_STATE: &str = "wasm.";
/// Why a stream was reset, in Envoy's response code details.
const RESET_DETAILS: &str = "ai_bridge_reset";
/// The same after a panic.
pub(super) const PANIC_DETAILS: &str = "ai_bridge_panic";
/// The response code details that the exchange gets for a stream which this filter has cut: those of one that Envoy has
/// closed.
const CUT_BY_GATEWAY: &str = "downstream_local_disconnect";

// === impl Stream ===

impl Stream {
    pub(super) fn new(worker: Rc<Worker>) -> Self {
        let exchange = Exchange::new(Rc::clone(&worker.bridge), process::random());
        Self {
            worker,
            exchange: RefCell::new(exchange),
            clock: Clock::begin(),
            destroyed: Cell::new(false),
            broken: Cell::new(false),
            held_bytes: Cell::new(0),
            ticket: OnceCell::new(),
        }
    }

    fn now(&self) -> Duration {
        self.clock.now()
    }

    pub(super) fn request_headers(&self, filter: Filter, end: bool) -> Flow {
        let headers = filter.headers(HeaderMap::Request);
        let actor = self.worker.actor.as_ref();
        let actor_property = actor.and_then(|property| property.read(filter, &headers));
        let head = RequestHead { headers, actor_property, end };
        let step = self.exchange.borrow_mut().request_headers(&head, || self.now());
        let (ticket, id) = (self.exchange.borrow().ticket(), self.exchange.borrow().ticket_id());
        if let Some(ticket) = ticket {
            let report = AttemptReport::default();
            report.main.set(Some(filter));
            let open = Open { ticket, clock: self.clock, report: Rc::clone(&report) };
            self.ticket.get_or_init(|| (Offered::new(id, open), report));
        }
        self.carry_out(filter, Place::RequestHeaders, step)
    }

    pub(super) fn request_body(&self, filter: Filter, end: bool) -> Flow {
        if self.exchange.borrow().holds_request() {
            return self.held_body(filter, end);
        }
        if !self.exchange.borrow().reads_request() {
            return Flow::Continue;
        }
        let step = self.read(filter, Body::ReceivedRequest, |exchange, chunk, last| {
            exchange.request_body(chunk, end && last)
        });
        self.carry_out(filter, Place::RequestBody, step)
    }

    /// Reads what has arrived of a held body since the last time. Only that is copied: a body may come in many chunks.
    fn held_body(&self, filter: Filter, end: bool) -> Flow {
        let known = self.held_bytes.get();
        let new = arrived(filter, known);
        self.held_bytes.set(known.saturating_add(new.len()));
        let step = self.exchange.borrow_mut().request_body(&new, end);
        let releases = step.flow == Flow::Release;
        let flow = self.carry_out(filter, Place::RequestBody, step);
        if releases { self.release(filter, Place::RequestBody) } else { flow }
    }

    /// Sends on a held request, whose body is whole.
    fn release(&self, filter: Filter, place: Place) -> Flow {
        let step = self.exchange.borrow_mut().release(&arrived(filter, 0));
        let replaces = step.effects.iter().any(|effect| matches!(effect, Effect::ReplaceRequestChunk(_)));
        if replaces && !filter.received_is_buffered() {
            filter.drain_body(Body::BufferedRequest);
        }
        self.carry_out(filter, place, step)
    }

    pub(super) fn request_trailers(&self, filter: Filter) -> Flow {
        let trailers = filter.headers(HeaderMap::RequestTrailers);
        let step = self.exchange.borrow_mut().request_trailers(&trailers);
        let releases = step.flow == Flow::Release;
        let flow = self.carry_out(filter, Place::RequestTrailers, step);
        if releases { self.release(filter, Place::RequestTrailers) } else { flow }
    }

    pub(super) fn response_headers(&self, filter: Filter, end: bool) -> Flow {
        if !self.exchange.borrow().awaits_response() {
            return Flow::Continue;
        }
        let headers = filter.headers(HeaderMap::Response);
        self.take_report(filter);
        let code_details = if Exchange::asks_who_answers(&headers) { code_details(filter) } else { None };
        let head = ResponseHead { headers, code_details, end };
        let step = self.exchange.borrow_mut().response_headers(&head, wall_time);
        self.carry_out(filter, Place::Response, step)
    }

    pub(super) fn response_body(&self, filter: Filter, end: bool) -> Flow {
        if !self.exchange.borrow().reads_response() {
            return Flow::Continue;
        }
        let step = self.read(filter, Body::ReceivedResponse, |exchange, chunk, last| {
            exchange.response_body(chunk, end && last, || self.now())
        });
        self.carry_out(filter, Place::Response, step)
    }

    pub(super) fn response_trailers(&self, filter: Filter) -> Flow {
        let step = self.exchange.borrow_mut().response_trailers(|| self.now());
        self.carry_out(filter, Place::Response, step)
    }

    /// The stream is over. Envoy writes its access logs after this.
    pub(super) fn complete(&self, filter: Filter) {
        self.take_report(filter);
        if self.exchange.borrow().is_done() {
            return;
        }
        let code_details = if self.broken.get() {
            self.exchange.borrow_mut().filter_failed();
            Some(CUT_BY_GATEWAY.to_owned())
        } else if self.exchange.borrow().asks_how_it_ended() {
            code_details(filter)
        } else {
            None
        };
        let step =
            self.exchange.borrow_mut().finish(&Ending { code_details, now: self.now(), wall: wall_time() });
        self.carry_out(filter, Place::Response, step);
    }

    /// Adds the measurements of the attempts of a request to a pool to this configuration's metrics, and notes the attempts
    /// that a panic has ended.
    fn take_report(&self, filter: Filter) {
        let Some((_, report)) = self.ticket.get() else { return };
        for measurement in report.measurements.take() {
            self.worker.metrics.keep(filter, measurement);
        }
        let failures = report.failures.take();
        if failures > 0 {
            self.exchange.borrow_mut().filter_failed();
            self.measure_failures(filter, failures);
        }
    }

    /// The stream is over, and [`complete`](Self::complete) has panicked.
    pub(super) fn complete_after_failure(&self, filter: Filter) {
        let _ = panic::caught(|| self.count_failure(filter));
        self.complete(filter);
    }

    /// Envoy is about to destroy its part of the stream.
    pub(super) fn destroy(&self) {
        self.destroyed.set(true);
        if let Some((_, report)) = self.ticket.get() {
            report.main.set(None);
        }
    }

    /// Whether the hooks of this stream do nothing any more.
    pub(super) fn is_over(&self) -> bool {
        self.destroyed.get() || self.broken.get()
    }

    /// Cuts the stream after a panic in one of its hooks, unless it is over anyway.
    pub(super) fn cut(&self, filter: Filter) {
        if !self.broken.get() && !self.destroyed.get() {
            // The stream must end, whatever else is broken.
            let _ = panic::caught(|| self.count_failure(filter));
            filter.reset(PANIC_DETAILS);
        }
    }

    fn count_failure(&self, filter: Filter) {
        if !self.broken.replace(true) {
            self.measure_failures(filter, 1);
        }
    }

    fn measure_failures(&self, filter: Filter, failures: u32) {
        if self.worker.bridge.metrics {
            let failed = Series::new(Metric::Unread, [Note::FilterFailed.name().into()]);
            self.worker.metrics.keep(filter, failed.measured(failures.into()));
        }
    }

    /// Passes the parts of the current chunk to the exchange, each with whether it is the last one. The bytes are not
    /// copied, and no call to Envoy is made meanwhile. If the exchange replaces a part, the step replaces the chunk.
    fn read(
        &self,
        filter: Filter,
        body: Body,
        mut callback: impl FnMut(&mut Exchange, &[u8], bool) -> Step,
    ) -> Step {
        let exchange = &mut *self.exchange.borrow_mut();
        filter.with_body(body, |parts| match parts {
            [] => callback(exchange, &[], true),
            [only] => callback(exchange, only.bytes(), true),
            [.., last] => {
                let mut whole = Merged::default();
                for (at, part) in parts.iter().enumerate() {
                    let step = callback(exchange, part.bytes(), core::ptr::eq(part, last));
                    whole.add(step, parts.get(..at).unwrap_or_default(), part.bytes());
                    if whole.step.flow == Flow::Stop {
                        break;
                    }
                }
                whole.finish()
            }
        })
    }

    fn carry_out(&self, filter: Filter, place: Place, step: Step) -> Flow {
        let mut key = String::new();
        for effect in step.effects {
            if self.destroyed.get() {
                return Flow::Stop;
            }
            match effect {
                Effect::EditRequestHeaders(edits) => {
                    filter.edit_headers(HeaderMap::Request, &edits);
                    // Envoy has chosen a route by the client's headers.
                    filter.clear_route_cache();
                }
                Effect::EditRequestTrailers(edits) => filter.edit_headers(HeaderMap::RequestTrailers, &edits),
                Effect::EditResponseHeaders(edits) => filter.edit_headers(HeaderMap::Response, &edits),
                Effect::ReplaceRequestChunk(bytes) | Effect::ReplaceResponseChunk(bytes) => {
                    filter.replace_body(place.body(), &bytes);
                }
                Effect::Reply(reply) => filter.reply(&reply),
                Effect::Reset => filter.reset(RESET_DETAILS),
                Effect::Publish { name, value } => publish(filter, &mut key, &name, &value),
                Effect::Measure(measurement) => self.worker.metrics.keep(filter, measurement),
            }
        }
        step.flow
    }
}

/// The callback in which a step is carried out.
#[derive(Clone, Copy)]
enum Place {
    RequestHeaders,
    RequestBody,
    RequestTrailers,
    Response,
}

impl Place {
    /// The bytes that the step may replace.
    const fn body(self) -> Body {
        match self {
            Self::RequestHeaders | Self::RequestBody => Body::ReceivedRequest,
            // The last chunk was held like those before it.
            Self::RequestTrailers => Body::BufferedRequest,
            Self::Response => Body::ReceivedResponse,
        }
    }
}

/// The steps of the parts of a chunk as one step.
#[derive(Default)]
struct Merged {
    step: Step,
    /// The bytes instead of the parts until now, if one of them was replaced.
    instead: Option<Vec<u8>>,
}

impl Merged {
    /// Adds the step of `part`, which follows the parts `before`.
    fn add(&mut self, step: Step, before: &[Buffer<'_>], part: &[u8]) {
        self.step.flow = step.flow;
        let mut replaced = None;
        for effect in step.effects {
            if let Effect::ReplaceRequestChunk(bytes) | Effect::ReplaceResponseChunk(bytes) = effect {
                replaced = Some(bytes);
            } else {
                self.step.effects.push(effect);
            }
        }
        match (&mut self.instead, replaced) {
            (None, None) => {}
            (None, Some(bytes)) => {
                let mut all = before.iter().map(Buffer::bytes).collect::<Vec<_>>().concat();
                all.extend(bytes);
                self.instead = Some(all);
            }
            (Some(all), replaced) => all.extend_from_slice(replaced.as_deref().unwrap_or(part)),
        }
    }

    /// One step. The replacement comes first, so that a reply stays the last effect.
    fn finish(mut self) -> Step {
        if let Some(bytes) = self.instead {
            self.step.effects.insert(0, Effect::ReplaceResponseChunk(bytes));
        }
        self.step
    }
}

/// What has arrived of a held request's body, without the first `skip` bytes.
fn arrived(filter: Filter, mut skip: usize) -> Vec<u8> {
    let mut arrived = Vec::new();
    let mut add = |parts: &[Buffer<'_>]| {
        for part in parts.iter().map(Buffer::bytes) {
            arrived.extend_from_slice(part.get(skip..).unwrap_or_default());
            skip = skip.saturating_sub(part.len());
        }
    };
    if !filter.received_is_buffered() {
        filter.with_body(Body::BufferedRequest, &mut add);
    }
    filter.with_body(Body::ReceivedRequest, &mut add);
    arrived
}

/// Envoy's response code details, which say who made the response and why.
fn code_details(filter: Filter) -> Option<String> {
    let details = filter.attribute(Attribute::ResponseCodeDetails)?;
    Some(String::from_utf8_lossy(&details).into_owned())
}

/// Sets a value as filter state, and the numbers and the model as dynamic metadata, too. `key` is memory for the name of
/// filter state: a step sets up to a dozen values.
fn publish(filter: Filter, key: &mut String, name: &str, value: &[u8]) {
    key.clear();
    key.push_str(FILTER_STATE);
    key.push_str(name);
    if !filter.set_filter_state(key, value) {
        log::warn!("the host refused to set the property {name}");
    }
    let Some(key) = name.strip_prefix(values::PREFIX) else { return };
    if values::NUMBERS.contains(&key) {
        let number = core::str::from_utf8(value).ok().and_then(|digits| digits.parse::<f64>().ok());
        if let Some(number) = number {
            filter.set_metadata_number(METADATA, key, number);
        }
    } else if key == "model" {
        filter.set_metadata_text(METADATA, key, value);
    }
}
