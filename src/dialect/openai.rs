//! OpenAI's errors: <https://platform.openai.com/docs/guides/error-codes>.

use crate::json::Writer;

/// The body of an error of type `kind`.
#[must_use]
pub fn error_body(kind: &str, code: &str, message: &str) -> String {
    let mut body = Writer::default();
    body.begin('{');
    body.name("error");
    body.begin('{');
    body.text_member("message", message);
    body.text_member("type", kind);
    body.name("param");
    body.raw("null");
    body.text_member("code", code);
    body.end('}');
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
        408 => "server_error",
        429 => "rate_limit_error",
        400..=499 | 501 => "invalid_request_error",
        _ => "server_error",
    }
}
