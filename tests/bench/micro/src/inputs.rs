//! The inputs: bodies like real ones, the same bytes in every run.

use ai_bridge::api::Api;
use serde_json::{Value, json};

const WORDS: &str =
    "the model reads what it is given and says what comes next of it as far as anybody can tell ";

/// About `bytes` of English in a JSON string, with an escape every `escape_every` bytes.
pub(crate) fn text(bytes: usize, escape_every: Option<usize>) -> String {
    let escapes = ["\n", "\"", "\n", "\t", "\\", "\n"];
    let mut words = WORDS.chars().cycle();
    let mut text = String::new();
    let Some(every) = escape_every else { return words.take(bytes).collect() };
    for escape in escapes.iter().cycle().take(bytes / every) {
        text.extend(words.by_ref().take(every - 2));
        text.push_str(escape);
    }
    text
}

/// About `bytes` of Chinese in a JSON string, whose letters take three bytes, with an escape about every 40 bytes.
pub(crate) fn chinese(bytes: usize) -> String {
    "模型读取所给的内容并说出接\n".repeat(bytes / 40)
}

/// About `bytes` of English in a JSON string, with a letter beyond ASCII every `letter_every` bytes, and an escape every
/// `escape_every` bytes: what people and agents write.
pub(crate) fn prose(bytes: usize, letter_every: usize, escape_every: Option<usize>) -> String {
    let mut letters = ["é", "—", "“", "→", "│", "ü", "✓", "😀"].iter().cycle();
    let mut text = String::new();
    for (at, letter) in self::text(bytes, escape_every).chars().enumerate() {
        if at % letter_every == letter_every - 1 {
            text.push_str(letters.next().copied().unwrap_or_default());
        }
        text.push(letter);
    }
    text
}

/// About `bytes` of Chinese and code in turns, as an agent sends it.
pub(crate) fn chinese_code(bytes: usize) -> String {
    let part = "模型读取所给的内容，并说出接下来的话。请修改这个函数：\n    let answer = compute(&input, \"twice\")?; // 计算两次\n";
    part.repeat(bytes / part.len())
}

/// `bytes` that look like a picture in base64.
pub(crate) fn base64(bytes: usize) -> String {
    let digits = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut state = 1_u32;
    let mut digit = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(digits.get((state >> 26) as usize).copied().unwrap_or_default())
    };
    (0..bytes).map(|_| digit()).collect()
}

