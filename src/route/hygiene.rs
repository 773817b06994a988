//! Path hygiene: what a path must not hold to be looked at at all (contract §1).
//! It checks the path as it is after one decoding, and changes nothing.

use core::fmt;
use std::borrow::Cow;

/// Why a path is not looked at. Each would let a path mean one thing here and another upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathProblem {
    /// The bytes are not UTF-8 as they stand: `/\xff`. (`/%FF` is fine.)
    NotUtf8,
    /// A control character, a space or `#`, none of which a request target can hold (RFC 9112 §3.2): `/a b`.
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
    /// A segment of nothing before the last: `//a`, `/a//`. A single `/` at the end is fine.
    EmptySegment,
    /// A segment that decodes to white space only: `/a/%20/b`.
    BlankSegment,
}

/// A path that means the same before and after one decoding, as far as its segments go.
pub(super) struct Clean<'a> {
    /// As received, without the query.
    pub(super) written: &'a str,
    /// After one decoding; need not be UTF-8.
    pub(super) decoded: Cow<'a, [u8]>,
}

impl<'a> Clean<'a> {
    /// Refuses what contract §1 calls unhygienic.
    pub(super) fn parse(path: &'a [u8]) -> Result<Self, PathProblem> {
        let written = core::str::from_utf8(path).map_err(|_| PathProblem::NotUtf8)?;
        if is_plain(path) {
            return Ok(Self { written, decoded: Cow::Borrowed(path) });
        }
        Self::checked(written)
    }

    /// As [`parse`](Self::parse), whatever is in it.
    fn checked(written: &'a str) -> Result<Self, PathProblem> {
        if written.contains(|c: char| c.is_control() || c == ' ' || c == '#') {
            return Err(PathProblem::ForbiddenCharacter);
        }
        let decoded = decode(written.as_bytes())?;
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

/// Whether there is nothing in `path` that any check could be about, as in nearly all.
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

/// One percent-decoding (RFC 3986 §2.1). Borrows where there is nothing to decode.
pub(super) fn decode(path: &[u8]) -> Result<Cow<'_, [u8]>, PathProblem> {
    if memchr::memchr(b'%', path).is_none() {
        return Ok(Cow::Borrowed(path));
    }
    let mut decoded = Vec::with_capacity(path.len());
    let mut bytes = path.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
            let value = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
            decoded.push(value.ok_or(PathProblem::InvalidEscape)?);
        } else {
            decoded.push(byte);
        }
    }
    Ok(Cow::Owned(decoded))
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
