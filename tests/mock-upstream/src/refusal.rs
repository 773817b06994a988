//! Errors in the shape of the provider that the mock plays.
//! <https://docs.claude.com/en/api/errors>, <https://platform.openai.com/docs/guides/error-codes>.

use serde_json::{Value, json};

/// The vendor whose errors and headers a response has. Copilot uses both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Anthropic's, for Messages and the routes that belong to it.
    Anthropic,
    /// OpenAI's: all other routes.
    OpenAi,
}

/// The status of an overloaded provider.
pub(crate) fn overloaded_status(dialect: Dialect) -> u16 {
    match dialect {
        Dialect::Anthropic => 529,
        Dialect::OpenAi => 503,
    }
}

/// The body of an error.
pub(crate) fn body(dialect: Dialect, status: u16, message: &str, request_id: &str) -> Value {
    match dialect {
        Dialect::Anthropic => {
            let error = json!({"type": anthropic_type(status), "message": message});
            json!({"type": "error", "error": error, "request_id": request_id})
        }
        Dialect::OpenAi => {
            let (kind, code) = openai_type_and_code(status);
            json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
        }
    }
}

fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 | 503 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

fn openai_type_and_code(status: u16) -> (&'static str, Value) {
    match status {
        401 => ("invalid_request_error", "invalid_api_key".into()),
        404 => ("invalid_request_error", "model_not_found".into()),
        429 => ("requests", "rate_limit_exceeded".into()),
        500.. => ("server_error", Value::Null),
        _ => ("invalid_request_error", Value::Null),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_the_providers_shape() {
        let anthropic = body(Dialect::Anthropic, 529, "Overloaded", "req_1");
        assert_eq!(anthropic.pointer("/error/type").unwrap(), "overloaded_error");
        assert_eq!(anthropic["request_id"], "req_1");
        let openai = body(Dialect::OpenAi, 429, "Slow down", "req_1");
        assert_eq!(openai.pointer("/error/code").unwrap(), "rate_limit_exceeded");
        assert!(openai["error"].as_object().unwrap().contains_key("param"));
    }
}
