//! The headers of a client's request that are not sent upstream, whatever the provider
//! (`envoy/behaviour.md#headers`): what is removed by default, and how the list of one request is made.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::{CREDENTIAL_HEADERS, Headers, Role};
use crate::glob::Glob;

/// Patterns of the headers that are removed unless `remove_headers` is configured: cookies, and headers in which
/// Envoy (`x-forwarded-client-cert`) and AWS load balancers (`x-amzn-oidc-*`) describe a company's own user.
pub const REMOVED_BY_DEFAULT: [&str; 3] = ["cookie", "x-forwarded-client-cert", "x-amzn-oidc-*"];

/// The prefix of every header that this filter defines.
const OWN_PREFIX: &str = "x-ai-bridge-";

/// Selects the headers of a client's request that are not sent upstream. Built once per configuration.
#[derive(Clone, Debug, Default)]
pub struct Stripping {
    named: Vec<String>,
    patterns: Vec<Glob>,
}

// === impl Stripping ===

impl Stripping {
    /// `named` are exact lower-case names: the cluster header, the gateway's credential headers, the actor's
    /// headers. `patterns` are the configured `remove_headers`.
    pub fn new<'a>(named: impl IntoIterator<Item = &'a str>, patterns: &[Glob]) -> Self {
        Self { named: named.into_iter().map(str::to_owned).collect(), patterns: patterns.to_vec() }
    }

    /// The present headers that are not sent upstream, each once, in the order of their first values: hop-by-hop
    /// headers, those that `Connection` names, this filter's own `x-ai-bridge-…`, the named ones and those that match a
    /// pattern.
    ///
    /// A header that makes the message (pseudo headers, `host`, `content-length`, `content-type`, `content-encoding`) is
    /// never listed. A credential is not listed because `Connection` names it: otherwise a client could have its own
    /// credential removed after the inspection, and an injector behind this filter would add the central key.
    #[must_use]
    pub fn list(&self, headers: &Headers) -> Vec<Cow<'static, str>> {
        let nominated = nominated(headers);
        let goes = |name: &str| match Role::of(name) {
            Role::HopByHop => true,
            Role::Message => false,
            Role::Other => ends_here(name, &nominated) || self.holds(name),
        };
        let mut seen = BTreeSet::new();
        headers
            .iter()
            .filter(|(name, _)| goes(name) && seen.insert(*name))
            .map(|(name, _)| Cow::Owned(name.to_owned()))
            .collect()
    }

    fn holds(&self, name: &str) -> bool {
        name.starts_with(OWN_PREFIX)
            || self.named.iter().any(|named| named == name)
            || self.patterns.iter().any(|pattern| pattern.matches(name))
    }
}

/// The present headers that a `Connection` header names; there may be several such headers. Every token is looked up
/// once, so thousands of tokens cost no more than reading them.
fn nominated(headers: &Headers) -> BTreeSet<&str> {
    if !headers.contains("connection") {
        return BTreeSet::new();
    }
    // Inserted one by one: `collect` would add two sorting algorithms to the module.
    let mut present = BTreeSet::new();
    for (name, _) in headers.iter() {
        present.insert(name);
    }
    let mut token = String::new();
    let mut nominated = BTreeSet::new();
    for part in headers.all("connection").flat_map(|value| value.split(|byte| *byte == b',')) {
        let Ok(part) = core::str::from_utf8(part) else { continue };
        token.clear();
        token.push_str(part.trim());
        token.make_ascii_lowercase();
        if let Some(name) = present.get(token.as_str()) {
            nominated.insert(*name);
        }
    }
    nominated
}

