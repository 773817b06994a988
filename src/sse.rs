//! An incremental decoder of server-sent events: bytes in any chunking in, runs of data and ends of events out.
//! Not: what an event means, or its data kept. It owns no heap memory, takes constant time per byte, and what it
//! tells does not depend on how the bytes were cut (but for one byte of [`Event::end`]).
//!
//! The rules are those of
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation>, except that an event
//! which the end of the stream cuts short is told (as such), and `id` and `retry` are ignored: nobody reconnects here.
//! Bytes are not checked to be UTF-8.
//!
//! A stream may be cut anywhere. Four places need memory of what came before: inside the byte order mark, inside a
//! field name, before the space after a colon, and between CR and LF.

use memchr::memchr2;

/// Bytes kept of an event's name; the longest that the APIs use have about 45
/// (<https://platform.openai.com/docs/api-reference/responses-streaming>).
pub const MAX_NAME_BYTES: usize = 64;

/// Takes what is decoded.
pub trait Sink {
    /// A run of the current event's data; never empty. All runs up to the next [`Sink::event`], one after the other,
    /// are the event's data: its `data` lines joined by LF.
    fn data(&mut self, run: &[u8]);

    /// The current event is over. Called for oversized events too, but not for those without any `data` line: comments,
    /// keep-alives, blank lines.
    fn event(&mut self, event: Event<'_>);
}

/// What there is to say about an event besides its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Value of the last `event` field; empty when there is none. Cut at [`MAX_NAME_BYTES`].
    pub name: &'a [u8],
    /// Offset in the stream of the first byte of its first line, comments included: just past the blank line (or byte
    /// order mark) before it.
    pub start: u64,
    /// Offset in the stream just past its blank line. Where that line ends in CR LF and the two came in different
    /// chunks, this is just past the CR: one less than the next event's `start`. The LF of such a pair is in no event.
    pub end: u64,
    /// Whether it is whole.
    pub fate: Fate,
}

/// Whether an event is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is.
    Complete,
    /// It has more bytes than the limit, and the data that was told is what lay below it. An event that the stream's
    /// end cut short as well is this.
    Oversized,
    /// The stream ended before its blank line. Its data may still be whole.
    Unterminated,
}

/// The decoder of one stream.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// Bytes that an event may have, all its lines with their terminators; of a final CR LF only the CR counts.
    event_bytes: u64,
    offset: u64,
    event_start: u64,
    line: Line,
    /// The last byte was a CR whose LF may follow.
    after_cr: bool,
    has_data: bool,
    name: [u8; MAX_NAME_BYTES],
    name_len: usize,
}

/// Where in a line the next byte stands.
#[derive(Clone, Copy, Debug)]
enum Line {
    /// At the start of the stream, after so many bytes of the byte order mark.
    Mark(usize),
    /// At its start.
    Start,
    /// In a field name that began as this one does, after so many bytes.
    Name(Field, usize),
    /// After the colon, where one space is not part of the value.
    Space(Field),
    /// In a value.
    Value(Field),
    /// In a comment or an unknown field.
    Ignored,
}

/// The fields that count.
#[derive(Clone, Copy, Debug)]
enum Field {
    Data,
    Event,
}

const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

// === impl Decoder ===

