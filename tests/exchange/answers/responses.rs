//! What is learned from responses of the Responses API, beyond the transcripts.

use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{CONFIGURATION, World, bridge, head};

pub(super) const EVENTS: &str = "text/event-stream";

pub(super) const DOCUMENT: &str = "application/json";

/// The record of a response with this body.
pub(super) fn answered(bridge: &Rc<Bridge>, content_type: &str, body: &str) -> Value {
    let mut world = World::new(bridge);
    world.request(head("POST /openai/v1/responses", &[]), false);
    world.upload(br#"{"model":"gpt-5.5","stream":true,"input":"hi"}"#, true);
    world.answer(head("200", &[("content-type", content_type)]), false);
    for piece in body.as_bytes().chunks(997) {
        world.download(piece, false);
    }
    world.download(b"", true).done();
    assert!(world.client_body == body.as_bytes(), "the client's bytes");
    world.record()
}

/// The record of a stream of `events`.
pub(super) fn streamed(events: &[Value]) -> Value {
    streamed_under(&bridge(CONFIGURATION), events)
}

pub(super) fn streamed_under(bridge: &Rc<Bridge>, events: &[Value]) -> Value {
    let lines: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    answered(bridge, EVENTS, &lines)
}

pub(super) fn document(document: &Value) -> Value {
    answered(&bridge(CONFIGURATION), DOCUMENT, &document.to_string())
}

pub(super) fn added(index: u64, item: &Value) -> Value {
    json!({"type": "response.output_item.added", "output_index": index, "item": item})
}

pub(super) fn done(index: u64, item: &Value) -> Value {
    json!({"type": "response.output_item.done", "output_index": index, "item": item})
}

pub(super) fn completed(output: &[Value]) -> Value {
    json!({"type": "response.completed", "response": {"id": "r", "status": "completed", "output": output}})
}

pub(super) fn function(id: &str, call_id: &str, arguments: &str) -> Value {
    json!({"type": "function_call", "id": id, "call_id": call_id, "name": "f", "arguments": arguments})
}

/// Id, arguments and completeness of every tool call.
pub(super) fn calls(record: &Value) -> Value {
    let short = |call: &Value| json!([call["id"], call["arguments"], call["complete"]]);
    record["tool_calls"].as_array().unwrap().iter().map(short).collect()
}

pub(super) fn thoughts(record: &Value) -> Value {
    record["thoughts"].as_array().unwrap().iter().map(|thought| thought["text"].clone()).collect()
}

#[test]
fn an_unfinished_call_is_kept_as_far_as_it_came() {
    let delta = |kind: &str, index: u64, id: &str, delta: &str| json!({"type": format!("response.{kind}.delta"), "output_index": index, "item_id": id, "delta": delta});
    let record = streamed(&[
        added(0, &function("fc_0", "c0", "")),
        added(
            1,
            &json!({"type": "custom_tool_call", "id": "ct_1", "call_id": "c1", "name": "g", "input": ""}),
        ),
        delta("function_call_arguments", 0, "fc_0", "{\"a\""),
        delta("custom_tool_call_input", 1, "ct_1", "{\"b\":"),
        delta("function_call_arguments", 0, "fc_0", ":1"),
        delta("custom_tool_call_input", 1, "ct_1", "2}"),
        added(2, &json!({"type": "mcp_call", "id": "m_2", "name": "lookup", "arguments": ""})),
        json!({"type": "response.mcp_call_arguments.done", "output_index": 2, "arguments": "{\"c\": 3}"}),
        added(3, &json!({"type": "web_search_call", "id": "ws_3", "status": "in_progress"})),
    ]);
    assert_eq!(
        calls(&record),
        json!([
            ["c0", "{\"a\":1", false],
            ["c1", "{\"b\":2}", false],
            [null, {"c": 3}, false],
            [null, null, false]
        ])
    );
    assert_eq!(record["tool_calls"][2]["name"], "lookup");
    assert_eq!(record["outcome"], "aborted_upstream");
}

#[test]
fn a_finished_call_is_complete_even_if_not_executed() {
    let shell = |status: &str| json!({"type": "shell_call", "id": "sh", "call_id": "c0", "action": {"commands": ["ls"]}, "status": status});
    let stated = json!({"commands": ["ls"]});
    for (status, complete) in [("in_progress", true), ("completed", true), ("incomplete", false)] {
        for events in [
            vec![done(0, &shell(status))],
            vec![added(0, &shell("in_progress")), done(0, &shell(status))],
            vec![done(0, &shell(status)), completed(&[shell(status)])],
        ] {
            assert_eq!(calls(&streamed(&events)), json!([["c0", stated, complete]]), "{events:?}");
        }
    }
    // The end of a failed response does not complete its items.
    let failed = json!({"type": "response.failed", "response": {"status": "failed", "output": [shell("in_progress")]}});
    assert_eq!(calls(&streamed(&[failed])), json!([["c0", stated, false]]));
}

#[test]
fn empty_arguments_differ_from_missing_ones() {
    let custom = json!({"type": "custom_tool_call", "id": "i", "call_id": "c", "name": "f", "input": ""});
    let missing = json!({"type": "function_call", "id": "i", "call_id": "c", "name": "f"});
    let image = json!({"type": "image_generation_call", "id": "i", "status": "completed"});
    for (item, stated) in [(function("i", "c", ""), true), (custom, true), (missing, false), (image, false)] {
        let response = json!({"id": "r", "status": "completed", "output": [item]});
        let records = [
            streamed(&[added(0, &item), done(0, &item), completed(&[])]),
            streamed(&[completed(std::slice::from_ref(&item))]),
            document(&response),
        ];
        for record in records {
            let arguments = record["tool_calls"][0].get("arguments");
            assert_eq!(arguments, stated.then_some(&json!("")), "{item}");
        }
    }
}

#[test]
fn encrypted_pieces_of_arguments_are_not_kept() {
    let record = streamed(&[
        added(0, &function("first", "c0", "")),
        json!({"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "second", "delta": "Zk3v"}),
    ]);
    assert_eq!(calls(&record), json!([["c0", null, false]]));
}

#[test]
fn thoughts_of_a_cut_stream_are_kept_as_far_as_they_came() {
    let record = streamed(&[
        added(0, &json!({"type": "reasoning", "id": "rs", "summary": []})),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "item_id": "rs", "summary_index": 0, "delta": "on"}),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "item_id": "rs", "summary_index": 0, "delta": "e"}),
        json!({"type": "response.reasoning_summary_text.done", "output_index": 0, "item_id": "rs", "summary_index": 0, "text": "one."}),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "item_id": "rs", "summary_index": 1, "delta": "two"}),
        added(
            1,
            &json!({"type": "message", "id": "m", "role": "assistant", "phase": "commentary", "content": []}),
        ),
        json!({"type": "response.output_text.delta", "output_index": 1, "item_id": "m", "content_index": 0, "delta": "three"}),
        added(2, &json!({"type": "message", "id": "n", "role": "assistant", "content": []})),
        json!({"type": "response.output_text.delta", "output_index": 2, "item_id": "n", "content_index": 0, "delta": "four"}),
    ]);
    assert_eq!(thoughts(&record), json!(["one.", "two", "three"]));
    assert_eq!(record["thoughts"][2]["source"], "commentary");
}

