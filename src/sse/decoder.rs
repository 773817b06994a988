//! The decoder: a state machine over the lines of an event stream.

use super::line::{BYTE_ORDER_MARK, Field, Line, split_line};
use super::{Completeness, Event, MAX_NAME_BYTES, Sink};

/// The decoder of one stream. It allocates nothing and takes constant time per byte. Its output does not depend on the
/// chunking, with the exception stated at [`Event::end`].
#[derive(Clone, Debug)]
pub struct Decoder {
    /// The limit of an event's size in bytes: its lines from the first one that is not a comment, with their
    /// terminators; of a final CR LF only the CR counts.
    event_bytes: u64,
    /// Bytes read of the stream.
    offset: u64,
    /// Where the event being read began, or may begin. Comments ahead of it move it on.
    event_start: u64,
    line: Line,
    /// The last byte was a CR; an LF that follows belongs to it.
    after_cr: bool,
    /// The event has a `data` line.
    has_data: bool,
    name: [u8; MAX_NAME_BYTES],
    name_len: usize,
}

// === impl Decoder ===

impl Decoder {
    /// A decoder at the start of a stream, with a limit of `event_bytes` bytes per event.
    #[must_use]
    pub fn new(event_bytes: usize) -> Self {
        Self {
            event_bytes: u64::try_from(event_bytes).unwrap_or(u64::MAX),
            offset: 0,
            event_start: 0,
            line: Line::Mark(0),
            after_cr: false,
            has_data: false,
            name: [0; MAX_NAME_BYTES],
            name_len: 0,
        }
    }

