//! The gateway's own replies (`envoy/behaviour.md#replies-of-the-gateway`): the reasons for which this filter refuses a
//! request ([`Rejection`]), and the replies of Envoy and of other filters, rewritten for the caller ([`Local`]).

mod local;
mod rejection;
mod retry_after;

pub use local::Local;
pub use rejection::Rejection;

use crate::api::Api;
use crate::dialect;
use crate::step::LocalReply;

/// A JSON reply with an error in the shape of `api`.
fn reply(api: Api, status: u16, code: &str, message: &str) -> LocalReply {
    LocalReply {
        status,
        headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
        body: dialect::error_body(api, status, code, message),
    }
}
