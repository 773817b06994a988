//! Events that are passed by their shape, against the same streams read byte by byte, which passes none.

use super::{BodyReader, Events};
use crate::answer::Answer;
use crate::api::response::ObjectReader;
use crate::api::{Api, chat_completions, messages, responses};
use crate::limits::Limits;
use crate::record::RecordPolicy;

/// A stream being read.
struct Stream<R: ObjectReader> {
    events: Events<R>,
    answer: Answer,
    /// What passes to the client.
    client: Vec<u8>,
    /// Chunks of which the memo alone said how they end.
    passed: usize,
}

impl<R: ObjectReader> Stream<R> {
    fn new(api: Api, record: &RecordPolicy, limits: &Limits, cut: bool) -> Self {
        let mut events = Events::new(limits);
        if cut {
            events.cut_usage_event();
        }
        Self { events, answer: Answer::new(api, record.keep(limits)), client: Vec::new(), passed: 0 }
    }

    fn feed(&mut self, chunk: &[u8]) {
        let passes = self.events.decoder.is_between_events()
            && self.events.memo.past(chunk, self.events.event_bytes).is_some_and(<[u8]>::is_empty);
        self.passed += usize::from(passes);
        self.events.feed(chunk, &mut self.answer);
        match self.events.instead() {
            Some(instead) => self.client.extend(instead),
            None => self.client.extend(chunk),
        }
    }

    /// All there is to say about it.
    fn told(&self) -> String {
        let Self { events, answer, client, .. } = self;
        let texts: Vec<&str> = (answer.tool_calls.iter().map(|call| call.arguments.as_str()))
            .chain(answer.thoughts.iter().map(|thought| thought.text.as_str()))
            .collect();
        let (decoder, object) = (&events.decoder, &events.object);
        let place = (decoder.offset(), decoder.event_start(), object.any, object.sentinel);
        format!("{answer:?} {texts:?} {place:?} {:?} {}", object.reader, client.escape_ascii())
    }
}

/// `chunks` read as they are, and byte by byte, tell the same. Answers how many were passed.
fn check<R: ObjectReader>(api: Api, record: &RecordPolicy, limits: &Limits, chunks: &[Vec<u8>]) -> usize {
    let mut passed = 0;
    for cut in [false, true] {
        let (mut whole, mut bytes) =
            (Stream::<R>::new(api, record, limits, cut), Stream::<R>::new(api, record, limits, cut));
        for chunk in chunks {
            whole.feed(chunk);
            chunk.chunks(1).for_each(|byte| bytes.feed(byte));
            assert_eq!(whole.told(), bytes.told(), "after {}", chunk.escape_ascii());
        }
        assert_eq!(bytes.passed, 0);
        passed = whole.passed;
    }
    passed
}

fn check_api(api: Api, record: &RecordPolicy, limits: &Limits, chunks: &[Vec<u8>]) -> usize {
    match api {
        Api::Messages => check::<messages::Reading>(api, record, limits, chunks),
        Api::ChatCompletions => check::<chat_completions::Reading>(api, record, limits, chunks),
        Api::Responses => check::<responses::EventReading>(api, record, limits, chunks),
    }
}

/// How many of these events are passed, each a chunk. LF stands for the line's end.
fn passed(api: Api, record: &RecordPolicy, events: &[String]) -> usize {
    let chunks = |line_end: &str| -> Vec<Vec<u8>> {
        // A byte order mark may stand before the first, so that one is always read.
        let events = core::iter::once(": first\n\n").chain(events.iter().map(String::as_str));
        events.map(|event| event.replace('\n', line_end).into_bytes()).collect()
    };
    let limits = Limits::default();
    let passed = check_api(api, record, &limits, &chunks("\n"));
    assert_eq!(check_api(api, record, &limits, &chunks("\r\n")), passed);
    assert_eq!(check_api(api, record, &limits, &chunks("\r")), 0, "an LF may follow");
    passed
}

/// Ten events of this data, with `§` for a text, and `9` for a number, that is another one in each.
fn ten(begin: &str, data: &str) -> Vec<String> {
    let words = ["the", " model", "", " é€", " says \\n", " 😀", " what", " comes", " next", "\\u00e9"];
    let event = |(at, word): (usize, &str)| {
        format!("{begin}data: {}\n\n", data.replace('§', word).replace('9', &format!("1{at}")))
    };
    words.into_iter().enumerate().map(event).collect()
}

