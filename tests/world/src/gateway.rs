//! One stream through the filter, without Envoy: [`World`] calls the methods of [`Exchange`], carries the steps out, and
//! keeps what the upstream and the client got.

use ai_bridge::bridge::Bridge;
use ai_bridge::exchange::Exchange;
use ai_bridge::headers::Headers;
use ai_bridge::metric::Measurement;
use ai_bridge::pool::Ticket;
use ai_bridge::step::{Effect, Ending, Flow, LocalReply, RequestHead, ResponseHead, Step};
use core::cell::RefCell;
use core::time::Duration;
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Headers with these names and values, in this order.
pub fn headers(pairs: &[(&str, &str)]) -> Headers {
    Headers::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect())
}

/// The headers of a request (`first`: method and path) or of a response (`first`: status) with these lines.
pub fn head(first: &str, lines: &[(&str, &str)]) -> Headers {
    let mut pairs: Vec<(String, Vec<u8>)> = match first.split_once(' ') {
        Some((method, path)) => vec![
            (":method".to_owned(), method.into()),
            (":path".to_owned(), path.into()),
            (":authority".to_owned(), b"gateway.example".to_vec()),
            (":scheme".to_owned(), b"http".to_vec()),
        ],
        None => vec![(":status".to_owned(), first.into())],
    };
    pairs.extend(lines.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())));
    Headers::new(pairs)
}

/// A whole exchange: `POST path` with the JSON `request`, answered with status 200 and the JSON `answer`.
pub fn exchanged(
    bridge: &Rc<Bridge>,
    path: &str,
    lines: &[(&str, &str)],
    request: &Value,
    answer: &Value,
) -> World {
    let mut world = World::new(bridge);
    world.request(head(&format!("POST {path}"), lines), false).upload(request.to_string().as_bytes(), true);
    world
        .answer(head("200", &[("content-type", "application/json")]), false)
        .download(answer.to_string().as_bytes(), true)
        .done();
    world
}

/// One stream through the gateway.
#[derive(Debug)]
pub struct World {
    exchange: Exchange,
    now: Duration,
    /// How much time passes between two callbacks.
    tick: Duration,
    /// How far the wall clock was set since the request's headers.
    wall_ahead_ms: i64,
    keeps_steps: bool,
    /// The headers that the upstream got; `None`: the request did not reach it.
    pub upstream_headers: Option<Headers>,
    /// The body bytes that the upstream got.
    pub upstream_body: Vec<u8>,
    /// The headers that the client got of the upstream's answer.
    pub client_headers: Option<Headers>,
    /// The body bytes that the client got of the upstream's answer.
    pub client_body: Vec<u8>,
    /// The gateway's own answer.
    pub reply: Option<LocalReply>,
    /// The stream was cut.
    pub reset: bool,
    /// Properties, the last value of each.
    pub published: BTreeMap<String, String>,
    /// How often a record was published.
    pub records: usize,
    /// Measurements in order.
    pub measured: Vec<Measurement>,
    /// `Debug` of every step, in a [`watched`](Self::watched) world.
    pub steps: String,
    /// The request's callbacks are over: it was stopped.
    stopped: bool,
    /// The request's headers wait; what came of its body.
    held: Option<Vec<u8>>,
    waiting_headers: Option<Headers>,
}

impl World {
    /// A fresh stream. 5 ms pass between two callbacks.
    pub fn new(bridge: &Rc<Bridge>) -> Self {
        Self {
            exchange: Exchange::new(Rc::clone(bridge), 7),
            now: Duration::from_millis(1_795_411_980_000),
            tick: Duration::from_millis(5),
            wall_ahead_ms: 0,
            keeps_steps: false,
            upstream_headers: None,
            upstream_body: Vec::new(),
            client_headers: None,
            client_body: Vec::new(),
            reply: None,
            reset: false,
            published: BTreeMap::new(),
            records: 0,
            measured: Vec::new(),
            steps: String::new(),
            stopped: false,
            held: None,
            waiting_headers: None,
        }
    }

    /// A fresh stream that keeps `Debug` of every step.
    pub fn watched(bridge: &Rc<Bridge>) -> Self {
        Self { keeps_steps: true, ..Self::new(bridge) }
    }

    /// A fresh stream during which no time passes: its record does not depend on the number of callbacks.
    pub fn timeless(bridge: &Rc<Bridge>) -> Self {
        Self { tick: Duration::ZERO, ..Self::new(bridge) }
    }

