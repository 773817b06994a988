//! The members `key_header`, `query`, `ask_for_usage` and `passthrough`, and `key` with `none`.

use ai_bridge::credential::{CredentialHeader, Key};
use serde_json::json;

use super::providers::provider;
use super::{problems, provider_refuses};

#[test]
fn key_header_is_one_of_four() {
    for (name, header) in CredentialHeader::NAMED {
        let provider = provider(&json!({"type": "openai", "key_header": name}));
        assert_eq!((provider.key_header, header.name), (Some(header), name));
    }
    let injected =
        ".byok: expected \"deny\", because `key` is external: Envoy would add its key to the caller's own";
    provider_refuses(&[
        (
            r#""type": "openai", "key_header": "x-key""#,
            &[
                ".key_header: expected one of \"authorization\", \"x-api-key\", \"api-key\", \"x-goog-api-key\", found \"x-key\"",
            ],
        ),
        (r#""type": "openai", "key": {"external": true}, "key_header": "api-key""#, &[injected]),
        (
            r#""type": "copilot", "key_header": "x-api-key""#,
            &[".key_header: without a use: Copilot takes credentials in authorization only; leave it out"],
        ),
        (
            r#""type": "anthropic", "bedrock": {"region": "us-east-1"}, "key_header": "authorization""#,
            &[".key_header: without a use: Bedrock takes credentials in authorization only; leave it out"],
        ),
    ]);
    for key_header in ["authorization", "api-key"] {
        let byok = if key_header == "api-key" { "deny" } else { "allow" };
        provider(
            &json!({"type": "openai", "key": {"external": true}, "key_header": key_header, "byok": byok}),
        );
    }
}

#[test]
fn a_query_holds_texts_and_no_key() {
    let many: Vec<String> = (0..33).map(|at| format!(r#""n{at}": """#)).collect();
    let long = "n".repeat(129);
    provider_refuses(&[
        (
            r#""type": "openai", "query": []"#,
            &[".query: expected an object of names and their values, found a list"],
        ),
        (
            &format!(r#""type": "openai", "query": {{"a": 1, "": "x", "{long}": "", "a": ""}}"#),
            &[
                ".query.a: duplicate member",
                ".query.a: expected a string, found a number",
                ".query[\"\"]: expected the name of a query parameter, found an empty string",
                &format!(".query[\"{}…\"]: the name is longer than 128 bytes", "n".repeat(80)),
            ],
        ),
        (
            r#""type": "openai", "query": {"key": "AIzaHunter2"}"#,
            &[".query.key: the value is a key: a query is logged on its way; keys belong in `key`"],
        ),
        (
            r#""type": "gemini", "query": {"key": "x"}"#,
            &[".query.key: the provider takes a key in it: keys belong in `key`"],
        ),
        (
            &format!(r#""type": "openai", "query": {{{}}}"#, many.join(", ")),
            &[".query: expected at most 32 names, found 33"],
        ),
    ]);
    let token = json!({
        "providers": [{"type": "openai", "query": {"a": "gw_hunter2"}}],
        "gateway_credentials": {"value_prefixes": ["gw_"]},
    });
    assert_eq!(
        problems(&token.to_string()),
        [
            "providers[0].query.a: the value begins with one of gateway_credentials.value_prefixes: it is the gateway's \
             own token"
        ]
    );
    let query = provider(&json!({"type": "openai", "query": {"b": "", "a": "é &"}})).query;
    assert_eq!(query, [("a".to_owned(), "é &".to_owned()), ("b".to_owned(), String::new())]);
}

#[test]
fn mistral_is_not_asked_for_usage_unless_configured() {
    let pool = |base_url: &str, vendor: &str| {
        let key = json!({"none": true});
        json!({"pool": [
            {"name": "a", "key": key},
            {"name": "b", "key": key, "base_url": base_url, "vendor": vendor},
        ]})
    };
    for (members, asks) in [
        (json!({}), true),
        (json!({"base_url": "https://api.mistral.ai/v1"}), false),
        (json!({"vendor": "mistral"}), false),
        (json!({"base_url": "https://api.mistral.ai/v1", "ask_for_usage": true}), true),
        (json!({"ask_for_usage": false}), false),
        (pool("https://api.mistral.ai/v1", "mistral"), false),
        (pool("https://relay.example/v1", "mistral"), false),
        (pool("https://api.x.ai/v1", "xai"), true),
    ] {
        let mut written = members;
        written["type"] = json!("openai");
        assert_eq!(provider(&written).ask_for_usage, asks, "{written}");
    }
    provider_refuses(&[(
        r#""type": "openai", "ask_for_usage": 1"#,
        &[".ask_for_usage: expected true or false, found a number"],
    )]);
}

#[test]
fn a_passthrough_route_is_no_bridged_route_in_any_spelling() {
    let routes = json!([
        "/embeddings",
        "/files/",
        "/files",
        "/models",
        "/a.b/c-d:e",
        "/x/{id}",
        "/y/{id}:embed",
        "/responsesx",
        "/z/{a}/{b}/{c}/{d}",
    ]);
    let provider = provider(&json!({"type": "openai", "passthrough": routes}));
    assert_eq!(json!(provider.more_passthrough), routes);
    for route in [
        "/responses",
        "/responses/",
        "/responses/x",
        "/responses/x/",
        "/responses/{id}",
        "/chat/completions",
        "/chat/completions/",
        "/responses/compact",
        "/responses/compact/",
    ] {
        let lines = problems(&json!({"providers": [{"type": "openai", "passthrough": [route]}]}).to_string());
        let [line] = lines.as_slice() else { panic!("{lines:?}") };
        assert!(
            line.starts_with(&format!("providers[0].passthrough[0]: {route:?} equals or lies below")),
            "{line}"
        );
    }
    for route in [
        "",
        "/",
        "//",
        "embeddings",
        "/a//b",
        "/a//",
        "/./a",
        "/a/..",
        "/a/../responses",
        "/respon%73es",
        "/responses%2Fx",
        "/responses;x",
        "/responses?x",
        "/responses#x",
        "/responses ",
        "/a\\b",
        "/a\u{0}",
        "/é",
        "/*",
        "/{*rest}x",
        "/{}",
        "/{a",
        "/a}",
        "/x{a}",
        "/{a}{b}",
    ] {
        let lines =
            problems(&json!({"providers": [{"type": "openai", "passthrough": ["/ok", route]}]}).to_string());
        let valid_star = route == "/*";
        assert_eq!(lines.is_empty(), valid_star, "{route}");
        let start = "providers[0].passthrough[1]: expected a path below the provider's prefix";
        assert!(lines.iter().all(|line| line.starts_with(start)), "{lines:?}");
    }
    let many: Vec<String> = (0..65).map(|at| format!("/a{at}")).collect();
    assert_eq!(
        problems(&json!({"providers": [{"type": "openai", "passthrough": many}]}).to_string()),
        ["providers[0].passthrough: expected at most 64 paths, found 65"]
    );
    provider_refuses(&[
        (
            &format!(
                r#""type": "openai", "passthrough": ["/x{}", "/x{}"]"#,
                "/{a}".repeat(5),
                "/{a}".repeat(60)
            ),
            &[
                ".passthrough[0]: expected at most 4 parameters, found 5",
                ".passthrough[1]: expected at most 4 parameters, found 60",
            ],
        ),
        (
            r#""type": "anthropic", "passthrough": "/x""#,
            &[".passthrough: expected a list of paths, found a string"],
        ),
        (
            r#""type": "openai", "passthrough": ["/x/{a}:e", "/y/{a}", "/x/", "/x/b", "/x/{a}/"]"#,
            &[
                ".passthrough: \"/x/{a}:e\" is a part of \"/x/\"; leave it out",
                ".passthrough: \"/x/{a}/\" is a part of \"/x/\"; leave it out",
            ],
        ),
    ]);
}

#[test]
fn an_upstream_without_a_key_takes_no_credential_of_callers() {
    let open =
        provider(&json!({"type": "openai", "base_url": "http://vllm.internal", "key": {"none": true}}));
    assert_eq!(open.key, Key::NotNeeded);
    let no_use = "without a use: `key` is none, so no credential of a caller goes up";
    let none = r#""key": {"none": true}"#;
    for byok in ["allow", "deny", "require"] {
        let members = format!(r#""type": "openai", {none}, "byok": "{byok}", "byok_cluster": "c""#);
        provider_refuses(&[(&members, &[&format!(".byok: {no_use}"), &format!(".byok_cluster: {no_use}")])]);
    }
    provider_refuses(&[
        (
            &format!(r#""type": "copilot", {none}"#),
            &[".key: callers of Copilot always bring their own key, so leave `key` out"],
        ),
        (
            r#""type": "openai", "key": {"none": false}"#,
            &[".key.none: expected true; without a key leave `key` out"],
        ),
        (
            r#""type": "openai", "key": {"none": true, "external": true}"#,
            &[
                ".key: expected an object with exactly one of `env`, `value`, `external` and `none`, found several",
            ],
        ),
        (
            &format!(r#""type": "anthropic", "bedrock": {{"region": "us-east-1"}}, {none}"#),
            &[".key: AWS needs a key or a signature; without a key leave `key` out"],
        ),
    ]);
}
