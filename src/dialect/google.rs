//! Google's errors: <https://cloud.google.com/apis/design/errors#http_mapping>.

use crate::json::{Writer, key};

/// The body of an error with the name `name` of its status. `retry_seconds`: `google.rpc.RetryInfo`, which Google's clients
/// read in place of `retry-after`.
#[must_use]
pub(super) fn error_body(status: u16, name: &str, message: &str, retry_seconds: Option<u32>) -> String {
    let mut body = Writer::default();
    body.begin('{');
    body.name(key!("error"));
    body.begin('{');
    body.name(key!("code"));
    body.raw(&status.to_string());
    body.text_member(key!("message"), message);
    body.text_member(key!("status"), name);
    if let Some(seconds) = retry_seconds {
        body.name(key!("details"));
        body.begin('[');
        body.begin('{');
        body.text_member(key!("@type"), "type.googleapis.com/google.rpc.RetryInfo");
        body.text_member(key!("retryDelay"), &[seconds.to_string().as_str(), "s"].concat());
        body.end('}');
        body.end(']');
    }
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
