//! What is learned from responses of Chat Completions, beyond the transcripts.

use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{CONFIGURATION, World, bridge, changed, head};

const REQUEST: &[u8] =
    br#"{"model":"gpt-5.5","stream":true,"stream_options":{"include_usage":true},"messages":[]}"#;

/// The stream after these events, which has not ended yet.
pub(super) fn streaming(bridge: &Rc<Bridge>, events: &[Value]) -> World {
    let mut world = World::new(bridge);
    world.request(head("POST /openai/v1/chat/completions", &[]), false).upload(REQUEST, true);
    world.answer(head("200", &[("content-type", "text/event-stream")]), false);
    for event in events {
        let data = event.as_str().map_or_else(|| event.to_string(), str::to_owned);
        world.download(format!("data: {data}\n\n").as_bytes(), false);
    }
    world
}

/// The record of a stream of these events, which the upstream ends in order.
pub(super) fn streamed(events: &[Value]) -> Value {
    let mut world = streaming(&bridge(CONFIGURATION), events);
    world.download(b"", true).done();
    world.record()
}

/// The record of a response that is this document.
pub(super) fn answered(bridge: &Rc<Bridge>, document: &str) -> Value {
    let mut world = World::new(bridge);
    world.request(head("POST /openai/v1/chat/completions", &[]), false).upload(REQUEST, true);
    world.answer(head("200", &[("content-type", "application/json")]), false);
    world.download(document.as_bytes(), true).done();
    world.record()
}

pub(super) fn delta(choice: u64, delta: &Value) -> Value {
    json!({"id": "c", "model": "gpt-5.5", "choices": [{"index": choice, "delta": delta, "finish_reason": null}]})
}

pub(super) fn finish(choice: u64, reason: &str) -> Value {
    json!({"id": "c", "model": "gpt-5.5", "choices": [{"index": choice, "delta": {}, "finish_reason": reason}]})
}

fn call(choice: u64, index: u64, id: Option<&str>, arguments: &str) -> Value {
    delta(
        choice,
        &json!({"tool_calls": [{"index": index, "id": id, "function": {"name": id, "arguments": arguments}}]}),
    )
}

#[test]
fn usage_counts_also_where_groq_states_it() {
    let last = |usage: Value| {
        let mut event = finish(0, "stop");
        event["x_groq"] = json!({"id": "req", "usage": usage});
        event
    };
    let stated = json!({"queue_time": 0.1, "prompt_tokens": 18, "completion_tokens": 5, "total_tokens": 23});
    let record = streamed(&[last(stated.clone()), json!("[DONE]")]);
    assert_eq!((&record["usage"]["total_tokens"], &record["notes"]), (&json!(23), &json!([])));
    assert_eq!(record["usage"]["provider_usage"], stated);
    let asked = json!({"choices": [], "usage": {"prompt_tokens": 18, "completion_tokens": 6}});
    let record = streamed(&[last(stated.clone()), asked, json!("[DONE]")]);
    assert_eq!(record["usage"]["total_tokens"], 24);
    assert_eq!(streamed(&[last(Value::Null), json!("[DONE]")])["usage"]["usage_status"], "missing");
    let document = json!({"choices": [], "x_groq": {"usage": stated}}).to_string();
    assert_eq!(answered(&bridge(CONFIGURATION), &document)["usage"]["total_tokens"], 23);
}

