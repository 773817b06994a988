//! How much memory one stream takes: requests and responses of several MB, each shaped to make a reader keep as much as
//! it can. The bounds are those of `ai_bridge::answer` and `envoy/behaviour.md#bounds`.
//!
//! Each shape is played at two lengths. Both are far above the bound of what is kept, so the peak of the longer one may
//! not be higher: memory does not grow with what passes.
//!
//! The allocator of this test program counts live bytes on the thread that plays the stream. A growing text counts with
//! its reserved capacity, which is up to twice its length.
#![expect(
    unsafe_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "an allocator can only be written so; a panic in a test is a failed test"
)]

mod bedrock;

use ai_bridge::bridge::Bridge;
use ai_bridge::config::Config;
use ai_bridge::exchange::Exchange;
use ai_bridge::step::{Effect, Ending, RequestHead, ResponseHead, Step};
use core::cell::Cell;
use core::time::Duration;
use std::alloc::{GlobalAlloc, Layout, System};
use std::rc::Rc;
use world::headers;

/// Counts the live bytes of each thread, and their peak.
struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    // The counters are gone when the thread ends.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + change);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

fn size(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

// SAFETY: every call goes unchanged to the system's allocator; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        // SAFETY: the caller fulfils the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-size(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(size(new_size) - size(layout.size()));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MB: usize = 1_000_000;
const KIB: usize = 1024;
/// The two lengths of requests; at most 352 KiB of one are kept.
const REQUEST_LENGTHS: [usize; 2] = [MB, 4 * MB];
/// The two lengths of responses; at most 6 MiB of one are kept.
const RESPONSE_LENGTHS: [usize; 2] = [7 * MB, 9 * MB];
/// The two lengths of responses with large items, of which it takes more bytes until all bounds are reached.
const LONG_RESPONSE_LENGTHS: [usize; 2] = [10 * MB, 20 * MB];
/// About the size of the chunks that Envoy passes.
const CHUNK: usize = 16 * KIB;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Api {
    Messages,
    Chat,
    Responses,
}

const APIS: [Api; 3] = [Api::Messages, Api::Chat, Api::Responses];

impl Api {
    fn path(self) -> &'static str {
        match self {
            Self::Messages => "/anthropic/v1/messages",
            Self::Chat => "/openai/v1/chat/completions",
            Self::Responses => "/openai/v1/responses",
        }
    }

    /// The member of a request that holds the turns.
    fn turns(self) -> &'static str {
        match self {
            Self::Messages | Self::Chat => "messages",
            Self::Responses => "input",
        }
    }
}

fn bridge() -> Rc<Bridge> {
    let config = br#"{"providers": [{"type": "anthropic", "key": {"value": "sk-ant-1"}},
        {"type": "openai", "key": {"value": "sk-proj-1"}}]}"#;
    Rc::new(Bridge::new(Config::parse(config, &|_| None).unwrap_or_else(|errors| panic!("{errors}"))))
}

/// The peak of the live bytes of one stream.
#[derive(Clone, Copy, Debug)]
struct Peak {
    /// Until its end.
    passing: usize,
    /// While it publishes its record.
    publishing: usize,
    /// The record's length.
    record: usize,
}

/// Plays a stream with these bodies.
fn peak(bridge: &Rc<Bridge>, api: Api, request: &[u8], kind: &str, response: &[u8]) -> Peak {
    let now = Duration::from_millis(1_795_411_980_000);
    let request_head = RequestHead {
        headers: headers(&[(":method", "POST"), (":path", api.path()), (":authority", "g")]),
        actor_property: None,
        end: false,
    };
    let response_head = ResponseHead {
        headers: headers(&[(":status", "200"), ("content-type", kind)]),
        code_details: Some("via_upstream".to_owned()),
        end: false,
    };
    let ending = Ending { code_details: Some("via_upstream".to_owned()), now };
    let before = LIVE.get();
    PEAK.set(before);
    let mut exchange = Exchange::new(Rc::clone(bridge), 7);
    let passes = |step: Step| {
        let refused = step.effects.iter().any(|effect| matches!(effect, Effect::Reply(_) | Effect::Reset));
        assert!(!refused, "{:?}", step.effects);
    };
    passes(exchange.request_headers(&request_head, || now));
    request.chunks(CHUNK).for_each(|chunk| passes(exchange.request_body(chunk, false)));
    passes(exchange.request_body(b"", true));
    passes(exchange.response_headers(&response_head));
    for chunk in response.chunks(CHUNK) {
        passes(exchange.response_body(chunk, false, || now));
    }
    passes(exchange.response_body(b"", true, || now));
    let most = || usize::try_from(PEAK.get() - before).unwrap();
    let passing = most();
    let step = exchange.finish(&ending);
    let record = step.effects.iter().find_map(|effect| {
        let Effect::Publish { name, value } = effect else { return None };
        (name == "ai_bridge_record").then_some(value.len())
    });
    Peak { passing, publishing: most(), record: record.unwrap() }
}

