//! Errors of AWS, said as Anthropic says them: <https://docs.anthropic.com/en/api/errors>.
//!
//! AWS names the kind of an error in the header `x-amzn-errortype` and has a `message` in the body:
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_Errors>

use super::members::Members;
use crate::dialect::anthropic;
use crate::json::{Nameless, Nobody, Scanner};
use crate::object::members;
use core::fmt;
use std::borrow::Cow;

/// An error in Anthropic's shape, with the id by which AWS knows the request.
#[derive(Debug)]
pub struct Said<'a> {
    kind: &'static str,
    message: &'a str,
    request_id: Option<&'a str>,
}

/// Turns the document of an error status into Anthropic's shape as it comes by.
pub struct ErrorDocument {
    status: u16,
    /// AWS's name of the error, from the header; empty where there is none.
    exception: String,
    request_id: Option<String>,
    state: State,
}

enum State {
    /// What came so far, and whether it is a whole document yet.
    Reading(Vec<u8>, Box<Scanner<Nameless>>),
    /// It was said; the rest is nobody's.
    Said,
    /// It is in Anthropic's shape already.
    Passing,
}

/// Bytes of an error document that are read; of a longer one only status and headers are told.
const DOCUMENT_BYTES: usize = 64 * 1024;
/// Memory for nesting, in bytes: one bit a level.
const DEPTH_BYTES: usize = 64;

/// `error.type` for AWS's name of an error; where that says nothing, for the status.
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

/// AWS's name in `x-amzn-errortype` or `__type`, without what may stand around it: a namespace before, a URL after.
#[must_use]
pub fn exception(written: &str) -> &str {
    let name = written.rsplit('#').next().unwrap_or_default();
    name.split(':').next().unwrap_or_default().trim()
}

// === impl Said ===

impl<'a> Said<'a> {
    /// An error of this type.
    #[must_use]
    pub const fn new(kind: &'static str, message: &'a str, request_id: Option<&'a str>) -> Self {
        Self { kind, message, request_id }
    }

    /// As JSON.
    #[must_use]
    pub fn json(&self) -> Vec<u8> {
        anthropic::error_body(self.kind, self.message, self.request_id).into_bytes()
    }
}

// === impl ErrorDocument ===

impl ErrorDocument {
    /// For an answer with this status, `x-amzn-errortype` and `x-amzn-requestid`.
    #[must_use]
    pub fn new(status: u16, exception: &str, request_id: Option<&str>) -> Self {
        Self {
            status,
            exception: exception.to_owned(),
            request_id: request_id.map(str::to_owned),
            state: State::Reading(Vec::new(), Box::new(Scanner::object(DEPTH_BYTES))),
        }
    }

    /// AWS's name of the error; empty where it did not say.
    #[must_use]
    pub fn exception(&self) -> &str {
        &self.exception
    }

    /// What is for the client instead of `chunk`. The whole error, as soon as its document is complete; where it is none
    /// (no JSON, or too long), as soon as that shows.
    pub fn feed(&mut self, chunk: &[u8], end: bool) -> Vec<u8> {
        let State::Reading(held, scanner) = &mut self.state else {
            return if matches!(self.state, State::Passing) { chunk.to_vec() } else { Vec::new() };
        };
        held.extend_from_slice(chunk);
        let wrong = scanner.feed(chunk, &mut Nobody).is_err() || held.len() > DOCUMENT_BYTES;
        if !wrong && !scanner.is_complete() && !end {
            return Vec::new();
        }
        let held = core::mem::take(held);
        let names = ["message", "Message", "__type", "type"];
        let read = if wrong { None } else { members(&held, names) };
        let [message, capital_message, kind, r#type] = read.unwrap_or_default();
        if r#type.text().as_deref() == Some("error") && states_error(&held) {
            self.state = State::Passing;
            return held;
        }
        self.state = State::Said;
        if let Some(kind) = kind.text().as_deref().filter(|_| self.exception.is_empty()) {
            exception(kind).clone_into(&mut self.exception);
        }
        let message = message.text().or_else(|| capital_message.text());
        let message = message.unwrap_or_else(|| self.fallback());
        let kind = error_type(&self.exception, self.status);
        Said::new(kind, &message, self.request_id.as_deref()).json()
    }

