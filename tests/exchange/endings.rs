//! Every way in which a stream can end leaves exactly one record that says how.

use crate::world::{CONFIGURATION, World, bridge, head};
use serde_json::{Value, json};

const BODY: &[u8] =
    br#"{"model":"claude-opus-4-8","stream":true,"messages":[{"role":"user","content":"hi"}]}"#;
const START: &[u8] = b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-opus-4-8\",\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}\n\n";
const STOP: &[u8] = b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

fn sent() -> World {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(BODY, true);
    world
}

fn streaming() -> World {
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
fn a_client_that_leaves_while_uploading_leaves_what_was_learned() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(&BODY[..40], false);
    world.finish("downstream_remote_disconnect");
    assert_eq!(outcome(&world), "aborted_client");
    assert_eq!(world.record()["model"]["requested"], "claude-opus-4-8");
}

#[test]
fn a_client_that_leaves_before_the_answer_aborted_it() {
    let mut world = sent();
    world.finish("downstream_remote_disconnect");
    assert_eq!(outcome(&world), "aborted_client");
    assert_eq!(world.record()["prompt"], "hi");
}

#[test]
fn a_gateway_that_gives_the_connection_up_before_the_answer_is_not_the_client() {
    let mut world = sent();
    world.finish("downstream_local_disconnect(filter_chain_is_being_removed)");
    assert_eq!(outcome(&world), "unavailable");
}

#[test]
fn who_cut_a_stream_is_in_its_outcome() {
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
fn after_the_apis_end_it_does_not_matter_how_the_connection_ends() {
    for details in ["downstream_remote_disconnect", "upstream_reset_after_response_started{}", "via_upstream"]
    {
        let mut world = streaming();
        world.download(STOP, false).finish(details);
        assert_eq!(outcome(&world), "completed", "{details}");
    }
}

#[test]
fn a_stream_that_ends_for_http_alone_was_aborted() {
    let mut world = streaming();
    world.download(b"", true).done();
    assert_eq!(outcome(&world), "aborted_upstream");
    let mut world = streaming();
    world.response_trailers().done();
    assert_eq!(outcome(&world), "aborted_upstream");
}

#[test]
fn a_document_that_ends_too_early_was_aborted() {
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
fn an_error_event_is_a_failure_also_when_the_stream_ends_well() {
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
fn an_early_answer_while_uploading_is_recorded() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head("POST /anthropic/v1/messages", &[]), false).upload(&BODY[..40], false);
    world.answer(head("413", &[("content-type", "application/json")]), false);
    world.download(br#"{"type":"error","error":{"type":"request_too_large","message":"big"}}"#, true).done();
    let record = world.record();
    assert_eq!((&record["outcome"], &record["response"]["status"]), (&json!("failed"), &json!(413)));
    assert_eq!(record["error"], json!({"type": "request_too_large", "message": "big"}));
}

#[test]
fn the_single_values_agree_with_the_record() {
    let mut world = streaming();
    world.download(b"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7,\"cache_read_input_tokens\":2}}\n\n", false);
    world.download(STOP, true).done();
    for (name, value) in [
        ("model", "claude-opus-4-8"),
        ("outcome", "completed"),
        ("input_tokens", "3"),
        ("output_tokens", "7"),
        ("cache_read_tokens", "2"),
        ("cache_write_tokens", "0"),
        ("total_tokens", "12"),
        ("cost_microusd", "191"),
    ] {
        assert_eq!(world.published[&format!("ai_bridge_{name}")], value, "{name}");
    }
    let record = world.record();
    assert_eq!(record["cost_microusd"], 191);
    assert_eq!(record["time_to_first_event_ms"], 10);
    assert_eq!(record["duration_ms"], 25);
    assert_eq!(record["id"], world.published["ai_bridge_id"]);
}
