//! What the two APIs of OpenAI have in common: usage, ends, and identifiers.

use serde_json::{Value, json};
use world::{CONFIGURATION, World, bridge, head};

const CHAT: &str = "/openai/v1/chat/completions";

const RESPONSES: &str = "/openai/v1/responses";

fn answered(path: &str, content_type: &str, body: &str) -> Value {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(&format!("POST {path}"), &[]), false);
    world.upload(br#"{"stream":true,"stream_options":{"include_usage":true}}"#, true);
    world.answer(head("200", &[("content-type", content_type)]), false);
    world.download(body.as_bytes(), true).done();
    assert_eq!(world.client_body, body.as_bytes());
    world.record()
}

fn document(path: &str, body: &Value) -> Value {
    answered(path, "application/json", &body.to_string())
}

fn streamed(path: &str, events: &[Value]) -> Value {
    let lines: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    let done = if path == CHAT { "data: [DONE]\n\n" } else { "" };
    answered(path, "text/event-stream", &format!("{lines}{done}"))
}

/// A usage object with the names of the API.
fn usage(
    path: &str,
    input: &Value,
    cached: &Value,
    written: &Value,
    output: &Value,
    reasoning: &Value,
) -> Value {
    let (name_in, name_out) = if path == CHAT { ("prompt", "completion") } else { ("input", "output") };
    let mut usage = json!({});
    usage[format!("{name_in}_tokens")] = input.clone();
    usage[format!("{name_in}_tokens_details")] =
        json!({"cached_tokens": cached, "cache_write_tokens": written, "audio_tokens": 1});
    usage[format!("{name_out}_tokens")] = output.clone();
    usage[format!("{name_out}_tokens_details")] = json!({
        "reasoning_tokens": reasoning, "audio_tokens": 2, "accepted_prediction_tokens": 3,
        "rejected_prediction_tokens": 4,
    });
    usage["total_tokens"] = json!(999_999);
    usage
}

#[test]
fn input_tokens_exclude_cached_ones_and_the_total_has_all() {
    let null = Value::Null;
    for path in [CHAT, RESPONSES] {
        for (input, cached, written, output, reasoning, wanted) in [
            (json!(100), json!(70), json!(10), json!(5), json!(3), json!([20, 100, 70, 10, 5, 3, 105])),
            (json!(100), json!(0), json!(0), json!(0), json!(0), json!([100, 100, 0, 0, 0, 0, 100])),
            // More cached tokens than input tokens.
            (json!(1), json!(70), json!(10), json!(5), null.clone(), json!([0, 1, 70, 10, 5, null, 6])),
            (
                json!(7),
                null.clone(),
                null.clone(),
                null.clone(),
                null.clone(),
                json!([7, 7, null, null, null, null, 7]),
            ),
            (
                null.clone(),
                json!(5),
                null.clone(),
                json!(6),
                null.clone(),
                json!([null, null, 5, null, 6, null, 6]),
            ),
            (
                null.clone(),
                null.clone(),
                null.clone(),
                null.clone(),
                null.clone(),
                json!([null, null, null, null, null, null, null]),
            ),
            (json!(1.2e1), json!(2.0), json!(0), json!(3), json!(0), json!([10, 12, 2, 0, 3, 0, 15])),
        ] {
            let usage = usage(path, &input, &cached, &written, &output, &reasoning);
            let records = if path == CHAT {
                let tail = json!({"choices": [], "usage": usage, "service_tier": "flex"});
                [document(path, &json!({"usage": usage, "service_tier": "flex"})), streamed(path, &[tail])]
            } else {
                let response = json!({"usage": usage, "service_tier": "flex", "status": "completed"});
                let terminal = json!({"type": "response.completed", "response": response});
                [document(path, &response), streamed(path, &[terminal])]
            };
            for record in records {
                let found = &record["usage"];
                let names = [
                    "input_tokens",
                    "total_input_tokens",
                    "cache_read_tokens",
                    "cache_write_tokens",
                    "output_tokens",
                    "reasoning_tokens",
                    "total_tokens",
                ];
                assert_eq!(json!(names.map(|name| &found[name])), wanted, "{path} {usage}");
                for (name, number) in names.iter().zip(wanted.as_array().unwrap()) {
                    assert_eq!(found.get(name).is_none(), number.is_null(), "absent, not null: {name}");
                }
                assert_eq!(
                    found["details"],
                    json!({
                        "input_audio_tokens": 1, "output_audio_tokens": 2, "accepted_prediction_tokens": 3,
                        "rejected_prediction_tokens": 4, "service_tier": "flex",
                    })
                );
                assert_eq!(found["provider_usage"], usage);
                assert_eq!((&found["usage_status"], &record["notes"]), (&json!("complete"), &json!([])));
            }
        }
    }
}

