//! Contract §10 by heart: what happens at each bound, one below it, and one above.

use crate::world::{World, changed, head};
use serde_json::{Value, json};

const EVENTS: &str = "text/event-stream";
const DOCUMENT: &str = "application/json";
const STOP: &str = "data: {\"type\":\"message_stop\"}\n\n";

/// The record of this answer under these limits, fed whole and again in pieces of five bytes.
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
fn a_request_of_exactly_the_limit_passes_and_one_byte_more_is_413_declared_or_not() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"request_body_bytes": 20}));
    for (length, refused) in [(19, false), (20, false), (21, true)] {
        let body = format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
        assert_eq!(body.len(), length);
        for declared in [true, false] {
            for size in [1, length] {
                let mut world = World::new(&bridge);
                let stated = length.to_string();
                let lines: Vec<(&str, &str)> =
                    if declared { vec![("content-length", &stated)] } else { vec![] };
                world.request(head("POST /anthropic/v1/messages", &lines), false);
                for piece in body.as_bytes().chunks(size) {
                    world.upload(piece, false);
                }
                world.upload(b"", true);
                assert_eq!(
                    world.reply.as_ref().map(|reply| reply.status),
                    refused.then_some(413),
                    "{length}"
                );
                world.finish("downstream_remote_disconnect");
                let code = if refused { json!("request_too_large") } else { json!(null) };
                assert_eq!(world.record()["error"]["code"], code);
                if declared && refused {
                    assert!(world.upstream_headers.is_none(), "nobody was asked");
                }
            }
        }
    }
    // White space after the object counts.
    let mut world = World::new(&bridge);
    world
        .request(head("POST /anthropic/v1/messages", &[]), false)
        .upload(&[b"{}", &[b' '; 18][..]].concat(), false);
    assert!(world.reply.is_none());
    world.upload(b" ", false);
    assert_eq!(world.replied().0, 413);
}

#[test]
fn a_value_that_does_not_fit_the_reader_is_dropped_and_noted() {
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
fn an_event_of_exactly_the_limit_is_read_and_one_byte_more_is_skipped_and_noted() {
    for (line_end, counted) in [("\n", 2), ("\r\n", 3), ("\r", 2)] {
        for (bytes, read) in [(99, true), (100, true), (101, false)] {
            let data = |filler: usize| {
                format!(
                    "data: {{\"type\":\"message_delta\",\"usage\":{{\"output_tokens\":7}},\"x\":\"{}\"}}",
                    "x".repeat(filler)
                )
            };
            let event = data(bytes - counted - data(0).len());
            let body = format!("{event}{line_end}{line_end}{STOP}");
            let record = answered(&json!({"event_bytes": 100}), EVENTS, &body);
            assert_eq!(
                record["usage"]["output_tokens"],
                if read { json!(7) } else { json!(null) },
                "{bytes}"
            );
            assert_eq!(record["notes"], if read { json!([]) } else { json!(["event_too_large"]) });
            assert_eq!(record["outcome"], "completed", "reading goes on");
        }
    }
}

#[test]
fn a_document_of_exactly_the_limit_is_read_and_one_byte_more_is_not_read_further_and_noted() {
    let body = r#"{"id":"m","usage":{"input_tokens":7},"stop_reason":"end_turn"}"#;
    for (limit, id, reason, notes) in [
        (body.len() + 1, json!("m"), json!(["end_turn"]), json!([])),
        (body.len(), json!("m"), json!(["end_turn"]), json!([])),
        (body.len() - 1, json!("m"), json!(["end_turn"]), json!(["document_too_large"])),
        (body.len() - 2, json!("m"), json!([]), json!(["document_too_large"])),
        (5, json!(null), json!([]), json!(["document_too_large"])),
    ] {
        let record = answered(&json!({"document_bytes": limit}), DOCUMENT, body);
        assert_eq!(
            (&record["response"]["id"], &record["response"]["finish_reasons"]),
            (&id, &reason),
            "{limit}"
        );
        assert_eq!((&record["notes"], &record["outcome"]), (&notes, &json!("completed")), "{limit}");
    }
    // What is left when the document is over is white space.
    let record = answered(&json!({"document_bytes": body.len()}), DOCUMENT, &format!("{body}\n\n"));
    assert_eq!(record["notes"], json!([]));
}

#[test]
fn as_many_calls_and_thoughts_as_the_limit_are_kept_and_each_one_more_is_counted() {
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
                json!([])
            } else {
                json!([format!("tool_calls_dropped:{dropped}"), format!("thoughts_dropped:{dropped}")])
            };
            assert_eq!(record["notes"], notes, "{limit} {stated}");
        }
    }
}