impl Decoder {
    /// A decoder at the start of a stream, for events of up to `event_bytes` bytes.
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
    pub fn feed<S: Sink>(&mut self, bytes: &[u8], sink: &mut S) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = self.feed_event(rest, sink);
        }
    }

    /// Reads the next bytes of the stream, but not beyond the end of one event (or of what has no data and is none).
    /// Returns what is left to read.
    pub fn feed_event<'a, S: Sink>(&mut self, bytes: &'a [u8], sink: &mut S) -> &'a [u8] {
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

    /// Whether the next byte is the first of an event, whatever it is.
    #[must_use]
    pub fn is_between_events(&self) -> bool {
        matches!(self.line, Line::Start) && !self.after_cr && self.event_bytes_read() == 0
    }

    /// The next `bytes` bytes are one whole event, which somebody else has read: with its blank line, of which nothing can
    /// follow any more. For [between events](Self::is_between_events) only.
    pub fn pass(&mut self, bytes: usize) {
        self.advance(bytes);
        self.event_start = self.offset;
    }

    /// Says that the stream is over: the line and the event being read end here. A second time it says nothing.
    pub fn finish<S: Sink>(&mut self, sink: &mut S) {
        self.end_field_name(sink);
        let oversized = self.event_bytes_read() > self.event_bytes;
        self.dispatch(if oversized { Fate::Oversized } else { Fate::Unterminated }, sink);
    }

    /// Bytes read.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Offset at which the event being read began: what its [`Event::start`] will be.
    #[must_use]
    pub fn event_start(&self) -> u64 {
        self.event_start
    }

    /// A line begins with all of `field`, its colon and a space, and then `value`; most lines do. Returns what is left
    /// to read.
    fn begin_value<'a, S: Sink>(&mut self, field: Field, value: &'a [u8], sink: &mut S) -> &'a [u8] {
        self.after_cr = false;
        self.advance(field.name().len());
        self.start_value(field, sink);
        self.advance(b": ".len());
        self.line = Line::Value(field);
        self.value(field, value, sink)
    }

    /// More of a value comes, up to the line's end. Returns what is left to read.
    fn value<'a, S: Sink>(&mut self, field: Field, rest: &'a [u8], sink: &mut S) -> &'a [u8] {
        let (run, after) = split_line(rest);
        match field {
            Field::Data => self.tell_data(run, sink),
            Field::Event => self.keep_name(run),
        }
        self.advance(run.len());
        after
    }

    /// The LF of a CR LF whose CR came before.
    fn finish_pair(&mut self) {
        self.after_cr = false;
        // Where nothing follows the last event yet, the CR was its end and this LF belongs to no event.
        let between_events = self.event_bytes_read() == 0;
        self.advance(1);
        if between_events {
            self.event_start = self.offset;
        }
    }

    /// `byte`, a CR or LF, ends a line. Returns what is left to read.
    fn end_line<'a, S: Sink>(&mut self, byte: u8, after: &'a [u8], sink: &mut S) -> &'a [u8] {
        let blank = matches!(self.line, Line::Start | Line::Mark(0));
        self.end_field_name(sink);
        self.line = Line::Start;
        self.advance(1);
        self.after_cr = byte == b'\r';
        if !blank {
            return after;
        }
        let fate = if self.event_bytes_read() > self.event_bytes { Fate::Oversized } else { Fate::Complete };
        let mut rest = after;
        if let Some(after_pair) = after.strip_prefix(b"\n").filter(|_| self.after_cr) {
            self.after_cr = false;
            self.advance(1);
            rest = after_pair;
        }
        self.dispatch(fate, sink);
        rest
    }

    /// `byte`, which ends no line, is the first of `rest`, and `after` the others. Returns what is left to read.
    fn within_line<'a, S: Sink>(
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
                    // A part of the mark is the start of an unknown field's name.
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
            Line::Ignored => {
                let (run, after) = split_line(rest);
                self.advance(run.len());
                after
            }
        }
    }

    /// A line that ends within its field name is that field with an empty value.
    fn end_field_name<S: Sink>(&mut self, sink: &mut S) {
        if let Line::Name(field, seen) = self.line
            && seen == field.name().len()
        {
            self.start_value(field, sink);
        }
    }

    /// A field's name is complete; the bytes of its name are the last that count as read.
    fn start_value<S: Sink>(&mut self, field: Field, sink: &mut S) {
        match field {
            Field::Event => self.name_len = 0,
            Field::Data => {
                if self.has_data && self.event_bytes_read() <= self.event_bytes {
                    sink.data(b"\n");
                }
                self.has_data = true;
            }
        }
    }

    /// Tells the part of `run`, which comes next, that lies within the limit.
    fn tell_data<S: Sink>(&self, run: &[u8], sink: &mut S) {
        let room = self.event_bytes.saturating_sub(self.event_bytes_read());
        let run = usize::try_from(room).ok().and_then(|room| run.get(..room)).unwrap_or(run);
        if !run.is_empty() {
            sink.data(run);
        }
    }

    fn keep_name(&mut self, run: &[u8]) {
        for (kept, byte) in self.name.iter_mut().skip(self.name_len).zip(run) {
            *kept = *byte;
            self.name_len += 1;
        }
    }

    /// The event ends here: tells it if it has data, and begins the next.
    fn dispatch<S: Sink>(&mut self, fate: Fate, sink: &mut S) {
        if self.has_data {
            let name = self.name.get(..self.name_len).unwrap_or_default();
            sink.event(Event { name, start: self.event_start, end: self.offset, fate });
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

/// The bytes before the line's end, and those from there on.
fn split_line(rest: &[u8]) -> (&[u8], &[u8]) {
    rest.split_at(memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()))
}

impl Field {
    /// The field with which a line begins, and what follows its colon and the space after that. `None`: it does not
    /// begin so, or not all of that is there.
    #[inline(always)]
    fn begun(line: &[u8]) -> Option<(Self, &[u8])> {
        if let Some(value) = line.strip_prefix(b"data: ") {
            return Some((Self::Data, value));
        }
        line.strip_prefix(b"event: ").map(|value| (Self::Event, value))
    }

    const fn name(self) -> &'static [u8] {
        match self {
            Self::Data => b"data",
            Self::Event => b"event",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt::Write as _;

    /// Writes down what it is told: `name|data|start..end fate`, one event per line.
    #[derive(Default)]
    struct Log {
        data: Vec<u8>,
        text: String,
    }

    impl Sink for Log {
        fn data(&mut self, run: &[u8]) {
            self.data.extend_from_slice(run);
        }

        fn event(&mut self, event: Event<'_>) {
            let Event { name, start, end, fate } = event;
            let data = core::mem::take(&mut self.data);
            let (name, data) = (name.escape_ascii(), data.escape_ascii());
            writeln!(self.text, "{name}|{data}|{start}..{end} {fate:?}").unwrap();
        }
    }

    fn told(chunks: &[&str], event_bytes: usize) -> String {
        let mut decoder = Decoder::new(event_bytes);
        let mut log = Log::default();
        for chunk in chunks {
            decoder.feed(chunk.as_bytes(), &mut log);
        }
        decoder.finish(&mut log);
        decoder.finish(&mut log);
        assert_eq!(decoder.event_start(), decoder.offset());
        log.text
    }

    #[test]
    fn the_rules_of_event_streams() {
        for (stream, expected) in [
            ("", ""),
            ("data: x\n\n", "|x|0..9 Complete\n"),
            ("data:x\r\rdata:  y\r\n\r\n", "|x|0..8 Complete\n| y|8..20 Complete\n"),
            ("event: a\ndata\n\n", "a||0..15 Complete\n"),
            ("data: x\ndata\ndata:y:z\n\n", "|x\\n\\ny:z|0..23 Complete\n"),
            ("event: a\n\ndata: x\n\n", "|x|10..19 Complete\n"),
            ("event: a\nevent: b\ndata: x\nevent\n\n", "|x|0..33 Complete\n"),
            (": ping\n\n\n: note\ndata: x\n\n", "|x|9..25 Complete\n"),
            ("id: 1\nretry: 2\ndatum: 3\ndat\n data: 4\nDATA: 5\ndata : 6\n\n", ""),
            ("\u{feff}data: x\n\n\u{feff}data: y\n\n", "|x|3..12 Complete\n"),
            ("data: x\n", "|x|0..8 Unterminated\n"),
            ("data: x\n\nevent: a\ndata: y", "|x|0..9 Complete\na|y|9..25 Unterminated\n"),
            ("data: x\ndata", "|x\\n|0..12 Unterminated\n"),
            ("event: a\n", ""),
        ] {
            assert_eq!(told(&[stream], 1000), expected, "{stream:?}");
        }
    }

    #[test]
    fn an_event_at_a_time_is_read_and_one_that_somebody_else_reads_is_passed() {
        let events = ["data: a\n\n", "event: x\r\ndata: b\r\n\r\n", ": c\n\n", "data: d\n\n"];
        for passed in [None, Some(1), Some(2), Some(3)] {
            let (mut decoder, mut log) = (Decoder::new(1000), Log::default());
            let stream = events.concat();
            let mut rest = stream.as_bytes();
            for (at, event) in events.iter().enumerate() {
                assert_eq!(decoder.is_between_events(), at > 0, "before the first may stand a mark");
                let after = &rest[event.len()..];
                if passed == Some(at) {
                    decoder.pass(event.len());
                } else {
                    assert_eq!(decoder.feed_event(rest, &mut log), after);
                }
                rest = after;
                assert_eq!(decoder.offset(), (stream.len() - rest.len()) as u64);
                assert_eq!(decoder.event_start(), decoder.offset());
            }
            let all = ["|a|0..9 Complete\n", "x|b|9..30 Complete\n", "", "|d|35..44 Complete\n"];
            let told = all.iter().enumerate().filter(|(at, _)| passed != Some(*at)).map(|(_, line)| *line);
            assert_eq!(log.text, told.collect::<String>());
        }
    }

    #[test]
    fn within_an_event_or_before_its_line_feed_it_is_not_between_events() {
        for begun in
            ["", "\u{feff}x", "data: a\n\r", "data: a\r\n\r", "d", "data: a", "data: a\n", ": c\n", "\n:"]
        {
            let mut decoder = Decoder::new(1000);
            decoder.feed(begun.as_bytes(), &mut Log::default());
            assert!(!decoder.is_between_events(), "{begun:?}");
        }
    }

    #[test]
    fn a_line_feed_after_a_cut_belongs_to_the_carriage_return_before_it() {
        let expected = "|x|0..10 Complete\n|y|11..22 Complete\n";
        assert_eq!(told(&["data: x\r", "\n\r", "\ndata: y\r\n\r\n"], 1000), expected);
        assert_eq!(told(&["data: x\r\n\r", "", "\n\r", "\n"], 1000), "|x|0..10 Complete\n");
    }

    #[test]
    fn the_limit_counts_every_byte_and_ends_the_data() {
        assert_eq!(told(&["data: xyz\n\n"], 11), "|xyz|0..11 Complete\n");
        assert_eq!(told(&["data: xyz\r\n\r\n"], 12), "|xyz|0..13 Complete\n");
        assert_eq!(told(&["data: xyz\n\ndata\n\n"], 10), "|xyz|0..11 Oversized\n||11..17 Complete\n");
        assert_eq!(told(&["data: xyz\nevent: a\n\n"], 7), "a|x|0..20 Oversized\n");
        assert_eq!(told(&["data: xyz"], 9), "|xyz|0..9 Unterminated\n");
        assert_eq!(told(&["data: xyz"], 8), "|xy|0..9 Oversized\n");
        assert_eq!(told(&[": comment\ndata: x"], 10), "||0..17 Oversized\n");
    }

    #[test]
    fn a_name_is_cut_at_its_bound() {
        let name = "n".repeat(MAX_NAME_BYTES);
        assert_eq!(told(&["event: nn", &name, "\ndata\n\n"], 1000), format!("{name}||0..80 Complete\n"));
    }
}
