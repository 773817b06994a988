//! The routes of every provider type, with all that configurations and requests may vary.

mod configured;

use ai_bridge::bridge::Bridge;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{World, bridge, head};

/// One provider type. A passthrough route that ends in `/` is that path and everything below.
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    /// The part of the prefix behind the name.
    pub(crate) suffix: &'static str,
    /// The default base URL: authority and path.
    base: (&'static str, &'static str),
    pub(crate) bridged: &'static [(&'static str, &'static str)],
    pub(crate) passthrough: &'static [&'static str],
}

/// The routes of every provider type.
pub(crate) const ROWS: [Row; 3] = [
    Row {
        kind: "anthropic",
        suffix: "",
        base: ("api.anthropic.com", ""),
        bridged: &[("/v1/messages", "messages")],
        passthrough: &[
            "/v1/models",
            "/v1/models/",
            "/v1/messages/count_tokens",
            "/api/event_logging/",
            "/api/hello",
        ],
    },
    Row {
        kind: "openai",
        suffix: "/v1",
        base: ("api.openai.com", "/v1"),
        bridged: &[
            ("/chat/completions", "chat_completions"),
            ("/responses", "responses"),
            ("/responses/compact", "responses"),
        ],
        passthrough: &["/conversations", "/conversations/", "/models", "/models/", "/responses/"],
    },
    Row {
        kind: "copilot",
        suffix: "",
        base: ("api.individual.githubcopilot.com", ""),
        bridged: &[
            ("/chat/completions", "chat_completions"),
            ("/responses", "responses"),
            ("/responses/compact", "responses"),
            ("/v1/messages", "messages"),
        ],
        passthrough: &["/models", "/models/", "/agents/", "/mcp/", "/.well-known/", "/_ping"],
    },
];

/// Configured base URLs, and the authority and path that they mean.
pub(crate) const BASES: [(&str, &str, &str); 8] = [
    ("http://127.0.0.1:8080", "127.0.0.1:8080", ""),
    ("https://llm.example:8443/deep/er", "llm.example:8443", "/deep/er"),
    ("https://llm.example/api/", "llm.example", "/api"),
    ("http://llm.example:80/v1", "llm.example", "/v1"),
    ("https://llm.example:443/v1/", "llm.example", "/v1"),
    ("http://llm.example:443", "llm.example:443", ""),
    ("https://LLM.example:80/A%2Fb", "llm.example:80", "/A%2Fb"),
    ("https://[::1]:9000/x", "[::1]:9000", "/x"),
];

const ROOTS: [&str; 3] = ["", "/api/v2/aibridge", "/a%20b"];

/// Queries, which pass byte for byte.
const QUERIES: [&str; 5] = ["", "?", "?beta=true", "?a=%2F..%00//&b=%zz?/../#\\", "?/v1/models/"];

/// Methods other than POST, among them unknown ones; methods are case-sensitive.
const OTHER_METHODS: [&str; 10] =
    ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY", "post", "P0ST"];

const CALLER: [(&str, &str); 1] = [("authorization", "Bearer own-token")];

/// A configured provider, and where its requests have to go.
pub(crate) struct Mounted<'r> {
    row: &'r Row,
    prefix: String,
    authority: String,
    base_path: String,
    cluster: String,
}

impl Mounted<'_> {
    /// Whether refusals of this path below the prefix have the shape of the Messages API.
    fn is_messages(&self, below: &str) -> bool {
        let at = |route: &str| {
            below.strip_prefix(route).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.row.kind == "anthropic" || (self.row.kind == "copilot" && at("/v1/messages"))
    }

    /// Paths that resemble this provider's routes and are none.
    fn near_misses(&self) -> Vec<String> {
        let row = self.row;
        let in_subtree = |path: &String| {
            row.passthrough.iter().any(|route| route.ends_with('/') && path.starts_with(route))
        };
        let routes = || row.bridged.iter().map(|(route, _)| *route).chain(row.passthrough.iter().copied());
        let changed = routes().flat_map(|route| {
            let route = route.trim_end_matches('/');
            let (before, last) = route.split_at(route.len() - 1);
            let escaped = format!("{before}%{:02x}", last.as_bytes()[0]);
            let upper = route.to_ascii_uppercase();
            [format!("{route}/x"), format!("{route}x"), format!("{route}%2F"), escaped, upper]
        });
        // An escaped spelling of a bridged route is no route, in a subtree either.
        let meant = row.bridged.iter().flat_map(|(route, _)| {
            let (before, last) = route.split_at(route.len() - 1);
            let escaped = format!("{before}%{:02X}", last.as_bytes()[0]);
            [format!("{escaped}/"), escaped, format!("{route}%2f"), format!("{route}%3Fx")]
        });
        let others = changed.filter(|path| !in_subtree(path));
        NOWHERE.iter().map(|path| (*path).to_owned()).chain(others).chain(meant).collect()
    }
}

