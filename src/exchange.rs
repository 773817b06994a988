//! One request and its response. Only this room decides the order of checks and effects.
//!
//! The host calls one method per callback and carries out the [`Step`] that comes back. Callbacks may be missing (a stream
//! can end anywhere), repeated (Envoy flushes logs periodically) or out of order (a response before the request is whole),
//! so every method may be called in every state.
//!
//! # The stream
//! ```text
//!              a path outside the root, or
//!              refused without a record
//!           +----------------------------> Ignored -----------------------+
//!           |                                                             |
//!           |   passthrough route           response headers              |  finish
//!   Start --+----------------------------> Passthrough ----> Forwarded ---+---------> Done
//!           |                                                             |
//!           |   bridged route                                             |
//!           +----------------------------> Bridged -----------------------+
//!                                                    (publishes the record)
//! ```
//! A passthrough request that Envoy has to sign is refused if it ends in trailers; it is `Ignored` from then on.
//!
//! # The directions of a bridged stream
//! Upload (`upload.rs`) and download (`download.rs`) move independently, with one exception: a refusal moves both.
//! ```text
//!   upload          the last chunk; a Held request: released in Bedrock's form
//!     Held --------------------------------------------------------------------> Read
//!     Reading -----------------------------------------------------------------> Read
//!     Held, Reading, Read  --- refused by this filter --------------------------> Refused
//!
//!   download        response headers
//!     Awaiting ------------ of a reply by Envoy or another filter --------------> Local
//!     Awaiting ------------ of the upstream ------------------------------------> Reading
//!     Reading  ------------ the last chunk, or trailers ------------------------> Over
//!     Awaiting ------------ the upload is refused: this filter replies ---------> Replied
//!     Reading  ------------ the upload is refused: this filter resets ----------> Reset
//! ```
//! Only `Held`, `Reading` and `Awaiting` examine what arrives. From the two states `ending.rs` derives the outcome, and
//! `recording.rs` the record.

mod admission;
mod arrival;
mod bedrock;
mod budget;
mod download;
mod ending;
mod interception;
mod measurements;
mod passthrough;
mod pool;
mod recording;
mod refusal;
mod request_edits;
mod totals;
mod upload;
mod values;

use crate::bridge::Bridge;
use crate::headers::Headers;
use crate::note::Note;
use crate::pool::Ticket;
use crate::provider::Provider;
use crate::reply::Rejection;
use crate::step::{Effect, Ending, Flow, RequestHead, ResponseHead, Step};
use admission::Admission;
use core::cell::RefCell;
use core::time::Duration;
use interception::Interception;
use passthrough::Passthrough;
use std::rc::Rc;

/// One HTTP stream through the filter, from its request headers to its end.
#[derive(Debug)]
pub struct Exchange {
    bridge: Rc<Bridge>,
    /// The random part of the record's id.
    random: u128,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Before the request's headers.
    Start,
    /// Outside the root, or refused without a record. The exchange examines nothing more.
    Ignored,
    /// On a passthrough route. The exchange examines only the response's headers and the request's trailers.
    Passthrough(Passthrough),
    /// On a passthrough route; the response has begun.
    Forwarded(Rc<Provider>),
    /// On a bridged route. Leaves one record.
    Bridged(Box<Interception>),
    /// The stream is over.
    Done,
}

impl Exchange {
    /// A stream with the configuration of `bridge`. `random` is the random part of the record's id; 74 bits are used.
    #[must_use]
    pub const fn new(bridge: Rc<Bridge>, random: u128) -> Self {
        Self { bridge, random, state: State::Start }
    }

    /// The configuration with which this stream began.
    #[must_use]
    pub fn bridge(&self) -> &Bridge {
        &self.bridge
    }

    /// Handles the request's headers. `clock` returns the time since the Unix epoch; it is called only on bridged routes.
    /// In the stream's later callbacks it returns this first time and what has passed since by the monotonic clock.
    pub fn request_headers(&mut self, head: &RequestHead, clock: impl FnOnce() -> Duration) -> Step {
        if !matches!(self.state, State::Start) {
            return Step::pass();
        }
        let (admission, step) = admission::admit(&self.bridge, head, self.random, clock);
        self.state = match admission {
            Admission::Ignored => State::Ignored,
            Admission::Passthrough(passthrough) => State::Passthrough(passthrough),
            Admission::Bridged(interception) => State::Bridged(interception),
        };
        self.with_values(step)
    }

