//! Headers as they are: an ordered list of lower-case names and byte values; what is to change in them; and
//! which of a client's headers end at this hop. Which credential goes upstream is not decided here.

use core::fmt;
use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::glob::Glob;

/// The headers that carry credentials, for whatever provider (contract §4).
pub const CREDENTIAL_HEADERS: [&str; 5] =
    ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// Everything that the filter itself says in headers begins so.
const OWN_PREFIX: &str = "x-ai-bridge-";

/// What a header is to the message in which it stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It concerns one connection only: RFC 9110 §7.6.1, with `proxy-authenticate` of RFC 9110 §11.7.1 and
    /// `http2-settings` of RFC 7540 §3.2.1. `te` goes with its `trailers` too: whether the next hop wants trailers is
    /// between Envoy and it.
    HopByHop,
    /// Without it the message is another one: where it goes, where it ends, how its body is read.
    Message,
    /// Any other.
    Other,
}

/// One message's headers. Names are lower case (Envoy gives them so); a name may stand more than once.
///
/// Any value may be a secret, so that `Debug` shows names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, Vec<u8>)>);

/// What is to change in a message's headers: all removals first, then all settings.
///
/// Any value may be a secret, so that `Debug` shows names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HeaderEdits {
    /// Names of which every value goes, each once.
    pub remove: Vec<Cow<'static, str>>,
    /// Names that get exactly this one value, each once.
    pub set: Vec<(Cow<'static, str>, Vec<u8>)>,
}

/// Which headers of a client's request are not sent upstream, whatever the provider (contract §3); built once
/// per configuration.
#[derive(Clone, Debug, Default)]
pub struct Stripping {
    named: Vec<String>,
    patterns: Vec<Glob>,
}

// === impl Role ===

impl Role {
    fn of(name: &str) -> Self {
        match name {
            "connection" | "keep-alive" | "proxy-connection" | "te" | "trailer" | "transfer-encoding"
            | "upgrade" | "proxy-authenticate" | "http2-settings" => Self::HopByHop,
            "" | "host" | "content-length" | "content-type" | "content-encoding" => Self::Message,
            _ if name.starts_with(':') => Self::Message,
            _ => Self::Other,
        }
    }
}

// === impl Headers ===

impl Headers {
    /// Headers in the order in which they came.
    #[must_use]
    pub fn new(pairs: Vec<(String, Vec<u8>)>) -> Self {
        Self(pairs)
    }

    /// Every name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// Every value of `name`, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(n, _)| is(n, name)).map(|(_, value)| value)
    }

    /// The first value of `name`.
    #[must_use]
    pub fn first(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(n, _)| is(n, name)).map(|(_, value)| value)
    }

    /// The first value of `name`, where it is UTF-8.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.first(name).and_then(|value| core::str::from_utf8(value).ok())
    }

    /// Whether `name` is there, also with an empty value.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.first(name).is_some()
    }

    /// Whether `name` has two or more values.
    #[must_use]
    pub fn repeats(&self, name: &str) -> bool {
        self.all(name).nth(1).is_some()
    }

    /// The status of a response.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.text(":status")?.parse().ok()
    }

    /// The status of a response that is an error.
    #[must_use]
    pub fn error_status(&self) -> Option<u16> {
        self.status().filter(|status| *status >= 400)
    }

    /// The number in `content-length`: digits alone (RFC 9110 §8.6). A number above `u64::MAX` counts as `u64::MAX`.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        let digits = self.text("content-length")?.trim();
        let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| digits.parse().unwrap_or(u64::MAX))
    }

    /// Whether the body is in a content coding other than `identity` (RFC 9110 §8.4).
    #[must_use]
    pub fn is_encoded(&self) -> bool {
        let codings = self.all("content-encoding").flat_map(|value| value.split(|byte| *byte == b','));
        codings
            .map(<[u8]>::trim_ascii)
            .any(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case(b"identity"))
    }

    /// The path of a request without its query; empty where there is none.
    #[must_use]
    pub fn path_without_query(&self) -> &[u8] {
        let path = self.first(":path").unwrap_or_default();
        path.split(|byte| *byte == b'?').next().unwrap_or_default()
    }

    /// The present headers that a `Connection` header names, of any number of them. Every token is looked up
    /// once, so that thousands of them cost no more than reading them.
    fn nominated(&self) -> BTreeSet<&str> {
        if !self.contains("connection") {
            return BTreeSet::new();
        }
        // One by one: collecting brings two sorting algorithms into the module.
        let mut present = BTreeSet::new();
        for (name, _) in self.iter() {
            present.insert(name);
        }
        let mut token = String::new();
        let mut nominated = BTreeSet::new();
        for part in self.all("connection").flat_map(|value| value.split(|byte| *byte == b',')) {
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
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// Whether `Connection` names a header that it may name.
fn ends_here(name: &str, nominated: &BTreeSet<&str>) -> bool {
    nominated.contains(name) && !CREDENTIAL_HEADERS.contains(&name)
}

/// Whether two names are the same. (Those of one length seldom end alike, and what compares slices is a call in wasm.)
#[inline(always)]
fn is(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.as_bytes().last() == other.as_bytes().last() && one == other
}

// === impl HeaderEdits ===

impl HeaderEdits {
    /// Every value of `name` goes. Asking twice is asking once.
    pub fn remove(&mut self, name: impl Into<Cow<'static, str>>) {
        let name = name.into();
        if !self.remove.contains(&name) {
            self.remove.push(name);
        }
    }

    /// `name` gets exactly this value; the last one asked for stays.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Vec<u8>>) {
        let (name, value) = (name.into(), value.into());
        match self.set.iter_mut().find(|(n, _)| *n == name) {
            Some((_, earlier)) => *earlier = value,
            None => self.set.push((name, value)),
        }
    }

    /// Carries the edits out: what the next hop sees.
    pub fn apply(&self, headers: &mut Headers) {
        let applied = self.applied(headers).into_iter();
        headers.0 = applied.map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
    }

    /// The same without a copy of anything. A set header stands at the end.
    #[must_use]
    pub fn applied<'a>(&'a self, headers: &'a Headers) -> Vec<(&'a str, &'a [u8])> {
        let mut applied = Vec::with_capacity(headers.0.len() + self.set.len());
        applied.extend(headers.iter().filter(|(name, _)| self.keeps(name)));
        applied.extend(self.set.iter().map(|(name, value)| (&**name, value.as_slice())));
        applied
    }

    fn keeps(&self, name: &str) -> bool {
        !self.remove.iter().any(|removed| removed == name) && !self.set.iter().any(|(set, _)| set == name)
    }
}

