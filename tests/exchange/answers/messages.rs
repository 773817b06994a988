//! What is learned from responses of the Messages API, beyond the transcripts.

use serde_json::{Value, json};
use world::{CONFIGURATION, World, bridge, head};

pub(super) const EVENTS: (&str, &str) = ("content-type", "text/event-stream");

const STOP: &str = "data: {\"type\":\"message_stop\"}\n\n";

/// The stream after a response with this body, which has not ended yet.
pub(super) fn answering(content_type: &str, body: &str) -> World {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false);
    world.upload(br#"{"model":"claude-opus-4-8","stream":true,"messages":[]}"#, true);
    world.answer(head("200", &[("content-type", content_type)]), false);
    for piece in body.as_bytes().chunks(7) {
        world.download(piece, false);
    }
    assert_eq!(world.client_body, body.as_bytes());
    world
}

/// The record of this event stream, which the upstream ends in order.
pub(super) fn raw(body: &str) -> Value {
    let mut world = answering(EVENTS.1, body);
    world.download(b"", true).done();
    world.record()
}

/// The record of a stream of these events and `message_stop`.
fn streamed(events: &[Value]) -> Value {
    let events: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    raw(&format!("{events}{STOP}"))
}

fn document(document: &Value) -> Value {
    let mut world = answering("application/json", &document.to_string());
    world.download(b"", true).done();
    world.record()
}

fn start(usage: &Value) -> Value {
    json!({"type": "message_start", "message": {"id": "m", "model": "claude-opus-4-8", "usage": usage}})
}

fn delta(usage: &Value) -> Value {
    json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage})
}

