//! What becomes of a request at its headers: left alone, refused, forwarded, or intercepted.
//!
//! The order of the checks is contract §1's: hygiene → route → disabled → `Upgrade` → method → repeated credential →
//! credential → actor → encoding → declared size → body.

use super::State;
use super::bedrock::{self, Waiting};
use super::interception::{Download, Interception, Upload};
use super::passthrough::Passthrough;
use super::values::EFFECTS;
use crate::answer::NAME_BYTES;
use crate::api::Api;
use crate::bridge::Bridge;
use crate::caller::{self, Actor, ActorError, Client, Metadata};
use crate::credential::{self, Credential, CredentialError, CredentialKind};
use crate::headers::{CREDENTIAL_HEADERS, HeaderEdits, Headers};
use crate::metric::{Label, Measurement, Metric, Series};
use crate::note::Notes;
use crate::provider::Provider;
use crate::record::uuid_v7;
use crate::reply::Rejection;
use crate::route::Target;
use crate::step::{Effect, Flow, RequestHead, Step};
use crate::text::head as cut;
use core::time::Duration;
use std::rc::Rc;

/// Decides what the stream is and what is to be done with its request's headers.
pub(super) fn admit(
    bridge: &Bridge,
    head: &RequestHead,
    random: u128,
    clock: impl FnOnce() -> Duration,
) -> (State, Step) {
    let headers = &head.headers;
    let method = headers.first(":method").unwrap_or_default();
    let path = headers.first(":path").unwrap_or_default();
    let found = bridge.routes.find(method, path);
    let provider = found.provider.and_then(|at| bridge.providers.get(at));
    let refuse = |rejection: &Rejection| {
        let name = provider.map_or(Label::Fixed("unknown"), |provider| Label::from(&provider.name));
        (State::Aside, refusal(bridge, name, rejection, found.dialect))
    };
    let disabled = provider.is_some_and(|provider| !provider.enabled);
    match (found.target, provider) {
        (Target::Outside, _) => (State::Aside, leave_alone(bridge, headers)),
        (Target::Invalid(problem), _) => refuse(&Rejection::InvalidPath(problem)),
        (Target::NotFound | Target::Passthrough { .. }, Some(_)) if disabled => {
            refuse(&Rejection::ProviderDisabled)
        }
        (Target::NotFound, _) | (_, None) => {
            refuse(&Rejection::NotFound { method: lossy(method), path: lossy(headers.path_without_query()) })
        }
        (Target::Passthrough { upstream_path, stored_object }, Some(provider)) => {
            match forward(bridge, head, provider, stored_object) {
                Ok((mut edits, kind)) => {
                    address(bridge, provider, provider.cluster_for(kind), upstream_path, &mut edits);
                    let passthrough = Passthrough::new(Rc::clone(provider), found.dialect, kind);
                    (State::Passthrough(passthrough), step(vec![Effect::EditRequestHeaders(edits)]))
                }
                Err(rejection) => refuse(&rejection),
            }
        }
        (Target::Bridged { .. }, Some(_)) if !disabled && headers.contains("upgrade") => {
            refuse(&Rejection::UpgradeRefused)
        }
        (Target::Bridged { .. }, Some(_)) if !disabled && method != b"POST" => {
            refuse(&Rejection::MethodNotAllowed)
        }
        (Target::Bridged { api, upstream_path }, Some(provider)) => {
            let born = (clock(), random);
            intercept(bridge, head, provider, api, upstream_path, born)
        }
    }
}

/// Not below our root: only the header that picks clusters is ours alone.
fn leave_alone(bridge: &Bridge, headers: &Headers) -> Step {
    if !headers.contains(&bridge.cluster_header) {
        return Step::pass();
    }
    let mut edits = HeaderEdits::default();
    edits.remove(bridge.cluster_header.clone());
    step(vec![Effect::EditRequestHeaders(edits)])
}