impl fmt::Debug for HeaderEdits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let set: Vec<&str> = self.set.iter().map(|(name, _)| &**name).collect();
        f.debug_struct("HeaderEdits").field("remove", &self.remove).field("set", &set).finish()
    }
}

// === impl Stripping ===

impl Stripping {
    /// `named` are exact lower-case names: the cluster header, the gateway's credential headers, the actor's
    /// headers. `patterns` are the configured `remove_headers`.
    pub fn new<'a>(named: impl IntoIterator<Item = &'a str>, patterns: &[Glob]) -> Self {
        Self { named: named.into_iter().map(str::to_owned).collect(), patterns: patterns.to_vec() }
    }

    /// The present headers that are not sent upstream, each once, in the order of their first values: hop-by-hop, those
    /// that `Connection` names, our own `x-ai-bridge-…`, the named ones and those that fit a pattern.
    ///
    /// Nobody can name away what makes the message (pseudo headers, `host`, `content-length`, `content-type`,
    /// `content-encoding`), nor a client a credential: an injector behind this filter would put the central key in the
    /// place of the caller's own, which alone was inspected.
    #[must_use]
    pub fn list(&self, headers: &Headers) -> Vec<Cow<'static, str>> {
        let nominated = headers.nominated();
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&str, &str)]) -> Headers {
        Headers::new(pairs.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect())
    }

    fn names(headers: &Headers) -> Vec<&str> {
        headers.iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn removals_come_before_settings_and_every_name_is_asked_for_once() {
        let mut edits = HeaderEdits::default();
        edits.remove("x-api-key");
        edits.remove("x-api-key");
        edits.remove("cookie");
        edits.set(":path", "/first");
        edits.set("x-api-key", "ours");
        edits.set(":path", "/v1/messages");
        assert_eq!(edits.remove, ["x-api-key", "cookie"]);
        assert_eq!(edits.set.len(), 2);

        let mut seen = headers(&[
            (":path", "/anthropic/v1/messages"),
            ("x-api-key", "theirs"),
            ("accept", "a"),
            ("cookie", "1"),
            ("accept", "b"),
            ("cookie", "2"),
        ]);
        edits.apply(&mut seen);
        assert!(
            seen == headers(&[
                ("accept", "a"),
                ("accept", "b"),
                (":path", "/v1/messages"),
                ("x-api-key", "ours")
            ])
        );
    }

    /// What goes where nothing is configured.
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
    fn connection_names_more_in_any_case_with_any_spaces_in_any_number_of_headers() {
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
    fn connection_cannot_name_what_makes_the_message_or_carries_a_credential() {
        let mut pairs = vec![(":path", "/"), (":method", "POST"), (":authority", "a"), ("x-one", "1")];
        let of_the_message = ["host", "content-length", "content-type", "content-encoding"];
        pairs.extend(of_the_message.iter().chain(&CREDENTIAL_HEADERS).map(|name| (*name, "x")));
        let all = pairs.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(",");
        pairs.push(("connection", &all));
        assert_eq!(hop_by_hop(&headers(&pairs)), ["x-one", "connection"]);
    }

    fn usual() -> Stripping {
        let patterns = ["cookie", "x-forwarded-client-cert", "x-amzn-oidc-*"].map(Glob::new);
        Stripping::new(["x-upstream-cluster", "x-gateway-token", "x-user", "x-team"], &patterns)
    }

    #[test]
    fn what_is_not_for_the_upstream_is_listed_once_and_everything_else_stays() {
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
    fn no_pattern_and_no_name_takes_what_makes_the_message() {
        let seen = headers(&[(":path", "/"), ("host", "a"), ("content-type", "b"), ("accept", "c")]);
        assert_eq!(Stripping::new([], &[Glob::new("*")]).list(&seen), ["accept"]);
        assert_eq!(Stripping::new([":path", "host", "content-type", "accept"], &[]).list(&seen), ["accept"]);
    }

    #[test]
    fn debug_shows_names_and_no_value() {
        let seen = headers(&[("authorization", "Bearer sk-ant-SECRET")]);
        let mut edits = HeaderEdits::default();
        edits.set("x-api-key", "sk-ant-SECRET");
        let shown = format!("{seen:?} {edits:?}");
        assert!(shown.contains("authorization") && shown.contains("x-api-key"), "{shown}");
        assert!(!shown.contains("SECRET"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_headers_are_listed_once_each_and_the_message_stays(
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
