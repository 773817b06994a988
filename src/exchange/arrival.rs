//! A bridged request as its headers describe it. Admission fills it in; later callbacks only read it.

use crate::answer::NAME_BYTES;
use crate::api::Api;
use crate::caller::{Actor, Agent, Client};
use crate::credential::CredentialKind;
use crate::dialect::Dialect;
use crate::headers::Headers;
use crate::pool::SharedTicket;
use crate::provider::Provider;
use crate::record::uuid_v7;
use crate::route::PathModel;
use crate::text::head;
use core::time::Duration;
use std::borrow::Cow;
use std::rc::Rc;

/// A bridged request as its headers describe it. Texts of the request are cut at [`NAME_BYTES`].
#[derive(Debug)]
pub(super) struct Arrival {
    pub(super) provider: Rc<Provider>,
    pub(super) api: Api,
    /// The shape of this filter's replies.
    pub(super) dialect: Dialect,
    /// The requested model, where the path names it.
    pub(super) model: Option<PathModel>,
    /// Whether the response is a stream, whatever the body says: the path says so.
    pub(super) streamed: bool,
    /// The record's id, a UUID of version 7.
    pub(super) id: Rc<str>,
    /// When the headers came: time since the Unix epoch.
    pub(super) started: Duration,
    /// Envoy's `x-request-id` of the request, at most 1 KiB.
    pub(super) request_id: Option<String>,
    pub(super) method: Cow<'static, str>,
    /// The path, without the query.
    pub(super) path: String,
    pub(super) actor: Option<Actor>,
    /// Each configured key with its value. A request may have metadata, such as a team, without an actor.
    pub(super) actor_metadata: Vec<(String, String)>,
    pub(super) client: Client,
    pub(super) user_agent: Option<String>,
    /// The agent that the client's headers name.
    pub(super) agent: Option<Agent>,
    /// The session that a header names.
    pub(super) session_id: Option<String>,
    /// Whose credential the request uses, or was refused with.
    pub(super) credential_kind: CredentialKind,
    /// The part of that credential that records show.
    pub(super) credential_hint: Option<Rc<str>>,
    /// The request goes to the cluster for callers' own credentials. A refused credential leaves it `false`.
    pub(super) byok_cluster: bool,
    /// What the upstream filters share with this one, where the provider has a pool and the request was sent to it.
    pub(super) pool: Option<SharedTicket>,
}

// === impl Arrival ===

impl Arrival {
    /// A request before the checks: without actor and credential.
    pub(super) fn new(
        provider: &Rc<Provider>,
        api: Api,
        dialect: Dialect,
        headers: &Headers,
        started: Duration,
        random: u128,
    ) -> Self {
        let client = Client::recognise(headers);
        let named = |name: &str| headers.first(name).map(text);
        Self {
            provider: Rc::clone(provider),
            api,
            dialect,
            model: None,
            streamed: false,
            id: uuid_v7(started, random),
            started,
            request_id: named("x-request-id"),
            method: match headers.first(":method") {
                // A request with any other method is refused.
                Some(b"POST") => Cow::Borrowed("POST"),
                other => Cow::Owned(other.map(text).unwrap_or_default()),
            },
            path: text(headers.path_without_query()),
            actor: None,
            actor_metadata: Vec::new(),
            client,
            user_agent: named("user-agent"),
            agent: client.agent(headers),
            session_id: client.session(headers),
            credential_kind: CredentialKind::None,
            credential_hint: None,
            byok_cluster: false,
            pool: None,
        }
    }

    /// The Envoy cluster that the request goes to, or would have gone to.
    pub(super) fn cluster(&self) -> &str {
        if self.byok_cluster { &self.provider.byok_cluster } else { &self.provider.cluster }
    }
}

/// A header's value as text; bytes that are not UTF-8 are replaced.
fn text(value: &[u8]) -> String {
    match core::str::from_utf8(value) {
        Ok(text) => head(text, NAME_BYTES).to_owned(),
        Err(_) => head(&String::from_utf8_lossy(value), NAME_BYTES).to_owned(),
    }
}