#[test]
fn members_of_wrong_types_are_ignored() {
    let record = streamed(&[
        json!({"id": 7, "model": null, "service_tier": [], "choices": {"index": 0}, "usage": null}),
        json!({"choices": [null, 1, "x", [], {"index": "0", "delta": [], "finish_reason": {}}]}),
        json!({"choices": [{"index": -1, "delta": {"tool_calls": {"index": 0}, "reasoning": {"x": 1}}}]}),
        json!({"choices": [{"index": 1.5, "delta": {"tool_calls": [7, null, "x"], "function_call": "f"}}]}),
        json!({"id": "", "model": ""}),
        json!({"id": "first", "model": "served"}),
        json!({"id": "second", "model": "other"}),
        json!("[DONE]"),
    ]);
    assert_eq!(record["response"], json!({"id": "first", "status": 200, "finish_reasons": []}));
    assert_eq!(record["model"]["served"], "served");
    assert_eq!((&record["tool_calls"], &record["thoughts"]), (&json!([]), &json!([])));
    assert_eq!((&record["outcome"], &record["notes"]), (&json!("completed"), &json!(["usage_estimated"])));
}

#[test]
fn an_invalid_event_leaves_nothing_in_the_record() {
    let whole = call(0, 0, Some("f"), "{}").to_string();
    for broken in [&whole[..whole.len() - 1], &format!("{whole}x"), &whole.replace("null", "nul")] {
        let record = streamed(&[json!(broken), json!("[DONE]")]);
        assert_eq!(record["tool_calls"], json!([]), "{broken}");
        assert_eq!(record["response"]["id"], Value::Null);
        assert_eq!(record["notes"], json!(["response_unreadable", "usage_estimated"]));
    }
}

#[test]
fn only_done_ends_a_stream() {
    for (end, outcome, notes) in [
        ("[DONE]", "completed", json!(["usage_estimated"])),
        ("[DONE] ", "completed", json!(["usage_estimated"])),
        ("[DON", "aborted_upstream", json!(["response_unreadable", "usage_estimated"])),
        ("[done]", "aborted_upstream", json!(["response_unreadable", "usage_estimated"])),
        (" [DONE]", "aborted_upstream", json!(["response_unreadable", "usage_estimated"])),
        ("\"[DONE]\"", "aborted_upstream", json!(["response_unreadable", "usage_estimated"])),
    ] {
        let record = streamed(&[delta(0, &json!({"content": "x"})), json!(end)]);
        assert_eq!((&record["outcome"], &record["notes"]), (&json!(outcome), &notes), "{end}");
    }
}

#[test]
fn a_finish_reason_on_every_choice_ends_the_stream() {
    let all = [delta(0, &json!({})), delta(1, &json!({})), finish(1, "stop"), finish(0, "length")];
    for details in ["downstream_remote_disconnect", "upstream_reset_after_response_started{}"] {
        let mut world = streaming(&bridge(CONFIGURATION), &all);
        world.finish(details);
        assert_eq!(world.record()["outcome"], "completed");
        assert_eq!(world.record()["response"]["finish_reasons"], json!(["length", "stop"]));
    }
    // Another choice may begin after the first ended.
    let mut world = streaming(&bridge(CONFIGURATION), &[finish(0, "stop"), delta(1, &json!({}))]);
    world.download(b"", true).done();
    assert_eq!(world.record()["outcome"], "aborted_upstream");
    let mut world = streaming(&bridge(CONFIGURATION), &[json!({"id": "c", "choices": []})]);
    world.download(b"", true).done();
    assert_eq!(world.record()["outcome"], "aborted_upstream");
}

#[test]
fn tool_calls_are_told_apart_by_choice_and_index() {
    let record = streamed(&[
        call(1, 0, None, "{\"a\""),
        call(0, 1, Some("f"), ""),
        call(1, 0, Some("g"), ":1}"),
        call(0, 0, Some("e"), "{}"),
        call(1, 0, Some("later"), ""),
        delta(0, &json!({"function_call": {"name": "old", "arguments": "{\"b\":"}})),
        delta(0, &json!({"function_call": {"arguments": "2}"}})),
        finish(0, "tool_calls"),
        json!("[DONE]"),
    ]);
    let call = |id: Option<&str>, name: &str, arguments: Value, complete: bool| {
        let mut call = json!({"name": name, "arguments": arguments, "kind": "client", "complete": complete});
        if let Some(id) = id {
            call["id"] = json!(id);
        }
        call
    };
    assert_eq!(
        record["tool_calls"],
        json!([
            call(None, "old", json!({"b": 2}), true),
            call(Some("e"), "e", json!({}), true),
            call(Some("f"), "f", json!(""), true),
            call(Some("g"), "g", json!({"a": 1}), false),
            // The arguments of the call before it are whole.
            call(Some("later"), "later", json!(""), false),
        ])
    );
}

