//! The outcome in the record, for every way in which a stream can end.

use crate::request_bodies::RESPONSES;
use serde_json::{Value, json};
use world::{CONFIGURATION, World, bridge, changed, head};

const BODY: &[u8] =
    br#"{"model":"claude-opus-4-8","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;

const START: &[u8] = b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-opus-4-8\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n";

pub(crate) const STOP: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn sent() -> World {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(BODY, true);
    world
}

pub(crate) fn streaming() -> World {
    let mut world = sent();
    world
        .answer(head("200", &[("content-type", "text/event-stream; charset=utf-8")]), false)
        .download(START, false);
    world
}

fn outcome(world: &World) -> Value {
    world.record()["outcome"].clone()
}

#[test]
fn a_disconnect_by_the_gateway_is_no_abort_of_the_client() {
    let mut world = sent();
    world.finish("downstream_local_disconnect(filter_chain_is_being_removed)");
    assert_eq!(outcome(&world), "unavailable");
}

#[test]
fn the_outcome_says_who_cut_the_stream() {
    for (details, wanted) in [
        ("downstream_remote_disconnect", "aborted_client"),
        ("http2.remote_reset", "aborted_client"),
        ("codec_error:The_user_callback_function_failed", "aborted_client"),
        ("downstream_local_disconnect(filter_chain_is_being_removed)", "aborted_upstream"),
        ("upstream_reset_after_response_started{connection_termination}", "aborted_upstream"),
        ("stream_idle_timeout", "aborted_upstream"),
    ] {
        let mut world = streaming();
        world.finish(details);
        assert_eq!(outcome(&world), wanted, "{details}");
        assert_eq!(world.record()["usage"]["usage_status"], "partial");
    }
}

#[test]
fn after_the_terminal_event_the_stream_is_complete() {
    for details in ["downstream_remote_disconnect", "upstream_reset_after_response_started{}", "via_upstream"]
    {
        let mut world = streaming();
        world.download(STOP, false).finish(details);
        assert_eq!(outcome(&world), "completed", "{details}");
    }
}

#[test]
fn a_stream_without_terminal_event_is_aborted() {
    let mut world = streaming();
    world.download(b"", true).done();
    assert_eq!(outcome(&world), "aborted_upstream");
    let mut world = streaming();
    world.response_trailers().done();
    assert_eq!(outcome(&world), "aborted_upstream");
}

#[test]
fn a_document_that_ends_early_is_aborted() {
    for (body, wanted) in
        [("{\"type\":\"message\",\"id\":\"m\"", "aborted_upstream"), ("{\"type\":\"message\"}", "completed")]
    {
        let mut world = sent();
        world
            .answer(head("200", &[("content-type", "application/json")]), false)
            .download(body.as_bytes(), true)
            .done();
        assert_eq!(outcome(&world), wanted);
    }
}

#[test]
fn an_error_event_is_a_failure() {
    let mut world = streaming();
    world.download(b"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n", true);
    world.done();
    let record = world.record();
    assert_eq!(
        (&record["outcome"], &record["error"]["type"]),
        (&json!("failed"), &json!("overloaded_error"))
    );
}

#[test]
fn a_response_during_the_upload_is_recorded() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(&BODY[..40], false);
    world.answer(head("413", &[("content-type", "application/json")]), false);
    world.download(br#"{"type":"error","error":{"type":"request_too_large","message":"big"}}"#, true).done();
    let record = world.record();
    assert_eq!((&record["outcome"], &record["response"]["status"]), (&json!("failed"), &json!(413)));
    assert_eq!(record["error"], json!({"type": "request_too_large", "message": "big"}));
}