#[test]
fn the_finished_item_replaces_what_came_in_pieces() {
    let reasoning = |texts: &[&str]| {
        let parts: Vec<Value> =
            texts.iter().map(|text| json!({"type": "summary_text", "text": text})).collect();
        json!({"type": "reasoning", "id": "rs", "summary": parts})
    };
    let record = streamed(&[
        added(0, &reasoning(&[])),
        json!({"type": "response.reasoning_summary_text.delta", "output_index": 0, "summary_index": 0, "delta": "pie"}),
        done(0, &reasoning(&["piece", "", "rest"])),
        completed(&[reasoning(&["piece", "", "rest"]), function("x", "y", "{}")]),
    ]);
    assert_eq!(thoughts(&record), json!(["piece", "rest"]));
    assert_eq!(calls(&record), json!([["y", {}, true]]));
}

#[test]
fn the_terminal_event_adds_missing_items_only() {
    let record = streamed(&[
        done(1, &function("fc_1", "c1", "[1]")),
        added(2, &function("fc_2", "c2", "")),
        done(3, &json!({"type": "function_call", "id": "fc_3", "call_id": "c3"})),
        completed(&[
            function("fc_0", "c0", "[0]"),
            function("fc_1", "c1", "[1]"),
            function("fc_2", "c2", "[2]"),
            function("fc_3", "c3", "[3]"),
        ]),
    ]);
    let all: Vec<Value> = (0..4).map(|at| json!([format!("c{at}"), [at], true])).collect();
    assert_eq!(calls(&record), json!(all));
    assert_eq!(record["tool_calls"][3]["name"], "f");
}

