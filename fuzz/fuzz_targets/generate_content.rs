//! Gemini's answers: an event stream and an array of the same objects state the same, in any chunks, and a document that
//! is one of the objects is read too.
//!
//! Input: one byte for the bounds, three for the cut, then the objects, one a line.
#![no_main]

use ai_bridge::answer::{Answer, Keep};
use ai_bridge::api::Api;
use ai_bridge::api::response::Format;
use ai_bridge::limits::Limits;
use ai_bridge_fuzz::{Cut, Input, ROOMY, is_json, is_shallow};
use libfuzzer_sys::fuzz_target;

/// Most finish reasons of an answer: one a candidate.
const FINISH_REASONS: usize = 256;

/// What was learned of a body, as text.
fn read(format: Format, keep: &Keep, limits: &Limits, chunks: &[&[u8]]) -> String {
    let mut reader = Api::GenerateContent.response_reader(format, keep.clone(), limits);
    for chunk in chunks {
        assert_eq!(reader.feed(chunk), None, "an edit");
        check(reader.answer(), keep);
    }
    assert!(reader.finish().is_empty(), "an edit");
    check(reader.answer(), keep);
    let answer = reader.answer();
    let mut told = format!("{answer:?}");
    answer.tool_calls.iter().for_each(|call| told.push_str(call.arguments.as_str()));
    answer.thoughts.iter().for_each(|thought| told.push_str(thought.text.as_str()));
    told
}

fn check(answer: &Answer, keep: &Keep) {
    assert!(answer.tool_calls.len() <= keep.tool_calls);
    assert!(answer.thoughts.len() <= keep.thought_count);
    assert!(answer.finish_reasons.len() <= FINISH_REASONS);
    let calls = answer.tool_calls.iter().map(|call| call.arguments.as_str().len());
    let texts = calls.chain(answer.thoughts.iter().map(|thought| thought.text.as_str().len()));
    assert!(texts.sum::<usize>() <= keep.total_bytes);
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let (keep, limits) = match input.byte() % 3 {
        0 => (ROOMY, Limits::default()),
        1 => (
            Keep { text_bytes: 20, total_bytes: 50, tool_calls: 3, thought_count: 2, ..ROOMY },
            Limits::default(),
        ),
        _ => (ROOMY, Limits { event_bytes: 150, document_bytes: 400, ..Limits::default() }),
    };
    let cut = Cut::of(&mut input);
    let lines: Vec<&[u8]> = input.0.split(|byte| *byte == b'\n').collect();
    let object = |line: &&[u8]| line.first() == Some(&b'{') && is_shallow(line) && is_json(line);
    let objects: Vec<&[u8]> =
        lines.iter().copied().filter(|line| object(line) && !line.contains(&b'\r')).collect();

    let array = [b"[".as_slice(), &objects.join(b",".as_slice()), b"]"].concat();
    let events: Vec<u8> = objects.iter().flat_map(|object| [b"data: ", *object, b"\n\n"].concat()).collect();
    let whole = read(Format::Document, &keep, &limits, &[&array]);
    for cut in [cut, Cut::Every(1)] {
        assert_eq!(read(Format::Document, &keep, &limits, &cut.chunks(&array)), whole);
    }
    // The limit of an event counts its name and line ends too.
    if limits.event_bytes > events.len() {
        assert_eq!(read(Format::Events, &keep, &limits, &[&events]), whole);
    }
    // Whatever the bytes are, nothing panics, and chunks do not matter.
    let document = read(Format::Document, &keep, &limits, &[input.0]);
    assert_eq!(read(Format::Document, &keep, &limits, &cut.chunks(input.0)), document);
});