#[test]
fn tool_calls_without_index_are_told_apart_by_id() {
    let unnumbered = |choice: u64, calls: &[(&str, &str)]| {
        let call = |(id, arguments): &(&str, &str)| json!({"id": id, "function": {"name": "f", "arguments": arguments}});
        delta(choice, &json!({"tool_calls": calls.iter().map(call).collect::<Vec<_>>()}))
    };
    let record = streamed(&[
        unnumbered(0, &[("a", "{\"x\":")]),
        unnumbered(1, &[("a", "[1]")]),
        unnumbered(0, &[("", "1}")]),
        unnumbered(0, &[("b", "[2")]),
        unnumbered(0, &[("c", "[3]"), ("d", "[4]")]),
        unnumbered(0, &[("b", "]")]),
        finish(0, "tool_calls"),
        finish(1, "tool_calls"),
    ]);
    let calls = record["tool_calls"].as_array().unwrap().iter();
    let calls: Vec<Value> = calls.map(|call| json!([call["id"], call["arguments"]])).collect();
    let wanted = json!([["a", {"x": 1}], ["b", [2]], ["c", [3]], ["d", [4]], ["a", [1]]]);
    assert_eq!(json!(calls), wanted);
}

#[test]
fn a_tool_call_without_index_is_known_by_id_at_any_position() {
    let call =
        |id: &str, arguments: &str| json!({"id": id, "function": {"name": "f", "arguments": arguments}});
    let record = streamed(&[
        delta(0, &json!({"tool_calls": [call("a", "[1")]})),
        delta(0, &json!({"tool_calls": [{"function": {}}, call("a", "]")]})),
        finish(0, "tool_calls"),
    ]);
    let calls = record["tool_calls"].as_array().unwrap();
    assert_eq!((calls.len(), &calls[0]["arguments"]), (1, &json!([1])));
}

#[test]
fn dropped_tool_calls_without_index_are_counted_once_each() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"tool_calls": 2}));
    let chunk = |id: &str, name: &str| {
        let call = json!({"id": id, "function": {"name": name, "arguments": "1"}});
        delta(0, &json!({"tool_calls": [call]}))
    };
    let said = [("a", "f"), ("b", "f"), ("c", "f"), ("c", ""), ("d", "f"), ("a", "f"), ("e", "f")];
    let mut events: Vec<Value> = said.iter().map(|(id, name)| chunk(id, name)).collect();
    events.push(finish(0, "tool_calls"));
    let mut world = streaming(&bridge, &events);
    world.download(b"", true).done();
    let record = world.record();
    assert_eq!(record["notes"], json!(["usage_estimated", "tool_calls_dropped:3"]));
    assert_eq!(
        (&record["tool_calls"][0]["arguments"], &record["tool_calls"][1]["arguments"]),
        (&json!(11), &json!(1))
    );
}

#[test]
fn only_the_last_tool_call_of_a_cut_response_is_incomplete() {
    for (reason, complete) in [("tool_calls", true), ("length", false), ("content_filter", false)] {
        let events = [call(0, 0, Some("a"), "{}"), call(0, 1, Some("b"), "{"), finish(0, reason)];
        let record = streamed(&events);
        let calls = json!([
            {"id": "a", "type": "function", "function": {"name": "a", "arguments": "{}"}},
            {"id": "b", "type": "function", "function": {"name": "b", "arguments": "{"}},
        ]);
        let choice = json!({"index": 0, "message": {"tool_calls": calls}, "finish_reason": reason});
        let document = answered(&bridge(CONFIGURATION), &json!({"choices": [choice]}).to_string());
        for record in [record, document] {
            assert_eq!(record["tool_calls"][0]["complete"], true);
            assert_eq!(record["tool_calls"][1]["complete"], complete, "{reason}");
        }
    }
}

