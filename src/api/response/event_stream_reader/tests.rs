//! Streams with repeated events, against the same streams read byte by byte, where no event is skipped.

mod mutations;

use super::{BodyReader, EventStreamReader};
use crate::answer::Answer;
use crate::api::Api;
use crate::api::chat_completions::ChatCompletionsReader;
use crate::api::generate_content::GenerateContentReader;
use crate::api::messages::MessagesReader;
use crate::api::response::ObjectReader;
use crate::api::responses::ResponsesEventReader;
use crate::limits::Limits;
use crate::record::RecordPolicy;

/// A stream being read.
struct Stream<R: ObjectReader> {
    events: EventStreamReader<R>,
    answer: Answer,
    /// The bytes that pass to the client.
    client: Vec<u8>,
    /// Chunks that are one skipped event each.
    skipped: usize,
}

impl<R: ObjectReader> Stream<R> {
    fn new(api: Api, record: &RecordPolicy, limits: &Limits, cut: bool) -> Self {
        let mut events = EventStreamReader::new(limits);
        if cut {
            events.cut_usage_event();
        }
        Self {
            events,
            answer: Answer::new(api.profile().usage, record.keep(limits)),
            client: Vec::new(),
            skipped: 0,
        }
    }

    fn feed(&mut self, chunk: &[u8]) {
        let skips = self.events.decoder.is_between_events()
            && (self.events.repeated.fits(chunk, self.events.event_bytes))
                .is_some_and(|fit| fit.end == chunk.len());
        self.skipped += usize::from(skips);
        match self.events.feed(chunk, &mut self.answer) {
            Some(instead) => self.client.extend(instead),
            None => self.client.extend(chunk),
        }
    }

    /// Everything that was learned, and the reader's state.
    fn state(&self) -> String {
        let Self { events, answer, client, .. } = self;
        let texts: Vec<&str> = (answer.tool_calls.iter().map(|call| call.arguments.as_str()))
            .chain(answer.thoughts.iter().map(|thought| thought.text.as_str()))
            .collect();
        let (decoder, data) = (&events.decoder, &events.data);
        // Within an event the state of a scanner depends on the chunks.
        let reader = decoder.is_between_events().then_some(&data.reader);
        let place = (decoder.offset(), decoder.event_start(), data.any, data.sentinel);
        // A repeated usage object waits until it is needed.
        let mut usage = answer.usage.clone();
        usage.take_repeated();
        let answer = format!("{answer:?}").replace(&format!("{:?}", answer.usage), &format!("{usage:?}"));
        let now = self.answer.usage.usage();
        format!("{answer} {texts:?} {place:?} {reader:?} {now:?} {}", client.escape_ascii())
    }
}

/// Checks that `chunks` lead to the same state as their single bytes. Returns how many were skipped.
fn check<R: ObjectReader>(api: Api, record: &RecordPolicy, limits: &Limits, chunks: &[Vec<u8>]) -> usize {
    let mut skipped = 0;
    for cut in [false, true] {
        let (mut whole, mut bytes) =
            (Stream::<R>::new(api, record, limits, cut), Stream::<R>::new(api, record, limits, cut));
        for chunk in chunks {
            whole.feed(chunk);
            chunk.chunks(1).for_each(|byte| bytes.feed(byte));
            assert_eq!(whole.state(), bytes.state(), "after {}", chunk.escape_ascii());
        }
        assert_eq!(bytes.skipped, 0);
        skipped = whole.skipped;
    }
    skipped
}

fn check_api(api: Api, record: &RecordPolicy, limits: &Limits, chunks: &[Vec<u8>]) -> usize {
    match api {
        Api::Messages => check::<MessagesReader>(api, record, limits, chunks),
        Api::ChatCompletions => check::<ChatCompletionsReader>(api, record, limits, chunks),
        Api::Responses => check::<ResponsesEventReader>(api, record, limits, chunks),
        Api::GenerateContent => check::<GenerateContentReader>(api, record, limits, chunks),
    }
}

/// How many of these events are skipped if each is a chunk, with every kind of line end in place of LF.
fn skipped(api: Api, record: &RecordPolicy, events: &[String]) -> usize {
    let chunks = |line_end: &str| -> Vec<Vec<u8>> {
        // The first event is always read, because a byte order mark can come before it.
        let events = core::iter::once(": first\n\n").chain(events.iter().map(String::as_str));
        events.map(|event| event.replace('\n', line_end).into_bytes()).collect()
    };
    let limits = Limits::default();
    let skipped = check_api(api, record, &limits, &chunks("\n"));
    assert_eq!(check_api(api, record, &limits, &chunks("\r\n")), skipped);
    assert_eq!(check_api(api, record, &limits, &chunks("\r")), 0, "an LF may follow");
    skipped
}

/// Ten events with this data; in each, `§` is replaced by another text and `9` by another number.
fn ten(begin: &str, data: &str) -> Vec<String> {
    let words = ["the", " model", "", " é€", " says \\n", " 😀", " what", " comes", " next", "\\u00e9"];
    let event = |(at, word): (usize, &str)| {
        format!("{begin}data: {}\n\n", data.replace('§', word).replace('9', &format!("1{at}")))
    };
    words.into_iter().enumerate().map(event).collect()
}

const CHAT_HEAD: &str = "data: {\"id\":\"c\",\"model\":\"m\",\"service_tier\":\"default\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\"}},{\"index\":1,\"delta\":{}}]}\n\n";

