//! The gateway's own replies (`envoy/behaviour.md#replies-of-the-gateway`): the reasons for which this filter refuses a
//! request ([`Rejection`]), and the replies of Envoy and of other filters, rewritten for the caller ([`Local`]).

mod local;
mod pool_not_ready;
mod rejection;
mod retry_after;

pub use local::Local;
pub use pool_not_ready::pool_not_ready;
pub use rejection::Rejection;

use crate::dialect::{self, Dialect};
use crate::headers::HeaderEdits;
use crate::step::LocalReply;

/// The header with the record's id on every answer that leaves a record.
pub const ID_HEADER: &str = "x-ai-bridge-id";

/// Adds the record's id to a reply: as [`ID_HEADER`], and as the request id that the clients of `dialect` show
/// (<https://docs.anthropic.com/en/api/errors#request-id>,
/// <https://platform.openai.com/docs/api-reference/debugging-requests>). Other values of these headers are removed.
#[must_use]
pub fn with_id(mut reply: LocalReply, dialect: Dialect, id: &str) -> LocalReply {
    let request_id = if dialect == Dialect::Anthropic { "request-id" } else { "x-request-id" };
    let mut edits = HeaderEdits::default();
    edits.set(ID_HEADER, id);
    edits.set(request_id, id);
    reply.edit(edits);
    reply
}

/// A JSON reply with an error in the shape of `dialect`.
fn reply(dialect: Dialect, status: u16, code: &str, message: &str) -> LocalReply {
    let mut headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
    if let Some((name, value)) = dialect::error_header(dialect, status) {
        headers.push((name.to_owned(), value.as_bytes().to_vec()));
    }
    LocalReply { status, headers, body: dialect::error_body(dialect, status, code, message) }
}
