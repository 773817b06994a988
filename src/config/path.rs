//! The root: one path prefix in front of everything, compared with request paths as it is written.

use super::node::Node;

/// Bytes of the longest root.
const LONGEST_ROOT_BYTES: usize = 256;

/// The root in `node`: empty, or a path that a request could have; `None` once what is wrong was said.
pub(super) fn root(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    match unusable(text) {
        None => Some(text.to_owned()),
        Some(why) => {
            node.problem(format_args!("{why}"));
            None
        }
    }
}

/// Why no request path could begin with `root`.
fn unusable(root: &str) -> Option<&'static str> {
    if root.is_empty() {
        return None;
    }
    if root == "/" {
        return Some("for no prefix write \"\"");
    }
    let Some(segments) = root.strip_prefix('/') else {
        return Some("expected \"\" or a path that starts with /");
    };
    if root.len() > LONGEST_ROOT_BYTES {
        return Some("longer than 256 bytes");
    }
    if root.ends_with('/') {
        return Some("ends with /; leave that out");
    }
    if root.contains(['?', '#']) {
        return Some("a path prefix has no query or fragment");
    }
    if !root.bytes().all(is_path_byte) {
        return Some("holds characters that no request path has: escape them with %");
    }
    if !escapes_are_valid(root) {
        return Some("holds an invalid percent escape");
    }
    let decoded = decoded(root);
    if segments.split('/').any(str::is_empty) {
        return Some("holds an empty segment (//)");
    }
    if decoded.split(|byte| *byte == b'/').any(|segment| matches!(segment, b"." | b"..")) {
        return Some("holds a dot segment, which clients and proxies resolve before it is compared");
    }
    if decoded.iter().any(|byte| matches!(byte, 0 | b'\\')) {
        return Some("holds an escaped NUL or backslash");
    }
    None
}

/// RFC 3986 §3.3: what a path consists of, escapes included.
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte)
}

/// Whether two hexadecimal digits follow each `%`.
pub(super) fn escapes_are_valid(path: &str) -> bool {
    path.split('%').skip(1).all(|rest| {
        let mut digits = rest.bytes().take(2);
        let mut digit = || digits.next().is_some_and(|byte| byte.is_ascii_hexdigit());
        digit() && digit()
    })
}

/// `path` with its escapes, which are valid, resolved once.
fn decoded(path: &str) -> Vec<u8> {
    let mut bytes = path.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16)).unwrap_or(0);
        decoded.push(if byte == b'%' { u8::try_from(digit() * 16 + digit()).unwrap_or(0) } else { byte });
    }
    decoded
}