/// `open`, then `items` (numbered) as often as fit into `len` bytes with `between`, then `close`.
fn filled(len: usize, open: &str, between: &str, item: impl Fn(usize) -> String, close: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(len + 4 * CHUNK);
    body.extend_from_slice(open.as_bytes());
    for at in 0.. {
        if at > 0 {
            body.extend_from_slice(between.as_bytes());
        }
        body.extend_from_slice(item(at).as_bytes());
        if body.len() + close.len() >= len {
            break;
        }
    }
    body.extend_from_slice(close.as_bytes());
    body
}

/// The most live bytes of a stream until its end, and while it publishes its record.
#[derive(Clone, Copy, Debug)]
struct Bound {
    passing: usize,
    publishing: usize,
}

/// Checks `shape` at two lengths: both are within `bound`, and they differ only by the reserved capacity of a text, which
/// depends on how chunks cut it.
fn holds(shape: &str, api: Api, bound: Bound, lengths: [usize; 2], play: impl Fn(usize) -> Peak) {
    let [short, long] = lengths.map(&play);
    let shown = format!("{api:?}, {shape}: {short:?}, then {long:?} of {bound:?}");
    assert!(long.passing <= bound.passing && long.publishing <= bound.publishing, "{shown}");
    assert!(long.record <= bound.publishing / 2, "{shown}");
    assert!(short.publishing.abs_diff(long.publishing) <= TEXT_BYTES, "{shown}");
}

// === Requests ===

/// `limits.reader_bytes`; the recorded text and the one that may replace it, each with its reserved capacity; strings from
/// headers; the chunk that is replaced.
const REQUEST_BOUND: Bound = {
    let passing = 64 * KIB + 2 * 2 * TEXT_BYTES + 2 * CHUNK;
    // The record with its text, and its reserved capacity.
    Bound { passing, publishing: passing + 2 * TEXT_BYTES }
};

