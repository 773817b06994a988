//! What the filter makes of a path, compared with a second, plain implementation over paths made of pieces that nearly
//! mean something.

use crate::routes::{ROWS, Row};
use ai_bridge::bridge::Bridge;
use ai_bridge::headers::Headers;
use proptest::prelude::*;
use serde_json::json;
use std::rc::Rc;
use world::{World, bridge, head};

/// What becomes of a request.
#[derive(Debug, PartialEq)]
enum Meaning {
    /// It passes unchanged.
    Outside,
    /// It gets this status; whether in the shape of the Messages API.
    Refused(u16, bool),
    /// It goes upstream with this path; whether it leaves a record.
    Sent { path: Vec<u8>, recorded: bool },
}

/// An instance of each type: its name, its base URL's path, and its row of the table.
const PLACES: [(&str, &str, &Row); 3] =
    [("a-1", "/api", &ROWS[0]), ("o", "/x/v1", &ROWS[1]), ("c", "", &ROWS[2])];

/// The path, percent-decoded once; `None`: an escape is invalid.
fn decoded(path: &[u8]) -> Option<Vec<u8>> {
    let mut parts = path.split(|byte| *byte == b'%');
    let mut decoded = parts.next().unwrap_or_default().to_vec();
    for part in parts {
        let digits = part.get(..2).filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
        decoded.push(u8::from_str_radix(core::str::from_utf8(digits).ok()?, 16).ok()?);
        decoded.extend(&part[2..]);
    }
    Some(decoded)
}

fn is_unhygienic(below_root: &[u8]) -> bool {
    let odd = |byte: &u8| byte.is_ascii_control() || b" #".contains(byte);
    let Some(decoded) = decoded(below_root) else { return true };
    let inner = decoded.strip_prefix(b"/").unwrap_or(&decoded);
    let segments: Vec<&[u8]> = inner.split(|byte| *byte == b'/').collect();
    let last = segments.len().saturating_sub(1);
    core::str::from_utf8(below_root).is_err()
        || below_root.iter().any(odd)
        || decoded.iter().any(|byte| [b'\\', 0].contains(byte))
        || segments.iter().enumerate().any(|(at, segment)| {
            let before_parameters = segment.split(|byte| *byte == b';').next().unwrap();
            let blank = core::str::from_utf8(segment).is_ok_and(|text| text.chars().all(char::is_whitespace));
            [&b"."[..], b".."].contains(&before_parameters) || (blank && !(segment.is_empty() && at == last))
        })
}

/// Whether `route` is on the passthrough route `pattern`: one that ends in a slash includes everything below.
fn is_passthrough(pattern: &str, route: &[u8]) -> bool {
    route == pattern.as_bytes()
        || (pattern.ends_with('/')
            && (route.starts_with(pattern.as_bytes()) || route == pattern.trim_end_matches('/').as_bytes()))
}

/// What has to become of a request, by a plain reading of the rules.
fn meaning(root: &str, method: &str, target: &[u8]) -> Meaning {
    let query_at = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at(query_at);
    let Some(below_root) = path
        .strip_prefix(root.as_bytes())
        .filter(|rest| root.is_empty() || b"/".starts_with(&rest[..rest.len().min(1)]))
    else {
        return Meaning::Outside;
    };
    let found = PLACES.iter().find_map(|(name, base_path, row)| {
        let rest = below_root.strip_prefix(format!("/{name}{}", row.suffix).as_bytes())?;
        (rest.is_empty() || rest[0] == b'/').then_some((base_path, row, rest))
    });
    let outside = below_root.strip_suffix(b"/").unwrap_or(below_root).ends_with(b"/messages");
    let messages = found.map_or(outside, |(_, row, route)| {
        let at = route.strip_prefix(b"/v1/messages").is_some_and(|rest| rest.is_empty() || rest[0] == b'/');
        row.kind == "anthropic" || (row.kind == "copilot" && at)
    });
    if is_unhygienic(below_root) {
        return Meaning::Refused(400, messages);
    }
    let Some((base_path, row, route)) = found else { return Meaning::Refused(404, messages) };
    let sent = |route: &[u8], recorded| Meaning::Sent {
        path: [base_path.as_bytes(), route, query].concat(),
        recorded,
    };
    let routes = || row.bridged.iter().map(|(pattern, _)| pattern.as_bytes());
    let bridged = routes().find(|pattern| route == *pattern || route.strip_suffix(b"/") == Some(*pattern));
    if let Some(pattern) = bridged {
        return if method == "POST" { sent(pattern, true) } else { Meaning::Refused(405, messages) };
    }
    // An escaped spelling of a bridged route is 404, also with a suffix that an upstream might drop.
    let plain = decoded(route).unwrap();
    let plain = plain.split(|byte| b"?#;".contains(byte)).next().unwrap().trim_ascii();
    let plain = plain.strip_suffix(b"/").unwrap_or(plain).trim_ascii();
    // Nor does the letter case make another route of it.
    if routes().any(|pattern| pattern.eq_ignore_ascii_case(plain)) {
        return Meaning::Refused(404, messages);
    }
    if row.passthrough.iter().any(|pattern| is_passthrough(pattern, route)) {
        return sent(route, false);
    }
    Meaning::Refused(404, messages)
}

const ROOTS: [&str; 3] = ["", "/root", "/root/%2Fdeep"];