#[test]
fn arguments_that_are_an_object_are_kept_too() {
    let function = json!({"name": "f", "arguments": {"a": [1, {"b": 2}]}});
    let event = delta(0, &json!({"tool_calls": [{"id": "f", "function": function}]}));
    let record = streamed(&[event, finish(0, "tool_calls")]);
    assert_eq!(record["tool_calls"][0]["arguments"], json!({"a": [1, {"b": 2}]}));
}

#[test]
fn empty_arguments_differ_from_missing_ones() {
    let functions = [
        json!({"name": "f", "arguments": ""}),
        json!({"name": "f"}),
        json!({"name": "f", "arguments": null}),
    ];
    for (function, arguments) in functions.into_iter().zip([json!(""), Value::Null, Value::Null]) {
        let calls = json!({"tool_calls": [{"index": 0, "id": "a", "function": function}]});
        let records = [
            streamed(&[delta(0, &calls), finish(0, "tool_calls")]),
            answered(
                &bridge(CONFIGURATION),
                &json!({"choices": [{"message": calls, "finish_reason": "tool_calls"}]}).to_string(),
            ),
        ];
        for record in records {
            assert_eq!(record["tool_calls"][0]["arguments"], arguments, "{calls}");
            assert_eq!(record["tool_calls"][0].get("arguments").is_some(), arguments == "", "{calls}");
        }
    }
}

#[test]
fn choices_of_a_document_are_kept_apart() {
    let choice = |id: &str| {
        json!({"index": 0, "finish_reason": "tool_calls",
            "message": {"reasoning": id, "tool_calls": [{"id": id, "function": {"name": id, "arguments": "{}"}}]}})
    };
    let document = json!({"choices": [choice("a"), choice("b")]}).to_string();
    let record = answered(&bridge(CONFIGURATION), &document);
    assert_eq!(record["response"]["finish_reasons"], json!(["tool_calls", "tool_calls"]));
    assert_eq!(record["thoughts"][1]["text"], "b");
    for (at, id) in ["a", "b"].iter().enumerate() {
        assert_eq!(record["tool_calls"][at]["id"], *id);
        assert_eq!(record["tool_calls"][at]["arguments"], json!({}));
    }
}