#[test]
fn an_invalid_number_is_noted_and_the_others_count() {
    for path in [CHAT, RESPONSES] {
        for wrong in [
            json!("1"),
            json!(-1),
            json!(1.5),
            json!(1e300),
            json!(9_007_199_254_740_992_u64),
            json!(true),
            json!([]),
            json!({}),
        ] {
            let usage = usage(path, &json!(10), &wrong, &json!(2), &json!(5), &json!(1));
            let record = document(path, &json!({"usage": usage}));
            let found = &record["usage"];
            assert_eq!(found.get("cache_read_tokens"), None, "{wrong}");
            assert_eq!((&found["input_tokens"], &found["output_tokens"]), (&json!(8), &json!(5)));
            assert_eq!(record["notes"], json!(["usage_unreadable"]), "{wrong}");
        }
    }
}

#[test]
fn both_apis_and_forms_leave_the_same_calls_and_thoughts() {
    let call = json!({"id": "c", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}});
    let custom = json!({"id": "d", "type": "custom", "custom": {"name": "g", "input": "{\"b\":2}"}});
    let broken = json!({"id": "e", "type": "function", "function": {"name": "h", "arguments": "{\"c\":"}});
    let message = json!({"reasoning_content": "hm", "content": "x", "tool_calls": [call, custom, broken]});
    let head = |choices: Value| json!({"id": "r", "model": "m", "choices": choices});
    let whole =
        document(CHAT, &head(json!([{"index": 0, "message": message, "finish_reason": "tool_calls"}])));
    let mut pieces = message;
    for (index, call) in (0..).zip(pieces["tool_calls"].as_array_mut().unwrap()) {
        call["index"] = json!(index);
    }
    let in_pieces = streamed(
        CHAT,
        &[
            head(json!([{"index": 0, "delta": pieces, "finish_reason": null}])),
            head(json!([{"index": 0, "delta": {}, "finish_reason": "tool_calls"}])),
        ],
    );
    let item = |kind: &str, id: &str, name: &str, member: &str, text: &str| json!({"type": kind, "id": format!("i{id}"), "call_id": id, "name": name, member: text});
    let output = json!([
        {"type": "reasoning", "summary": [{"text": "hm"}]},
        item("function_call", "c", "f", "arguments", "{\"a\":1}"),
        item("custom_tool_call", "d", "g", "input", "{\"b\":2}"),
        item("function_call", "e", "h", "arguments", "{\"c\":"),
    ]);
    let response = json!({"id": "r", "model": "m", "status": "completed", "output": output});
    let terminal = json!({"type": "response.completed", "response": response});
    let records = [whole, in_pieces, document(RESPONSES, &response), streamed(RESPONSES, &[terminal])];
    for (record, at) in records.iter().zip(0..) {
        let calls: Vec<Value> = record["tool_calls"]
            .as_array()
            .unwrap()
            .iter()
            .map(|call| json!([call["id"], call["name"], call["arguments"], call["kind"], call["complete"]]))
            .collect();
        let wanted = json!([
            ["c", "f", {"a": 1}, "client", true],
            ["d", "g", "{\"b\":2}", "client", true],
            ["e", "h", "{\"c\":", "client", true],
        ]);
        assert_eq!(json!(calls), wanted, "{at}");
        let (source, reason) =
            if at < 2 { ("reasoning", "tool_calls") } else { ("reasoning_summary", "completed") };
        assert_eq!(record["thoughts"], json!([{"source": source, "text": "hm"}]), "{at}");
        assert_eq!(record["response"], json!({"id": "r", "status": 200, "finish_reasons": [reason]}), "{at}");
        assert_eq!(
            (&record["model"]["served"], &record["outcome"]),
            (&json!("m"), &json!("completed")),
            "{at}"
        );
        let items: Vec<&Value> = (0..3).map(|call| &record["tool_calls"][call]["item_id"]).collect();
        let wanted = if at < 2 { json!([null, null, null]) } else { json!(["ic", "id", "ie"]) };
        assert_eq!(json!(items), wanted);
    }
}

