//! The usage event that the splice causes is cut out of the response: no other byte, no other stream, no longer wait than
//! needed.

use ai_bridge::bridge::Bridge;
use proptest::prelude::*;
use serde_json::json;
use std::rc::Rc;
use world::{CONFIGURATION, World, bridge, changed, head};

const CHAT: &str = "POST /openai/v1/chat/completions";

const SPLICED: &str = r#"{"model":"gpt-5.5","stream":true,"messages":[]}"#;

const OWN: &str =
    r#"{"model":"gpt-5.5","stream":true,"stream_options":{"include_usage":true},"messages":[]}"#;

const TEXT: &str =
    r#"data: {"id":"c","model":"m","choices":[{"index":0,"delta":{"content":"hi"}}],"usage":null}"#;

const LAST: &str =
    r#"data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}"#;

const USAGE: &str =
    r#"data: {"id":"c","model":"m","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#;

const DONE: &str = "data: [DONE]";

fn stream(events: &[&str]) -> String {
    events.iter().map(|event| format!("{event}\n\n")).collect()
}

fn asked(bridge: &Rc<Bridge>, request: &str, lines: &[(&str, &str)]) -> World {
    let mut world = World::new(bridge);
    world.request(head(CHAT, &[]), false).upload(request.as_bytes(), true);
    world.answer(head("200", lines), false);
    world
}

/// A spliced stream after these chunks of its response.
fn spliced(chunks: &[&str]) -> World {
    let mut world = asked(&bridge(CONFIGURATION), SPLICED, &[("content-type", "text/event-stream")]);
    for chunk in chunks {
        world.download(chunk.as_bytes(), false);
    }
    world
}

fn got(world: &World) -> &str {
    core::str::from_utf8(&world.client_body).unwrap()
}

#[test]
fn only_a_spliced_stream_is_cut() {
    let whole = stream(&[TEXT, LAST, USAGE, DONE]);
    let events = ("content-type", "text/event-stream");
    let length = whole.len().to_string();
    let length = ("content-length", length.as_str());
    for (request, lines, cut) in [
        (SPLICED, vec![events, length], true),
        (SPLICED, vec![length], true),
        (SPLICED, vec![("content-type", " "), length], true),
        (OWN, vec![events, length], false),
        (SPLICED, vec![events, length, ("content-encoding", "gzip")], false),
        (SPLICED, vec![("content-type", "application/json"), length], false),
        (SPLICED, vec![("content-type", "text/plain"), length], false),
    ] {
        let mut world = asked(&bridge(CONFIGURATION), request, &lines);
        world.download(whole.as_bytes(), true).done();
        let wanted = if cut { stream(&[TEXT, LAST, DONE]) } else { whole.clone() };
        assert_eq!(got(&world), wanted, "{request} {lines:?}");
        let left = world.client_headers.as_ref().unwrap().contains("content-length");
        assert_eq!(left, !cut, "{request} {lines:?}");
    }
}