#[test]
fn a_document_that_ends_early_keeps_what_was_read() {
    let document = json!({
        "id": "c", "model": "gpt-5.5", "usage": {"prompt_tokens": 3},
        "choices": [{"message": {"tool_calls": [{"id": "a"}, {"id": "b"}]}, "finish_reason": "tool_calls"}],
    })
    .to_string();
    let record = answered(&bridge(CONFIGURATION), &document[..document.len() - 1]);
    assert_eq!((&record["outcome"], &record["response"]["id"]), (&json!("aborted_upstream"), &json!("c")));
    assert_eq!(
        (&record["usage"]["usage_status"], &record["usage"]["provider_usage"]),
        (&json!("complete"), &json!({"prompt_tokens": 3}))
    );
    let called = |until: &str| {
        let document = r#"{"choices":[{"message":{"reasoning":"hm, hm","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}},{"id":"bcd","#;
        let end = document.find(until).unwrap() + until.len();
        let record = answered(&bridge(CONFIGURATION), &document[..end]);
        assert_eq!(record["outcome"], "aborted_upstream");
        (record["thoughts"].clone(), record["tool_calls"].clone())
    };
    let thought = json!([{"source": "reasoning", "text": "hm, hm"}]);
    let call = json!({"id": "a", "name": "f", "arguments": {}, "kind": "client", "complete": false});
    assert_eq!(called("\"hm,"), (json!([{"source": "reasoning", "text": "hm,"}]), json!([])));
    let begun = json!([{"id": "a", "name": "f", "arguments": "{", "kind": "client", "complete": false}]);
    assert_eq!(called(r#""arguments":"{"#), (thought.clone(), begun));
    let cut = json!([call, {"kind": "client", "complete": false}]);
    assert_eq!(called("\"bc"), (thought.clone(), cut));
    let cut = json!([call, {"id": "bcd", "kind": "client", "complete": false}]);
    assert_eq!(called("\"bcd\""), (thought, cut));
}

#[test]
fn an_error_member_other_than_null_is_a_failure() {
    let object = json!({"type": "t", "code": 429, "message": "m"});
    for (error, found) in [
        (object, json!({"type": "t", "code": "429", "message": "m"})),
        (json!("overloaded"), json!({"message": "overloaded"})),
        (json!({}), json!({})),
        (json!(7), json!({})),
        (json!({"code": null, "type": [], "message": {}}), json!({})),
    ] {
        let event = json!({"error": error});
        let streamed = streamed(&[delta(0, &json!({})), event.clone(), json!("[DONE]")]);
        let document = answered(&bridge(CONFIGURATION), &event.to_string());
        for record in [streamed, document] {
            assert_eq!((&record["outcome"], &record["error"]), (&json!("failed"), &found));
        }
    }
    let record = streamed(&[json!({"error": null, "choices": []}), finish(0, "stop")]);
    assert_eq!(record["outcome"], "completed");
}

#[test]
fn the_last_usage_counts_and_is_final_at_the_end() {
    let with = |mut event: Value, usage: Value| {
        event["usage"] = usage;
        event
    };
    let first =
        json!({"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 4}});
    let second = json!({"prompt_tokens": 10, "completion_tokens": 2});
    let started = with(delta(0, &json!({"content": "x"})), first);
    let on = with(delta(0, &json!({"content": "y"})), second.clone());
    let record = streamed(&[started.clone(), on.clone()]);
    assert_eq!(record["usage"]["usage_status"], "partial");
    assert_eq!(record["usage"]["cache_read_tokens"], Value::Null, "the last object alone counts");
    assert_eq!(record["usage"]["provider_usage"], Value::Null);
    for end in [finish(0, "stop"), json!("[DONE]")] {
        let record = streamed(&[started.clone(), on.clone(), end]);
        assert_eq!(record["usage"]["usage_status"], "complete");
        assert_eq!(record["usage"]["provider_usage"], second);
        assert_eq!(record["usage"]["output_tokens"], 2);
    }
    // An event without choices that states usage is the last one.
    let apart = with(json!({"choices": []}), second);
    assert_eq!(streamed(&[started, apart])["usage"]["usage_status"], "complete");
    // Usage may follow the end, so an unreadable event there is noted.
    let record = streamed(&[finish(0, "stop"), json!("{\"choices\":[],\"usage\":{"), json!("[DONE]")]);
    assert_eq!(
        (&record["outcome"], &record["notes"]),
        (&json!("completed"), &json!(["response_unreadable", "usage_estimated"]))
    );
    let record = streamed(&[with(finish(0, "stop"), json!("7"))]);
    assert_eq!(
        (&record["usage"]["usage_status"], &record["notes"]),
        (&json!("missing"), &json!(["usage_estimated", "usage_unreadable"]))
    );
}

#[test]
fn dropped_tool_calls_and_thoughts_are_counted() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"tool_calls": 2, "thoughts": 1}));
    let mut events = Vec::new();
    for index in 0..5 {
        events.push(call(0, index, Some("id"), "{"));
        events.push(call(0, index, None, "}"));
    }
    events.push(delta(0, &json!({"reasoning": "a"})));
    events.push(delta(1, &json!({"reasoning_content": "b"})));
    events.push(delta(1, &json!({"reasoning_content": "c", "reasoning": "c"})));
    events.push(delta(0, &json!({"reasoning_content": "d", "reasoning": "d"})));
    events.push(json!("[DONE]"));
    let mut world = streaming(&bridge, &events);
    world.download(b"", true).done();
    let record = world.record();
    assert_eq!(record["tool_calls"].as_array().unwrap().len(), 2);
    assert_eq!(record["tool_calls"][1]["arguments"], json!({}));
    assert_eq!(record["thoughts"], json!([{"source": "reasoning", "text": "ad"}]));
    assert_eq!(record["notes"], json!(["usage_estimated", "tool_calls_dropped:3", "thoughts_dropped:1"]));
    let calls: Vec<Value> = (0..5).map(|id| json!({"id": id.to_string()})).collect();
    let document = json!({"choices": [{"message": {"tool_calls": calls}}]}).to_string();
    assert_eq!(answered(&bridge, &document)["notes"], json!(["usage_estimated", "tool_calls_dropped:3"]));
}

