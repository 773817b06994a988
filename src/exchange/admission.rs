//! Decides by a request's headers whether it is ignored, refused, forwarded or intercepted.
//!
//! The order of the checks is part of the rules: path hygiene, route, disabled provider, `Upgrade`, method, repeated
//! credential, credential, actor, encoding, declared size, the model that the path names,
//! missing body. See `envoy/behaviour.md#order-of-the-checks`.

use super::arrival::Arrival;
use super::interception::Interception;
use super::passthrough::Passthrough;
use super::pool::{self, Entering};
use super::refusal::refuse;
use super::request_edits;
use super::upload::{Upload, judge_path_model};
use super::{ticket_id, values};
use crate::bridge::Bridge;
use crate::caller::{self, Actor, ActorError, Metadata};
use crate::credential::{self, Credential, CredentialError, CredentialKind};
use crate::dialect::Dialect;
use crate::headers::HeaderEdits;
use crate::metric::Label;
use crate::provider::Provider;
use crate::reply::Rejection;
use crate::route::Target;
use crate::step::{Effect, Flow, RequestHead, Step};
use core::time::Duration;
use std::rc::Rc;

/// How the stream goes on after the request's headers.
pub(super) enum Admission {
    /// Outside the root, or refused without a record.
    Ignored,
    Passthrough(Passthrough),
    /// On a bridged route. A refused request is included, because it leaves a record.
    Bridged(Box<Interception>),
}

/// Makes the checks, and returns the step for the request's headers. `clock` is called only on bridged routes.
pub(super) fn admit(
    bridge: &Bridge,
    head: &RequestHead,
    random: u128,
    clock: impl FnOnce() -> Duration,
) -> (Admission, Step) {
    let headers = &head.headers;
    let method = headers.first(":method").unwrap_or_default();
    let path = headers.first(":path").unwrap_or_default();
    let found = bridge.routes.find(method, path);
    let provider = found.provider.and_then(|at| bridge.providers.get(at));
    let refused = |rejection: &Rejection| {
        let name = provider.map_or(Label::Fixed("unknown"), |provider| Label::from(&provider.name));
        (Admission::Ignored, refuse(bridge, name, rejection, found.dialect))
    };
    let disabled = provider.is_some_and(|provider| !provider.enabled);
    match (found.target, provider) {
        (Target::Outside, _) => {
            (Admission::Ignored, request_edits::foreign(bridge, headers).map_or_else(Step::pass, edited))
        }
        (Target::Invalid(problem), _) => refused(&Rejection::InvalidPath(problem)),
        (Target::NotFound | Target::Passthrough { .. }, Some(_)) if disabled => {
            refused(&Rejection::ProviderDisabled)
        }
        (Target::NotFound, _) | (_, None) => {
            let hint = bridge.routes.hint(&bridge.providers, path);
            let path = lossy(headers.path_without_query());
            refused(&Rejection::NotFound { method: lossy(method), path, hint })
        }
        (Target::Passthrough { upstream_path, stored_object, only_get }, Some(provider)) => {
            let checked = if headers.contains("upgrade") {
                Err(Rejection::UpgradeUnsupported)
            } else if only_get && method != b"GET" {
                Err(Rejection::MethodNotAllowed("GET"))
            } else {
                check_passthrough(bridge, head, provider, found.dialect, stored_object)
            };
            match checked {
                Ok(mut credential) => {
                    let mut passthrough =
                        Passthrough::new(Rc::clone(provider), found.dialect, credential.kind);
                    let is_byok = credential.kind == CredentialKind::Byok;
                    if provider.pool.is_some() && !is_byok {
                        credential.set = None;
                    }
                    let mut edits =
                        request_edits::passthrough(bridge, provider, headers, credential, upstream_path);
                    let mut effects = Vec::new();
                    if provider.pool.is_some() {
                        let (now, id) = (clock(), ticket_id(random));
                        let entering =
                            Entering { bridge, provider, is_byok, arrival: None, headers, now, id };
                        passthrough.pool = pool::enter(&entering, &mut edits, &mut effects);
                    }
                    effects.insert(0, Effect::EditRequestHeaders(edits));
                    (Admission::Passthrough(passthrough), Step { effects, flow: Flow::Continue })
                }
                Err(rejection) => refused(&rejection),
            }
        }
        (Target::Bridged { .. }, Some(_)) if !disabled && headers.contains("upgrade") => {
            refused(&Rejection::UpgradeRefused)
        }
        (Target::Bridged { .. }, Some(_)) if !disabled && method != b"POST" => {
            refused(&Rejection::MethodNotAllowed("POST"))
        }
        (Target::Bridged { api, upstream_path, model, streamed }, Some(provider)) => {
            let mut arrival = Arrival::new(provider, api, found.dialect, headers, clock(), random);
            (arrival.model, arrival.streamed) = (model, streamed);
            let (interception, step) = intercept(bridge, head, arrival, upstream_path, random);
            (Admission::Bridged(interception), step)
        }
    }
}

