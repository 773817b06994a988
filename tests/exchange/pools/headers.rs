//! What a member gets: its own path, host, key and headers, and nothing of another member's.

use super::{REQUEST, answers, exchange_at, pool, request_at};
use ai_bridge::headers::{HeaderEdits, Headers};
use ai_bridge::pool::AttemptStream;
use serde_json::json;
use world::{Asked, World, head};

#[test]
fn each_member_gets_only_its_own_path_host_key_and_headers() {
    let bridge = pool(|provider| {
        provider["pool"][1]["headers"] = json!({"x-of-b": "b", "x-both": "b"});
        provider["pool"][1]["key_header"] = json!("authorization");
        provider["pool"][2]["headers"] = json!({"x-both": "c"});
        provider["pool"][2]["key"] = json!({"external": true});
        provider["byok"] = json!("deny");
    });
    let lines = [("x-both", "client"), ("x-of-b", "1"), ("x-of-b", "2"), ("anthropic-version", "v")];
    let failing = [("a", answers(500, &[])), ("b", answers(500, &[]))];
    let (_, asked) = exchange_at(&bridge, 0, &lines, &failing);
    let [a, b, c] = asked.as_slice() else { panic!("{asked:?}") };
    for (asked, name) in [(a, "a"), (b, "b"), (c, "c")] {
        let text = |header: &str| asked.headers.text(header).map(str::to_owned);
        assert_eq!(text(":path"), Some(format!("/base-{name}/v1/messages?x=%2F")));
        assert_eq!(text(":authority"), Some(format!("{name}.example")));
        assert_eq!(text("anthropic-version").as_deref(), Some("v"));
        assert_eq!(asked.body, REQUEST.as_bytes());
        let own: Vec<&str> =
            asked.headers.iter().map(|(name, _)| name).filter(|n| n.starts_with("x-ai-bridge")).collect();
        assert_eq!(own, ["x-ai-bridge-cluster"], "the route removes it");
        for other in ["a", "b", "c"].iter().filter(|other| **other != name) {
            let key = format!("key-of-{other}");
            assert!(asked.headers.iter().all(|(_, value)| !String::from_utf8_lossy(value).contains(&key)));
        }
    }
    let value = |asked: &Asked, name: &str| asked.headers.text(name).map(str::to_owned);
    assert_eq!(value(a, "x-api-key").as_deref(), Some("key-of-a-0123456789"));
    assert_eq!(value(a, "x-both").as_deref(), Some("client"));
    assert_eq!(
        a.headers.all("x-of-b").collect::<Vec<_>>(),
        [b"1", b"2"],
        "the first attempt's are the client's"
    );
    assert_eq!(value(b, "authorization").as_deref(), Some("Bearer key-of-b-0123456789"));
    assert_eq!(
        (value(b, "x-api-key"), value(b, "x-of-b"), value(b, "x-both")),
        (None, Some("b".to_owned()), Some("b".to_owned()))
    );
    assert_eq!((value(c, "x-api-key"), value(c, "authorization")), (None, None), "Envoy adds it");
    assert_eq!((value(c, "x-of-b").as_deref(), value(c, "x-both").as_deref()), (Some("1, 2"), Some("c")));
}

#[test]
fn a_key_that_another_filter_added_does_not_reach_the_next_member() {
    let bridge = pool(|provider| {
        provider["pool"][0]["key"] = json!({"external": true});
        provider["byok"] = json!("deny");
    });
    let lines = [("x-amz-date", "client"), ("x-two", "1"), ("x-two", "2"), ("x-gone", "g"), ("x-same", "s")];
    let world = request_at(&bridge, 0, &lines);
    let ticket = world.ticket();
    let mut headers = world.upstream_headers.clone().unwrap();
    let begin = |member: &str, headers: &mut Headers| {
        let before = headers.clone();
        let (stream, edits) = AttemptStream::begin(&ticket, "p", member, world.moment(), || before).unwrap();
        edits.apply(headers);
        stream
    };
    begin("a", &mut headers);
    // As `aws_request_signing` and `credential_injector` in the cluster of `a` do.
    let mut added = HeaderEdits::default();
    for (name, value) in [
        ("authorization", "AWS4-HMAC-SHA256 of-a"),
        ("x-amz-security-token", "of-a"),
        ("x-amz-date", "of-a"),
        ("x-two", "of-a"),
        ("x-envoy-attempt-count", "2"),
    ] {
        added.set(name, value);
    }
    added.remove("x-gone");
    added.apply(&mut headers);
    begin("b", &mut headers);
    let is_of_a = |(_, value): (&str, &[u8])| value.ends_with(b"of-a");
    assert!(!headers.iter().any(is_of_a), "{headers:?}");
    for (name, value) in [
        ("x-amz-security-token", None),
        ("x-amz-date", Some("client")),
        ("x-two", Some("1, 2")),
        ("x-gone", Some("g")),
        ("x-same", Some("s")),
        ("x-envoy-attempt-count", Some("2")),
        ("x-api-key", Some("key-of-b-0123456789")),
        ("x-ai-bridge-pool", None),
    ] {
        assert_eq!(headers.text(name), value, "{name}");
    }
}

#[test]
fn no_filter_in_the_connection_manager_sees_a_key() {
    for path in ["POST /p/v1/messages", "GET /p/v1/models"] {
        let mut world = World::new(&pool(|_| {}));
        world.request(head(path, &[("x-api-key", "gw"), ("cookie", "x")]), false);
        let headers = world.upstream_headers.as_ref().unwrap();
        assert!(headers.iter().all(|(_, value)| !String::from_utf8_lossy(value).contains("key-of")));
    }
}

#[test]
fn no_output_shows_a_members_key() {
    let mut world = World::watched(&pool(|_| {}));
    world.request(head("POST /p/v1/messages", &[]), false).upload(REQUEST.as_bytes(), true);
    let shown = world.shown();
    assert!(!shown.contains("key-of") && !world.steps.contains("key-of"), "{shown}");
}