/// A gateway with three instances of every type: one with the default base URL, two with `base`.
pub(crate) fn gateway(
    root: &str,
    base: (&str, &str, &str),
    enabled: bool,
) -> (Rc<Bridge>, Vec<Mounted<'static>>) {
    let mut providers = Vec::new();
    let mut mounted = Vec::new();
    for row in &ROWS {
        let name = row.kind;
        let others = [format!("{name}-business"), format!("{name}2")];
        providers.push(json!({"type": name, "enabled": enabled}));
        mounted.push((row, name.to_owned(), row.base));
        for other in others {
            providers.push(json!({"type": name, "name": other, "base_url": base.0, "enabled": enabled}));
            mounted.push((row, other, (base.1, base.2)));
        }
    }
    let mounted = mounted.into_iter().map(|(row, name, (authority, base_path))| Mounted {
        row,
        prefix: format!("{root}/{name}{}", row.suffix),
        authority: authority.to_owned(),
        base_path: base_path.to_owned(),
        cluster: name,
    });
    (bridge(&json!({"root": root, "providers": providers}).to_string()), mounted.collect())
}

fn gateways() -> impl Iterator<Item = (Rc<Bridge>, Vec<Mounted<'static>>)> {
    ROOTS.into_iter().flat_map(|root| BASES.into_iter().map(move |base| gateway(root, base, true)))
}

pub(crate) fn asked(bridge: &Rc<Bridge>, method: &str, path: &str, lines: &[(&str, &str)]) -> World {
    let mut world = World::new(bridge);
    world.request(head(&format!("{method} {path}"), &[&CALLER, lines].concat()), false);
    world
}

/// Checks path, authority and cluster of a request that went upstream.
fn reached(world: &World, mounted: &Mounted<'_>, route: &str, path: &str) {
    let found = [":path", ":authority", "x-ai-bridge-cluster"].map(|name| world.sent(name).unwrap());
    let expected = format!("{}{route}", mounted.base_path);
    assert_eq!(found, [expected.as_str(), &mounted.authority, &mounted.cluster], "{path}");
}

/// Checks a refusal: its status, its headers, and its whole shape.
pub(crate) fn refused(
    world: &World,
    status: u16,
    code: &str,
    kind: &str,
    messages: bool,
    what: &str,
) -> Value {
    let (found, body) = world.replied();
    assert_eq!(found, status, "{what}");
    assert_eq!(world.reply_header("content-type"), Some("application/json"), "{what}");
    assert_eq!(world.reply_header("x-should-retry"), Some("false"), "{what}");
    assert_eq!(world.reply_header("allow"), (status == 405).then_some("POST"), "{what}");
    assert!(world.upstream_headers.is_none(), "{what}");
    let message = body["error"]["message"].clone();
    let shape = if messages {
        json!({"type": "error", "error": {"type": kind, "message": message}})
    } else {
        json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
    };
    assert_eq!(body, shape, "{what}");
    message
}

#[test]
fn a_bridged_route_takes_post_and_leaves_one_record() {
    for (bridge, providers) in gateways() {
        for mounted in &providers {
            for (route, api) in mounted.row.bridged {
                for (slash, query) in ["", "/"].into_iter().flat_map(|s| QUERIES.map(|query| (s, query))) {
                    let written = format!("{}{route}{slash}", mounted.prefix);
                    let path = format!("{written}{query}");
                    let mut world = asked(&bridge, "POST", &path, &[]);
                    reached(&world, mounted, &format!("{route}{query}"), &path);
                    world.upload(b"{}", true).finish("downstream_remote_disconnect");
                    let record = world.record();
                    assert_eq!((&record["api"], &record["path"]), (&json!(api), &json!(written)), "{path}");
                    let provider = json!({"type": mounted.row.kind, "name": mounted.cluster});
                    assert_eq!(record["provider"], provider, "{path}");
                    let upstream = json!({"host": mounted.authority, "cluster": mounted.cluster});
                    assert_eq!(record["upstream"], upstream, "{path}");
                }
            }
        }
    }
}

