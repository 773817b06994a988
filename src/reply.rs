//! The gateway's own replies (`envoy/behaviour.md#replies-of-the-gateway`): the reasons for which this filter refuses a
//! request ([`Rejection`]), and the replies of Envoy and of other filters, rewritten for the caller ([`Local`]).

mod local;
mod rejection;
mod retry_after;

pub use local::Local;
pub use rejection::Rejection;

use crate::dialect::{self, Dialect};
use crate::step::LocalReply;

/// A JSON reply with an error in the shape of `dialect`.
fn reply(dialect: Dialect, status: u16, code: &str, message: &str) -> LocalReply {
    let mut headers = vec![("content-type".to_owned(), b"application/json".to_vec())];
    if let Some((name, value)) = dialect::error_header(dialect, status) {
        headers.push((name.to_owned(), value.as_bytes().to_vec()));
    }
    LocalReply { status, headers, body: dialect::error_body(dialect, status, code, message) }
}