/// Whether `Connection` names the header, and may name it.
fn ends_here(name: &str, nominated: &BTreeSet<&str>) -> bool {
    nominated.contains(name) && !CREDENTIAL_HEADERS.contains(&name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::HeaderEdits;
    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        Headers::new(pairs.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect())
    }

    fn names(headers: &Headers) -> Vec<&str> {
        headers.iter().map(|(name, _)| name).collect()
    }

    /// The headers that are removed without any configuration.
    fn hop_by_hop(headers: &Headers) -> Vec<Cow<'static, str>> {
        Stripping::default().list(headers)
    }

    #[test]
    fn hop_by_hop_headers_are_the_fixed_ones_that_are_there() {
        for name in [
            "connection",
            "keep-alive",
            "proxy-connection",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "proxy-authenticate",
            "http2-settings",
        ] {
            assert_eq!(hop_by_hop(&headers(&[("accept", "x"), (name, "trailers")])), [name]);
        }
        assert!(hop_by_hop(&headers(&[("accept", "x"), ("trailers", "x")])).is_empty());
        assert!(hop_by_hop(&Headers::default()).is_empty());
    }

    #[test]
    fn connection_names_headers_in_any_case_spacing_and_number() {
        let seen = headers(&[
            ("x-one", "1"),
            ("connection", "close, X-One ,,\tx-TWO"),
            ("x-two", "2"),
            ("x-two", "again"),
            ("x-three", "3"),
            ("connection", "x-three, x-absent"),
            ("x-kept", "4"),
        ]);
        assert_eq!(hop_by_hop(&seen), ["x-one", "connection", "x-two", "x-three"]);
    }

    #[test]
    fn a_broken_token_in_connection_hides_no_other() {
        let seen = Headers::new(vec![
            ("connection".into(), b"\xff\xfe, x-one".to_vec()),
            ("x-one".into(), vec![0xff]),
        ]);
        assert_eq!(hop_by_hop(&seen), ["connection", "x-one"]);
    }

    #[test]
    fn connection_cannot_name_message_headers_or_credentials() {
        let mut pairs = vec![(":path", "/"), (":method", "POST"), (":authority", "a"), ("x-one", "1")];
        let of_the_message = ["host", "content-length", "content-type", "content-encoding"];
        pairs.extend(of_the_message.iter().chain(&CREDENTIAL_HEADERS).map(|name| (*name, "x")));
        let all = pairs.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",");
        pairs.push(("connection", &all));
        assert_eq!(hop_by_hop(&headers(&pairs)), ["x-one", "connection"]);
    }

    fn usual() -> Stripping {
        let patterns = REMOVED_BY_DEFAULT.map(Glob::new);
        Stripping::new(["x-upstream-cluster", "x-gateway-token", "x-user", "x-team"], &patterns)
    }

    #[test]
    fn stripped_headers_are_listed_once_and_all_others_stay() {
        let seen = headers(&[
            (":method", "POST"),
            (":path", "/anthropic/v1/messages"),
            ("x-ai-bridge-cluster", "evil"),
            ("x-ai-bridge-anything", "evil"),
            ("x-upstream-cluster", "evil"),
            ("x-gateway-token", "gw_1"),
            ("x-user", "ann"),
            ("x-team", "red"),
            ("x-team", "blue"),
            ("cookie", "a=b"),
            ("x-forwarded-client-cert", "…"),
            ("x-amzn-oidc-data", "…"),
            ("x-amzn-trace-id", "…"),
            ("connection", "x-user, x-hop"),
            ("x-hop", "1"),
            ("te", "trailers"),
            ("anthropic-version", "2023-06-01"),
            ("content-type", "application/json"),
            ("x-ai-bridge", "not ours"),
        ]);
        let list = usual().list(&seen);
        assert_eq!(
            list,
            [
                "x-ai-bridge-cluster",
                "x-ai-bridge-anything",
                "x-upstream-cluster",
                "x-gateway-token",
                "x-user",
                "x-team",
                "cookie",
                "x-forwarded-client-cert",
                "x-amzn-oidc-data",
                "connection",
                "x-hop",
                "te",
            ]
        );
        let mut upstream = seen;
        HeaderEdits { remove: list, set: vec![] }.apply(&mut upstream);
        assert_eq!(
            names(&upstream),
            [":method", ":path", "x-amzn-trace-id", "anthropic-version", "content-type", "x-ai-bridge"]
        );
    }

    #[test]
    fn no_pattern_and_no_name_removes_a_message_header() {
        let seen = headers(&[(":path", "/"), ("host", "a"), ("content-type", "b"), ("accept", "c")]);
        assert_eq!(Stripping::new([], &[Glob::new("*")]).list(&seen), ["accept"]);
        assert_eq!(Stripping::new([":path", "host", "content-type", "accept"], &[]).list(&seen), ["accept"]);
    }

    proptest! {
        #[test]
        fn any_headers_are_listed_once_and_message_headers_stay(
            pairs in prop::collection::vec((
                prop::sample::select(vec![
                    "connection", "te", ":path", "host", "content-length", "x-a", "x-b", "authorization", "cookie",
                ]),
                prop_oneof!["(, ?|X-A|x-b|:path|host|content-length|authorization|close){0,6}".prop_map(String::into_bytes),
                            prop::collection::vec(any::<u8>(), 0..20)],
            ), 0..12)
        ) {
            let seen = Headers::new(pairs.into_iter().map(|(n, v)| (n.to_owned(), v)).collect());
            let list = usual().list(&seen);
            let once: BTreeSet<&str> = list.iter().map(|name| &**name).collect();
            prop_assert_eq!(once.len(), list.len());
            for name in &list {
                prop_assert!(seen.contains(name) && Role::of(name) != Role::Message && name != "authorization");
            }
        }
    }
}
