//! `passthrough`: more routes of a provider that are forwarded without inspection.

use super::node::Node;
use super::quoted::quoted;
use crate::provider::{Profile, is_at_or_below, may_be_at_or_below};

/// Most routes.
const MOST_ROUTES: usize = 64;
/// Bytes of the longest route.
const LONGEST_ROUTE_BYTES: usize = 256;
/// Most `{name}` of one route. `matchit` panics at a route with more than 25.
const MOST_PARAMETERS: usize = 4;

/// The routes in `node`; none may be at or below a bridged route of `profile`.
pub(super) fn passthrough_routes(node: &Node<'_>, profile: Option<&Profile>) -> Option<Vec<String>> {
    let routes = node.each("paths", |node| {
        let route = node.text()?;
        let mut bridged = profile.iter().flat_map(|profile| profile.bridged);
        let bridged = bridged.find(|(bridged, _)| may_be_at_or_below(route, bridged));
        if !is_route(route) {
            node.problem(format_args!(
                "expected a path below the provider's prefix, such as \"/embeddings\" or \"/files/\", as clients \
                 write it: unescaped, without query, dot segment or empty segment, found {}",
                quoted(route)
            ));
        } else if route.len() > LONGEST_ROUTE_BYTES {
            node.problem(format_args!("longer than {LONGEST_ROUTE_BYTES} bytes"));
        } else if route.matches('{').count() > MOST_PARAMETERS {
            node.problem(format_args!(
                "expected at most {MOST_PARAMETERS} parameters, found {}",
                route.matches('{').count()
            ));
        } else if let Some((bridged, _)) = bridged {
            node.problem(format_args!(
                "{} equals or lies below {}, which is inspected and recorded",
                quoted(route),
                quoted(bridged)
            ));
        } else {
            return Some(route.to_owned());
        }
        None
    })?;
    if routes.len() > MOST_ROUTES {
        node.problem(format_args!("expected at most {MOST_ROUTES} paths, found {}", routes.len()));
        return None;
    }
    let subtrees = || routes.iter().filter_map(|route| route.strip_suffix('/'));
    for route in routes.iter().filter(|route| route.contains('{')) {
        let within = |subtree: &&str| {
            subtree.len() < route.len().saturating_sub(1) && is_at_or_below(route.as_bytes(), subtree)
        };
        if let Some(subtree) = subtrees().find(within) {
            node.problem(format_args!("{} is a part of \"{subtree}/\"; leave it out", quoted(route)));
        }
    }
    Some(routes)
}

/// Whether `route` is a path that a request can have as written. A segment may be a name in braces, with or without text
/// behind it.
fn is_route(route: &str) -> bool {
    let Some(below) = route.strip_prefix('/') else { return false };
    let below = below.strip_suffix('/').unwrap_or(below);
    below.split('/').all(|segment| is_literal(segment) || is_parameter(segment))
}

/// Whether `segment` has only characters that need no escape (RFC 3986 §3.3) and have one meaning. `;` begins path
/// parameters, which some servers drop.
fn is_literal(segment: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,=:@".contains(&byte);
    !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(is_plain)
}

/// Whether `segment` is `{name}` with or without a literal text behind it.
fn is_parameter(segment: &str) -> bool {
    let parts = segment.strip_prefix('{').and_then(|rest| rest.split_once('}'));
    parts.is_some_and(|(name, text)| {
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        is_name && (text.is_empty() || is_literal(text))
    })
}