#[test]
fn a_flood_of_choices_and_calls_is_bounded() {
    let choices: Vec<Value> =
        (0..5000).map(|index| json!({"index": index, "finish_reason": "stop"})).collect();
    let calls: Vec<Value> = (0..5000).map(|index| json!({"index": index, "id": "x"})).collect();
    let flood = [
        json!({"choices": choices}),
        json!({"choices": [{"index": 9000, "delta": {"tool_calls": calls}}]}),
        delta(0, &json!({"tool_calls": calls})),
    ];
    let record = streamed(&flood);
    assert_eq!(record["response"]["finish_reasons"].as_array().unwrap().len(), 256);
    assert_eq!(record["tool_calls"].as_array().unwrap().len(), 256);
    // More choices began than are remembered, so the end is unknown.
    assert_eq!(record["outcome"], "aborted_upstream");
}

#[test]
fn texts_that_the_policy_excludes_are_absent() {
    let bridge = changed(|configuration| {
        configuration["record"] = json!({"prompts": false, "tool_arguments": false, "thoughts": false});
    });
    let secret = |choice: Value| json!({"choices": [choice]}).to_string();
    let said = json!({"reasoning": "PRIVATE", "tool_calls": [
        {"id": "a", "function": {"name": "f", "arguments": "PRIVATE"}},
        {"id": "b", "custom": {"name": "g", "input": "PRIVATE"}},
        {"id": "c", "function": {"name": "h", "arguments": {"PRIVATE": 1}}},
    ]});
    let document = answered(&bridge, &secret(json!({"message": said})));
    let mut world = streaming(&bridge, &[json!(secret(json!({"delta": said})))]);
    world.download(b"", true).done();
    for record in [document, world.record()] {
        assert!(!record.to_string().contains("PRIVATE"));
        assert_eq!(record["tool_calls"][2]["name"], "h");
    }
}

#[test]
fn an_error_after_the_end_changes_no_outcome() {
    let error = json!({"error": {"message": "late", "type": "server_error"}});
    let record = streamed(&[finish(0, "stop"), json!("[DONE]"), error.clone()]);
    assert_eq!((&record["outcome"], &record["error"]), (&json!("completed"), &Value::Null));
    let record = streamed(&[finish(0, "stop"), error, json!("[DONE]")]);
    assert_eq!((&record["outcome"], &record["error"]["message"]), (&json!("failed"), &json!("late")));
}

#[test]
fn finish_reasons_do_not_depend_on_the_tool_call_limit() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"tool_calls": 1}));
    let choice = |at: u64| json!({"index": at, "finish_reason": format!("r{at}"), "message": {"tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]}});
    let document = json!({"id": "c", "choices": [choice(0), choice(1), choice(2)]}).to_string();
    let record = answered(&bridge, &document);
    assert_eq!(record["response"]["finish_reasons"], json!(["r0", "r1", "r2"]));
    assert_eq!(record["notes"], json!(["usage_estimated", "tool_calls_dropped:2"]));
}
