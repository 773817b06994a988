//! What is read of a request's body, for each of the three APIs.

use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{CONFIGURATION, World, bridge, changed, head};

pub(crate) const MESSAGES: &str = "POST /anthropic/v1/messages";

pub(crate) const CHAT: &str = "POST /openai/v1/chat/completions";

pub(crate) const RESPONSES: &str = "POST /openai/v1/responses";

pub(crate) const APIS: [&str; 3] = [MESSAGES, CHAT, RESPONSES];

/// A request with this body, whose client then leaves; checks that it leaves the same byte by byte.
pub(crate) fn sent(bridge: &Rc<Bridge>, first: &str, body: &[u8]) -> World {
    let mut whole = World::new(bridge);
    whole.request(head(first, &[]), false).upload(body, true).finish("downstream_remote_disconnect");
    if body.len() < 10_000 {
        let mut bytes = World::new(bridge);
        bytes.request(head(first, &[]), false);
        for byte in body.chunks(1) {
            bytes.upload(byte, false);
        }
        bytes.upload(b"", true).finish("downstream_remote_disconnect");
        assert_eq!(said(&bytes), said(&whole), "{first} {}", body.escape_ascii());
        assert_eq!(bytes.reply, whole.reply, "{first} {}", body.escape_ascii());
        if whole.reply.is_none() {
            assert_eq!(bytes.upstream_body, whole.upstream_body);
        }
    }
    whole
}