#[test]
fn a_finished_item_wins_over_the_terminal_event() {
    let record = streamed(&[
        done(0, &function("enc_1", "c0", "[0]")),
        completed(&[function("enc_2", "other", "[9]")]),
    ]);
    assert_eq!(calls(&record), json!([["c0", [0], true]]));
    assert_eq!(record["tool_calls"][0]["item_id"], "enc_1");
}

#[test]
fn items_with_one_index_are_kept_apart() {
    let (one, two) = (function("a", "c1", "[1]"), function("b", "c2", "[2]"));
    let wanted = json!([["c1", [1], true], ["c2", [2], true]]);
    let numbered = [done(0, &one), done(0, &two), completed(&[one.clone(), two.clone()])];
    assert_eq!(calls(&streamed(&numbered)), wanted);
    let unnumbered = |kind: &str, item: &Value| json!({"type": kind, "item": item});
    let events = [
        unnumbered("response.output_item.added", &one),
        unnumbered("response.output_item.done", &one),
        unnumbered("response.output_item.done", &two),
        completed(&[one.clone(), two.clone()]),
    ];
    assert_eq!(calls(&streamed(&events)), wanted);
    // An item that only the terminal event has shifts the others by one.
    let events = [done(0, &one), done(1, &two), completed(&[json!({"type": "reasoning"}), one, two])];
    assert_eq!(calls(&streamed(&events)), wanted);
}

#[test]
fn items_without_an_index_are_kept_apart() {
    let reasoning = |parts: &[&str]| json!({"type": "reasoning", "id": "rs", "summary": parts.iter().map(|text| json!({"text": text})).collect::<Vec<_>>()});
    let (call, whole) = (function("fc", "c", ""), function("fc", "c", "[1]"));
    let event =
        |kind: &str, item: &Value| json!({"type": format!("response.output_item.{kind}"), "item": item});
    let delta = |kind: &str, id: &str, delta: &str| json!({"type": format!("response.{kind}.delta"), "item_id": id, "delta": delta});
    let mut events = vec![
        event("added", &call),
        delta("function_call_arguments", "fc", "[1"),
        event("added", &reasoning(&[])),
        delta("reasoning_summary_text", "rs", "thou"),
    ];
    let record = streamed(&events);
    assert_eq!((calls(&record), thoughts(&record)), (json!([["c", "[1", false]]), json!(["thou"])));
    events.extend([event("done", &whole), event("done", &reasoning(&["thought"]))]);
    let record = streamed(&events);
    assert_eq!((calls(&record), thoughts(&record)), (json!([["c", [1], true]]), json!(["thought"])));
    events.push(completed(&[whole, reasoning(&["thought"])]));
    let record = streamed(&events);
    assert_eq!((calls(&record), thoughts(&record)), (json!([["c", [1], true]]), json!(["thought"])));
}

#[test]
fn calls_with_one_id_and_two_indices_are_two() {
    let (one, two) = (function("a", "same", "[1]"), function("b", "same", "[2]"));
    let wanted = json!([["same", [1], true], ["same", [2], true]]);
    assert_eq!(calls(&document(&json!({"output": [one, two]}))), wanted);
    let events = [done(0, &one), done(1, &two), completed(&[one, two])];
    assert_eq!(calls(&streamed(&events)), wanted);
}

