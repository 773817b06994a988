//! Providers: names, places, keys, and whom they can serve.

use ai_bridge::credential::{Byok, Key, Secret, Vendor};
use ai_bridge::provider::{BaseUrl, ModelPolicy, Provider, ProviderType};
use serde_json::{Value, json};

use super::{accepted, globs, problems, provider_refuses};

pub(crate) fn provider(value: &Value) -> Provider {
    accepted(&json!({ "providers": [value] })).providers.remove(0)
}

fn url(authority: &str, path: &str) -> BaseUrl {
    BaseUrl { authority: authority.to_owned(), path: path.to_owned() }
}

#[test]
fn everything_except_a_providers_type_has_a_default() {
    for (name, kind, base_url) in [
        ("anthropic", ProviderType::Anthropic, url("api.anthropic.com", "")),
        ("openai", ProviderType::OpenAi, url("api.openai.com", "/v1")),
        ("copilot", ProviderType::Copilot, url("api.individual.githubcopilot.com", "")),
    ] {
        let provider = provider(&json!({ "type": name }));
        assert_eq!((provider.kind, &provider.base_url), (kind, &base_url));
        assert_eq!((&*provider.name, provider.cluster.as_str()), (name, name));
        assert_eq!(provider.byok_cluster, name);
        assert!(provider.enabled && provider.stored_objects);
        assert!(!provider.send_actor && !provider.allow_background);
        assert_eq!((provider.key, provider.byok), (Key::Absent, Byok::Allow));
        assert_eq!((provider.vendor, provider.key_header), (Some(kind.profile().vendor), None));
        assert!(provider.query.is_empty() && provider.more_passthrough.is_empty() && provider.ask_for_usage);
        assert_eq!(provider.models, ModelPolicy { allow: None, deny: Vec::new() });
        assert_eq!(provider.open_retry_after_seconds, 32);
    }
}

#[test]
fn names_are_words_joined_by_hyphens_and_unique() {
    for name in ["a", "openai", "copilot-business", "a1-b2-3"] {
        let provider = provider(&json!({"type": "copilot", "name": name}));
        assert_eq!((&*provider.name, provider.cluster.as_str()), (name, name));
    }
    for name in ["", "-", "a-", "-a", "a--b", "A", "a_b", "a b", "a/b", "ä", "a.b"] {
        let text = json!({"providers": [{"type": "openai", "name": name}]}).to_string();
        let line = format!(
            "providers[0].name: expected lower-case letters and digits, in words joined by single hyphens, found {name:?}"
        );
        assert_eq!(problems(&text), [line]);
    }
    let long = format!(r#""type": "openai", "name": "{}""#, "a".repeat(65));
    provider_refuses(&[(&long, &[".name: longer than 64 bytes"])]);
    assert_eq!(
        problems(
            r#"{"providers": [{"type": "openai", "name": "x"}, {"type": "anthropic"},
                {"type": "copilot", "name": "anthropic"}, {"type": "anthropic"}, {"type": "bad", "name": "x"}]}"#
        ),
        [
            "providers[2].name: \"anthropic\" is already the name of providers[1]",
            "providers[3].name: the default \"anthropic\" is already the name of providers[1]",
            "providers[4].type: expected one of \"anthropic\", \"openai\", \"copilot\", \"azure\", \"vertex\", \"gemini\", found \"bad\"",
            "providers[4].name: \"x\" is already the name of providers[0]",
        ]
    );
}

