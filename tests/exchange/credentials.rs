//! Which credential goes upstream: provider type × own key × policy × headers, on bridged and passthrough routes, compared
//! with the rules written down once more.

mod vendors;

use crate::stripped_headers::{PLACES, gateway};
use ai_bridge::bridge::Bridge;
use ai_bridge::headers::Headers;
use serde_json::{Value, json};
use std::rc::Rc;
use world::{World, bridge, head};

const CREDENTIALS: [&str; 5] =
    ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key"];

/// A provider type.
#[derive(Debug)]
struct Type {
    name: &'static str,
    bridged: &'static str,
    passthrough: &'static str,
    /// The central key.
    key: &'static str,
    /// The vendor whose keys it takes.
    vendor: &'static str,
}

const ANTHROPIC: Type = Type {
    name: "anthropic",
    bridged: "/anthropic/v1/messages",
    passthrough: "/anthropic/v1/models",
    key: "sk-ant-api03-OURSOURSOURS",
    vendor: "Anthropic",
};

const OPENAI: Type = Type {
    name: "openai",
    bridged: "/openai/v1/responses",
    passthrough: "/openai/v1/models",
    key: "sk-proj-OURSOURSOURSOURS",
    vendor: "OpenAI",
};

const COPILOT: Type = Type {
    name: "copilot",
    bridged: "/copilot/chat/completions",
    passthrough: "/copilot/models",
    key: "",
    vendor: "GitHub",
};

const TYPES: [Type; 3] = [ANTHROPIC, OPENAI, COPILOT];

const VENDORS: [(&str, &str); 20] = [
    ("sk-ant-", "Anthropic"),
    ("sk-ant-oat01-", "Anthropic"),
    ("sk-proj-", "OpenAI"),
    ("sk-svcacct-", "OpenAI"),
    ("sk-admin-", "OpenAI"),
    ("gho_", "GitHub"),
    ("ghu_", "GitHub"),
    ("ghp_", "GitHub"),
    ("ghs_", "GitHub"),
    ("ghr_", "GitHub"),
    ("github_pat_", "GitHub"),
    ("AIza", "Google"),
    ("AKIA", "AWS"),
    ("ASIA", "AWS"),
    ("ABSK", "AWS"),
    ("xai-", "xAI"),
    ("gsk_", "Groq"),
    ("ya29.", "Google"),
    ("sk-or-", "OpenRouter"),
    ("vck_", "Vercel"),
];