    /// Reads the next bytes of the stream.
    pub fn feed<S: Sink + ?Sized>(&mut self, bytes: &[u8], sink: &mut S) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = self.feed_event(rest, sink);
        }
    }

    /// Reads the next bytes of the stream up to the end of one event (with or without data), or of a comment ahead of
    /// it. Returns the bytes after it.
    pub fn feed_event<'a, S: Sink + ?Sized>(&mut self, bytes: &'a [u8], sink: &mut S) -> &'a [u8] {
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if matches!(self.line, Line::Start)
                && let Some((field, value)) = Field::begun(rest)
            {
                rest = self.begin_value(field, value, sink);
                continue;
            }
            rest = match byte {
                b'\n' if self.after_cr => {
                    self.finish_pair();
                    after
                }
                b'\n' | b'\r' => {
                    let left = self.end_line(byte, after, sink);
                    if self.event_bytes_read() == 0 {
                        return left;
                    }
                    left
                }
                _ => self.within_line(byte, rest, after, sink),
            };
        }
        rest
    }

    /// Whether the next byte, whatever it is, begins an event.
    #[must_use]
    pub fn is_between_events(&self) -> bool {
        matches!(self.line, Line::Start) && !self.after_cr && self.event_bytes_read() == 0
    }

    /// Skips the next `bytes` bytes, which the caller has recognised as one whole event with its blank line (and not
    /// with the CR of a CR LF only). Call it only [between events](Self::is_between_events).
    pub fn skip_event(&mut self, bytes: usize) {
        self.advance(bytes);
        self.event_start = self.offset;
    }

    /// Ends the stream, and with it the line and the event being read. A second call does nothing.
    pub fn finish<S: Sink + ?Sized>(&mut self, sink: &mut S) {
        self.end_field_name(sink);
        let oversized = self.event_bytes_read() > self.event_bytes;
        self.dispatch(if oversized { Completeness::Oversized } else { Completeness::Unterminated }, sink);
    }

    /// Bytes read of the stream.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Offset at which the event being read began: its [`Event::start`]. If none has begun: [`offset`](Self::offset).
    #[must_use]
    pub fn event_start(&self) -> u64 {
        if matches!(self.line, Line::LeadingComment) { self.offset } else { self.event_start }
    }

    /// Fast path for most lines: one begins with all of `field`'s name, a colon and a space, and then `value`. Returns
    /// the bytes after the value.
    fn begin_value<'a, S: Sink + ?Sized>(&mut self, field: Field, value: &'a [u8], sink: &mut S) -> &'a [u8] {
        self.after_cr = false;
        self.advance(field.name().len());
        self.start_value(field, sink);
        self.advance(b": ".len());
        self.line = Line::Value(field);
        self.value(field, value, sink)
    }

    /// Reads a value up to the end of its line. Returns the bytes from there on.
    fn value<'a, S: Sink + ?Sized>(&mut self, field: Field, rest: &'a [u8], sink: &mut S) -> &'a [u8] {
        let (run, after) = split_line(rest);
        match field {
            Field::Data => self.pass_data(run, sink),
            Field::Event => self.keep_name(run),
        }
        self.advance(run.len());
        after
    }

    /// Reads the LF of a CR LF whose CR was read before.
    fn finish_pair(&mut self) {
        self.after_cr = false;
        // If no byte followed the last event's CR, the CR ended the event and this LF belongs to no event.
        let between_events = self.event_bytes_read() == 0;
        self.advance(1);
        if between_events {
            self.event_start = self.offset;
        }
    }

    /// Ends a line with `byte`, a CR or LF. Returns the bytes after the line's end.
    fn end_line<'a, S: Sink + ?Sized>(&mut self, byte: u8, after: &'a [u8], sink: &mut S) -> &'a [u8] {
        let blank = matches!(self.line, Line::Start | Line::Mark(0));
        let leading_comment = matches!(self.line, Line::LeadingComment);
        self.end_field_name(sink);
        self.line = Line::Start;
        self.advance(1);
        self.after_cr = byte == b'\r';
        if !blank {
            if leading_comment {
                self.event_start = self.offset;
            }
            return after;
        }
        let oversized = self.event_bytes_read() > self.event_bytes;
        let completeness = if oversized { Completeness::Oversized } else { Completeness::Complete };
        let mut rest = after;
        if let Some(after_pair) = after.strip_prefix(b"\n").filter(|_| self.after_cr) {
            self.after_cr = false;
            self.advance(1);
            rest = after_pair;
        }
        self.dispatch(completeness, sink);
        rest
    }

    /// Reads on within a line. `rest` is `byte` and then `after`; `byte` does not end the line. Returns the bytes
    /// left.
    fn within_line<'a, S: Sink + ?Sized>(
        &mut self,
        byte: u8,
        rest: &'a [u8],
        after: &'a [u8],
        sink: &mut S,
    ) -> &'a [u8] {
        self.after_cr = false;
        match self.line {
            Line::Mark(seen) => {
                if BYTE_ORDER_MARK.get(seen) != Some(&byte) {
                    // An incomplete mark is the start of an unknown field's name.
                    self.line = if seen == 0 { Line::Start } else { Line::Ignored };
                    return rest;
                }
                self.advance(1);
                self.line = Line::Mark(seen + 1);
                if seen + 1 == BYTE_ORDER_MARK.len() {
                    self.line = Line::Start;
                    self.event_start = self.offset;
                }
                after
            }
            Line::Start => {
                self.line = match byte {
                    b'd' => Line::Name(Field::Data, 1),
                    b'e' => Line::Name(Field::Event, 1),
                    b':' if self.event_bytes_read() == 0 => Line::LeadingComment,
                    _ => Line::Ignored,
                };
                self.advance(1);
                after
            }
            Line::Name(field, seen) => {
                self.line = match (byte, field.name().get(seen)) {
                    (b':', None) => {
                        self.start_value(field, sink);
                        Line::Space(field)
                    }
                    (_, Some(expected)) if *expected == byte => Line::Name(field, seen + 1),
                    (_, _) => Line::Ignored,
                };
                self.advance(1);
                after
            }
            Line::Space(field) => {
                self.line = Line::Value(field);
                if byte != b' ' {
                    return rest;
                }
                self.advance(1);
                after
            }
            Line::Value(field) => self.value(field, rest, sink),
            Line::LeadingComment | Line::Ignored => {
                let (run, after) = split_line(rest);
                self.advance(run.len());
                after
            }
        }
    }

    /// A line without a colon is a field with an empty value.
    fn end_field_name<S: Sink + ?Sized>(&mut self, sink: &mut S) {
        if let Line::Name(field, seen) = self.line
            && seen == field.name().len()
        {
            self.start_value(field, sink);
        }
    }

    /// Begins the value of `field`. Only the bytes up to the field's name have been counted as read.
    fn start_value<S: Sink + ?Sized>(&mut self, field: Field, sink: &mut S) {
        match field {
            Field::Event => self.name_len = 0,
            Field::Data => {
                if self.has_data {
                    // The name has been read already, the LF would come before it.
                    match self.event_bytes_read() <= self.event_bytes {
                        true => sink.data(b"\n"),
                        false => sink.excess(b"\n"),
                    }
                }
                self.has_data = true;
            }
        }
    }

    /// Passes `run` to the sink, divided at the limit.
    fn pass_data<S: Sink + ?Sized>(&self, run: &[u8], sink: &mut S) {
        let room = self.event_bytes.saturating_sub(self.event_bytes_read());
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        if run.is_empty() {
            return;
        }
        let Some((within, beyond)) = run.split_at_checked(room).filter(|(_, beyond)| !beyond.is_empty())
        else {
            return sink.data(run);
        };
        if !within.is_empty() {
            sink.data(within);
        }
        sink.excess(beyond);
    }

    fn keep_name(&mut self, run: &[u8]) {
        for (kept, byte) in self.name.iter_mut().skip(self.name_len).zip(run) {
            *kept = *byte;
            self.name_len += 1;
        }
    }

    /// Ends the event: passes it to the sink if it has data, and begins the next one.
    fn dispatch<S: Sink + ?Sized>(&mut self, completeness: Completeness, sink: &mut S) {
        if self.has_data {
            let name = self.name.get(..self.name_len).unwrap_or_default();
            sink.event(Event { name, start: self.event_start, end: self.offset, completeness });
        }
        self.event_start = self.offset;
        self.line = Line::Start;
        self.has_data = false;
        self.name_len = 0;
    }

    fn event_bytes_read(&self) -> u64 {
        self.offset.saturating_sub(self.event_start)
    }

    fn advance(&mut self, bytes: usize) {
        self.offset = self.offset.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
    }
}