thread_local! {
    /// A gateway below each root.
    static BRIDGES: [(&'static str, Rc<Bridge>); 3] = ROOTS.map(|root| {
        let providers = PLACES.map(|(name, base_path, row)| {
            json!({"type": row.kind, "name": name, "base_url": format!("https://h{base_path}")})
        });
        (root, bridge(&json!({"root": root, "providers": providers}).to_string()))
    });
}

/// What the filter makes of the request.
fn made(root: &str, method: &str, target: &[u8]) -> Meaning {
    let bridge = BRIDGES.with(|bridges| Rc::clone(&bridges.iter().find(|(of, _)| *of == root).unwrap().1));
    let mut pairs: Vec<(String, Vec<u8>)> = head("", &[("authorization", "Bearer own")])
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_vec()))
        .collect();
    pairs.extend([(":method".to_owned(), method.into()), (":path".to_owned(), target.to_vec())]);
    let mut world = World::new(&bridge);
    world.request(Headers::new(pairs), false);
    let meaning = match &world.reply {
        Some(_) => {
            let (status, body) = world.replied();
            Meaning::Refused(status, body["type"] == "error")
        }
        None => {
            let sent = world.upstream_headers.clone().unwrap();
            let path = sent.first(":path").unwrap().to_vec();
            if sent.contains("x-ai-bridge-cluster") {
                let recorded = world.published.contains_key("ai_bridge_id");
                return Meaning::Sent { path, recorded };
            }
            assert_eq!(path, target);
            Meaning::Outside
        }
    };
    world.done();
    assert_eq!(world.records, 0, "{meaning:?}");
    meaning
}

/// Paths are made of these pieces.
const PIECES: &[&[u8]] = &[
    b"/",
    b"/",
    b"/",
    b"/",
    b"%2F",
    b"%2f",
    b".",
    b"..",
    b"%2e",
    b"%2E.",
    b"%",
    b"%4",
    b"%00",
    b"%5c",
    b"\\",
    b"%20",
    b" ",
    b"%09",
    b"\t",
    b"%C2%A0",
    b"?",
    b"?a=/../%zz",
    b"%3F",
    b"#",
    b"%23",
    b";",
    b"%3B",
    b"..;",
    b"%25",
    b"%2561",
    b"\xff",
    b"%ff",
    "é".as_bytes(),
    b"x",
    b"X",
    b"{y}",
    b"a-1",
    b"/a-1",
    b"/o/v1",
    b"/o",
    b"/c",
    b"/v1",
    b"v%31",
    b"/root",
    b"%72oot",
    b"/messages",
    b"/m%65ssages",
    b"/chat/completions",
    b"/responses",
    b"/compact",
    b"comp%61ct",
    b"/models",
    b"/mod%65ls",
    b"/count_tokens",
    b"/conversations",
    b"/agents",
    b"/mcp",
    b"/.well-known",
    b"/_ping",
    b"/api",
    b"/hello",
    b"/event_logging",
    b"/o/v1/responses/",
    b"/a-1/v1/models/",
    b"/a-1/v1/messages",
    b"/c/agents/",
    b"/c/v1/messages",
    b"/c/responses/compact",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn any_path_is_handled_as_the_plain_reading_says(
        root in prop::sample::select(&ROOTS[..]),
        below in any::<bool>(),
        method in prop::sample::select(&["POST", "GET"][..]),
        start in prop::sample::select(PIECES),
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..6),
    ) {
        let target = [if below { root.as_bytes() } else { b"" }, start, &pieces.concat()].concat();
        let said = meaning(root, method, &target);
        prop_assert_eq!(made(root, method, &target), said, "{} {} {}", root, method, target.escape_ascii());
    }
}

#[test]
fn the_plain_reading_agrees_with_known_examples() {
    let sent = |path: &str, recorded| Meaning::Sent { path: path.into(), recorded };
    for (method, target, expected) in [
        ("POST", "/o/v1/chat/completions", sent("/x/v1/chat/completions", true)),
        ("POST", "/a-1/v1/messages?beta=true", sent("/api/v1/messages?beta=true", true)),
        ("POST", "/a-1/v1/models", sent("/api/v1/models", false)),
        ("POST", "/o/v1/responses/", sent("/x/v1/responses", true)),
        ("GET", "/o/v1/responses/", Meaning::Refused(405, false)),
        ("GET", "/a-1/v1/messages/", Meaning::Refused(405, true)),
        ("GET", "/c/agents", sent("/agents", false)),
        ("GET", "/o/v1/models/a%2Fb", sent("/x/v1/models/a%2Fb", false)),
        ("POST", "/o/v1/responses/comp%61ct", Meaning::Refused(404, false)),
        ("POST", "/a-1/v1/models/%2e%2e", Meaning::Refused(400, true)),
        ("POST", "/nobody", Meaning::Refused(404, false)),
        ("POST", "/v1/messages?beta=true", Meaning::Refused(404, true)),
        ("GET", "/nobody/messages/", Meaning::Refused(404, true)),
        ("POST", "/v1/messagesx", Meaning::Refused(404, false)),
        ("POST", "/c/v1/messages/x", Meaning::Refused(404, true)),
    ] {
        assert_eq!(meaning("", method, target.as_bytes()), expected, "{method} {target}");
        assert_eq!(made("", method, target.as_bytes()), expected, "{method} {target}");
    }
}
