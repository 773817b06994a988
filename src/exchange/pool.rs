//! The main filter's part of a pool: it chooses the members, gives the ticket to the upstream filters, and reads the
//! headers of the answer that the client gets.

use super::arrival::Arrival;
use crate::bridge::Bridge;
use crate::headers::{HeaderEdits, Headers};
use crate::metric::{Label, Metric, Series};
use crate::note::{Note, Notes};
use crate::pool::{self, AttemptError, MOST_ATTEMPTS, SessionKey, SharedTicket, Ticket, TicketRequest};
use crate::provider::{Member, Provider, Start};
use crate::record::{AffinityRef, AttemptRef};
use crate::reply::Local;
use crate::step::{Effect, LocalReply, ResponseHead};
use crate::values::Value;
use core::cell::RefCell;
use core::time::Duration;
use std::borrow::Cow;
use std::rc::Rc;

/// Headers by which a client could have Envoy make more attempts or give up earlier
/// (<https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_filters/router_filter#http-headers-consumed>).
const RETRY_HEADERS: [&str; 7] = [
    "x-envoy-retry-on",
    "x-envoy-retry-grpc-on",
    "x-envoy-max-retries",
    "x-envoy-retriable-header-names",
    "x-envoy-retriable-status-codes",
    "x-envoy-hedge-on-per-try-timeout",
    "x-envoy-upstream-rq-per-try-timeout-ms",
];

/// A request to a provider that may have a pool.
pub(super) struct Entering<'a> {
    pub(super) bridge: &'a Bridge,
    pub(super) provider: &'a Rc<Provider>,
    /// Whether it carries its caller's own key.
    pub(super) is_byok: bool,
    /// `None`: the route is passthrough.
    pub(super) arrival: Option<&'a Arrival>,
    pub(super) headers: &'a Headers,
    pub(super) now: Duration,
    /// The id of the ticket.
    pub(super) id: u64,
}

/// Sends a request to the pool of its provider: chooses the members, and adds to `edits` and `effects` what the upstream
/// filters need. `None`: the provider has no pool.
pub(super) fn enter(
    request: &Entering<'_>,
    edits: &mut HeaderEdits,
    effects: &mut Vec<Effect>,
) -> Option<SharedTicket> {
    let &Entering { bridge, provider, is_byok, arrival, headers, now, id } = request;
    let pool = provider.pool.as_ref()?;
    for name in RETRY_HEADERS.into_iter().filter(|name| headers.contains(name)) {
        edits.remove(name);
    }
    let shared = Rc::clone(&bridge.pools.shared);
    let asides = pool::asides(&*shared, provider);
    if bridge.metrics {
        effects.extend(bridge.pools.usable_changes(provider, &asides, now).map(Effect::Measure));
    }
    let session = arrival.filter(|_| !is_byok && pool.start == Start::Session).and_then(session);
    let most = match arrival {
        _ if is_byok => 0,
        Some(_) => MOST_ATTEMPTS,
        // Passthrough: an object that one account has stored does not exist at another account.
        None => 1,
    };
    let mut choice = pool::choose(pool, session, &asides, &*shared, now, most.max(1));
    choice.list.truncate(most);
    let ticket = Ticket::new(TicketRequest {
        provider,
        is_byok,
        is_bridged: arrival.is_some(),
        choice,
        session,
        asides,
        shared,
        is_measured: bridge.metrics,
        headers,
        edits,
        model: arrival.and_then(|arrival| arrival.model.clone()),
        depth_bytes: bridge.limits.reader_bytes,
    });
    edits.set(pool::POOL_HEADER, ticket.route());
    if let Some(first) = ticket.first_member() {
        edits.set(bridge.cluster_header.clone(), first.cluster.as_str());
    }
    let value = Value::Owned(pool::ticket_text(id).into());
    effects.push(Effect::Publish { name: Cow::Borrowed(pool::TICKET_PROPERTY), value });
    Some(Rc::new(RefCell::new(ticket)))
}

/// What keeps a request on one member: the session that a header names, with its agent, else the actor.
fn session(arrival: &Arrival) -> Option<SessionKey> {
    let provider = &arrival.provider.name;
    match (&arrival.session_id, &arrival.actor) {
        (Some(session), _) => {
            let agent = arrival.agent.as_ref().and_then(|agent| agent.id.as_deref());
            Some(SessionKey::of_session(provider, session, agent))
        }
        (None, Some(actor)) => Some(SessionKey::of_actor(provider, &actor.id)),
        (None, None) => None,
    }
}

