//! Every bound of `limits`: at the bound, one below it and one above.

use crate::outcomes::{BROKEN_OFF, learned};
use crate::request_bodies::APIS;
use serde_json::{Value, json};
use world::{World, changed, head};

const EVENTS: &str = "text/event-stream";

const DOCUMENT: &str = "application/json";

const STOP: &str = "data: {\"type\":\"message_stop\"}\n\n";

/// The record of a response under these limits; the same in one chunk and in chunks of five bytes.
fn answered(limits: &Value, content_type: &str, body: &str) -> Value {
    let bridge = changed(|configuration| configuration["limits"] = limits.clone());
    let mut records = [body.len().max(1), 5].map(|size| {
        let mut world = World::new(&bridge);
        world.request(head("POST /anthropic/v1/messages", &[]), false).upload(b"{}", true);
        world.answer(head("200", &[("content-type", content_type)]), false);
        for piece in body.as_bytes().chunks(size) {
            world.download(piece, false);
        }
        world.download(b"", true).done();
        assert_eq!(world.client_body, body.as_bytes(), "whatever is read, everything passes");
        let mut record = world.record();
        for time in ["ended_at", "duration_ms", "time_to_first_event_ms"] {
            record.as_object_mut().unwrap().remove(time);
        }
        record
    });
    assert_eq!(records[0], records[1]);
    records[1].take()
}

#[test]
fn a_value_longer_than_the_reader_is_dropped_and_noted() {
    for (limit, length, kept) in
        [(65_536, 4096, true), (65_536, 4097, false), (100, 99, true), (100, 100, true), (100, 101, false)]
    {
        let bridge = changed(|configuration| configuration["limits"] = json!({"reader_bytes": limit}));
        let session = "s".repeat(length - "_session_".len());
        let body = json!({"metadata": {"user_id": format!("_session_{session}")}}).to_string();
        let mut world = World::new(&bridge);
        world.request(head("POST /anthropic/v1/messages", &[("user-agent", "claude-cli/1")]), false);
        world.upload(body.as_bytes(), true).finish("downstream_remote_disconnect");
        assert_eq!(world.upstream_body, body.as_bytes());
        let record = world.record();
        assert_eq!(record.get("session_id").is_some(), kept, "{length}");
        assert_eq!(record["notes"], if kept { json!([]) } else { json!(["value_too_large"]) });
    }
}

#[test]
fn an_event_above_the_limit_is_read_on_for_its_numbers_and_noted() {
    for (line_end, counted) in [("\n", 2), ("\r\n", 3), ("\r", 2)] {
        for (bytes, large) in [(99, false), (100, false), (101, true), (5000, true)] {
            let data = |filler: usize| {
                format!(
                    "data: {{\"type\":\"message_delta\",\"x\":\"{}\",\"usage\":{{\"output_tokens\":7}}}}",
                    "x".repeat(filler)
                )
            };
            let event = data(bytes - counted - data(0).len());
            let body = format!("{event}{line_end}{line_end}{STOP}");
            let record = answered(&json!({"event_bytes": 100}), EVENTS, &body);
            assert_eq!(record["usage"]["output_tokens"], 7, "{bytes}");
            assert_eq!(record["notes"], if large { json!(["event_too_large"]) } else { json!([]) });
            assert_eq!(record["outcome"], "completed", "reading goes on");
        }
    }
}

/// A tool call whose first piece of arguments has `bytes` bytes, and whose second is `b`.
fn piece(bytes: usize) -> String {
    let start = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"t","name":"n","input":{}}}"#;
    let delta = format!(
        r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"input_json_delta","partial_json":"{}"}}}}"#,
        "a".repeat(bytes)
    );
    let more =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"b"}}"#;
    let stop = r#"{"type":"content_block_stop","index":0}"#;
    format!("data: {start}\n\ndata: {delta}\n\ndata: {more}\n\ndata: {stop}\n\n{STOP}")
}