#[test]
fn an_early_response_is_cut_from_the_splice_on() {
    for (first, second, cut) in [
        (r#"{"stream":true"#, "}", true),
        (r#"{"stream":true,"stream_options":{"include_usage":tr"#, "ue}}", false),
        (r#"{"stream":true,"stream_options":{"include_usage":true}}"#, "", false),
        (r#"{"stre"#, r#"am":false}"#, false),
    ] {
        let whole = stream(&[USAGE, TEXT, LAST, USAGE, DONE]);
        let (before, after) = whole.split_at(USAGE.len() + 10);
        let lines = [("content-type", "text/event-stream"), ("content-length", "999")];
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head(CHAT, &[]), false).upload(first.as_bytes(), false);
        world.answer(head("200", &lines), false).download(before.as_bytes(), false);
        world.upload(second.as_bytes(), true).download(after.as_bytes(), true).done();
        // Bytes before the splice have passed already.
        let rest = if cut { stream(&[LAST, DONE]) } else { stream(&[LAST, USAGE, DONE]) };
        assert_eq!(got(&world), format!("{}{rest}", stream(&[USAGE, TEXT])), "{first}");
        let left = world.client_headers.as_ref().unwrap().contains("content-length");
        assert_eq!(left, second.is_empty(), "{first}");
    }
}

#[test]
fn a_usage_event_that_began_before_the_splice_stays() {
    let whole = stream(&[TEXT, USAGE, LAST, USAGE, DONE]);
    let usage = TEXT.len() + 2;
    for at in usage + 1..usage + USAGE.len() {
        let (before, after) = whole.split_at(at);
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head(CHAT, &[]), false).upload(br#"{"stream":true"#, false);
        world.answer(head("200", &[("content-type", "text/event-stream")]), false);
        world.download(before.as_bytes(), false).upload(b"}", true).download(after.as_bytes(), true).done();
        assert_eq!(got(&world), stream(&[TEXT, USAGE, LAST, DONE]), "{at}");
    }
}

#[test]
fn a_response_without_a_body_keeps_its_length() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(CHAT, &[]), false).upload(SPLICED.as_bytes(), true);
    world.answer(head("204", &[("content-length", "0")]), true).done();
    assert!(world.client_headers.as_ref().unwrap().contains("content-length"));
}

#[test]
fn an_error_status_is_not_cut() {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(CHAT, &[]), false).upload(SPLICED.as_bytes(), true);
    let body = stream(&[USAGE]);
    world.answer(head("500", &[("content-type", "text/event-stream"), ("content-length", "9")]), false);
    world.download(body.as_bytes(), true).done();
    assert_eq!(got(&world), body);
    assert!(world.client_headers.as_ref().unwrap().contains("content-length"));
}

#[test]
fn bytes_that_cannot_be_the_usage_event_pass_at_once() {
    for (chunk, passes) in [
        // It may be the usage event.
        ("d", ""),
        ("data: ", ""),
        ("event: x\nid: 1\n: comment\ndata", ""),
        ("data: {\"choices\":null", ""),
        ("data: {\"usage\":{}", ""),
        ("event: x\n: comment\n", ""),
        ("data: {\"id\":\"c\",\"usage\":{\"prompt_tokens\":5}", ""),
        ("data: {\"choices\":[]", ""),
        ("data: {\"choices\":[", ""),
        // A comment is part of no event.
        (":", ":"),
        (": comm", ": comm"),
        (": comment\n", ": comment\n"),
        (": comment\n:\r: comment\r\n", ": comment\n:\r: comment\r\n"),
        (": comment\nevent: x\n", ": comment\n"),
        // It is something else.
        ("data: [", "data: ["),
        ("data: [DO", "data: [DO"),
        ("data: x", "data: x"),
        ("data: {\"choices\":[{", "data: {\"choices\":[{"),
        ("data: {\"choices\":[]}", "data: {\"choices\":[]}"),
        ("data: {\"choices\":nu", ""),
        ("data: {\"choices\":7", "data: {\"choices\":7"),
        ("data: {\"choices\":null}", "data: {\"choices\":null}"),
        ("data: {\"usage\":{},\"error\":{", "data: {\"usage\":{},\"error\":{"),
        ("data: {\"id\":1}", "data: {\"id\":1}"),
        ("{\"error\":", "{\"error\":"),
        ("data: {\"usage\":n", "data: {\"usage\":n"),
        ("data: {\"id\" 1", "data: {\"id\" 1"),
        (": comment\n\n", ": comment\n\n"),
        ("data: [DONE]\n\n", "data: [DONE]\n\n"),
    ] {
        let mut world = spliced(&[chunk]);
        assert_eq!(got(&world), passes, "{chunk:?}");
        world.download(b"", true).done();
        assert_eq!(got(&world), chunk, "{chunk:?}");
    }
}

