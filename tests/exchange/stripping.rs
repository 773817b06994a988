//! Header by header (contract §3): what of a request reaches the provider, and what does not, on every route.

use crate::world::{World, bridge, head};
use ai_bridge::bridge::Bridge;
use ai_bridge::headers::Headers;
use serde_json::{Value, json};
use std::rc::Rc;

/// Each type with a bridged and a passthrough route.
const PLACES: [(&str, &str, &str); 3] = [
    ("anthropic", "/anthropic/v1/messages", "/anthropic/v1/models"),
    ("openai", "/openai/v1/responses", "/openai/v1/models"),
    ("copilot", "/copilot/v1/messages", "/copilot/models"),
];

/// What no provider ever gets, by the kind of reason.
const GONE: [(&str, &str); 27] = [
    // Hop by hop.
    ("connection", "close, X-Named ,x-named-too,,x-absent"),
    ("connection", "\tx-other-connection"),
    ("x-named", "1"),
    ("x-named", "2"),
    ("x-named-too", "1"),
    ("x-other-connection", "1"),
    ("keep-alive", "timeout=5"),
    ("proxy-connection", "keep-alive"),
    ("proxy-authenticate", "Basic"),
    ("http2-settings", "AAMAAABkAAQAAP__"),
    ("te", "trailers"),
    ("trailer", "x-sum"),
    ("transfer-encoding", "chunked"),
    // Credentials of whatever provider.
    ("proxy-authorization", "Basic eA=="),
    ("api-key", "k"),
    ("x-goog-api-key", "k"),
    // The gateway's own.
    ("x-gateway-token", "t"),
    ("x-ai-bridge-cluster", "elsewhere"),
    ("x-ai-bridge-cluster", "elsewhere-2"),
    ("x-ai-bridge-actor-id", "mallory"),
    ("x-ai-bridge-actor-metadata-team", "board"),
    ("x-ai-bridge-", "1"),
    ("x-actor", "ann"),
    ("x-team", "red"),
    // `remove_headers` by default.
    ("cookie", "a=b"),
    ("x-forwarded-client-cert", "By=x"),
    ("x-amzn-oidc-data", "d"),
];

/// What is nobody's business but the provider's: names that only look like the above, and values that are no text.
const KEPT: [(&str, &[u8]); 24] = [
    ("anthropic-version", b"2023-06-01"),
    ("anthropic-beta", b"a,b ,c,, claude-code-20250219"),
    ("anthropic-beta", b"second"),
    ("openai-organization", b"org"),
    ("openai-beta", b"responses=v1"),
    ("content-type", b"application/json; charset=utf-8"),
    ("content-length", b"2"),
    ("content-encoding", b"identity"),
    ("accept", b"text/event-stream"),
    ("accept", b"application/json"),
    ("accept-language", b"*"),
    ("user-agent", b"claude-cli/2.0"),
    ("x-request-id", b"r"),
    ("x-forwarded-for", b"10.0.0.1"),
    ("x-amzn-trace-id", b"Root=1"),
    ("x-ai-bridge", b"no hyphen at its end"),
    ("x-cookie", b"1"),
    ("cookie2", b"1"),
    ("authorization-x", b"1"),
    ("x-api-key-id", b"1"),
    ("trailers", b"1"),
    ("x-bytes", b"\xff\xfe \x80"),
    ("x-empty", b""),
    ("traceparent", b"00-1-2-01"),
];

fn gateway(change: impl FnOnce(&mut Value)) -> Rc<Bridge> {
    let mut configuration = json!({
        "providers": PLACES.map(|(kind, ..)| json!({"type": kind, "send_actor": false})),
        "gateway_credentials": {"headers": ["X-Gateway-Token"]},
        "actor": {"header": "X-Actor", "metadata_headers": {"team": "X-Team"}},
    });
    change(&mut configuration);
    bridge(&configuration.to_string())
}

