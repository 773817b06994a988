//! `pool` of a provider, and the configuration of the upstream filter in a member's cluster.

#![expect(clippy::unwrap_used, reason = "a panic in a test is a failed test")]

use ai_bridge::config::{Config, Upstream};
use ai_bridge::credential::{CredentialHeader, Key, Secret, Vendor};
use ai_bridge::provider::{Provider, Start};
use serde_json::{Value, json};

use super::{accepted, problems, provider_refuses};

fn provider(members: &Value) -> Provider {
    let mut provider = json!({"type": "anthropic"});
    provider.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    accepted(&json!({ "providers": [provider] })).providers.remove(0)
}

/// The problem lines of a provider with `pool`, and with more members, without the pool's path.
#[track_caller]
fn refuses(pool: &Value, more: &str, expected: &[&str]) {
    let text = format!(
        r#"{{"providers": [{{"type": "anthropic", "pool": {pool}{more}}}], "gateway_credentials": {{"headers": ["x-gateway-token"], "value_prefixes": ["gw_"]}}}}"#
    );
    let expected: Vec<String> = expected.iter().map(|line| format!("providers[0].{line}")).collect();
    assert_eq!(problems(&text), expected, "{text}");
}

/// A pool of two, the second one with more members.
fn second(more: &Value) -> Value {
    let mut second = json!({"name": "b", "key": {"value": "k-b"}});
    second.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!([{"name": "a", "key": {"value": "k-a"}}, second])
}

#[test]
fn a_member_takes_base_url_vendor_and_key_header_from_its_provider() {
    let provider = provider(&json!({
        "name": "claude", "base_url": "https://proxy.example/x", "vendor": "anthropic", "key_header": "authorization",
        "pool": [{"name": "main", "key": {"env": "ANTHROPIC_API_KEY"}}, {"name": "more", "key": {"external": true}}],
    }));
    let pool = provider.pool.as_ref().unwrap();
    assert_eq!(pool.start, Start::First);
    let [main, more] = pool.members.as_slice() else { panic!("{pool:?}") };
    for (member, name) in [(main, "main"), (more, "more")] {
        assert_eq!((&*member.name, member.cluster.as_str()), (name, format!("claude-{name}").as_str()));
        assert_eq!(
            (member.base_url.authority.as_str(), member.base_url.path.as_str()),
            ("proxy.example", "/x")
        );
        assert_eq!(member.vendor, Some(Vendor::Anthropic));
        assert!(member.headers.is_empty() && member.models.is_none());
    }
    let bearer = Secret::new("Bearer sk-ant-environment-secret");
    assert_eq!(main.credential, Some(("authorization", bearer)));
    assert_eq!((&more.key, &more.credential), (&Key::External, &None));
}

#[test]
fn every_member_of_a_member_may_be_written() {
    let provider = provider(&json!({
        "start": "session",
        "pool": [{"name": "main", "key": {"value": "k-1"}}, {
            "name": "azure", "key": {"value": "k-2"}, "cluster": "c|443", "base_url": "https://r.services.ai.azure.com/anthropic",
            "vendor": "azure", "key_header": "api-key", "headers": {"X-Team": "a b"},
            "models": {"*": "claude", "claude-opus-*": "opus", "claude-*": "sonnet"},
        }],
    }));
    let pool = provider.pool.as_ref().unwrap();
    assert_eq!((pool.start, pool.position("azure"), pool.position("x")), (Start::Session, Some(1), None));
    let azure = &pool.members[1];
    assert_eq!((azure.cluster.as_str(), azure.base_url.path.as_str()), ("c|443", "/anthropic"));
    assert_eq!((azure.vendor, azure.key_header), (Some(Vendor::Azure), Some(CredentialHeader::API_KEY)));
    assert_eq!(azure.credential, Some(("api-key", Secret::new("k-2"))));
    assert_eq!(azure.headers, [("x-team".to_owned(), "a b".to_owned())]);
    // The longest pattern wins.
    for (model, sent) in [("claude-opus-4", "opus"), ("claude-haiku-4", "sonnet"), ("gpt-5", "claude")] {
        assert_eq!((azure.model(model), pool.members[0].model(model)), (Some(sent), None));
    }
}

