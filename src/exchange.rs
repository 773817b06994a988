//! One request and its response: the only place that sequences.
//!
//! The host calls one method per callback and carries out the [`Step`] that comes back. A stream goes from `Start` to
//! one of three lives, and to `Done`:
//!
//! * `Aside`: not ours, or answered at once without a record. Nothing more is looked at.
//! * `Passthrough`, then `Forwarded`: only the response's headers and the request's trailers are looked at.
//! * `Bridged`: an interception that leaves exactly one record, at the first [`Exchange::finish`].
//!
//! Callbacks may be missing (a stream can end anywhere), repeated (Envoy flushes logs periodically) or out of order (an
//! answer before the request is whole); every method is defined in every state.

mod admission;
mod bedrock;
mod interception;
mod passthrough;
mod publication;
mod remaining;
mod values;

use crate::bridge::Bridge;
use crate::headers::Headers;
use crate::reply::Rejection;
use crate::step::{Effect, Ending, Flow, RequestHead, ResponseHead, Step};
use core::time::Duration;
use interception::Interception;
use passthrough::Passthrough;
use std::rc::Rc;

/// One stream.
#[derive(Debug)]
pub struct Exchange {
    bridge: Rc<Bridge>,
    /// What the id of a record is made of besides the time.
    random: u128,
    state: State,
}

#[derive(Debug)]
enum State {
    Start,
    Aside,
    Passthrough(Passthrough),
    /// Passthrough whose answer has begun.
    Forwarded,
    Bridged(Box<Interception>),
    Done,
}

impl Exchange {
    /// A stream under the configuration of `bridge`. Of `random`, 74 bits are used.
    #[must_use]
    pub const fn new(bridge: Rc<Bridge>, random: u128) -> Self {
        Self { bridge, random, state: State::Start }
    }

    /// The configuration that this stream began under.
    #[must_use]
    pub fn bridge(&self) -> &Bridge {
        &self.bridge
    }

    /// The request's headers. `clock` is asked for the time since the Unix epoch where there will be a record.
    pub fn request_headers(&mut self, head: &RequestHead, clock: impl FnOnce() -> Duration) -> Step {
        if !matches!(self.state, State::Start) {
            return Step::pass();
        }
        let (state, step) = admission::admit(&self.bridge, head, self.random, clock);
        self.state = state;
        self.with_values(step)
    }

    /// A piece of the request's body; `end`: there is no more, and no trailers.
    pub fn request_body(&mut self, chunk: &[u8], end: bool) -> Step {
        let State::Bridged(interception) = &mut self.state else { return Step::pass() };
        let step = interception.request_body(&self.bridge, chunk, end);
        self.with_values(step)
    }

    /// The request's trailers: its body is over. (No body can be changed any more; the host would refuse to.) What does
    /// not go upstream as a header does not as a trailer.
    pub fn request_trailers(&mut self, trailers: &Headers) -> Step {
        match &mut self.state {
            State::Bridged(interception) if interception.is_to_be_signed() => {
                return interception.reject(Rejection::Unsignable);
            }
            State::Passthrough(passthrough) if passthrough.provider.is_signed_behind() => {
                let step = passthrough.refuse(&self.bridge, &Rejection::Unsignable);
                self.state = State::Aside;
                return step;
            }
            State::Start
            | State::Aside
            | State::Passthrough(_)
            | State::Forwarded
            | State::Bridged(_)
            | State::Done => {}
        }
        let mut step = self.request_body(&[], true);
        step.effects.retain(|effect| !matches!(effect, Effect::ReplaceRequestChunk(_)));
        let ours = matches!(self.state, State::Bridged(_) | State::Passthrough(_) | State::Forwarded);
        if ours && step.flow != Flow::Stop {
            let edits = admission::trailer_strippings(&self.bridge, trailers);
            step.effects.push(Effect::EditRequestTrailers(edits));
        }
        step
    }

    /// The whole body of a request that was held, after [`Flow::Release`]: what goes upstream instead.
    pub fn release(&mut self, body: &[u8]) -> Step {
        match &mut self.state {
            State::Bridged(interception) => interception.release(body),
            State::Start | State::Aside | State::Passthrough(_) | State::Forwarded | State::Done => {
                Step::pass()
            }
        }
    }