/// A refusal that leaves no record.
pub(super) fn refusal(bridge: &Bridge, provider: Label, rejection: &Rejection, dialect: Api) -> Step {
    let mut effects = Vec::new();
    if bridge.metrics {
        effects.push(Effect::Measure(refused(provider, rejection.code())));
    }
    effects.push(Effect::Reply(rejection.reply(dialect)));
    Step { effects, flow: Flow::Stop }
}

/// One request refused.
pub(super) fn refused(provider: Label, reason: &'static str) -> Measurement {
    Series::new(Metric::Refusals, [provider, reason.into()]).measured(1)
}

/// What passthrough changes in a request's headers, and on whose account.
fn forward(
    bridge: &Bridge,
    head: &RequestHead,
    provider: &Provider,
    stored_object: bool,
) -> Result<(HeaderEdits, CredentialKind), Rejection> {
    if head.headers.contains("upgrade") {
        return Err(Rejection::UpgradeUnsupported);
    }
    let credential =
        credential::choose(&head.headers, &provider.credential_rules(), &bridge.gateway_credentials)
            .map_err(|error| refused_by(&error))?;
    if stored_object && !provider.stored_objects && credential.kind == CredentialKind::Centralized {
        return Err(Rejection::StoredObjectDenied);
    }
    actor(bridge, head)?;
    let kind = credential.kind;
    let mut edits = strippings(bridge, &head.headers);
    bedrock::edit_request(provider, &head.headers, &mut edits);
    credential.edit(&mut edits);
    Ok((edits, kind))
}

fn intercept(
    bridge: &Bridge,
    head: &RequestHead,
    provider: &Rc<Provider>,
    api: Api,
    upstream_path: Vec<u8>,
    born: (Duration, u128),
) -> (State, Step) {
    let mut interception = begin(bridge, head, provider, api, born);
    let credential = match check(bridge, head, provider, &mut interception) {
        Ok(credential) => credential,
        Err(rejection) => {
            let mut effects = Vec::with_capacity(EFFECTS);
            interception.values_of_start(bridge, &mut effects);
            effects.extend(interception.reject(rejection).effects);
            return (State::Bridged(Box::new(interception)), Step { effects, flow: Flow::Stop });
        }
    };
    let mut edits = strippings(bridge, &head.headers);
    bedrock::edit_request(provider, &head.headers, &mut edits);
    credential.edit(&mut edits);
    if head.headers.contains("accept-encoding") {
        edits.remove("accept-encoding");
    }
    if provider.asks_for_usage(api) && head.headers.contains("content-length") {
        // The body may become longer; what was declared still says which chunk is the last.
        edits.remove("content-length");
    }
    address(bridge, provider, interception.cluster(), upstream_path, &mut edits);
    if provider.sends_actor() {
        let id = interception.actor.as_ref().map(|actor| actor.id.as_str());
        caller::send_actor(id, &interception.actor_metadata, &mut edits);
    }
    let mut effects = Vec::with_capacity(EFFECTS);
    effects.push(Effect::EditRequestHeaders(edits));
    interception.values_of_start(bridge, &mut effects);
    let flow = if interception.waiting.is_some() { Flow::Hold } else { Flow::Continue };
    (State::Bridged(Box::new(interception)), Step { effects, flow })
}

