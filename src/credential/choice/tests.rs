//! The choice of the credential: its rules as tables, and what holds for any headers.

use proptest::prelude::*;

use super::super::{Secret, header::bearer};
use super::*;
use crate::headers::HeaderEdits;
use crate::provider::{BaseUrl, ModelPolicy, Provider, ProviderType};

const ANTHROPIC: ProviderType = ProviderType::Anthropic;
const OPENAI: ProviderType = ProviderType::OpenAi;
const COPILOT: ProviderType = ProviderType::Copilot;

fn provider(kind: ProviderType, key: Key, byok: Byok) -> Provider {
    Provider {
        kind,
        name: "p".into(),
        enabled: true,
        base_url: BaseUrl { authority: "api".to_owned(), path: String::new() },
        cluster: "p".to_owned(),
        byok_cluster: "p".to_owned(),
        vendor: Some(kind.profile().vendor),
        key_header: None,
        query: Vec::new(),
        more_passthrough: Vec::new(),
        ask_for_usage: true,
        key_hint: key.hint().map(Rc::from),
        key,
        byok,
        send_actor: false,
        models: ModelPolicy::default(),
        allow_background: false,
        stored_objects: true,
        open_retry_after_seconds: 30,
        bedrock: None,
        pool: None,
    }
}

fn open(kind: ProviderType) -> Provider {
    provider(kind, Key::Absent, Byok::Allow)
}

fn ours(kind: ProviderType) -> Provider {
    provider(kind, Key::Central(Secret::new("the-central-key-of-ours")), Byok::Allow)
}

fn gateway() -> GatewayCredentials {
    GatewayCredentials {
        headers: vec!["x-gateway-token".to_owned()],
        value_prefixes: vec!["gw_".to_owned(), "sk-gateway-".to_owned()],
    }
}

fn headers(pairs: &[(&str, &str)]) -> Headers {
    Headers::new(pairs.iter().map(|(n, v)| ((*n).to_owned(), v.as_bytes().to_vec())).collect())
}

fn decide(pairs: &[(&str, &str)], provider: &Provider) -> Result<Credential, CredentialError> {
    choose(&headers(pairs), &provider.credential_rules(), &gateway())
}

/// The headers that the upstream receives.
fn upstream(before: &Headers, chosen: &Credential) -> Vec<(String, String)> {
    let mut edits = HeaderEdits::default();
    chosen.clone().edit(&mut edits);
    let mut after = before.clone();
    edits.apply(&mut after);
    after.iter().map(|(n, v)| (n.to_owned(), String::from_utf8_lossy(v).into_owned())).collect()
}