#[test]
fn calls_without_a_tools_name_have_their_arguments() {
    let record = document(&json!({"object": "response", "status": "completed", "output": [
        {"type": "web_search_call", "id": "1", "action": {"type": "search", "query": "q"}},
        {"type": "file_search_call", "id": "2", "queries": ["a", "b"], "results": [{"text": "secret"}]},
        {"type": "code_interpreter_call", "id": "3", "code": "[1]", "outputs": null},
        {"type": "computer_call", "id": "4", "call_id": "c4", "actions": [{"type": "wait"}]},
        {"type": "apply_patch_call", "id": "5", "call_id": "c5", "operation": {"type": "delete_file"}},
        {"type": "image_generation_call", "id": "6", "result": "iVBORw0K", "status": "generating"},
        {"type": "tool_search_call", "id": "7", "arguments": {"q": 1}},
        {"type": "mcp_call", "id": "8", "name": "t", "arguments": "{\"x\":1}", "output": "secret"},
        {"type": "mcp_list_tools", "id": "9"},
        {"type": "program", "id": "10", "code": "1"},
    ]}));
    let asked: Vec<Value> = record["tool_calls"]
        .as_array()
        .unwrap()
        .iter()
        .map(|call| json!([call["item_id"], call["name"], call["arguments"], call["kind"], call["complete"]]))
        .collect();
    assert_eq!(
        json!(asked),
        json!([
            ["1", "web_search", {"type": "search", "query": "q"}, "hosted", true],
            ["2", "file_search", ["a", "b"], "hosted", true],
            ["3", "code_interpreter", "[1]", "hosted", true],
            ["4", "computer", [{"type": "wait"}], "client", true],
            ["5", "apply_patch", {"type": "delete_file"}, "client", true],
            ["6", "image_generation", null, "hosted", true],
            ["7", "tool_search", {"q": 1}, "hosted", true],
            ["8", "t", {"x": 1}, "hosted", true],
        ])
    );
    assert!(!record.to_string().contains("secret") && !record.to_string().contains("iVBORw0K"));
}

#[test]
fn members_may_come_in_any_order() {
    let body = r#"data: {"item":{"input":"{}","arguments":"[1]","summary":[{"text":"no"}],"name":"f","call_id":"c","type":"function_call"},"output_index":4,"type":"response.output_item.done"}

data: {"item":{"content":[{"text":"a","type":"output_text"},{"text":"x","type":"refusal"},{"text":"b","type":"output_text"}],"phase":"commentary","type":"message"},"output_index":2,"type":"response.output_item.done"}

data: {"response":{"usage":{"input_tokens":1},"service_tier":"flex","output":[],"id":"r"},"type":"response.completed"}

"#;
    let record = answered(&bridge(CONFIGURATION), EVENTS, body);
    assert_eq!(calls(&record), json!([["c", [1], true]]));
    assert_eq!(thoughts(&record), json!(["ab"]));
    assert_eq!(record["usage"]["details"]["service_tier"], "flex");
    assert_eq!(record["notes"], json!([]));
}

#[test]
fn members_of_wrong_types_are_ignored() {
    for body in [
        json!({"id": 7, "model": [], "status": {}, "output": {"type": "function_call"}, "usage": 5}),
        json!({"id": "r", "output": [null, 3, [], "x", {"type": 1}, {"type": "function_call", "arguments": 5}], "usage": []}),
        json!({"output": [{"type": "reasoning", "summary": {"text": "x"}}, {"type": "message", "phase": "commentary", "content": "x"}]}),
        json!({"output": [{"type": "reasoning", "summary": ["x", null, {"text": 3}]}], "error": false, "tool_usage": 1}),
    ] {
        let record = document(&body);
        assert_eq!(record["outcome"], "completed", "{body}");
        assert_eq!(record["thoughts"], json!([]), "{body}");
    }
    for body in [
        json!({"tool_usage": {"web_search": {"num_requests": "2"}}}),
        json!({"usage": "12"}),
        json!({"usage": [1]}),
        json!({"usage": 12}),
    ] {
        assert_eq!(document(&body)["notes"], json!(["usage_estimated", "usage_unreadable"]), "{body}");
    }
    assert_eq!(document(&json!({"usage": null}))["notes"], json!(["usage_estimated"]));
}

#[test]
fn other_events_do_not_end_a_response() {
    for event in [
        json!({"type": "response.cancelled", "response": {"status": "cancelled"}}),
        json!({"type": "response.in_progress", "response": {"status": "completed"}}),
        json!({"response": {"status": "completed", "usage": {"input_tokens": 1}}}),
        json!({"type": "completed"}),
    ] {
        let record = streamed(&[event]);
        assert_eq!(record["outcome"], "aborted_upstream");
        assert_eq!(record["response"]["finish_reasons"], json!([]));
        assert_eq!(record["usage"]["usage_status"], "missing");
    }
}