#[test]
fn a_members_vendor_is_that_of_its_own_host() {
    let provider = provider(&json!({"pool": [
        {"name": "a", "key": {"value": "sk-ant-api03-0123456789"}},
        {"name": "b", "key": {"value": "ABSKQmVkcm9jazEyMzQ1Ng=="}, "base_url": "https://bedrock-mantle.eu-west-1.api.aws/anthropic"},
    ]}));
    let vendors = provider.pool.unwrap().members.iter().map(|member| member.vendor).collect::<Vec<_>>();
    assert_eq!(vendors, [Some(Vendor::Anthropic), Some(Vendor::Aws)]);
}

#[test]
fn a_provider_with_a_pool_is_for_callers_own_keys_its_first_member() {
    let provider = provider(&json!({
        "base_url": "https://provider.example",
        "pool": [
            {"name": "a", "key": {"value": "k-a"}, "base_url": "https://a.example/a", "vendor": "xai", "key_header": "api-key"},
            {"name": "b", "key": {"value": "k-b"}},
        ],
    }));
    assert_eq!((provider.base_url.authority.as_str(), provider.base_url.path.as_str()), ("a.example", "/a"));
    assert_eq!((provider.vendor, provider.key_header), (Some(Vendor::XAi), Some(CredentialHeader::API_KEY)));
    assert_eq!((provider.cluster.as_str(), provider.byok_cluster.as_str()), ("anthropic-a", "anthropic-a"));
    assert_eq!(provider.pool.unwrap().members[1].base_url.authority, "provider.example");
}

#[test]
fn a_pool_has_two_to_five_members() {
    for members in [0, 1, 6] {
        let pool: Vec<Value> =
            (0..members).map(|n| json!({"name": format!("m{n}"), "key": {"value": "k"}})).collect();
        refuses(&json!(pool), "", &[&format!("pool: expected 2 to 5 members, found {members}")]);
    }
    refuses(&json!({}), "", &["pool: expected a list of members, found an object"]);
}

#[test]
fn names_and_clusters_of_members_are_unique() {
    refuses(
        &json!([{"name": "a", "key": {"value": "k"}}, {"name": "a", "key": {"value": "k"}}]),
        "",
        &[
            "pool[1].name: \"a\" is already the name of pool[0]",
            "pool[1]: the cluster is that of \"a\" too; each member needs a cluster of its own, whose upstream filter \
             sets its key",
        ],
    );
    refuses(
        &second(&json!({"cluster": "anthropic-a"})),
        "",
        &[
            "pool[1]: the cluster is that of \"a\" too; each member needs a cluster of its own, whose upstream filter \
           sets its key",
        ],
    );
    refuses(
        &json!([{"key": {"value": "k"}}, {"name": "B_", "key": {"value": "k"}}]),
        "",
        &[
            "pool[0].name: required: the member's name, unique in the pool",
            "pool[1].name: expected lower-case letters and digits, in words joined by single hyphens, found \"B_\"",
        ],
    );
}

#[test]
fn a_members_cluster_is_no_other_providers() {
    let pool = json!([{"name": "a", "key": {"value": "k"}}, {"name": "b", "key": {"value": "k"}}]);
    let with = |other: &Value| {
        let text = json!({"providers": [{"type": "anthropic", "pool": pool}, other]}).to_string();
        Config::parse(text.as_bytes(), &|_: &str| None).err().map(|problems| problems.to_string())
    };
    for other in [
        json!({"type": "openai", "cluster": "anthropic-b"}),
        json!({"type": "openai", "byok_cluster": "anthropic-b"}),
        json!({"type": "openai", "name": "anthropic-b"}),
        json!({"type": "openai", "pool": [{"name": "a", "key": {"value": "k"}}, {"name": "b", "key": {"value": "k"}, "cluster": "anthropic-b"}]}),
    ] {
        let problem = "providers[1]: the cluster \"anthropic-b\" is that of \"anthropic\" too; each member of a pool needs a cluster of its own";
        assert!(
            with(&other).is_some_and(|problems| problems.contains(problem)),
            "{other}: {:?}",
            with(&other)
        );
    }
    for other in [
        json!({"type": "openai", "cluster": "anthropic"}),
        json!({"type": "openai", "cluster": "anthropic-b", "enabled": false}),
    ] {
        assert_eq!(with(&other), None, "{other}");
    }
}

