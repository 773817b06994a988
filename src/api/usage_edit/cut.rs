//! Cuts usage events out of a response. The reader says which events to leave out, and from which offset on a usage
//! event may have begun. From there on bytes wait, at most `limits.event_bytes` of them; all other bytes pass at once.
//! A comment is part of no event: those within an event that is left out stay.

use super::length;
use core::fmt;
use memchr::memchr2;

/// The cut in one event stream.
#[derive(Default)]
pub struct Cut {
    /// Bytes that came and wait to be decided.
    held: Vec<u8>,
    /// Offset in the stream of the first byte that waits; if none waits, of the next byte.
    begin: u64,
    /// Start and end of the events to leave out, in ascending order.
    events: Vec<(u64, u64)>,
    /// The last byte read is the CR that ends an event that was left out; an LF that follows is left out too.
    after_cr: bool,
}

// === impl Cut ===

impl Cut {
    /// A cut that begins after the first `offset` bytes of a stream, which have passed.
    #[must_use]
    pub fn from(offset: u64) -> Self {
        Self { begin: offset, ..Self::default() }
    }

    /// Leaves out the event at these offsets, unless its start has passed: the rest of it would be garbage.
    pub fn leave_out(&mut self, start: u64, end: u64) {
        if start >= self.begin {
            self.events.push((start, end));
        }
    }

    /// Takes the next chunk, of which the bytes from offset `undecided` on wait. Returns what passes to the client
    /// instead of the chunk; `None`: the chunk itself.
    #[inline(never)]
    pub fn pass(&mut self, chunk: &[u8], undecided: u64) -> Option<Vec<u8>> {
        if core::mem::take(&mut self.after_cr) {
            match chunk.first() {
                Some(b'\n') => self.events.insert(0, (self.begin, self.begin.saturating_add(1))),
                Some(_) => {}
                None => self.after_cr = true,
            }
        }
        if !self.held.is_empty() && self.events.is_empty() && undecided <= self.begin {
            // All bytes go on waiting. What waits already is not copied: chunks can be single bytes.
            self.held.extend_from_slice(chunk);
            return (!chunk.is_empty()).then(Vec::new);
        }
        let waits = undecided < self.begin.saturating_add(length(&self.held)).saturating_add(length(chunk));
        if self.held.is_empty() && self.events.is_empty() && !waits {
            self.begin = self.begin.saturating_add(length(chunk));
            return None;
        }
        let mut view = core::mem::take(&mut self.held);
        view.extend_from_slice(chunk);
        let begin = self.begin;
        let at =
            |offset: u64| usize::try_from(offset.saturating_sub(begin)).unwrap_or(usize::MAX).min(view.len());
        let mut passes = Vec::new();
        let mut from = 0;
        for (start, end) in self.events.drain(..) {
            let (cut, after) = (at(start), at(end));
            passes.extend_from_slice(view.get(from..cut).unwrap_or_default());
            push_comments(view.get(cut..after).unwrap_or_default(), &mut passes);
            from = after;
            self.after_cr = from == view.len() && view.last() == Some(&b'\r');
        }
        let to = at(undecided);
        passes.extend_from_slice(view.get(from..to).unwrap_or_default());
        self.begin = begin.saturating_add(u64::try_from(to).unwrap_or(u64::MAX));
        self.held = view.split_off(to);
        (!passes.is_empty() || !chunk.is_empty()).then_some(passes)
    }

    /// The stream is over. Returns the bytes that waited and pass to the client after all.
    pub fn finish(&mut self) -> Vec<u8> {
        if self.held.is_empty() {
            return Vec::new();
        }
        self.pass(&[], u64::MAX).unwrap_or_default()
    }
}

/// Appends the comment lines of an event to `passes`.
fn push_comments(event: &[u8], passes: &mut Vec<u8>) {
    let mut rest = event;
    while !rest.is_empty() {
        let end = memchr2(b'\n', b'\r', rest).map_or(rest.len(), |end| {
            let pair = rest.get(end..).is_some_and(|rest| rest.starts_with(b"\r\n"));
            end.saturating_add(if pair { 2 } else { 1 })
        });
        let (line, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
        if line.starts_with(b":") {
            passes.extend_from_slice(line);
        }
        rest = after;
    }
}

impl fmt::Debug for Cut {
    /// Without the response's bytes, which are text of the model.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cut")
            .field("held", &self.held.len())
            .field("begin", &self.begin)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}
