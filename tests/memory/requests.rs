//! Memory of requests.

use super::{APIS, Api, Bound, CHUNK, KIB, MB, TEXT_BYTES, bridge, filled, holds, peak};

/// The two lengths of requests; at most 352 KiB of one are kept.
const REQUEST_LENGTHS: [usize; 2] = [MB, 4 * MB];

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
    // The content is a string, or an array of parts. Gemini has parts only.
    let turn = |content: &str| match (api, content.starts_with('"')) {
        (Api::Gemini, true) => format!(r#"{{"role":"user","parts":[{{"text":{content}}}]}}"#),
        (Api::Gemini, false) => format!(r#"{{"role":"user","parts":{content}}}"#),
        _ => format!(r#"{{"role":"user","content":{content}}}"#),
    };
    let (open_text, close_text, parts) = match api {
        Api::Gemini => (r#"{"role":"user","parts":[{"text":""#, r#""}]}]}"#, "parts"),
        Api::Messages | Api::Chat | Api::Responses => (r#"{"role":"user","content":""#, r#""}]}"#, "content"),
    };
    let fill = |open: &str, item: &dyn Fn(usize) -> String, close: &str| filled(len, open, ",", item, close);
    let text = |letter: &str, open: &str, close: &str| filled(len, open, "", |_| letter.repeat(1000), close);
    let part = match api {
        Api::Messages | Api::Chat | Api::Gemini => "text",
        Api::Responses => "input_text",
    };
    match shape {
        "one string" => text("x", &format!("{head}{open_text}"), close_text),
        "one string of escapes" => text(r"\u00e9", &format!("{head}{open_text}"), close_text),
        "many turns" => fill(&head, &|at| turn(&format!("\"{at}\"")), "]}"),
        "long turns" => fill(&head, &|_| turn(&format!("\"{}\"", "y".repeat(70_000))), "]}"),
        "many parts" => {
            let part = format!(r#"{{"type":"{part}","text":"0123456789"}}"#);
            fill(&format!(r#"{head}{{"role":"user","{parts}":["#), &|_| part.clone(), "]}]}")
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
                    Api::Gemini => {
                        turn(&format!(r#"[{{"functionResponse":{{"id":"{id}","name":"{id}"}}}}]"#))
                    }
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
        "other models" => {
            fill(r#"{"fallbacks":["#, &|at| format!(r#"{{"model":"{at}{}"}}"#, "f".repeat(1000)), "]}")
        }
        "models of tools" => fill(
            r#"{"tools":["#,
            &|at| format!(r#"{{"parameters":{{"model":"{at}{}"}}}}"#, "p".repeat(5000)),
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

#[test]
fn a_request_of_many_other_models_takes_bounded_memory() {
    requests(&["other models", "models of tools"]);
}
