//! OpenAI's errors: <https://platform.openai.com/docs/guides/error-codes>.

use crate::json::{Writer, key};

/// The body of an error of type `kind`. `resets_at`: when a usage limit ends, in seconds since the Unix epoch, which Codex
/// reads.
#[must_use]
pub fn error_body(kind: &str, code: &str, message: &str, resets_at: Option<u64>) -> String {
    let mut body = Writer::default();
    body.begin('{');
    body.name(key!("error"));
    body.begin('{');
    body.text_member(key!("message"), message);
    body.text_member(key!("type"), kind);
    body.name(key!("param"));
    body.raw("null");
    body.text_member(key!("code"), code);
    body.known_number(key!("resets_at"), resets_at);
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
