//! The one edit of a response's body: the usage event that the [splice](super::Splice) caused is left out with its blank
//! line (contract §6). It is told which events to leave out and where an event begins that may still be that one; those
//! bytes wait, at most `limits.event_bytes` of them, and everything else passes at once.

use core::fmt;

/// The cut in one stream.
#[derive(Default)]
pub struct Cut {
    /// Bytes that came and wait.
    held: Vec<u8>,
    /// Offset in the stream of the first byte that waits; if none does, of the next.
    begin: u64,
    /// Events to leave out, in ascending order.
    events: Vec<(u64, u64)>,
    /// The last byte seen is the CR that ends an event that was left out; an LF that comes next belongs to it.
    after_cr: bool,
    /// What passes instead of the chunk at hand, where that is not the chunk itself.
    instead: Option<Vec<u8>>,
}

// === impl Cut ===

impl Cut {
    /// In a stream of which `offset` bytes have passed.
    #[must_use]
    pub fn from(offset: u64) -> Self {
        Self { begin: offset, ..Self::default() }
    }

    /// The event at these offsets is not for the client. One whose start has passed stays: half an event is none.
    pub fn leave_out(&mut self, start: u64, end: u64) {
        if start >= self.begin {
            self.events.push((start, end));
        }
    }

    /// `chunk` came; what begins at offset `undecided` waits.
    pub fn pass(&mut self, chunk: &[u8], undecided: u64) {
        if core::mem::take(&mut self.after_cr) {
            match chunk.first() {
                Some(b'\n') => self.events.insert(0, (self.begin, self.begin.saturating_add(1))),
                Some(_) => {}
                None => self.after_cr = true,
            }
        }
        if !self.held.is_empty() && self.events.is_empty() && undecided <= self.begin {
            // All of it goes on waiting. (What waits is not copied: it may come byte by byte.)
            self.held.extend_from_slice(chunk);
            self.instead = (!chunk.is_empty()).then(Vec::new);
            return;
        }
        let waits = undecided < self.begin.saturating_add(length(&self.held)).saturating_add(length(chunk));
        if self.held.is_empty() && self.events.is_empty() && !waits {
            self.begin = self.begin.saturating_add(length(chunk));
            return;
        }
        let mut view = core::mem::take(&mut self.held);
        view.extend_from_slice(chunk);
        let begin = self.begin;
        let at =
            |offset: u64| usize::try_from(offset.saturating_sub(begin)).unwrap_or(usize::MAX).min(view.len());
        let mut passes = Vec::new();
        let mut from = 0;
        for (start, end) in self.events.drain(..) {
            passes.extend_from_slice(view.get(from..at(start)).unwrap_or_default());
            from = at(end);
            self.after_cr = from == view.len() && view.last() == Some(&b'\r');
        }
        let to = at(undecided);
        passes.extend_from_slice(view.get(from..to).unwrap_or_default());
        self.begin = begin.saturating_add(u64::try_from(to).unwrap_or(u64::MAX));
        self.held = view.split_off(to);
        self.instead = (!passes.is_empty() || !chunk.is_empty()).then_some(passes);
    }

    /// The stream is over: nothing waits any longer.
    pub fn finish(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let earlier = self.instead.take();
        self.pass(&[], u64::MAX);
        if let Some(mut earlier) = earlier {
            earlier.append(self.instead.get_or_insert_default());
            self.instead = Some(earlier);
        }
    }

    /// What passes instead of the chunk that came last; `None`: the chunk itself.
    pub fn instead(&mut self) -> Option<Vec<u8>> {
        self.instead.take()
    }
}

impl fmt::Debug for Cut {
    /// Without the answer's bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cut")
            .field("held", &self.held.len())
            .field("begin", &self.begin)
            .field("events", &self.events)
            .finish_non_exhaustive()
    }
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