#[test]
fn held_bytes_pass_when_the_event_proves_to_be_another() {
    let chunks = ["data: {\"id\":\"c\",", "\"object\":\"x\",\"cho", "ices\":[{\"index\":0", "}]}", "\n\n"];
    let world = spliced(&chunks[..2]);
    assert_eq!(got(&world), "");
    assert_eq!(got(&spliced(&chunks[..3])), chunks[..3].concat());
    assert_eq!(got(&spliced(&chunks)), chunks.concat());
    let no_usage = ["data: {\"choices\":[]", ",\"id\":\"c\"}\n", "\n", "data: [D"];
    assert_eq!(got(&spliced(&no_usage[..1])), "");
    assert_eq!(got(&spliced(&no_usage[..2])), no_usage[..2].concat());
    assert_eq!(got(&spliced(&no_usage)), no_usage.concat());
}

#[test]
fn a_line_feed_in_the_next_chunk_is_cut_with_its_event() {
    let before = format!("{TEXT}\r\n\r\n");
    let usage = format!("{USAGE}\r\n\r");
    let done = format!("{DONE}\r\n\r\n");
    let world = spliced(&[&before, &usage]);
    assert_eq!(got(&world), before);
    let world = spliced(&[&before, &usage, "", &format!("\n{done}")]);
    assert_eq!(got(&world), format!("{before}{done}"));
    // A lone CR ends a line, too.
    let world = spliced(&[&before, &format!("{USAGE}\r\r"), &done]);
    assert_eq!(got(&world), format!("{before}{done}"));
}

#[test]
fn comments_pass_at_once_and_are_never_cut() {
    let before = stream(&[TEXT]);
    for (ends, line_end) in [(true, "\n"), (false, "\n"), (true, "\r"), (false, "\r\n")] {
        let mut world = spliced(&[&before.replace('\n', line_end)]);
        let mut wanted = before.replace('\n', line_end);
        for ping in [": ping", ":", ": data: x"] {
            for piece in [&ping[..1], &ping[1..], line_end] {
                world.download(piece.as_bytes(), false);
                wanted.push_str(piece);
                assert_eq!(got(&world), wanted);
            }
        }
        let usage = format!("event: x\n: one\n{USAGE}\n: two\n\n: three\n").replace('\n', line_end);
        world.download(usage.as_bytes(), false);
        wanted.push_str(&": one\n: two\n: three\n".replace('\n', line_end));
        assert_eq!(got(&world), wanted);
        // An event that the end of the stream cuts short: its comment may be cut short, too.
        world.download(format!("{USAGE}{line_end}: fo").as_bytes(), ends);
        if !ends {
            world.download(b"", true);
        }
        world.done();
        assert_eq!(got(&world), format!("{wanted}: fo"));
    }
}

#[test]
fn many_comments_ahead_of_the_usage_event_do_not_make_it_too_large() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"event_bytes": 200}));
    let mut world = asked(&bridge, SPLICED, &[("content-type", "text/event-stream")]);
    let pings = ": ping\n".repeat(100);
    world.download(format!("{}{pings}{}", stream(&[TEXT, LAST]), stream(&[USAGE, DONE])).as_bytes(), true);
    world.done();
    assert_eq!(got(&world), format!("{}{pings}{}", stream(&[TEXT, LAST]), stream(&[DONE])));
    assert_eq!(world.record()["notes"], json!(["price"]));
}

#[test]
fn an_error_with_usage_and_a_document_in_place_of_a_stream_are_not_cut() {
    let error = r#"data: {"error":{"message":"m"},"usage":{"prompt_tokens":5},"choices":[]}"#;
    let mut world = spliced(&[&stream(&[error, DONE])]);
    world.download(b"", true).done();
    assert_eq!(got(&world), stream(&[error, DONE]));
    let document = r#"{"error":{"message":"m"}}"#;
    for (before, size) in [("\n", 1), ("\n", 7), ("\n", 100), ("\r\n \t", 1), ("  ", 100)] {
        let mut world = spliced(&[before]);
        let mut passed = before.to_owned();
        for piece in document.as_bytes().chunks(size) {
            world.download(piece, false);
            passed.push_str(core::str::from_utf8(piece).unwrap());
            assert_eq!(got(&world), passed);
        }
        world.download(b"", true).done();
        let record = world.record();
        assert_eq!((&record["outcome"], &record["error"]), (&json!("failed"), &json!({"message": "m"})));
        assert_eq!(record["notes"], json!(["usage_estimated"]));
    }
}