#[test]
fn the_finish_reason_is_the_status_or_why_it_is_incomplete() {
    for (status, details, reasons, outcome) in [
        ("completed", json!(null), json!(["completed"]), "completed"),
        ("incomplete", json!({"reason": "max_output_tokens"}), json!(["max_output_tokens"]), "completed"),
        ("incomplete", json!({"reason": "content_filter"}), json!(["content_filter"]), "completed"),
        ("incomplete", json!(null), json!(["incomplete"]), "completed"),
        ("incomplete", json!({"reason": null}), json!(["incomplete"]), "completed"),
        ("failed", json!(null), json!(["failed"]), "failed"),
    ] {
        let error = if status == "failed" { json!({"code": "c", "message": "m"}) } else { json!(null) };
        let usage = json!({"input_tokens": 1, "output_tokens": 2});
        let response = json!({"id": "r", "status": status, "incomplete_details": details, "error": error, "usage": usage});
        let terminal = json!({"type": format!("response.{status}"), "response": response});
        for record in [document(RESPONSES, &response), streamed(RESPONSES, &[terminal])] {
            assert_eq!(record["response"]["finish_reasons"], reasons, "{status} {details}");
            assert_eq!((&record["outcome"], &record["error"]), (&json!(outcome), &error), "{status}");
            assert_eq!(record["usage"]["usage_status"], "complete", "usage from any of them");
            assert_eq!(record["usage"]["total_tokens"], 3);
        }
    }
}

#[test]
fn the_first_response_id_counts() {
    let created = json!({"type": "response.created", "response": {"id": "first", "model": "m"}});
    let completed = json!({"type": "response.completed", "response": {"id": "second", "model": "m-2026"}});
    let record = streamed(RESPONSES, &[created, completed]);
    assert_eq!((&record["response"]["id"], &record["model"]["served"]), (&json!("first"), &json!("m-2026")));
    let chunk = |id: &str, model: &str| json!({"id": id, "model": model, "choices": []});
    let record = streamed(CHAT, &[chunk("", ""), chunk("first", "m"), chunk("second", "other")]);
    assert_eq!((&record["response"]["id"], &record["model"]["served"]), (&json!("first"), &json!("m")));
}

#[test]
fn an_event_named_error_is_a_failure_without_json() {
    for body in ["event: error\ndata: Internal Server Error\n\n", "event: error\ndata: {\"error\":\n\n"] {
        let record = answered(RESPONSES, "text/event-stream", body);
        assert_eq!((&record["outcome"], &record["error"]), (&json!("failed"), &json!({})), "{body}");
        assert_eq!(record["notes"], json!(["response_unreadable", "usage_estimated"]));
    }
    let body = "event: response.completed\ndata: {\"response\":\n\n";
    assert_eq!(answered(RESPONSES, "text/event-stream", body)["outcome"], "aborted_upstream");
}

#[test]
fn the_compaction_of_a_response_is_read_as_a_document() {
    let body = json!({"id": "r", "object": "response.compaction", "output": [{"type": "compaction"}], "usage": {"input_tokens": 7, "output_tokens": 2}});
    let mut world = World::new(&bridge(CONFIGURATION));
    world
        .request(head("POST /openai/v1/responses/compact", &[]), false)
        .upload(b"{\"model\":\"gpt-5\"}", true);
    world.answer(head("200", &[]), false).download(body.to_string().as_bytes(), true).done();
    let record = world.record();
    assert_eq!((&record["api"], &record["outcome"]), (&json!("responses"), &json!("completed")));
    assert_eq!(
        (&record["usage"]["usage_status"], &record["usage"]["total_tokens"]),
        (&json!("complete"), &json!(9))
    );
    assert_eq!(record["cost_microusd"], 29);
}