fn sent(bridge: &Rc<Bridge>, first: &str, lines: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
    let own = lines.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec()));
    let pairs =
        head(first, &[]).iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect::<Vec<_>>();
    let mut world = World::new(bridge);
    world.request(Headers::new(pairs.into_iter().chain(own).collect()), false);
    let upstream = world.upstream_headers.unwrap_or_else(|| panic!("{first}: {:?}", world.reply));
    upstream.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
}

fn names_of(pairs: &[(String, Vec<u8>)], wanted: impl Fn(&str) -> bool) -> Vec<&str> {
    pairs.iter().map(|(name, _)| name.as_str()).filter(|name| wanted(name)).collect()
}

#[test]
fn every_header_stays_as_it_came_or_goes_on_bridged_and_passthrough_routes_alike() {
    let bridge = gateway(|_| ());
    for (kind, bridged, passthrough) in PLACES {
        for (first, encoding) in [(format!("POST {bridged}"), false), (format!("POST {passthrough}"), true)] {
            let token = ("authorization", &b"Bearer own-0123456789"[..]);
            let gone = GONE.map(|(name, value)| (name, value.as_bytes()));
            // What goes and what stays take turns, so that no order can help.
            let (mut going, mut staying) = (gone.iter(), KEPT.iter());
            let mut lines: Vec<(&str, &[u8])> = vec![token, ("accept-encoding", b"gzip, br")];
            for _ in 0..gone.len().max(KEPT.len()) {
                lines.extend(going.next());
                lines.extend(staying.next());
            }
            let got = sent(&bridge, &first, &lines);
            let mut expected = vec![token];
            if encoding {
                expected.push(("accept-encoding", b"gzip, br"));
            }
            expected.extend(KEPT);
            let ordinary: Vec<(&str, &[u8])> = got
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_slice()))
                .filter(|(name, _)| !name.starts_with(':') && *name != "x-ai-bridge-cluster")
                .collect();
            assert_eq!(ordinary, expected, "{first}");
            let clusters: Vec<_> = got.iter().filter(|(name, _)| name == "x-ai-bridge-cluster").collect();
            assert_eq!(clusters, [&("x-ai-bridge-cluster".to_owned(), kind.as_bytes().to_vec())]);
            let pseudo = names_of(&got, |name| name.starts_with(':'));
            assert_eq!(pseudo.len(), 4, "each once: {pseudo:?}");
        }
    }
}

#[test]
fn only_where_the_body_may_change_its_length_is_left_open() {
    let bridge = gateway(|_| ());
    for (path, kept) in [
        ("/openai/v1/chat/completions", false),
        ("/openai/v1/chat/completions/", false),
        ("/copilot/chat/completions", false),
        ("/openai/v1/responses", true),
        ("/openai/v1/responses/compact", true),
        ("/copilot/responses", true),
        ("/copilot/v1/messages", true),
        ("/anthropic/v1/messages", true),
        ("/anthropic/v1/messages/count_tokens", true),
        ("/openai/v1/conversations", true),
        ("/copilot/agents/x", true),
    ] {
        let lines: [(&str, &[u8]); 2] = [("authorization", b"Bearer own"), ("content-length", b"2")];
        let got = sent(&bridge, &format!("POST {path}"), &lines);
        assert_eq!(names_of(&got, |name| name == "content-length").len(), usize::from(kept), "{path}");
    }
}