fn sent(pairs: &[(&str, &str)], provider: &Provider) -> Vec<(String, String)> {
    upstream(&headers(pairs), &decide(pairs, provider).unwrap())
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn a_callers_own_credential_is_sent_unchanged_and_alone() {
    let others = [("proxy-authorization", "Basic x"), ("api-key", "x"), ("x-goog-api-key", "AIzaX")];
    for (kind, header, value) in [
        (ANTHROPIC, "x-api-key", " sk-ant-api03-abc "),
        (ANTHROPIC, "x-api-key", "anything"),
        (ANTHROPIC, "authorization", "Bearer sk-ant-api03-abc"),
        (ANTHROPIC, "authorization", "bearer sk-ant-oat01-abc"),
        (OPENAI, "authorization", "Bearer sk-proj-abc"),
        (OPENAI, "authorization", "BEARER  sk-abc"),
        (COPILOT, "authorization", "Bearer gho_abc"),
        (COPILOT, "authorization", " Bearer\ttid=abc;exp=1 "),
    ] {
        let mut request = vec![("accept", "x"), (header, value)];
        request.extend(others);
        for provider in [open(kind), ours(kind), provider(kind, Key::External, Byok::Require)] {
            let chosen = decide(&request, &provider).unwrap();
            assert_eq!(chosen.kind, CredentialKind::Byok);
            assert_eq!(chosen.set, None);
            assert_eq!(chosen.remove, ["proxy-authorization", "api-key", "x-goog-api-key"]);
            assert_eq!(sent(&request, &provider), pairs(&[("accept", "x"), (header, value)]));
        }
    }
}

#[test]
fn a_callers_own_credential_is_preferred_and_hinted_without_its_scheme() {
    let chosen = decide(&[("authorization", "Bearer sk-ant-api03-0123456789")], &ours(ANTHROPIC)).unwrap();
    assert_eq!(chosen.hint.as_deref(), Some("sk-a...6789"));
}

#[test]
fn anthropic_prefers_x_api_key_and_openai_reads_authorization_only() {
    let both = [("authorization", "Bearer sk-b"), ("x-api-key", "sk-a")];
    assert_eq!(sent(&both, &open(ANTHROPIC)), pairs(&[("x-api-key", "sk-a")]));
    assert_eq!(sent(&both, &open(OPENAI)), pairs(&[("authorization", "Bearer sk-b")]));
    assert_eq!(sent(&both, &open(COPILOT)), pairs(&[("authorization", "Bearer sk-b")]));
}

#[test]
fn an_oauth_token_is_always_sent_as_bearer() {
    for request in [
        vec![("x-api-key", " sk-ant-oat01-abc")],
        vec![("x-api-key", "sk-ant-oat01-abc"), ("authorization", "Bearer gw_1")],
        vec![("x-api-key", "sk-ant-oat01-abc"), ("authorization", "Bearer sk-other")],
        vec![("x-api-key", "gw_1"), ("authorization", "Bearer sk-ant-oat01-abc")],
    ] {
        let up = sent(&request, &ours(ANTHROPIC));
        assert_eq!(up, pairs(&[("authorization", "Bearer sk-ant-oat01-abc")]), "{request:?}");
    }
}

#[test]
fn the_central_key_is_sent_where_the_caller_brings_none() {
    for request in [
        vec![],
        vec![("authorization", "")],
        vec![("authorization", "Bearer")],
        vec![("authorization", "Bearer a b")],
        vec![("authorization", "Basic dXNlcjpwYXNz")],
        vec![("authorization", "Basic a, Digest b")],
        vec![("authorization", "sk-ant-naked")],
        vec![("x-api-key", "  "), ("authorization", "Token gho_x")],
        vec![("x-api-key", "gw_1"), ("authorization", "Bearer sk-gateway-1")],
        vec![("x-gateway-token", "whatever"), ("api-key", "x"), ("x-goog-api-key", "AIzaX")],
        vec![("proxy-authorization", "Bearer sk-proj-abc")],
    ] {
        let chosen = decide(&request, &ours(ANTHROPIC)).unwrap();
        assert_eq!((chosen.kind, chosen.hint.as_deref()), (CredentialKind::Centralized, Some("the-...ours")));
        assert_eq!(
            upstream(&headers(&request), &chosen),
            pairs(&[("x-api-key", "the-central-key-of-ours")]),
            "{request:?}"
        );
        assert_eq!(
            sent(&request, &ours(OPENAI)),
            pairs(&[("authorization", "Bearer the-central-key-of-ours")]),
            "{request:?}"
        );
        assert_eq!(decide(&request, &open(ANTHROPIC)), Err(CredentialError::Missing), "{request:?}");
        assert_eq!(decide(&request, &open(COPILOT)), Err(CredentialError::Missing), "{request:?}");
    }
}

#[test]
fn an_api_key_header_is_no_credential_of_openai_or_copilot() {
    let request = [("x-api-key", "gho_abc")];
    assert_eq!(decide(&request, &open(COPILOT)), Err(CredentialError::Missing));
    assert_eq!(sent(&request, &ours(OPENAI)), pairs(&[("authorization", "Bearer the-central-key-of-ours")]));
}

#[test]
fn values_that_are_not_utf_8_count_as_absent_and_are_removed() {
    let request = Headers::new(vec![
        ("x-api-key".to_owned(), b"sk-ant-\xff".to_vec()),
        ("authorization".to_owned(), b"Bearer \xc3\x28".to_vec()),
    ]);
    let chosen = choose(&request, &ours(ANTHROPIC).credential_rules(), &gateway()).unwrap();
    assert_eq!(upstream(&request, &chosen), pairs(&[("x-api-key", "the-central-key-of-ours")]));
    assert_eq!(choose(&request, &open(OPENAI).credential_rules(), &gateway()), Err(CredentialError::Missing));
}

#[test]
fn with_an_external_key_the_filter_only_strips() {
    let chosen = decide(
        &[("x-api-key", "gw_1"), ("x-gateway-token", "t"), ("accept", "x")],
        &provider(ANTHROPIC, Key::External, Byok::Deny),
    )
    .unwrap();
    assert_eq!(
        chosen,
        Credential {
            kind: CredentialKind::Centralized,
            hint: None,
            remove: vec!["x-api-key".into(), "x-gateway-token".into()],
            set: None,
        }
    );
}

#[test]
fn copilot_never_gets_a_central_key() {
    for key in [Key::Central(Secret::new("k")), Key::External, Key::Absent] {
        for byok in [Byok::Allow, Byok::Require, Byok::Deny] {
            assert_eq!(decide(&[], &provider(COPILOT, key.clone(), byok)), Err(CredentialError::Missing));
        }
    }
}

#[test]
fn require_takes_no_central_key_and_deny_no_callers() {
    let key = || Key::Central(Secret::new("k"));
    assert_eq!(decide(&[], &provider(OPENAI, key(), Byok::Require)), Err(CredentialError::Missing));
    let request = [("authorization", "Bearer sk-01234567890123456789")];
    assert_eq!(
        decide(&request, &provider(OPENAI, key(), Byok::Deny)),
        Err(CredentialError::ByokDenied { hint: "sk-0...6789".to_owned() })
    );
    let gateways = [("authorization", "Bearer gw_1")];
    assert_eq!(
        decide(&gateways, &provider(OPENAI, key(), Byok::Deny)).unwrap().kind,
        CredentialKind::Centralized
    );
}

#[test]
fn another_vendors_credential_is_refused_whatever_byok_says() {
    for (prefix, vendor) in super::super::VENDOR_PREFIXES {
        for kind in [ANTHROPIC, OPENAI, COPILOT] {
            let token = format!("{prefix}0123456789abcdefghij");
            let bearer = format!("Bearer {token}");
            for byok in [Byok::Allow, Byok::Deny, Byok::Require] {
                let decided = decide(&[("authorization", &bearer)], &provider(kind, Key::Absent, byok));
                match decided {
                    Err(CredentialError::WrongVendor { seen, hint: shown }) => {
                        assert_eq!(seen, vendor);
                        assert_ne!(vendor, kind.profile().vendor);
                        assert_eq!(shown, hint(&token));
                    }
                    Err(CredentialError::ByokDenied { .. }) => {
                        assert_eq!((vendor, byok), (kind.profile().vendor, Byok::Deny));
                    }
                    other => {
                        assert_eq!(vendor, kind.profile().vendor);
                        assert_eq!(other.unwrap().kind, CredentialKind::Byok);
                    }
                }
            }
        }
    }
    assert!(matches!(
        decide(&[("x-api-key", "sk-proj-x")], &ours(ANTHROPIC)),
        Err(CredentialError::WrongVendor { seen: Vendor::OpenAi, .. })
    ));
}

#[test]
fn only_the_recognised_credential_is_judged() {
    let request = [("x-api-key", "sk-ant-api03-x"), ("authorization", "Bearer gho_x"), ("api-key", "AIza")];
    assert_eq!(sent(&request, &open(ANTHROPIC)), pairs(&[("x-api-key", "sk-ant-api03-x")]));
    let request = [("authorization", "Bearer sk-x"), ("x-api-key", "sk-ant-api03-x")];
    assert_eq!(sent(&request, &open(OPENAI)), pairs(&[("authorization", "Bearer sk-x")]));
}

#[test]
fn a_gateway_token_gives_way_to_the_next_place() {
    let request = [("x-api-key", "gw_1"), ("authorization", "Bearer sk-ant-api03-abc")];
    let chosen = decide(&request, &provider(ANTHROPIC, Key::Absent, Byok::Require)).unwrap();
    assert_eq!(chosen.kind, CredentialKind::Byok);
    assert_eq!(upstream(&headers(&request), &chosen), pairs(&[("authorization", "Bearer sk-ant-api03-abc")]));
    let request = [("x-api-key", "sk-ant-x"), ("authorization", "Bearer gw_1"), ("x-gateway-token", "t")];
    assert_eq!(sent(&request, &ours(ANTHROPIC)), pairs(&[("x-api-key", "sk-ant-x")]));
}

#[test]
fn a_scheme_in_front_of_an_api_key_hides_nothing() {
    let request = [("x-api-key", "Bearer gw_1")];
    assert_eq!(sent(&request, &ours(ANTHROPIC)), pairs(&[("x-api-key", "the-central-key-of-ours")]));
    let request = [("x-api-key", "bearer sk-ant-oat01-abc")];
    assert_eq!(sent(&request, &open(ANTHROPIC)), pairs(&[("authorization", "Bearer sk-ant-oat01-abc")]));
    let request = [("x-api-key", "Bearer sk-ant-api03-abc")];
    assert_eq!(sent(&request, &open(ANTHROPIC)), pairs(&request));
    let refused = decide(&[("x-api-key", "Bearer gho_abc")], &open(ANTHROPIC));
    assert!(matches!(refused, Err(CredentialError::WrongVendor { seen: Vendor::GitHub, .. })));
}

#[test]
fn a_gateway_header_never_holds_the_callers_own_credential() {
    let gateway = GatewayCredentials { headers: vec!["authorization".to_owned()], value_prefixes: vec![] };
    let request = headers(&[("authorization", "Bearer sk-x")]);
    let chosen = choose(&request, &ours(OPENAI).credential_rules(), &gateway).unwrap();
    assert_eq!((chosen.kind, chosen.remove), (CredentialKind::Centralized, vec!["authorization".into()]));
}

#[test]
fn a_repeated_credential_header_is_refused_before_anything_else() {
    for name in CREDENTIAL_HEADERS.into_iter().chain(["x-gateway-token"]) {
        for kind in [ANTHROPIC, OPENAI, COPILOT] {
            let request = [(name, "Bearer x"), ("accept", "x"), (name, "Bearer x")];
            assert_eq!(
                decide(&request, &provider(kind, Key::Absent, Byok::Deny)),
                Err(CredentialError::Repeated { header: name.to_owned() })
            );
        }
    }
}

#[test]
fn authorizations_that_envoy_has_joined_are_repeated() {
    for (value, joined) in [
        ("Bearer a,Bearer b", true),
        ("Bearer a, bearer b", true),
        ("Bearer a,b", true),
        ("Bearer a,", true),
        (",BEARER a", true),
        ("Basic x,Bearer a", true),
        ("Basic x,Bearer", true),
        ("Bearer,a", true),
        ("Basic a,Basic b", false),
        ("Digest a=\"x\", b=\"y\"", false),
        ("Bearer ab", false),
        ("Bearers a,b", false),
    ] {
        let refused = decide(&[("authorization", value)], &ours(OPENAI))
            == Err(CredentialError::Repeated { header: "authorization".to_owned() });
        assert_eq!(refused, joined, "{value}");
    }
    let broken = Headers::new(vec![("authorization".to_owned(), b"Bearer \xff,Bearer b".to_vec())]);
    assert!(choose(&broken, &ours(OPENAI).credential_rules(), &gateway()).is_err());
}

fn credential_value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "( |)(Bearer |bearer\t|Basic |)(gw_|sk-gateway-|sk-ant-|sk-ant-oat|sk-proj-|gho_|AIza|sk-|)[a-c]{0,12}( |,|)"
            .prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..24),
    ]
}