const CHAT_HEAD: &str = "data: {\"id\":\"c\",\"model\":\"m\",\"service_tier\":\"default\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}},{\"index\":1,\"delta\":{}}]}\n\n";

#[test]
fn pieces_of_a_text_that_nobody_keeps_are_passed() {
    let record = RecordPolicy::default();
    let quiet = RecordPolicy { tool_arguments: false, thoughts: false, ..RecordPolicy::default() };
    let messages = |index: u8, block: &str, delta: &str| {
        let start = format!(
            "event: content_block_start\ndata: {{\"type\":\"content_block_start\",\"index\":{index},\"content_block\":{{{block}}}}}\n\n"
        );
        let data = format!("{{\"type\":\"content_block_delta\",\"index\":{index},\"delta\":{{{delta}}}}}");
        [vec![start], ten("event: content_block_delta\n", &data)].concat()
    };
    let text = messages(0, r#""type":"text","text":"""#, r#""type":"text_delta","text":"§""#);
    let thinking =
        messages(1, r#""type":"thinking","thinking":"""#, r#""type":"thinking_delta","thinking":"§""#);
    let signature =
        messages(1, r#""type":"thinking","thinking":"""#, r#""type":"signature_delta","signature":"§""#);
    let input = messages(
        2,
        r#""type":"tool_use","id":"t","name":"n","input":{}"#,
        r#""type":"input_json_delta","partial_json":"§""#,
    );
    // Two are read until it is known what differs.
    for (events, all, none) in [(text, 8, 8), (signature, 8, 8), (thinking, 0, 8), (input, 0, 8)] {
        assert_eq!(passed(Api::Messages, &record, &events), all, "{events:?}");
        assert_eq!(passed(Api::Messages, &quiet, &events), none, "{events:?}");
    }

    let chat = |choices: &str| {
        let data = format!(
            "{{\"id\":\"c9\",\"created\":9,\"model\":\"m\",\"service_tier\":\"default\",\"choices\":{choices},\"usage\":null,\"obfuscation\":\"§\"}}"
        );
        [vec![CHAT_HEAD.to_owned()], ten("", &data)].concat()
    };
    for (choices, all) in [
        (r#"[{"index":0,"delta":{"content":"§"},"finish_reason":null}]"#, 8),
        (r#"[{"index":1,"delta":{"refusal":"§"},"logprobs":null}]"#, 8),
        (r#"[{"index":0,"delta":{"content":"§","reasoning":""}}]"#, 8),
        (r#"[{"index":0,"delta":{"reasoning":"§"}}]"#, 0),
        (r#"[{"index":0,"delta":{"content":"§","reasoning":"the same"}}]"#, 0),
        (r#"[{"index":9,"delta":{"content":"§"}}]"#, 0),
        (r#"[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","function":{"arguments":"§"}}]}}]"#, 0),
    ] {
        let events = chat(choices);
        assert_eq!(passed(Api::ChatCompletions, &record, &events), all, "{choices}");
    }

    let named = "event: response.output_text.delta\n";
    let piece = |item: &str| {
        format!(
            "{{\"type\":\"response.output_text.delta\",\"sequence_number\":9,\"item_id\":\"{item}\",\"output_index\":0,\"delta\":\"§\",\"logprobs\":[],\"obfuscation\":\"§\"}}"
        )
    };
    let added = |phase: &str| {
        format!(
            "data: {{\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{{\"type\":\"message\",\"id\":\"m\",\"phase\":\"{phase}\"}}}}\n\n"
        )
    };
    for (phase, item, all) in
        [("final_answer", "m", 8), ("final_answer", "encrypted9", 8), ("commentary", "m", 0)]
    {
        let events = [vec![added(phase)], ten(named, &piece(item))].concat();
        assert_eq!(passed(Api::Responses, &record, &events), all, "{phase} {item}");
    }
    let unnumbered = piece("m").replace(",\"output_index\":0", "");
    for (phase, all) in [("final_answer", 8), ("commentary", 0)] {
        let events = [vec![added(phase)], ten(named, &unnumbered)].concat();
        assert_eq!(passed(Api::Responses, &record, &events), all, "{phase}");
    }
    let done = "{\"type\":\"response.content_part.done\",\"item_id\":\"i9\",\"part\":{\"text\":\"x\"}}";
    assert_eq!(passed(Api::Responses, &record, &ten("", done)), 8);
    let call = "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":0,\"delta\":\"§\"}";
    assert_eq!(passed(Api::Responses, &record, &ten("", call)), 0);
}

const PIECE: &str = r#"{"type":"x","text":"§","n":9}"#;

#[test]
fn only_a_name_and_one_line_of_data_have_a_shape() {
    let passed = |begin: &str, data: &str| passed(Api::Messages, &RecordPolicy::default(), &ten(begin, data));
    for begin in ["", "event: x\n", "event:x\n", "event: \n"] {
        assert_eq!(passed(begin, PIECE), 8, "{begin}");
    }
    for begin in ["id: 1\n", ": note\n", "event: x\nevent: y\n", "event\n", "data: \n", "events: x\n"] {
        assert_eq!(passed(begin, PIECE), 0, "{begin}");
    }
    for data in ["[§]", "§", "{\"a\":9}\ndata: ", "{\"a\":9}\nid: 1", "{\"a\":\ndata: 9}"] {
        assert_eq!(passed("", data), 0, "{data}");
    }
    // Its line is known by its colon.
    let tight = ten("", PIECE).join("").replace("data: ", "data:");
    let tight: Vec<String> = tight.split_inclusive("\n\n").map(str::to_owned).collect();
    assert_eq!(self::passed(Api::Messages, &RecordPolicy::default(), &tight), 8);
}

#[test]
fn an_event_above_the_limit_is_read_and_noted() {
    let limits = Limits { event_bytes: 60, ..Limits::default() };
    let of = |bytes: usize| {
        format!("data: {{\"type\":\"x\",\"text\":\"{}\"}}\n\n", "y".repeat(bytes)).into_bytes()
    };
    let within = 60 - of(0).len();
    // The first of a stream is always read; then one, and another that differs.
    let chunks: Vec<_> = [1, 1, 2, 3, within, within + 1, 4, 5].into_iter().map(of).collect();
    assert_eq!(check_api(Api::Messages, &RecordPolicy::default(), &limits, &chunks), 2 + 1);
}

#[test]
fn comments_and_what_was_cut_change_nothing_and_what_tells_something_makes_it_forget() {
    let mut events = ten("", PIECE);
    events.insert(9, ": keep-alive\n\n".to_owned());
    events.insert(6, "data: {\"type\":\"ping\"}\n\n".to_owned());
    let record = RecordPolicy::default();
    assert_eq!(passed(Api::Messages, &record, &events), 8);
    events.insert(4, "event: message_start\ndata: {\"message\":{\"id\":\"m\"}}\n\n".to_owned());
    assert_eq!(passed(Api::Messages, &record, &events), 7);
    events.insert(9, "data: no JSON\n\n".to_owned());
    assert_eq!(passed(Api::Messages, &record, &events), 6);
}

#[test]
fn what_changed_in_an_event_that_was_cut_is_not_passed_when_it_changes_back() {
    let piece = |tier: &str, text: usize| {
        format!(
            "data: {{\"id\":\"c\",\"service_tier\":\"{tier}\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n"
        )
    };
    let mut events: Vec<String> = (0..6).map(|text| piece("default", text)).collect();
    let flex = piece("flex", 6);
    let (begin, end) = flex.split_at(20);
    events.extend([
        begin.to_owned(),
        end.to_owned(),
        piece("default", 7),
        piece("default", 8),
        piece("default", 9),
    ]);
    // The first two tell something, and two are read until it is known what differs; then one changes it back.
    assert_eq!(passed(Api::ChatCompletions, &RecordPolicy::default(), &events), 3 + 1);
}

#[test]
fn a_piece_that_nobody_kept_is_kept_once_there_is_a_place_for_it() {
    let piece = "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"§\"}}";
    let start =
        "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\"}}\n\n";
    let events = [ten("", piece), vec![start.to_owned()], ten("", piece)].concat();
    assert_eq!(passed(Api::Messages, &RecordPolicy::default(), &events), 8);
}
