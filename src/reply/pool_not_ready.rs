//! The reply of an upstream filter that knows no request for its member.

use super::reply;
use crate::dialect::Dialect;
use crate::step::LocalReply;

/// The code of the reply.
pub(super) const POOL_NOT_READY: &str = "pool_not_ready";
/// The message to the caller.
pub(super) const MESSAGE: &str =
    "AI gateway: the pool is not ready. Try again in a moment, or ask the operator.";
/// The header that tells the main filter the code, so that it can write the reply in the caller's dialect.
pub(super) const REASON_HEADER: &str = "x-ai-bridge-reason";

/// 503: the main filter is not loaded in the VM of the upstream filter, or the request came by another way than a pool's
/// route. No key is sent.
#[must_use]
pub fn pool_not_ready() -> LocalReply {
    let mut reply = reply(Dialect::OpenAi, 503, POOL_NOT_READY, MESSAGE);
    let more = [("retry-after", "1"), (REASON_HEADER, POOL_NOT_READY)];
    reply.headers.extend(more.map(|(name, value)| (name.to_owned(), value.as_bytes().to_vec())));
    reply
}
