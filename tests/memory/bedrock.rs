//! Memory on Bedrock: frames, errors, and requests that are rewritten.

use super::{CHUNK, KIB, LIVE, MB, PEAK};
use ai_bridge::bedrock::error::ErrorDocument;
use ai_bridge::bedrock::transcode::Transcoder;
use ai_bridge::bridge::Bridge;
use ai_bridge::config::Config;
use ai_bridge::exchange::Exchange;
use ai_bridge::step::{Flow, RequestHead};
use core::time::Duration;
use std::rc::Rc;
use world::{frames, headers};

const EVENT_BYTES: usize = 1024 * KIB;

/// The peak of the live bytes that `play` adds.
fn most(play: impl FnOnce()) -> usize {
    let before = LIVE.get();
    PEAK.set(before);
    play();
    usize::try_from(PEAK.get() - before).unwrap()
}

#[test]
fn frames_of_the_largest_size_take_bounded_memory() {
    let text = "x".repeat(EVENT_BYTES * 3 / 4 - 1000);
    let frame = frames::chunk(&format!(r#"{{"type":"ping","x":"{text}"}}"#));
    assert!(frame.len() < EVENT_BYTES && frame.len() > EVENT_BYTES - 4 * KIB);
    for count in [1, 20] {
        let peak = most(|| {
            let mut transcoder = Transcoder::new(EVENT_BYTES, None);
            for _ in 0..count {
                for chunk in frame.chunks(CHUNK) {
                    drop(transcoder.feed(chunk));
                }
            }
            assert!(transcoder.failure().is_none());
        });
        assert!(peak <= 4 * EVENT_BYTES, "{peak}");
    }
}

#[test]
fn an_endless_error_takes_bounded_memory() {
    let body = format!(r#"{{"message":"{}"#, "x".repeat(5_000_000));
    let peak = most(|| {
        let mut document = ErrorDocument::new(400, "ValidationException", None);
        for chunk in body.as_bytes().chunks(CHUNK) {
            drop(document.feed(chunk, false));
        }
    });
    assert!(peak <= 3 * 64 * KIB, "{peak}");
}

#[test]
fn an_invoked_request_takes_its_own_size_once_more() {
    let config =
        br#"{"providers": [{"type": "anthropic", "bedrock": {"region": "us-east-1", "mode": "invoke",
        "host_holds_headers": true, "body_bytes": 4000000, "models": {"m": "anthropic.claude-sonnet-4-5-20250929-v1:0"}}}]}"#;
    let config = Config::parse(config, &|_| None).unwrap_or_else(|errors| panic!("{errors}"));
    let bridge = Rc::new(Bridge::new(config));
    let limit = 4 * MB;
    let head = r#"{"model":"m","#;
    let filled = |item: &str| format!("{head}{}\"z\":0}}", item.repeat((limit - 100) / item.len()));
    for body in [
        format!(r#"{head}"messages":[{{"role":"user","content":"{}"}}]}}"#, "x".repeat(limit - 100)),
        filled(r#""a":1,"#),
        format!(r#"{head}"anthropic_beta":[{}"a"]}}"#, r#""b","#.repeat((limit - 100) / 4)),
        format!(r#"{head}"output_config":{{{}"z":0}}}}"#, r#""effort":1,"#.repeat((limit - 100) / 11)),
        format!(
            r#"{head}"thinking":{{"type":"adaptive",{}"z":0}}}}"#,
            r#""a":[],"#.repeat((limit - 100) / 7)
        ),
    ] {
        let mut exchange = Exchange::new(Rc::clone(&bridge), 7);
        let request = RequestHead {
            headers: headers(&[
                (":method", "POST"),
                (":path", "/anthropic/v1/messages"),
                (":authority", "g"),
            ]),
            actor_property: None,
            end: false,
        };
        assert_eq!(
            exchange.request_headers(&request, || Duration::from_secs(1_795_411_980)).flow,
            Flow::Hold
        );
        let reading = most(|| {
            for chunk in body.as_bytes().chunks(CHUNK) {
                assert_eq!(exchange.request_body(chunk, false).flow, Flow::Hold);
            }
            assert_eq!(exchange.request_body(b"", true).flow, Flow::Release);
        });
        assert!(reading <= 400 * KIB, "{reading}");
        let changing = most(|| assert_eq!(exchange.release(body.as_bytes()).flow, Flow::Continue));
        assert!(changing <= body.len() + 400 * KIB, "{changing} of {}: {:?}", body.len(), body.get(..60));
    }
}
