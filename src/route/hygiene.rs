//! Path hygiene: which paths are refused before routes are looked up (`envoy/behaviour.md#paths-and-routes`). The
//! checks see the path after one decoding. They do not change it.

use core::fmt;
use std::borrow::Cow;

use crate::percent;

/// Why a path is refused. Each problem would let a path mean one thing here and another upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathProblem {
    /// The bytes as written are not UTF-8: `/\xff`. `/%FF` is accepted.
    NotUtf8,
    /// A control character, a space or `#`, which no request target contains (RFC 9112 §3.2): `/a b`.
    ForbiddenCharacter,
    /// A `\`, written or as `%5C`: some servers read it as `/`.
    Backslash,
    /// `%00`: some servers end the path there.
    EncodedNul,
    /// A `%` without two hexadecimal digits (RFC 3986 §2.1): `/100%`.
    InvalidEscape,
    /// A segment that is or decodes to `.` or `..`, also between encoded slashes: `/a/%2e%2e/b`, `/a%2F..%2Fb`; or
    /// before path parameters, which some servers drop before they resolve it: `/a/..;x/b`.
    DotSegment,
    /// An empty segment before the last one: `//a`, `/a//`. A single `/` at the end is accepted.
    EmptySegment,
    /// A segment that decodes to nothing but white space: `/a/%20/b`.
    BlankSegment,
}

/// A path whose segments are the same before and after one decoding.
pub(super) struct Clean<'a> {
    /// As received, without the query.
    pub(super) written: &'a str,
    /// After one decoding; need not be UTF-8.
    pub(super) decoded: Cow<'a, [u8]>,
}

impl<'a> Clean<'a> {
    /// Checks `path`, which has no query.
    pub(super) fn parse(path: &'a [u8]) -> Result<Self, PathProblem> {
        let written = core::str::from_utf8(path).map_err(|_| PathProblem::NotUtf8)?;
        if is_plain(path) {
            return Ok(Self { written, decoded: Cow::Borrowed(path) });
        }
        Self::checked(written)
    }

    /// Makes every check.
    fn checked(written: &'a str) -> Result<Self, PathProblem> {
        if written.contains(|c: char| c.is_control() || c == ' ' || c == '#') {
            return Err(PathProblem::ForbiddenCharacter);
        }
        let decoded = percent::decode(written.as_bytes()).ok_or(PathProblem::InvalidEscape)?;
        if decoded.contains(&b'\\') {
            return Err(PathProblem::Backslash);
        }
        if decoded.contains(&0) {
            return Err(PathProblem::EncodedNul);
        }
        let inner = decoded.strip_prefix(b"/").unwrap_or(&decoded);
        let mut segments = inner.split(|byte| *byte == b'/').peekable();
        while let Some(segment) = segments.next() {
            let plain = segment.split(|byte| *byte == b';').next().unwrap_or_default();
            match segment {
                _ if plain == b"." || plain == b".." => return Err(PathProblem::DotSegment),
                b"" if segments.peek().is_some() => return Err(PathProblem::EmptySegment),
                b"" => {}
                _ if is_blank(segment) => return Err(PathProblem::BlankSegment),
                _ => {}
            }
        }
        Ok(Self { written, decoded })
    }
}

/// Whether `path` has only characters that pass every check, and no empty segment. Nearly every path does.
fn is_plain(path: &[u8]) -> bool {
    let mut before = 0;
    path.iter().all(|&byte| {
        let slash_before = core::mem::replace(&mut before, byte) == b'/';
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-') || (byte == b'/' && !slash_before)
    })
}

fn is_blank(segment: &[u8]) -> bool {
    core::str::from_utf8(segment).is_ok_and(|text| text.trim().is_empty())
}

impl fmt::Display for PathProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUtf8 => "the path is not UTF-8",
            Self::ForbiddenCharacter => "the path contains a control character, a space or '#'",
            Self::Backslash => "the path contains a backslash",
            Self::EncodedNul => "the path contains an encoded NUL",
            Self::InvalidEscape => "the path contains a '%' that is not followed by two hexadecimal digits",
            Self::DotSegment => "the path contains a '.' or '..' segment",
            Self::EmptySegment => "the path contains an empty segment",
            Self::BlankSegment => "the path contains a segment of white space only",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Clean, is_plain};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_plain_path_is_one_that_no_check_refuses(path in "(/|[a-zA-Z0-9_-]|/\\.\\.?|[%;.# \\\\\u{0}é]|%[0-9a-fA-F]{2}){0,8}") {
            if is_plain(path.as_bytes()) {
                let clean = Clean::checked(&path);
                prop_assert!(clean.is_ok_and(|clean| clean.written == path && *clean.decoded == *path.as_bytes()), "{path}");
            }
        }
    }
}