#[test]
fn events_after_the_end_are_ignored() {
    let record = streamed(&[
        completed(&[]),
        json!({"type": "error", "code": "late"}),
        done(0, &function("a", "b", "{}")),
    ]);
    assert_eq!((&record["outcome"], &record["tool_calls"]), (&json!("completed"), &json!([])));
}

#[test]
fn usage_after_an_error_event_is_read() {
    let error = json!({"type": "error", "code": "c", "message": "m"});
    let failed = json!({"type": "response.failed", "response": {
        "id": "r", "model": "gpt-5.5", "error": {"code": "later", "message": "later"},
        "usage": {"input_tokens": 7, "output_tokens": 2},
    }});
    let late = json!({"type": "error", "code": "late"});
    for events in [vec![error.clone(), failed.clone()], vec![error, failed.clone(), failed, late]] {
        let record = streamed(&events);
        assert_eq!(
            (&record["outcome"], &record["error"]),
            (&json!("failed"), &json!({"code": "c", "message": "m"}))
        );
        assert_eq!(record["response"], json!({"id": "r", "status": 200, "finish_reasons": ["failed"]}));
        assert_eq!(record["model"]["served"], "gpt-5.5");
        assert_eq!(
            (&record["usage"]["usage_status"], &record["usage"]["total_tokens"]),
            (&json!("complete"), &json!(9))
        );
    }
}

#[test]
fn every_shape_of_an_error_is_read() {
    for (event, wanted) in [
        (
            json!({"type": "error", "code": "c", "message": "m", "param": null}),
            json!({"code": "c", "message": "m"}),
        ),
        (
            json!({"type": "error", "error": {"type": "t", "code": "c", "message": "m"}}),
            json!({"type": "t", "code": "c", "message": "m"}),
        ),
        (json!({"error": {"message": "m", "code": 429}}), json!({"code": "429", "message": "m"})),
        (json!({"error": "m"}), json!({"message": "m"})),
        (json!({"type": "response.failed", "response": {"error": null}}), json!({})),
    ] {
        let record = streamed(std::slice::from_ref(&event));
        assert_eq!((&record["outcome"], &record["error"]), (&json!("failed"), &wanted), "{event}");
    }
    for body in [
        json!({"error": {"type": "t", "code": null, "message": "m"}}),
        json!({"type": "error", "error": {"type": "t", "message": "m"}}),
    ] {
        let record = document(&body);
        let wanted = json!({"type": "t", "message": "m"});
        assert_eq!((&record["outcome"], &record["error"]), (&json!("failed"), &wanted), "{body}");
    }
    let body = "event: error\ndata: {\"message\":\"m\"}\n\n";
    assert_eq!(answered(&bridge(CONFIGURATION), EVENTS, body)["error"], json!({"message": "m"}));
}

#[test]
fn a_queued_response_has_no_finish_reason() {
    let record = document(&json!({"id": "r", "status": "queued", "usage": null}));
    assert_eq!(record["response"], json!({"id": "r", "status": 200, "finish_reasons": []}));
    assert_eq!(record["outcome"], "completed");
}

#[test]
fn a_truncated_document_keeps_what_was_read() {
    let body = r#"{"id":"r","model":"m","output":[{"type":"function_call","call_id":"c","arguments":"{}"},{"type":"function_call","call_id":"d"#;
    let record = answered(&bridge(CONFIGURATION), DOCUMENT, body);
    assert_eq!(record["outcome"], "aborted_upstream");
    assert_eq!((&record["response"]["id"], &record["model"]["served"]), (&json!("r"), &json!("m")));
    assert_eq!(calls(&record), json!([["c", {}, true]]));
}

#[test]
fn numbers_of_an_unfinished_response_are_partial() {
    let record = streamed(&[
        json!({"type": "response.in_progress", "response": {"id": "a", "usage": {"input_tokens": 3}}}),
    ]);
    assert_eq!(
        (&record["usage"]["usage_status"], &record["usage"]["input_tokens"]),
        (&json!("partial"), &json!(3))
    );
}
