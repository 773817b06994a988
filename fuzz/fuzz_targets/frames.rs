//! Bedrock's event stream: the decoder never panics and never keeps more than the limit, frames and events do not depend
//! on the chunks, and the client gets complete events and nothing else.
//!
//! Input: one byte for the limit, three for the cut, then parts: one byte for the kind (plain bytes; a frame with right
//! checksums and these headers; an event; an exception), two for the length, and so many bytes.
#![no_main]

use ai_bridge::bedrock::frame::{Decoder, Problem};
use ai_bridge::bedrock::transcode::{Failure, Transcoder};
use ai_bridge::sse::{self, Completeness};
use ai_bridge_fuzz::{Cut, Input};
use libfuzzer_sys::fuzz_target;
use world::frames;

type Frames = Vec<(Option<String>, Vec<u8>)>;

fn stream(input: &mut Input<'_>) -> Vec<u8> {
    let mut stream = Vec::new();
    while !input.0.is_empty() {
        let kind = input.byte() % 4;
        let length = input.word();
        let bytes = input.bytes(length);
        match kind {
            0 => stream.extend_from_slice(bytes),
            1 => {
                let headers = bytes.len().min(usize::from(bytes.first().copied().unwrap_or(0)));
                stream.extend(frames::sealed(&bytes[..headers], &bytes[headers..]));
            }
            2 => stream.extend(frames::chunk(&String::from_utf8_lossy(bytes))),
            _ => stream.extend(frames::exception("throttlingException", &String::from_utf8_lossy(bytes))),
        }
    }
    stream
}

fn decode(chunks: &[&[u8]], limit: usize) -> (Result<(), Problem>, Frames, bool) {
    let mut decoder = Decoder::new(limit);
    let mut frames = Vec::new();
    let mut take = |frame: ai_bridge::bedrock::frame::Frame<'_>| {
        assert!(frame.payload.len() + 16 <= limit);
        frames.push((frame.header(":event-type").map(str::to_owned), frame.payload.to_vec()));
    };
    let result = chunks.iter().try_for_each(|chunk| decoder.feed(chunk, &mut take));
    (result, frames, decoder.is_between_frames())
}

fn transcode(chunks: &[&[u8]], limit: usize) -> (Vec<u8>, Option<Failure>) {
    let mut transcoder = Transcoder::new(limit, Some("request"));
    let events = chunks.iter().flat_map(|chunk| transcoder.feed(chunk)).collect();
    (events, transcoder.failure().cloned())
}

struct Whole(usize);

impl sse::Sink for Whole {
    fn data(&mut self, _run: &[u8]) {}

    fn excess(&mut self, _run: &[u8]) {}

    fn event(&mut self, event: sse::Event<'_>) {
        assert_eq!(event.completeness, Completeness::Complete);
        self.0 += 1;
    }
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let limit = input.choose(&[100, 4096, 1 << 20]);
    let cut = Cut::of(&mut input);
    let stream = stream(&mut input);

    let whole = decode(&[&stream], limit);
    let events_of_whole = transcode(&[&stream], limit);
    for cut in [cut, Cut::Every(1)] {
        assert_eq!(decode(&cut.chunks(&stream), limit), whole);
        assert_eq!(transcode(&cut.chunks(&stream), limit), events_of_whole);
    }
    let mut events = Whole(0);
    let mut decoder = sse::Decoder::new(usize::MAX);
    decoder.feed(&events_of_whole.0, &mut events);
    decoder.finish(&mut events);
    assert!(std::str::from_utf8(&events_of_whole.0).is_ok());
    assert!(events.0 <= whole.1.len() + 1, "an event for each frame, and one for the error");
});
