//! Paths made of pieces of routes, and of any bytes.

use super::*;
use proptest::prelude::*;

/// Pieces of paths that are nearly routes.
const PIECES: &[&str] = &[
    "/",
    "/",
    "/",
    "%2F",
    "%2f",
    ".",
    "%2e",
    "..",
    "%",
    "%00",
    "%5C",
    "\\",
    "%20",
    "?",
    "%3F",
    "#",
    "%23",
    "%25",
    "openai",
    "anthropic",
    "copilot",
    "deep",
    "v1",
    "v%31",
    "responses",
    "respons%65s",
    "compact",
    "comp%61ct",
    "chat/completions",
    "messages",
    "count_tokens",
    "models",
    "conversations",
    "agents",
    "/openai/v1/responses/",
    "/anthropic/v1/models/",
    "/copilot/agents/",
    "/azure/openai/",
    "/vertex/projects/p/locations/l/publishers/anthropic/models/",
    "/gemini/v1beta/models/",
    "/runtime/model/",
    "deployments",
    "count-tokens",
    "invoke",
    ":rawPredict",
    ":generateContent",
    "%3AgenerateContent",
    ":countTokens",
    "x",
    "é",
    "%C3%A9",
    "%ff",
    ";",
    " ",
];

/// `path` decoded once; a path with an invalid escape stays as it is, as with many upstreams.
fn upstream_decoding(path: &[u8]) -> Vec<u8> {
    percent::decode(path).map_or_else(|| path.to_vec(), std::borrow::Cow::into_owned)
}

fn check(path: &[u8]) {
    let table = table("");
    let found = table.find(b"GET", path);
    if let Some(index) = found.provider {
        assert!(path.starts_with(table.mounts[index].prefix.as_bytes()));
    }
    let (Target::Bridged { upstream_path, .. } | Target::Passthrough { upstream_path, .. }) = &found.target
    else {
        return;
    };
    let mount = &table.mounts[found.provider.unwrap()];
    let route = upstream_path.strip_prefix(mount.base_path.as_bytes()).unwrap();
    assert!(route.starts_with(b"/"));
    let route = route.split(|byte| *byte == b'?').next().unwrap();
    let written = route;
    for route in [route.to_vec(), upstream_decoding(route)] {
        assert!(!route.split(|byte| *byte == b'/').any(|segment| segment == b"." || segment == b".."));
        let route = route.split(|byte| *byte == b'?').next().unwrap();
        let exact = mount.profile.passthrough.iter().any(|passthrough| route == passthrough.route.as_bytes());
        let bridged = !exact && mount.profile.bridged.iter().any(|(pattern, _)| fits(route, pattern));
        match &found.target {
            // A model with an escaped `/` is no route after decoding.
            Target::Bridged { model: Some(_), .. } if route != written => {}
            Target::Bridged { .. } => assert!(bridged, "{}", path.escape_ascii()),
            Target::Outside | Target::Invalid(_) | Target::NotFound | Target::Passthrough { .. } => {
                assert!(!bridged, "{}", path.escape_ascii());
            }
        }
    }
}

/// Whether `route`, with or without a slash at its end, is the bridged route `pattern`.
fn fits(route: &[u8], pattern: &str) -> bool {
    let route = route.strip_suffix(b"/").unwrap_or(route);
    let segments: Vec<&[u8]> = route.split(|byte| *byte == b'/').collect();
    let expected: Vec<&str> = pattern.split('/').collect();
    segments.len() == expected.len()
        && segments.iter().zip(expected).all(|(segment, expected)| match expected.split_once('}') {
            Some((_, suffix)) => segment.len() > suffix.len() && segment.ends_with(suffix.as_bytes()),
            None => *segment == expected.as_bytes(),
        })
}

proptest! {
    #[test]
    fn no_path_leaves_its_base_path_or_avoids_recording(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..12)) {
        check(pieces.concat().as_bytes());
    }

    #[test]
    fn no_subtree_leads_to_a_bridged_route(
        start in prop::sample::select(&[
            "/openai/v1/responses/",
            "/anthropic/v1/messages/",
            "/copilot/agents/",
            "/azure/openai/responses/",
            "/vertex/projects/p/locations/l/publishers/anthropic/models/",
            "/gemini/v1beta/models/",
            "/runtime/model/",
        ][..]),
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..5),
    ) {
        check([start, &pieces.concat()].concat().as_bytes());
    }

    #[test]
    fn no_bytes_cause_a_panic(method: Vec<u8>, path: Vec<u8>) {
        for root in ["", "/a"] {
            let _ = table(root).find(&method, &path);
            let _ = table(root).find(&method, &[b"/openai/v1/models/", path.as_slice()].concat());
        }
    }
}
