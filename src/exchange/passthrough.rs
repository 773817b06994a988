//! A passthrough stream: the exchange examines its headers and never its body.

use super::measurements;
use super::pool;
use super::refusal;
use crate::bridge::Bridge;
use crate::credential::CredentialKind;
use crate::dialect::Dialect;
use crate::headers::HeaderEdits;
use crate::note::Notes;
use crate::pool::SharedTicket;
use crate::provider::Provider;
use crate::reply::{Local, Rejection};
use crate::step::{Effect, Flow, ResponseHead, Step};
use core::time::Duration;
use std::rc::Rc;

/// A passthrough stream.
#[derive(Debug)]
pub(super) struct Passthrough {
    pub(super) provider: Rc<Provider>,
    /// The shape of errors on this route.
    dialect: Dialect,
    /// Whose credential it uses.
    kind: CredentialKind,
    /// The ticket that this filter shares with the upstream filters; `None`: the provider has no pool.
    pub(super) pool: Option<SharedTicket>,
}

// === impl Passthrough ===

impl Passthrough {
    pub(super) const fn new(provider: Rc<Provider>, dialect: Dialect, kind: CredentialKind) -> Self {
        Self { provider, dialect, kind, pool: None }
    }

    /// Refuses the request after its headers were admitted.
    pub(super) fn refuse(&self, bridge: &Bridge, rejection: &Rejection) -> Step {
        refusal::refuse(bridge, (&self.provider.name).into(), rejection, self.dialect)
    }

    /// Counts the response, and rewrites an error reply of Envoy or another filter in the route's dialect. `clock` is
    /// called only if the provider has a pool.
    pub(super) fn response_headers(
        &self,
        bridge: &Bridge,
        head: &ResponseHead,
        clock: impl FnOnce() -> Duration,
    ) -> Step {
        let mut step = Step::pass();
        let local = Local::recognise(head, self.provider.open_retry_after_seconds)
            .or_else(|| pool::not_ready(self.pool.as_ref(), &head.headers));
        if bridge.metrics {
            step.effects = self.measurements(head, local.as_ref());
        }
        if let Some(local) = local {
            let mut reply = local.reply(self.dialect, &head.headers);
            if let Some(ticket) = &self.pool {
                pool::unanswered(ticket, head, clock(), &mut reply);
            }
            step.effects.push(Effect::Reply(reply));
            step.flow = Flow::Stop;
        } else if let Some(ticket) = &self.pool {
            let mut edits = HeaderEdits::default();
            pool::answered(ticket, &head.headers, clock(), &mut Notes::default(), &mut edits);
            step.effects.push(Effect::EditResponseHeaders(edits));
        }
        step
    }

    fn measurements(&self, head: &ResponseHead, local: Option<&Local>) -> Vec<Effect> {
        let name = &self.provider.name;
        let mut measured = vec![measurements::passthrough(name, head.headers.status())];
        match local {
            Some(local) if local.is_refusal() => {
                measured.push(measurements::refused(name.into(), local.code));
            }
            None => measured.extend(measurements::upstream_remaining(
                name,
                self.kind,
                self.pool.as_ref(),
                &head.headers,
            )),
            Some(_) => {}
        }
        measured
    }
}
