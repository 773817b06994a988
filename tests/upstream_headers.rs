//! What the three rooms decide together: whatever a client sends, which headers an upstream sees.

use ai_bridge::caller::{ActorSource, actor, actor_headers, send_actor};
use ai_bridge::credential::{Byok, CredentialKind, GatewayCredentials, Key, Secret, choose};
use ai_bridge::glob::Glob;
use ai_bridge::headers::{CREDENTIAL_HEADERS, HeaderEdits, Headers, Stripping};
use ai_bridge::provider::{BaseUrl, ModelPolicy, Provider, ProviderType};
use proptest::prelude::*;

const CLUSTER_HEADER: &str = "x-ai-bridge-cluster";

fn provider(kind: ProviderType, key: Key) -> Provider {
    Provider {
        kind,
        name: "p".into(),
        enabled: true,
        base_url: BaseUrl { authority: "api.example".to_owned(), path: String::new() },
        cluster: "p".to_owned(),
        byok_cluster: "p".to_owned(),
        key,
        byok: Byok::Allow,
        send_actor: true,
        models: ModelPolicy::default(),
        allow_background: false,
        stored_objects: true,
        open_retry_after_seconds: 30,
        bedrock: None,
    }
}

/// The upstream request's headers, and whose credential is in them; `None` where the request is refused.
fn upstream(seen: &Headers, provider: &Provider) -> Option<(Headers, CredentialKind)> {
    let gateway = GatewayCredentials {
        headers: vec!["x-gateway-token".to_owned()],
        value_prefixes: vec!["gw_".to_owned()],
    };
    let source = ActorSource {
        header: Some("x-user".to_owned()),
        metadata_headers: vec![("team".to_owned(), "x-team".to_owned())],
        ..ActorSource::default()
    };
    let named = [CLUSTER_HEADER]
        .into_iter()
        .chain(gateway.headers.iter().map(String::as_str))
        .chain(actor_headers(&source));
    let stripping = Stripping::new(named, &["cookie", "x-amzn-oidc-*"].map(Glob::new));

    let credential = choose(seen, &provider.credential_rules(), &gateway).ok()?;
    let mut edits = HeaderEdits::default();
    stripping.list(seen).into_iter().for_each(|name| edits.remove(name));
    let kind = credential.kind;
    credential.edit(&mut edits);
    if let (Some(actor), metadata) = actor(seen, &source, None).ok()? {
        send_actor(Some(&actor.id), &metadata, &mut edits);
    }
    edits.set(CLUSTER_HEADER, "p");
    let mut upstream = seen.clone();
    edits.apply(&mut upstream);
    Some((upstream, kind))
}

fn headers(pairs: &[(&str, &str)]) -> Headers {
    Headers::new(pairs.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect())
}

#[test]
fn claude_code_behind_a_gateway_reaches_anthropic_with_our_key_and_everything_that_concerns_anthropic() {
    let seen = headers(&[
        (":method", "POST"),
        (":path", "/anthropic/v1/messages?beta=true"),
        (":authority", "gateway"),
        ("authorization", "Bearer gw_ann"),
        ("x-user", "ann"),
        ("x-team", "red"),
        ("cookie", "session=1"),
        ("connection", "keep-alive, x-secret-hop"),
        ("x-secret-hop", "1"),
        ("x-ai-bridge-cluster", "evil"),
        ("x-ai-bridge-actor-id", "evil"),
        ("anthropic-beta", "claude-code-20250219,  other "),
        ("anthropic-version", "2023-06-01"),
        ("content-length", "2"),
    ]);
    let key = Key::Central(Secret::new("sk-ant-central"));
    let (up, kind) = upstream(&seen, &provider(ProviderType::Anthropic, key)).unwrap();
    assert_eq!(kind, CredentialKind::Centralized);
    let shown: Vec<String> = up.iter().map(|(n, v)| format!("{n}={}", String::from_utf8_lossy(v))).collect();
    assert_eq!(
        shown,
        [
            ":method=POST",
            ":path=/anthropic/v1/messages?beta=true",
            ":authority=gateway",
            "anthropic-beta=claude-code-20250219,  other ",
            "anthropic-version=2023-06-01",
            "content-length=2",
            "x-api-key=sk-ant-central",
            "x-ai-bridge-actor-id=ann",
            "x-ai-bridge-actor-metadata-team=red",
            "x-ai-bridge-cluster=p",
        ]
    );
}

#[test]
fn a_caller_cannot_name_its_own_credential_away_to_be_given_the_injected_key() {
    let seen = headers(&[("authorization", "Bearer sk-theirs"), ("connection", "authorization")]);
    let (up, kind) = upstream(&seen, &provider(ProviderType::OpenAi, Key::External)).unwrap();
    assert_eq!(kind, CredentialKind::Byok);
    assert_eq!(up.text("authorization"), Some("Bearer sk-theirs"));
}

proptest! {
    #[test]
    fn whatever_comes_the_upstream_sees_one_fitting_credential_and_nothing_of_the_gateways(
        pairs in prop::collection::vec((
            prop::sample::select(vec![
                ":path", "authorization", "x-api-key", "proxy-authorization", "api-key", "x-goog-api-key",
                "x-gateway-token", "x-ai-bridge-cluster", "x-ai-bridge-other", "x-user", "x-team", "cookie",
                "x-amzn-oidc-data", "connection", "te", "upgrade", "accept",
            ]),
            prop_oneof![
                "(Bearer |)(gw_|sk-ant-|sk-ant-oat|sk-|gho_)[a-c]{3,9}".prop_map(String::into_bytes),
                "((authorization|x-api-key|:path|X-User|accept)(, ?|)){1,4}".prop_map(String::into_bytes),
                prop::collection::vec(any::<u8>(), 0..9),
            ],
        ), 0..9),
        kind in prop::sample::select(ProviderType::ALL.to_vec()),
        key in prop::sample::select(vec![Key::Absent, Key::External, Key::Central(Secret::new("central"))]),
    ) {
        let seen = Headers::new(pairs.into_iter().map(|(n, v)| (n.to_owned(), v)).collect());
        let external = key == Key::External;
        let Some((up, whose)) = upstream(&seen, &provider(kind, key)) else { return Ok(()) };
        let credentials: Vec<(&str, &[u8])> =
            up.iter().filter(|(name, _)| CREDENTIAL_HEADERS.contains(name)).collect();
        let expected = usize::from(!(whose == CredentialKind::Centralized && external));
        prop_assert_eq!(credentials.len(), expected);
        for (_, value) in credentials {
            prop_assert!(!value.windows(3).any(|part| part == b"gw_"));
        }
        for name in ["x-gateway-token", "x-ai-bridge-other", "x-user", "x-team", "cookie", "x-amzn-oidc-data",
                     "connection", "te", "upgrade"] {
            prop_assert!(!up.contains(name), "{}", name);
        }
        prop_assert_eq!(up.all("x-ai-bridge-cluster").collect::<Vec<_>>(), [b"p"]);
        prop_assert_eq!(up.all(":path").count(), seen.all(":path").count());
    }
}
