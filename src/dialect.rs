//! The shapes of errors: one file for each vendor whose clients read them. An API's errors have the shape of the vendor
//! that defines the API.

pub mod anthropic;
pub mod openai;

use crate::api::Api;

/// The body of an error in the shape of `api`. `code` is written where the shape has a member for it.
#[must_use]
pub fn error_body(api: Api, status: u16, code: &str, message: &str) -> String {
    let kind = error_type(api, status);
    match api {
        Api::Messages => anthropic::error_body(kind, message, None),
        Api::ChatCompletions | Api::Responses => openai::error_body(kind, code, message),
    }
}

/// `error.type` for a status in the shape of `api`.
#[must_use]
pub const fn error_type(api: Api, status: u16) -> &'static str {
    match api {
        Api::Messages => anthropic::error_type(status),
        Api::ChatCompletions | Api::Responses => openai::error_type(status),
    }
}

#[cfg(test)]
mod tests {
    use super::{error_body, error_type};
    use crate::api::Api;

    #[test]
    fn each_dialect_has_its_own_shape() {
        assert_eq!(
            error_body(Api::Messages, 503, "provider_disabled", "m"),
            r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#
        );
        assert_eq!(
            error_body(Api::Responses, 503, "provider_disabled", "m"),
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
