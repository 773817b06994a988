//! Which headers and trailers of a request reach the provider, on every route.

use ai_bridge::bridge::Bridge;
use ai_bridge::headers::Headers;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{CONFIGURATION, World, bridge, head};

/// Each type with a bridged and a passthrough route.
pub(crate) const PLACES: [(&str, &str, &str); 3] = [
    ("anthropic", "/anthropic/v1/messages", "/anthropic/v1/models"),
    ("openai", "/openai/v1/responses", "/openai/v1/models"),
    ("copilot", "/copilot/v1/messages", "/copilot/models"),
];

/// Headers that no provider gets.
const GONE: [(&str, &str); 73] = [
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
    // Credentials of other providers.
    ("proxy-authorization", "Basic eA=="),
    ("api-key", "k"),
    ("x-goog-api-key", "k"),
    // Headers of the gateway.
    ("x-gateway-token", "t"),
    ("x-ai-bridge-cluster", "elsewhere"),
    ("x-ai-bridge-cluster", "elsewhere-2"),
    ("x-ai-bridge-actor-id", "mallory"),
    ("x-ai-bridge-actor-metadata-team", "board"),
    ("x-ai-bridge-", "1"),
    ("x-actor", "ann"),
    ("x-team", "red"),
    // The default of `remove_headers`.
    ("cookie", "a=b"),
    ("x-forwarded-client-cert", "By=x"),
    ("x-amzn-oidc-data", "d"),
    ("x-forwarded-for", "192.0.2.1"),
    ("x-real-ip", "192.0.2.1"),
    ("forwarded", "for=192.0.2.1"),
    ("cf-connecting-ip", "192.0.2.1"),
    ("cf-connecting-ipv6", "2001:db8::1"),
    ("true-client-ip", "192.0.2.1"),
    ("x-client-ip", "192.0.2.1"),
    ("x-cluster-client-ip", "192.0.2.1"),
    ("fastly-client-ip", "192.0.2.1"),
    ("x-envoy-external-address", "192.0.2.1"),
    ("x-forwarded-user", "ann"),
    ("x-forwarded-email", "ann@example.com"),
    ("x-forwarded-preferred-username", "ann"),
    ("x-forwarded-groups", "staff"),
    ("x-forwarded-access-token", "t"),
    ("x-auth-request-user", "ann"),
    ("x-auth-request-email", "ann@example.com"),
    ("x-goog-iap-jwt-assertion", "j"),
    ("x-goog-authenticated-user-email", "accounts.google.com:ann@example.com"),
    ("x-goog-authenticated-user-id", "accounts.google.com:1"),
    ("cf-access-jwt-assertion", "j"),
    ("cf-access-authenticated-user-email", "ann@example.com"),
    ("x-ms-client-principal", "p"),
    ("x-ms-client-principal-name", "ann"),
    ("x-ms-token-aad-access-token", "t"),
    ("x-amzn-mtls-clientcert", "c"),
    ("x-amzn-mtls-clientcert-subject", "CN=ann"),
    ("cloudfront-viewer-address", "192.0.2.1:1"),
    ("fly-client-ip", "192.0.2.1"),
    ("x-azure-clientip", "192.0.2.1"),
    ("x-azure-socketip", "192.0.2.1"),
    ("x-original-forwarded-for", "192.0.2.1"),
    ("ssl-client-subject-dn", "CN=ann"),
    ("x-forwarded-tls-client-cert", "c"),
    ("x-forwarded-tls-client-cert-info", "i"),
    ("x-authentik-username", "ann"),
    ("x-authentik-jwt", "j"),
    ("remote-user", "ann"),
    ("remote-groups", "staff"),
    ("remote-name", "Ann"),
    ("remote-email", "ann@example.com"),
    ("x-pomerium-jwt-assertion", "j"),
    ("x-pomerium-claim-email", "ann@example.com"),
    ("tailscale-user-login", "ann@example.com"),
    ("x-consumer-username", "ann"),
    ("x-credential-identifier", "ann"),
];