#[test]
fn a_text_that_crosses_the_limit_of_its_event_is_cut_there() {
    let record = answered(&json!({"event_bytes": 200}), EVENTS, &piece(1000));
    let call = &record["tool_calls"][0];
    let kept = 200
        - "data: ".len()
        - r#"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":""#
            .len();
    assert_eq!(call["arguments"], "a".repeat(kept), "a later piece does not continue it");
    assert_eq!((&call["name"], &call["complete"]), (&json!("n"), &json!(true)));
    assert_eq!(record["notes"], json!(["event_too_large", "text_cut", "usage_estimated"]));
    let record = answered(&json!({"event_bytes": 200}), EVENTS, &piece(10));
    assert_eq!(
        (&record["tool_calls"][0]["arguments"], &record["notes"]),
        (&json!("aaaaaaaaaab"), &json!(["usage_estimated"]))
    );
}

#[test]
fn texts_that_begin_beyond_the_limit_are_dropped_and_names_are_not() {
    for (limit, kept) in [(10_000, true), (100, false)] {
        let block = json!({"type": "tool_use", "id": "t", "name": "n", "input": {"a": 1}});
        let document = json!({"content": [block], "model": "m", "stop_reason": "end_turn"}).to_string();
        let document = format!("{{\"picture\":\"{}\",{}", "A".repeat(200), &document[1..]);
        let record = answered(&json!({"document_bytes": limit}), DOCUMENT, &document);
        let call = &record["tool_calls"][0];
        assert_eq!((&call["id"], &call["name"], &call["complete"]), (&json!("t"), &json!("n"), &json!(true)));
        assert_eq!(call.get("arguments"), if kept { Some(&block["input"]) } else { None });
        assert_eq!(record["model"]["served"], "m");
        assert_eq!(
            record["notes"],
            if kept {
                json!(["usage_estimated", "price"])
            } else {
                json!(["document_too_large", "usage_estimated", "price"])
            }
        );
    }
}