    /// The id of [`ticket`](Self::ticket), whose text is the property [`TICKET_PROPERTY`](crate::pool::TICKET_PROPERTY).
    #[must_use]
    pub const fn ticket_id(&self) -> u64 {
        ticket_id(self.random)
    }

    /// What the upstream filters need to know of a request to a pool. The host keeps it while the stream is open.
    #[must_use]
    pub fn ticket(&self) -> Option<Rc<RefCell<Ticket>>> {
        match &self.state {
            State::Bridged(interception) => interception.arrival.pool.clone(),
            State::Passthrough(passthrough) => passthrough.pool.clone(),
            State::Start | State::Ignored | State::Forwarded(_) | State::Done => None,
        }
    }

    /// Handles a chunk of the request's body; `end`: it is the last one, and no trailers follow.
    pub fn request_body(&mut self, chunk: &[u8], end: bool) -> Step {
        let State::Bridged(interception) = &mut self.state else { return Step::pass() };
        let step = interception.request_body(chunk, end);
        self.with_values(step)
    }

    /// Handles the request's trailers, which end its body. The host can no longer change the body. Headers that are
    /// removed from a request are removed from its trailers, too.
    pub fn request_trailers(&mut self, trailers: &Headers) -> Step {
        match &mut self.state {
            State::Bridged(interception) if interception.is_to_be_signed() => {
                return interception.reject(Rejection::Unsignable);
            }
            State::Passthrough(passthrough) if passthrough.provider.is_signed_behind() => {
                let step = passthrough.refuse(&self.bridge, &Rejection::Unsignable);
                self.state = State::Ignored;
                return step;
            }
            State::Bridged(_) | State::Passthrough(_) | State::Forwarded(_) => {}
            State::Start | State::Ignored | State::Done => return Step::pass(),
        }
        let mut step = self.request_body(&[], true);
        step.effects.retain(|effect| !matches!(effect, Effect::ReplaceRequestChunk(_)));
        if step.flow != Flow::Stop {
            let provider = match &self.state {
                State::Bridged(interception) => Some(interception.provider()),
                State::Passthrough(passthrough) => Some(&*passthrough.provider),
                State::Forwarded(provider) => Some(&**provider),
                State::Start | State::Ignored | State::Done => None,
            };
            let edits = request_edits::trailers(&self.bridge, provider, trailers);
            step.effects.push(Effect::EditRequestTrailers(edits));
        }
        step
    }

    /// Handles the whole body of a held request, after [`Flow::Release`]. The step replaces it with the upstream's body.
    pub fn release(&mut self, body: &[u8]) -> Step {
        self.bridged_mut().map_or_else(Step::pass, |interception| interception.release(body))
    }

    /// Handles a request that was held for long without any byte of its body: the host is not set up to deliver a body
    /// while it holds the headers.
    pub fn body_withheld(&mut self) -> Step {
        match self.bridged_mut() {
            Some(interception) if interception.awaits_body() => interception.reject(Rejection::BodyWithheld),
            Some(_) | None => Step::pass(),
        }
    }

    /// Whether Envoy holds the request until it is whole.
    #[must_use]
    pub fn holds_request(&self) -> bool {
        self.bridged().is_some_and(|interception| interception.upload.is_held())
    }

    /// Whether [`ResponseHead::code_details`] matter for a response with these headers. Only an error can be a reply of
    /// Envoy or another filter that has to be put into the caller's dialect.
    #[must_use]
    pub fn asks_who_answers(headers: &Headers) -> bool {
        headers.error_status().is_some()
    }

    /// Handles the response's headers: the upstream's, or those of a local reply, this filter's own included.
    /// `clock` returns the time since the Unix epoch; it is called only where the headers state a budget.
    pub fn response_headers(&mut self, head: &ResponseHead, clock: impl FnOnce() -> Duration) -> Step {
        match &mut self.state {
            State::Bridged(interception) => {
                let step = interception.response_headers(&self.bridge, head, clock);
                self.with_values(step)
            }
            State::Passthrough(passthrough) => {
                let step = passthrough.response_headers(&self.bridge, head, clock);
                let provider = Rc::clone(&passthrough.provider);
                self.state = State::Forwarded(provider);
                step
            }
            State::Start | State::Ignored | State::Forwarded(_) | State::Done => Step::pass(),
        }
    }

