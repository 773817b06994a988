//! The order in which a request is checked, for every combination of problems: path, route, disabled provider, upgrade,
//! method, repeated credential, credential, actor, encoding, declared size, body.

use ai_bridge::bridge::Bridge;
use serde_json::json;
use std::rc::Rc;
use world::{World, bridge, changed, head};

type Problem = Option<(u16, &'static str)>;

/// A bridged and a passthrough route of each kind.
const PLACES: [(&str, &str); 4] = [
    ("/anthropic/v1/messages", "/anthropic/v1/models/x"),
    ("/openai/v1/chat/completions", "/openai/v1/models/x"),
    ("/openai/v1/responses", "/openai/v1/responses/x"),
    ("/copilot/v1/messages", "/copilot/agents/x"),
];

const PATHS: [(&str, Problem); 3] =
    [("", None), ("%2Fnowhere", Some((404, "not_found"))), ("/%2e%2e/x", Some((400, "invalid_path")))];

/// Credentials of callers who have to bring their own, and the problem of each.
const CREDENTIALS: [(&[(&str, &str)], Problem); 6] = [
    (&[("authorization", "Bearer own-0123456789")], None),
    (&[], Some((401, "missing_credential"))),
    (&[("authorization", "Basic eA==")], Some((401, "missing_credential"))),
    (&[("authorization", "Bearer AIzaX")], Some((403, "wrong_vendor_credential"))),
    (
        &[("authorization", "Bearer AIzaX"), ("api-key", "a"), ("api-key", "b")],
        Some((400, "repeated_credential")),
    ),
    (&[("authorization", "Bearer own,Bearer own")], Some((400, "repeated_credential"))),
];

const METHODS: [(&str, Problem); 2] = [("POST", None), ("GET", Some((405, "method_not_allowed")))];

const UPGRADES: [Option<&str>; 2] = [None, Some("websocket")];

const ACTORS: [(Option<&str>, Problem); 2] = [(Some("ann"), None), (None, Some((401, "missing_actor")))];

const ENCODINGS: [(Option<&str>, Problem); 3] =
    [(None, None), (Some("identity"), None), (Some("zstd"), Some((415, "unsupported_encoding")))];

const LENGTHS: [(Option<&str>, Problem); 3] =
    [(None, None), (Some("8"), None), (Some("65"), Some((413, "request_too_large")))];

const BODIES: [(&str, Problem); 2] = [("{\"a\":01}", Some((400, "invalid_json"))), ("{\"a\": 1}", None)];

fn gateway(enabled: bool) -> Rc<Bridge> {
    let kinds = ["anthropic", "openai", "copilot"];
    let configuration = json!({
        "providers": kinds.map(|kind| json!({"type": kind, "enabled": enabled, "byok": "require"})),
        "actor": {"header": "x-actor", "required": true},
        "limits": {"request_body_bytes": 64},
    });
    bridge(&configuration.to_string())
}

fn lines_of<'l>(
    upgrade: Option<&'l str>,
    credential: &[(&'l str, &'l str)],
    actor: Option<&'l str>,
    encoding: Option<&'l str>,
    length: Option<&'l str>,
) -> Vec<(&'l str, &'l str)> {
    let optional = [
        ("upgrade", upgrade),
        ("x-actor", actor),
        ("content-encoding", encoding),
        ("content-length", length),
    ];
    let optional = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
    optional.chain(credential.iter().copied()).collect()
}

/// Plays one request and checks that it is refused for the first of `problems`.
fn check(
    bridge: &Rc<Bridge>,
    first: &str,
    lines: &[(&str, &str)],
    body: &str,
    problems: &[Problem],
) -> World {
    let mut world = World::new(bridge);
    world.request(head(first, lines), false).upload(body.as_bytes(), true).finish("");
    let what = format!("{first} {lines:?} {body}");
    match problems.iter().flatten().next() {
        None => assert!(world.reply.is_none() && world.upstream_body == body.as_bytes(), "{what}"),
        Some((status, code)) => {
            assert_eq!(world.replied().0, *status, "{what}");
            let measured: Vec<String> = world.measured.iter().map(|one| one.series.raw_name()).collect();
            let counted = format!("reason=.={code};.;");
            assert_eq!(
                measured.iter().filter(|name| name.contains(&counted)).count(),
                1,
                "{what} {measured:?}"
            );
            assert!(world.upstream_body.is_empty(), "{what}");
        }
    }
    world
}

