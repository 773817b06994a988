//! A passthrough stream: the exchange looks at its headers and never at its body.

use super::admission;
use super::remaining::upstream_remaining;
use crate::api::Api;
use crate::bridge::Bridge;
use crate::credential::CredentialKind;
use crate::metric::{Metric, Series};
use crate::provider::Provider;
use crate::reply::{Local, Rejection};
use crate::step::{Effect, Flow, ResponseHead, Step};
use std::rc::Rc;

/// A passthrough stream.
#[derive(Debug)]
pub(super) struct Passthrough {
    pub(super) provider: Rc<Provider>,
    dialect: Api,
    kind: CredentialKind,
}

// === impl Passthrough ===

impl Passthrough {
    pub(super) const fn new(provider: Rc<Provider>, dialect: Api, kind: CredentialKind) -> Self {
        Self { provider, dialect, kind }
    }

    /// It cannot go on after all.
    pub(super) fn refuse(&self, bridge: &Bridge, rejection: &Rejection) -> Step {
        admission::refusal(bridge, (&self.provider.name).into(), rejection, self.dialect)
    }

    pub(super) fn response_headers(&self, bridge: &Bridge, head: &ResponseHead) -> Step {
        let mut step = Step::pass();
        let local = Local::recognise(head);
        if bridge.metrics {
            step.effects = self.measurements(head, local.as_ref());
        }
        if let Some(local) = local {
            let reply = local.reply(self.dialect, self.provider.open_retry_after_seconds, &head.headers);
            step.effects.push(Effect::Reply(reply));
            step.flow = Flow::Stop;
        }
        step
    }

    fn measurements(&self, head: &ResponseHead, local: Option<&Local>) -> Vec<Effect> {
        let class = match head.headers.status() {
            Some(200..=299) => "2xx",
            Some(300..=399) => "3xx",
            Some(400..=499) => "4xx",
            Some(500..=599) => "5xx",
            _ => "unknown",
        };
        let series = Series::new(Metric::Passthrough, [(&self.provider.name).into(), class.into()]);
        let mut measured = vec![Effect::Measure(series.measured(1))];
        match local {
            Some(local) if local.is_refusal() => {
                measured.push(Effect::Measure(admission::refused((&self.provider.name).into(), local.code)));
            }
            None if self.kind == CredentialKind::Centralized => {
                measured.extend(upstream_remaining(&self.provider.name, &head.headers));
            }
            Some(_) | None => {}
        }
        measured
    }
}
