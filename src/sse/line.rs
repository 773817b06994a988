//! The position of the next byte within a line of an event stream.

use memchr::memchr2;

/// The position of the next byte within its line.
///
/// A chunk can end anywhere. Four positions need memory of the bytes before them: inside the byte order mark, inside a
/// field name, before the space after a colon, and between CR and LF (which [`Decoder`](super::Decoder) remembers).
#[derive(Clone, Copy, Debug)]
pub(super) enum Line {
    /// At the start of the stream, after this many bytes of the byte order mark.
    Mark(usize),
    /// At the first byte of a line.
    Start,
    /// After this many bytes of what may be the name of this field.
    Name(Field, usize),
    /// Just past the colon, where one space does not belong to the value.
    Space(Field),
    /// Inside a value.
    Value(Field),
    /// Inside a comment ahead of the event's first field.
    LeadingComment,
    /// Inside an unknown field, or a comment behind the event's first field.
    Ignored,
}

/// The fields that are read.
#[derive(Clone, Copy, Debug)]
pub(super) enum Field {
    /// `data`
    Data,
    /// `event`
    Event,
}

/// The UTF-8 byte order mark.
pub(super) const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

impl Field {
    /// The field whose name, colon and one space begin `line`, and what follows them. `None`: the line begins
    /// otherwise, or ends before the space.
    #[inline(always)]
    pub(super) fn begun(line: &[u8]) -> Option<(Self, &[u8])> {
        if let Some(value) = line.strip_prefix(b"data: ") {
            return Some((Self::Data, value));
        }
        line.strip_prefix(b"event: ").map(|value| (Self::Event, value))
    }

    pub(super) const fn name(self) -> &'static [u8] {
        match self {
            Self::Data => b"data",
            Self::Event => b"event",
        }
    }
}

/// Splits `rest` before the end of its first line.
pub(super) fn split_line(rest: &[u8]) -> (&[u8], &[u8]) {
    rest.split_at(memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()))
}
