//! Google's errors: <https://cloud.google.com/apis/design/errors#http_mapping>.

use crate::json::Writer;

/// The body of an error with the name `name` of its status.
#[must_use]
pub(super) fn error_body(status: u16, name: &str, message: &str) -> String {
    let mut body = Writer::default();
    body.begin('{');
    body.name("error");
    body.begin('{');
    body.name("code");
    body.raw(&status.to_string());
    body.text_member("message", message);
    body.text_member("status", name);
    body.end('}');
    body.end('}');
    body.into_string()
}

/// `error.status` for an HTTP status.
#[must_use]
pub(super) const fn error_type(status: u16) -> &'static str {
    match status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        408 | 504 => "DEADLINE_EXCEEDED",
        426 | 501 => "UNIMPLEMENTED",
        429 => "RESOURCE_EXHAUSTED",
        503 => "UNAVAILABLE",
        400..=499 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    }
}