    /// A fresh stream that begins `seconds` later than others, with an id of its own.
    pub fn later(bridge: &Rc<Bridge>, seconds: u64) -> Self {
        let mut world = Self::new(bridge);
        world.now += Duration::from_secs(seconds);
        world
    }

    /// What the upstream filters know of the request.
    pub fn ticket(&self) -> Rc<RefCell<Ticket>> {
        self.exchange.ticket().expect("a request to a pool")
    }

    /// The time.
    pub const fn now(&self) -> Duration {
        self.now
    }

    /// Lets time pass.
    pub fn wait(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self
    }

    /// The request's headers; `end`: no body follows.
    pub fn request(&mut self, headers: Headers, end: bool) -> &mut Self {
        self.request_with(headers, None, end)
    }

    /// As [`request`](Self::request), with the host property that names the actor.
    pub fn request_with(&mut self, headers: Headers, actor_property: Option<&[u8]>, end: bool) -> &mut Self {
        let actor_property = actor_property.map(<[u8]>::to_vec);
        let head = RequestHead { headers: headers.clone(), actor_property, end };
        let now = self.tick();
        let step = self.exchange.request_headers(&head, || now);
        let mut upstream = headers;
        for effect in &step.effects {
            if let Effect::EditRequestHeaders(edits) = effect {
                edits.apply(&mut upstream);
            }
        }
        let holds = step.flow == Flow::Hold;
        self.waiting_headers = holds.then(|| upstream.clone());
        if self.carry_out(step, None) {
            self.upstream_headers = Some(upstream);
        }
        if holds {
            self.held = Some(Vec::new());
        }
        self
    }

    /// A piece of the request's body.
    pub fn upload(&mut self, chunk: &[u8], end: bool) -> &mut Self {
        if !self.stopped {
            if let Some(held) = &mut self.held {
                held.extend(chunk);
            }
            // The host copies a chunk only if its bytes are read.
            let read = if self.exchange.needs_request_bytes() { chunk } else { &[] };
            let step = self.exchange.request_body(read, end);
            let releases = step.flow == Flow::Release;
            self.carry_out(step, Some((chunk, true)));
            if releases {
                self.release();
            }
        }
        self
    }

    /// The host has kept a held request's body back for too long.
    pub fn body_withheld(&mut self) -> &mut Self {
        let step = self.exchange.body_withheld();
        self.carry_out(step, None);
        self
    }

    /// Lets a held request go on, whole.
    fn release(&mut self) {
        let body = self.held.take().expect("the request is held");
        let mut upstream = self.waiting_headers.take().expect("the headers wait");
        let step = self.exchange.release(&body);
        for effect in &step.effects {
            if let Effect::EditRequestHeaders(edits) = effect {
                edits.apply(&mut upstream);
            }
        }
        if self.carry_out(step, Some((&body, true))) {
            self.upstream_headers = Some(upstream);
        }
    }

    /// The request's trailers, without a field.
    pub fn request_trailers(&mut self) -> &mut Self {
        self.request_trailers_with(&mut Headers::default())
    }

    /// The request's trailers; `trailers` becomes what the upstream gets of them.
    pub fn request_trailers_with(&mut self, trailers: &mut Headers) -> &mut Self {
        if !self.stopped {
            let step = self.exchange.request_trailers(trailers);
            for effect in &step.effects {
                if let Effect::EditRequestTrailers(edits) = effect {
                    edits.apply(trailers);
                }
            }
            let releases = step.flow == Flow::Release;
            self.carry_out(step, None);
            if releases {
                self.release();
            }
        }
        self
    }

    /// The upstream's headers.
    pub fn answer(&mut self, headers: Headers, end: bool) -> &mut Self {
        self.answer_by("via_upstream", headers, end)
    }

    /// Headers of an answer that `code_details` explains.
    pub fn answer_by(&mut self, code_details: &str, headers: Headers, end: bool) -> &mut Self {
        let code_details = Exchange::asks_who_answers(&headers).then(|| code_details.to_owned());
        self.tick();
        let head = ResponseHead { headers: headers.clone(), code_details, end };
        let step = self.exchange.response_headers(&head, || self.now);
        let mut client = headers;
        for effect in &step.effects {
            if let Effect::EditResponseHeaders(edits) = effect {
                edits.apply(&mut client);
            }
        }
        if self.carry_out(step, None) {
            self.client_headers = Some(client);
        }
        self
    }

    /// A piece of the answer's body.
    pub fn download(&mut self, chunk: &[u8], end: bool) -> &mut Self {
        let now = self.tick();
        // The host copies a chunk only if its bytes are read.
        let read = if self.exchange.needs_response_bytes() { chunk } else { &[] };
        let step = self.exchange.response_body(read, end, || now);
        self.carry_out(step, Some((chunk, false)));
        self
    }