#[test]
fn pieces_of_a_text_are_skipped() {
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
    // The first two are read: it takes two events to know which values differ. A piece that is kept always may.
    for (events, all, none) in [(text, 8, 8), (signature, 8, 8), (thinking, 9, 8), (input, 9, 8)] {
        assert_eq!(skipped(Api::Messages, &record, &events), all, "{events:?}");
        assert_eq!(skipped(Api::Messages, &quiet, &events), none, "{events:?}");
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
        // The thought has to begin first, and an empty piece changes nothing.
        (r#"[{"index":0,"delta":{"reasoning":"§"}}]"#, 5),
        (r#"[{"index":0,"delta":{"reasoning":"§."}}]"#, 7),
        (r#"[{"index":0,"delta":{"content":"§","reasoning":"the same"}}]"#, 7),
        (r#"[{"index":0,"delta":{"reasoning":"§","reasoning_content":"§"}}]"#, 0),
        (r#"[{"index":9,"delta":{"content":"§"}}]"#, 0),
        (r#"[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"t","function":{"arguments":"§"}}]}}]"#, 0),
        (r#"[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"§"}}]}}]"#, 7),
        (r#"[{"index":0,"delta":{"function_call":{"arguments":"§"}}}]"#, 0),
        (r#"[{"index":0,"delta":{"tool_calls":[{"index":0,"custom":{"input":"§"}}]}}]"#, 0),
    ] {
        let events = chat(choices);
        assert_eq!(skipped(Api::ChatCompletions, &record, &events), all, "{choices}");
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
    for (phase, item, all) in [
        ("final_answer", "m", 8),
        ("final_answer", "encrypted9", 8),
        ("commentary", "m", 7),
        ("commentary", "encrypted9", 0),
    ] {
        let events = [vec![added(phase)], ten(named, &piece(item))].concat();
        assert_eq!(skipped(Api::Responses, &record, &events), all, "{phase} {item}");
    }
    let unnumbered = piece("m").replace(",\"output_index\":0", "");
    for (phase, all) in [("final_answer", 8), ("commentary", 7)] {
        let events = [vec![added(phase)], ten(named, &unnumbered)].concat();
        assert_eq!(skipped(Api::Responses, &record, &events), all, "{phase}");
    }
    let done = "{\"type\":\"response.content_part.done\",\"item_id\":\"i9\",\"part\":{\"text\":\"x\"}}";
    assert_eq!(skipped(Api::Responses, &record, &ten("", done)), 8);
    let call = "{\"type\":\"response.function_call_arguments.delta\",\"output_index\":0,\"delta\":\"§\"}";
    assert_eq!(skipped(Api::Responses, &record, &ten("", call)), 0);
}

const PIECE: &str = r#"{"type":"x","text":"§","n":9}"#;

#[test]
fn only_events_of_a_name_and_one_data_line_are_skipped() {
    let skipped =
        |begin: &str, data: &str| skipped(Api::Messages, &RecordPolicy::default(), &ten(begin, data));
    for begin in ["", "event: x\n", "event:x\n", "event: \n"] {
        assert_eq!(skipped(begin, PIECE), 8, "{begin}");
    }
    for begin in ["id: 1\n", ": note\n", "event: x\nevent: y\n", "event\n", "data: \n", "events: x\n"] {
        assert_eq!(skipped(begin, PIECE), 0, "{begin}");
    }
    for data in ["[§]", "§", "{\"a\":9}\ndata: ", "{\"a\":9}\nid: 1", "{\"a\":\ndata: 9}"] {
        assert_eq!(skipped("", data), 0, "{data}");
    }
    // The space after the colon is optional.
    let tight = ten("", PIECE).join("").replace("data: ", "data:");
    let tight: Vec<String> = tight.split_inclusive("\n\n").map(str::to_owned).collect();
    assert_eq!(self::skipped(Api::Messages, &RecordPolicy::default(), &tight), 8);
}

#[test]
fn an_event_above_the_limit_is_read_and_noted() {
    let limits = Limits { event_bytes: 60, ..Limits::default() };
    let of = |bytes: usize| {
        format!("data: {{\"type\":\"x\",\"text\":\"{}\"}}\n\n", "y".repeat(bytes)).into_bytes()
    };
    let within = 60 - of(0).len();
    // The first event of a stream is always read, and so are the next two.
    let chunks: Vec<_> = [1, 1, 2, 3, within, within + 1, 4, 5].into_iter().map(of).collect();
    assert_eq!(check_api(Api::Messages, &RecordPolicy::default(), &limits, &chunks), 2 + 1);
}

#[test]
fn an_event_that_changes_something_ends_the_skipping() {
    let mut events = ten("", PIECE);
    events.insert(9, ": keep-alive\n\n".to_owned());
    events.insert(6, "data: {\"type\":\"ping\"}\n\n".to_owned());
    let record = RecordPolicy::default();
    assert_eq!(skipped(Api::Messages, &record, &events), 8);
    events.insert(4, "event: message_start\ndata: {\"message\":{\"id\":\"m\"}}\n\n".to_owned());
    assert_eq!(skipped(Api::Messages, &record, &events), 7);
    events.insert(9, "data: no JSON\n\n".to_owned());
    assert_eq!(skipped(Api::Messages, &record, &events), 6);
}

#[test]
fn a_change_in_an_event_of_two_chunks_ends_the_skipping() {
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
    // Two events change something, and two are read to know which values differ; later one changes the tier back.
    assert_eq!(skipped(Api::ChatCompletions, &RecordPolicy::default(), &events), 3 + 1);
}

#[test]
fn a_skipped_piece_is_read_again_once_its_block_is_open() {
    let piece = "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"§\"}}";
    let start =
        "data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"thinking\"}}\n\n";
    let events = [ten("", piece), vec![start.to_owned()], ten("", piece)].concat();
    assert_eq!(skipped(Api::Messages, &RecordPolicy::default(), &events), 8 + 9);
}
