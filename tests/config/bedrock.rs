//! `bedrock`: what each member accepts, means and refuses.

use ai_bridge::bedrock::{Invoke, Mode, Table};
use ai_bridge::credential::{Byok, Key, Secret};
use ai_bridge::glob::Glob;
use ai_bridge::provider::Provider;
use serde_json::{Value, json};

use super::{accepted, globs, provider_refuses};

fn provider(members: &Value) -> Provider {
    let provider = with(json!({"type": "anthropic"}), members);
    accepted(&json!({ "providers": [provider] })).providers.remove(0)
}

/// `object` with more members.
fn with(mut object: Value, more: &Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut object, more) {
        members.extend(more.clone());
    }
    object
}

#[test]
fn native_is_the_default_and_envoy_signs_unless_there_is_a_key() {
    let native = provider(&json!({"bedrock": {"region": "eu-central-1"}}));
    assert_eq!(native.bedrock.as_ref().map(|bedrock| &bedrock.mode), Some(&Mode::Native));
    assert_eq!(native.base_url.authority, "bedrock-mantle.eu-central-1.api.aws");
    assert_eq!((native.base_url.path.as_str(), native.cluster.as_str()), ("/anthropic", "anthropic"));
    assert_eq!((native.key, native.byok), (Key::External, Byok::Deny));

    let said = provider(&json!({
        "bedrock": {"region": "us-gov-west-1", "mode": "native"}, "byok": "deny", "key": {"external": true},
        "base_url": "https://vpce-1.bedrock-mantle.us-gov-west-1.vpce.amazonaws.com/anthropic/",
    }));
    assert_eq!(said.base_url.authority, "vpce-1.bedrock-mantle.us-gov-west-1.vpce.amazonaws.com");
    assert_eq!((said.key, said.byok), (Key::External, Byok::Deny));

    for key in ["ABSKQmVkcm9jazEyMzQ1Ng==", "bedrock-api-key-YmVkcm9jay5hbWF6b25hd3M"] {
        let bearing = provider(&json!({"bedrock": {"region": "us-east-1"}, "key": {"value": key}}));
        assert_eq!(bearing.key, Key::Central(Secret::new(key)));
    }
}

#[test]
fn each_table_of_invoke_can_be_replaced() {
    let of = |more: Value| {
        let invoke = json!({"region": "us-east-1", "mode": "invoke", "host_holds_headers": true});
        let bedrock = with(invoke, &more);
        let provider = provider(&json!({ "bedrock": bedrock }));
        assert_eq!(provider.base_url.authority, "bedrock-runtime.us-east-1.amazonaws.com");
        provider.invoke().cloned()
    };
    assert_eq!(of(json!({})), Some(Invoke::default()));
    assert_eq!(Invoke::default().body_bytes, 20_971_520);
    let replaced = of(json!({
        "models": {"claude-opus-*": "us.anthropic.claude-opus-4-6-v1", "*": "arn:aws:bedrock:us-east-1:1:inference-profile/x"},
        "anthropic_version": "2026-10-21", "betas": {"a-*": ["*"]}, "unsupported_fields": {"x.y": ["b", "c"], "z": []},
        "manual_thinking": ["*haiku*"], "body_bytes": 1000,
    }));
    let row = |name: &str, models: &[&str]| (Glob::new(name), globs(models));
    assert_eq!(
        replaced,
        Some(Invoke {
            models: vec![
                (Glob::new("claude-opus-*"), "us.anthropic.claude-opus-4-6-v1".to_owned()),
                (Glob::new("*"), "arn:aws:bedrock:us-east-1:1:inference-profile/x".to_owned()),
            ],
            anthropic_version: "2026-10-21".to_owned(),
            betas: Table(vec![row("a-*", &["*"])]),
            unsupported_fields: Table(vec![row("x.y", &["b", "c"]), row("z", &[])]),
            manual_thinking: globs(&["*haiku*"]),
            body_bytes: 1000,
        })
    );
}

