//! What the main filter and the upstream filters share about one request.

use super::asides::Asides;
use super::shared::SharedData;
use super::{affinity::SessionKey, choice::Choice};
use crate::credential::Key;
use crate::headers::{CREDENTIAL_HEADERS, HeaderEdits, Headers, OWN_PREFIX};
use crate::provider::{Member, Pool, Provider};
use crate::route::PathModel;
use core::cell::RefCell;
use core::fmt;
use core::time::Duration;
use std::rc::Rc;

/// Headers that Envoy itself sets for an attempt, beside those with a prefix of its own.
const ENVOYS_OWN: [&str; 4] = ["content-length", "transfer-encoding", "traceparent", "tracestate"];

/// A request to a pool: what its attempts read, and the results that they leave here.
pub struct Ticket {
    /// The provider, as it was configured when the request began.
    pub provider: Rc<Provider>,
    /// The request carries its caller's own key: it is forwarded as it is, and its answer changes nothing.
    pub is_byok: bool,
    /// The request is inspected, so its body may be changed.
    pub is_bridged: bool,
    /// The members to ask; empty for a caller's own key.
    pub choice: Choice,
    /// The session whose requests are kept on one member.
    pub session: Option<SessionKey>,
    /// The attempts so far.
    pub attempts: Vec<Attempt>,
    /// The data of all workers.
    pub shared: Rc<dyn SharedData>,
    /// Whether metrics are kept.
    pub(super) is_measured: bool,
    /// Which members were set aside when the request began.
    pub(super) asides: Asides,
    /// The bytes for nesting of the reader of a body.
    pub(super) depth_bytes: usize,
    /// The path below the base URL's, with the query.
    path: Vec<u8>,
    /// The model that the path names.
    model: Option<PathModel>,
    /// The client's values of the headers that any member changes, and of `content-length`; `None`: it sent none.
    kept: Vec<(String, Option<Vec<u8>>)>,
    /// The headers before the first attempt, where another filter may add a member's key.
    before: Option<Headers>,
}

/// The ticket of a request, which its attempts share.
pub type SharedTicket = Rc<RefCell<Ticket>>;

/// One attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// The index of the member.
    pub member: usize,
    /// When it began, by the wall clock.
    pub began: Duration,
    /// When it began, by the clock that the request's durations are measured with.
    pub started: Duration,
    /// When its headers came, or when it ended without any, by the same clock.
    pub ended: Option<Duration>,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why there is no answer.
    pub error: Option<AttemptError>,
    /// The answer was marked as worth another attempt.
    pub is_marked: bool,
    /// The main filter refused the request meanwhile: that the attempt has no answer is no failure of the member.
    pub is_given_up: bool,
}

/// Why an attempt has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptError {
    /// There was no connection.
    ConnectFailure,
    /// The member or the network closed the stream before response headers.
    Reset,
    /// Response headers did not come in time.
    Timeout,
}

/// What a ticket is made of.
#[expect(missing_debug_implementations, reason = "no output shows it, and the module stays small")]
pub struct TicketRequest<'a> {
    /// The provider; it has a pool.
    pub provider: &'a Rc<Provider>,
    /// Whether the request carries its caller's own key.
    pub is_byok: bool,
    /// Whether the request is inspected.
    pub is_bridged: bool,
    /// The members to ask.
    pub choice: Choice,
    /// The session whose requests are kept on one member.
    pub session: Option<SessionKey>,
    /// Which members are set aside.
    pub asides: Asides,
    /// The data of all workers.
    pub shared: Rc<dyn SharedData>,
    /// Whether metrics are kept.
    pub is_measured: bool,
    /// The client's headers.
    pub headers: &'a Headers,
    /// The changes of the main filter in them, the path for the first member among them.
    pub edits: &'a HeaderEdits,
    /// The model that the path names.
    pub model: Option<PathModel>,
    /// The bytes for nesting of the reader of a body.
    pub depth_bytes: usize,
}

// === impl Ticket ===

impl Ticket {
    /// The ticket of a request.
    #[must_use]
    pub fn new(request: TicketRequest<'_>) -> Self {
        let TicketRequest { provider, headers, edits, .. } = request;
        let whole = edits.set.iter().find(|(name, _)| name == ":path").map(|(_, path)| path.as_slice());
        let path = whole.and_then(|path| path.get(provider.base_url.path.len()..)).unwrap_or_default();
        let mut kept: Vec<(String, Option<Vec<u8>>)> = Vec::new();
        let members = provider.pool.iter().flat_map(|pool| &pool.members);
        let maps = members.clone().any(|member| member.models.is_some());
        let names = members.flat_map(|member| &member.headers).map(|(name, _)| name.as_str());
        for name in names.chain(maps.then_some("content-length")) {
            if !kept.iter().any(|(known, _)| known == name) {
                kept.push((name.to_owned(), value_after(headers, edits, name)));
            }
        }
        Self {
            provider: Rc::clone(provider),
            is_byok: request.is_byok,
            is_bridged: request.is_bridged,
            choice: request.choice,
            session: request.session,
            attempts: Vec::new(),
            shared: request.shared,
            is_measured: request.is_measured,
            asides: request.asides,
            depth_bytes: request.depth_bytes,
            path: path.to_vec(),
            model: request.model,
            kept,
            before: None,
        }
    }

    /// The provider's pool.
    #[must_use]
    pub fn pool(&self) -> Option<&Pool> {
        self.provider.pool.as_ref()
    }