#[test]
fn a_member_needs_a_key_of_its_vendor() {
    refuses(
        &json!([{"name": "a"}, {"name": "b", "key": {"value": "gw_x"}}]),
        "",
        &[
            "pool[0].key: required: the member's key; {\"none\": true} where it needs none",
            "pool[1].key: the key begins with one of gateway_credentials.value_prefixes: it is the gateway's own token",
        ],
    );
    refuses(
        &second(&json!({"key": {"value": "sk-proj-0123456789abcdef"}})),
        "",
        &["pool[1].key: the key is one of OpenAI, not of Anthropic"],
    );
    refuses(
        &second(
            &json!({"key": {"value": "sk-ant-0123456789abcdef"}, "base_url": "https://bedrock-mantle.eu-west-1.api.aws"}),
        ),
        "",
        &["pool[1].key: the key is one of Anthropic, not of AWS"],
    );
}

#[test]
fn key_and_cluster_are_not_beside_a_pool() {
    refuses(
        &second(&json!({})),
        r#", "key": {"value": "k"}, "cluster": "c""#,
        &[
            "key: without a use: each member of `pool` has its own; leave it out",
            "cluster: without a use: each member of `pool` has its own; leave it out",
        ],
    );
    provider_refuses(&[(
        r#""type": "anthropic", "start": "session""#,
        &[".start: without a use: there is no `pool`"],
    )]);
    refuses(
        &second(&json!({})),
        r#", "start": "last""#,
        &["start: expected one of \"first\", \"session\", found \"last\""],
    );
}

