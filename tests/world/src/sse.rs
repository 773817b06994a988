//! A second decoder of server-sent events, which has the whole stream in memory and follows the text of
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation> step by step.

use ai_bridge::sse::{Completeness, Decoder, Event, MAX_NAME_BYTES, Sink};

/// An event with its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodedEvent {
    /// As [`Event::name`].
    pub name: Vec<u8>,
    /// The runs of its data within the limit, joined.
    pub data: Vec<u8>,
    /// The runs of its data beyond the limit, joined.
    pub excess: Vec<u8>,
    /// As [`Event::start`].
    pub start: u64,
    /// As [`Event::end`].
    pub end: u64,
    /// As [`Event::completeness`].
    pub completeness: Completeness,
}

/// A sink that keeps everything.
#[derive(Debug, Default)]
pub struct Recorder {
    /// Data of the event being read.
    pub data: Vec<u8>,
    /// Its data beyond the limit.
    pub excess: Vec<u8>,
    /// Events that have ended.
    pub events: Vec<DecodedEvent>,
}

impl Sink for Recorder {
    fn data(&mut self, run: &[u8]) {
        assert!(!run.is_empty(), "an empty run");
        self.data.extend_from_slice(run);
    }

    fn excess(&mut self, run: &[u8]) {
        assert!(!run.is_empty(), "an empty run");
        self.excess.extend_from_slice(run);
    }

    fn event(&mut self, event: Event<'_>) {
        let (data, excess) = (core::mem::take(&mut self.data), core::mem::take(&mut self.excess));
        let Event { name, start, end, completeness } = event;
        self.events.push(DecodedEvent { name: name.to_vec(), data, excess, start, end, completeness });
    }
}

/// The events that the filter's decoder finds in `chunks`.
pub fn decoded<'a>(chunks: impl IntoIterator<Item = &'a [u8]>, event_bytes: usize) -> Vec<DecodedEvent> {
    let mut decoder = Decoder::new(event_bytes);
    let mut recorder = Recorder::default();
    for chunk in chunks {
        decoder.feed(chunk, &mut recorder);
    }
    decoder.finish(&mut recorder);
    assert!(recorder.data.is_empty(), "data without an event");
    recorder.events
}

/// The events of `stream` by the standard, where chunks end at the ascending offsets `cuts`.
pub fn expected(stream: &[u8], cuts: &[usize], event_bytes: usize) -> Vec<DecodedEvent> {
    let mut events = Vec::new();
    let mut at = if stream.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    let mut start = at;
    let mut name = Vec::new();
    // Each byte of data with its place in the event, from 0.
    let mut data: Option<Vec<(usize, u8)>> = None;
    loop {
        let line: Vec<u8> =
            stream.iter().skip(at).copied().take_while(|byte| !b"\r\n".contains(byte)).collect();
        let line_end = at + line.len();
        let terminator = match (stream.get(line_end), stream.get(line_end + 1)) {
            (Some(b'\r'), Some(b'\n')) => 2,
            (Some(_), _) => 1,
            (None, _) => 0,
        };
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let field = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        if field == b"event" {
            name = value.iter().copied().take(MAX_NAME_BYTES).collect();
        } else if field == b"data" {
            let joint = data.is_some().then_some((at + 3 - start, b'\n'));
            let places = line_end - value.len() - start..;
            data.get_or_insert_default().extend(joint.into_iter().chain(places.zip(value.iter().copied())));
        }
        if line.is_empty() || terminator == 0 {
            // Of the blank line's terminator the first byte counts.
            let size = line_end - start + terminator.min(1);
            let completeness = match terminator {
                _ if size > event_bytes => Completeness::Oversized,
                0 => Completeness::Unterminated,
                _ => Completeness::Complete,
            };
            let split_pair = terminator == 2 && cuts.contains(&(line_end + 1));
            let end = line_end + terminator - usize::from(split_pair);
            let name = core::mem::take(&mut name);
            if let Some(data) = data.take() {
                let (data, excess): (Vec<_>, Vec<_>) =
                    data.into_iter().partition(|(place, _)| *place < event_bytes);
                let [data, excess] =
                    [data, excess].map(|places| places.into_iter().map(|(_, byte)| byte).collect());
                let (start, end) = (start as u64, end as u64);
                events.push(DecodedEvent { name, data, excess, start, end, completeness });
            }
            start = line_end + terminator;
        } else if start == at && line.starts_with(b":") {
            // A comment ahead of the event.
            start = line_end + terminator;
        }
        if terminator == 0 {
            return events;
        }
        at = line_end + terminator;
    }
}

/// Checks that the filter's decoder finds the events of `stream`, cut at the ascending offsets `cuts`.
pub fn check(stream: &[u8], cuts: &[usize], event_bytes: usize) {
    let mut chunks = Vec::new();
    let mut rest = stream;
    let mut at = 0;
    for cut in cuts {
        let (chunk, after) = rest.split_at(cut - at);
        chunks.push(chunk);
        (rest, at) = (after, *cut);
    }
    chunks.push(rest);
    let cut_stream =
        || chunks.iter().map(|chunk| chunk.escape_ascii().to_string()).collect::<Vec<_>>().join("|");
    assert_eq!(
        decoded(chunks.iter().copied(), event_bytes),
        expected(stream, cuts, event_bytes),
        "{}",
        cut_stream()
    );
}