proptest! {
    #[test]
    fn any_headers_send_at_most_one_fitting_credential_and_show_none(
        request in prop::collection::vec((
            prop::sample::select(vec![
                "authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key",
                "x-gateway-token", "accept",
            ]),
            credential_value(),
        ), 0..6),
        kind in prop::sample::select(vec![ANTHROPIC, OPENAI, COPILOT]),
        key in prop::sample::select(vec![Key::Absent, Key::External, Key::Central(Secret::new("central"))]),
        byok in prop::sample::select(vec![Byok::Allow, Byok::Deny, Byok::Require]),
    ) {
        let before = Headers::new(request.into_iter().map(|(n, v)| (n.to_owned(), v)).collect());
        let Ok(chosen) = choose(&before, &provider(kind, key, byok).credential_rules(), &gateway()) else { return Ok(()) };
        let up: Vec<(String, String)> = upstream(&before, &chosen)
            .into_iter()
            .filter(|(name, _)| name != "accept")
            .collect();
        prop_assert!(up.len() <= 1, "{:?}", up);
        for (name, value) in &up {
            prop_assert!(name == "authorization" || (name == "x-api-key" && kind == ANTHROPIC));
            let token = bearer(value).unwrap_or_else(|| value.trim());
            prop_assert!(!token.starts_with("gw_") && !token.starts_with("sk-gateway-"));
            prop_assert!(vendor_of(token).is_none_or(|vendor| vendor == kind.profile().vendor));
            prop_assert!(!(name == "x-api-key" && token.starts_with(OAUTH_PREFIX)));
            prop_assert_eq!(token == "central", chosen.kind == CredentialKind::Centralized);
            let shown = format!("{chosen:?}");
            prop_assert!(token.len() < 5 || !shown.contains(token), "{}", shown);
        }
        prop_assert_eq!(up.is_empty(), chosen.hint.is_none());
    }
}