/// A route of each API, the events of its stream, and the terminal event.
const STREAMS: [(&str, &[&str], &str); 4] = [
    (
        "/anthropic/v1/messages",
        &[
            "data: {\"type\":\"message_start\",\"message\":{\"id\":\"r\",\"model\":\"m\",\"usage\":{\"input_tokens\":3}}}\n\n",
            "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end\"},\"usage\":{\"output_tokens\":4}}\n\n",
        ],
        "data: {\"type\":\"message_stop\"}\n\n",
    ),
    (
        "/openai/v1/chat/completions",
        &[
            "data: {\"id\":\"r\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{}}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}}\n\n",
        ],
        "data: [DONE]\n\n",
    ),
    (
        "/openai/v1/responses",
        &[
            "data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"model\":\"m\"}}\n\n",
            "data: {\"type\":\"response.output_text.delta\",\"delta\":\"x\"}\n\n",
        ],
        "data: {\"type\":\"response.completed\",\"response\":{\"id\":\"r\",\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}\n\n",
    ),
    (
        "/copilot/responses",
        &["data: {\"type\":\"response.created\",\"response\":{\"id\":\"r\",\"model\":\"m\"}}\n\n"],
        "data: {\"type\":\"response.incomplete\",\"response\":{\"id\":\"r\",\"usage\":{\"input_tokens\":3,\"output_tokens\":4}}}\n\n",
    ),
];

/// Envoy's reason for the end of a stream, and whether the client caused it.
const ENDS: [(&str, bool); 6] = [
    ("downstream_remote_disconnect", true),
    ("http2.remote_reset", true),
    ("upstream_reset_after_response_started{connection_termination}", false),
    ("upstream_reset_after_response_started{remote_reset}", false),
    ("stream_idle_timeout", false),
    ("downstream_local_disconnect", false),
];

/// A stream that has the headers of a request to this route, with a credential where the route needs one.
fn requested(path: &str) -> World {
    let own = [("authorization", "Bearer gho_1")];
    let lines = if path.starts_with("/copilot") { &own[..] } else { &[] };
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(&format!("POST {path}"), lines), false);
    world
}

#[test]
fn a_stream_of_any_api_may_end_at_any_stage() {
    const ASKED: &[u8] =
        br#"{"model":"q","stream":true,"stream_options":{"include_usage":true},"messages":[],"input":"hi"}"#;
    for (path, events, last) in STREAMS {
        for (details, by_client) in ENDS {
            // 0, 1: nothing or a part of the request has come; 2: all of it; 3: the response's headers; then its events; the end.
            for stage in 0..=5 + events.len() {
                let at = format!("{path} {details} at {stage}");
                let mut world = requested(path);
                match stage {
                    0 => {}
                    1 => drop(world.upload(&ASKED[..20], false)),
                    _ => drop(world.upload(ASKED, true)),
                }
                if stage > 2 {
                    world.answer(head("200", &[("content-type", "text/event-stream")]), false);
                }
                for event in events.iter().take(stage.saturating_sub(3)) {
                    world.download(event.as_bytes(), false);
                }
                let terminal = stage > 3 + events.len();
                if terminal {
                    world.download(last.as_bytes(), stage > 4 + events.len());
                }
                world.finish(details);
                let record = world.record();
                let wanted = match stage {
                    _ if terminal => "completed",
                    0..=2 if details.starts_with("downstream_local") => "unavailable",
                    0..=2 => "aborted_client",
                    _ if by_client => "aborted_client",
                    _ => "aborted_upstream",
                };
                assert_eq!(record["outcome"], wanted, "{at}");
                assert_eq!(
                    record["model"]["requested"],
                    if stage > 0 { json!("q") } else { json!(null) },
                    "{at}"
                );
                assert_eq!(
                    record["response"]["status"],
                    if stage > 2 { json!(200) } else { json!(null) },
                    "{at}"
                );
                assert_eq!(
                    record["response"]["id"],
                    if stage > 3 { json!("r") } else { json!(null) },
                    "{at}"
                );
                assert_eq!(record.get("error"), None, "{at}");
                if terminal {
                    assert_eq!(record["usage"]["total_tokens"], 7, "{at}");
                }
                assert!(world.client_body.len() >= if terminal { last.len() } else { 0 });
            }
        }
    }
}