#[test]
fn headers_to_remove_are_patterns_of_any_case_and_an_empty_list_removes_none() {
    let lines: [(&str, &[u8]); 9] = [
        ("authorization", b"Bearer own"),
        ("cookie", b"a=b"),
        ("x-forwarded-client-cert", b"1"),
        ("x-amzn-oidc-data", b"1"),
        ("x-corp-secret", b"1"),
        ("x-corp", b"1"),
        ("corp-x-end", b"1"),
        ("x-corporate", b"1"),
        ("anthropic-beta", b"1"),
    ];
    for (written, gone) in [
        (json!(null), &["cookie", "x-forwarded-client-cert", "x-amzn-oidc-data"][..]),
        (json!([]), &[]),
        (json!(["X-Corp-*"]), &["x-corp-secret"]),
        (json!(["x-corp*"]), &["x-corp-secret", "x-corp", "x-corporate"]),
        (json!(["*-end", "x-corp"]), &["x-corp", "corp-x-end"]),
        (json!(["x-*-s*t", "c*-x-*"]), &["x-corp-secret", "corp-x-end"]),
        (json!(["anthropic-*", "accept"]), &["anthropic-beta"]),
        (json!(["x-corp-", "orp", "corp-x-en", "x-corp-secret-*"]), &[]),
    ] {
        let bridge = gateway(|configuration| {
            if !written.is_null() {
                configuration["remove_headers"] = written.clone();
            }
        });
        for (_, bridged, passthrough) in PLACES {
            for path in [bridged, passthrough] {
                let got = sent(&bridge, &format!("POST {path}"), &lines);
                let got = names_of(&got, |name| !name.starts_with(':') && name != "x-ai-bridge-cluster");
                let expected: Vec<&str> =
                    lines.iter().map(|(name, _)| *name).filter(|name| !gone.contains(name)).collect();
                assert_eq!(got, expected, "{written} {path}");
            }
        }
    }
}

#[test]
fn no_pattern_and_no_connection_takes_what_the_filter_itself_sends() {
    let bridge = gateway(|configuration| {
        configuration["remove_headers"] = json!(["x-ai-*", "x-actor*", "content-*", "h*"]);
        configuration["providers"] =
            json!([{"type": "anthropic", "send_actor": true, "key": {"value": "central"}}]);
    });
    let all =
        "x-ai-bridge-cluster, x-api-key, x-ai-bridge-actor-id, host, content-type, content-length, x-actor";
    let lines: [(&str, &[u8]); 4] = [
        ("connection", all.as_bytes()),
        ("content-type", b"a/b"),
        ("content-length", b"2"),
        ("x-actor", b"ann"),
    ];
    let got = sent(&bridge, "POST /anthropic/v1/messages", &lines);
    let got = names_of(&got, |name| !name.starts_with(':'));
    let expected =
        ["content-type", "content-length", "x-api-key", "x-ai-bridge-cluster", "x-ai-bridge-actor-id"];
    assert_eq!(got, expected);
}

#[test]
fn the_actor_is_told_on_bridged_routes_only_where_configured_and_never_to_copilot() {
    let lines: [(&str, &[u8]); 5] = [
        ("authorization", b"Bearer own"),
        ("x-actor", b"ann"),
        ("x-team", b"r\xc3\xb6t"),
        ("x-cost", b"7"),
        ("x-ai-bridge-actor-metadata-role", b"admin"),
    ];
    for send_actor in [false, true] {
        let bridge = gateway(|configuration| {
            configuration["actor"]["metadata_headers"] =
                json!({"team": "x-team", "Cost_Center": "x-cost", "absent": "x-absent"});
            for provider in configuration["providers"].as_array_mut().unwrap() {
                provider["send_actor"] = json!(send_actor);
            }
        });
        for (kind, bridged, passthrough) in PLACES {
            for (path, told) in [(bridged, send_actor && kind != "copilot"), (passthrough, false)] {
                for count in [lines.len(), 1] {
                    let got = sent(&bridge, &format!("POST {path}"), &lines[..count]);
                    let actor: Vec<_> = got
                        .iter()
                        .filter(|(name, _)| name.starts_with("x-ai-bridge-actor"))
                        .cloned()
                        .collect();
                    let expected = [
                        ("x-ai-bridge-actor-id", &b"ann"[..]),
                        ("x-ai-bridge-actor-metadata-cost_center", b"7"),
                        ("x-ai-bridge-actor-metadata-team", b"r\xc3\xb6t"),
                    ]
                    .map(|(name, value)| (name.to_owned(), value.to_vec()));
                    let told = told && count > 1;
                    assert_eq!(
                        actor,
                        if told { expected.to_vec() } else { Vec::new() },
                        "{send_actor} {path}"
                    );
                    assert!(
                        names_of(&got, |name| ["x-actor", "x-team", "x-cost"].contains(&name)).is_empty()
                    );
                }
            }
        }
    }
}