#[test]
fn fields_of_the_usage_event_are_cut_and_other_comments_stay() {
    let events =
        [": one\n\n", TEXT, "\n\n: two\n\nevent: x\n", USAGE, "\nid: 7\n\n: three\n\n", DONE, "\n\n"];
    let world = spliced(&[&events.concat()]);
    assert_eq!(got(&world), format!(": one\n\n{TEXT}\n\n: two\n\n: three\n\n{DONE}\n\n"));
}

#[test]
fn the_cut_usage_is_in_the_record() {
    for chunks in [vec![stream(&[TEXT, LAST, USAGE, DONE])], vec![stream(&[TEXT, LAST, DONE, USAGE])]] {
        let chunks: Vec<&str> = chunks.iter().map(String::as_str).collect();
        let mut world = spliced(&chunks);
        world.download(b"", true).done();
        let record = world.record();
        assert_eq!(record["usage"]["input_tokens"], 5);
        assert_eq!(record["usage"]["usage_status"], "complete");
        assert_eq!(record["outcome"], "completed");
        assert_eq!(got(&world), stream(&[TEXT, LAST, DONE]));
    }
}

#[test]
fn a_usage_event_without_blank_line_is_cut_at_the_end() {
    for end in ["", "\n", "\r"] {
        let mut world = spliced(&[&stream(&[TEXT, LAST]), &format!("{USAGE}{end}")]);
        assert_eq!(got(&world), stream(&[TEXT, LAST]));
        world.download(b"", true).done();
        assert_eq!(got(&world), stream(&[TEXT, LAST]));
        assert_eq!(world.record()["usage"]["output_tokens"], 2);
    }
}

#[test]
fn an_unfinished_event_passes_at_the_end_but_not_before_trailers() {
    let start = "data: {\"id\":\"c\"";
    let mut world = spliced(&[&stream(&[TEXT]), start]);
    world.download(b",", true).done();
    assert_eq!(got(&world), format!("{}{start},", stream(&[TEXT])));
    assert_eq!(world.record()["notes"], json!(["usage_estimated", "price"]));
    let mut world = spliced(&[&stream(&[TEXT]), start]);
    world.response_trailers().done();
    assert_eq!(got(&world), stream(&[TEXT]));
    assert_eq!(world.record()["notes"], json!(["incomplete_event_lost", "usage_estimated", "price"]));
    let mut world = spliced(&[&stream(&[LAST, DONE])]);
    world.response_trailers().done();
    assert_eq!(got(&world), stream(&[LAST, DONE]));
    assert_eq!(world.record()["notes"], json!(["usage_estimated"]));
}

#[test]
fn an_event_above_the_limit_is_neither_held_nor_cut() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"event_bytes": 200}));
    let events = [("content-type", "text/event-stream")];
    let start = format!("{{\"padding\":\"{}", "x".repeat(182));
    assert_eq!("data: ".len() + start.len(), 200);
    let mut world = asked(&bridge, SPLICED, &events);
    world.download(b"data: ", false).download(start.as_bytes(), false);
    assert_eq!(got(&world), "");
    world.download(b"x", false);
    assert_eq!(got(&world), format!("data: {start}x"));
    let end = "\",\"choices\":[],\"usage\":{\"prompt_tokens\":5}}\n\n";
    world.download(end.as_bytes(), false).download(stream(&[USAGE, DONE]).as_bytes(), true).done();
    assert_eq!(got(&world), format!("data: {start}x{end}{}", stream(&[DONE])));
    assert_eq!(world.record()["notes"], json!(["event_too_large", "price"]));
    assert_eq!(world.record()["usage"]["input_tokens"], 5);
}

