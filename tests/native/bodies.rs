//! Bodies: chunks in several parts, held ones, and every place of a vector.

use crate::module::{
    CHAT, CONTINUE, Configuration, EVENTS, HOLD_BODY, JSON, REQUEST, STOP_BODY, STOP_HEADERS, Stream, parts,
};

#[test]
fn a_chunk_in_parts_is_read_spliced_and_cut_like_one_in_one_piece() {
    let configuration = Configuration::new(JSON);
    let mut forwarded = Vec::new();
    for size in [1, 3, 7, 16, 20, 64, 10_000] {
        let stream = Stream::new(&configuration, CHAT);
        assert_eq!(stream.request_headers(), CONTINUE);
        assert!(stream.filter.route_cleared.get());
        assert_eq!(stream.request_body(&parts(REQUEST, size), true), CONTINUE);
        assert_eq!(stream.response_headers("text/event-stream"), CONTINUE);
        assert_eq!(stream.response_body(&parts(EVENTS, size), true), CONTINUE);
        stream.complete();
        let record = stream.record().unwrap();
        assert_eq!(record["outcome"], "completed", "{size}");
        assert_eq!(record["usage"]["output_tokens"], 7, "{size}");
        assert_eq!(stream.filter.numbers.borrow()["output_tokens"], 7.0);
        forwarded.push((stream.body(0), stream.body(2)));
    }
    let (request, response) = &forwarded[0];
    assert!(String::from_utf8_lossy(request).contains("include_usage"));
    assert!(!String::from_utf8_lossy(response).contains("prompt_tokens"));
    assert!(forwarded.iter().all(|each| each == &forwarded[0]));
}

#[test]
fn the_first_part_after_a_refusal_is_not_read_and_the_reply_is_one() {
    let configuration = Configuration::new(JSON);
    let stream = Stream::new(&configuration, CHAT);
    stream.request_headers();
    assert_eq!(stream.request_body(&[b"{\"model\":", b"!", b"{}", b"{}"], false), STOP_BODY);
    assert_eq!(stream.request_body(&[b"more"], true), STOP_BODY);
    assert_eq!(stream.filter.replies.borrow().len(), 1);
    stream.complete();
    assert_eq!(stream.record().unwrap()["error"]["code"], "invalid_json");
}
#[test]
fn a_held_body_is_translated_alike_in_every_size_of_chunks() {
    let configuration = Configuration::new(
        r#"{"providers": [{"type": "anthropic", "key": {"value": "ABSK"}, "bedrock": {"region": "eu-west-1", "mode": "invoke", "host_holds_headers": true, "models": {"claude-opus-*": "eu.anthropic.claude-opus-4-8"}}}]}"#,
    );
    let request =
        br#"{"model":"claude-opus-4-8","max_tokens":64,"messages":[{"role":"user","content":"Why?"}]}"#;
    let mut sent = Vec::new();
    for size in [1, 5, 40, 10_000] {
        let stream = Stream::new(&configuration, "/anthropic/v1/messages");
        assert_eq!(stream.request_headers(), STOP_HEADERS);
        let chunks = parts(request, size);
        for (at, chunk) in chunks.iter().enumerate() {
            let end = at + 1 == chunks.len();
            // As Envoy does, what is held already is elsewhere, and the last chunk joins it before the hook.
            let joins = end && at > 0;
            if joins {
                stream.filter.bodies[1].borrow_mut().push(chunk.to_vec());
            }
            let received: &[&[u8]] = if joins { &[] } else { &[chunk] };
            let flow = stream.request_body(received, end);
            assert_eq!(flow, if end { CONTINUE } else { HOLD_BODY }, "{:?}", stream.filter.replies);
            if !end {
                stream.filter.bodies[1].borrow_mut().push(chunk.to_vec());
            }
        }
        sent.push([stream.body(1), stream.body(0)].concat());
        stream.complete();
        assert_eq!(stream.record().unwrap()["model"]["requested"], "claude-opus-4-8");
    }
    assert!(String::from_utf8_lossy(&sent[0]).contains("anthropic_version"));
    assert!(sent.iter().all(|each| each == &sent[0]));
}

#[test]
fn every_byte_is_read_alike_at_every_place_of_a_vector() {
    // `wide` reads words where the processor's family has no vectors at all.
    let family = cfg!(any(target_arch = "x86_64", target_arch = "aarch64"));
    assert!(!family || cfg!(any(target_feature = "sse2", target_feature = "neon")));

    let configuration = Configuration::new(JSON);
    for before in 0..130 {
        for special in ["\"", "\\", "\\\"", "\n", "\u{1}", "\u{7f}", "é", "模", "🦀"] {
            let text = [&"x".repeat(before), special, &"y".repeat(130 - before)].concat();
            let question = serde_json::json!({"role": "user", "content": text});
            let request = serde_json::json!({"unread": text, "messages": [question], "model": "gpt-5.5"});
            let stream = Stream::new(&configuration, CHAT);
            stream.request_headers();
            assert_eq!(stream.request_body(&[request.to_string().as_bytes()], true), CONTINUE);
            stream.complete();
            let record = stream.record().unwrap();
            assert_eq!((&record["prompt"], &record["model"]["requested"]), (&text.into(), &"gpt-5.5".into()));
        }
    }
}
