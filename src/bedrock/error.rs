//! The errors of AWS in Anthropic's shape: <https://docs.anthropic.com/en/api/errors>.
//!
//! AWS states the name of an error in the header `x-amzn-errortype` and a `message` in the body:
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_Errors>

mod document;

pub use document::ErrorDocument;

use crate::dialect::anthropic;

/// An error in Anthropic's shape.
#[derive(Debug)]
pub struct AnthropicError<'a> {
    kind: &'static str,
    message: &'a str,
    request_id: Option<&'a str>,
}

/// Anthropic's `error.type` for an error with this AWS name, or, if the name is unknown, for this status.
#[must_use]
pub fn error_type(exception: &str, status: u16) -> &'static str {
    let is = |name: &str| exception.eq_ignore_ascii_case(name);
    match status {
        _ if is("ValidationException") => "invalid_request_error",
        _ if is("AccessDeniedException") => "permission_error",
        _ if is("ResourceNotFoundException") => "not_found_error",
        _ if is("ThrottlingException") || is("ServiceQuotaExceededException") => "rate_limit_error",
        _ if is("ModelTimeoutException") => "timeout_error",
        _ if is("ModelNotReadyException") || is("ServiceUnavailableException") => "overloaded_error",
        _ if is("ModelErrorException")
            || is("ModelStreamErrorException")
            || is("InternalServerException") =>
        {
            "api_error"
        }
        424 | 501 => "api_error",
        _ => anthropic::error_type(status),
    }
}

/// The name of an error in a value of `x-amzn-errortype` or `__type`, without the namespace before it (up to `#`) and the
/// URL after it (from `:` on).
#[must_use]
pub fn exception(written: &str) -> &str {
    let name = written.rsplit('#').next().unwrap_or_default();
    name.split(':').next().unwrap_or_default().trim()
}

// === impl AnthropicError ===

impl<'a> AnthropicError<'a> {
    /// An error with this `error.type` and message. `request_id`: the id by which AWS knows the request.
    #[must_use]
    pub const fn new(kind: &'static str, message: &'a str, request_id: Option<&'a str>) -> Self {
        Self { kind, message, request_id }
    }

    /// The error as a JSON document.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        anthropic::error_body(self.kind, self.message, self.request_id).into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::{error_type, exception};

    #[test]
    fn a_known_error_name_decides_before_the_status() {
        for (name, status, kind) in [
            ("ModelNotReadyException", 429, "overloaded_error"),
            ("throttlingException", 200, "rate_limit_error"),
            ("modelStreamErrorException", 200, "api_error"),
            ("modelTimeoutException", 200, "timeout_error"),
            ("ModelErrorException", 424, "api_error"),
            ("UnrecognizedClientException", 403, "permission_error"),
            ("", 418, "invalid_request_error"),
            ("Other", 502, "api_error"),
        ] {
            assert_eq!(error_type(name, status), kind, "{name} {status}");
        }
        assert_eq!(exception("ValidationException:http://internal.amazon.com/coral/"), "ValidationException");
        assert_eq!(exception("com.amazon.coral.validate#ValidationException"), "ValidationException");
        assert_eq!(exception(""), "");
    }
}
