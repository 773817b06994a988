//! The root and header names.

use serde_json::json;

use super::{accepted, globs, parse, refuses};

#[test]
fn the_root_is_empty_or_a_normal_path() {
    for root in ["", "/api/v2/aibridge", "/a", "/~x/a-b_c.d", "/a%20b", "/v1:x@y"] {
        let config = accepted(&json!({"providers": [{"type": "openai"}], "root": root}));
        assert_eq!(config.root, root);
    }
    let characters = "root: holds characters that no request path has: escape them with %";
    let dots = "root: holds a dot segment, which clients and proxies resolve before it is compared";
    refuses(&[
        (r#""root": "/""#, &["root: for no prefix write \"\""]),
        (r#""root": "api""#, &["root: expected \"\" or a path that starts with /"]),
        (r#""root": "https://h/api""#, &["root: expected \"\" or a path that starts with /"]),
        (r#""root": "/api/""#, &["root: ends with /; leave that out"]),
        (r#""root": "//""#, &["root: ends with /; leave that out"]),
        (r#""root": "/a?b""#, &["root: a path prefix has no query or fragment"]),
        (r##""root": "/a#b""##, &["root: a path prefix has no query or fragment"]),
        (r#""root": "//a""#, &["root: holds an empty segment (//)"]),
        (r#""root": "/a//b""#, &["root: holds an empty segment (//)"]),
        (r#""root": "/a/../b""#, &[dots]),
        (r#""root": "/.""#, &[dots]),
        (r#""root": "/a/%2E%2e""#, &[dots]),
        (r#""root": "/a%2f..%2Fb""#, &[dots]),
        (r#""root": "/a b""#, &[characters]),
        (r#""root": "/ä""#, &[characters]),
        (r#""root": "/{tenant}""#, &[characters]),
        (r#""root": "/a\\b""#, &[characters]),
        (r#""root": "/a\n""#, &[characters]),
        (r#""root": "/a%zz""#, &["root: holds an invalid percent escape"]),
        (r#""root": "/a%2""#, &["root: holds an invalid percent escape"]),
        (r#""root": "/a%+1b""#, &["root: holds an invalid percent escape"]),
        (r#""root": "/a%00""#, &["root: holds an escaped NUL or backslash"]),
        (r#""root": "/a%5Cb""#, &["root: holds an escaped NUL or backslash"]),
    ]);
    let long = format!("/{}", "a".repeat(256));
    refuses(&[(&format!(r#""root": "{long}""#), &["root: longer than 256 bytes"])]);
}

#[test]
fn header_names_are_lower_cased() {
    let config = parse(
        r#"{"providers": [{"type": "anthropic"}], "cluster_header": "X-Cluster",
            "gateway_credentials": {"headers": ["X-Gateway-Token", "Authorization"]},
            "actor": {"header": "X-User", "metadata_headers": {"team": "X-Team", "cost_center": "X-Cost"}},
            "remove_headers": ["Cookie", "X-AMZN-OIDC-*"]}"#,
    )
    .unwrap();
    assert_eq!(config.cluster_header, "x-cluster");
    assert_eq!(config.gateway_credentials.headers, ["x-gateway-token", "authorization"]);
    assert_eq!(config.actor.header.as_deref(), Some("x-user"));
    let metadata: Vec<_> =
        config.actor.metadata_headers.iter().map(|(key, name)| (key.as_str(), name.as_str())).collect();
    assert_eq!(metadata, [("team", "x-team"), ("cost_center", "x-cost")]);
    assert_eq!(config.remove_headers, globs(&["cookie", "x-amzn-oidc-*"]));
}

#[test]
fn an_invalid_or_reserved_header_name_is_refused() {
    refuses(&[
        (r#""cluster_header": """#, &["cluster_header: expected a header name, found \"\""]),
        (
            r#""cluster_header": "x cluster""#,
            &["cluster_header: expected a header name, found \"x cluster\""],
        ),
        (r#""cluster_header": "x-ä""#, &["cluster_header: expected a header name, found \"x-ä\""]),
        (
            r#""cluster_header": ":authority""#,
            &["cluster_header: expected a header name, found the pseudo header \":authority\""],
        ),
        (
            r#""cluster_header": "Host""#,
            &["cluster_header: \"host\" belongs to HTTP or to the providers' APIs; choose another header"],
        ),
        (
            r#""cluster_header": "X-Api-Key""#,
            &["cluster_header: \"x-api-key\" carries credentials; choose another header"],
        ),
        (
            r#""cluster_header": "x-ai-bridge-actor-id""#,
            &["cluster_header: x-ai-bridge-actor-* tells the actor to upstreams"],
        ),
        (
            r#""actor": {"header": "transfer-encoding"}"#,
            &[
                "actor.header: \"transfer-encoding\" belongs to HTTP or to the providers' APIs; choose another header",
            ],
        ),
        (
            r#""actor": {"header": "authorization", "metadata_headers": {"a": "cookie"}}"#,
            &[
                "actor.header: \"authorization\" carries credentials; choose another header",
                "actor.metadata_headers.a: \"cookie\" carries credentials; choose another header",
            ],
        ),
        (
            r#""gateway_credentials": {"headers": [":path", "content-length", "x-*"]}"#,
            &[
                "gateway_credentials.headers[0]: expected a header name, found the pseudo header \":path\"",
                "gateway_credentials.headers[1]: \"content-length\" belongs to HTTP or to the providers' APIs; choose another header",
                "gateway_credentials.headers[2]: expected one header name, found the pattern \"x-*\"",
            ],
        ),
        (
            r#""remove_headers": ["*", "**", ":*", "", "a b", "x-api-*", "Content-Type", "X-Forwarded-Proto"]"#,
            &[
                "remove_headers[0]: \"*\" would remove every header",
                "remove_headers[1]: \"**\" would remove every header",
                "remove_headers[2]: expected a header name, in which * stands for any characters, found the pseudo header \":*\"",
                "remove_headers[3]: expected a header name, in which * stands for any characters, found \"\"",
                "remove_headers[4]: expected a header name, in which * stands for any characters, found \"a b\"",
                "remove_headers[5]: would remove \"x-api-key\", in which the credential goes to the provider; others' go anyway",
                "remove_headers[6]: \"content-type\" makes the message and is never removed",
                "remove_headers[7]: \"x-forwarded-proto\" makes the message and is never removed",
            ],
        ),
    ]);
    let long = format!(r#""cluster_header": "{}""#, "x".repeat(129));
    refuses(&[(&long, &["cluster_header: longer than 128 bytes"])]);
}

#[test]
fn one_header_cannot_have_two_uses() {
    refuses(&[
        (
            r#""actor": {"header": "X-AI-Bridge-Cluster"}"#,
            &["actor.header: \"x-ai-bridge-cluster\" is the cluster_header; choose another header"],
        ),
        (
            r#""cluster_header": "x-c", "actor": {"metadata_headers": {"team": "x-c"}}"#,
            &["actor.metadata_headers.team: \"x-c\" is the cluster_header; choose another header"],
        ),
        (
            r#""cluster_header": "x-c", "gateway_credentials": {"headers": ["X-C"]}"#,
            &["cluster_header: is one of gateway_credentials.headers too; choose another header"],
        ),
        (
            r#""actor": {"header": "x-token"}, "gateway_credentials": {"headers": ["x-token"]}"#,
            &[
                "actor.header: \"x-token\" is one of gateway_credentials.headers, and would be recorded; choose another header",
            ],
        ),
    ]);
}

#[test]
fn an_explicit_list_of_headers_to_remove_replaces_the_default() {
    for (written, meant) in [(json!([]), globs(&[])), (json!(["x-internal-*"]), globs(&["x-internal-*"]))] {
        let config = accepted(&json!({"providers": [{"type": "openai"}], "remove_headers": written}));
        assert_eq!(config.remove_headers, meant);
    }
}