#[test]
fn a_document_may_end_at_any_stage() {
    let body = r#"{"id":"r","object":"response","type":"message","status":"completed"}"#;
    for (path, _, _) in STREAMS {
        for (details, by_client) in ENDS {
            for (cut, over, completed) in [
                (0, false, false),
                (20, false, false),
                (20, true, false),
                (body.len(), false, true),
                (body.len(), true, true),
            ] {
                let mut world = requested(path);
                world.upload(b"{}", true).answer(head("200", &[("content-type", "application/json")]), false);
                world.download(&body.as_bytes()[..cut], over).finish(details);
                let wanted = match (completed, over) {
                    (true, _) => "completed",
                    // The provider had ended the response before the connection was cut.
                    (false, true) => "aborted_upstream",
                    (false, false) if by_client => "aborted_client",
                    (false, false) => "aborted_upstream",
                };
                assert_eq!(outcome(&world), wanted, "{path} {details} {cut} {over}");
            }
        }
    }
}

#[test]
fn an_error_status_is_a_failure_for_every_end() {
    for (details, _) in ENDS {
        for (body, over) in
            [("", false), ("{\"error\":{\"mess", false), ("{\"error\":{\"message\":\"m\"}}", true)]
        {
            let mut world = sent();
            world.answer(head("529", &[]), false).download(body.as_bytes(), over).finish(details);
            assert_eq!(outcome(&world), "failed", "{details}");
            assert_eq!(world.record()["response"]["status"], 529);
        }
    }
}

#[test]
fn trailers_end_a_response() {
    for (events, wanted) in
        [(vec![START, STOP], "completed"), (vec![START], "aborted_upstream"), (vec![], "aborted_upstream")]
    {
        let mut world = sent();
        world.answer(head("200", &[("content-type", "text/event-stream")]), false);
        for event in events {
            world.download(event, false);
        }
        world.response_trailers().finish("downstream_remote_disconnect");
        assert_eq!(outcome(&world), wanted);
    }
    let mut world = sent();
    world.answer(head("200", &[("content-type", "text/event-stream")]), true).done();
    assert_eq!(outcome(&world), "aborted_upstream", "a stream without a byte");
}

#[test]
fn a_refusal_at_any_stage_is_recorded_as_rejected() {
    for (stage, reply) in [(0, true), (1, true), (2, true), (3, false), (4, false)] {
        for (details, _) in ENDS {
            let lines: &[(&str, &str)] = if stage == 0 { &[("content-encoding", "br")] } else { &[] };
            let mut world = World::new(&bridge(CONFIGURATION));
            world.request(head("POST /anthropic/v1/messages", lines), false);
            match stage {
                0 => {}
                1 => drop(world.upload(b"[", false)),
                2 => drop(world.upload(b"{\"model\":\"q\"", false).request_trailers()),
                _ => {
                    world
                        .upload(b"{", false)
                        .answer(head("200", &[("content-type", "text/event-stream")]), false);
                    if stage == 4 {
                        world.download(START, false);
                    }
                    world.upload(b"]", false);
                }
            }
            assert_eq!((world.reply.is_some(), world.reset), (reply, !reply), "{stage}");
            world.finish(details);
            let record = world.record();
            assert_eq!(record["outcome"], "rejected", "{stage} {details}");
            assert_eq!(record["notes"][0], if reply { json!(null) } else { json!("reply_impossible") });
            let status = [415, 400, 400, 200, 200][stage];
            assert_eq!(record["response"]["status"], status, "what the client got");
        }
    }
}

const ROUTE: &str = "POST /anthropic/v1/messages";

const JSON: [(&str, &str); 1] = [("content-type", "application/json")];

/// A stream that has the response's headers with these lines, and no body yet.
pub(crate) fn answering(lines: &[(&str, &str)]) -> World {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(ROUTE, &[]), false).upload(br#"{"model":"claude-opus-4-8","messages":[]}"#, true);
    world.answer(head("200", lines), false);
    world
}

