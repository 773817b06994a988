//! Header names in configuration, and which of them can do what is asked of them.

use super::echo::quoted;
use super::node::Node;
use crate::glob::Glob;
use crate::headers::CREDENTIAL_HEADERS;

/// Headers in which a credential goes to a provider.
const CREDENTIALS_SENT: [&str; 2] = ["authorization", "x-api-key"];

/// Headers that make the message: they are never removed, so that nobody may ask for it.
const NEVER_REMOVED: [&str; 4] = ["host", "content-type", "content-length", "content-encoding"];

/// Headers that HTTP (RFC 9110 §7.6.1 and its kin) or the providers' APIs need for themselves.
const TAKEN: [&str; 20] = [
    "accept",
    "accept-encoding",
    "anthropic-beta",
    "anthropic-version",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-request-id",
];

/// Bytes of the longest header name.
const LONGEST_NAME_BYTES: usize = 128;

/// The header name in `node`, lower-cased; `None` once what is wrong with it was said.
pub(super) fn header_name(node: &Node<'_>) -> Option<String> {
    let name = token(node, "a header name")?;
    // RFC 9110 allows it, but who writes it means a pattern.
    if name.contains('*') {
        node.problem(format_args!("expected one header name, found the pattern {}", quoted(&name)));
        return None;
    }
    if TAKEN.contains(&name.as_str()) {
        node.problem(format_args!(
            "\"{name}\" belongs to HTTP or to the providers' APIs; choose another header"
        ));
        return None;
    }
    Some(name)
}

/// As [`header_name`], for a header whose value is recorded or overwritten: no credential may stand in it.
pub(super) fn header_name_without_credential(node: &Node<'_>) -> Option<String> {
    let name = header_name(node)?;
    if CREDENTIAL_HEADERS.contains(&name.as_str()) || name == "cookie" {
        node.problem(format_args!("\"{name}\" carries credentials; choose another header"));
        return None;
    }
    Some(name)
}

/// The lower-cased pattern of header names in `node`; `None` once what is wrong with it was said.
pub(super) fn header_pattern(node: &Node<'_>) -> Option<Glob> {
    let pattern = token(node, "a header name, in which * stands for any characters")?;
    if pattern.bytes().all(|byte| byte == b'*') {
        node.problem(format_args!("\"{pattern}\" would remove every header"));
        return None;
    }
    if NEVER_REMOVED.contains(&pattern.as_str()) {
        node.problem(format_args!("\"{pattern}\" makes the message and is never removed"));
        return None;
    }
    let pattern = Glob::new(pattern);
    if let Some(name) = CREDENTIALS_SENT.iter().find(|name| pattern.matches(name)) {
        node.problem(format_args!(
            "would remove \"{name}\", in which the credential goes to the provider; others' go anyway"
        ));
        return None;
    }
    Some(pattern)
}

/// The lower-cased text in `node` where it is a token of RFC 9110 (to which `*` belongs).
fn token(node: &Node<'_>, expected: &str) -> Option<String> {
    let text = node.text()?;
    if text.starts_with(':') {
        node.problem(format_args!("expected {expected}, found the pseudo header {}", quoted(text)));
    } else if text.is_empty() || !text.bytes().all(is_token_byte) {
        node.problem(format_args!("expected {expected}, found {}", quoted(text)));
    } else if text.len() > LONGEST_NAME_BYTES {
        node.problem(format_args!("longer than {LONGEST_NAME_BYTES} bytes"));
    } else {
        return Some(text.to_ascii_lowercase());
    }
    None
}

/// RFC 9110 §5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
