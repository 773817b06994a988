//! A request that is refused without a record: by its path, its method, or on a passthrough route.

use super::measurements;
use crate::bridge::Bridge;
use crate::dialect::Dialect;
use crate::metric::Label;
use crate::reply::Rejection;
use crate::step::{Effect, Flow, Step};

/// Counts the refusal and replies in `dialect`.
pub(super) fn refuse(bridge: &Bridge, provider: Label, rejection: &Rejection, dialect: Dialect) -> Step {
    let mut effects = Vec::new();
    if bridge.metrics {
        effects.push(measurements::refused(provider, rejection.code()));
    }
    effects.push(Effect::Reply(rejection.reply(dialect)));
    Step { effects, flow: Flow::Stop }
}