/// Headers that pass unchanged, among them names that resemble those above and values that are no text.
const KEPT: [(&str, &[u8]); 33] = [
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
    ("x-forwarded-proto", b"https"),
    ("x-forwarded-host", b"gateway"),
    ("x-forwarded-port", b"443"),
    ("x-forwarded-format", b"1"),
    ("x-real", b"1"),
    ("forwarded-x", b"1"),
    ("cf-ray", b"1"),
    ("x-goog-user-project", b"p"),
    ("x-ms-client-request-id", b"1"),
    ("x-authority", b"1"),
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

pub(crate) fn gateway(change: impl FnOnce(&mut Value)) -> Rc<Bridge> {
    let mut configuration = json!({
        "providers": PLACES.map(|(kind, ..)| json!({"type": kind, "send_actor": false})),
        "gateway_credentials": {"headers": ["X-Gateway-Token"]},
        "actor": {"header": "X-Actor", "metadata_headers": {"team": "X-Team"}},
    });
    change(&mut configuration);
    bridge(&configuration.to_string())
}

pub(crate) fn sent(bridge: &Rc<Bridge>, first: &str, lines: &[(&str, &[u8])]) -> Vec<(String, Vec<u8>)> {
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
fn every_header_passes_unchanged_or_is_removed() {
    let bridge = gateway(|_| ());
    for (kind, bridged, passthrough) in PLACES {
        for (first, encoding) in [(format!("POST {bridged}"), false), (format!("POST {passthrough}"), true)] {
            let token = ("authorization", &b"Bearer own-0123456789"[..]);
            let gone = GONE.map(|(name, value)| (name, value.as_bytes()));
            // Removed and kept headers take turns, so the result depends on no order.
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
fn the_length_is_removed_only_where_the_body_may_change() {
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
fn remove_headers_holds_patterns_of_any_case() {
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
fn no_pattern_removes_headers_that_the_filter_adds() {
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
fn the_actor_goes_to_bridged_routes_if_configured() {
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
                // Actor and metadata; the team alone; neither.
                for (lines, from) in
                    [(lines.to_vec(), 0), (vec![lines[0], lines[2]], 2), (lines[..1].to_vec(), 3)]
                {
                    let got = sent(&bridge, &format!("POST {path}"), &lines);
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
                    assert_eq!(
                        actor,
                        if told { expected[from..].to_vec() } else { Vec::new() },
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

pub(crate) fn trailers_of(lines: &[(&str, &str)]) -> Headers {
    Headers::new(lines.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect())
}

#[test]
fn headers_that_never_go_upstream_do_not_go_as_trailers() {
    let names =
        ["x-checksum", "x-ai-bridge-actor-id", "authorization", "x-api-key", "cookie", "x-actor", "x-sum"];
    let all: Vec<(&str, &str)> = names.iter().map(|name| (*name, "1")).collect();
    let passed = |line: &str, answered: bool| {
        let mut world = World::new(&bridge(CONFIGURATION));
        world.request(head(line, &[]), false).upload(b"{\"model\":\"m\"}", false);
        if answered {
            world.answer(head("200", &[]), false);
        }
        let mut trailers = trailers_of(&all);
        world.request_trailers_with(&mut trailers);
        trailers.iter().map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
    };
    for answered in [false, true] {
        assert_eq!(passed("POST /anthropic/v1/messages", answered), ["x-checksum", "x-sum"]);
        assert_eq!(passed("POST /anthropic/v1/messages/count_tokens", answered), ["x-checksum", "x-sum"]);
    }
}

const ROUTE: &str = "POST /anthropic/v1/messages";

#[test]
fn headers_named_in_connection_go_but_not_the_checked_credential() {
    let mut world = World::new(&bridge(CONFIGURATION));
    let lines = [
        ("connection", "X-Foo, authorization ,anthropic-version"),
        ("connection", "content-type"),
        ("x-foo", "1"),
        ("anthropic-version", "2023-06-01"),
        ("content-type", "application/json"),
        ("authorization", "Bearer sk-ant-own-0123456789"),
        ("x-ai-bridge-cluster", "openai"),
        ("x-ai-bridge-cluster", "copilot"),
    ];
    world.request(head(ROUTE, &lines), false);
    let sent = world.upstream_headers.as_ref().unwrap();
    let clusters: Vec<&[u8]> = sent.all("x-ai-bridge-cluster").collect();
    assert_eq!(clusters, [b"anthropic"]);
    assert!(!sent.contains("x-foo") && !sent.contains("connection") && !sent.contains("anthropic-version"));
    assert!(sent.contains("content-type"));
    assert_eq!(world.sent("authorization"), Some("Bearer sk-ant-own-0123456789"));
    assert!(!sent.contains("x-api-key"));
}
/// A gateway with one provider of this type that has this central credential.
fn one_provider(kind: &str, key: &str) -> Rc<Bridge> {
    let mut provider = json!({"type": kind, "send_actor": true, "cluster": "ours", "byok_cluster": "theirs"});
    match (kind, key) {
        ("copilot", _) | (_, "absent") => {}
        (_, "external") => provider["key"] = json!({"external": true}),
        (_, value) => provider["key"] = json!({"value": value}),
    }
    if (kind, key) == ("anthropic", "external") {
        provider["byok"] = json!("deny");
    }
    let configuration = json!({
        "providers": [provider],
        "gateway_credentials": {"headers": ["x-gateway-token"], "value_prefixes": ["gw_"]},
        "actor": {"header": "x-user", "metadata_headers": {"team": "x-team"}},
        "remove_headers": ["cookie", "x-amzn-oidc-*"],
    });
    bridge(&configuration.to_string())
}

#[test]
fn anthropic_gets_the_central_key_and_every_header_of_claude_code() {
    let lines = [
        ("authorization", "Bearer gw_ann"),
        ("x-user", "ann"),
        ("x-team", "red"),
        ("cookie", "session=1"),
        ("connection", "keep-alive, x-secret-hop"),
        ("x-secret-hop", "1"),
        ("x-ai-bridge-cluster", "evil"),
        ("x-ai-bridge-actor-id", "evil"),
        ("anthropic-beta", "claude-code-20250219,  other "),
        ("anthropic-version", "2023-06-01"),
        ("content-length", "2"),
    ];
    let mut world = World::new(&one_provider("anthropic", "sk-ant-central"));
    world.request(head("POST /anthropic/v1/messages?beta=true", &lines), false);
    let upstream = world.upstream_headers.unwrap();
    let shown: Vec<String> =
        upstream.iter().map(|(name, value)| format!("{name}={}", String::from_utf8_lossy(value))).collect();
    assert_eq!(
        shown,
        [
            ":method=POST",
            ":scheme=http",
            "anthropic-beta=claude-code-20250219,  other ",
            "anthropic-version=2023-06-01",
            "content-length=2",
            "x-api-key=sk-ant-central",
            ":path=/v1/messages?beta=true",
            ":authority=api.anthropic.com",
            "x-ai-bridge-cluster=ours",
            "x-ai-bridge-actor-id=ann",
            "x-ai-bridge-actor-metadata-team=red",
        ]
    );
}

#[test]
fn a_caller_cannot_hide_its_credential_to_get_the_injected_one() {
    let mut world = World::new(&one_provider("openai", "external"));
    let lines = [("authorization", "Bearer sk-theirs"), ("connection", "authorization")];
    world.request(head("POST /openai/v1/responses", &lines), false);
    assert_eq!(world.sent("x-ai-bridge-cluster"), Some("theirs"));
    assert_eq!(world.sent("authorization"), Some("Bearer sk-theirs"));
}

const CREDENTIAL_HEADERS: [&str; 5] =
    ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key"];

proptest! {
    #[test]
    fn a_provider_gets_one_fitting_credential_and_nothing_of_the_gateway(
        pairs in prop::collection::vec((
            prop::sample::select(vec![
                "authorization", "x-api-key", "proxy-authorization", "api-key", "x-goog-api-key", "x-gateway-token",
                "x-ai-bridge-cluster", "x-ai-bridge-other", "x-user", "x-team", "cookie", "x-amzn-oidc-data",
                "connection", "te", "accept",
            ]),
            prop_oneof![
                "(Bearer |)(gw_|sk-ant-|sk-ant-oat|sk-|gho_)[a-c]{3,9}".prop_map(String::into_bytes),
                "((authorization|x-api-key|:path|X-User|accept)(, ?|)){1,4}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..9),
            ],
        ), 0..9),
        (kind, route, _) in prop::sample::select(&PLACES[..]),
        key in prop::sample::select(&["absent", "external", "central"][..]),
    ) {
        let own = pairs.into_iter().map(|(name, value)| (name.to_owned(), value));
        let first = head(&format!("POST {route}"), &[]);
        let first = first.iter().map(|(name, value)| (name.to_owned(), value.to_vec()));
        let mut world = World::new(&one_provider(kind, key));
        world.request(Headers::new(first.chain(own).collect()), false);
        let Some(upstream) = &world.upstream_headers else { return Ok(()) };
        let cluster: Vec<&[u8]> = upstream.all("x-ai-bridge-cluster").collect();
        prop_assert!(cluster == [b"ours"] || cluster == [b"theirs" as &[u8]], "{:?}", cluster);
        let credentials: Vec<(&str, &[u8])> =
            upstream.iter().filter(|(name, _)| CREDENTIAL_HEADERS.contains(name)).collect();
        let injected = cluster == [b"ours"] && key == "external";
        prop_assert_eq!(credentials.len(), usize::from(!injected));
        for (_, value) in credentials {
            prop_assert!(!value.windows(3).any(|part| part == b"gw_"));
        }
        for name in [
            "x-gateway-token", "x-ai-bridge-other", "x-user", "x-team", "cookie", "x-amzn-oidc-data", "connection", "te",
        ] {
            prop_assert!(!upstream.contains(name), "{}", name);
        }
        prop_assert_eq!(upstream.all(":path").count(), 1);
    }
}
