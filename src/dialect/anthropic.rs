//! Anthropic's errors: <https://docs.anthropic.com/en/api/errors>.

use crate::json::{Writer, key};

/// The body of an error of type `kind`; `request_id` is the provider's id of the request, where it is known.
#[must_use]
pub fn error_body(kind: &str, message: &str, request_id: Option<&str>) -> String {
    let mut body = Writer::default();
    body.begin('{');
    body.text_member(key!("type"), "error");
    body.name(key!("error"));
    body.begin('{');
    body.text_member(key!("type"), kind);
    body.text_member(key!("message"), message);
    body.end('}');
    body.known_text(key!("request_id"), request_id);
    body.end('}');
    body.into_string()
}

/// `error.type` for a status.
#[must_use]
pub const fn error_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 => "overloaded_error",
        400..=499 | 501 => "invalid_request_error",
        _ => "api_error",
    }
}
