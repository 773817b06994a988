//! Which interceptions have a budget, and what is done about it when the response begins.

use super::arrival::Arrival;
use crate::bridge::Bridge;
use crate::budget::{Budget, EXHAUSTED};
use crate::credential::CredentialKind;
use crate::headers::{HeaderEdits, Headers};
use crate::reply::Local;
use crate::step::LocalReply;
use core::time::Duration;

/// The budget that a response's headers state. It is the caller's only where the operator pays for an actor: where a caller
/// brings its own credential, the provider's limits are the caller's, too.
pub(super) fn stated(
    bridge: &Bridge,
    arrival: &Arrival,
    headers: &Headers,
    clock: impl FnOnce() -> Duration,
) -> Option<Box<Budget>> {
    let has_budget = arrival.actor.is_some() && arrival.credential_kind != CredentialKind::Byok;
    has_budget.then(|| bridge.notices.budget(headers, clock))?
}

/// Tells the client about its budget in `reply`, the reply of Envoy or another filter. A 429 is the budget's own if nothing
/// of it is left.
pub(super) fn tell(
    bridge: &Bridge,
    arrival: &Arrival,
    budget: Option<&mut Budget>,
    local: &mut Local,
    reply: &mut LocalReply,
) {
    let Some(budget) = budget else { return };
    let (dialect, api) = (arrival.dialect, arrival.api);
    if local.status == 429 && budget.is_spent() {
        bridge.notices.refuse(budget, dialect, api, reply);
        local.code = EXHAUSTED;
    } else {
        let mut edits = HeaderEdits::default();
        budget.warn(dialect, api, &Headers::default(), &mut edits);
        reply.edit(edits);
    }
}