/// Forwards or refuses a bridged request. Either way it leaves a record.
fn intercept(
    bridge: &Bridge,
    head: &RequestHead,
    mut arrival: Arrival,
    upstream_path: Vec<u8>,
    random: u128,
) -> (Box<Interception>, Step) {
    let checked = check_bridged(bridge, head, &mut arrival);
    let mut effects = Vec::with_capacity(values::EFFECTS);
    let upload = Upload::begin(bridge, &arrival, &head.headers);
    match checked {
        Ok(mut credential) => {
            let is_byok = credential.kind == CredentialKind::Byok;
            if arrival.provider.pool.is_some() && !is_byok {
                // The upstream filter of the member's cluster sets the member's.
                credential.set = None;
            }
            let headers = &head.headers;
            let mut edits = request_edits::bridged(bridge, &arrival, headers, credential, upstream_path);
            let entering = Entering {
                bridge,
                provider: &arrival.provider,
                is_byok,
                arrival: Some(&arrival),
                headers,
                now: arrival.started,
                id: ticket_id(random),
            };
            let ticket = pool::enter(&entering, &mut edits, &mut effects);
            arrival.pool = ticket;
            effects.push(Effect::EditRequestHeaders(edits));
            values::of_start(bridge, &arrival, &mut effects);
            let flow = if upload.is_held() { Flow::Hold } else { Flow::Continue };
            (Box::new(Interception::new(arrival, upload)), Step { effects, flow })
        }
        Err(rejection) => {
            values::of_start(bridge, &arrival, &mut effects);
            let mut interception = Box::new(Interception::new(arrival, upload));
            effects.extend(interception.reject(rejection).effects);
            (interception, Step { effects, flow: Flow::Stop })
        }
    }
}

/// Makes the checks that need only the headers of a bridged request. `arrival`, and so the record, keeps what a check has
/// found, even if a later check fails.
fn check_bridged(
    bridge: &Bridge,
    head: &RequestHead,
    arrival: &mut Arrival,
) -> Result<Credential, Rejection> {
    let provider = &arrival.provider;
    if !provider.enabled {
        return Err(Rejection::ProviderDisabled);
    }
    let rules = provider.credential_rules_at(arrival.dialect);
    let mut credential = match credential::choose(&head.headers, &rules, &bridge.gateway_credentials) {
        Ok(credential) => credential,
        Err(error) => {
            arrival.credential_kind = error.kind();
            arrival.credential_hint = error.hint().map(Rc::from);
            return Err(credential_rejection(&error));
        }
    };
    let limit_bytes = bridge.request_body_bytes(provider);
    arrival.credential_kind = credential.kind;
    arrival.credential_hint = credential.hint.take();
    arrival.byok_cluster = credential.kind == CredentialKind::Byok;
    (arrival.actor, arrival.actor_metadata) = actor(bridge, head)?;
    if head.headers.is_encoded() {
        return Err(Rejection::UnsupportedEncoding);
    }
    let declared = head.headers.content_length();
    if declared.is_some_and(|declared| declared > limit_bytes) {
        return Err(Rejection::RequestTooLarge);
    }
    if let Some(model) = &arrival.model {
        judge_path_model(&arrival.provider, model)?;
    }
    match declared {
        Some(0) => Err(Rejection::EmptyBody),
        _ if head.end => Err(Rejection::EmptyBody),
        _ => Ok(credential),
    }
}

/// Checks a passthrough request. Returns the credential that it uses.
fn check_passthrough(
    bridge: &Bridge,
    head: &RequestHead,
    provider: &Provider,
    dialect: Dialect,
    stored_object: bool,
) -> Result<Credential, Rejection> {
    let rules = provider.credential_rules_at(dialect);
    let credential = credential::choose(&head.headers, &rules, &bridge.gateway_credentials)
        .map_err(|error| credential_rejection(&error))?;
    if stored_object && !provider.stored_objects && credential.kind != CredentialKind::Byok {
        return Err(Rejection::StoredObjectDenied);
    }
    actor(bridge, head)?;
    Ok(credential)
}

/// The actor and the metadata. A request may have metadata without an actor.
fn actor(bridge: &Bridge, head: &RequestHead) -> Result<(Option<Actor>, Metadata), Rejection> {
    caller::actor(&head.headers, &bridge.actor, head.actor_property.as_deref()).map_err(|error| match error {
        ActorError::Unreadable { .. } => Rejection::UnreadableActor,
        ActorError::Missing => Rejection::MissingActor,
    })
}

fn credential_rejection(error: &CredentialError) -> Rejection {
    match error {
        CredentialError::Repeated { .. } => Rejection::RepeatedCredential,
        CredentialError::WrongVendor { seen, .. } => Rejection::WrongVendor(*seen),
        CredentialError::ByokDenied { .. } => Rejection::ByokDenied,
        CredentialError::Missing => Rejection::MissingCredential,
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn edited(edits: HeaderEdits) -> Step {
    Step { effects: vec![Effect::EditRequestHeaders(edits)], flow: Flow::Continue }
}