    /// The answer's trailers.
    pub fn response_trailers(&mut self) -> &mut Self {
        let now = self.tick();
        let step = self.exchange.response_trailers(|| now);
        self.carry_out(step, None);
        self
    }

    /// The wall clock is set: ahead by so much, or back.
    pub fn set_wall_clock(&mut self, ahead_ms: i64) -> &mut Self {
        self.wall_ahead_ms += ahead_ms;
        self
    }

    /// The stream is over; `code_details` is Envoy's reason.
    pub fn finish(&mut self, code_details: &str) -> &mut Self {
        let asks = self.exchange.asks_how_it_ended();
        let code_details = asks.then(|| code_details.to_owned());
        let now = self.tick();
        let ahead = Duration::from_millis(self.wall_ahead_ms.unsigned_abs());
        let wall = if self.wall_ahead_ms < 0 { now - ahead } else { now + ahead };
        let ending = Ending { code_details, now, wall };
        let step = self.exchange.finish(&ending);
        self.carry_out(step, None);
        self
    }

    /// The record of a stream whose client goes away now.
    pub fn record_when_gone(&mut self) -> Value {
        self.finish("downstream_remote_disconnect").record()
    }

    /// The stream is over; the upstream ended it in order.
    pub fn done(&mut self) -> &mut Self {
        self.finish("via_upstream")
    }

    /// The record. Exactly one was published.
    pub fn record(&self) -> Value {
        assert_eq!(self.records, 1, "records");
        serde_json::from_str(&self.published["ai_bridge_record"]).expect("the record is JSON")
    }

    /// The status and body of the gateway's own answer.
    pub fn replied(&self) -> (u16, Value) {
        let reply = self.reply.as_ref().expect("a reply");
        (reply.status, serde_json::from_str(&reply.body).expect("a reply is JSON"))
    }

    /// A header of the gateway's own answer.
    pub fn reply_header(&self, name: &str) -> Option<&str> {
        let headers = &self.reply.as_ref().expect("a reply").headers;
        headers.iter().find(|(n, _)| n == name).map(|(_, value)| core::str::from_utf8(value).unwrap())
    }

    /// The value of a header that the upstream got.
    pub fn sent(&self, name: &str) -> Option<&str> {
        self.upstream_headers.as_ref().expect("the upstream was asked").text(name)
    }

    /// `Debug` of the exchange.
    pub fn shown(&self) -> String {
        format!("{:?}", self.exchange)
    }

    fn tick(&mut self) -> Duration {
        self.now += self.tick;
        self.now
    }

    /// Whether the stream goes on. `chunk`: the bytes at hand, and whether they are the request's.
    fn carry_out(&mut self, step: Step, chunk: Option<(&[u8], bool)>) -> bool {
        if self.keeps_steps {
            self.steps.push_str(&format!("{step:?}"));
        }
        let mut passes = chunk.map(|(bytes, _)| bytes.to_vec());
        for effect in step.effects {
            match effect {
                Effect::EditRequestHeaders(_)
                | Effect::EditRequestTrailers(_)
                | Effect::EditResponseHeaders(_) => {}
                Effect::ReplaceRequestChunk(bytes) | Effect::ReplaceResponseChunk(bytes) => {
                    // The SDK panics where Envoy has no chunk at hand: in the callbacks for headers and trailers.
                    assert!(chunk.is_some(), "there is no chunk to replace");
                    passes = Some(bytes);
                }
                Effect::Reply(reply) => {
                    assert!(self.reply.is_none(), "a second reply");
                    // Envoy sends the reply through the filters.
                    let status = reply.status.to_string();
                    self.reply = Some(reply);
                    self.stopped = true;
                    self.answer_by("", head(&status, &[]), false);
                }
                Effect::Reset => {
                    self.reset = true;
                    self.stopped = true;
                }
                Effect::Publish { name, value } => {
                    self.records += usize::from(name == "ai_bridge_record");
                    self.published.insert(name.into_owned(), String::from_utf8(value.into_owned()).unwrap());
                }
                Effect::Measure(measurement) => self.measured.push(measurement),
            }
        }
        let goes_on = step.flow == Flow::Continue;
        if let (Some(bytes), Some((_, upstream)), true) = (passes, chunk, goes_on) {
            if upstream { self.upstream_body.extend(bytes) } else { self.client_body.extend(bytes) }
        }
        goes_on
    }
}