/// What the headers say of a bridged request, before anything is checked.
fn begin(
    bridge: &Bridge,
    head: &RequestHead,
    provider: &Rc<Provider>,
    api: Api,
    (now, random): (Duration, u128),
) -> Interception {
    let headers = &head.headers;
    let client = Client::recognise(headers);
    let text = |value: &[u8]| match core::str::from_utf8(value) {
        Ok(text) => cut(text, NAME_BYTES).to_owned(),
        Err(_) => cut(&String::from_utf8_lossy(value), NAME_BYTES).to_owned(),
    };
    let named = |name: &str| headers.first(name).map(text);
    let reader = api.request_reader(bridge.request_bounds());
    let reader = if provider.asks_for_usage(api) { reader } else { reader.without_splice() };
    Interception {
        provider: Rc::clone(provider),
        api,
        id: uuid_v7(now, random),
        started: now,
        request_id: named("x-request-id"),
        method: named(":method").unwrap_or_default(),
        path: text(headers.path_without_query()),
        actor: None,
        actor_metadata: Vec::new(),
        client,
        user_agent: named("user-agent"),
        session_id: client.session(headers),
        credential: (CredentialKind::None, None),
        byok_cluster: false,
        upload: Upload::new(reader, headers.content_length()),
        waiting: Waiting::of(provider, headers),
        rejection: None,
        download: Download::Awaiting,
        first_event: None,
        told: None,
        notes: Notes::default(),
    }
}

/// Every check that the headers allow. What is learned on the way is in the record also when a later check fails.
fn check(
    bridge: &Bridge,
    head: &RequestHead,
    provider: &Provider,
    interception: &mut Interception,
) -> Result<Credential, Rejection> {
    if !provider.enabled {
        return Err(Rejection::ProviderDisabled);
    }
    let mut credential =
        credential::choose(&head.headers, &provider.credential_rules(), &bridge.gateway_credentials)
            .map_err(|error| {
                interception.credential = (error.kind(), error.hint().map(str::to_owned));
                refused_by(&error)
            })?;
    interception.credential = (credential.kind, credential.hint.take());
    interception.byok_cluster = credential.kind == CredentialKind::Byok;
    (interception.actor, interception.actor_metadata) = actor(bridge, head)?;
    if head.headers.is_encoded() {
        return Err(Rejection::UnsupportedEncoding);
    }
    match head.headers.content_length() {
        Some(declared) if declared > bridge.request_body_bytes(provider) => Err(Rejection::RequestTooLarge),
        Some(0) => Err(Rejection::EmptyBody),
        _ if head.end => Err(Rejection::EmptyBody),
        _ => Ok(credential),
    }
}

/// The actor and its metadata.
fn actor(bridge: &Bridge, head: &RequestHead) -> Result<(Option<Actor>, Metadata), Rejection> {
    caller::actor(&head.headers, &bridge.actor, head.actor_property.as_deref()).map_err(|error| match error {
        ActorError::Unreadable { .. } => Rejection::UnreadableActor,
        ActorError::Missing => Rejection::MissingActor,
    })
}

fn refused_by(error: &CredentialError) -> Rejection {
    match error {
        CredentialError::Repeated { .. } => Rejection::RepeatedCredential,
        CredentialError::WrongVendor { seen, .. } => Rejection::WrongVendor(*seen),
        CredentialError::ByokDenied { .. } => Rejection::ByokDenied,
        CredentialError::Missing => Rejection::MissingCredential,
    }
}

fn strippings(bridge: &Bridge, headers: &Headers) -> HeaderEdits {
    HeaderEdits { remove: bridge.stripping.list(headers), set: Vec::new() }
}

/// What of a request's trailers is not for the upstream: as of its headers, and every credential.
pub(super) fn trailer_strippings(bridge: &Bridge, trailers: &Headers) -> HeaderEdits {
    let mut edits = strippings(bridge, trailers);
    for name in CREDENTIAL_HEADERS.into_iter().filter(|name| trailers.contains(name)) {
        edits.remove(name);
    }
    edits
}

/// Where the request goes.
fn address(bridge: &Bridge, provider: &Provider, cluster: &str, path: Vec<u8>, edits: &mut HeaderEdits) {
    edits.set(":path", path);
    edits.set(":authority", provider.base_url.authority.as_str());
    edits.set(bridge.cluster_header.clone(), cluster);
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

const fn step(effects: Vec<Effect>) -> Step {
    Step { effects, flow: Flow::Continue }
}