/// The members of a record that depend on the request.
fn said(world: &World) -> Value {
    let record = world.record();
    let members = [
        "streaming",
        "model",
        "prompt",
        "correlating_tool_call_id",
        "session_id",
        "outcome",
        "error",
        "notes",
    ];
    members
        .into_iter()
        .map(|name| (name.to_owned(), record[name].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

pub(crate) fn passes(first: &str, body: &[u8]) -> Value {
    let world = sent(&bridge(CONFIGURATION), first, body);
    assert!(world.reply.is_none(), "{first} {}: {:?}", body.escape_ascii(), world.reply);
    if first != CHAT {
        assert!(world.upstream_body == body, "{first} {}", body.escape_ascii());
    }
    world.record()
}

pub(crate) fn refused(bridge: &Rc<Bridge>, first: &str, body: &[u8], status: u16, code: &str) {
    let world = sent(bridge, first, body);
    let shown = format!("{first} {}", body.escape_ascii());
    assert_eq!(world.replied().0, status, "{shown}");
    let record = world.record();
    assert_eq!((&record["outcome"], &record["error"]["code"]), (&json!("rejected"), &json!(code)), "{shown}");
    assert!(world.upstream_body.is_empty(), "{shown}");
}

#[test]
fn a_repeated_deciding_member_is_refused() {
    let bridge = bridge(CONFIGURATION);
    for first in APIS {
        for (name, escaped) in [
            ("model", "mod\\u0065l"),
            ("stream", "\\u0073\\u0074\\u0072\\u0065\\u0061\\u006d"),
            ("stream_options", "stream\\u005foptions"),
            ("background", "\\u0062ackground"),
            ("store", "st\\u006Fre"),
        ] {
            for [one, two] in [[name, name], [name, escaped], [escaped, name], [escaped, escaped]] {
                for value in ["null", "false", "1", "\"x\"", "{}", "[]"] {
                    let body = format!("{{\"{one}\":{value},\"x\":1,\"{two}\" : {value}}}");
                    refused(&bridge, first, body.as_bytes(), 400, "repeated_member");
                }
            }
            // The repeated member is the first problem.
            let broken = format!("{{\"{name}\":1,\"{escaped}\":1,\"x\":}}");
            refused(&bridge, first, broken.as_bytes(), 400, "repeated_member");
            // Deeper, as a similar name, or as a value, it decides nothing.
            for body in [
                format!("{{\"x\":{{\"{name}\":1,\"{escaped}\":1}},\"{name}\":null}}"),
                format!("{{\"x\":[{{\"{name}\":1}},{{\"{name}\":1}}],\"{escaped}\":null}}"),
                format!("{{\"{name}\":null,\"{name} \":1,\"{}\":2,\" {name}\":3}}", name.to_uppercase()),
                format!("{{\"{name}\":null,\"x\":\"{name}\",\"y\":\"\\\"{name}\\\":1\"}}"),
                format!("{{\"{name}\":null,\"\\\\u0073tream\":1,\"{name}\\u0000\":1}}"),
            ] {
                passes(first, body.as_bytes());
            }
        }
        for name in ["messages", "input", "metadata", "temperature", "x"] {
            passes(first, format!("{{\"{name}\":[],\"{name}\":[]}}").as_bytes());
        }
    }
}

#[test]
fn a_model_is_a_string_and_only_true_is_a_stream() {
    for first in APIS {
        for (value, model) in [
            (r#""m""#, json!("m")),
            (r#""a\u002fb\"\n""#, json!("a/b\"\n")),
            (r#""\ud83d\ude00é""#, json!("😀é")),
            (r#""\ud800""#, json!("\u{fffd}")),
            ("7", json!(null)),
            ("null", json!(null)),
            (r#"["m"]"#, json!(null)),
            (r#"{"model":"m"}"#, json!(null)),
            ("true", json!(null)),
        ] {
            let record =
                passes(first, format!("{{\"x\":{{\"model\":\"no\"}},\"model\": {value} }}").as_bytes());
            assert_eq!(record["model"]["requested"], model, "{first} {value}");
        }
        for (value, stream) in [
            ("true", true),
            ("false", false),
            ("null", false),
            ("1", false),
            (r#""true""#, false),
            ("[true]", false),
            (r#"{"a":true}"#, false),
        ] {
            let record =
                passes(first, format!("{{\"stream\":{value},\"x\":{{\"stream\":true}}}}").as_bytes());
            assert_eq!(record["streaming"], stream, "{first} {value}");
        }
        assert_eq!(passes(first, br#"{"x":{"stream":true}}"#)["streaming"], false);
    }
}

#[test]
fn background_is_refused_on_responses_unless_allowed() {
    let strict = bridge(CONFIGURATION);
    let free = changed(|configuration| {
        for provider in configuration["providers"].as_array_mut().unwrap() {
            provider["allow_background"] = json!(true);
        }
    });
    for route in [RESPONSES, "POST /openai/v1/responses/compact", "POST /openai/v1/responses/"] {
        for body in [r#"{"background":true}"#, r#"{"b\u0061ckground" : true,"store":true}"#] {
            refused(&strict, route, body.as_bytes(), 501, "background_refused");
            let world = sent(&free, route, body.as_bytes());
            assert!(world.reply.is_none() && world.upstream_body == body.as_bytes(), "{body}");
        }
    }
    for body in [
        r#"{"background":false}"#,
        r#"{"background":null}"#,
        r#"{"background":"true"}"#,
        r#"{"background":1}"#,
        r#"{"background":[true]}"#,
        r#"{"x":{"background":true}}"#,
    ] {
        passes(RESPONSES, body.as_bytes());
    }
    for first in [MESSAGES, CHAT] {
        passes(first, br#"{"background":true}"#);
    }
}

#[test]
fn every_json_object_passes_unchanged() {
    let deep = format!("{{\"a\":{}{}}}", "[{\"b\":".repeat(20_000) + "0", "}]".repeat(20_000));
    let huge = format!(
        "{{\"{}\":\"{}\",\"n\":{}.{}e-{}}}",
        "k".repeat(300_000),
        "é".repeat(300_000),
        "1".repeat(5000),
        "2".repeat(5000),
        "3".repeat(50)
    );
    for first in APIS {
        for body in [
            "{}",
            " \t\r\n{ \t\r\n} \t\r\n",
            r#"{"":""}"#,
            r#"{"a":"\ud800","b":"\udc00\ud800","\udfff":1}"#,
            r#"{"a":[-0,0.0,1e5,1E+5,1e-5,-1.5e300,1e999999,123456789012345678901234567890]}"#,
            r#"{"a":[true,false,null,[],{},[[]],""]}"#,
            "{\"a\":\"\u{7f}\u{80}\u{2028}\u{ffff}\u{10ffff}\"}",
            r#"{"a":"\u0000\u001f\/"}"#,
            r#"{"a":1,"a":2,"a":{"a":1,"a":2}}"#,
            &deep,
            &huge,
        ] {
            let record = passes(first, body.as_bytes());
            assert_eq!(record["notes"], json!([]));
        }
    }
}

#[test]
fn a_body_that_is_no_json_object_is_refused() {
    let bridge = bridge(CONFIGURATION);
    let bodies: [&[u8]; 51] = [
        b"{",
        b"{}}",
        b"{} {}",
        b"{}x",
        b"{},",
        b"{}\0",
        b"{}\x0b",
        b"{}\xc2\xa0",
        b"[]",
        b"[{}]",
        b"\"a\"",
        b"7",
        b"true",
        b"null",
        b"nul",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\0}\0",
        b"\0{}",
        b"\xc2\xa0{}",
        b"{\"a\"}",
        b"{\"a\":}",
        b"{\"a\":1,}",
        b"{,\"a\":1}",
        b"{\"a\":1 \"b\":2}",
        b"{a:1}",
        b"{'a':1}",
        b"{1:1}",
        b"{\"a\":01}",
        b"{\"a\":+1}",
        b"{\"a\":1.}",
        b"{\"a\":.1}",
        b"{\"a\":1e}",
        b"{\"a\":-}",
        b"{\"a\":0x1}",
        b"{\"a\":NaN}",
        b"{\"a\":Infinity}",
        b"{\"a\":True}",
        b"{\"a\":[1,]}",
        b"{\"a\":[1}",
        b"{\"a\":(1)}",
        b"{\"a\":\"\n\"}",
        b"{\"a\":\"\\x\"}",
        b"{\"a\":\"\\u12\"}",
        b"{\"a\":\"\xc0\x80\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"{\"\xff\":1}",
        b"{/**/}",
        b"{\"model\":}",
        b"{} x",
        b"{\"a\":1",
        b"{\"a\":\"\xff\"}",
    ];
    for first in APIS {
        for body in bodies {
            let mut world = World::new(&bridge);
            world.request(head(first, &[]), false).upload(body, true).finish("");
            assert_eq!((world.replied().0, world.upstream_body.len()), (400, 0), "{}", body.escape_ascii());
            let record = world.record();
            assert_eq!(record["error"]["code"], "invalid_json", "{}", body.escape_ascii());
            assert_eq!(record["outcome"], "rejected");
            // The chunk with the error and those after it never pass, for any cut.
            let mut world = World::new(&bridge);
            world.request(head(first, &[]), false);
            for byte in body.chunks(1) {
                world.upload(byte, false);
            }
            world.upload(b"", true).finish("");
            assert_eq!(world.replied().0, 400, "{}", body.escape_ascii());
            assert!(
                world.upstream_body.len() < body.len() || [&b"{"[..], b"nul", b"{\"a\":1"].contains(&body),
                "{}",
                body.escape_ascii()
            );
        }
        for body in [&b""[..], b" ", b"\r\n\t "] {
            let mut world = World::new(&bridge);
            world.request(head(first, &[]), false).upload(body, true).finish("");
            assert_eq!(
                (world.replied().0, world.record()["error"]["code"].as_str()),
                (400, Some("empty_body"))
            );
            let mut world = World::new(&bridge);
            world.request(head(first, &[]), false).upload(body, false).request_trailers().finish("");
            assert_eq!(
                (world.replied().0, world.record()["error"]["code"].as_str()),
                (400, Some("empty_body"))
            );
        }
    }
}

#[test]
fn an_empty_body_is_refused_at_the_headers_if_known() {
    for first in APIS {
        for (lines, end) in
            [(vec![], true), (vec![("content-length", "0")], false), (vec![("content-length", "0")], true)]
        {
            let mut world = World::new(&bridge(CONFIGURATION));
            world.request(head(first, &lines), end).finish("");
            assert!(world.upstream_headers.is_none());
            assert_eq!(
                (world.replied().0, world.record()["error"]["code"].as_str()),
                (400, Some("empty_body")),
                "{lines:?}"
            );
        }
    }
}

#[test]
fn nesting_above_the_readers_bits_is_refused() {
    let bridge = changed(|configuration| configuration["limits"] = json!({"reader_bytes": 8}));
    for first in APIS {
        for (levels, refused) in [(63, false), (64, true)] {
            // The body itself is one level.
            let body = format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
            let world = sent(&bridge, first, body.as_bytes());
            assert_eq!(world.reply.as_ref().map(|reply| reply.status), refused.then_some(400), "{levels}");
        }
    }
}

#[test]
fn the_chunk_that_reaches_the_declared_length_is_the_last() {
    let bridge = bridge(CONFIGURATION);
    for first in APIS {
        for (length, chunks, passed) in [
            ("9", &["{\"a\":", "true"][..], "{\"a\":"),
            ("8", &["{\"a\":", "true"], "{\"a\":"),
            ("3", &["{\"a\":", "true"], ""),
            ("10", &["{\"a\":", "true", "}"], "{\"a\":true}"),
            (" 10 ", &["{\"a\":true}"], "{\"a\":true}"),
            ("12", &["{\"a\":true}", "\r\n"], "{\"a\":true}\r\n"),
        ] {
            let mut world = World::new(&bridge);
            world.request(head(first, &[("content-length", length)]), false);
            for chunk in chunks {
                world.upload(chunk.as_bytes(), false);
            }
            assert_eq!(core::str::from_utf8(&world.upstream_body), Ok(passed), "{length}");
            assert_eq!(world.reply.is_none(), passed == chunks.concat(), "{length}");
        }
    }
}

#[test]
fn bytes_after_the_declared_length_are_still_read() {
    let bridge = bridge(CONFIGURATION);
    for first in APIS {
        for (after, passes) in
            [(&b""[..], true), (b" \r\n", true), (b"{", false), (b" x", false), (b"\0", false)]
        {
            for end in [true, false] {
                let mut world = World::new(&bridge);
                world.request(head(first, &[("content-length", "13")]), false);
                world.upload(b"{\"model\":\"m\"}", false).upload(after, end);
                if !end {
                    world.request_trailers();
                }
                assert_eq!(
                    world.reply.as_ref().map(|reply| reply.status),
                    (!passes).then_some(400),
                    "{}",
                    after.escape_ascii()
                );
                assert_eq!(world.upstream_body.len(), 13 + if passes { after.len() } else { 0 });
                world.finish("");
                let record = world.record();
                assert_eq!(record["error"]["code"], if passes { json!(null) } else { json!("invalid_json") });
                assert_eq!(record["model"]["requested"], "m");
            }
        }
        let small = changed(|configuration| configuration["limits"] = json!({"request_body_bytes": 4}));
        let mut world = World::new(&small);
        world.request(head(first, &[("content-length", "2")]), false);
        world.upload(b"{}", false).upload(b"  ", false).upload(b" ", false);
        assert_eq!((world.replied().0, world.upstream_body.as_slice()), (413, &b"{}  "[..]));
    }
}

#[test]
fn content_codings_are_415_on_bridged_routes_only() {
    for (codings, refused) in [
        (&["gzip"][..], true),
        (&["zstd"], true),
        (&["br"], true),
        (&["x-unknown"], true),
        (&["identity, gzip"], true),
        (&["gzip, identity"], true),
        (&["identity", "gzip"], true),
        (&["identity"], false),
        (&["Identity"], false),
        (&[" identity , IDENTITY"], false),
        (&[""], false),
        (&[" , "], false),
        (&["identity\u{e9}"], true),
    ] {
        let lines: Vec<_> = codings.iter().map(|coding| ("content-encoding", *coding)).collect();
        for first in APIS {
            let mut world = World::new(&bridge(CONFIGURATION));
            world.request(head(first, &lines), false);
            assert_eq!(world.reply.as_ref().map(|reply| reply.status), refused.then_some(415), "{codings:?}");
            if refused {
                let message = world.replied().1["error"]["message"].as_str().unwrap().to_owned();
                assert!(message.contains("envoy.filters.http.decompressor"), "{message}");
                world.finish("");
                assert_eq!(world.record()["error"]["code"], "unsupported_encoding");
            }
        }
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head("POST /openai/v1/conversations", &lines), false);
        assert_eq!(world.sent("content-encoding"), Some(codings[0]));
    }
}

const BODY: &[u8] = br#"{"model":"claude-opus-4-8","max_tokens":1,"messages":[]}"#;

fn asked(first: &str, lines: &[(&str, &str)]) -> World {
    let mut world = World::new(&bridge(CONFIGURATION));
    world.request(head(first, lines), false);
    world
}

#[test]
fn only_white_space_may_follow_the_object() {
    let mut world = asked("POST /anthropic/v1/messages", &[]);
    world.upload(BODY, false).upload(b" \r\n", false).upload(b"x", false);
    assert_eq!(world.upstream_body, [BODY, b" \r\n"].concat());
    assert_eq!(world.replied().0, 400);
}