/// Reads the headers of the answer that the client gets: notes, `retry-after`, and the session's new member. Returns
/// whether the session moved.
pub(super) fn answered(
    ticket: &SharedTicket,
    headers: &Headers,
    now: Duration,
    notes: &mut Notes,
    edits: &mut HeaderEdits,
) -> bool {
    let ticket = ticket.borrow();
    if headers.contains(pool::RETRY_HEADER) {
        edits.remove(pool::RETRY_HEADER);
        if ticket.served().is_some_and(|attempt| attempt.is_marked) {
            notes.add(Note::NotRetriable);
        }
    }
    let status = headers.status().unwrap_or_default();
    if let Some(seconds) = retry_after(&ticket, status, now) {
        if headers.contains("retry-after-ms") {
            edits.remove("retry-after-ms");
        }
        edits.set("retry-after", seconds);
    }
    let (Some(session), Some(home)) = (ticket.session, ticket.choice.home) else { return false };
    let served = ticket.served().filter(|attempt| (200..300).contains(&status) && attempt.member != home);
    let Some(member) = served.and_then(|attempt| ticket.member(attempt.member)) else { return false };
    session.remember(&*ticket.shared, &member.name, now)
}

/// The reply of an upstream filter that did not know the request. A member cannot imitate it, because its upstream
/// filter has begun an attempt.
pub(super) fn not_ready(ticket: Option<&SharedTicket>, headers: &Headers) -> Option<Local> {
    let ticket = ticket?.borrow();
    let is_unknown = !ticket.is_byok && ticket.attempts.is_empty();
    is_unknown.then(|| Local::not_ready(headers))?
}

/// Completes a reply that Envoy made because no attempt was answered: the cause, and `retry-after`. `head` is the reply as it
/// came.
pub(super) fn unanswered(ticket: &SharedTicket, head: &ResponseHead, now: Duration, reply: &mut LocalReply) {
    let mut open = ticket.borrow_mut();
    let details = head.code_details.as_deref().unwrap_or_default();
    if let Some(attempt) = open.attempts.last_mut().filter(|attempt| attempt.status.is_none()) {
        if details.contains("timeout") {
            attempt.error = Some(AttemptError::Timeout);
        } else if reply.status >= 500 && attempt.ended.is_none() {
            // The native host hears of the last attempt's end only after the record is written.
            let is_connect_failure = details.contains("connection_failure");
            let error = if is_connect_failure { AttemptError::ConnectFailure } else { AttemptError::Reset };
            attempt.error.get_or_insert(error);
        }
    }
    // A 4xx is another filter's refusal, such as a budget's, and keeps its own `retry-after`. So does a 5xx that states one
    // before a member was asked.
    let is_of_another = open.attempts.is_empty() && head.headers.contains("retry-after");
    if reply.status >= 500
        && !is_of_another
        && let Some(seconds) = retry_after(&open, reply.status, now)
    {
        let mut edits = HeaderEdits::default();
        edits.set("retry-after", seconds);
        reply.edit(edits);
    }
}

/// The `retry-after` of an exhausted pool, in whole seconds; `None`: the answer's own stays.
fn retry_after(ticket: &Ticket, status: u16, now: Duration) -> Option<String> {
    let is_about_the_pool = matches!(status, 401 | 429 | 500 | 502..=504 | 529) && !ticket.is_byok;
    let wait = if is_about_the_pool { ticket.shortest_wait(now) } else { None }?;
    let whole = wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0));
    Some(whole.to_string())
}

/// The record's `attempts`; `ended`: when the stream was over, by the clock of durations; `is_refused`: the last attempt has
/// not failed, because the request was refused.
pub(super) fn attempts(ticket: &Ticket, ended: Duration, is_refused: bool) -> Vec<AttemptRef<'_>> {
    let attempt = |attempt: &pool::Attempt| {
        let took = attempt.ended.unwrap_or(ended).saturating_sub(attempt.started);
        Some(AttemptRef {
            member: &ticket.member(attempt.member)?.name,
            status: attempt.status,
            error: attempt.error.map(AttemptError::name),
            ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        })
    };
    let mut attempts: Vec<_> = ticket.attempts.iter().filter_map(attempt).collect();
    if let Some(last) = attempts.last_mut().filter(|_| is_refused) {
        last.error = None;
    }
    attempts
}

/// The record's `affinity`: the member that served the session.
pub(super) fn affinity(ticket: &Ticket, moved: bool) -> Option<AffinityRef<'_>> {
    ticket.session?;
    let served = ticket.served().filter(|attempt| attempt.status.is_some())?;
    Some(AffinityRef { member: &ticket.member(served.member)?.name, moved })
}

/// Adds a measurement for each further attempt.
pub(super) fn measure(ticket: &Ticket, effects: &mut Vec<Effect>) {
    let label = |member: Option<&Member>| member.map(|member| Label::from(&member.name));
    for (one, next) in ticket.attempts.iter().zip(ticket.attempts.iter().skip(1)) {
        let reason = match (one.status, one.error) {
            (Some(401), _) => "401",
            (Some(429), _) => "429",
            (Some(500), _) => "500",
            (Some(502), _) => "502",
            (Some(503), _) => "503",
            (Some(504), _) => "504",
            (Some(529), _) => "529",
            (_, Some(error)) => error.name(),
            (Some(_) | None, None) => "reset",
        };
        if let (Some(from), Some(to)) = (label(ticket.member(one.member)), label(ticket.member(next.member)))
        {
            let labels = [Label::from(&ticket.provider.name), from, to, reason.into()];
            effects.push(Effect::Measure(Series::new(Metric::Failover, labels).measured(1)));
        }
    }
}
