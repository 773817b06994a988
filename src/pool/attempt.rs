//! One attempt: the upstream filter of a member's cluster, without a host.

use super::asides::{self, Cause};
use super::model_splice::ModelSplice;
use super::ticket::{Attempt, AttemptError, Ticket};
use super::{POOL_HEADER, RETRY_HEADER, wait};
use crate::credential::CredentialKind;
use crate::headers::{CREDENTIAL_HEADERS, HeaderEdits, Headers};
use crate::metric::{self, Label, Measurement, Metric, Series};
use core::cell::RefCell;
use core::time::Duration;
use std::borrow::Cow;
use std::rc::Rc;

/// One attempt at a member. A method that is called out of order does nothing.
#[expect(missing_debug_implementations, reason = "no output shows it, and the module stays small")]
pub struct AttemptStream {
    ticket: Rc<RefCell<Ticket>>,
    /// The index of the member.
    member: usize,
    /// The index of the attempt; `None`: the request has its caller's own key, and its answer changes nothing.
    attempt: Option<usize>,
    splice: Option<Box<ModelSplice>>,
}

/// A time by two clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Since the Unix epoch, by the wall clock, which all workers share.
    pub wall: Duration,
    /// By the clock that the request's durations are measured with.
    pub clock: Duration,
}

/// What the host knows of an attempt that ended without an answer.
#[derive(Clone, Copy, Debug)]
pub struct Failure {
    /// There was no connection.
    pub is_connect_failure: bool,
    /// For how long Envoy would have waited for response headers, if that is limited.
    pub limit: Option<Duration>,
}

// === impl AttemptStream ===

impl AttemptStream {
    /// Begins an attempt at `member` of `provider`, to whom the cluster belongs. Returns the changes in the request's
    /// headers, which may still have the values of an earlier attempt. `None`: the request must not be forwarded,
    /// because it is for another provider, or its caller's own key would go to another host than the first member's.
    /// `headers` reads the request's headers; it is called only if another filter may add a member's key.
    pub fn begin(
        ticket: &Rc<RefCell<Ticket>>,
        provider: &str,
        member: &str,
        now: Moment,
        headers: impl FnOnce() -> Headers,
    ) -> Option<(Self, HeaderEdits)> {
        let mut open = ticket.borrow_mut();
        let at = open.pool()?.position(member).filter(|_| *open.provider.name == *provider)?;
        let mut edits = HeaderEdits::default();
        edits.remove(POOL_HEADER);
        if open.is_byok {
            let host = |at| Some(open.member(at)?.base_url.authority.as_str());
            if host(at) != host(0) {
                return None;
            }
            drop(open);
            return Some((
                Self { ticket: Rc::clone(ticket), member: at, attempt: None, splice: None },
                edits,
            ));
        }
        if open.has_added_key() {
            open.restore(headers(), &mut edits);
        }
        let member = open.member(at)?;
        edits.set(":path", open.path_for(member));
        edits.set(":authority", member.base_url.authority.as_str());
        let header = member.credential.as_ref().map(|(header, _)| *header);
        // Before the first attempt the main filter has removed the client's credentials.
        if !open.attempts.is_empty() {
            let others = CREDENTIAL_HEADERS.into_iter().filter(|name| Some(*name) != header);
            edits.remove.extend(others.map(Cow::Borrowed));
        }
        open.member_headers(member, &mut edits);
        if let Some((header, value)) = &member.credential {
            edits.set(*header, value.expose());
        }
        let maps = member.models.is_some() && open.is_bridged && open.body_names_model();
        let splice = maps.then(|| Box::new(ModelSplice::new(open.depth_bytes)));
        let attempt = Some(open.attempts.len());
        open.attempts.push(Attempt {
            member: at,
            began: now.wall,
            started: now.clock,
            ended: None,
            status: None,
            error: None,
            is_marked: false,
            is_given_up: false,
        });
        drop(open);
        Some((Self { ticket: Rc::clone(ticket), member: at, attempt, splice }, edits))
    }

    /// Whether [`request_body`](Self::request_body) may change the body.
    #[must_use]
    pub fn reads_request(&self) -> bool {
        self.splice.is_some()
    }

    /// Handles a chunk of the request's body. Returns the bytes to forward in its place; `None`: it is forwarded as it
    /// is.
    pub fn request_body(&mut self, chunk: &[u8], end: bool) -> Option<Vec<u8>> {
        let splice = self.splice.as_mut()?;
        let ticket = self.ticket.borrow();
        let instead = splice.pass(chunk, end, ticket.member(self.member)?);
        if splice.is_over() {
            self.splice = None;
        }
        instead
    }

    /// Whether [`response_headers`](Self::response_headers) needs all headers of an answer with this status.
    #[must_use]
    pub const fn reads_response(&self, status: u16) -> bool {
        self.attempt.is_some() && status >= 400
    }