    /// What to say where AWS has no message.
    fn fallback(&self) -> Cow<'static, str> {
        let (status, exception) = (self.status, &self.exception);
        Cow::Owned(if exception.is_empty() {
            format!("AWS answered with status {status}")
        } else {
            format!("AWS answered with status {status} ({exception})")
        })
    }
}

impl fmt::Debug for ErrorDocument {
    /// Without the answer's bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Reading(held, _) => format!("Reading({} bytes)", held.len()),
            State::Said => "Said".to_owned(),
            State::Passing => "Passing".to_owned(),
        };
        f.debug_struct("ErrorDocument")
            .field("status", &self.status)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

/// Whether `document`, a valid object, has an `error`. What that says is the client's.
fn states_error(document: &[u8]) -> bool {
    Members::of(document).any(|member| member.name == "error" && member.value != b"null")
}

#[cfg(test)]
mod tests {
    use super::{ErrorDocument, error_type, exception};

    fn said(status: u16, kind: &str, body: &[u8], size: usize) -> String {
        let mut document = ErrorDocument::new(status, kind, Some("req-1"));
        let mut out = Vec::new();
        for chunk in body.chunks(size) {
            out.extend(document.feed(chunk, false));
        }
        out.extend(document.feed(b"", true));
        out.extend(document.feed(b"", true));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_error_of_aws_is_said_in_anthropics_shape_with_awss_request_id() {
        let body = br#"{"message":"Malformed input request: \"x\""}"#;
        for size in [1, 5, 1000] {
            assert_eq!(
                said(400, "ValidationException", body, size),
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"Malformed input request: \"x\""},"request_id":"req-1"}"#
            );
        }
    }

    #[test]
    fn where_aws_says_little_its_status_and_name_are_told() {
        for (status, kind, body, wanted) in [
            (403, "", r#"{"Message":"no"}"#, r#"{"type":"permission_error","message":"no"}"#),
            (
                403,
                "",
                r#"{"__type":"com.amazon.coral.service#AccessDeniedException"}"#,
                r#"{"type":"permission_error","message":"AWS answered with status 403 (AccessDeniedException)"}"#,
            ),
            (503, "", "<html>", r#"{"type":"overloaded_error","message":"AWS answered with status 503"}"#),
            (500, "", "", r#"{"type":"api_error","message":"AWS answered with status 500"}"#),
            (500, "", "{\"message\"", r#"{"type":"api_error","message":"AWS answered with status 500"}"#),
            (
                429,
                "",
                r#"{"message":7}"#,
                r#"{"type":"rate_limit_error","message":"AWS answered with status 429"}"#,
            ),
        ] {
            let wanted = format!(r#"{{"type":"error","error":{wanted},"request_id":"req-1"}}"#);
            for size in [1, 1000] {
                assert_eq!(said(status, kind, body.as_bytes(), size), wanted, "{body}");
            }
        }
        let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(70_000));
        assert!(
            said(400, "ValidationException", long.as_bytes(), 1000)
                .contains("status 400 (ValidationException)")
        );
    }

    #[test]
    fn what_is_in_anthropics_shape_already_passes_as_it_is() {
        for body in [
            r#" {"type": "error", "error": {"type": "overloaded_error", "message": "m"}} "#,
            r#"{"error":{"type":"overloaded_error","half a pair\ud83d":"\ud83d","too large":1e999},"type":"error"}"#,
            r#"{"type":"error","error":null,"error":{"type":"overloaded_error"}}"#,
        ] {
            for size in [1, 1000] {
                assert_eq!(said(529, "", body.as_bytes(), size), body);
            }
        }
    }

    #[test]
    fn an_object_that_says_error_and_states_none_is_not_in_anthropics_shape() {
        let body = r#"{"type":"error","error":null,"message":"m"}"#;
        let wanted =
            r#"{"type":"error","error":{"type":"overloaded_error","message":"m"},"request_id":"req-1"}"#;
        assert_eq!(said(503, "", body.as_bytes(), 1000), wanted);
    }

    #[test]
    fn the_name_says_more_than_the_status() {
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