#[test]
fn held_bytes_are_not_copied_for_every_chunk() {
    // Half a megabyte, byte by byte: copying it for each chunk would be 125 GB.
    let start = format!("data: {{\"padding\":\"{}", "x".repeat(500_000));
    let mut world = spliced(&[]);
    for byte in start.as_bytes().chunks(1) {
        world.download(byte, false);
    }
    assert_eq!(got(&world), "");
    let end = "\",\"choices\":[{}]}\n\n";
    world.download(end.as_bytes(), false);
    assert!(got(&world) == format!("{start}{end}"), "the client's bytes");
}

/// An event, and whether it is the usage event.
const EVENTS: &[(&str, bool)] = &[
    (TEXT, false),
    (LAST, false),
    (USAGE, true),
    (DONE, false),
    (": ping", false),
    ("id: 7", false),
    ("data: {\"choices\":[],\"usage\":null}", false),
    ("data: {\"choices\":[{\"index\":0}],\"usage\":{\"prompt_tokens\":1}}", false),
    ("data: {\"usage\":{\"prompt_tokens\":1},\"choices\" : [ ] }", true),
    ("data: {\"usage\":{\"prompt_tokens\":1},\"cho\\u0069ces\":[]}", true),
    ("data: {\"usage\":{},\"choices\":[]} x", false),
    ("data: {\"usage\":{\ndata: },\"choices\":[]}", true),
    ("data: {\"usage\":7,\"choices\":[]}", true),
    ("event: x\n: y\ndata: {\"usage\":{},\"choices\":[]}\nretry: 1", true),
    ("data: {\"usage\":{},\"x\":{\"choices\":[{}]}}", true),
    ("data: {\"choices\":[],\"usage\":\"ü\"}", true),
    ("data: \"", false),
    ("data", false),
    ("data: [DONE] {\"choices\":[],\"usage\":{}}", false),
    ("data: {\"choices\":[{}],\"choices\":[],\"usage\":{}}", false),
    ("data: {\"usage\":null,\"usage\":{},\"choices\":[]}", false),
    ("data: {\"choices\":null,\"usage\":{},\"choices\":[]}", true),
    ("data: {\"choices\":null,\"usage\":{}}", true),
    ("data: {\"usage\":{}}\n: y", true),
    ("data: {\"choices\":7,\"usage\":{}}", false),
    ("data: {\"usage\":{},\"error\":\"x\"}", false),
    ("data: {\"usage\":{},\"error\":null}", true),
    (": ping\n: ping\ndata: {\"choices\":[{}]}\n: ping", false),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_stream_is_cut_alike_for_any_chunks(
        events in prop::collection::vec((prop::sample::select(EVENTS), 0_usize..4), 0..8),
        mark in any::<bool>(),
        mut cuts in prop::collection::vec(0_usize..800, 0..6),
        ends in any::<bool>(),
    ) {
        let (mut whole, mut wanted) = (String::new(), String::new());
        if mark {
            whole.push('\u{feff}');
            wanted.push('\u{feff}');
        }
        for ((event, usage), line_end) in &events {
            let line_end = ["\n", "\r", "\r\n", "\n"][*line_end];
            let event = format!("{event}\n\n").replace('\n', line_end);
            whole.push_str(&event);
            let pieces = event.split_inclusive(line_end);
            wanted.extend(pieces.filter(|line| !usage || line.starts_with(':')));
        }
        cuts.iter_mut().for_each(|cut| *cut = (*cut).min(whole.len()));
        cuts.sort_unstable();
        cuts.push(whole.len());
        let mut world = spliced(&[]);
        let mut from = 0;
        for cut in &cuts {
            world.download(&whole.as_bytes()[from..*cut], ends && *cut == whole.len() && from < *cut);
            from = *cut;
        }
        // Whole events do not wait for the end of the body.
        prop_assert_eq!(String::from_utf8_lossy(&world.client_body), wanted.as_str());
        world.download(b"", true).done();
        prop_assert_eq!(String::from_utf8_lossy(&world.client_body), wanted.as_str());
        let mut world = spliced(&[]);
        for byte in whole.as_bytes().chunks(1) {
            world.download(byte, false);
        }
        prop_assert_eq!(String::from_utf8_lossy(&world.client_body), wanted.as_str());
    }
}