    /// Handles the headers of the answer: sets the member aside or makes it usable, and marks an answer that is worth
    /// another attempt. Returns the changes in the headers, and the measurements.
    pub fn response_headers(&mut self, headers: &Headers, at: Moment) -> (HeaderEdits, Vec<Measurement>) {
        let Moment { wall: now, clock } = at;
        let mut ticket = self.ticket.borrow_mut();
        let mut measured = Vec::new();
        // A member must not ask for another attempt itself.
        let mut edits = HeaderEdits::default();
        edits.remove(RETRY_HEADER);
        let open = &mut *ticket;
        let Some(at) = self.attempt else { return (edits, measured) };
        let status = headers.status().unwrap_or_default();
        let Some(began) =
            open.attempts.get_mut(at).filter(|attempt| attempt.status.is_none()).map(|attempt| {
                (attempt.status, attempt.ended) = (Some(status), Some(clock));
                attempt.began
            })
        else {
            return (edits, measured);
        };
        let Some(member) = open.member(self.member) else { return (edits, measured) };
        let (name, has_key) =
            (Rc::clone(&member.name), member.credential_kind() == CredentialKind::Centralized);
        let cause = match status {
            429 => Some((Cause::Wait(wait::after_rate_limit(headers, now)), "429")),
            401 if has_key => Some((Cause::Unauthorized, "401")),
            503 => Some((Cause::Wait(wait::after_overload(headers, now)), "503")),
            529 => Some((Cause::Wait(wait::after_overload(headers, now)), "529")),
            _ => None,
        };
        if let Some((cause, reason)) = cause {
            let provider = &open.provider.name;
            let was_usable = super::asides(&*open.shared, &open.provider).wait(&name, now).is_none();
            asides::change(&*open.shared, provider, &|asides| asides.set_aside(&name, cause, began, now));
            if was_usable {
                let series =
                    Series::new(Metric::PoolAside, [provider.into(), Label::from(&name), reason.into()]);
                measured.push(series.measured(1));
            }
        } else if (200..300).contains(&status) && open.knows(&name, at) {
            asides::change(&*open.shared, &open.provider.name, &|asides| asides.serves(&name, began));
            let series =
                Series::new(Metric::PoolUsable, [Label::from(&open.provider.name), Label::from(&name)]);
            let asides = super::asides(&*open.shared, &open.provider);
            measured.push(series.measured(u64::from(asides.wait(&name, now).is_none())));
        }
        let is_retriable = cause.is_some() || matches!(status, 500 | 502 | 504);
        if is_retriable && open.has_usable_after(at, now) {
            edits.set(RETRY_HEADER, "1");
            // The main filter sees only the last answer.
            if has_key {
                measured.extend(metric::upstream_remaining(&open.provider.name, Some(&name), headers));
            }
            if let Some(attempt) = open.attempts.get_mut(at) {
                attempt.is_marked = true;
            }
        }
        if !open.is_measured {
            measured.clear();
        }
        (edits, measured)
    }

    /// Whether the attempt has no answer, so that [`over`](Self::over) needs to know why.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        let ticket = self.ticket.borrow();
        let attempt = self.attempt.and_then(|at| ticket.attempts.get(at));
        attempt.is_some_and(|attempt| attempt.status.is_none() && attempt.ended.is_none())
    }

    /// Handles the end of an attempt without an answer. `clock`: as in [`Moment`].
    pub fn over(&self, failure: Failure, clock: Duration) {
        let mut ticket = self.ticket.borrow_mut();
        let Some(attempt) = self.attempt.and_then(|at| ticket.attempts.get_mut(at)) else { return };
        if attempt.status.is_some() || attempt.ended.is_some() {
            return;
        }
        attempt.ended = Some(clock);
        if attempt.is_given_up {
            return;
        }
        let waited = clock.saturating_sub(attempt.started);
        attempt.error.get_or_insert_with(|| match failure {
            Failure { is_connect_failure: true, .. } => AttemptError::ConnectFailure,
            Failure { limit: Some(limit), .. } if !limit.is_zero() && waited >= limit => {
                AttemptError::Timeout
            }
            Failure { .. } => AttemptError::Reset,
        });
    }
}

// === impl Ticket ===

impl Ticket {
    /// Whether `member` had an entry when attempt `at` began. The entries read when the request began are too old for
    /// its later attempts.
    fn knows(&self, member: &str, at: usize) -> bool {
        if at == 0 {
            return self.asides.mentions(member);
        }
        super::asides(&*self.shared, &self.provider).mentions(member)
    }

    /// Whether a member that Envoy would ask after attempt `at` is usable.
    fn has_usable_after(&self, at: usize, now: Duration) -> bool {
        let rest = self.choice.list.get(at.saturating_add(1)..).unwrap_or_default();
        if rest.is_empty() {
            return false;
        }
        let asides = super::asides(&*self.shared, &self.provider);
        let mut members = rest.iter().filter_map(|at| self.member(*at));
        members.any(|member| asides.wait(&member.name, now).is_none())
    }
}