#[test]
fn every_problem_of_bedrock_has_its_path() {
    let region = "expected an AWS region, such as \"us-east-1\", found";
    let only = "only for mode \"invoke\"; \"native\" passes bodies unchanged";
    let holds = ".bedrock.host_holds_headers: expected true: mode \"invoke\" writes the model into the path, so the headers \
                 have to wait for the body; set `allow_on_headers_stop_iteration: true` beside the filter's `configuration` \
                 in Envoy, and say so here";
    let id = "expected a Bedrock model id, inference profile or ARN, such as \"us.anthropic.claude-opus-4-6-v1\", found";
    let invoke = |members: &str| {
        format!(
            r#""type": "anthropic", "bedrock": {{"region": "us-east-1", "mode": "invoke", "host_holds_headers": true, {members}}}"#
        )
    };
    provider_refuses(&[
        (r#""type": "anthropic", "bedrock": true"#, &[".bedrock: expected an object, found a boolean"]),
        (
            r#""type": "anthropic", "bedrock": {"region": "us-east-1", "mode": "runtime", "body_bytes": 1}"#,
            &[".bedrock.body_bytes: only for mode \"invoke\"; \"runtime\" passes bodies unchanged"],
        ),
        (
            r#""type": "anthropic", "bedrock": {}"#,
            &[".bedrock.region: required: an AWS region, such as \"us-east-1\""],
        ),
        (
            r#""type": "anthropic", "bedrock": {"region": "US-EAST-1"}"#,
            &[&format!(".bedrock.region: {region} \"US-EAST-1\"")],
        ),
        (
            r#""type": "anthropic", "bedrock": {"region": "us-east-1.evil.com/"}"#,
            &[&format!(".bedrock.region: {region} \"us-east-1.evil.com/\"")],
        ),
        (
            r#""type": "anthropic", "bedrock": {"region": "us-east-1", "mode": "converse", "regoin": 1}"#,
            &[
                ".bedrock.mode: expected one of \"native\", \"invoke\", \"runtime\", found \"converse\"",
                holds,
                ".bedrock.regoin: unknown member; did you mean \"region\"?",
            ],
        ),
        (r#""type": "anthropic", "bedrock": {"region": "us-east-1", "mode": "invoke"}"#, &[holds]),
        (
            r#""type": "anthropic", "bedrock": {"region": "us-east-1", "mode": "invoke", "host_holds_headers": false}"#,
            &[holds],
        ),
        (
            r#""type": "anthropic", "bedrock": {"region": "us-east-1", "mode": "invoke", "host_holds_headers": "yes"}"#,
            &[".bedrock.host_holds_headers: expected true or false, found a string"],
        ),
        (
            r#""type": "anthropic", "bedrock": {"region": "us-east-1", "models": {"a": "b"}, "body_bytes": 1}"#,
            &[&format!(".bedrock.models: {only}"), &format!(".bedrock.body_bytes: {only}")],
        ),
        (
            &invoke(r#""models": {"": "us.anthropic.x", "claude": "a b", "c": 7}, "body_bytes": 0"#),
            &[
                ".bedrock.models[\"\"]: expected a model name, found an empty string",
                &format!(".bedrock.models.claude: {id} \"a b\""),
                ".bedrock.models.c: expected a string, found a number",
                ".bedrock.body_bytes: expected a whole number from 1 to 67108864, found 0",
            ],
        ),
        (
            &invoke(
                r#""models": {"a": "../x"}, "anthropic_version": "", "betas": {"": ["*"]}, "manual_thinking": "*""#,
            ),
            &[
                &format!(".bedrock.models.a: {id} \"../x\""),
                ".bedrock.anthropic_version: expected the name of a version: 1 to 128 visible ASCII characters",
                ".bedrock.betas[\"\"]: expected the name of a beta: 1 to 128 visible ASCII characters",
                ".bedrock.manual_thinking: expected a list of model names, in which * stands for any characters, found a string",
            ],
        ),
        (
            &invoke(r#""unsupported_fields": ["speed"], "betas": {"a": "*"}"#),
            &[
                ".bedrock.betas.a: expected a list of model names, in which * stands for any characters, found a string",
                ".bedrock.unsupported_fields: expected an object: names, in which * stands for any characters, to lists of models, found a list",
            ],
        ),
    ]);
}

#[test]
fn bedrock_serves_anthropic_only_and_takes_only_its_own_keys() {
    let denied = ".byok: expected \"deny\": callers' own keys never go to AWS";
    provider_refuses(&[
        (
            r#""type": "openai", "bedrock": {"region": "us-east-1"}"#,
            &[".bedrock: Bedrock serves \"anthropic\" only, not \"openai\""],
        ),
        (r#""type": "anthropic", "byok": "allow", "bedrock": {"region": "us-east-1"}"#, &[denied]),
        (r#""type": "anthropic", "byok": "require", "bedrock": {"region": "us-east-1"}"#, &[denied]),
        (
            r#""type": "anthropic", "byok_cluster": "x", "bedrock": {"region": "us-east-1"}"#,
            &[".byok_cluster: without a use: callers' own keys never go to AWS"],
        ),
        (
            r#""type": "anthropic", "key": {"value": "sk-ant-x"}, "bedrock": {"region": "us-east-1"}"#,
            &[".key: the key is one of Anthropic, not of AWS"],
        ),
        (
            r#""type": "anthropic", "key": {"env": "ANTHROPIC_API_KEY"}, "bedrock": {"region": "us-east-1"}, "base_url": "http://h""#,
            &[".key: the key is one of Anthropic, not of AWS"],
        ),
        (
            r#""type": "anthropic", "key": {"value": "AKIAIOSFODNN7EXAMPLE"}, "bedrock": {"region": "us-east-1"}"#,
            &[
                ".key: the key is an AWS access key id, no Bedrock API key; to sign with it leave `key` out and give it to Envoy's aws_request_signing",
            ],
        ),
        (
            r#""type": "anthropic", "key": {"value": "gw_x"}, "bedrock": {"region": "us-east-1"}"#,
            &[
                ".key: the key begins with one of gateway_credentials.value_prefixes: it is the gateway's own token",
            ],
        ),
    ]);
}

#[test]
fn a_host_of_another_vendor_gets_no_key_and_no_signature_of_aws() {
    let line = |vendor: &str| {
        format!(".base_url: the host is one of {vendor}; Bedrock's keys and signatures go to AWS only")
    };
    for (host, vendor) in [("api.anthropic.com", "Anthropic"), ("openrouter.ai", "OpenRouter")] {
        for key in ["", r#", "key": {"value": "ABSKx"}"#] {
            let members = format!(
                r#""type": "anthropic", "bedrock": {{"region": "us-east-1"}}, "base_url": "https://{host}"{key}"#
            );
            provider_refuses(&[(&members, &[&line(vendor)])]);
        }
    }
}
