//! The shapes of errors: one file for each vendor whose clients read them.

pub mod anthropic;
mod aws;
mod google;
pub mod openai;

/// The vendor in whose shape an error is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Anthropic's, for Messages.
    Anthropic,
    /// OpenAI's, for Chat Completions and Responses.
    OpenAi,
    /// Google's, for its own API.
    Google,
    /// AWS's, for clients that speak Bedrock's runtime API.
    Aws,
}

/// The body of an error in the shape of `dialect`. `code` is written where the shape has a member for it.
#[must_use]
pub fn error_body(dialect: Dialect, status: u16, code: &str, message: &str) -> String {
    let kind = error_type(dialect, status);
    match dialect {
        Dialect::Anthropic => anthropic::error_body(kind, message, None),
        Dialect::OpenAi => openai::error_body(kind, code, message, None),
        Dialect::Google => google::error_body(status, kind, message, None),
        Dialect::Aws => aws::error_body(message),
    }
}

/// The body of the error where a budget is used up: `kind` is its type and, where the shape has one, its code. `resets_at`:
/// when the budget opens again, in seconds since the Unix epoch, for OpenAI's shape; `retry_seconds`: the same as a wait, for
/// Google's.
#[must_use]
pub fn exhausted_body(
    dialect: Dialect,
    status: u16,
    kind: &str,
    message: &str,
    resets_at: Option<u64>,
    retry_seconds: u32,
) -> String {
    match dialect {
        Dialect::Anthropic => anthropic::error_body(kind, message, None),
        Dialect::OpenAi => openai::error_body(kind, kind, message, resets_at),
        Dialect::Google => google::error_body(status, kind, message, Some(retry_seconds)),
        Dialect::Aws => aws::error_body(message),
    }
}

/// The header with the error's type, where the clients of `dialect` read it there.
#[must_use]
pub fn error_header(dialect: Dialect, status: u16) -> Option<(&'static str, &'static str)> {
    (dialect == Dialect::Aws).then(|| (aws::ERROR_TYPE, aws::error_type(status)))
}

/// The error's type for a status in the shape of `dialect`: `error.type`, Google's `error.status`, or AWS's exception.
#[must_use]
pub const fn error_type(dialect: Dialect, status: u16) -> &'static str {
    match dialect {
        Dialect::Anthropic => anthropic::error_type(status),
        Dialect::OpenAi => openai::error_type(status),
        Dialect::Google => google::error_type(status),
        Dialect::Aws => aws::error_type(status),
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, error_body, error_header, error_type};

    #[test]
    fn each_dialect_has_its_own_shape() {
        assert_eq!(
            error_body(Dialect::Anthropic, 503, "provider_disabled", "m"),
            r#"{"type":"error","error":{"type":"overloaded_error","message":"m"}}"#
        );
        assert_eq!(
            error_body(Dialect::OpenAi, 503, "provider_disabled", "m"),
            r#"{"error":{"message":"m","type":"server_error","param":null,"code":"provider_disabled"}}"#
        );
        assert_eq!(
            error_body(Dialect::Google, 503, "provider_disabled", "m"),
            r#"{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}"#
        );
        assert_eq!(error_body(Dialect::Aws, 503, "provider_disabled", "m"), r#"{"message":"m"}"#);
        assert_eq!(
            error_header(Dialect::Aws, 503),
            Some(("x-amzn-errortype", "ServiceUnavailableException"))
        );
        assert_eq!(error_header(Dialect::Google, 503), None);
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
            assert_eq!(error_type(Dialect::Anthropic, status), messages, "{status}");
            assert_eq!(error_type(Dialect::OpenAi, status), openai, "{status}");
        }
    }

    #[test]
    fn google_and_aws_name_their_own_types() {
        for (status, google, aws) in [
            (400, "INVALID_ARGUMENT", "ValidationException"),
            (401, "UNAUTHENTICATED", "AccessDeniedException"),
            (402, "INVALID_ARGUMENT", "ValidationException"),
            (403, "PERMISSION_DENIED", "AccessDeniedException"),
            (404, "NOT_FOUND", "ResourceNotFoundException"),
            (405, "INVALID_ARGUMENT", "ValidationException"),
            (408, "DEADLINE_EXCEEDED", "ValidationException"),
            (413, "INVALID_ARGUMENT", "ValidationException"),
            (415, "INVALID_ARGUMENT", "ValidationException"),
            (426, "UNIMPLEMENTED", "ValidationException"),
            (429, "RESOURCE_EXHAUSTED", "ThrottlingException"),
            (500, "INTERNAL", "InternalServerException"),
            (501, "UNIMPLEMENTED", "InternalServerException"),
            (502, "INTERNAL", "InternalServerException"),
            (503, "UNAVAILABLE", "ServiceUnavailableException"),
            (504, "DEADLINE_EXCEEDED", "InternalServerException"),
        ] {
            assert_eq!(error_type(Dialect::Google, status), google, "{status}");
            assert_eq!(error_type(Dialect::Aws, status), aws, "{status}");
        }
    }
}