/// What has to become of a request.
#[derive(Debug, PartialEq)]
enum Verdict {
    Refused(u16, &'static str, Option<String>),
    /// The credential header that goes upstream, if any; kind; hint.
    Sent(Option<(String, String)>, &'static str, Option<String>),
}

fn hint(secret: &str) -> String {
    let characters: Vec<char> = secret.chars().collect();
    let r = match characters.len() {
        0..5 => 0,
        5..10 => 1,
        10..20 => 2,
        _ => 4,
    };
    let (first, last) = (&characters[..r], &characters[characters.len() - r..]);
    format!("{}...{}", first.iter().collect::<String>(), last.iter().collect::<String>())
}

fn bearer(value: &str) -> Option<&str> {
    let fields: Vec<&str> = value.split_ascii_whitespace().collect();
    match fields[..] {
        [scheme, token] if scheme.eq_ignore_ascii_case("bearer") => Some(token),
        _ => None,
    }
}

/// The rules of `envoy/behaviour.md#credentials-and-vendors`.
fn verdict(
    at: &Type,
    byok: &str,
    key: &str,
    authorization: Option<&str>,
    x_api_key: Option<&str>,
) -> Verdict {
    let (kind, central, vendor) = (at.name, at.key, at.vendor);
    if authorization.is_some_and(|value| value.contains(',')) {
        return Verdict::Refused(400, "repeated_credential", None);
    }
    let theirs = |token: &&str| !token.is_empty() && !token.starts_with("gw_");
    let in_x_api_key = x_api_key.map(str::trim).filter(theirs).filter(|_| kind == "anthropic");
    let in_bearer = authorization.and_then(bearer).filter(theirs);
    let own = in_x_api_key
        .map(|token| ("x-api-key", token))
        .or_else(|| in_bearer.map(|token| ("authorization", token)));
    if let Some((header, token)) = own {
        let hint = Some(hint(token));
        let named = VENDORS.iter().find(|(prefix, _)| token.starts_with(prefix));
        if named.is_some_and(|(_, named)| *named != vendor) {
            return Verdict::Refused(403, "wrong_vendor_credential", hint);
        }
        if byok == "deny" {
            return Verdict::Refused(403, "byok_denied", hint);
        }
        let sent = if token.starts_with("sk-ant-oat") && header == "x-api-key" {
            ("authorization".to_owned(), format!("Bearer {token}"))
        } else {
            let value = if header == "x-api-key" { x_api_key } else { authorization };
            (header.to_owned(), value.unwrap().to_owned())
        };
        return Verdict::Sent(Some(sent), "byok", hint);
    }
    match (kind, key) {
        ("copilot", _) | (_, "absent") => Verdict::Refused(401, "missing_credential", None),
        _ if byok == "require" => Verdict::Refused(401, "missing_credential", None),
        (_, "external") => Verdict::Sent(None, "centralized", None),
        ("anthropic", _) => Verdict::Sent(
            Some(("x-api-key".to_owned(), central.to_owned())),
            "centralized",
            Some(hint(central)),
        ),
        _ => Verdict::Sent(
            Some(("authorization".to_owned(), format!("Bearer {central}"))),
            "centralized",
            Some(hint(central)),
        ),
    }
}

/// A bridge with one provider; `None`: the configuration would be refused.
fn configured(at: &Type, byok: &str, key: &str) -> Option<Rc<Bridge>> {
    let (kind, central) = (at.name, at.key);
    let mut provider = json!({"type": kind, "byok": byok, "byok_cluster": "theirs", "cluster": "ours"});
    match (kind, key) {
        ("copilot", "value" | "external") => return None,
        ("anthropic", "external") if byok != "deny" => return None,
        (_, "value") => provider["key"] = json!({"value": central}),
        (_, "external") => provider["key"] = json!({"external": true}),
        _ => {}
    }
    let gateway = json!({"headers": ["x-gateway-token"], "value_prefixes": ["gw_"]});
    Some(bridge(&json!({"providers": [provider], "gateway_credentials": gateway}).to_string()))
}

fn request(first: [&str; 2], lines: &[(&str, &str)]) -> Headers {
    let mut pairs = vec![(":method", first[0]), (":path", first[1]), (":authority", "gateway.example")];
    pairs.extend(lines);
    Headers::new(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect())
}

/// What became of a request. Checks that no secret leaked.
fn found(bridge: &Rc<Bridge>, first: [&str; 2], lines: &[(&str, &str)]) -> (Verdict, Option<Value>) {
    let bridged = first[0] == "POST";
    let mut world = World::new(bridge);
    world.request(request(first, lines), !bridged);
    if bridged && world.reply.is_none() {
        world.upload(b"{}", true);
    }
    world.finish("downstream_remote_disconnect");
    let record = bridged.then(|| world.record());
    let hint = record.as_ref().and_then(|record| record["credential"]["hint"].as_str().map(str::to_owned));
    if let Some(reply) = &world.reply {
        for (_, value) in lines.iter().filter(|(name, _)| CREDENTIALS.contains(name)) {
            let secret = value.trim().split(' ').next_back().unwrap();
            assert!(secret.len() < 6 || !reply.body.contains(secret), "{} echoes {secret}", reply.body);
        }
        let code = match &record {
            Some(record) => record["error"]["code"].as_str().unwrap().to_owned(),
            None => {
                let body: Value = serde_json::from_str(&reply.body).unwrap();
                body["error"]["code"].as_str().unwrap_or_default().to_owned()
            }
        };
        assert!(world.upstream_headers.is_none());
        let codes = ["repeated_credential", "wrong_vendor_credential", "byok_denied", "missing_credential"];
        let code = codes.into_iter().find(|known| *known == code).unwrap_or_default();
        return (Verdict::Refused(reply.status, code, hint), record);
    }
    let upstream = world.upstream_headers.as_ref().unwrap();
    let mut sent = Vec::new();
    for (name, value) in upstream.iter() {
        assert_ne!(name, "x-gateway-token", "{lines:?}");
        if CREDENTIALS.contains(&name) {
            sent.push((name.to_owned(), String::from_utf8(value.to_vec()).unwrap()));
        }
    }
    assert!(sent.len() <= 1, "{sent:?} of {lines:?}");
    let kind = if upstream.text("x-ai-bridge-cluster") == Some("theirs") { "byok" } else { "centralized" };
    if let Some(record) = &record {
        assert_eq!(record["credential"]["kind"], kind, "{lines:?}");
    }
    (Verdict::Sent(sent.pop(), kind, hint), record)
}

#[test]
fn every_combination_of_key_policy_and_header_follows_the_rules() {
    let mut authorizations: Vec<String> = [
        "",
        " ",
        "Bearer",
        "Bearer ",
        "Bearer sk-0123456789",
        "bearer\tsk-0123",
        " BEARER  k ",
        "Bearer a b",
        "Basic eDp5",
        "Basic a, Digest b",
        "sk-ant-naked0123456",
        "gw_naked",
        "Bearer gw_0123",
        "bearer  gw_0123 ",
        "Bearer GW_0123",
        "Bearer a,b",
        "Bearer a, Bearer b",
        "Token gho_0123",
        "Bearer SK-ANT-0123",
    ]
    .map(str::to_owned)
    .to_vec();
    // With another scheme than Bearer, a comma may be part of the value.
    authorizations.retain(|value| !value.contains("Digest"));
    authorizations.extend(VENDORS.iter().map(|(prefix, _)| format!("Bearer {prefix}0123456789abcdefghij")));
    let keys = [
        "",
        "  ",
        "anything",
        " sk-ant-api03-0123456789 ",
        "sk-ant-oat01-0123456789",
        "sk-proj-0123456789",
        "gw_x",
    ];
    let others = [
        ("proxy-authorization", "Bearer sk-ant-x"),
        ("api-key", "k"),
        ("x-goog-api-key", "AIzaX"),
        ("x-gateway-token", "t"),
    ];
    let mut cases = 0;
    for at in &TYPES {
        for byok in ["allow", "deny", "require"] {
            for key in ["absent", "value", "external"] {
                let Some(bridge) = configured(at, byok, key) else { continue };
                for authorization in authorizations.iter().map(|value| Some(value.as_str())).chain([None]) {
                    for x_api_key in keys.into_iter().map(Some).chain([None]) {
                        let wanted = verdict(at, byok, key, authorization, x_api_key);
                        for others in [&others[..0], &others] {
                            let mut lines = vec![("accept", "*/*")];
                            lines.extend(authorization.map(|value| ("authorization", value)));
                            lines.extend(others);
                            lines.extend(x_api_key.map(|value| ("x-api-key", value)));
                            let (decided, _) = found(&bridge, ["POST", at.bridged], &lines);
                            assert_eq!(decided, wanted, "{} {byok} {key} {lines:?}", at.name);
                            let (decided, _) = found(&bridge, ["GET", at.passthrough], &lines);
                            assert!(
                                same(&decided, &wanted, at),
                                "{} {byok} {key} {lines:?}: {decided:?}",
                                at.name
                            );
                            cases += 2;
                        }
                    }
                }
            }
        }
    }
    assert!(cases > 15_000, "{cases}");
}

/// Compares without what a passthrough reply lacks: hint, and in the Messages shape the code.
fn same(decided: &Verdict, wanted: &Verdict, at: &Type) -> bool {
    match (decided, wanted) {
        (Verdict::Refused(status, code, _), Verdict::Refused(wanted, wanted_code, _)) => {
            status == wanted && (code == wanted_code || (at.name == "anthropic" && code.is_empty()))
        }
        (Verdict::Sent(sent, kind, _), Verdict::Sent(wanted, wanted_kind, _)) => {
            sent == wanted && kind == wanted_kind
        }
        _ => false,
    }
}

#[test]
fn a_refusal_names_the_other_vendor_but_not_the_key() {
    for at in &TYPES {
        let bridge = configured(at, "allow", "absent").unwrap();
        for (prefix, vendor) in VENDORS.iter().filter(|(_, vendor)| *vendor != at.vendor) {
            let mut world = World::new(&bridge);
            let value = format!("Bearer {prefix}0123456789abcdef");
            world.request(request(["POST", at.bridged], &[("authorization", &value)]), false);
            let (status, body) = world.replied();
            let message = body["error"]["message"].as_str().unwrap();
            assert_eq!((status, body["error"]["type"].as_str()), (403, Some("permission_error")));
            assert!(message.contains(vendor) && !message.contains(prefix), "{message}");
            assert!(!message.contains("0123456789abcdef"), "{message}");
            world.done();
            assert_eq!(world.record()["credential"]["kind"], "byok");
        }
    }
}

#[test]
fn a_gateway_token_never_goes_upstream() {
    let bridge = configured(&ANTHROPIC, "allow", "value").unwrap();
    for (name, value) in [
        ("x-api-key", "Bearer gw_0123"),
        ("x-api-key", "Bearer gw_0123 x"),
        ("x-api-key", "Token gw_0123"),
        ("x-api-key", "sk-ant-own gw_0123"),
        ("x-api-key", "sk-ant-own,gw_0123"),
        ("x-api-key", "gw_0123, sk-ant-own"),
        ("authorization", "Bearer gw_0123"),
        ("authorization", "gw_0123"),
        ("authorization", "Basic gw_0123"),
        ("authorization", "Bearer sk-ant-own gw_0123"),
        ("authorization", "Bearer sk-ant-own,gw_0123"),
        ("api-key", "gw_0123"),
        ("proxy-authorization", "Bearer gw_0123"),
    ] {
        for first in [["POST", ANTHROPIC.bridged], ["GET", ANTHROPIC.passthrough]] {
            let mut world = World::new(&bridge);
            world.request(request(first, &[(name, value)]), false);
            match &world.upstream_headers {
                Some(sent) => assert_eq!(
                    sent.iter().filter(|(name, _)| CREDENTIALS.contains(name)).collect::<Vec<_>>(),
                    [("x-api-key", ANTHROPIC.key.as_bytes())],
                    "{name}: {value}"
                ),
                None => assert_eq!(world.replied().0, 400, "{name}: {value}"),
            }
        }
    }
}

#[test]
fn an_api_key_header_with_two_keys_is_refused() {
    let bridge = configured(&ANTHROPIC, "allow", "value").unwrap();
    for (value, status) in [
        ("sk-ant-a,sk-ant-b", Some(400)),
        ("sk-ant-a, gho_b", Some(400)),
        ("sk-ant-a gho_b", None),
        ("Bearer gho_b x", None),
    ] {
        let mut world = World::new(&bridge);
        world.request(request(["POST", ANTHROPIC.bridged], &[("x-api-key", value)]), false);
        assert_eq!(world.reply.as_ref().map(|reply| reply.status), status, "{value}");
        if status.is_none() {
            assert_eq!(world.sent("x-api-key"), Some(ANTHROPIC.key), "{value}");
        }
    }
}

#[test]
fn a_repeated_credential_header_is_400_on_every_route() {
    let bridge = gateway(|configuration| configuration["providers"][0]["key"] = json!({"value": "central"}));
    for name in
        ["authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "x-gateway-token"]
    {
        for values in
            [["Bearer own", "Bearer own"], ["", ""], ["Basic a", "Bearer own"], ["gw_x", "Bearer own"]]
        {
            for (_, bridged, passthrough) in PLACES {
                for path in [bridged, passthrough] {
                    let mut world = World::new(&bridge);
                    let lines = [("authorization", "Bearer own"), (name, values[0]), (name, values[1])];
                    let from = usize::from(name == "authorization");
                    world.request(head(&format!("POST {path}"), &lines[from..]), false).done();
                    assert_eq!(world.replied().0, 400, "{name} {path}");
                    assert_eq!(world.records, usize::from(path == bridged));
                    assert!(world.upstream_headers.is_none());
                }
            }
        }
    }
}

/// A bridge with one `openai` provider that also has `members`.
fn openai_with(members: &Value) -> Rc<Bridge> {
    let mut provider = json!({"type": "openai", "byok_cluster": "theirs", "cluster": "ours"});
    for (name, value) in members.as_object().unwrap() {
        provider[name] = value.clone();
    }
    let gateway = json!({"headers": ["x-gateway-token"], "value_prefixes": ["gw_"]});
    bridge(&json!({"providers": [provider], "gateway_credentials": gateway}).to_string())
}

fn sent(name: &str, value: &str) -> Option<(String, String)> {
    Some((name.to_owned(), value.to_owned()))
}

#[test]
fn key_header_gets_the_central_key_and_is_read_first() {
    for (name, value) in [
        ("authorization", "Bearer central-key"),
        ("x-api-key", "central-key"),
        ("api-key", "central-key"),
        ("x-goog-api-key", "central-key"),
    ] {
        let bridge = openai_with(&json!({"key_header": name, "key": {"value": "central-key"}}));
        for first in [["POST", OPENAI.bridged], ["GET", OPENAI.passthrough]] {
            let decide = |lines: &[(&str, &str)]| found(&bridge, first, lines).0;
            let central = |decided: Verdict| matches!(decided, Verdict::Sent(found, "centralized", _) if found == sent(name, value));
            assert!(central(decide(&[])), "{name}");
            // A gateway token is recognised in every credential header.
            let tokens = CREDENTIALS.map(|header| {
                (header, if header.ends_with("authorization") { "Bearer gw_0123" } else { "gw_0123" })
            });
            assert!(central(decide(&tokens)), "{name}");
            for token in tokens {
                assert!(central(decide(&[token])), "{name} {token:?}");
            }
            let own = if name == "authorization" { "Bearer own-key" } else { "own-key" };
            let both = [(name, own), ("authorization", "Bearer own-bearer")];
            let both = if name == "authorization" { &both[..1] } else { &both };
            assert!(
                matches!(decide(both), Verdict::Sent(found, "byok", _) if found == sent(name, own)),
                "{name}"
            );
            let bearer = [("authorization", "Bearer own-bearer")];
            assert!(
                matches!(decide(&bearer), Verdict::Sent(found, "byok", _) if found == sent(bearer[0].0, bearer[0].1))
            );
            if name != "authorization" {
                assert!(matches!(decide(&[(name, "gho_0123456789")]), Verdict::Refused(403, ..)), "{name}");
                assert!(matches!(decide(&[(name, "a,b")]), Verdict::Refused(400, ..)), "{name}");
            }
        }
    }
}

#[test]
fn without_a_needed_key_no_credential_goes_up_and_none_counts() {
    let provider =
        json!({"type": "openai", "key": {"none": true}, "base_url": "http://vllm.internal:8000/v1"});
    let bridge = bridge(&json!({ "providers": [provider] }).to_string());
    for lines in [
        vec![],
        vec![("authorization", "Bearer sk-ant-0123456789")],
        vec![("authorization", "Bearer sk-own"), ("x-api-key", "gho_0123"), ("api-key", "k")],
        vec![("x-goog-api-key", "AIza0123"), ("proxy-authorization", "Basic eDp5")],
    ] {
        for first in [["POST", OPENAI.bridged], ["GET", OPENAI.passthrough]] {
            let bridged = first[0] == "POST";
            let mut world = World::new(&bridge);
            world.request(request(first, &lines), !bridged);
            if bridged {
                world.upload(b"{}", true).done();
                assert_eq!(world.record()["credential"], json!({"kind": "none"}), "{lines:?}");
            }
            let upstream = world.upstream_headers.as_ref().unwrap();
            assert!(!upstream.iter().any(|(name, _)| CREDENTIALS.contains(&name)), "{lines:?}");
            assert_eq!(world.sent("x-ai-bridge-cluster"), Some("openai"));
        }
    }
    let twice = [("authorization", "Bearer a"), ("authorization", "Bearer b")];
    let mut world = World::new(&bridge);
    world.request(request(["POST", OPENAI.bridged], &twice), false);
    assert_eq!(world.replied().0, 400);
}