fn block(index: u64, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn piece(index: u64, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn stop(index: u64) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

#[test]
fn the_last_stated_number_of_usage_counts() {
    let record = streamed(&[
        start(&json!({
            "input_tokens": 100, "output_tokens": 1, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
            "server_tool_use": {"web_search_requests": 1}, "service_tier": "standard",
        })),
        delta(&json!({"input_tokens": null, "output_tokens": 5, "server_tool_use": null})),
        delta(&json!({
            "output_tokens": 9, "cache_read_input_tokens": 0, "cache_creation": {"ephemeral_5m_input_tokens": 11},
            "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 3}, "service_tier": "priority",
            "output_tokens_details": {"thinking_tokens": 4},
        })),
        json!({"type": "message_delta", "delta": {}, "usage": null}),
        json!({"type": "message_delta", "delta": {}}),
    ]);
    let last = json!({
        "output_tokens": 9, "cache_read_input_tokens": 0, "cache_creation": {"ephemeral_5m_input_tokens": 11},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 3}, "service_tier": "priority",
        "output_tokens_details": {"thinking_tokens": 4},
    });
    assert_eq!(
        record["usage"],
        json!({
            "usage_status": "complete", "input_tokens": 100, "output_tokens": 9, "cache_read_tokens": 0,
            "cache_write_tokens": 30, "reasoning_tokens": 4, "total_input_tokens": 130, "total_tokens": 139,
            "details": {
                "cache_write_5m_tokens": 11, "cache_write_1h_tokens": 20, "web_search_requests": 2,
                "web_fetch_requests": 3, "service_tier": "priority",
            },
            "provider_usage": last,
        })
    );
    // 100 × 5 + 9 × 25 + 11 × 6.25 + 20 × 10: the two ages explain all that was written to the cache.
    assert_eq!(record["cost_microusd"], 500 + 225 + 69 + 200);
}

#[test]
fn a_smaller_sum_of_cache_writes_replaces_their_ages_too() {
    let aged = json!({"input_tokens": 2, "cache_creation_input_tokens": 40, "output_tokens": 1,
        "cache_creation": {"ephemeral_5m_input_tokens": 30, "ephemeral_1h_input_tokens": 10}});
    let only_aged = json!({"input_tokens": 2, "cache_creation_input_tokens": 0, "output_tokens": 1,
        "cache_creation": {"ephemeral_5m_input_tokens": 40}});
    let five = json!({"cache_write_5m_tokens": 30, "cache_write_1h_tokens": 10});
    for (start_usage, written, total, details) in [
        // A fallback answers: its cache was read, not written.
        (&aged, json!(0), 5, json!({})),
        (&aged, json!(25), 30, json!({})),
        (&aged, json!(40), 45, five.clone()),
        (&aged, json!(60), 65, five.clone()),
        (&aged, Value::Null, 45, five),
        // This server never states the sum.
        (&only_aged, json!(0), 45, json!({"cache_write_5m_tokens": 40})),
    ] {
        let last = json!({"input_tokens": 5, "output_tokens": 9, "cache_creation_input_tokens": written});
        let record = streamed(&[start(start_usage), delta(&last)]);
        assert_eq!(
            (&record["usage"]["total_input_tokens"], &record["usage"]["details"]),
            (&json!(total), &details)
        );
        assert_eq!(record["notes"], json!([]));
    }
    let none = json!({"input_tokens": 5, "output_tokens": 1, "cache_creation_input_tokens": 0});
    assert_eq!(streamed(&[start(&aged), delta(&none)])["cost_microusd"], 5 * 5 + 25);
}

#[test]
fn usage_is_missing_partial_or_complete() {
    let some = json!({"input_tokens": 1});
    for (events, status, verbatim) in [
        (vec![], "missing", None),
        (vec![start(&json!(null))], "missing", None),
        (vec![start(&some)], "partial", None),
        (
            vec![start(&some), json!({"type": "message_delta", "delta": {"stop_reason": "x"}})],
            "partial",
            None,
        ),
        (
            vec![start(&some), delta(&json!({"output_tokens": 0}))],
            "complete",
            Some(json!({"output_tokens": 0})),
        ),
        (vec![delta(&some)], "complete", Some(some.clone())),
    ] {
        let record = streamed(&events);
        assert_eq!(record["usage"]["usage_status"], status, "{events:?}");
        assert_eq!(record["usage"].get("provider_usage"), verbatim.as_ref(), "{events:?}");
    }
    let usage = streamed(&[])["usage"].clone();
    let wanted = json!({"usage_status": "missing", "details": {}, "estimate": {"input_tokens": 0, "output_tokens": 0}});
    assert_eq!(usage, wanted, "always an object, and no zero but the estimate's");
    let usage = streamed(&[delta(&json!({"output_tokens": 0}))])["usage"].clone();
    let wanted = json!({"usage_status": "complete", "output_tokens": 0, "total_tokens": 0, "details": {},
        "provider_usage": {"output_tokens": 0}});
    assert_eq!(usage, wanted, "a stated zero is zero");
}

#[test]
fn a_usage_of_the_wrong_type_is_noted() {
    for wrong in [json!("12"), json!(12), json!([12]), json!(true), json!({"input_tokens": {}})] {
        for record in
            [streamed(&[start(&wrong)]), streamed(&[delta(&wrong)]), document(&json!({"usage": wrong}))]
        {
            let notes = match record["usage"]["usage_status"].as_str() {
                Some("complete") => json!(["usage_unreadable"]),
                _ => json!(["usage_estimated", "usage_unreadable"]),
            };
            assert_eq!(record["notes"], notes, "{wrong}");
            assert_eq!(record["usage"].get("input_tokens"), None);
        }
    }
}

#[test]
fn content_blocks_are_told_apart_by_index() {
    let tool = |id: &str, name: &str| json!({"type": "tool_use", "id": id, "name": name, "input": {}});
    let json = |text: &str| json!({"type": "input_json_delta", "partial_json": text});
    let record = streamed(&[
        block(7, &tool("a", "one")),
        block(2, &json!({"type": "server_tool_use", "id": "b", "name": "web_search", "input": {}})),
        piece(2, &json("{\"q\":")),
        piece(7, &json("")),
        block(0, &json!({"type": "thinking", "thinking": "h", "signature": ""})),
        piece(7, &json("{\"x\":1")),
        piece(0, &json!({"type": "thinking_delta", "thinking": "m"})),
        piece(0, &json!({"type": "signature_delta", "signature": "SIGNED", "thinking": "no"})),
        piece(9, &json("{\"lost\":1}")),
        piece(2, &json("2}")),
        stop(2),
        piece(2, &json("late")),
        piece(7, &json!({"type": "text_delta", "text": "no", "partial_json": "no"})),
        stop(0),
        stop(9),
        block(3, &json!({"type": "web_search_tool_result", "tool_use_id": "b", "content": []})),
        stop(3),
        block(
            4,
            &json!({"type": "mcp_tool_use", "id": "c", "name": "lookup", "server_name": "s", "input": {"k": [1]}}),
        ),
        stop(4),
        block(5, &tool("d", "two")),
        stop(5),
        block(6, &json!({"type": "redacted_thinking", "data": "SECRET"})),
        block(8, &json!({"type": "text", "text": "answer"})),
        // A new block takes the index of one that has not ended.
        block(7, &tool("e", "three")),
    ]);
    let call = |id: &str, name: &str, arguments: Value, kind: &str, complete: bool| json!({"id": id, "name": name, "arguments": arguments, "kind": kind, "complete": complete});
    assert_eq!(
        record["tool_calls"],
        json!([
            call("a", "one", json!("{\"x\":1"), "client", false),
            call("b", "web_search", json!({"q": 2}), "hosted", true),
            json!({"id": "c", "name": "lookup", "server": "s", "arguments": {"k": [1]}, "kind": "hosted", "complete": true}),
            call("d", "two", json!({}), "client", true),
            json!({"id": "e", "name": "three", "kind": "client", "complete": false}),
        ])
    );
    assert_eq!(record["thoughts"], json!([{"source": "thinking", "text": "hm"}]));
    assert!(!record.to_string().contains("SIGNED") && !record.to_string().contains("SECRET"));
}

#[test]
fn members_of_wrong_types_and_unknown_events_are_ignored() {
    let record = streamed(&[
        json!({"type": "message_start", "message": null}),
        json!({"type": "message_start", "message": [1]}),
        json!({"type": "message_start", "message": {"id": 7, "model": {}, "usage": null, "stop_reason": []}}),
        json!({"type": "message_start", "message": {"id": "m", "model": "served", "content": [{"type": "tool_use"}]}}),
        json!({"type": "message_start", "message": {"id": "", "model": ""}}),
        json!({"type": "content_block_start"}),
        json!({"type": "content_block_start", "index": "0", "content_block": {"type": "tool_use"}}),
        json!({"type": "content_block_start", "index": -1, "content_block": {"type": "tool_use"}}),
        json!({"type": "content_block_start", "index": 1.5, "content_block": {"type": "tool_use"}}),
        json!({"type": "content_block_start", "index": 1e300, "content_block": {"type": "tool_use"}}),
        block(0, &json!(null)),
        block(1, &json!({"type": 7})),
        block(2, &json!({"type": "thinking", "thinking": {}})),
        piece(2, &json!({"type": "thinking_delta", "thinking": 7})),
        block(3, &json!({"type": "tool_use_of_tomorrow", "id": "x"})),
        json!({"type": "content_block_stop", "index": null}),
        json!({"type": "message_delta", "delta": {"stop_reason": 7}}),
        json!({"type": "message_delta", "delta": {"stop_reason": ""}}),
        json!({"type": null}),
        json!({"type": ["message_stop"]}),
        json!({"type": "message_stopped"}),
        json!({}),
    ]);
    assert_eq!(record["response"], json!({"id": "m", "status": 200, "finish_reasons": []}));
    assert_eq!(record["model"]["served"], "served");
    assert_eq!((&record["tool_calls"], &record["thoughts"]), (&json!([]), &json!([])));
    assert_eq!((&record["outcome"], &record["notes"]), (&json!("completed"), &json!(["usage_estimated"])));
    let record = document(&json!({
        "type": "message", "id": [], "model": null, "stop_reason": {}, "usage": null, "error": null,
        "content": [null, 7, "x", [], {"type": 7}, {"type": "tool_use", "id": 7, "name": [], "input": null}],
    }));
    assert_eq!(record["response"], json!({"status": 200, "finish_reasons": []}));
    assert_eq!(record["outcome"], "completed");
    assert_eq!(record["tool_calls"], json!([{"arguments": null, "kind": "client", "complete": true}]));
}

#[test]
fn an_error_event_in_any_form_ends_the_stream() {
    for (event, wanted) in [
        (
            "data: {\"type\":\"error\",\"error\":{\"type\":\"t\",\"message\":\"m\",\"code\":\"c\"},\"request_id\":\"r\"}",
            json!({"type": "t", "code": "c", "message": "m"}),
        ),
        ("event: error\ndata: {\"error\":{\"type\":\"t\"}}", json!({"type": "t"})),
        ("event: error\ndata: {\"type\":\"overloaded_error\",\"error\":\"m\"}", json!({"message": "m"})),
        ("event: error\ndata: {}", json!({})),
        ("data: {\"type\":\"error\"}", json!({})),
        ("data: {\"type\":\"error\",\"error\":null}", json!({})),
    ] {
        let body = format!("{event}\n\nevent: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n");
        let record = raw(&body);
        assert_eq!((&record["outcome"], &record["error"]), (&json!("failed"), &wanted), "{event}");
        assert_eq!(record["notes"], json!(["usage_estimated"]), "{event}");
    }
    let record = raw("event: error\ndata: Internal Server Error\n\n");
    assert_eq!((&record["outcome"], &record["error"]), (&json!("failed"), &json!({})));
    assert_eq!(record["notes"], json!(["response_unreadable", "usage_estimated"]));
    let record =
        raw(&format!("{STOP}event: error\ndata: {{\"type\":\"error\"}}\n\nevent: error\ndata: x\n\n"));
    assert_eq!((&record["outcome"], record.get("error")), (&json!("completed"), None));
}

#[test]
fn a_document_that_is_an_error_is_a_failure() {
    for (body, wanted) in [
        (
            json!({"type": "error", "error": {"type": "t", "message": "m"}}),
            json!({"type": "t", "message": "m"}),
        ),
        (json!({"error": {"message": "m"}}), json!({"message": "m"})),
        (json!({"error": "m"}), json!({"message": "m"})),
        (json!({"type": "error"}), json!({})),
    ] {
        let record = document(&body);
        assert_eq!((&record["outcome"], &record["error"]), (&json!("failed"), &wanted), "{body}");
        assert_eq!(record["response"]["status"], 200);
    }
    for body in [json!({"type": "message", "error": {"message": "no"}}), json!({"error": null}), json!({})] {
        let record = document(&body);
        assert_eq!((&record["outcome"], record.get("error")), (&json!("completed"), None), "{body}");
    }
}

#[test]
fn a_document_and_a_stream_leave_the_same_record() {
    let usage = json!({"input_tokens": 3, "output_tokens": 4, "cache_read_input_tokens": 5});
    let record = document(&json!({
        "id": "m", "type": "message", "model": "claude-opus-4-8", "stop_reason": "tool_use", "usage": usage,
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "SIGNED"},
            {"type": "text", "text": "answer"},
            {"type": "tool_use", "id": "a", "name": "one", "input": {"x": [1, "é"]}},
            {"type": "server_tool_use", "id": "b", "name": "web_search", "input": {}},
            {"type": "mcp_tool_use", "id": "c", "name": "lookup", "input": {}},
        ],
    }));
    let mut events = vec![start(&usage)];
    let blocks = [
        json!({"type": "thinking", "thinking": "hm"}),
        json!({"type": "tool_use", "id": "a", "name": "one", "input": {"x": [1, "é"]}}),
        json!({"type": "server_tool_use", "id": "b", "name": "web_search", "input": {}}),
        json!({"type": "mcp_tool_use", "id": "c", "name": "lookup", "input": {}}),
    ];
    for (index, content) in (0..).zip(&blocks) {
        events.extend([block(index, content), stop(index)]);
    }
    events.push(json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": usage}));
    let streamed = streamed(&events);
    for member in
        ["response", "model", "usage", "tool_calls", "thoughts", "outcome", "cost_microusd", "notes"]
    {
        assert_eq!(record[member], streamed[member], "{member}");
    }
    assert_eq!(record["response"]["finish_reasons"], json!(["tool_use"]));
    assert_eq!(record["tool_calls"].as_array().unwrap().len(), 3);
}

#[test]
fn invalid_usage_numbers_are_absent_and_noted() {
    let body = "data: {\"type\":\"message_delta\",\"usage\":{\"input_tokens\":\"7\",\"output_tokens\":-1,\"cache_read_input_tokens\":1e99}}\n\n\
                 data: {\"type\":\"message_stop\"}\n\n";
    let record = raw(body);
    assert_eq!(record["notes"], json!(["usage_unreadable"]));
    assert!(record["usage"].get("input_tokens").is_none() && record["usage"].get("output_tokens").is_none());
}
