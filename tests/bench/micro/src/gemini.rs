//! The cases of Gemini's API, whose path names the model.

use super::exchange::Play;
use super::{Case, Reader};
use ai_bridge::api::Api;
use ai_bridge::api::response::Format;

const API: Api = Api::GenerateContent;
const WORDS: &str =
    "the model reads what it is given and says what comes next of it as far as anybody can tell ";

/// One object of an answer: a piece of text, or a call with these arguments.
fn object(part: &str) -> String {
    format!(
        r#"{{"candidates":[{{"content":{{"parts":[{part}],"role":"model"}},"index":0}}],"usageMetadata":{{"promptTokenCount":25,"totalTokenCount":25}},"modelVersion":"gemini-3-pro","responseId":"m3bWc8Xk"}}"#
    )
}

/// The events of an answer of `count` objects.
fn events(tool: bool, count: usize) -> Vec<String> {
    let words = WORDS.split_inclusive(' ').cycle().take(count);
    let part = |word: &str| {
        if tool {
            format!(r#"{{"functionCall":{{"name":"edit","args":{{"text":"{word}"}}}}}}"#)
        } else {
            format!(r#"{{"text":"{word}"}}"#)
        }
    };
    let mut events: Vec<_> = words.map(|word| format!("data: {}\n\n", object(&part(word)))).collect();
    let last = r#"{"candidates":[{"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":25,"candidatesTokenCount":1015,"totalTokenCount":1040}}"#;
    events.push(format!("data: {last}\n\n"));
    events
}

/// A request of about `bytes` of text in turns.
fn request(bytes: usize) -> String {
    let text = WORDS.repeat(20);
    let turn = |at: usize| {
        format!(
            r#"{{"role":"{}","parts":[{{"text":"{text}"}}]}}"#,
            if at.is_multiple_of(2) { "user" } else { "model" }
        )
    };
    let turns: Vec<_> = (0..(bytes / text.len()) | 1).map(turn).collect();
    format!(r#"{{"contents":[{}]}}"#, turns.join(","))
}

/// A whole answer of about `bytes`: half text, half a tool call.
fn document(bytes: usize) -> String {
    let text = WORDS.repeat(bytes / 2 / WORDS.len());
    let parts =
        format!(r#"{{"text":"{text}"}},{{"functionCall":{{"name":"edit","args":{{"text":"{text}"}}}}}}"#);
    object(&parts).replacen("\"index\":0", "\"index\":0,\"finishReason\":\"STOP\"", 1).replacen(
        "\"totalTokenCount\":25",
        "\"candidatesTokenCount\":120,\"totalTokenCount\":145",
        1,
    )
}

/// Its cases, the same in every run.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::of(format!("request/{}/turns", API.name()), Reader::Request(API), &request(250_000)),
        Case::of(
            format!("document/{}/answer", API.name()),
            Reader::Response(API, Format::Document),
            &document(1 << 16),
        ),
    ];
    for (name, tool) in [("text", false), ("tool", true)] {
        let reader = Reader::Response(API, Format::Events);
        cases.push(Case::of_events(format!("events/{}/{name}", API.name()), reader, events(tool, 1_000)));
    }
    cases.push(Case {
        name: format!("exchange/{}/json", API.name()),
        events: 0,
        reader: Reader::Exchange(Play::with_model_in_path()),
        chunks: vec![request(1_000).into_bytes(), document(500).into_bytes()],
    });
    cases
}
