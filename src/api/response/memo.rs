//! Events that tell nothing, passed by their looks.
//!
//! Most events of a stream are pieces of a text that no record keeps: they come by the hundred, differ in a value or two
//! that nobody reads, and leave reader and answer as they were. The memo has the [`Shape`] of the last such event that was
//! read. While reader and answer stay as they were then, an event of that shape tells them what that one told, so it
//! leaves them so as well and need not be read.
//!
//! Why that is so: what an event does depends on the reader, on the bytes that it is told of, and on whether the data is
//! valid. The reader is unchanged, for whoever leaves a [`Trace`](super::Trace) makes the memo forget. The bytes are the
//! same but for values that were skipped (the same are skipped now, for what decides that is told before them, and the
//! same) or that the reader says did not matter. Those values are checked as the scanner checks them, and nothing else can
//! make the data invalid. The event's lines are the same, for no valid value has a line's end in it.

use crate::json::{Shape, UnreadValues};
use memchr::memchr2;

/// The looks of events that tell nothing.
#[derive(Debug, Default)]
pub(super) struct Memo {
    shape: Shape,
}

// === impl Memo ===

impl Memo {
    /// What follows the event of up to `event_bytes` bytes that these begin with. `None`: it is to be read.
    #[inline(always)]
    pub(super) fn past<'a>(&self, bytes: &'a [u8], event_bytes: u64) -> Option<&'a [u8]> {
        self.shape.fits(bytes).filter(|&end| end as u64 <= event_bytes).and_then(|end| bytes.get(end..))
    }

    /// These bytes are an event that left no trace; places: in its data. If it is one line of data, with at most a name
    /// before it and nothing of its blank line to come, others may pass by it.
    pub(super) fn learn(&mut self, event: &[u8], places: &UnreadValues) {
        if let Some(begin) = data_begin(event) {
            self.shape.learn(event, begin, places);
        }
    }

    /// Reader or answer have changed.
    pub(super) fn forget(&mut self) {
        self.shape.forget();
    }
}

/// Where in an event its one line of data begins.
fn data_begin(event: &[u8]) -> Option<usize> {
    let named = if event.starts_with(b"event:") { past_line(event)? } else { event };
    let data = named.strip_prefix(b"data:")?;
    let data = data.strip_prefix(b" ").unwrap_or(data);
    matches!(past_line(data)?, b"\n" | b"\r\n").then_some(event.len().saturating_sub(data.len()))
}

/// What follows the first line, unless that ends in a CR alone.
fn past_line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.get(memchr2(b'\n', b'\r', bytes)?..)?;
    end.strip_prefix(b"\r").unwrap_or(end).strip_prefix(b"\n")
}
