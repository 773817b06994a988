//! An event that nearly repeats an earlier one is read like any other: every byte of it is changed, left out, or the last.

use super::{BodyReader, CHAT_HEAD, ObjectReader, Stream};
use crate::api::Api;
use crate::api::chat_completions::ChatCompletionsReader;
use crate::api::generate_content::GenerateContentReader;
use crate::api::messages::MessagesReader;
use crate::api::responses::ResponsesEventReader;
use crate::limits::Limits;
use crate::record::RecordPolicy;

/// The pieces of the events: of a JSON object, for tool calls.
const PIECES: [&str; 6] =
    ["{\\\"a\\\": [", "1, 2", "],\\\"b\\\":\\\"", "\\u00e9 é€ \\\\n", " \\ud83d\\ude00x\\\"", "}"];

/// The events that open a stream, and one whose `§` is a piece and whose `9` is a number.
struct Shape {
    api: Api,
    opening: Vec<String>,
    event: String,
}

fn event(name: &str, data: &str) -> String {
    match name {
        "" => format!("data: {data}\n\n"),
        _ => format!("event: {name}\ndata: {data}\n\n"),
    }
}

fn messages(block: &str, delta: &str) -> Shape {
    let start = format!(r#"{{"type":"content_block_start","index":0,"content_block":{{{block}}}}}"#);
    let delta = format!(r#"{{"type":"content_block_delta","index":0,"delta":{{{delta}}}}}"#);
    Shape {
        api: Api::Messages,
        opening: vec![event("content_block_start", &start)],
        event: event("content_block_delta", &delta),
    }
}

fn chat(delta: &str, usage: &str) -> Shape {
    let chunk = |delta: &str| {
        format!(
            r#"{{"id":"c","choices":[{{"index":0,"delta":{delta},"finish_reason":null}}],"usage":{usage}}}"#
        )
    };
    let call = r#"{"tool_calls":[{"index":0,"id":"t","function":{"name":"n","arguments":""}}]}"#;
    Shape {
        api: Api::ChatCompletions,
        opening: vec![CHAT_HEAD.to_owned(), event("", &chunk(call))],
        event: event("", &chunk(delta)),
    }
}

fn responses(kind: &str, item: &str) -> Shape {
    let added = format!(
        r#"{{"type":"response.output_item.added","output_index":0,"item":{{"id":"i","status":"in_progress",{item}}}}}"#
    );
    let delta = format!(
        r#"{{"type":"{kind}","sequence_number":9,"item_id":"i","output_index":0,"content_index":0,"delta":"§"}}"#
    );
    Shape { api: Api::Responses, opening: vec![event("", &added)], event: event(kind, &delta) }
}

fn gemini(part: &str, usage: &str) -> Shape {
    let object = format!(
        r#"{{"candidates": [{{"content": {{"parts": [{part}],"role": "model"}},"index": 0}}],"usageMetadata": {usage},"modelVersion": "m","responseId": "r"}}"#
    );
    Shape { api: Api::GenerateContent, opening: Vec::new(), event: event("", &object) }
}

fn shapes() -> Vec<Shape> {
    let usage = r#"{"promptTokenCount": 25,"candidatesTokenCount": 9,"totalTokenCount":9,"promptTokensDetails":[{"modality":"TEXT","tokenCount":25}]}"#;
    vec![
        messages(
            r#""type":"tool_use","id":"t","name":"n","input":{}"#,
            r#""type":"input_json_delta","partial_json":"§""#,
        ),
        messages(r#""type":"thinking","thinking":"""#, r#""type":"thinking_delta","thinking":"§""#),
        messages(r#""type":"text","text":"""#, r#""type":"text_delta","text":"§""#),
        chat(r#"{"tool_calls":[{"index":0,"function":{"arguments":"§"}}]}"#, "null"),
        chat(r#"{"content":null,"reasoning_content":"§"}"#, "null"),
        chat(r#"{"content":"§"}"#, r#"{"prompt_tokens":25,"completion_tokens":9,"total_tokens":9}"#),
        responses(
            "response.function_call_arguments.delta",
            r#""type":"function_call","call_id":"c","name":"n","arguments":"""#,
        ),
        responses(
            "response.custom_tool_call_input.delta",
            r#""type":"custom_tool_call","call_id":"c","name":"n","input":"""#,
        ),
        responses("response.reasoning_text.delta", r#""type":"reasoning","summary":[]"#),
        responses("response.output_text.delta", r#""type":"message","phase":"commentary","content":[]"#),
        gemini(r#"{"text": "§"}"#, usage),
        gemini(r#"{"text": "§","thought": true}"#, usage),
    ]
}

impl Shape {
    /// The event of this number.
    fn event(&self, number: usize) -> Vec<u8> {
        let piece = PIECES.get(number).copied().unwrap_or_default();
        self.event.replace('§', piece).replace('9', &format!("1{number}")).into_bytes()
    }

    fn check(&self, limits: &Limits, record: &RecordPolicy, changed: &[u8]) -> usize {
        match self.api {
            Api::Messages => self.compare::<MessagesReader>(limits, record, changed),
            Api::ChatCompletions => self.compare::<ChatCompletionsReader>(limits, record, changed),
            Api::Responses => self.compare::<ResponsesEventReader>(limits, record, changed),
            Api::GenerateContent => self.compare::<GenerateContentReader>(limits, record, changed),
        }
    }

    /// Reads a stream with `changed` in place of its fifth event, and again byte by byte. Returns how many events were skipped.
    fn compare<R: ObjectReader>(&self, limits: &Limits, record: &RecordPolicy, changed: &[u8]) -> usize {
        let stream = || Stream::<R>::new(self.api, record, limits, false);
        let (mut whole, mut bytes) = (stream(), stream());
        let mut feed = |chunk: &[u8], is_compared: bool| {
            whole.feed(chunk);
            chunk.chunks(1).for_each(|byte| bytes.feed(byte));
            if is_compared {
                assert_eq!(whole.state(), bytes.state(), "after {}", chunk.escape_ascii());
            }
        };
        feed(b": first\n\n", false);
        self.opening.iter().for_each(|event| feed(event.as_bytes(), false));
        (0..4).for_each(|number| feed(&self.event(number), false));
        feed(changed, true);
        feed(&self.event(5), true);
        for stream in [&mut whole, &mut bytes] {
            stream.events.finish(&mut stream.answer);
        }
        assert_eq!(whole.state(), bytes.state(), "after {}", changed.escape_ascii());
        assert_eq!(bytes.skipped, 0);
        whole.skipped
    }
}

#[test]
fn an_event_with_any_byte_changed_is_read_as_it_is_byte_by_byte() {
    let (limits, record) = (Limits::default(), RecordPolicy::default());
    for shape in shapes() {
        let same = shape.event(4);
        let skipped = shape.check(&limits, &record, &same);
        assert!(skipped >= 2, "{skipped} {}", shape.event);
        for at in 0..same.len() {
            let (before, after) = same.split_at(at);
            let byte = after[0];
            // A digit, a letter, a control character, the bytes of the grammar, half of a character.
            for other in [b'0', b'x', b'\n', b'"', b'\\', b'{', b',', b'.', b' ', 0xc3] {
                if other != byte {
                    shape.check(&limits, &record, &[before, &[other], &after[1..]].concat());
                }
            }
            shape.check(&limits, &record, &[before, &after[1..]].concat());
            shape.check(&limits, &record, &[before, &[byte], after].concat());
            shape.check(&limits, &record, before);
        }
    }
}

#[test]
fn a_repeated_event_keeps_the_bounds_of_its_texts() {
    let limits = Limits::default();
    for shape in shapes() {
        for total_bytes in 0..60 {
            let record = RecordPolicy { total_bytes, ..RecordPolicy::default() };
            shape.check(&limits, &record, &shape.event(4));
            let record = RecordPolicy { text_bytes: total_bytes, ..RecordPolicy::default() };
            shape.check(&limits, &record, &shape.event(4));
        }
        for (tool_arguments, thoughts) in [(false, true), (true, false), (false, false)] {
            let record = RecordPolicy { tool_arguments, thoughts, text_bytes: 4, ..RecordPolicy::default() };
            shape.check(&limits, &record, &shape.event(4));
        }
        let limits = Limits { tool_calls: 0, thoughts: 0, ..Limits::default() };
        shape.check(&limits, &RecordPolicy::default(), &shape.event(4));
    }
}

/// Events of these shapes in a random order, in random chunks, and again byte by byte. Returns how many were skipped.
fn mix<R: ObjectReader>(shapes: &[Shape], mut seed: u64) -> usize {
    let mut below = move |bound: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % bound
    };
    let text_bytes = [1 << 16, 30][below(2)];
    let record = RecordPolicy { text_bytes, thoughts: below(4) > 0, ..RecordPolicy::default() };
    let limits = Limits { tool_calls: [256, 1][below(2)], ..Limits::default() };
    let stream = || Stream::<R>::new(shapes[0].api, &record, &limits, false);
    let (mut whole, mut bytes) = (stream(), stream());
    let (mut log, mut chunk) = (Vec::new(), b": first\n\n".to_vec());
    for _ in 0..30 {
        let shape = &shapes[below(shapes.len())];
        match shape.opening.get(below(8)) {
            Some(event) => chunk.extend(event.as_bytes()),
            None => (0..=below(4)).for_each(|_| chunk.extend(shape.event(below(PIECES.len() + 1)))),
        }
        let (one, other) = chunk.split_at(below(3 * chunk.len()).min(chunk.len()));
        [one, other].into_iter().for_each(|part| whole.feed(part));
        chunk.chunks(1).for_each(|byte| bytes.feed(byte));
        log.append(&mut chunk);
        assert_eq!(whole.state(), bytes.state(), "after {}", log.escape_ascii());
    }
    whole.skipped
}

#[test]
fn events_of_several_shapes_are_read_as_byte_by_byte_in_any_order() {
    for api in Api::ALL {
        let shapes: Vec<Shape> = shapes().into_iter().filter(|shape| shape.api == api).collect();
        let skipped = (0..40).map(|seed| match api {
            Api::Messages => mix::<MessagesReader>(&shapes, seed),
            Api::ChatCompletions => mix::<ChatCompletionsReader>(&shapes, seed),
            Api::Responses => mix::<ResponsesEventReader>(&shapes, seed),
            Api::GenerateContent => mix::<GenerateContentReader>(&shapes, seed),
        });
        assert!(skipped.sum::<usize>() > 0, "{api:?}");
    }
}

#[test]
fn counts_of_any_form_in_a_repeated_usage_are_read() {
    let (limits, record) = (Limits::default(), RecordPolicy::default());
    for shape in shapes().iter().filter(|shape| shape.event.contains("otal")) {
        let event = String::from_utf8(shape.event(4)).unwrap();
        for number in [
            "0",
            "00",
            "-1",
            "1.5",
            "12.0",
            "1e3",
            "999999999999999",
            "9007199254740993",
            "null",
            "\"1\"",
            "",
        ] {
            shape.check(&limits, &record, event.replace(":14", &format!(":{number}")).as_bytes());
            shape.check(&limits, &record, event.replace(": 14", &format!(": {number}")).as_bytes());
        }
        let twice = event.replace("{\"promptTokenCount", "{\"totalTokenCount\":7,\"promptTokenCount");
        shape.check(&limits, &record, twice.as_bytes());
    }
}