fn request(api: Api, shape: &str, len: usize) -> Vec<u8> {
    let turns = api.turns();
    let head = format!(r#"{{"model":"m","{turns}":["#);
    let turn = |content: &str| format!(r#"{{"role":"user","content":{content}}}"#);
    let fill = |open: &str, item: &dyn Fn(usize) -> String, close: &str| filled(len, open, ",", item, close);
    let text = |letter: &str, open: &str, close: &str| filled(len, open, "", |_| letter.repeat(1000), close);
    let part = match api {
        Api::Messages | Api::Chat => "text",
        Api::Responses => "input_text",
    };
    match shape {
        "one string" => text("x", &format!(r#"{head}{{"role":"user","content":""#), r#""}]}"#),
        "one string of escapes" => {
            text(r"\u00e9", &format!(r#"{head}{{"role":"user","content":""#), r#""}]}"#)
        }
        "many turns" => fill(&head, &|at| turn(&format!("\"{at}\"")), "]}"),
        "long turns" => fill(&head, &|_| turn(&format!("\"{}\"", "y".repeat(70_000))), "]}"),
        "many parts" => {
            let part = format!(r#"{{"type":"{part}","text":"0123456789"}}"#);
            fill(&format!(r#"{head}{{"role":"user","content":["#), &|_| part.clone(), "]}]}")
        }
        // Each fits, and two together do not.
        "long parts" => {
            let part = format!(r#"{{"type":"{part}","text":"{}"}}"#, "z".repeat(60_000));
            fill(&head, &|_| turn(&format!("[{part},{part},{part}]")), "]}")
        }
        "tool results" => fill(
            &head,
            &|at| {
                let id = format!("{at}{}", "i".repeat(5000));
                match api {
                    Api::Messages => turn(&format!(r#"[{{"type":"tool_result","tool_use_id":"{id}"}}]"#)),
                    Api::Chat => format!(r#"{{"role":"tool","tool_call_id":"{id}","content":"x"}}"#),
                    Api::Responses => format!(r#"{{"type":"function_call_output","call_id":"{id}"}}"#),
                }
            },
            "]}",
        ),
        "deep" => {
            let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
            fill(&format!(r#"{head}],"x":["#), &|_| deep.clone(), "]}")
        }
        "deep turns" => {
            let deep = turn(&format!("{}{}", "[".repeat(500_000), "]".repeat(500_000)));
            fill(&head, &|_| deep.clone(), "]}")
        }
        "long model" => text("m", r#"{"model":""#, r#""}"#),
        "long names" => fill(&format!(r#"{head}],"#), &|at| format!(r#""{at}{}":0"#, "n".repeat(9000)), "}"),
        "tools" => fill(
            r#"{"tools":["#,
            &|at| {
                let schema = r#"{"type":"object","properties":{"a":{"type":"string","enum":["x","y"]}}}"#;
                format!(r#"{{"name":"t{at}","description":"{}","input_schema":{schema}}}"#, "d".repeat(900))
            },
            "]}",
        ),
        "user id" => text("u", r#"{"metadata":{"user_id":""#, r#""}}"#),
        "stream options" => {
            fill(r#"{"stream":true,"stream_options":{"#, &|at| format!(r#""o{at}":false"#), "}}")
        }
        "space" => text(" ", r#"{"stream":true,"stream_options":null"#, "}"),
        other => panic!("{other}"),
    }
}

fn requests(shapes: &[&str]) {
    let bridge = bridge();
    for api in APIS {
        for shape in shapes {
            holds(shape, api, REQUEST_BOUND, REQUEST_LENGTHS, |len| {
                peak(&bridge, api, &request(api, shape, len), "application/json", b"{}")
            });
        }
    }
}

#[test]
fn a_request_with_one_huge_text_takes_bounded_memory() {
    requests(&["one string", "one string of escapes", "long model", "user id", "space"]);
}

#[test]
fn a_request_of_many_turns_takes_bounded_memory() {
    requests(&["many turns", "long turns", "many parts", "long parts", "tool results"]);
}

#[test]
fn a_request_of_deep_nesting_or_many_members_takes_bounded_memory() {
    requests(&["deep", "deep turns", "tools", "long names", "stream options"]);
}

// === Answers ===

const TEXT_BYTES: usize = 64 * KIB;
const TOTAL_BYTES: usize = 1024 * KIB;
const EVENT_BYTES: usize = 1024 * KIB;
const COUNT: usize = 256;

/// Texts, names, and one event (or one item of a document), with their reserved capacity; at the end the record too, in
/// which names may be six times as long (`\u0001`).
const ANSWER_BOUND: Bound = {
    // A call has three, the finish reason of a choice one.
    let names = COUNT * 4 * KIB;
    let passing = 2 * (TOTAL_BYTES + names + EVENT_BYTES);
    Bound { passing, publishing: passing + 2 * (TOTAL_BYTES + 6 * names) }
};

/// An event with this data.
fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

/// The events of a tool call with these arguments (the inside of a JSON string).
fn call(api: Api, at: usize, id: &str, arguments: &str) -> String {
    match api {
        Api::Messages => [
            format!(r#"{{"type":"content_block_start","index":{at},"content_block":{{"type":"tool_use","id":"{id}","name":"{id}","input":{{}}}}}}"#),
            format!(r#"{{"type":"content_block_delta","index":{at},"delta":{{"type":"input_json_delta","partial_json":"{arguments}"}}}}"#),
        ]
        .map(|data| event(&data))
        .concat(),
        Api::Chat => event(&format!(
            r#"{{"id":"c","choices":[{{"index":{},"delta":{{"tool_calls":[{{"index":{at},"id":"{id}","type":"function","function":{{"name":"{id}","arguments":"{arguments}"}}}}]}}}}]}}"#,
            at % 300
        )),
        Api::Responses => [
            format!(r#"{{"type":"response.output_item.added","output_index":{at},"item":{{"type":"function_call","id":"{id}","call_id":"{id}","name":"{id}","arguments":""}}}}"#),
            format!(r#"{{"type":"response.function_call_arguments.delta","output_index":{at},"delta":"{arguments}"}}"#),
        ]
        .map(|data| event(&data))
        .concat(),
    }
}

/// The events of a thought with this text.
fn thought(api: Api, at: usize, text: &str) -> String {
    match api {
        Api::Messages => [
            format!(r#"{{"type":"content_block_start","index":{at},"content_block":{{"type":"thinking","thinking":""}}}}"#),
            format!(r#"{{"type":"content_block_delta","index":{at},"delta":{{"type":"thinking_delta","thinking":"{text}"}}}}"#),
        ]
        .map(|data| event(&data))
        .concat(),
        Api::Chat => event(&format!(
            r#"{{"id":"c","choices":[{{"index":{},"delta":{{"reasoning_content":"{text}"}}}}]}}"#,
            at % 300
        )),
        Api::Responses => event(&format!(
            r#"{{"type":"response.output_item.done","output_index":{at},"item":{{"type":"reasoning","id":"r","summary":[{{"type":"summary_text","text":"{text}"}}]}}}}"#
        )),
    }
}

/// A document with these items.
fn document(api: Api, len: usize, item: impl Fn(usize) -> String) -> Vec<u8> {
    let (open, close) = match api {
        Api::Messages => (r#"{"id":"m","content":["#, r#"],"usage":{"input_tokens":1,"output_tokens":1}}"#),
        Api::Chat => (r#"{"id":"c","choices":["#, r#"],"usage":{"prompt_tokens":1}}"#),
        Api::Responses => {
            (r#"{"id":"r","output":["#, r#"],"status":"completed","usage":{"input_tokens":1}}"#)
        }
    };
    filled(len, open, ",", item, close)
}

/// An item of a document: a tool call, or a thought if `text` is given.
fn item(api: Api, at: usize, id: &str, arguments: &str, text: Option<&str>) -> String {
    match (api, text) {
        (Api::Messages, None) => {
            format!(r#"{{"type":"tool_use","id":"{id}","name":"{id}","input":"{arguments}"}}"#)
        }
        (Api::Messages, Some(text)) => format!(r#"{{"type":"thinking","thinking":"{text}"}}"#),
        (Api::Chat, None) => format!(
            r#"{{"index":{at},"finish_reason":"{id}","message":{{"tool_calls":[{{"id":"{id}","function":{{"name":"{id}","arguments":"{arguments}"}}}}]}}}}"#
        ),
        (Api::Chat, Some(text)) => {
            format!(r#"{{"index":{at},"message":{{"reasoning_content":"{text}","reasoning":"{text}"}}}}"#)
        }
        (Api::Responses, None) => format!(
            r#"{{"type":"function_call","id":"{id}","call_id":"{id}","name":"{id}","arguments":"{arguments}"}}"#
        ),
        (Api::Responses, Some(text)) => {
            format!(
                r#"{{"type":"reasoning","id":"{id}","summary":[{{"text":"{text}"}},{{"text":"{text}"}}]}}"#
            )
        }
    }
}

/// A document with one item of many parts.
fn parts(api: Api, len: usize, text: &str) -> Vec<u8> {
    let part = |_: usize| match api {
        Api::Messages => format!(r#"{{"type":"text","id":"{text}","name":"{text}","text":"{text}"}}"#),
        Api::Chat => {
            format!(r#"{{"id":"{text}","function":{{"name":"{text}","arguments":"{text}"}}}}"#)
        }
        Api::Responses => format!(r#"{{"type":"output_text","text":"{text}"}}"#),
    };
    let open = match api {
        Api::Messages => r#"{"content":[{"type":"tool_use","id":"i","name":"n","input":["#,
        Api::Chat => r#"{"choices":[{"index":0,"message":{"tool_calls":["#,
        Api::Responses => r#"{"output":[{"type":"reasoning","summary":["#,
    };
    filled(len, open, ",", part, "]}]}")
}

/// A terminal event that repeats everything, just below the event limit.
fn terminal(api: Api) -> String {
    let long = "z".repeat(3000);
    let items =
        document(api, EVENT_BYTES - 10_000, |at| item(api, at, &long, &long, (at % 2 == 0).then_some(&long)));
    let items = String::from_utf8(items).unwrap();
    match api {
        // Messages has none; a block that begins with everything is as large.
        Api::Messages => event(&format!(
            r#"{{"type":"content_block_start","index":1,"content_block":{{"type":"tool_use","id":"i","name":"n","input":{{"a":{items}}}}}}}"#
        )),
        Api::Chat => event(&items.replace("message", "delta")),
        Api::Responses => event(&format!(r#"{{"type":"response.completed","response":{items}}}"#)),
    }
}

fn stream(api: Api, shape: &str, len: usize) -> Vec<u8> {
    let text = "t".repeat(30_000);
    let escapes = r"\u0001".repeat(2000);
    let id = |at: usize| format!("{at}{}", "i".repeat(2000));
    let begin =
        r#"{"type":"message_start","id":"c","choices":[],"message":{"id":"m"},"response":{"id":"r"}}"#;
    let begin = event(begin);
    let fill = |item: &dyn Fn(usize) -> String| filled(len, &begin, "", item, "");
    match shape {
        "one event" => filled(
            len,
            "data: {\"type\":\"content_block_delta\",\"delta\":\"",
            "",
            |_| text.clone(),
            "\"}\n\n",
        ),
        "one line" => filled(len, "data", "", |_| text.clone(), ""),
        "small events" => fill(&|at| if at % 2 == 0 { ":\n\n".to_owned() } else { event("{}") }),
        "empty calls" => fill(&|at| call(api, at, "i", "")),
        "long ids" => fill(&|at| call(api, at, &id(at), "{}")),
        "long arguments" => fill(&|at| call(api, at % 300, "i", &text)),
        "escaped arguments" => fill(&|at| call(api, at % 300, r"\u0001\u0001", &escapes)),
        "one call" => fill(&|_| call(api, 0, "i", &text)),
        "thoughts" => fill(&|at| thought(api, at, &text)),
        "escaped thoughts" => fill(&|at| thought(api, at % 300, &escapes)),
        "both" => {
            let text = "b".repeat(5000);
            fill(&|at| if at % 2 == 0 { call(api, at, &id(at), &text) } else { thought(api, at, &text) })
        }
        "terminal" => {
            let terminal = terminal(api);
            fill(&|at| if at < 200 { call(api, at, &id(at), &text) } else { terminal.clone() })
        }
        "usage" => {
            let usage = format!(r#"{{"input_tokens":1,"x":"{}"}}"#, "u".repeat(60_000));
            fill(&|_| {
                event(&format!(
                    r#"{{"type":"message_delta","usage":{usage},"response":{{"usage":{usage}}}}}"#
                ))
            })
        }
        "ends" => {
            fill(&|at| event(&format!(r#"{{"choices":[{{"index":{at},"finish_reason":"{}"}}]}}"#, id(at))))
        }
        other => panic!("{other}"),
    }
}

fn response_lengths(shape: &str) -> [usize; 2] {
    match shape {
        "escaped calls" | "large calls" | "terminal" | "thoughts" => LONG_RESPONSE_LENGTHS,
        _ => RESPONSE_LENGTHS,
    }
}

fn streams(shapes: &[&str]) {
    let bridge = bridge();
    for api in APIS {
        for shape in shapes {
            holds(shape, api, ANSWER_BOUND, response_lengths(shape), |len| {
                let request = br#"{"model":"m","stream":true,"stream_options":{}}"#;
                peak(&bridge, api, request, "text/event-stream", &stream(api, shape, len))
            });
        }
    }
}

#[test]
fn a_stream_of_huge_or_many_events_takes_bounded_memory() {
    streams(&["one event", "one line", "small events", "usage", "ends"]);
}

#[test]
fn a_stream_of_endless_tool_calls_takes_bounded_memory() {
    streams(&["empty calls", "long ids", "long arguments", "one call", "escaped arguments"]);
}

#[test]
fn a_stream_of_endless_thoughts_takes_bounded_memory() {
    streams(&["thoughts", "escaped thoughts", "both", "terminal"]);
}

#[test]
fn a_document_takes_bounded_memory() {
    let bridge = bridge();
    let long = "z".repeat(3000);
    let longer = "y".repeat(400_000);
    let escapes = r"\u0001".repeat(2000);
    for api in APIS {
        let shapes: [(&str, &dyn Fn(usize) -> String); 6] = [
            ("small calls", &|at| item(api, at, "i", "{}", None)),
            ("calls", &|at| item(api, at, &long, &long, None)),
            ("large calls", &|at| item(api, at, &long, &longer, None)),
            ("escaped calls", &|at| item(api, at, &escapes, &escapes, None)),
            ("thoughts", &|at| item(api, at, &long, "", Some(&longer))),
            ("both", &|at| item(api, at, &long, &long, (at % 2 == 0).then_some(&long))),
        ];
        for (shape, item) in shapes {
            holds(&format!("document of {shape}"), api, ANSWER_BOUND, response_lengths(shape), |len| {
                peak(&bridge, api, b"{}", "application/json", &document(api, len, item))
            });
        }
        let one = |len: usize| document(api, len, |_| item(api, 0, "i", &"a".repeat(len), None));
        holds("document of one text", api, ANSWER_BOUND, RESPONSE_LENGTHS, |len| {
            peak(&bridge, api, b"{}", "application/json", &one(len))
        });
        for text in ["", "p", &long, &longer, &escapes] {
            let shape = format!("document of one item with parts of {}", text.len());
            holds(&shape, api, ANSWER_BOUND, RESPONSE_LENGTHS, |len| {
                peak(&bridge, api, b"{}", "application/json", &parts(api, len, text))
            });
        }
    }
}