/// A Messages conversation of about `bytes`, of turns with this text. Every other turn is the user's. `said`: the user's
/// text is a prompt, so that it is read; otherwise it is the result of a tool.
pub(crate) fn conversation(text: &str, said: bool, bytes: usize) -> String {
    let (length, text) = (text.len(), Value::from(text));
    let turn = |at: usize| {
        if !at.is_multiple_of(2) {
            format!(r#"{{"role":"assistant","content":[{{"type":"text","text":{text}}}]}}"#)
        } else if said {
            format!(r#"{{"role":"user","content":[{{"type":"text","text":{text}}}]}}"#)
        } else {
            format!(
                r#"{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"toolu_{at:020}","content":{text}}}]}}"#
            )
        }
    };
    let turns: Vec<_> = (0..(bytes / length) | 1).map(turn).collect();
    request(Api::Messages, &turns, "[]")
}

/// A request of a coding agent: tools, questions, calls and files, short and long strings.
pub(crate) fn agent(api: Api, bytes: usize) -> String {
    let schema = concat!(
        r#"{"type":"object","properties":{"#,
        r#""file_path":{"type":"string","description":"The absolute path to the file to read"},"#,
        r#""offset":{"type":"integer","minimum":0,"description":"The line number to start reading from"},"#,
        r#""limit":{"type":"integer","exclusiveMinimum":0,"default":2000},"#,
        r#""recursive":{"type":["boolean","null"],"enum":[true,false,null]}},"#,
        r#""required":["file_path"],"additionalProperties":false}"#
    );
    let tool = |at: usize| {
        let about =
            format!(r#""name":"Tool_{at}","description":"Reads a file.\n- The path must be absolute\n""#);
        match api {
            Api::Messages => format!(r#"{{{about},"input_schema":{schema}}}"#),
            Api::ChatCompletions => {
                format!(r#"{{"type":"function","function":{{{about},"parameters":{schema}}}}}"#)
            }
            Api::Responses => format!(r#"{{"type":"function",{about},"parameters":{schema}}}"#),
            // It is not measured.
            Api::GenerateContent => String::new(),
        }
    };
    let tools: Vec<_> = (0..bytes / 12_000).map(tool).collect();
    let code =
        r#"    let answer = compute(&input, \"twice\")?; // as before\n"#.repeat((bytes / 64).clamp(1, 30));
    let mut turns = Vec::new();
    let mut left = bytes;
    while left > 0 {
        let round = round(api, &code, turns.len());
        left = left.saturating_sub(round.iter().map(String::len).sum());
        turns.extend(round);
    }
    let part = if api == Api::Responses { "input_text" } else { "text" };
    turns.push(format!(r#"{{"role":"user","content":[{{"type":"{part}","text":"Go on, please.\n"}}]}}"#));
    request(api, &turns, &format!("[{}]", tools.join(",")))
}

/// The turns of one round: a question, a call and its result.
fn round(api: Api, code: &str, at: usize) -> [String; 3] {
    let ask = r#"{"role":"user","content":"Please look at the next file."}"#.to_owned();
    let id = format!("call_{at:020}");
    let path = r#"{\"file_path\":\"/home/me/src/main.rs\",\"offset\":17}"#;
    let (call, result) = match api {
        Api::Messages => (
            format!(
                r#"{{"role":"assistant","content":[{{"type":"text","text":"I read it."}},{{"type":"tool_use","id":"{id}","name":"Tool_1","input":{{"file_path":"/home/me/src/main.rs","offset":17}}}}]}}"#
            ),
            format!(
                r#"{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"{id}","content":"{code}"}}]}}"#
            ),
        ),
        Api::ChatCompletions => (
            format!(
                r#"{{"role":"assistant","content":null,"tool_calls":[{{"id":"{id}","type":"function","function":{{"name":"Tool_1","arguments":"{path}"}}}}]}}"#
            ),
            format!(r#"{{"role":"tool","tool_call_id":"{id}","content":"{code}"}}"#),
        ),
        Api::Responses => (
            format!(r#"{{"type":"function_call","call_id":"{id}","name":"Tool_1","arguments":"{path}"}}"#),
            format!(r#"{{"type":"function_call_output","call_id":"{id}","output":"{code}"}}"#),
        ),
        // It is not measured.
        Api::GenerateContent => (String::new(), String::new()),
    };
    [ask, call, result]
}

fn request(api: Api, turns: &[String], tools: &str) -> String {
    let name = if api == Api::Responses { "input" } else { "messages" };
    let turns = turns.join(",");
    format!(
        r#"{{"model":"model-of-these-benches","stream":true,"tools":{tools},"temperature":1,"{name}":[{turns}]}}"#
    )
}

/// What the events of an answer tell piece by piece.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Deltas {
    /// English words.
    Text,
    /// Words with escapes, and letters beyond ASCII.
    Mixed,
    /// The arguments of a tool call, with an escape each.
    Tool,
}

/// The events of an answer of `count` pieces.
pub(crate) fn events(api: Api, deltas: Deltas, count: usize) -> Vec<String> {
    let mut events = Vec::new();
    let tool = deltas == Deltas::Tool;
    let words = WORDS.split_inclusive(' ').zip(0_usize..).cycle().take(count);
    let piece = |(word, at): (&str, usize)| match (deltas, at % 4) {
        (Deltas::Tool, _) => format!("{word}\\\""),
        (Deltas::Mixed, 0) => format!("{word}— é"),
        (Deltas::Mixed, 1) => format!("{word}\\n"),
        (Deltas::Mixed, 2) => "模型读取".to_owned(),
        _ => word.to_owned(),
    };
    let named = |name: &str, rest: &str| format!("event: {name}\ndata: {{\"type\":\"{name}\"{rest}}}\n\n");
    match api {
        Api::Messages => {
            events.push(named("message_start", r#","message":{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","model":"claude-sonnet-4-5-20250929","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":25,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}"#));
            let block = if tool {
                r#"{"type":"tool_use","id":"toolu_01T1x1fJ34qAmk2tNTrN7Up6","name":"Edit","input":{}}"#
            } else {
                r#"{"type":"text","text":""}"#
            };
            events.push(named("content_block_start", &format!(",\"index\":0,\"content_block\":{block}")));
            let (kind, member) =
                if tool { ("input_json_delta", "partial_json") } else { ("text_delta", "text") };
            events.extend(words.map(|word| {
                let piece = piece(word);
                let delta = format!(r#"{{"type":"{kind}","{member}":"{piece}"}}"#);
                named("content_block_delta", &format!(",\"index\":0,\"delta\":{delta}"))
            }));
            events.push(named("content_block_stop", ",\"index\":0"));
            events.push(named(
                "message_delta",
                r#","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":1015}"#,
            ));
            events.push(named("message_stop", ""));
        }
        Api::ChatCompletions => {
            let chunk = |choices: &str, usage: &str| {
                format!(
                    "data: {{\"id\":\"chatcmpl-CV4XJ8bHFYpK3xSgkJqmVfS0vT7yN\",\"object\":\"chat.completion.chunk\",\"created\":1761741234,\"model\":\"gpt-4o-2024-08-06\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_cbf1785567\",\"choices\":{choices},\"usage\":{usage},\"obfuscation\":\"m3bWc8\"}}\n\n"
                )
            };
            let choice = |delta: &str, finish: &str| {
                chunk(
                    &format!(
                        "[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish}}}]"
                    ),
                    "null",
                )
            };
            events.push(choice(r#"{"role":"assistant","content":"","refusal":null}"#, "null"));
            if tool {
                events.push(choice(r#"{"tool_calls":[{"index":0,"id":"call_mdMRkVsKRyJsg7dPQxM9","type":"function","function":{"name":"edit","arguments":""}}]}"#, "null"));
            }
            events.extend(words.map(|word| {
                let piece = piece(word);
                let delta = if tool {
                    format!("{{\"tool_calls\":[{{\"index\":0,\"function\":{{\"arguments\":\"{piece}\"}}}}]}}")
                } else {
                    format!("{{\"content\":\"{piece}\"}}")
                };
                choice(&delta, "null")
            }));
            events.push(choice("{}", "\"stop\""));
            events.push(chunk("[]", r#"{"prompt_tokens":25,"completion_tokens":1015,"total_tokens":1040,"prompt_tokens_details":{"cached_tokens":0}}"#));
            events.push("data: [DONE]\n\n".to_owned());
        }
        Api::Responses => {
            let response = |status: &str, usage: &str| {
                format!(
                    r#","response":{{"id":"resp_68af4030baa48193b0b43b4c2a176a1a","object":"response","created_at":1761741234,"status":"{status}","model":"gpt-5-2025-08-07","output":[],"usage":{usage}}}"#
                )
            };
            events.push(named("response.created", &response("in_progress", "null")));
            let id = "0_68af4030f5d88193b0b43b4c2a176a1a";
            let item = if tool {
                format!(
                    r#"{{"id":"fc_{id}","type":"function_call","status":"in_progress","arguments":"","call_id":"call_mdMRkVsKRyJsg7dPQxM9","name":"edit"}}"#
                )
            } else {
                format!(
                    r#"{{"id":"msg_{id}","type":"message","status":"in_progress","content":[],"role":"assistant"}}"#
                )
            };
            events.push(named(
                "response.output_item.added",
                &format!(",\"sequence_number\":2,\"output_index\":0,\"item\":{item}"),
            ));
            events.extend((3..).zip(words).map(|(number, word)| {
                let piece = piece(word);
                if tool {
                    named("response.function_call_arguments.delta", &format!(
                        ",\"sequence_number\":{number},\"item_id\":\"fc_{id}\",\"output_index\":0,\"delta\":\"{piece}\",\"obfuscation\":\"m3bWc8dT\""))
                } else {
                    named("response.output_text.delta", &format!(
                        ",\"sequence_number\":{number},\"item_id\":\"msg_{id}\",\"output_index\":0,\"content_index\":0,\"delta\":\"{piece}\",\"logprobs\":[],\"obfuscation\":\"m3bWc8dT\""))
                }
            }));
            events.push(named("response.completed", &response("completed", r#"{"input_tokens":25,"input_tokens_details":{"cached_tokens":0},"output_tokens":1015,"total_tokens":1040}"#)));
        }
        // It is not measured.
        Api::GenerateContent => {}
    }
    events
}

/// A whole answer of about `bytes`: half text, half a tool call.
pub(crate) fn document(api: Api, bytes: usize) -> String {
    let said = text(bytes / 2, Some(40));
    let code = json!({"file_path": "/home/me/src/main.rs", "content": text(bytes / 2, Some(40))});
    let id = "call_mdMRkVsKRyJsg7dPQxM9";
    let answer = match api {
        Api::Messages => json!({
            "id": "msg_01XFDUDYJgAACzvnptvVoYEL", "type": "message", "role": "assistant", "model": "claude",
            "content": [
                {"type": "text", "text": said},
                {"type": "tool_use", "id": id, "name": "Write", "input": code}],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {"input_tokens": 25, "output_tokens": 1015}}),
        Api::ChatCompletions => json!({
            "id": "chatcmpl-CV4XJ8bHFYpK3xSgkJqmVfS0vT7yN", "object": "chat.completion", "model": "gpt-4o",
            "choices": [{"index": 0, "finish_reason": "tool_calls", "logprobs": null, "message": {
                "role": "assistant", "content": said, "tool_calls": [{"id": id, "type": "function",
                "function": {"name": "write", "arguments": code.to_string()}}]}}],
            "usage": {"prompt_tokens": 25, "completion_tokens": 1015, "total_tokens": 1040}}),
        Api::Responses => json!({
            "id": "resp_68af4030baa48193b0b43b4c2a176a1a", "object": "response", "model": "gpt-5",
            "status": "completed", "output": [
                {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant",
                    "content": [{"type": "output_text", "annotations": [], "text": said}]},
                {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": id, "name": "write",
                    "arguments": code.to_string()}],
            "usage": {"input_tokens": 25, "output_tokens": 1015, "total_tokens": 1040}}),
        // It is not measured.
        Api::GenerateContent => Value::Null,
    };
    answer.to_string()
}