#[test]
fn a_bridged_route_refuses_other_methods_and_upgrades() {
    for root in ROOTS {
        let (bridge, providers) = gateway(root, BASES[1], true);
        for mounted in &providers {
            for (route, api) in mounted.row.bridged {
                let messages = *api == "messages";
                for (slash, query) in [("", ""), ("/", ""), ("", "?a"), ("/", "?a")] {
                    let path = format!("{}{route}{slash}{query}", mounted.prefix);
                    for method in OTHER_METHODS {
                        let mut world = asked(&bridge, method, &path, &[]);
                        refused(&world, 405, "method_not_allowed", "invalid_request_error", messages, &path);
                        world.done();
                        assert_eq!(world.records, 0, "{method} {path}");
                    }
                    for method in OTHER_METHODS.into_iter().chain(["POST"]) {
                        for upgrade in ["websocket", "h2c", ""] {
                            let mut world = asked(&bridge, method, &path, &[("upgrade", upgrade)]);
                            refused(&world, 426, "upgrade_refused", "invalid_request_error", messages, &path);
                            world.done();
                            assert_eq!(world.records, 0, "{method} {path}");
                        }
                    }
                }
            }
        }
    }
}

/// Paths below the prefix that are on this passthrough route.
fn passed_paths(route: &str) -> Vec<String> {
    let Some(subtree) = route.strip_suffix('/') else { return vec![route.to_owned()] };
    let below = [
        "x",
        "x/",
        "a/b/c",
        "a%2Fb",
        "a%2fb/c",
        "é",
        "%C3%A9",
        "%FF",
        "{x}",
        "a;b=c",
        "x%3Fy",
        "%25",
        "%252e%252e",
        "..x",
        "a:b@c",
    ];
    let mut paths: Vec<String> = below.iter().map(|below| format!("{route}{below}")).collect();
    if subtree != "/responses" {
        // The path itself is the bridged route.
        paths.extend([route.to_owned(), subtree.to_owned()]);
    }
    paths
}

#[test]
fn a_passthrough_route_passes_paths_as_written_unrecorded() {
    for (bridge, providers) in gateways() {
        for mounted in &providers {
            for route in mounted.row.passthrough {
                for below in passed_paths(route) {
                    for (method, query) in
                        [("POST", ""), ("GET", "?"), ("DELETE", "?a=%zz/../#"), ("P0ST", "?x"), ("HEAD", "")]
                    {
                        let below = format!("{below}{query}");
                        let path = format!("{}{below}", mounted.prefix);
                        let mut world = asked(&bridge, method, &path, &[]);
                        reached(&world, mounted, &below, &path);
                        assert_eq!(world.sent(":method"), Some(method), "{path}");
                        world.upload(b"\xff", true).done();
                        assert_eq!((world.records, world.upstream_body.as_slice()), (0, &b"\xff"[..]));
                    }
                }
            }
        }
    }
}

#[test]
fn a_passthrough_route_takes_every_method_and_no_upgrade() {
    let (bridge, providers) = gateway("", BASES[0], true);
    for mounted in &providers {
        for route in mounted.row.passthrough {
            for below in passed_paths(route) {
                let path = format!("{}{below}", mounted.prefix);
                for method in OTHER_METHODS.into_iter().chain(["POST", "CONNECT"]) {
                    let world = asked(&bridge, method, &path, &[]);
                    assert_eq!(world.sent(":method"), Some(method), "{path}");
                    let mut world = asked(&bridge, method, &path, &[("upgrade", "websocket")]);
                    let messages = mounted.is_messages(&below);
                    refused(&world, 501, "upgrade_unsupported", "invalid_request_error", messages, &path);
                    world.done();
                    assert_eq!(world.records, 0, "{path}");
                }
            }
        }
    }
}

/// Paths below a prefix that are no route of any type.
const NOWHERE: [&str; 16] = [
    "",
    "/",
    "/v1",
    "/v1/",
    "/files",
    "/v1/files",
    "/embeddings",
    "/v1/message",
    "/v1/messagesx",
    "/V1/messages",
    "/chat/completions/x",
    "/chat",
    "/chat/completion%73",
    "/respons%65s/x",
    "/_pingx",
    "/mode%6Cs/x",
];

