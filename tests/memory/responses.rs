//! Memory of responses: event streams and documents.

use super::{APIS, Api, Bound, KIB, MB, bridge, filled, holds, peak};

/// The two lengths of event streams; at most 6 MiB of one are kept.
const STREAM_LENGTHS: [usize; 2] = [7 * MB, 9 * MB];
/// The two lengths of documents, and of streams that repeat everything at their end: it takes more bytes until all bounds
/// are reached.
const DOCUMENT_LENGTHS: [usize; 2] = [15 * MB, 25 * MB];
/// The two lengths of documents whose tool calls have large arguments: both have more calls than are kept.
const LARGE_CALLS_LENGTHS: [usize; 2] = [22 * MB, 30 * MB];

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
        Api::Gemini => event(&format!(r#"{{"responseId":"r","candidates":[{}]}}"#, item(api, at % 300, id, arguments, None))),
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
        Api::Gemini => {
            event(&format!(r#"{{"responseId":"r","candidates":[{}]}}"#, item(api, at % 300, "i", "", Some(text))))
        }
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
        Api::Gemini => {
            (r#"{"responseId":"r","candidates":["#, r#"],"usageMetadata":{"promptTokenCount":1}}"#)
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
        (Api::Gemini, None) => format!(
            r#"{{"index":{at},"finishReason":"{id}","content":{{"parts":[{{"functionCall":{{"id":"{id}","name":"{id}","args":"{arguments}"}}}}]}}}}"#
        ),
        (Api::Gemini, Some(text)) => {
            format!(r#"{{"index":{at},"content":{{"parts":[{{"thought":true,"text":"{text}"}}]}}}}"#)
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
        Api::Gemini => {
            format!(
                r#"{{"functionCall":{{"id":"{text}","name":"{text}","args":"{text}"}}}},{{"text":"{text}","thought":true}}"#
            )
        }
    };
    let open = match api {
        Api::Messages => r#"{"content":[{"type":"tool_use","id":"i","name":"n","input":["#,
        Api::Chat => r#"{"choices":[{"index":0,"message":{"tool_calls":["#,
        Api::Responses => r#"{"output":[{"type":"reasoning","summary":["#,
        Api::Gemini => r#"{"candidates":[{"index":0,"content":{"parts":["#,
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
        Api::Gemini => event(&items),
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
                    r#"{{"type":"message_delta","usage":{usage},"usageMetadata":{usage},"response":{{"usage":{usage}}}}}"#
                ))
            })
        }
        "iterations" => {
            let step = |at: usize| {
                format!(r#"{{"model":"m{at}","speed":"s{at}","input_tokens":1,"output_tokens":1}}"#)
            };
            let steps: Vec<String> = (0..5000).map(step).collect();
            let usage = format!(r#"{{"output_tokens":1,"iterations":[{}]}}"#, steps.join(","));
            fill(&|_| event(&format!(r#"{{"type":"message_delta","usage":{usage}}}"#)))
        }
        "ends" => {
            fill(&|at| event(&format!(r#"{{"choices":[{{"index":{at},"finish_reason":"{}"}}]}}"#, id(at))))
        }
        other => panic!("{other}"),
    }
}

fn streams(shapes: &[&str]) {
    let bridge = bridge();
    for api in APIS {
        for shape in shapes {
            let lengths = if *shape == "terminal" { DOCUMENT_LENGTHS } else { STREAM_LENGTHS };
            holds(shape, api, ANSWER_BOUND, lengths, |len| {
                let request = br#"{"model":"m","stream":true,"stream_options":{}}"#;
                peak(&bridge, api, request, "text/event-stream", &stream(api, shape, len))
            });
        }
    }
}

#[test]
fn a_stream_of_huge_or_many_events_takes_bounded_memory() {
    streams(&["one event", "one line", "small events", "usage", "iterations", "ends"]);
}

#[test]
fn a_stream_of_endless_tool_calls_takes_bounded_memory() {
    streams(&["empty calls", "long ids", "long arguments", "one call", "escaped arguments"]);
}

#[test]
fn a_stream_of_endless_thoughts_takes_bounded_memory() {
    streams(&["thoughts", "escaped thoughts", "both", "terminal"]);
}

/// One event far above its limit: all of a document, behind a text that leaves `before` bytes up to the limit.
fn large_event(api: Api, document: &[u8], before: usize) -> Vec<u8> {
    let document = core::str::from_utf8(document).unwrap().replace("message", "delta");
    let text = "d".repeat(EVENT_BYTES - before);
    let data = match api {
        Api::Messages => format!(
            r#"{{"type":"content_block_start","index":1,"picture":"{text}","content_block":{{"type":"tool_use","id":"i","name":"n","input":{{"a":{document}}}}}}}"#
        ),
        Api::Chat | Api::Gemini => document.replacen('{', &format!(r#"{{"picture":"{text}","#), 1),
        Api::Responses => {
            format!(r#"{{"type":"response.completed","picture":"{text}","response":{document}}}"#)
        }
    };
    format!("{}{}data: [DONE]\n\n", call(api, 0, "i", "{}"), event(&data)).into_bytes()
}

#[test]
fn an_event_far_above_its_limit_takes_bounded_memory() {
    let bridge = bridge();
    let long = "z".repeat(3000);
    let request = br#"{"model":"m","stream":true,"stream_options":{}}"#;
    for api in APIS {
        let shapes: [(&str, &dyn Fn(usize) -> String); 3] = [
            ("small calls", &|at| item(api, at, "i", "{}", None)),
            ("calls", &|at| item(api, at, &long, &long, None)),
            ("both", &|at| item(api, at, &long, &long, (at % 2 == 0).then_some(&long))),
        ];
        for (shape, item) in shapes {
            for before in [EVENT_BYTES, EVENT_BYTES / 2, 1000] {
                holds(
                    &format!("event of {shape} behind {before}"),
                    api,
                    ANSWER_BOUND,
                    DOCUMENT_LENGTHS,
                    |len| {
                        let body = large_event(api, &document(api, len, item), before);
                        peak(&bridge, api, request, "text/event-stream", &body)
                    },
                );
            }
        }
    }
}

#[test]
fn a_document_in_place_of_a_stream_takes_bounded_memory() {
    let bridge = bridge();
    for api in APIS {
        for open in [r#"{"error":{"message":""#, r#"[{"detail":[{"msg":""#, "[[[[[[", "{{{"] {
            holds(&format!("document {open}"), api, ANSWER_BOUND, STREAM_LENGTHS, |len| {
                let body = filled(len, open, "", |_| "e".repeat(30_000), "");
                peak(&bridge, api, br#"{"stream":true}"#, "text/event-stream", &body)
            });
        }
    }
}

#[test]
fn a_document_takes_bounded_memory() {
    let bridge = bridge();
    let long = "z".repeat(3000);
    let longer = "y".repeat(400_000);
    let large = "y".repeat(70_000);
    let escapes = r"\u0001".repeat(2000);
    for api in APIS {
        let shapes: [(&str, &dyn Fn(usize) -> String); 6] = [
            ("small calls", &|at| item(api, at, "i", "{}", None)),
            ("calls", &|at| item(api, at, &long, &long, None)),
            ("large calls", &|at| item(api, at, &long, &large, None)),
            ("escaped calls", &|at| item(api, at, &escapes, &escapes, None)),
            ("thoughts", &|at| item(api, at, &long, "", Some(&longer))),
            ("both", &|at| item(api, at, &long, &long, (at % 2 == 0).then_some(&long))),
        ];
        for (shape, item) in shapes {
            let lengths = if shape == "large calls" { LARGE_CALLS_LENGTHS } else { DOCUMENT_LENGTHS };
            holds(&format!("document of {shape}"), api, ANSWER_BOUND, lengths, |len| {
                peak(&bridge, api, b"{}", "application/json", &document(api, len, item))
            });
        }
        let one = |len: usize| document(api, len, |_| item(api, 0, "i", &"a".repeat(len), None));
        holds("document of one text", api, ANSWER_BOUND, DOCUMENT_LENGTHS, |len| {
            peak(&bridge, api, b"{}", "application/json", &one(len))
        });
        for text in ["", "p", &long, &longer, &escapes] {
            let shape = format!("document of one item with parts of {}", text.len());
            holds(&shape, api, ANSWER_BOUND, DOCUMENT_LENGTHS, |len| {
                peak(&bridge, api, b"{}", "application/json", &parts(api, len, text))
            });
        }
    }
}
