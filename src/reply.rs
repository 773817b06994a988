//! The replies that the gateway makes itself: their shape in each dialect, why this filter refuses a request
//! (`rejection`), and what becomes of the replies of Envoy and of other filters (`local`). See
//! `envoy/behaviour.md#replies-of-the-gateway`.

mod local;
mod rejection;

pub use local::Local;
pub use rejection::Rejection;

use crate::api::Api;
use crate::json;
use crate::step::LocalReply;

/// A reply of the gateway in `dialect`. `code` is shown where the dialect has a place for it.
#[must_use]
pub fn reply(dialect: Api, status: u16, code: &str, message: &str) -> LocalReply {
    let kind = error_type(dialect, status);
    let mut body = json::Writer::default();
    body.begin('{');
    match dialect {
        // <https://docs.anthropic.com/en/api/errors>
        Api::Messages => {
            body.text_member("type", "error");
            body.name("error");
            body.begin('{');
            body.text_member("type", kind);
            body.text_member("message", message);
        }
        // <https://platform.openai.com/docs/guides/error-codes>
        Api::ChatCompletions | Api::Responses => {
            body.name("error");
            body.begin('{');
            body.text_member("message", message);
            body.text_member("type", kind);
            body.name("param");
            body.raw("null");
            body.text_member("code", code);
        }
    }
    body.end('}');
    body.end('}');
    LocalReply {
        status,
        headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
        body: body.into_string(),
    }
}

/// The dialect's `error.type` for a status.
#[must_use]
pub const fn error_type(dialect: Api, status: u16) -> &'static str {
    let messages = matches!(dialect, Api::Messages);
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 if messages => "request_too_large",
        429 => "rate_limit_error",
        501 => "invalid_request_error",
        503 if messages => "overloaded_error",
        408 | 504 if messages => "timeout_error",
        408 => "server_error",
        400..=499 => "invalid_request_error",
        _ if messages => "api_error",
        _ => "server_error",
    }
}

#[cfg(test)]
mod tests {
    use super::{error_type, reply};
    use crate::api::Api;

    #[test]
    fn each_dialect_has_its_own_shape() {
        assert_eq!(
            reply(Api::Messages, 503, "provider_disabled", "m").body,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#
        );
        assert_eq!(
            reply(Api::Responses, 503, "provider_disabled", "m").body,
            r#"{"error":{"message":"m","type":"server_error","param":null,"code":"provider_disabled"}}"#
        );
    }

    #[test]
    fn the_type_follows_status_and_dialect() {
        for (status, messages, openai) in [
            (400, "invalid_request_error", "invalid_request_error"),
            (401, "authentication_error", "authentication_error"),
            (402, "invalid_request_error", "invalid_request_error"),
            (403, "permission_error", "permission_error"),
            (404, "not_found_error", "not_found_error"),
            (405, "invalid_request_error", "invalid_request_error"),
            (408, "timeout_error", "server_error"),
            (413, "request_too_large", "invalid_request_error"),
            (415, "invalid_request_error", "invalid_request_error"),
            (426, "invalid_request_error", "invalid_request_error"),
            (429, "rate_limit_error", "rate_limit_error"),
            (500, "api_error", "server_error"),
            (501, "invalid_request_error", "invalid_request_error"),
            (502, "api_error", "server_error"),
            (503, "overloaded_error", "server_error"),
            (504, "timeout_error", "server_error"),
        ] {
            assert_eq!(error_type(Api::Messages, status), messages, "{status}");
            assert_eq!(error_type(Api::Responses, status), openai, "{status}");
        }
    }
}