#[test]
fn a_cluster_header_of_another_name_is_overwritten_and_the_usual_one_goes_too() {
    let bridge = gateway(|configuration| configuration["cluster_header"] = json!("X-Where-To"));
    let lines: [(&str, &[u8]); 4] = [
        ("authorization", b"Bearer own"),
        ("x-where-to", b"evil"),
        ("x-ai-bridge-cluster", b"evil"),
        ("x-where-to", b"evil"),
    ];
    for (kind, bridged, passthrough) in PLACES {
        for path in [bridged, passthrough] {
            let got = sent(&bridge, &format!("POST {path}"), &lines);
            let got: Vec<_> = got.iter().filter(|(name, _)| !name.starts_with(':')).collect();
            let expected = [("authorization", &b"Bearer own"[..]), ("x-where-to", kind.as_bytes())]
                .map(|(name, value)| (name.to_owned(), value.to_vec()));
            assert_eq!(got, expected.iter().collect::<Vec<_>>(), "{path}");
        }
    }
}

#[test]
fn a_repeated_credential_header_is_400_on_every_route_whatever_it_holds() {
    let bridge = gateway(|configuration| configuration["providers"][0]["key"] = json!({"value": "central"}));
    for name in
        ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "x-gateway-token"]
    {
        for values in [["Bearer own", "Bearer own"], ["", ""], ["Basic a", "Bearer own"]] {
            for (_, bridged, passthrough) in PLACES {
                for path in [bridged, passthrough] {
                    let mut world = World::new(&bridge);
                    let lines = [("authorization", "Bearer own"), (name, values[0]), (name, values[1])];
                    let from = usize::from(name == "authorization");
                    world.request(head(&format!("POST {path}"), &lines[from..]), false).done();
                    assert_eq!(world.replied().0, 400, "{name} {path}");
                    assert_eq!(world.records, usize::from(path == bridged));
                    assert!(world.upstream_headers.is_none());
                }
            }
        }
    }
}

#[test]
fn the_answers_headers_reach_the_client_unchanged_but_for_the_length_of_what_may_be_cut() {
    let lines = [
        ("content-type", "text/event-stream"),
        ("content-length", "100"),
        ("retry-after", "7"),
        ("x-request-id", "req_1"),
        ("request-id", "req_2"),
        ("anthropic-ratelimit-requests-remaining", "41"),
        ("anthropic-ratelimit-tokens-reset", "2026-01-01T00:00:00Z"),
        ("x-ratelimit-remaining-tokens", "9"),
        ("connection", "keep-alive"),
        ("set-cookie", "a=b"),
        ("set-cookie", "c=d"),
        ("x-should-retry", "true"),
        ("x-ai-bridge-cluster", "theirs"),
        ("cookie", "odd"),
        ("www-authenticate", "Bearer"),
        ("trailer", "x-sum"),
    ];
    let bridge = gateway(|_| ());
    let streamed = r#"{"model":"m","stream":true}"#;
    for (path, body, cut) in [
        ("/openai/v1/chat/completions", streamed, true),
        ("/copilot/chat/completions", streamed, true),
        (
            "/openai/v1/chat/completions",
            r#"{"model":"m","stream":true,"stream_options":{"include_usage":true}}"#,
            false,
        ),
        ("/openai/v1/chat/completions", r#"{"model":"m"}"#, false),
        ("/openai/v1/responses", streamed, false),
        ("/anthropic/v1/messages", streamed, false),
        ("/openai/v1/models", "", false),
    ] {
        for status in ["200", "404", "429", "529"] {
            let mut world = World::new(&bridge);
            world.request(head(&format!("POST {path}"), &[("authorization", "Bearer own")]), false);
            world.upload(body.as_bytes(), true).answer(head(status, &lines), false);
            let got = world.client_headers.as_ref().unwrap();
            let answer = head(status, &lines);
            let cut = cut && status == "200";
            let expected: Vec<_> =
                answer.iter().filter(|(name, _)| !(cut && *name == "content-length")).collect();
            assert_eq!(got.iter().collect::<Vec<_>>(), expected, "{path} {status}");
        }
    }
}
