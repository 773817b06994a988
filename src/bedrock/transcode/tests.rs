use super::{Failure, Transcoder};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use serde_json::{Value, json};
use world::frames::{chunk, exception, frame};

fn transcode(stream: &[u8], size: usize) -> (String, Option<Failure>) {
    let mut transcoder = Transcoder::new(10_000, Some("req-1"));
    let events: Vec<u8> = stream.chunks(size.max(1)).flat_map(|chunk| transcoder.feed(chunk)).collect();
    (String::from_utf8(events).unwrap(), transcoder.failure().cloned())
}

const STOP: &str = r#"{"type":"message_stop","amazon-bedrock-invocationMetrics":{"inputTokenCount":3,"outputTokenCount":7,"invocationLatency":9,"firstByteLatency":5}}"#;

#[test]
fn each_chunk_frame_is_one_event_byte_for_byte() {
    let events =
        [r#"{"type":"message_start", "message":{"id":"m"}}"#, r#"{"index":0,"type":"ping\u0041é"}"#, STOP];
    let stream: Vec<u8> = events.iter().flat_map(|event| chunk(event)).collect();
    let wanted = format!(
        "event: message_start\ndata: {}\n\ndata: {}\n\nevent: message_stop\ndata: {STOP}\n\n",
        events[0], events[1]
    );
    for size in 1..stream.len() + 1 {
        assert_eq!(transcode(&stream, size), (wanted.clone(), None), "{size}");
    }
}

#[test]
fn an_exception_ends_the_stream_with_an_error_event() {
    for (kind, payload, expected) in [
        ("throttlingException", r#"{"message":"Too many"}"#, ("rate_limit_error", "Too many")),
        ("modelStreamErrorException", r#"{"message":"m","originalStatusCode":424}"#, ("api_error", "m")),
        ("validationException", r#"{"Message":"bad \"x\"\n"}"#, ("invalid_request_error", "bad \"x\"\n")),
        ("internalServerException", "", ("api_error", "internalServerException")),
        ("modelTimeoutException", "[]", ("timeout_error", "modelTimeoutException")),
        ("serviceUnavailableException", r#"{"message":"m"}"#, ("overloaded_error", "m")),
        ("new\nthing", r#"{"message":"m"}"#, ("api_error", "m")),
    ] {
        let stream = [chunk(r#"{"type":"ping"}"#), exception(kind, payload), chunk(STOP)].concat();
        let error = json!({"type": "error", "error": {"type": expected.0, "message": expected.1}, "request_id": "req-1"});
        for size in [1, 10, stream.len()] {
            let (events, failure) = transcode(&stream, size);
            let data = events
                .strip_prefix("event: ping\ndata: {\"type\":\"ping\"}\n\nevent: error\ndata: ")
                .unwrap();
            assert_eq!(serde_json::from_str::<Value>(data).unwrap(), error, "{kind}");
            assert!(data.ends_with("}\n\n") && data.matches('\n').count() == 2);
            assert_eq!(failure, Some(Failure::Exception(kind.to_owned())));
        }
    }
    let unmodelled = frame(
        &[(":message-type", "error"), (":error-code", "InternalError"), (":error-message", "oops")],
        b"",
    );
    let (events, failure) = transcode(&unmodelled, 7);
    assert!(events.contains(r#""message":"oops""#), "{events}");
    assert_eq!(failure.unwrap().code(), "InternalError");
}

#[test]
fn a_damaged_stream_ends_with_one_error_event() {
    let good = chunk(r#"{"type":"ping"}"#);
    let mut flipped = good.clone();
    flipped[40] ^= 1;
    let headers = [(":event-type", "chunk"), (":message-type", "event")];
    let carried =
        |json: &str| frame(&headers, format!(r#"{{"bytes":"{}"}}"#, STANDARD.encode(json)).as_bytes());
    for bad in [
        flipped,
        frame(&headers, b"{\"bytes\":\"!!\"}"),
        frame(&headers, b"{\"bytes\":7}"),
        frame(&headers, b"no json"),
        carried("no json"),
        carried("{\"type\":7}"),
        carried("{\"type\":\"a\"} x"),
    ] {
        let stream = [&good[..], &bad, &good].concat();
        for size in [1, 13, stream.len()] {
            let (events, failure) = transcode(&stream, size);
            assert_eq!(failure, Some(Failure::Damaged));
            assert_eq!(
                events,
                "event: ping\ndata: {\"type\":\"ping\"}\n\nevent: error\ndata: {\"type\":\"error\",\"error\":\
                 {\"type\":\"api_error\",\"message\":\"the event stream of the upstream is damaged\"},\"request_id\":\"req-1\"}\n\n"
            );
        }
    }
}

#[test]
fn a_frame_above_the_limit_ends_the_stream_with_an_error() {
    let large = chunk(&format!(r#"{{"type":"ping","x":"{}"}}"#, "x".repeat(9000)));
    let (events, failure) = transcode(&large, 100);
    assert!(events.contains("too large"), "{events}");
    assert_eq!(failure.unwrap().code(), "event_too_large");
}

#[test]
fn other_frames_and_events_without_a_type_are_left_out() {
    let stream = [
        frame(&[(":event-type", "initial-response"), (":message-type", "event")], b"{}"),
        frame(&[], b"whatever"),
        chunk(r#"{"completion":"x"}"#),
        chunk(r#"{"type":"ping"}"#),
    ]
    .concat();
    assert_eq!(transcode(&stream, 9), ("event: ping\ndata: {\"type\":\"ping\"}\n\n".to_owned(), None));
}

#[test]
fn neither_the_name_nor_the_json_of_an_event_can_forge_a_line() {
    let stream = [
        chunk("{\"type\":\"a\\ndata: forged\"}"),
        chunk("{\r\n \"type\" :\r\"ping\"\n}"),
        chunk(&format!("{{\"type\":\"{}\"}}", "x".repeat(65))),
    ]
    .concat();
    let wanted = format!(
        "data: {{\"type\":\"a\\ndata: forged\"}}\n\nevent: ping\ndata: {{\ndata:  \"type\" :\ndata: \"ping\"\ndata: }}\n\n\
         data: {{\"type\":\"{}\"}}\n\n",
        "x".repeat(65)
    );
    assert_eq!(transcode(&stream, 50), (wanted, None));
}

#[test]
fn a_stream_that_ends_within_a_frame_just_ends() {
    let stream = chunk(STOP);
    assert_eq!(transcode(&stream[..stream.len() - 1], 10), (String::new(), None));
}

#[test]
fn after_message_stop_everything_is_dropped_and_no_error_reported() {
    let exception = exception("throttlingException", "{}");
    for behind in [&exception[..], b"garbage that is no frame at all", &chunk("no json")] {
        let stream = [&chunk(STOP)[..], behind].concat();
        for size in [1, 20, stream.len()] {
            let wanted = format!("event: message_stop\ndata: {STOP}\n\n");
            assert_eq!(transcode(&stream, size), (wanted, None), "{size}");
        }
    }
}

proptest! {
    #[test]
    fn the_events_do_not_depend_on_the_chunks(
        parts in prop::collection::vec(prop_oneof![
            4 => "[a-z\\n]{0,12}".prop_map(|text| chunk(&json!({"type": "ping", "x": text}).to_string())),
            1 => prop::collection::vec(any::<u8>(), 0..40),
            1 => Just(exception("throttlingException", "{}")),
        ], 0..6),
        size in 1usize..80,
    ) {
        let stream = parts.concat();
        let whole = transcode(&stream, stream.len());
        prop_assert_eq!(&transcode(&stream, size), &whole);
        prop_assert_eq!(&transcode(&stream, 1), &whole);
    }
}