    /// The member at `index`.
    #[must_use]
    pub fn member(&self, index: usize) -> Option<&Member> {
        self.pool()?.members.get(index)
    }

    /// The last attempt: the client got its answer, or a reply that Envoy made because there was none.
    #[must_use]
    pub fn served(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// The member of [`served`](Self::served).
    #[must_use]
    pub fn served_member(&self) -> Option<&Member> {
        self.member(self.served()?.member)
    }

    /// The member that is asked first.
    #[must_use]
    pub fn first_member(&self) -> Option<&Member> {
        self.member(*self.choice.list.first()?)
    }

    /// The value of [`POOL_HEADER`](super::POOL_HEADER).
    #[must_use]
    pub fn route(&self) -> String {
        let mut route = self.provider.name.to_string();
        let mut separator = '/';
        for member in self.choice.list.iter().filter_map(|at| self.member(*at)) {
            route.push(separator);
            route.push_str(&member.name);
            separator = ',';
        }
        route
    }

    /// The shortest time until a member is back; `None`: one is usable.
    #[must_use]
    pub fn shortest_wait(&self, now: Duration) -> Option<Duration> {
        let asides = super::asides(&*self.shared, &self.provider);
        let members = &self.pool()?.members;
        members.iter().map(|member| asides.wait(&member.name, now)).min().flatten()
    }

    /// Ends the attempt under way, because the main filter refuses the request.
    pub fn give_up(&mut self) {
        if let Some(attempt) = self.attempts.last_mut().filter(|attempt| attempt.ended.is_none()) {
            attempt.is_given_up = true;
        }
    }

    /// The path for `member`: below its own base path, with its own name for a model in it.
    pub(super) fn path_for(&self, member: &Member) -> Vec<u8> {
        let mut path = member.base_url.path.clone().into_bytes();
        let named = self.model.as_ref().and_then(|model| {
            let id = member.model(model.name.as_str()).filter(|_| model.is_utf8 && !model.name.is_cut())?;
            Some((self.path.get(..model.place.start)?, id, self.path.get(model.place.end..)?))
        });
        match named {
            Some((before, id, after)) => {
                path.extend_from_slice(before);
                crate::percent::encode(id, &mut path);
                path.extend_from_slice(after);
            }
            None => path.extend_from_slice(&self.path),
        }
        path
    }

    /// Whether the body names the model.
    pub(super) const fn body_names_model(&self) -> bool {
        self.model.is_none()
    }

    /// Whether another filter adds the key of a member, in a header of its own choice.
    pub(super) fn has_added_key(&self) -> bool {
        self.pool().is_some_and(|pool| pool.members.iter().any(|member| member.key == Key::External))
    }

    /// Restores the headers before the first attempt, because filters behind this one may have added a key to
    /// `headers`. Envoy's own headers may differ from attempt to attempt; [`member_headers`](Self::member_headers)
    /// restores those of members.
    pub(super) fn restore(&mut self, headers: Headers, edits: &mut HeaderEdits) {
        let Some(before) = &self.before else {
            self.before = Some(headers);
            return;
        };
        for (name, _) in headers.iter().chain(before.iter()) {
            let is_envoys = [":", "x-envoy-", OWN_PREFIX].iter().any(|prefix| name.starts_with(prefix))
                || ENVOYS_OWN.contains(&name)
                || CREDENTIAL_HEADERS.contains(&name)
                || self.kept.iter().any(|(kept, _)| kept == name);
            if is_envoys || headers.all(name).eq(before.all(name)) {
                continue;
            }
            match one_list(before.all(name)) {
                Some(value) => edits.set(name.to_owned(), value),
                None => edits.remove(name.to_owned()),
            }
        }
    }

    /// Sets each header that any member changes as `member` has it, or as the client sent it. Before the first attempt
    /// they are as the client sent them.
    pub(super) fn member_headers(&self, member: &Member, edits: &mut HeaderEdits) {
        let is_first = self.attempts.is_empty();
        for (name, value) in &self.kept {
            let own = member.headers.iter().find(|(own, _)| own == name);
            let drops_length = name == "content-length" && self.is_bridged && member.models.is_some();
            match (own, value) {
                (Some((_, own)), _) => edits.set(name.clone(), own.as_bytes()),
                (None, _) if drops_length => edits.remove(name.clone()),
                (None, _) if is_first => {}
                (None, Some(value)) => edits.set(name.clone(), value.as_slice()),
                (None, None) => edits.remove(name.clone()),
            }
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ticket")
    }
}

// === impl AttemptError ===

impl AttemptError {
    /// The name in records and metric labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConnectFailure => "connect_failure",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
        }
    }
}

/// The value of the header `name` after `edits`.
fn value_after(headers: &Headers, edits: &HeaderEdits, name: &str) -> Option<Vec<u8>> {
    if let Some((_, value)) = edits.set.iter().find(|(set, _)| set == name) {
        return Some(value.clone());
    }
    one_list(headers.all(name).filter(|_| edits.keeps(name)))
}

/// Several values of a header as one list (RFC 9110 §5.3); `None`: there is none.
fn one_list<'v>(mut values: impl Iterator<Item = &'v [u8]>) -> Option<Vec<u8>> {
    let mut value = values.next()?.to_vec();
    for more in values {
        value.extend_from_slice(b", ");
        value.extend_from_slice(more);
    }
    Some(value)
}
