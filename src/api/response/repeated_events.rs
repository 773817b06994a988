//! Skips events that cannot change the record, by comparing them with the last such event.
//!
//! Most events of a stream are pieces of a text that no record keeps. They come by the hundred, differ only in values
//! that are not read, and change neither the reader nor the answer. [`RepeatedEvents`] holds the [`Shape`] of the last
//! such event that was read. As long as the reader and the answer stay as they were then, an event of the same shape
//! cannot change them either, so its data is not read. Only its texts are still counted: the shape knows which of its
//! values are texts.
//!
//! Why this is correct: the effect of an event depends on the reader, on the bytes that the reader is given, and on
//! whether the data is valid. The reader is unchanged, because an event that may [change](super::Change) it makes
//! `RepeatedEvents` forget the shape. The bytes are the same except for values that the reader skips, or of which it
//! said that they do not matter ([`Want::Tentative`](crate::json::Want::Tentative)); the reader skips the same values
//! again because the bytes before them are the same. The shape checks those values as the scanner does, and nothing
//! else can be invalid. The event has the same lines, because a valid value contains no line end.

use crate::json::{Shape, UnreadValues};
use memchr::memchr2;

/// The shape of the last event that changed nothing.
#[derive(Debug, Default)]
pub(super) struct RepeatedEvents {
    shape: Shape,
}

// === impl RepeatedEvents ===

impl RepeatedEvents {
    /// The length of the event that `bytes` begin with, and the bytes of its counted texts, if that event need not be read
    /// and has at most `event_bytes` bytes.
    #[inline(always)]
    pub(super) fn event_end(&self, bytes: &[u8], event_bytes: u64) -> Option<(usize, u64)> {
        self.shape.fits(bytes).filter(|&(end, _)| end as u64 <= event_bytes)
    }

    /// Takes the shape of an event that changed nothing. `places`: values in its data that may differ. Only events of
    /// one `data` line, with at most an `event` line before it and with all of the blank line, have a shape. `text_bytes`:
    /// of its counted texts, which are a piece of the answer.
    pub(super) fn learn(&mut self, event: &[u8], places: &UnreadValues, text_bytes: u64) {
        if let Some(begin) = data_begin(event) {
            self.shape.learn(event, begin, places, text_bytes);
        }
    }

    /// Forgets the shape: the reader or the answer may have changed.
    pub(super) fn forget(&mut self) {
        self.shape.forget();
    }
}

/// The position in an event at which the data of its only `data` line begins.
fn data_begin(event: &[u8]) -> Option<usize> {
    let named = if event.starts_with(b"event:") { after_line(event)? } else { event };
    let data = named.strip_prefix(b"data:")?;
    let data = data.strip_prefix(b" ").unwrap_or(data);
    matches!(after_line(data)?, b"\n" | b"\r\n").then_some(event.len().saturating_sub(data.len()))
}

/// The bytes after the first line. `None`: the line has no end, or ends in a CR without LF.
fn after_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.get(memchr2(b'\n', b'\r', bytes)?..)?;
    end.strip_prefix(b"\r").unwrap_or(end).strip_prefix(b"\n")
}
