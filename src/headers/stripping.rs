//! The headers of a client's request that are not sent upstream, whatever the provider
//! (`envoy/behaviour.md#headers`): what is removed by default, and how the list of one request is made.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::role::HOP_BY_HOP;
use super::{CREDENTIAL_HEADERS, Headers, Role};
use crate::glob::Glob;

/// Patterns of the headers that are removed unless `remove_headers` is configured: headers in which the components in front
/// of the filter name the caller, his address or his session. Each group names its source.
pub const REMOVED_BY_DEFAULT: &[&str] = &[
    "cookie",
    // Envoy: https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/headers
    "x-forwarded-client-cert",
    "x-envoy-external-address",
    // AWS load balancers: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
    // and https://docs.aws.amazon.com/elasticloadbalancing/latest/application/mutual-authentication.html
    "x-amzn-oidc-*",
    "x-amzn-mtls-clientcert*",
    // Addresses that any proxy may add; `forwarded` is RFC 7239.
    "x-forwarded-for",
    "x-real-ip",
    "forwarded",
    "x-client-ip",
    "x-cluster-client-ip",
    // CloudFront: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-cloudfront-headers.html
    "cloudfront-viewer-address",
    // Cloudflare: https://developers.cloudflare.com/fundamentals/reference/http-headers/ and, for `cf-access-*`,
    // https://developers.cloudflare.com/cloudflare-one/identity/authorization-cookie/validating-json/
    "cf-connecting-*",
    "true-client-ip",
    "cf-access-*",
    // Fastly: https://www.fastly.com/documentation/reference/http/http-headers/Fastly-Client-IP/
    "fastly-client-ip",
    // Fly.io: https://fly.io/docs/networking/request-headers/
    "fly-client-ip",
    // Azure Front Door: https://learn.microsoft.com/azure/frontdoor/front-door-http-headers-protocol
    "x-azure-clientip",
    "x-azure-socketip",
    // OAuth2 Proxy: https://oauth2-proxy.github.io/oauth2-proxy/configuration/overview
    "x-forwarded-user",
    "x-forwarded-email",
    "x-forwarded-preferred-username",
    "x-forwarded-groups",
    "x-forwarded-access-token",
    "x-auth-request-*",
    // Google's Identity-Aware Proxy: https://cloud.google.com/iap/docs/identity-howto
    "x-goog-iap-*",
    "x-goog-authenticated-*",
    // Azure App Service: https://learn.microsoft.com/azure/app-service/configure-authentication-user-identities
    "x-ms-client-principal*",
    "x-ms-token-*",
    // Ingress NGINX: https://github.com/kubernetes/ingress-nginx/blob/main/rootfs/etc/nginx/template/nginx.tmpl
    "x-original-forwarded-for",
    "ssl-client-*",
    // Traefik: https://doc.traefik.io/traefik/middlewares/http/passtlsclientcert
    "x-forwarded-tls-client-cert*",
    // authentik: https://docs.goauthentik.io/docs/providers/proxy
    "x-authentik-*",
    // Authelia: https://www.authelia.com/integration/trusted-header-sso/introduction
    "remote-user",
    "remote-groups",
    "remote-name",
    "remote-email",
    // Pomerium: https://www.pomerium.com/docs/reference/pass-identity-headers
    "x-pomerium-*",
    // Tailscale Serve: https://tailscale.com/s/serve-headers
    "tailscale-user-*",
    // Kong and Apache APISIX: https://developer.konghq.com/plugins/ldap-auth and
    // https://apisix.apache.org/docs/apisix/plugins/key-auth
    "x-consumer-*",
    "x-credential-identifier",
];

/// The prefix of every header that this filter defines.
pub(crate) const OWN_PREFIX: &str = "x-ai-bridge-";

/// Selects the headers of a client's request that are not sent upstream. Built once per configuration.
#[derive(Clone, Debug)]
pub struct Stripping {
    /// Every pattern, by the bucket of the names that it can match, so that most names are compared with few of them.
    buckets: Vec<Vec<Glob>>,
    /// The patterns whose names can be in any bucket.
    elsewhere: Vec<Glob>,
}

