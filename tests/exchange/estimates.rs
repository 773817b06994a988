//! What is charged where the final usage never came (`usage.estimate`).

use serde_json::{Value, json};
use world::{CONFIGURATION, World, bridge, changed, head};

const EVENTS: [(&str, &str); 1] = [("content-type", "text/event-stream")];
const DOCUMENT: [(&str, &str); 1] = [("content-type", "application/json")];

/// The world after this request and answer; the stream ends after the answer's last byte.
fn played(path: &str, request: &str, headers: &[(&str, &str)], answer: &str) -> World {
    let bridge = changed(|configuration| {
        configuration["prices"] = json!([{"models": ["*"], "input": 2.0, "output": 10.0, "cache_read": 1.0}]);
    });
    let mut world = World::new(&bridge);
    world.request(head(&format!("POST {path}"), &[]), false).upload(request.as_bytes(), true);
    world.answer(head("200", headers), false).download(answer.as_bytes(), true);
    world.finish("via_upstream");
    world
}

fn estimate(world: &World) -> Value {
    world.record()["usage"]["estimate"].clone()
}

fn tokens(input: u64, output: u64) -> Value {
    json!({"input_tokens": input, "output_tokens": output})
}

/// An estimate of a request that is answered with an empty document.
fn of_request(path: &str, request: &str) -> u64 {
    estimate(&played(path, request, &DOCUMENT, "{}"))["input_tokens"].as_u64().unwrap()
}

fn values(world: &World) -> [&str; 5] {
    ["input_tokens", "output_tokens", "cache_read_tokens", "total_tokens", "cost_microusd"]
        .map(|name| world.published[&format!("ai_bridge_{name}")].as_str())
}

