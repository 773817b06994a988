//! The order of the checks (contract §1), for every combination of what may be wrong with a request:
//! hygiene → route → disabled → `Upgrade` → method → repeated credential 400 → credential 403 → 401 → actor 401 →
//! encoding 415 → declared size 413 → body.

use crate::world::{World, bridge, head};
use ai_bridge::bridge::Bridge;
use serde_json::json;
use std::rc::Rc;

type Problem = Option<(u16, &'static str)>;

/// Bridged routes, and passthrough routes beside them.
const PLACES: [(&str, &str); 4] = [
    ("/anthropic/v1/messages", "/anthropic/v1/models/x"),
    ("/openai/v1/chat/completions", "/openai/v1/models/x"),
    ("/openai/v1/responses", "/openai/v1/responses/x"),
    ("/copilot/v1/messages", "/copilot/agents/x"),
];

const PATHS: [(&str, Problem); 3] =
    [("", None), ("%2Fnowhere", Some((404, "not_found"))), ("/%2e%2e/x", Some((400, "invalid_path")))];

/// What callers bring where they have to bring their own.
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

/// Plays one request; checks that it is answered as the first of `problems` wants.
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
fn of_several_problems_of_a_bridged_request_the_first_in_the_contracts_order_is_told() {
    for enabled in [true, false] {
        let bridge = gateway(enabled);
        let disabled: Problem = (!enabled).then_some((503, "provider_disabled"));
        for (route, _) in PLACES {
            for ((below, path), (method, not_post)) in pairs(&PATHS, &METHODS) {
                for (upgrade, (credential, uncredited)) in pairs(&UPGRADES, &CREDENTIALS) {
                    for ((actor, nobody), (encoding, encoded)) in pairs(&ACTORS, &ENCODINGS) {
                        for ((length, long), (body, broken)) in pairs(&LENGTHS, &BODIES) {
                            let upgraded = upgrade.and(Some((426, "upgrade_refused")));
                            // «Everything under the prefix» of a disabled provider is 503, also what is no route.
                            let (hostile, nowhere) = match path {
                                Some((400, _)) => (path, None),
                                _ => (None, path),
                            };
                            let problems = [
                                hostile, disabled, nowhere, upgraded, not_post, uncredited, nobody, encoded,
                                long, broken,
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
fn of_several_problems_of_a_passthrough_request_the_first_is_told_and_its_body_is_its_own() {
    for enabled in [true, false] {
        let bridge = gateway(enabled);
        let disabled: Problem = (!enabled).then_some((503, "provider_disabled"));
        for (_, route) in PLACES {
            for (hostile, (method, _)) in pairs(&[false, true], &METHODS) {
                for (upgrade, (credential, uncredited)) in pairs(&UPGRADES, &CREDENTIALS) {
                    for ((actor, nobody), (encoding, _)) in pairs(&ACTORS, &ENCODINGS) {
                        for ((length, _), (body, _)) in pairs(&LENGTHS, &BODIES) {
                            let path = if hostile { format!("{route}//") } else { route.to_owned() };
                            let problems = [
                                hostile.then_some((400, "invalid_path")),
                                disabled,
                                upgrade.and(Some((501, "upgrade_unsupported"))),
                                uncredited,
                                nobody,
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
