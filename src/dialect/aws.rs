//! AWS's errors, as Bedrock's runtime API answers:
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/CommonErrors.html>. The header [`ERROR_TYPE`] names the
//! exception.

use crate::json::{Writer, key};

/// The header that names the exception.
pub(super) const ERROR_TYPE: &str = "x-amzn-errortype";

/// The body of an error.
#[must_use]
pub(super) fn error_body(message: &str) -> String {
    let mut body = Writer::default();
    body.begin('{');
    body.text_member(key!("message"), message);
    body.end('}');
    body.into_string()
}

/// The exception for a status.
#[must_use]
pub(super) const fn error_type(status: u16) -> &'static str {
    match status {
        401 | 403 => "AccessDeniedException",
        404 => "ResourceNotFoundException",
        429 => "ThrottlingException",
        503 => "ServiceUnavailableException",
        400..=499 => "ValidationException",
        _ => "InternalServerException",
    }
}