#[test]
fn a_bridged_request_is_refused_for_its_first_problem() {
    for enabled in [true, false] {
        let bridge = gateway(enabled);
        let disabled: Problem = (!enabled).then_some((503, "provider_disabled"));
        for (route, _) in PLACES {
            for ((below, path), (method, not_post)) in pairs(&PATHS, &METHODS) {
                for (upgrade, (credential, uncredited)) in pairs(&UPGRADES, &CREDENTIALS) {
                    for ((actor, no_actor), (encoding, encoded)) in pairs(&ACTORS, &ENCODINGS) {
                        for ((length, long), (body, broken)) in pairs(&LENGTHS, &BODIES) {
                            let upgraded = upgrade.and(Some((426, "upgrade_refused")));
                            // Every path below the prefix of a disabled provider is 503, also one that is no route.
                            let (hostile, nowhere) = match path {
                                Some((400, _)) => (path, None),
                                _ => (None, path),
                            };
                            let problems = [
                                hostile, disabled, nowhere, upgraded, not_post, uncredited, no_actor,
                                encoded, long, broken,
                            ];
                            let lines = lines_of(upgrade, credential, actor, encoding, length);
                            let first = format!("{method} {route}{below}");
                            let world = check(&bridge, &first, &lines, body, &problems);
                            let silent = [hostile, nowhere].iter().any(Option::is_some)
                                || (enabled && [upgraded, not_post].iter().any(Option::is_some));
                            assert_eq!(world.records, usize::from(!silent), "{first} {lines:?}");
                            if world.records == 1 {
                                let record = world.record();
                                let code = problems.iter().flatten().next().map(|(_, code)| json!(code));
                                assert_eq!(record["error"].get("code"), code.as_ref(), "{first} {lines:?}");
                            }
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn a_passthrough_request_is_refused_for_its_first_problem() {
    for enabled in [true, false] {
        let bridge = gateway(enabled);
        let disabled: Problem = (!enabled).then_some((503, "provider_disabled"));
        for (_, route) in PLACES {
            for (hostile, (method, _)) in pairs(&[false, true], &METHODS) {
                for (upgrade, (credential, uncredited)) in pairs(&UPGRADES, &CREDENTIALS) {
                    for ((actor, no_actor), (encoding, _)) in pairs(&ACTORS, &ENCODINGS) {
                        for ((length, _), (body, _)) in pairs(&LENGTHS, &BODIES) {
                            let path = if hostile { format!("{route}//") } else { route.to_owned() };
                            let problems = [
                                hostile.then_some((400, "invalid_path")),
                                disabled,
                                upgrade.and(Some((501, "upgrade_unsupported"))),
                                uncredited,
                                no_actor,
                            ];
                            let lines = lines_of(upgrade, credential, actor, encoding, length);
                            let world = check(&bridge, &format!("{method} {path}"), &lines, body, &problems);
                            assert_eq!(world.records, 0);
                        }
                    }
                }
            }
        }
    }
}

/// Every combination of two.
fn pairs<'p, A: Copy + 'p, B: Copy + 'p>(a: &'p [A], b: &'p [B]) -> impl Iterator<Item = (A, B)> + 'p {
    a.iter().flat_map(|a| b.iter().map(|b| (*a, *b)))
}

#[test]
fn denied_own_keys_are_refused_before_actor_encoding_and_size() {
    let bridge = changed(|configuration| {
        configuration["providers"][0]["byok"] = json!("deny");
        configuration["actor"]["required"] = json!(true);
        configuration["limits"] = json!({"request_body_bytes": 10});
    });
    let mut lines = vec![
        ("x-api-key", "sk-ant-api03-a"),
        ("x-api-key", "sk-ant-api03-b"),
        ("content-encoding", "zstd"),
        ("content-length", "11"),
    ];
    let mut expect = |drop: usize, code: &str, status: u16| {
        let mut world = World::new(&bridge);
        world.request(head("POST /anthropic/v1/messages", &lines), false).done();
        let record = world.record();
        assert_eq!((record["error"]["code"].as_str(), world.replied().0), (Some(code), status));
        lines.drain(..drop);
    };
    expect(1, "repeated_credential", 400);
    expect(1, "byok_denied", 403);
    expect(0, "missing_actor", 401);
    lines.push(("x-actor", "alice"));
    let mut expect = |code: &str, status: u16| {
        let mut world = World::new(&bridge);
        world.request(head("POST /anthropic/v1/messages", &lines), false).done();
        assert_eq!((world.record()["error"]["code"].as_str(), world.replied().0), (Some(code), status));
        lines.remove(0);
    };
    expect("unsupported_encoding", 415);
    expect("request_too_large", 413);
}
