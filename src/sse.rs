//! An incremental decoder of server-sent events: bytes in any chunking in, runs of data and ends of events out.
//! It does not interpret events or keep their data.
//!
//! The rules are those of
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>, with these
//! differences: an event that the end of the stream cuts short is reported as [`Completeness::Unterminated`], the
//! fields `id` and `retry` are ignored because the filter never reconnects, and bytes are not checked to be UTF-8.
//!
//! It is written by hand because the crates for it (eventsource-stream, sseer) collect each event in a buffer of its
//! own. The filter needs each run of data as a borrowed slice, the offset of each event in the stream (the usage event
//! is cut out there), a bound on the size of an event, and no allocation.

mod decoder;
mod line;

pub use decoder::Decoder;

/// Bytes kept of an event's name. The longest name that the APIs use has about 45 bytes
/// (<https://platform.openai.com/docs/api-reference/responses-streaming>).
pub const MAX_NAME_BYTES: usize = 64;

/// Receives what a [`Decoder`] decodes.
pub trait Sink {
    /// A run of the current event's data; never empty. All runs up to the next [`Sink::event`], concatenated, are the
    /// event's data: its `data` lines joined by LF.
    fn data(&mut self, run: &[u8]);

    /// As [`data`](Self::data), for the data that lies beyond the limit of the event's size.
    fn excess(&mut self, run: &[u8]);

    /// The current event has ended. Not called for events without a `data` line: comments, keep-alives, blank lines.
    fn event(&mut self, event: Event<'_>);
}

/// An event that has ended, without its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Value of the last `event` field; empty if there is none. Cut at [`MAX_NAME_BYTES`].
    pub name: &'a [u8],
    /// Offset in the stream of the first byte of the event's first line that is not a comment: just past the blank
    /// line, comment or byte order mark before it.
    pub start: u64,
    /// Offset in the stream just past the event's blank line. If that line ends in CR LF and the two bytes came in
    /// different chunks, this is just past the CR; the LF then belongs to no event.
    pub end: u64,
    /// Whether all of the event was decoded.
    pub completeness: Completeness,
}

/// Whether all of an event was decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// The event is within the limit and ended with a blank line.
    Complete,
    /// The event has more bytes than the limit. Also used if the end of the stream cut such an event short: its data
    /// may not be whole.
    Oversized,
    /// The stream ended before the event's blank line. Its data may still be whole.
    Unterminated,
}

#[cfg(test)]
mod tests;