#[test]
fn an_invalid_event_above_the_limit_states_nothing() {
    let data = format!(r#"{{"usage":{{"output_tokens":7}},"x":"{}"}} x"#, "x".repeat(1000));
    let body = format!("event: message_delta\ndata: {data}\n\n{STOP}");
    let record = answered(&json!({"event_bytes": 100}), EVENTS, &body);
    assert_eq!(record["notes"], json!(["event_too_large", "usage_estimated"]));
    assert_eq!(
        (&record["usage"]["usage_status"], &record["outcome"]),
        (&json!("missing"), &json!("completed"))
    );
}

#[test]
fn a_document_above_the_limit_is_read_on_for_its_numbers_and_noted() {
    let body = r#"{"id":"m","usage":{"input_tokens":7},"stop_reason":"end_turn"}"#;
    let large = json!(["document_too_large"]);
    for (limit, notes) in [
        (body.len() + 1, json!([])),
        (body.len(), json!([])),
        (body.len() - 1, large.clone()),
        (body.len() - 2, large.clone()),
        (5, large),
    ] {
        let (id, reason) = (json!("m"), json!(["end_turn"]));
        let record = answered(&json!({"document_bytes": limit}), DOCUMENT, body);
        assert_eq!(
            (&record["response"]["id"], &record["response"]["finish_reasons"]),
            (&id, &reason),
            "{limit}"
        );
        assert_eq!((&record["notes"], &record["outcome"]), (&notes, &json!("completed")), "{limit}");
    }
    // White space after the document does not count.
    let record = answered(&json!({"document_bytes": body.len()}), DOCUMENT, &format!("{body}\n\n"));
    assert_eq!(record["notes"], json!([]));
}

#[test]
fn tool_calls_and_thoughts_above_the_limit_are_counted() {
    let block = |kind: &str| match kind {
        "tool" => json!({"type": "tool_use", "id": "t", "name": "n", "input": {}}),
        _ => json!({"type": "thinking", "thinking": "hm"}),
    };
    for (limit, stated) in [(0, 0), (0, 1), (3, 2), (3, 3), (3, 4), (3, 9), (256, 256), (256, 257)] {
        let limits = json!({"tool_calls": limit, "thoughts": limit});
        let content: Vec<Value> = (0..stated).flat_map(|_| [block("tool"), block("thought")]).collect();
        let document = answered(&limits, DOCUMENT, &json!({"content": content}).to_string());
        let events: String = (0..)
            .zip(&content)
            .map(|(index, block)| {
                let start = json!({"type": "content_block_start", "index": index, "content_block": block});
                format!("data: {start}\n\ndata: {{\"type\":\"content_block_stop\",\"index\":{index}}}\n\n")
            })
            .collect();
        let stream = answered(&limits, EVENTS, &format!("{events}{STOP}"));
        for record in [document, stream] {
            for list in ["tool_calls", "thoughts"] {
                assert_eq!(
                    record[list].as_array().unwrap().len(),
                    limit.min(stated),
                    "{list} {limit} {stated}"
                );
            }
            let dropped = stated.saturating_sub(limit);
            let notes = if dropped == 0 {
                json!(["usage_estimated"])
            } else {
                json!([
                    "usage_estimated",
                    format!("tool_calls_dropped:{dropped}"),
                    format!("thoughts_dropped:{dropped}")
                ])
            };
            assert_eq!(record["notes"], notes, "{limit} {stated}");
        }
    }
}

#[test]
fn a_request_of_the_limit_passes_and_one_byte_more_is_413() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"request_body_bytes": 15}));
    let body = b"{\"model\":\"m12\"}";
    for first in APIS {
        for (declared, status) in [
            (None, None),
            (Some("15"), None),
            (Some("16"), Some(413)),
            (Some("99999999999999999999999999"), Some(413)),
            // A value that is no number declares no length.
            (Some("+16"), None),
            (Some("16, 16"), None),
            (Some(""), None),
        ] {
            let lines: Vec<_> = declared.iter().map(|length| ("content-length", *length)).collect();
            let mut world = World::new(&bridge);
            world.request(head(first, &lines), false);
            assert_eq!(world.reply.as_ref().map(|reply| reply.status), status, "{declared:?}");
            if status.is_none() {
                world.upload(body, true);
                assert!(world.reply.is_none());
                world.finish("downstream_remote_disconnect");
                assert_eq!(world.record()["error"]["code"], json!(null));
            } else {
                assert!(world.upstream_headers.is_none());
                world.done();
                assert_eq!(world.record()["error"]["code"], "request_too_large");
            }
        }
        for split in 0..=body.len() {
            let mut world = World::new(&bridge);
            world
                .request(head(first, &[]), false)
                .upload(&body[..split], false)
                .upload(&body[split..], false)
                .upload(b" ", true);
            assert_eq!((world.replied().0, world.upstream_body.as_slice()), (413, &body[..]));
            world.done();
            assert_eq!(world.record()["error"]["code"], "request_too_large");
        }
        // One byte above the limit inside the object, in one piece and byte by byte.
        for length in [14, 15, 16] {
            let object = format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
            assert_eq!(object.len(), length);
            for size in [1, length] {
                let mut world = World::new(&bridge);
                world.request(head(first, &[]), false);
                for piece in object.as_bytes().chunks(size) {
                    world.upload(piece, false);
                }
                world.upload(b"", true);
                let status = world.reply.as_ref().map(|reply| reply.status);
                assert_eq!(status, (length == 16).then_some(413), "{length} {size}");
            }
        }
    }
    let mut world = World::new(&bridge);
    world.request(head("POST /anthropic/v1/messages/count_tokens", &[("content-length", "16")]), false);
    world.upload(&[b'x'; 16], true);
    assert_eq!(world.upstream_body.len(), 16, "passthrough is not looked at");
}

const ROUTE: &str = "POST /anthropic/v1/messages";

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

#[test]
fn a_document_above_its_limit_is_read_alike_for_every_cut() {
    let bridge =
        changed(|configuration| configuration["limits"] = json!({"document_bytes": BROKEN_OFF.len()}));
    let body = format!("{BROKEN_OFF}{}\"}}]}}", "x".repeat(1000));
    for size in [1, 7, 100, 5000] {
        let mut world = World::new(&bridge);
        world.request(head(ROUTE, &[]), false).upload(b"{}", true).answer(head("200", &JSON), false);
        for piece in body.as_bytes().chunks(size) {
            world.download(piece, false);
        }
        world.download(b"", true).done();
        let record = world.record();
        assert_eq!(
            (&record["outcome"], &record["notes"]),
            (&json!("completed"), &json!(["document_too_large"]))
        );
        assert_eq!(learned(&record), (&json!("msg_1"), &json!("claude-opus-4-8"), &json!(4), 1), "{size}");
    }
}