    /// Handles a chunk of the response's body; `end`: it is the last one, and no trailers follow. `clock` returns the time
    /// since the Unix epoch; it is called only at a stream's first event, because it is a call to the host.
    pub fn response_body(&mut self, chunk: &[u8], end: bool, clock: impl FnOnce() -> Duration) -> Step {
        let State::Bridged(interception) = &mut self.state else { return Step::pass() };
        let step = interception.response_body(chunk, end, clock);
        self.with_values(step)
    }

    /// Whether [`response_body`](Self::response_body) would examine the body.
    #[must_use]
    pub fn reads_response(&self) -> bool {
        self.bridged().is_some_and(Interception::reads_response)
    }

    /// Whether [`response_headers`](Self::response_headers) would examine the headers.
    #[must_use]
    pub const fn awaits_response(&self) -> bool {
        matches!(&self.state, State::Bridged(_) | State::Passthrough(_))
    }

    /// Whether [`finish`](Self::finish) would do nothing: it was called, or the stream leaves no record.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        !matches!(&self.state, State::Bridged(_))
    }

    /// Whether the outcome depends on [`Ending::code_details`].
    #[must_use]
    pub fn asks_how_it_ended(&self) -> bool {
        self.bridged().is_some_and(|interception| {
            ending::settled(&interception.upload, &interception.download).is_none()
        })
    }

    /// Whether [`request_body`](Self::request_body) would examine the body.
    #[must_use]
    pub fn reads_request(&self) -> bool {
        matches!(&self.state, State::Bridged(_))
    }

    /// Whether [`request_body`](Self::request_body) reads the bytes of a chunk. If not, the host may pass an empty one.
    #[must_use]
    pub fn needs_request_bytes(&self) -> bool {
        self.bridged().is_some_and(|interception| interception.upload.is_read_on())
    }

    /// Whether [`response_body`](Self::response_body) reads the bytes of a chunk. If not, the host may pass an empty one.
    #[must_use]
    pub fn needs_response_bytes(&self) -> bool {
        self.bridged().is_some_and(|interception| interception.download.is_read_on())
    }

    /// Handles the response's trailers, which end its body. The host can no longer change the body.
    pub fn response_trailers(&mut self, clock: impl FnOnce() -> Duration) -> Step {
        let State::Bridged(interception) = &mut self.state else { return Step::pass() };
        let step = interception.response_trailers(clock);
        self.with_values(step)
    }

    /// Notes that a bug of this filter was caught. If it was in a hook of this stream, and not of an
    /// attempt at a pool's member, only [`finish`](Self::finish) is called after this.
    pub fn filter_failed(&mut self) {
        if let Some(interception) = self.bridged_mut() {
            interception.progress.notes.add(Note::FilterFailed);
        }
    }

    /// Ends the stream and returns its record, if it leaves one. Only the first call does anything.
    pub fn finish(&mut self, ending: &Ending) -> Step {
        match core::mem::replace(&mut self.state, State::Done) {
            State::Bridged(interception) => {
                let effects = recording::finish(interception, &self.bridge, ending);
                Step { effects, flow: Flow::Continue }
            }
            State::Start | State::Ignored | State::Passthrough(_) | State::Forwarded(_) | State::Done => {
                Step::pass()
            }
        }
    }

    /// Puts the values of the end in front of the step's effects once the outcome is settled, so that a reply stays the
    /// last effect.
    fn with_values(&mut self, mut step: Step) -> Step {
        if let State::Bridged(interception) = &mut self.state {
            let before = step.effects.len();
            interception.publish_settled(&self.bridge, &mut step.effects);
            step.effects.rotate_left(before);
        }
        step
    }

    const fn bridged(&self) -> Option<&Interception> {
        if let State::Bridged(interception) = &self.state { Some(interception) } else { None }
    }

    const fn bridged_mut(&mut self) -> Option<&mut Interception> {
        if let State::Bridged(interception) = &mut self.state { Some(interception) } else { None }
    }
}

/// The id of a request's ticket: the half of `random` of which the record's id shows no part as it is.
const fn ticket_id(random: u128) -> u64 {
    (random >> 64) as u64 ^ (random as u64)
}
