//! `root`: the path prefix in front of every route, compared with request paths as it is written.

use super::node::Node;
use crate::percent;

/// Bytes of the longest root.
const LONGEST_ROOT_BYTES: usize = 256;

/// The root in `node`: empty, or a path that a request can have. `None` after a problem was reported.
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

/// Why no request path can begin with `root`.
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
    let Some(decoded) = percent::decode(root.as_bytes()) else {
        return Some("holds an invalid percent escape");
    };
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

/// The characters of a path, escapes included (RFC 3986 §3.3).
fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte)
}