#[test]
fn the_texts_of_a_request_are_all_strings_below_its_members_of_texts() {
    let text = "t".repeat(400);
    for (path, request, bytes) in [
        (
            "/anthropic/v1/messages",
            format!(r#"{{"model":"{text}","metadata":{{"user_id":"{text}"}},"system":"{text}"}}"#),
            400,
        ),
        (
            "/anthropic/v1/messages",
            format!(r#"{{"system":[{{"type":"text","text":"{text}"}}],"messages":[]}}"#),
            404,
        ),
        (
            "/anthropic/v1/messages",
            format!(
                r#"{{"messages":[{{"role":"user","content":"{text}"}},{{"role":"assistant","content":"{text}"}}]}}"#
            ),
            813,
        ),
        (
            "/anthropic/v1/messages",
            format!(
                r#"{{"messages":[{{"role":"user","content":[{{"type":"tool_result","tool_use_id":"x","content":[{{"type":"text","text":"{text}"}}]}}]}}]}}"#
            ),
            4 + 11 + 1 + 4 + 400,
        ),
        (
            "/anthropic/v1/messages",
            format!(
                r#"{{"messages":[{{"role":"assistant","content":[{{"type":"thinking","thinking":"{text}"}}]}}]}}"#
            ),
            9 + 8 + 400,
        ),
        (
            "/anthropic/v1/messages",
            format!(
                r#"{{"tools":[{{"name":"{text}","input_schema":{{"a":"{text}"}}}}],"messages":[{{"role":"assistant","content":[{{"type":"tool_use","input":{{"a":["{text}"]}},"name":"n"}}]}}]}}"#
            ),
            9 + 8 + 1,
        ),
        (
            "/anthropic/v1/messages",
            format!(
                r#"{{"messages":[{{"role":"user","content":[{{"type":"image","source":{{"type":"base64","media_type":"image/png","data":"{text}"}}}}]}}]}}"#
            ),
            4 + 5 + 6 + 9,
        ),
        (
            "/anthropic/v1/messages",
            format!(
                r#"{{"messages":[{{"role":"user","content":[{{"type":"document","source":{{"type":"text","media_type":"text/plain","data":"{text}"}},"title":"{text}"}},{{"type":"document","source":{{"type":"base64","data":"{text}"}}}},{{"type":"document","source":{{"data":"{text}"}}}}]}}]}}"#
            ),
            4 + 8 + 4 + 10 + 400 + 400 + 8 + 6 + 8,
        ),
        (
            "/anthropic/v1/messages",
            format!(
                r#"{{"messages":[{{"role":"user","content":[{{"type":"tool_result","content":[{{"type":"document","source":{{"type":"text","data":"{text}"}}}},{{"type":"image","source":{{"type":"base64","data":"{text}"}}}}]}}]}}]}}"#
            ),
            4 + 11 + 8 + 4 + 400 + 5 + 6,
        ),
        (
            "/openai/v1/chat/completions",
            format!(
                r#"{{"messages":[{{"role":"system","content":"{text}"}},{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"{text}"}}}}]}}]}}"#
            ),
            6 + 400 + 4 + 9,
        ),
        (
            "/openai/v1/chat/completions",
            format!(
                r#"{{"messages":[{{"role":"assistant","tool_calls":[{{"id":"i","function":{{"name":"n","arguments":"{text}"}}}}]}}],"tools":[{{"function":{{"description":"{text}"}}}}]}}"#
            ),
            9 + 1 + 1,
        ),
        ("/openai/v1/responses", format!(r#"{{"instructions":"{text}","input":"{text}"}}"#), 800),
        (
            "/openai/v1/responses",
            format!(
                r#"{{"input":[{{"type":"function_call_output","output":"{text}"}},{{"type":"function_call","arguments":"{text}"}},{{"type":"additional_tools","tools":[{{"name":"{text}","parameters":{{"model":"{text}"}}}}],"note":"{text}"}}]}}"#
            ),
            20 + 400 + 13 + 16 + 400,
        ),
        (
            "/openai/v1/responses",
            format!(
                r#"{{"input":[{{"type":"custom_tool_call","input":"{text}"}},{{"role":"user","content":[{{"type":"input_image","image_url":"{text}"}}]}}]}}"#
            ),
            16 + 4 + 11,
        ),
    ] {
        assert_eq!(of_request(path, &request), u64::div_ceil(bytes, 4), "{request}");
    }
}

#[test]
fn texts_are_counted_as_utf8_after_unescaping() {
    for (text, bytes) in [
        ("aaaa\\n", 5),
        ("\\u0041\\\"\\\\", 3),
        ("é€😀", 9),
        ("\\u00e9\\u20ac\\ud83d\\ude00", 9),
        ("a line\\nand \\\"quotes\\\" that fill several blocks of sixteen bytes, \\u00e9", 65),
    ] {
        let text = text.repeat(4);
        let request = format!(r#"{{"model":"m","input":"{text}"}}"#);
        let wanted: Value = serde_json::from_str(&request).unwrap();
        assert_eq!(wanted["input"].as_str().unwrap().len() as u64, bytes * 4, "{text}");
        assert_eq!(of_request("/openai/v1/responses", &request), bytes, "{text}");
        let answer = format!(
            r#"{{"output":[{{"type":"message","content":[{{"type":"output_text","text":"{text}"}}]}}]}}"#
        );
        let world = played("/openai/v1/responses", "{}", &DOCUMENT, &answer);
        assert_eq!(estimate(&world), tokens(0, bytes), "{text}");
    }
}

#[test]
fn a_stream_that_breaks_off_is_charged_by_its_texts() {
    let request = format!(r#"{{"model":"m","stream":true,"messages":[{{"content":"{}"}}]}}"#, "q".repeat(40));
    let delta = |delta: &str| {
        format!(
            "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{delta}}}\n\n"
        )
    };
    let pieces: String =
        (0..50).map(|at| delta(&format!(r#"{{"type":"text_delta","text":"{}"}}"#, "p".repeat(at)))).collect();
    let start = r#"data: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":7,"cache_read_input_tokens":5,"output_tokens":1}}}"#;
    let thinking = delta(r#"{"type":"thinking_delta","thinking":"four"}"#)
        + &delta(r#"{"type":"input_json_delta","partial_json":"{\"a\":\"b\"}"}"#);
    let bytes = (0..50).sum::<u64>() + 4 + 9;
    let world =
        played("/anthropic/v1/messages", &request, &EVENTS, &format!("{start}\n\n{pieces}{thinking}"));
    let record = world.record();
    let noted = &record["notes"];
    let output = bytes.div_ceil(4);
    assert_eq!(record["usage"]["estimate"], tokens(7, output));
    assert_eq!(record["usage"]["output_tokens"], 1, "what was stated");
    assert_eq!(record["usage"]["total_tokens"], 13);
    assert_eq!(record["cost_microusd"], 14 + 5 + 10);
    assert_eq!(record["outcome"], "aborted_upstream");
    assert_eq!(*noted, json!(["usage_estimated", "cost_partial"]));
    let (total, cost) = ((12 + output).to_string(), (14 + 5 + 10 * output).to_string());
    assert_eq!(values(&world), ["7", &output.to_string(), "5", &total, &cost]);
}

#[test]
fn the_summary_of_a_compaction_is_a_text_of_the_answer() {
    let event = |event: Value| format!("data: {event}\n\n");
    let mut answer = event(
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "compaction", "content": ""}}),
    );
    for _ in 0..5 {
        let delta = json!({"type": "compaction_delta", "content": "eight by"});
        answer.push_str(&event(json!({"type": "content_block_delta", "index": 0, "delta": delta})));
    }
    let world = played("/anthropic/v1/messages", r#"{"model":"m","stream":true}"#, &EVENTS, &answer);
    assert_eq!(estimate(&world), tokens(0, 10));
}

#[test]
fn a_larger_stated_output_wins() {
    let start =
        r#"data: {"type":"message_start","message":{"usage":{"input_tokens":7,"output_tokens":900}}}"#;
    let world = played("/anthropic/v1/messages", "{}", &EVENTS, &format!("{start}\n\n"));
    assert_eq!(estimate(&world), tokens(7, 900));
}

#[test]
fn answers_that_ended_well_without_usage_are_estimated() {
    let request = r#"{"model":"m","messages":[{"role":"user","content":"12345678"}]}"#;
    let chunk = |delta: &str| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n");
    let stream = chunk(r#"{"content":"1234"}"#)
        + &chunk(r#"{"content":[{"type":"text","text":"12"}]}"#)
        + &chunk(r#"{"reasoning":"same","reasoning_content":"same"}"#)
        + &chunk(r#"{"refusal":"12"}"#)
        + &chunk(r#"{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}"#)
        + "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let world = played("/openai/v1/chat/completions", request, &EVENTS, &stream);
    assert_eq!(estimate(&world), tokens(3, 4), "14 bytes");
    assert_eq!(world.record()["outcome"], "completed");
    assert_eq!(values(&world), ["3", "4", "0", "7", "46"]);
    assert!(world.record().get("cost_microusd").is_none());

    let document = r#"{"type":"message","content":[{"type":"text","text":"12345"},{"type":"tool_use","input":{"a": 1}},{"type":"thinking","thinking":"1"}]}"#;
    let world = played("/anthropic/v1/messages", request, &DOCUMENT, document);
    assert_eq!(estimate(&world), tokens(3, 4), "14 bytes");
}

#[test]
fn an_empty_reasoning_does_not_hide_the_text_under_another_name() {
    let chunk = |delta: &str| format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{delta}}}]}}\n\n");
    let stream = chunk(r#"{"reasoning":"","reasoning_content":"1234"}"#)
        + &chunk(r#"{"reasoning":"","reasoning_content":"5678"}"#)
        + &chunk(r#"{"reasoning":"both","reasoning_content":"both"}"#);
    for thoughts in [true, false] {
        let bridge = changed(|configuration| configuration["record"] = json!({"thoughts": thoughts}));
        let mut world = World::new(&bridge);
        world.request(head("POST /openai/v1/chat/completions", &[]), false).upload(b"{}", true);
        world.answer(head("200", &EVENTS), false).download(stream.as_bytes(), true).done();
        assert_eq!(estimate(&world), tokens(0, 3), "{thoughts}");
        assert_eq!(world.record()["thoughts"].as_array().unwrap().is_empty(), !thoughts);
    }
}

#[test]
fn cached_tokens_are_not_charged_beside_the_whole_estimate() {
    let request = format!(r#"{{"model":"m","messages":[{{"content":"{}"}}]}}"#, "q".repeat(400));
    let start = r#"data: {"type":"message_start","message":{"usage":{"cache_read_input_tokens":60}}}"#;
    let world = played("/anthropic/v1/messages", &request, &EVENTS, &format!("{start}\n\n"));
    assert_eq!(estimate(&world), tokens(40, 0));
    assert_eq!(values(&world), ["40", "0", "60", "100", "140"]);
}

#[test]
fn an_estimate_of_a_model_without_a_price_is_noted() {
    let bridge = changed(|configuration| {
        configuration["prices"] = json!([{"models": ["other"], "input": 2.0, "output": 10.0}]);
    });
    for (request, notes) in [
        (r#"{"model":"m","messages":[{"content":"text"}]}"#, json!(["usage_estimated", "price"])),
        (r#"{"model":"m"}"#, json!(["usage_estimated"])),
    ] {
        let mut world = World::new(&bridge);
        world.request(head("POST /anthropic/v1/messages", &[]), false).upload(request.as_bytes(), true);
        world.answer(head("200", &DOCUMENT), false).download(b"{}", true).done();
        assert_eq!(world.record()["notes"], notes, "{request}");
        assert_eq!(world.published["ai_bridge_cost_microusd"], "0");
    }
}

#[test]
fn pieces_of_a_responses_item_and_the_item_itself_count_once() {
    let event = |kind: &str, rest: &str| format!("data: {{\"type\":\"response.{kind}\",{rest}}}\n\n");
    let message = |text: &str| {
        format!(r#""item":{{"type":"message","content":[{{"type":"output_text","text":"{text}"}}]}}"#)
    };
    let refusal = r#"{"type":"message","content":[{"type":"refusal","refusal":"12345678"}]}"#;
    let document = format!(r#"{{"output":[{refusal}]}}"#);
    assert_eq!(estimate(&played("/openai/v1/responses", "{}", &DOCUMENT, &document)), tokens(0, 2));
    let deltas =
        event("output_text.delta", r#""delta":"1234""#) + &event("output_text.delta", r#""delta":"5678""#);
    for (stream, wanted) in [
        (deltas.clone(), 2),
        (event("refusal.delta", r#""delta":"12345678""#), 2),
        (
            event("refusal.delta", r#""delta":"12345678""#)
                + &event("refusal.done", r#""refusal":"12345678""#),
            2,
        ),
        (event("output_item.done", &format!(r#""item":{refusal}"#)), 2),
        (deltas.clone() + &event("output_text.done", r#""text":"12345678""#), 2),
        (deltas.clone() + &event("output_item.done", &message("12345678")), 2),
        (deltas.clone() + &event("output_item.done", &message("12345678")) + &deltas, 4),
        (event("output_item.done", r#""item":{"type":"local_shell_call","action":{"a":"b"}}"#) + &deltas, 5),
        (
            deltas.clone()
                + &event(
                    "completed",
                    r#""response":{"output":[{"type":"message","content":[{"type":"output_text","text":"123456789"}]}]}"#,
                ),
            3,
        ),
    ] {
        let world = played("/openai/v1/responses", "{}", &EVENTS, &stream);
        assert_eq!(estimate(&world), tokens(0, wanted), "{stream}");
    }
}

#[test]
fn texts_that_no_record_keeps_are_counted_all_the_same() {
    let policies = [
        json!({}),
        json!({"thoughts": false, "tool_arguments": false, "prompts": false}),
        json!({"text_bytes": 1, "total_bytes": 1}),
    ];
    let stream = |field: &str| -> String {
        (0..40)
            .map(|at| {
                format!(
                    "data: {{\"choices\":[{{\"index\":0,\"delta\":{{{field}\"{}\"}}}}]}}\n\n",
                    "x".repeat(at)
                )
                .replace('~', "{\"")
            })
            .collect()
    };
    for policy in policies {
        for small in [false, true] {
            let bridge = changed(|configuration| {
                configuration["record"] = policy.clone();
                if small {
                    configuration["limits"] = json!({"event_bytes": 1024, "document_bytes": 1024});
                }
            });
            for field in ["\"content\":", "\"reasoning\":"] {
                let mut world = World::new(&bridge);
                world.request(head("POST /openai/v1/chat/completions", &[]), false);
                world.upload(br#"{"messages":[{"content":"123456789"}]}"#, true);
                world.answer(head("200", &EVENTS), false).download(stream(field).as_bytes(), true);
                world.finish("via_upstream");
                assert_eq!(
                    estimate(&world),
                    tokens(3, (0..40_u64).sum::<u64>().div_ceil(4)),
                    "{policy} {field}"
                );
            }
            let mut world = World::new(&bridge);
            world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{}", true);
            let long = "y".repeat(4000);
            let document = format!(
                r#"{{"content":[{{"type":"text","text":"{long}"}},{{"type":"tool_use","input":["{long}"]}},{{"type":"thinking","thinking":"{long}"}}]}}"#
            );
            world.answer(head("200", &DOCUMENT), false).download(document.as_bytes(), true);
            world.finish("via_upstream");
            assert_eq!(estimate(&world), tokens(0, 3001), "{policy}");
        }
    }
}

#[test]
fn nothing_is_estimated_where_the_usage_is_final_or_the_answer_is_not_read() {
    let usage =
        r#"{"type":"message","content":[{"type":"text","text":"12345"}],"usage":{"output_tokens":1}}"#;
    let world = played("/anthropic/v1/messages", r#"{"model":"m"}"#, &DOCUMENT, usage);
    assert!(estimate(&world).is_null());
    assert_eq!(values(&world), ["0", "1", "0", "1", "10"]);
    let encoded = [DOCUMENT[0], ("content-encoding", "br")];
    let world = played("/anthropic/v1/messages", "{}", &encoded, "compressed");
    assert!(estimate(&world).is_null());
    assert_eq!(world.record()["notes"], json!(["response_encoded"]));

    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(br#"{"system":"text"}"#, true);
    world.answer(head("500", &DOCUMENT), false).download(b"{}", true).finish("via_upstream");
    assert!(estimate(&world).is_null());
}
