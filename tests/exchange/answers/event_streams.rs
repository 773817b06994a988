//! How a server-sent event stream may be written.

use super::messages::{EVENTS, answering, raw};
use serde_json::json;

#[test]
fn every_form_of_an_event_stream_is_read() {
    for body in [
        "data: {\"type\":\"message_stop\"}\n\n",
        "data:{\"type\":\"message_stop\"}\n\n",
        "data: {\"type\":\"message_stop\"}\r\n\r\n",
        "data: {\"type\":\"message_stop\"}\r\r",
        "data: {\"type\":\"message_stop\"}\r\n\n",
        // Without the blank line, or even the line end, at the end of the body.
        "data: {\"type\":\"message_stop\"}\n",
        "data: {\"type\":\"message_stop\"}",
        "data: {\ndata: \"type\":\r\ndata:\rdata: \"message_stop\"\ndata: }\n\n",
        "event: message_stop\ndata: {}\n\n",
        "data: {}\nevent: message_stop\n\n",
        "event: ping\nevent: message_stop\ndata: {}\n\n",
        "\u{feff}event: message_stop\ndata: {}\n\n",
        ": hello\nid: 7\nretry: 100\nunknown: field\nnone\nevent: message_stop\ndata: {}\n\n",
        "event: ping\n\n: comment\n\ndata\n\nevent: message_stop\ndata: {}\n\n",
        "data: {\"type\":\"message_stop\",\"unknown\":[{\"type\":\"error\"}]}\n\n",
        "data: {\"unknown\":{\"type\":\"error\"},\"type\":\"message_\\u0073top\"}\n\n",
    ] {
        let record = raw(body);
        assert_eq!(
            (&record["outcome"], &record["notes"]),
            (&json!("completed"), &json!(["usage_estimated"])),
            "{body:?}"
        );
    }
    for body in [
        "",
        ": message_stop\n\n",
        "event: message_stop\n\n",
        " data: {\"type\":\"message_stop\"}\n\n",
        "DATA: {\"type\":\"message_stop\"}\n\n",
        "data : {\"type\":\"message_stop\"}\n\n",
        "event: message_stop\ndata: {\"type\":\"ping\"}\n\n",
        "event: Message_Stop\ndata: {}\n\n",
        "data: {\"type\":\"message_stop",
    ] {
        let record = raw(body);
        assert_eq!(
            (&record["outcome"], &record["notes"]),
            (&json!("aborted_upstream"), &json!(["usage_estimated"])),
            "{body:?}"
        );
    }
}

#[test]
fn an_event_that_a_reset_cuts_is_ignored() {
    for body in ["data: {\"type\":\"message_stop\"}", "data: {\"type\":\"message_stop\"}\n"] {
        let mut world = answering(EVENTS.1, body);
        world.finish("upstream_reset_after_response_started{connection_termination}");
        assert_eq!(world.record()["outcome"], "aborted_upstream", "{body:?}");
    }
}

#[test]
fn events_without_data_and_after_the_end_are_no_problem() {
    let mut world = answering(EVENTS.1, "");
    world.download(b"event: ping\ndata:\n\n: keep-alive\n\ndata: \n\nevent: x\n\n", false);
    world.download(b"data: {\"type\":\"message_stop\"}\n\ndata: [DONE]\n\n", true).done();
    let record = world.record();
    assert_eq!((&record["outcome"], &record["notes"]), (&json!("completed"), &json!(["usage_estimated"])));
}

#[test]
fn an_event_without_valid_json_is_noted_and_skipped() {
    let mut world = answering(EVENTS.1, "data: {\"type\":\n\n");
    world.download(b"data: \xff\n\ndata: {\"type\":\"message_stop\"}\n\n", false).download(b"", true).done();
    let record = world.record();
    assert_eq!(
        (&record["outcome"], &record["notes"]),
        (&json!("completed"), &json!(["response_unreadable", "usage_estimated"]))
    );
}
