//! Names and patterns of headers, and which headers a member may name.

use super::node::Node;
use super::quoted::quoted;
use crate::credential::GatewayCredentials;
use crate::glob::Glob;
use crate::headers::{CREDENTIAL_HEADERS, OWN_PREFIX, Role};
use crate::provider::ProviderType;

/// Headers that the providers' APIs or Envoy read themselves, besides those that have a [`Role`].
const TAKEN: [&str; 7] = [
    "accept",
    "accept-encoding",
    "anthropic-beta",
    "anthropic-version",
    "expect",
    "user-agent",
    "x-request-id",
];

/// Bytes of the longest header name.
const LONGEST_NAME_BYTES: usize = 128;

/// The header name in `node`, in lower case; `None` after a problem was reported.
pub(super) fn header_name(node: &Node<'_>) -> Option<String> {
    let name = token(node, "a header name")?;
    // RFC 9110 allows `*` in a name, but here it is a mistaken pattern.
    if name.contains('*') {
        node.problem(format_args!("expected one header name, found the pattern {}", quoted(&name)));
        return None;
    }
    if Role::of(&name) != Role::Other || TAKEN.contains(&name.as_str()) {
        node.problem(format_args!(
            "\"{name}\" belongs to HTTP or to the providers' APIs; choose another header"
        ));
        return None;
    }
    Some(name)
}

/// As [`header_name`], for a header whose value is recorded or overwritten: it must not carry a credential.
pub(super) fn header_name_without_credential(node: &Node<'_>) -> Option<String> {
    let name = header_name(node)?;
    if CREDENTIAL_HEADERS.contains(&name.as_str()) || name == "cookie" {
        node.problem(format_args!("\"{name}\" carries credentials; choose another header"));
        return None;
    }
    Some(name)
}

/// The pattern of header names in `node`, in lower case; `None` after a problem was reported.
pub(super) fn header_pattern(node: &Node<'_>) -> Option<Glob> {
    let pattern = token(node, "a header name, in which * stands for any characters")?;
    if pattern.bytes().all(|byte| byte == b'*') {
        node.problem(format_args!("\"{pattern}\" would remove every header"));
        return None;
    }
    if Role::of(&pattern) == Role::Message {
        node.problem(format_args!("\"{pattern}\" makes the message and is never removed"));
        return None;
    }
    let pattern = Glob::new(pattern);
    let is_sent = |name: &str| ProviderType::ALL.iter().any(|kind| kind.profile().sends_credential_in(name));
    if let Some(name) = CREDENTIAL_HEADERS.iter().find(|name| is_sent(name) && pattern.matches(name)) {
        node.problem(format_args!(
            "would remove \"{name}\", in which the credential goes to the provider; others' go anyway"
        ));
        return None;
    }
    Some(pattern)
}

/// The header name `written`, which a member of a pool sets, in lower case; `None` after a problem was reported at `node`.
pub(super) fn member_header(node: &Node<'_>, written: &str, gateway: &GatewayCredentials) -> Option<String> {
    let name = token_of(node, written, "a header name")?;
    let problem =
        if CREDENTIAL_HEADERS.contains(&name.as_str()) || name == "cookie" || gateway.consumes(&name) {
            "carries credentials; the member's belongs in `key`"
        } else if name.starts_with(OWN_PREFIX) {
            "is one of this filter's own"
        } else if Role::of(&name) != Role::Other {
            "belongs to HTTP"
        } else {
            return Some(name);
        };
    node.problem(format_args!("\"{name}\" {problem}"));
    None
}

/// The text in `node` in lower case, where it is a token of RFC 9110. `*` is a character of tokens.
fn token(node: &Node<'_>, expected: &str) -> Option<String> {
    token_of(node, node.text()?, expected)
}

/// `text` in lower case, where it is a token; problems are reported at `node`.
fn token_of(node: &Node<'_>, text: &str, expected: &str) -> Option<String> {
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

/// The characters of a token (RFC 9110 §5.6.2).
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
