//! Turns the document of an AWS error into Anthropic's shape.

use super::{AnthropicError, error_type, exception};
use crate::json::{Nameless, RawMembers, Scanner, ValidateOnly, text_members};
use core::fmt;
use std::borrow::Cow;

/// Translates the document of one error response as it arrives.
pub struct ErrorDocument {
    status: u16,
    /// AWS's name of the error; empty if AWS did not state it.
    exception: String,
    request_id: Option<String>,
    state: State,
}

enum State {
    /// Holds the bytes up to now, and looks for the end of the document.
    Reading(Vec<u8>, Box<Scanner<Nameless>>),
    /// The client has the translated error. All further bytes are dropped.
    Translated,
    /// The document is in Anthropic's shape already. All further bytes pass.
    Passing,
}

/// Longest error document that is read, in bytes. Of a longer one the client gets only status and error name.
const DOCUMENT_BYTES: usize = 64 * 1024;
/// Memory for the nesting of an error document, in bytes: eight levels each.
const DEPTH_BYTES: usize = 64;

// === impl ErrorDocument ===

impl ErrorDocument {
    /// A translator for a response with this status and these values of `x-amzn-errortype` (without what [`exception`]
    /// removes) and `x-amzn-requestid`.
    #[must_use]
    pub fn new(status: u16, exception: &str, request_id: Option<&str>) -> Self {
        Self {
            status,
            exception: exception.to_owned(),
            request_id: request_id.map(str::to_owned),
            state: State::Reading(Vec::new(), Box::new(Scanner::object(DEPTH_BYTES))),
        }
    }

    /// AWS's name of the error; empty if AWS did not state it.
    #[must_use]
    pub fn exception(&self) -> &str {
        &self.exception
    }

    /// Takes the next chunk, and returns the bytes that the client gets instead. They hold the whole error as soon as the
    /// document is complete, invalid or too long, or with `end`, which marks the last chunk. Before that they are empty.
    pub fn feed(&mut self, chunk: &[u8], end: bool) -> Vec<u8> {
        let State::Reading(held, scanner) = &mut self.state else {
            return if matches!(self.state, State::Passing) { chunk.to_vec() } else { Vec::new() };
        };
        held.extend_from_slice(chunk);
        let unusable = scanner.feed(chunk, &mut ValidateOnly).is_err() || held.len() > DOCUMENT_BYTES;
        if !unusable && !scanner.is_complete() && !end {
            return Vec::new();
        }
        let held = core::mem::take(held);
        let names = ["message", "Message", "__type", "type"];
        let read = if unusable { None } else { text_members(&held, names) };
        let [message, capital_message, exception_member, r#type] = read.unwrap_or_default();
        if r#type.text().as_deref() == Some("error") && has_error_member(&held) {
            self.state = State::Passing;
            return held;
        }
        self.state = State::Translated;
        if let Some(name) = exception_member.text().as_deref().filter(|_| self.exception.is_empty()) {
            exception(name).clone_into(&mut self.exception);
        }
        let message = message.text().or_else(|| capital_message.text());
        let message = message.unwrap_or_else(|| self.fallback());
        let kind = error_type(&self.exception, self.status);
        AnthropicError::new(kind, &message, self.request_id.as_deref()).json()
    }

    /// The message for the client if AWS states none.
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
    /// Shows no byte of the document.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Reading(held, _) => format!("Reading({} bytes)", held.len()),
            State::Translated => "Translated".to_owned(),
            State::Passing => "Passing".to_owned(),
        };
        f.debug_struct("ErrorDocument")
            .field("status", &self.status)
            .field("state", &state)
            .finish_non_exhaustive()
    }
}

/// Whether `document`, a valid object, has a member `error` that is not null.
fn has_error_member(document: &[u8]) -> bool {
    RawMembers::of(document).any(|member| member.name == "error" && member.value != b"null")
}

#[cfg(test)]
mod tests {
    use super::ErrorDocument;

    fn translated(status: u16, kind: &str, body: &[u8], size: usize) -> String {
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
    fn an_aws_error_gets_anthropics_shape_and_keeps_its_request_id() {
        let body = br#"{"message":"Malformed input request: \"x\""}"#;
        for size in [1, 5, 1000] {
            assert_eq!(
                translated(400, "ValidationException", body, size),
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"Malformed input request: \"x\""},"request_id":"req-1"}"#
            );
        }
    }

    #[test]
    fn without_an_aws_message_the_client_gets_status_and_error_name() {
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
                assert_eq!(translated(status, kind, body.as_bytes(), size), wanted, "{body}");
            }
        }
        let long = format!(r#"{{"message":"{}"}}"#, "x".repeat(70_000));
        assert!(
            translated(400, "ValidationException", long.as_bytes(), 1000)
                .contains("status 400 (ValidationException)")
        );
    }

    #[test]
    fn an_error_in_anthropics_shape_passes_unchanged() {
        for body in [
            r#" {"type": "error", "error": {"type": "overloaded_error", "message": "m"}} "#,
            r#"{"error":{"type":"overloaded_error","half a pair\ud83d":"\ud83d","too large":1e999},"type":"error"}"#,
            r#"{"type":"error","error":null,"error":{"type":"overloaded_error"}}"#,
        ] {
            for size in [1, 1000] {
                assert_eq!(translated(529, "", body.as_bytes(), size), body);
            }
        }
    }

    #[test]
    fn an_object_without_an_error_is_not_in_anthropics_shape() {
        let body = r#"{"type":"error","error":null,"message":"m"}"#;
        let wanted =
            r#"{"type":"error","error":{"type":"overloaded_error","message":"m"},"request_id":"req-1"}"#;
        assert_eq!(translated(503, "", body.as_bytes(), 1000), wanted);
    }
}