#[test]
fn there_is_no_pool_on_copilot_or_with_bedrock() {
    let pool = second(&json!({}));
    provider_refuses(&[
        (
            &format!(r#""type": "copilot", "pool": {pool}"#),
            &[".pool: callers of Copilot always bring their own key; leave it out"],
        ),
        (
            &format!(r#""type": "anthropic", "bedrock": {{"region": "eu-west-1"}}, "pool": {pool}"#),
            &[".pool: not with `bedrock`; a member's base_url may be Bedrock's"],
        ),
    ]);
}

#[test]
fn headers_of_a_member_name_no_credential_and_no_header_of_http() {
    for (name, problem) in [
        ("Authorization", "\"authorization\" carries credentials; the member's belongs in `key`"),
        ("x-api-key", "\"x-api-key\" carries credentials; the member's belongs in `key`"),
        ("proxy-authorization", "\"proxy-authorization\" carries credentials; the member's belongs in `key`"),
        ("x-gateway-token", "\"x-gateway-token\" carries credentials; the member's belongs in `key`"),
        ("cookie", "\"cookie\" carries credentials; the member's belongs in `key`"),
        ("connection", "\"connection\" belongs to HTTP"),
        ("te", "\"te\" belongs to HTTP"),
        ("host", "\"host\" belongs to HTTP"),
        ("Content-Length", "\"content-length\" belongs to HTTP"),
        ("x-ai-bridge-retry", "\"x-ai-bridge-retry\" is one of this filter's own"),
    ] {
        let member = second(&json!({"headers": {name: "v"}}));
        refuses(&member, "", &[&format!("pool[1].headers.{name}: {problem}")]);
    }
    refuses(
        &second(
            &json!({"headers": {":path": "/x", "a b": "v", "x-a": "\u{1}", "x-b": "sk-ant-0123456789abcdef", "x-c": 1}}),
        ),
        "",
        &[
            "pool[1].headers[\":path\"]: expected a header name, found the pseudo header \":path\"",
            "pool[1].headers[\"a b\"]: expected a header name, found \"a b\"",
            "pool[1].headers.x-a: expected 1 to 1024 printable ASCII characters",
            "pool[1].headers.x-b: the value is a key; keys belong in `key`",
            "pool[1].headers.x-c: expected a string, found a number",
        ],
    );
}

#[test]
fn models_of_a_member_serve_every_allowed_model() {
    let allow = |allow: &str| format!(r#", "models": {{"allow": {allow}}}"#);
    let with = |models: Value| second(&json!({ "models": models }));
    for (models, allowed) in [
        (json!({"*": "x"}), "[\"claude-*\"]"),
        (json!({"claude-*": "x"}), "[\"claude-*\", \"claude-opus-*\", \"claude-haiku\"]"),
        (json!({"claude-opus-*": "x", "claude-haiku": "y"}), "[\"claude-opus-*\", \"claude-haiku\"]"),
        (json!({}), "[]"),
    ] {
        refuses(&with(models), &allow(allowed), &[]);
    }
    refuses(
        &with(json!({"claude-opus-*": "x"})),
        &allow("[\"claude-*\", \"claude-opus-4\"]"),
        &["pool[1].models: no pattern for the allowed models \"claude-*\""],
    );
    refuses(
        &with(json!({"claude-*": "x"})),
        "",
        &["pool[1].models: expected a pattern \"*\", because every model is allowed"],
    );
    refuses(
        &with(json!({"*": "", "a": "\n", " b": "c"})),
        "",
        &[
            "pool[1].models[\" b\"]: \" b\" would never match: no model's name has such white space",
            "pool[1].models[\"*\"]: expected the name of a model, found \"\"",
            "pool[1].models.a: expected the name of a model, found \"\\n\"",
        ],
    );
}

#[test]
fn unknown_members_of_a_member_are_refused() {
    refuses(
        &second(&json!({"keyheader": "x", "enabled": true})),
        "",
        &[
            "pool[1].enabled: unknown member",
            "pool[1].keyheader: unknown member; did you mean \"key_header\"?",
        ],
    );
}

#[test]
fn a_type_without_an_address_needs_one_for_each_member() {
    let text = |base: &str| {
        format!(
            r#""type": "azure", "pool": [{{"name": "a", "key": {{"value": "k"}}, "base_url": "https://a.example"}}, {{"name": "b", "key": {{"value": "k"}}{base}}}]"#
        )
    };
    provider_refuses(&[
        (&text(""), &[".pool[1].base_url: required: neither the provider nor its type has one"]),
        (&text(r#", "base_url": "https://b.example""#), &[]),
    ]);
}

#[test]
fn a_problem_of_the_provider_is_not_repeated_by_its_members() {
    let text = |more: &str| {
        format!(
            r#""type": "openai", "pool": [{{"name": "a", "key": {{"value": "sk-proj-0123456789"}}}}, {{"name": "b", "key": {{"value": "k"}}}}], {more}"#
        )
    };
    let url = "expected an absolute http or https URL, found";
    provider_refuses(&[
        (&text(r#""base_url": 1"#), &[".base_url: expected a string, found a number"]),
        (&text(r#""base_url": "api.openai.com""#), &[&format!(".base_url: {url} \"api.openai.com\"")]),
        (&text(r#""vendor": 1"#), &[&vendors("a number")]),
    ]);
}

fn vendors(found: &str) -> String {
    let names: Vec<&str> = Vendor::ALL.iter().map(|(name, _)| *name).chain(["none"]).collect();
    format!(".vendor: expected one of \"{}\", found {found}", names.join("\", \""))
}

#[test]
fn an_external_key_of_the_first_member_needs_deny_where_its_key_header_is_another_inlet() {
    let problems_with = |more: &str| {
        problems(&format!(
            r#"{{"providers": [{{"type": "openai", "pool": [{{"name": "a", "key": {{"external": true}}{more}}}, {{"name": "b", "key": {{"value": "k-b"}}}}]}}]}}"#
        ))
    };
    assert_eq!(problems_with(""), [""; 0]);
    let expected = "providers[0].byok: expected \"deny\", because `key` is external: Envoy would add its key to the caller's own";
    assert_eq!(problems_with(r#", "key_header": "api-key""#), [expected]);
}

#[test]
fn the_upstream_plugin_names_its_provider_and_its_member_and_nothing_else() {
    let read = |text: &str| Upstream::parse(text.as_bytes());
    let upstream = Upstream { provider: "claude-1".to_owned(), member: "main".to_owned() };
    assert_eq!(read(r#"{"upstream": {"provider": "claude-1", "member": "main"}}"#), Ok(upstream));
    for (text, expected) in [
        ("", vec!["upstream: required: an object with `provider` and `member`"]),
        (
            r#"{"upstream": "x"}"#,
            vec!["upstream: expected an object with `provider` and `member`, found a string"],
        ),
        (
            r#"{"upstream": {"provider": "A"}, "providers": []}"#,
            vec![
                "upstream.member: required: the name of a member of its pool",
                "upstream.provider: expected lower-case letters and digits, in words joined by single hyphens, found \"A\"",
                "providers: unknown member",
            ],
        ),
        (
            r#"{"upstream": {"provider": "a", "member": "b", "key": {"value": "k"}}}"#,
            vec!["upstream.key: unknown member"],
        ),
    ] {
        let errors = read(text).unwrap_err();
        let mut lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let mut expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        lines.sort();
        expected.sort();
        assert_eq!(lines, expected, "{text}");
    }
    assert!(Upstream::is_meant(br#"{"upstream": 1}"#));
    for text in [&b"{}"[..], b"", b"[", br#"{"providers": []}"#] {
        assert!(!Upstream::is_meant(text));
    }
    assert!(Config::parse(br#"{"upstream": {}}"#, &|_| None).is_err());
}