/// The number of buckets; a power of two.
const BUCKETS: usize = 128;

// === impl Stripping ===

impl Stripping {
    /// `named` are exact lower-case names: the cluster header, the gateway's credential headers, the actor's
    /// headers. `patterns` are the configured `remove_headers`.
    pub fn new<'a>(named: impl IntoIterator<Item = &'a str>, patterns: &[Glob]) -> Self {
        let mut stripping = Self { buckets: vec![Vec::new(); BUCKETS], elsewhere: Vec::new() };
        let own = [format!("{OWN_PREFIX}*")];
        let names = HOP_BY_HOP.into_iter().chain(named).map(str::to_owned);
        for pattern in names.chain(own).map(Glob::new).chain(patterns.iter().cloned()) {
            let bucket = bucket_of_pattern(pattern.as_str()).and_then(|at| stripping.buckets.get_mut(at));
            bucket.unwrap_or(&mut stripping.elsewhere).push(pattern);
        }
        stripping
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
        let goes = |name: &str| {
            let may_go = self.may_hold(name) || nominated.contains(name);
            may_go && Role::of(name) != Role::Message && (ends_here(name, &nominated) || self.holds(name))
        };
        let mut seen = BTreeSet::new();
        headers
            .iter()
            .filter(|(name, _)| goes(name) && seen.insert(*name))
            .map(|(name, _)| Cow::Owned(name.to_owned()))
            .collect()
    }

    /// Whether any pattern has to be compared with `name`.
    fn may_hold(&self, name: &str) -> bool {
        !self.elsewhere.is_empty()
            || self.buckets.get(bucket(name)).is_some_and(|patterns| !patterns.is_empty())
    }

    fn holds(&self, name: &str) -> bool {
        self.buckets.get(bucket(name)).is_some_and(|patterns| any_matches(patterns, name))
            || any_matches(&self.elsewhere, name)
    }
}

fn any_matches(patterns: &[Glob], name: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

/// The bucket of a header name: that of its first byte, or of the first one after `x-`. Without the bit of lower case, names
/// that begin with `x-` have buckets of their own.
fn bucket(name: &str) -> usize {
    let byte = match name.as_bytes() {
        [b'x', b'-', byte, ..] => byte & !0x20,
        [byte, ..] => *byte,
        [] => 0,
    };
    usize::from(byte) % BUCKETS
}

/// The bucket of every name that `pattern` matches, where there is only one.
fn bucket_of_pattern(pattern: &str) -> Option<usize> {
    match pattern.split_once('*') {
        Some(("" | "x" | "x-", _)) => None,
        Some((literal, _)) => Some(bucket(literal)),
        None => Some(bucket(pattern)),
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
        Stripping::new([], &[]).list(headers)
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
        let patterns: Vec<Glob> = REMOVED_BY_DEFAULT.iter().copied().map(Glob::new).collect();
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

    #[test]
    fn nothing_removes_the_header_by_which_envoy_knows_the_scheme() {
        let seen = headers(&[
            ("connection", "x-forwarded-proto"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "a"),
        ]);
        let patterns = ["x-*", "x-forwarded-*", "*proto"].map(Glob::new);
        let list = Stripping::new(["x-forwarded-proto"], &patterns).list(&seen);
        assert_eq!(list, ["connection", "x-forwarded-host"]);
    }

    proptest! {
        #[test]
        fn buckets_change_no_match(
            patterns in prop::collection::vec("(x|x-|y-|-|a|X)?[ax-]{0,2}\\*?[ax-]{0,2}", 0..8),
            name in "(x|x-|y-)?[ax-]{0,5}",
        ) {
            let patterns: Vec<Glob> = patterns.into_iter().map(Glob::new).collect();
            let found = Stripping::new([], &patterns).holds(&name);
            let always = name.starts_with(OWN_PREFIX) || Role::of(&name) == Role::HopByHop;
            prop_assert_eq!(found, always || any_matches(&patterns, &name));
        }

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
