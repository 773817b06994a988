//! Arguments that are taken as valid JSON, without another look, are valid JSON whatever is wrong with the response: they
//! are written into the record as they are.

use ai_bridge::api::Api;
use ai_bridge::api::response::Format;
use ai_bridge::limits::Limits;
use ai_bridge::record::RecordPolicy;
use serde_json::Value;

const INPUT: &str = r#"{"a":[1,"x\n",null],"b":{"c":true}}"#;

/// How many calls of the response have arguments that count as valid JSON. They are.
fn validated(api: Api, format: Format, limits: &Limits, body: &[u8]) -> usize {
    let [single, some, all] = [1, 50, usize::MAX].map(|size| {
        let mut reader = api.response_reader(format, RecordPolicy::default().keep(limits), limits);
        body.chunks(size).for_each(|chunk| drop(reader.feed(chunk)));
        drop(reader.finish());
        let calls = reader.answer().tool_calls.iter().filter(|call| call.validated);
        let is_valid = |text: &str| serde_json::from_str::<Value>(text).is_ok();
        calls.inspect(|call| assert!(is_valid(call.arguments.as_str()), "{call:?}")).count()
    });
    assert!(single == some && some == all, "{}", String::from_utf8_lossy(body));
    all
}

#[test]
fn no_change_of_a_response_makes_invalid_arguments_count_as_valid() {
    let block = format!(r#"{{"type":"tool_use","id":"t","name":"n","input":{INPUT}}}"#);
    let events = format!(
        "data: {{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{block}}}\n\n\
         data: {{\"type\":\"content_block_stop\",\"index\":0}}\n\ndata: {{\"type\":\"message_stop\"}}\n\n"
    );
    let message = format!(r#"{{"type":"message","content":[{block}],"stop_reason":"x"}}"#);
    let parts =
        format!(r#"{{"functionCall":{{"name":"n","args":{INPUT}}}}},{{"executableCode":{{"code":"x"}}}}"#);
    let object = format!(r#"{{"candidates":[{{"content":{{"parts":[{parts}]}},"finishReason":"STOP"}}]}}"#);
    let limits = Limits::default();
    for (api, format, body, calls) in [
        (Api::Messages, Format::Events, events, 1),
        (Api::Messages, Format::Document, message, 1),
        (Api::GenerateContent, Format::Events, format!("data: {object}\n\ndata: {object}\n\n"), 4),
        (Api::GenerateContent, Format::Events, format!("[{object},{object}]"), 4),
        (Api::GenerateContent, Format::Document, object, 2),
    ] {
        let read = |body: &[u8]| validated(api, format, &limits, body);
        assert_eq!(read(body.as_bytes()), calls, "{body}");
        for at in 0..body.len() {
            let (before, after) = body.as_bytes().split_at(at);
            read(before);
            for byte in *b"\"}{x\n,\\0\xff" {
                read(&[before, &[byte], &after[1..]].concat());
            }
            for left_out in [1, 3, 10] {
                read(&[before, after.get(left_out..).unwrap_or_default()].concat());
            }
        }
    }
}