pub(crate) const BROKEN_OFF: &str = r#"{"id":"msg_1","model":"claude-opus-4-8","usage":{"input_tokens":3,"output_tokens":4},"content":[{"type":"tool_use","id":"t","name":"n","input":{}},{"type":"text","text":"..."#;

pub(crate) fn learned(record: &Value) -> (&Value, &Value, &Value, usize) {
    (
        &record["response"]["id"],
        &record["model"]["served"],
        &record["usage"]["output_tokens"],
        record["tool_calls"].as_array().unwrap().len(),
    )
}

#[test]
fn a_document_that_breaks_off_keeps_what_was_read() {
    for (end, details, outcome) in [
        (true, "via_upstream", "aborted_upstream"),
        (false, "upstream_reset_after_response_started{connection_termination}", "aborted_upstream"),
        (false, "downstream_remote_disconnect", "aborted_client"),
    ] {
        let mut world = answering(&JSON);
        world.download(BROKEN_OFF.as_bytes(), end).finish(details);
        let record = world.record();
        assert_eq!(record["outcome"], outcome, "{details}");
        assert_eq!(learned(&record), (&json!("msg_1"), &json!("claude-opus-4-8"), &json!(4), 1), "{details}");
        assert_eq!(record["notes"], json!([]));
    }
}

#[test]
fn an_error_status_without_a_body_is_a_failure() {
    for status in ["304", "500"] {
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head(ROUTE, &[]), false).upload(b"{}", true).answer(head(status, &JSON), true).done();
        let record = world.record();
        assert_eq!((&record["outcome"], &record["notes"]), (&json!("failed"), &json!([])), "{status}");
    }
}

#[test]
fn a_refusal_after_the_response_began_resets_the_stream() {
    let policy = changed(|configuration| {
        configuration["providers"][1]["models"] = json!({"allow": ["good"]});
        configuration["limits"] = json!({"request_body_bytes": 40});
    });
    for (rest, code) in [
        (&b"\"evil\"}"[..], "model_denied"),
        (b"7}", "model_unreadable"),
        (b"\"good\",\"background\":true}", "background_refused"),
        (b"\"good\",\"model\":1}", "repeated_member"),
        (b"x", "invalid_json"),
        (b"\"good\"} x", "invalid_json"),
        (b"\"good\",\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\":1}", "request_too_large"),
    ] {
        let mut world = World::new(&policy);
        world.request(head(RESPONSES, &[]), false).upload(b"{\"model\":", false);
        world
            .answer(head("200", &[("content-type", "text/event-stream")]), false)
            .download(b"data: {}\n\n", false);
        world.upload(rest, false);
        assert!(world.reset && world.reply.is_none(), "{code}");
        assert_eq!(world.upstream_body, b"{\"model\":");
        world.finish("");
        let record = world.record();
        assert_eq!((&record["outcome"], &record["error"]["code"]), (&json!("rejected"), &json!(code)));
        assert_eq!(record["notes"], json!(["reply_impossible"]), "{code}");
    }
    let mut world = World::new(&policy);
    world.request(head(RESPONSES, &[]), false).upload(b"{\"model\":", false);
    world.answer(head("200", &[]), false).request_trailers();
    assert!(world.reset);
}

#[test]
fn a_step_of_the_wall_clock_changes_no_duration() {
    for ahead_ms in [3_600_000, -3_600_000] {
        let mut world = streaming();
        world.set_wall_clock(ahead_ms).download(STOP, true).finish("via_upstream");
        let record = world.record();
        assert_eq!(record["duration_ms"], 20, "four callbacks after the first");
        assert_eq!(record["started_at"], "2026-11-23T05:33:00.005Z");
        let ended_at = if ahead_ms > 0 { "2026-11-23T06:33:00.025Z" } else { "2026-11-23T04:33:00.025Z" };
        assert_eq!(record["ended_at"], ended_at, "by the wall clock");
    }
}