#[test]
fn an_unknown_path_is_404_in_the_dialect_of_its_prefix() {
    for root in ROOTS {
        let (bridge, providers) = gateway(root, BASES[0], true);
        for mounted in &providers {
            for below in mounted.near_misses() {
                let path = format!("{}{below}", mounted.prefix);
                for method in ["POST", "GET", "WEIRD"] {
                    let mut world = asked(&bridge, method, &format!("{path}?secret=1"), &[]);
                    let messages = mounted.is_messages(&below);
                    let message = refused(&world, 404, "not_found", "not_found_error", messages, &path);
                    let message = message.as_str().unwrap();
                    let begin = format!("AI gateway: no route for {method} {path}. ");
                    assert!(message.starts_with(&begin) && message.ends_with('.'), "{message}");
                    world.done();
                    assert_eq!(world.records, 0);
                }
            }
        }
        for below in ["", "/", "/nobody/v1/messages", "/v1/messages", "/openai/chat/completions", "/openai"] {
            let path = format!("{root}{below}");
            let world = asked(&bridge, "POST", &path, &[]);
            let messages = path.ends_with("/messages");
            refused(&world, 404, "not_found", "not_found_error", messages, &path);
        }
    }
}

#[test]
fn a_disabled_provider_is_503_everywhere_below_its_prefix() {
    for root in ROOTS {
        let (bridge, providers) = gateway(root, BASES[0], false);
        for mounted in &providers {
            let bridged: Vec<&str> = mounted.row.bridged.iter().map(|(route, _)| *route).collect();
            let paths = bridged.iter().chain(mounted.row.passthrough).chain(&NOWHERE);
            for (below, slash) in paths.flat_map(|path| [(*path, ""), (*path, "/")]) {
                let path = format!("{}{below}{slash}", mounted.prefix);
                if path.contains("//") {
                    continue;
                }
                for method in ["POST", "GET"] {
                    let mut world = asked(&bridge, method, &path, &[("upgrade", "websocket"), CALLER[0]]);
                    let messages = mounted.is_messages(below);
                    let kind = if messages { "overloaded_error" } else { "server_error" };
                    refused(&world, 503, "provider_disabled", kind, messages, &path);
                    world.done();
                    let records = usize::from(bridged.contains(&below.trim_end_matches('/')));
                    assert_eq!(world.records, records, "{method} {path}");
                    if records == 1 {
                        let record = world.record();
                        assert_eq!(record["outcome"], "rejected", "{path}");
                        assert_eq!(record["error"]["code"], "provider_disabled", "{path}");
                        assert_eq!(record["response"]["status"], 503, "{path}");
                    }
                }
            }
            // An unsafe path is refused first, and a path below no prefix is unknown.
            let world = asked(&bridge, "POST", &format!("{}/../x", mounted.prefix), &[]);
            assert_eq!(world.replied().0, 400);
            let world = asked(&bridge, "POST", &format!("{}x/v1/messages", mounted.prefix), &[]);
            assert_eq!(world.replied().0, 404);
        }
    }
}

#[test]
fn an_unsafe_path_is_400_everywhere_below_the_root() {
    let segments = [
        ".",
        "..",
        "%2e",
        "%2E%2e",
        ".%2e",
        "x%2F..",
        "..%2Fx",
        "x%2f.%2fy",
        "%2F",
        "x%2F%2Fy",
        "",
        "%20",
        "%09",
        "%20%20",
        "%C2%A0",
        "%E3%80%80",
        "x%2F%20",
        "a\\b",
        "%5C",
        "%5c..",
        "%00",
        "a%00b",
        "%",
        "%4",
        "%zz",
        "a%g0",
        "%%41",
    ];
    for root in ROOTS {
        let (bridge, providers) = gateway(root, BASES[0], true);
        for (place, messages) in providers
            .iter()
            .flat_map(|mounted| {
                let routes = mounted.row.bridged.iter().map(|(route, _)| *route);
                let places = routes.chain(mounted.row.passthrough.iter().copied()).chain(["", "/nowhere"]);
                places.map(|route| {
                    let route = route.trim_end_matches('/');
                    (format!("{}{route}", mounted.prefix), mounted.is_messages(route))
                })
            })
            .chain([(root.to_owned(), false), (format!("{root}/nobody"), false)])
        {
            for (segment, end) in segments.iter().flat_map(|segment| [(*segment, "/x"), (*segment, "/x?y")]) {
                let path = format!("{place}/{segment}{end}");
                for method in ["POST", "GET"] {
                    let mut world = asked(&bridge, method, &path, &[("upgrade", "websocket"), CALLER[0]]);
                    let message =
                        refused(&world, 400, "invalid_path", "invalid_request_error", messages, &path);
                    assert!(
                        message
                            .as_str()
                            .unwrap()
                            .starts_with("AI gateway: the request path is not acceptable: ")
                    );
                    world.done();
                    assert_eq!(world.records, 0, "{path}");
                }
            }
        }
    }
}