#[test]
fn a_type_without_a_common_base_url_requires_one() {
    for (kind, title) in [("azure", "Azure"), ("vertex", "Vertex AI")] {
        let line = format!(
            ".base_url: required: the URL of your resource or region, because each of {title} has a host of its own"
        );
        provider_refuses(&[(&format!(r#""type": "{kind}""#), &[&line])]);
    }
    let gemini = provider(&json!({"type": "gemini"}));
    assert_eq!(gemini.base_url, url("generativelanguage.googleapis.com", ""));
}

#[test]
fn base_url_and_clusters_are_taken_as_written() {
    let provider = provider(&json!({
        "type": "anthropic", "name": "a", "base_url": "http://127.0.0.1:9000/api/",
        "cluster": "outbound|443||api.anthropic.com",
    }));
    assert_eq!(provider.base_url, url("127.0.0.1:9000", "/api"));
    assert_eq!(provider.cluster, "outbound|443||api.anthropic.com");
    assert_eq!(provider.byok_cluster, provider.cluster);
    provider_refuses(&[
        (
            r#""type": "openai", "base_url": "api.openai.com""#,
            &[".base_url: expected an absolute http or https URL, found \"api.openai.com\""],
        ),
        (
            r#""type": "openai", "base_url": "https://u:hunter2@h/?key=hunter2#x""#,
            &[
                ".base_url: a base URL has no user name or password; credentials belong in `key`",
                ".base_url: a base URL has no query: the client's own is kept",
                ".base_url: a base URL has no fragment: it is never sent",
            ],
        ),
        (
            r#""type": "openai", "cluster": "", "byok_cluster": "a\r\nb""#,
            &[
                ".cluster: expected the name of an Envoy cluster, found an empty string",
                ".byok_cluster: expected printable ASCII, found \"a\\r\\nb\"",
            ],
        ),
        (r#""type": "openai", "cluster": " a""#, &[".cluster: expected printable ASCII, found \" a\""]),
    ]);
}

#[test]
fn a_key_has_exactly_one_source_and_is_trimmed() {
    for (key, meant) in [
        (json!({"env": "ANTHROPIC_API_KEY"}), "sk-ant-environment-secret"),
        (json!({"value": "  sk-abc\r\n"}), "sk-abc"),
    ] {
        assert_eq!(provider(&json!({"type": "anthropic", "key": key})).key, Key::Central(Secret::new(meant)));
    }
    let external = json!({"type": "anthropic", "key": {"external": true}, "byok": "deny"});
    assert_eq!(provider(&external).key, Key::External);
    assert_eq!(provider(&json!({"type": "openai", "key": {"external": true}})).key, Key::External);

    let expected = "expected an object with exactly one of `env`, `value`, `external` and `none`, found";
    let not_a_name = ".key.env: expected the name of an environment variable: letters, digits and _";
    provider_refuses(&[
        (r#""type": "openai", "key": "hunter2""#, &[&format!(".key: {expected} a string")]),
        (r#""type": "openai", "key": null"#, &[&format!(".key: {expected} null")]),
        (r#""type": "openai", "key": {}"#, &[&format!(".key: {expected} none of them")]),
        (
            r#""type": "openai", "key": {"env": "OPENAI_API_KEY", "value": "hunter2"}"#,
            &[&format!(".key: {expected} several")],
        ),
        (
            r#""type": "openai", "key": {"external": false}"#,
            &[".key.external: expected true; without a key leave `key` out"],
        ),
        (
            r#""type": "openai", "key": {"external": "yes"}"#,
            &[".key.external: expected true or false, found a string"],
        ),
        (r#""type": "openai", "key": {"value": 7}"#, &[".key.value: expected a string, found a number"]),
        (r#""type": "openai", "key": {"value": ""}"#, &[".key.value: the key is empty"]),
        (r#""type": "openai", "key": {"value": " \n"}"#, &[".key.value: the key is empty"]),
        (
            r#""type": "openai", "key": {"value": "hunter 2"}"#,
            &[".key.value: the key holds something else than visible ASCII characters"],
        ),
        (
            r#""type": "openai", "key": {"value": "hunter2…"}"#,
            &[".key.value: the key holds something else than visible ASCII characters"],
        ),
        (
            r#""type": "openai", "key": {"value": "bearer hunter2"}"#,
            &[".key.value: the key begins with \"Bearer\"; give the key alone"],
        ),
        (
            r#""type": "openai", "key": {"env": "OPENAI_KEY"}"#,
            &[
                ".key.env: the environment variable \"OPENAI_KEY\" is not set; set it for the proxy and name it in `host_env_keys` of the filter's vm_config",
            ],
        ),
        (
            r#""type": "openai", "key": {"env": "EMPTY"}"#,
            &[".key.env: the environment variable \"EMPTY\" (see `host_env_keys`) is empty"],
        ),
        (
            r#""type": "openai", "key": {"env": "BLANK"}"#,
            &[".key.env: the environment variable \"BLANK\" (see `host_env_keys`) is empty"],
        ),
        (
            r#""type": "openai", "key": {"env": "TWO_LINES"}"#,
            &[
                ".key.env: the environment variable \"TWO_LINES\" (see `host_env_keys`) holds something else than visible ASCII characters",
            ],
        ),
        (
            r#""type": "openai", "key": {"env": "BEARER"}"#,
            &[
                ".key.env: the environment variable \"BEARER\" (see `host_env_keys`) begins with \"Bearer\"; give the key alone",
            ],
        ),
        (r#""type": "openai", "key": {"env": ""}"#, &[not_a_name]),
        (r#""type": "openai", "key": {"env": "$OPENAI"}"#, &[not_a_name]),
        (r#""type": "openai", "key": {"env": "A=B"}"#, &[not_a_name]),
        (r#""type": "openai", "key": {"env": "A\u0000"}"#, &[not_a_name]),
        (r#""type": "openai", "key": {"env": "sk-proj-0123456789abcdef"}"#, &[not_a_name]),
        (r#""type": "openai", "key": {"env": "gsk_0123456789abcdef"}"#, &[not_a_name]),
        (r#""type": "openai", "key": {"env": "a0123456789abcdef0123456789abcdef"}"#, &[not_a_name]),
    ]);
}

#[test]
fn a_key_of_another_vendor_or_of_the_gateway_is_refused() {
    let gateway =
        ": the key begins with one of gateway_credentials.value_prefixes: it is the gateway's own token";
    provider_refuses(&[
        (
            r#""type": "openai", "key": {"value": "sk-ant-x"}"#,
            &[".key: the key is one of Anthropic, not of OpenAI"],
        ),
        (r#""type": "openai", "key": {"value": "gsk_x"}"#, &[".key: the key is one of Groq, not of OpenAI"]),
        (
            r#""type": "openai", "key": {"env": "ANTHROPIC_API_KEY"}, "base_url": "http://h""#,
            &[".key: the key is one of Anthropic, not of OpenAI"],
        ),
        (
            r#""type": "anthropic", "key": {"value": "sk-proj-x"}"#,
            &[".key: the key is one of OpenAI, not of Anthropic"],
        ),
        (
            r#""type": "anthropic", "key": {"value": "ghp_x"}"#,
            &[".key: the key is one of GitHub, not of Anthropic"],
        ),
        (r#""type": "openai", "key": {"env": "GATEWAY"}"#, &[&format!(".key{gateway}")]),
        (r#""type": "anthropic", "key": {"value": "gw_x"}"#, &[&format!(".key{gateway}")]),
    ]);
    for (kind, key, base_url) in [
        ("openai", "sk-x", "https://api.openai.com/v1"),
        ("openai", "sk-proj-x", "https://api.openai.com/v1"),
        ("anthropic", "sk-ant-x", "https://api.anthropic.com"),
        ("openai", "gsk_x", "https://api.groq.com/openai/v1"),
        ("openai", "xai-x", "https://api.x.ai/v1"),
        ("anthropic", "sk-or-v1-x", "https://openrouter.ai/api"),
        ("anthropic", "vck_x", "https://ai-gateway.vercel.sh"),
        ("openai", "AIzaX", "https://generativelanguage.googleapis.com/v1beta/openai"),
        ("anthropic", "ABSKx", "https://bedrock-mantle.eu-west-1.api.aws/anthropic"),
        ("openai", "sk-x", "https://api.deepseek.com"),
        ("anthropic", "sk-ant-x", "http://relay.internal.example"),
    ] {
        let provider = provider(&json!({"type": kind, "base_url": base_url, "key": {"value": key}}));
        assert_eq!(provider.key, Key::Central(Secret::new(key)));
    }
}

#[test]
fn a_configured_key_reaches_no_other_vendors_host() {
    for (kind, key, base_url, problem) in [
        ("anthropic", "sk-ant-x", "https://api.z.ai/api/anthropic", "Anthropic, not of Z.ai"),
        ("anthropic", "sk-ant-x", "https://openrouter.ai/api", "Anthropic, not of OpenRouter"),
        ("anthropic", "sk-ant-x", "https://API.OpenAI.com.:8443", "Anthropic, not of OpenAI"),
        ("openai", "sk-proj-x", "https://openrouter.ai/api/v1", "OpenAI, not of OpenRouter"),
        ("openai", "sk-proj-x", "https://europe-west1-aiplatform.googleapis.com/v1", "OpenAI, not of Google"),
        ("openai", "sk-proj-x", "https://acme.openai.azure.com/openai/v1", "OpenAI, not of Azure"),
        ("openai", "gsk_x", "https://api.x.ai/v1", "Groq, not of xAI"),
        // A host that the filter does not know takes the keys of the type's vendor.
        ("openai", "gsk_x", "http://relay.internal.example", "Groq, not of OpenAI"),
    ] {
        let members = format!(r#""type": "{kind}", "key": {{"value": "{key}"}}, "base_url": "{base_url}""#);
        provider_refuses(&[(&members, &[&format!(".key: the key is one of {problem}")])]);
    }
}

#[test]
fn the_vendor_is_the_named_one_then_the_hosts_then_the_types() {
    for (members, vendor) in [
        (json!({}), Some(Vendor::OpenAi)),
        (json!({"base_url": "http://relay.internal.example"}), Some(Vendor::OpenAi)),
        (json!({"base_url": "https://openrouter.ai/api/v1"}), Some(Vendor::OpenRouter)),
        (json!({"base_url": "https://openrouter.ai/api/v1", "vendor": "google"}), Some(Vendor::Google)),
        (json!({"vendor": "none"}), None),
    ] {
        let mut written = members;
        written["type"] = json!("openai");
        assert_eq!(provider(&written).vendor, vendor, "{written}");
    }
    for (id, vendor) in Vendor::ALL {
        assert_eq!(provider(&json!({"type": "anthropic", "vendor": id})).vendor, Some(vendor));
    }
    provider_refuses(&[
        (
            r#""type": "openai", "vendor": "none", "key": {"value": "sk-proj-x"}"#,
            &[".key: the key is one of OpenAI, and `vendor` is \"none\""],
        ),
        (
            r#""type": "openai", "vendor": "groq", "key": {"value": "sk-proj-x"}"#,
            &[".key: the key is one of OpenAI, not of Groq"],
        ),
        (
            r#""type": "openai", "vendor": "Groq""#,
            &[
                ".vendor: expected one of \"anthropic\", \"openai\", \"github\", \"google\", \"aws\", \"azure\", \"xai\", \"groq\", \"openrouter\", \"mistral\", \"deepseek\", \"moonshot\", \"zai\", \"minimax\", \"vercel\", \"perplexity\", \"together\", \"fireworks\", \"cerebras\", \"none\", found \"Groq\"; did you mean \"groq\"?",
            ],
        ),
        (
            r#""type": "anthropic", "bedrock": {"region": "us-east-1"}, "vendor": "anthropic""#,
            &[".vendor: expected \"aws\": Bedrock's keys and signatures go to AWS only"],
        ),
        (
            r#""type": "anthropic", "bedrock": {"region": "us-east-1"}, "vendor": "none""#,
            &[".vendor: expected \"aws\": Bedrock's keys and signatures go to AWS only"],
        ),
    ]);
    let bedrock = json!({"type": "anthropic", "vendor": "aws", "bedrock": {"region": "us-east-1"},
        "base_url": "http://relay.internal.example"});
    assert_eq!(provider(&bedrock).vendor, Some(Vendor::Aws));
}

#[test]
fn a_provider_that_can_never_serve_a_caller_is_refused() {
    let injected =
        ".byok: expected \"deny\", because `key` is external: Envoy would add its key to the caller's own";
    let copilot_key = ".key: callers of Copilot always bring their own key, so leave `key` out";
    provider_refuses(&[
        (r#""type": "copilot", "key": {"value": "gho_x"}"#, &[copilot_key]),
        (r#""type": "copilot", "key": {"external": true}, "byok": "deny""#, &[copilot_key]),
        (r#""type": "anthropic", "key": {"external": true}"#, &[injected]),
        (r#""type": "anthropic", "key": {"external": true}, "byok": "require""#, &[injected]),
        // A missing key causes one problem only.
        (r#""type": "openai", "key": {"value": ""}, "byok": "deny""#, &[".key.value: the key is empty"]),
    ]);
    let consumed = |kind: &str, headers: &str| {
        problems(&format!(
            r#"{{"providers": [{{"type": "{kind}"}}], "gateway_credentials": {{"headers": {headers}}}}}"#
        ))
    };
    let line = "providers[0].key: nobody could be served: the provider has no key, and gateway_credentials.headers consumes every header in which a caller could send one:";
    assert_eq!(consumed("openai", r#"["Authorization"]"#), [format!("{line} authorization")]);
    assert_eq!(consumed("copilot", r#"["authorization"]"#), [format!("{line} authorization")]);
    assert!(consumed("anthropic", r#"["authorization"]"#).is_empty());
    assert_eq!(
        consumed("anthropic", r#"["authorization", "x-api-key"]"#),
        [format!("{line} authorization and x-api-key")]
    );
    // Gemini's callers may write `?key=`, and those of Claude at Azure `x-api-key`.
    assert!(consumed("gemini", r#"["authorization", "x-goog-api-key"]"#).is_empty());
    let azure = |headers: &str| {
        problems(&format!(
            r#"{{"providers": [{{"type": "azure", "base_url": "https://r.openai.azure.com"}}],
                "gateway_credentials": {{"headers": {headers}}}}}"#
        ))
    };
    assert!(azure(r#"["authorization", "api-key"]"#).is_empty());
    assert_eq!(
        azure(r#"["authorization", "api-key", "x-api-key"]"#),
        [format!("{line} authorization and api-key and x-api-key")]
    );
    for accepted in [
        json!({"type": "copilot", "byok": "require"}),
        json!({"type": "copilot", "byok": "deny"}),
        json!({"type": "copilot", "send_actor": true}),
        json!({"type": "openai", "byok": "require"}),
        json!({"type": "openai", "byok": "require", "key": {"value": "k"}}),
        json!({"type": "openai", "byok": "deny"}),
        json!({"type": "openai", "byok": "deny", "key": {"value": "k"}}),
        json!({"type": "openai", "byok": "allow", "key": {"external": true}}),
    ] {
        provider(&accepted);
    }
}

#[test]
fn a_model_policy_distinguishes_an_absent_from_an_empty_allow_list() {
    for (models, allow, deny) in [
        (json!({}), None, globs(&[])),
        (json!({"allow": []}), Some(globs(&[])), globs(&[])),
        (json!({"deny": ["gpt-5*"]}), None, globs(&["gpt-5*"])),
        (json!({"allow": ["*"], "deny": []}), Some(globs(&["*"])), globs(&[])),
    ] {
        let provider = provider(&json!({"type": "openai", "models": models}));
        assert_eq!(provider.models, ModelPolicy { allow, deny });
    }
    let long = "x".repeat(257);
    provider_refuses(&[
        (
            &format!(r#""type": "openai", "models": {{"allow": ["", " gpt", 5, "a\nb", "{long}"]}}"#),
            &[
                ".models.allow[0]: expected a model name, found an empty string",
                ".models.allow[1]: \" gpt\" would never match: no model's name has such white space",
                ".models.allow[2]: expected a string, found a number",
                ".models.allow[3]: \"a\\nb\" would never match: no model's name has such white space",
                ".models.allow[4]: longer than 256 bytes",
            ],
        ),
        (
            r#""type": "openai", "models": {"allow": null}"#,
            &[
                ".models.allow: expected a list of model names, in which * stands for any characters, found null",
            ],
        ),
    ]);
}

#[test]
fn open_retry_after_seconds_is_between_a_second_and_a_day() {
    for seconds in [1, 86_400] {
        let provider = provider(&json!({"type": "openai", "open_retry_after_seconds": seconds}));
        assert_eq!(provider.open_retry_after_seconds, seconds);
    }
    provider_refuses(&[(
        r#""type": "openai", "open_retry_after_seconds": 86401"#,
        &[".open_retry_after_seconds: expected a whole number from 1 to 86400, found 86401"],
    )]);
}