    /// Headers have been waiting for long, and nothing of the body came: the host is not set up to hold them.
    pub fn body_withheld(&mut self) -> Step {
        match &mut self.state {
            State::Bridged(interception) if interception.awaits_body() => {
                interception.reject(Rejection::BodyWithheld)
            }
            State::Start
            | State::Aside
            | State::Passthrough(_)
            | State::Forwarded
            | State::Bridged(_)
            | State::Done => Step::pass(),
        }
    }

    /// Whether the request waits until it is whole.
    #[must_use]
    pub fn holds_request(&self) -> bool {
        matches!(&self.state, State::Bridged(interception) if interception.waiting.is_some())
    }

    /// Whether it matters for a response with these headers who gives it: only errors that somebody on the gateway
    /// answers are put into the caller's dialect.
    #[must_use]
    pub fn asks_who_answers(headers: &Headers) -> bool {
        headers.error_status().is_some()
    }

    /// The response's headers: the upstream's, or of a local reply, our own included.
    pub fn response_headers(&mut self, head: &ResponseHead) -> Step {
        match &mut self.state {
            State::Bridged(interception) => {
                let step = interception.response_headers(&self.bridge, head);
                self.with_values(step)
            }
            State::Passthrough(passthrough) => {
                let step = passthrough.response_headers(&self.bridge, head);
                self.state = State::Forwarded;
                step
            }
            State::Start | State::Aside | State::Forwarded | State::Done => Step::pass(),
        }
    }

    /// A piece of the response's body; `end`: there is no more, and no trailers. `clock` is asked for the time since the
    /// Unix epoch at the first event alone: asking is a call to the host.
    pub fn response_body(&mut self, chunk: &[u8], end: bool, clock: impl FnOnce() -> Duration) -> Step {
        let State::Bridged(interception) = &mut self.state else { return Step::pass() };
        let step = interception.response_body(chunk, end, clock);
        self.with_values(step)
    }

    /// Whether [`response_body`](Self::response_body) would look at the body.
    #[must_use]
    pub fn reads_response(&self) -> bool {
        matches!(&self.state, State::Bridged(interception) if interception.reads_response())
    }

    /// Whether [`response_headers`](Self::response_headers) would look at the headers.
    #[must_use]
    pub const fn awaits_response(&self) -> bool {
        matches!(&self.state, State::Bridged(_) | State::Passthrough(_))
    }

    /// Whether [`finish`](Self::finish) was called, or has nothing to do.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        !matches!(&self.state, State::Bridged(_))
    }

    /// Whether the outcome depends on how the stream ended: [`Ending::code_details`].
    #[must_use]
    pub fn asks_how_it_ended(&self) -> bool {
        matches!(&self.state, State::Bridged(interception) if interception.settled_outcome().is_none())
    }

    /// Whether [`request_body`](Self::request_body) would look at the body.
    #[must_use]
    pub fn reads_request(&self) -> bool {
        matches!(&self.state, State::Bridged(_))
    }

    /// The response's trailers: its body is over. (No body can be changed any more; the host would refuse to.)
    pub fn response_trailers(&mut self, clock: impl FnOnce() -> Duration) -> Step {
        let State::Bridged(interception) = &mut self.state else { return Step::pass() };
        let step = interception.response_trailers(clock);
        self.with_values(step)
    }

    /// Adds the single values of the end, once it is known; a reply stays the last effect.
    fn with_values(&mut self, mut step: Step) -> Step {
        if let State::Bridged(interception) = &mut self.state {
            let before = step.effects.len();
            interception.values_once_settled(&self.bridge, &mut step.effects);
            step.effects.rotate_left(before);
        }
        step
    }

    /// The stream is over, however it ended. Only the first call does anything.
    pub fn finish(&mut self, ending: &Ending) -> Step {
        match core::mem::replace(&mut self.state, State::Done) {
            State::Bridged(interception) => {
                Step { effects: interception.publish(&self.bridge, ending), flow: Flow::Continue }
            }
            State::Start | State::Aside | State::Passthrough(_) | State::Forwarded | State::Done => {
                Step::pass()
            }
        }
    }
}
