//! No key, prompt or completion is in a log line, in `Debug` output or in a reply.

use std::sync::Mutex;
use world::transcript::all;
use world::{CONFIGURATION, World, bridge, head};

/// Everything that is logged while the tests run.
static LOGGED: Mutex<String> = Mutex::new(String::new());

struct Capture;

impl log::Log for Capture {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LOGGED.lock().unwrap().push_str(&record.args().to_string());
    }

    fn flush(&self) {}
}

const SECRETS: [&str; 5] =
    ["CENTRALCENTRAL", "OWNKEYOWNKEY", "PROMPTPROMPT", "ARGUMENTARGUMENT", "THOUGHTTHOUGHT"];

fn assert_silent(what: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} shows {secret}: {text}");
    }
}

#[test]
fn no_secret_is_shown_at_any_step() {
    let _ = log::set_logger(&Capture);
    log::set_max_level(log::LevelFilter::Trace);
    let bridge = bridge(CONFIGURATION);
    assert_silent("Debug of the bridge", &format!("{bridge:?}"));
    let request = br#"{"model":"m","stream":true,"messages":[{"role":"user","content":"PROMPTPROMPT"}]}"#;
    let events: [&[u8]; 4] = [
        b"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"n\",\"input\":{}}}\n\n",
        b"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":\"ARGUMENTARGUMENT\"}}\n\n",
        b"data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":{\"type\":\"thinking\",\"thinking\":\"THOUGHTTHOUGHT\"}}\n\n",
        b"data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"THOUGHTTHOUGHT",
    ];
    for key in ["sk-ant-api03-OWNKEYOWNKEY", "sk-proj-OWNKEYOWNKEY"] {
        let mut world = World::watched(&bridge);
        world.request(head("POST /anthropic/v1/messages", &[("x-api-key", key)]), false);
        for piece in request.chunks(10) {
            world.upload(piece, false);
            assert_silent("Debug of the exchange", &world.shown());
        }
        world.answer(head("200", &[("content-type", "text/event-stream")]), false);
        for event in events {
            world.download(event, false);
            assert_silent("Debug of the exchange", &world.shown());
        }
        world.finish("downstream_remote_disconnect");
        assert_silent("Debug of the steps", &world.steps);
        if let Some(reply) = &world.reply {
            assert_silent("a reply", &reply.body);
        } else {
            assert!(world.published["ai_bridge_record"].contains("PROMPTPROMPT"), "the record may say it");
            let single = world.published.iter().filter(|(name, _)| *name != "ai_bridge_record");
            assert_silent("single values", &format!("{:?}", single.collect::<Vec<_>>()));
        }
    }
    for transcript in all("messages") {
        transcript.check();
    }
    let logged = LOGGED.lock().unwrap();
    assert_silent("the log", &logged);
    assert!(!logged.contains("Hello"), "{logged}");
}
