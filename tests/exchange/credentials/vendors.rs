//! Whose keys reach which vendor's host.

use super::*;

/// Base URL hosts with the vendor that answers there; `None`: a host that the filter does not know.
const HOSTS: [(&str, Option<&str>); 21] = [
    ("api.anthropic.com", Some("Anthropic")),
    ("eu.api.openai.com", Some("OpenAI")),
    ("chatgpt.com", Some("OpenAI")),
    ("api.business.githubcopilot.com", Some("GitHub")),
    ("europe-west1-aiplatform.googleapis.com", Some("Google")),
    ("bedrock-runtime.eu-west-1.amazonaws.com", Some("AWS")),
    ("acme.services.ai.azure.com", Some("Azure")),
    ("api.x.ai", Some("xAI")),
    ("api.groq.com", Some("Groq")),
    ("openrouter.ai", Some("OpenRouter")),
    ("api.mistral.ai", Some("Mistral")),
    ("api.deepseek.com", Some("DeepSeek")),
    ("api.moonshot.ai", Some("Moonshot")),
    ("api.z.ai", Some("Z.ai")),
    ("api.minimax.io", Some("MiniMax")),
    ("ai-gateway.vercel.sh", Some("Vercel")),
    ("api.together.xyz", Some("Together")),
    ("api.fireworks.ai", Some("Fireworks")),
    ("api.cerebras.ai", Some("Cerebras")),
    ("relay.internal.example", None),
    ("127.0.0.1", None),
];

#[test]
fn a_callers_key_reaches_no_other_vendors_host() {
    for at in &TYPES {
        for (host, owner) in HOSTS {
            let base_url = format!("https://{host}:8443/x");
            let provider = json!({"type": at.name, "base_url": base_url, "byok_cluster": "theirs"});
            let bridge = bridge(&json!({ "providers": [provider] }).to_string());
            let owner = owner.unwrap_or(at.vendor);
            for (prefix, vendor) in VENDORS
                .into_iter()
                .map(|(prefix, vendor)| (prefix, Some(vendor)))
                .chain([("sk-", None), ("anything", None)])
            {
                let bearer = format!("Bearer {prefix}0123456789abcdef");
                for first in [["POST", at.bridged], ["GET", at.passthrough]] {
                    let (decided, _) = found(&bridge, first, &[("authorization", &bearer)]);
                    let passes = vendor.is_none_or(|vendor| vendor == owner);
                    let what = format!("{} at {host}: {prefix}: {decided:?}", at.name);
                    if passes {
                        let sent = Some(("authorization".to_owned(), bearer.clone()));
                        assert!(
                            matches!(&decided, Verdict::Sent(found, "byok", _) if *found == sent),
                            "{what}"
                        );
                    } else {
                        assert!(matches!(decided, Verdict::Refused(403, ..)), "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn no_callers_key_goes_to_bedrock_whatever_its_host() {
    for (mode, host) in [
        ("native", "bedrock-mantle.eu-west-1.api.aws"),
        ("invoke", "bedrock-runtime.eu-west-1.amazonaws.com"),
        ("invoke", "relay.internal.example"),
    ] {
        let mut bedrock = json!({"region": "eu-west-1", "mode": mode});
        if mode == "invoke" {
            bedrock["host_holds_headers"] = json!(true);
        }
        let base_url = format!("https://{host}");
        let provider = json!({"type": "anthropic", "bedrock": bedrock, "base_url": base_url});
        let bridge = bridge(&json!({ "providers": [provider] }).to_string());
        for (prefix, vendor) in VENDORS.into_iter().chain([("sk-", "AWS")]) {
            let bearer = format!("Bearer {prefix}0123456789abcdef");
            let request = [("authorization", bearer.as_str())];
            let (decided, _) = found(&bridge, ["POST", ANTHROPIC.bridged], &request);
            let code = if vendor == "AWS" { "byok_denied" } else { "wrong_vendor_credential" };
            assert!(
                matches!(decided, Verdict::Refused(403, found, _) if found == code),
                "{prefix}: {decided:?}"
            );
            if mode == "native" {
                let (decided, _) = found(&bridge, ["GET", ANTHROPIC.passthrough], &request);
                assert!(matches!(decided, Verdict::Refused(403, ..)), "{prefix}: {decided:?}");
            }
        }
    }
}

#[test]
fn the_member_vendor_decides_whose_keys_go_to_a_relay() {
    for (vendor, owner) in [("openrouter", Some("OpenRouter")), ("azure", Some("Azure")), ("none", None)] {
        let bridge = openai_with(&json!({"vendor": vendor, "base_url": "https://relay.internal.example"}));
        for (prefix, named) in VENDORS {
            let bearer = format!("Bearer {prefix}0123456789abcdef");
            for first in [["POST", OPENAI.bridged], ["GET", OPENAI.passthrough]] {
                let (decided, _) = found(&bridge, first, &[("authorization", &bearer)]);
                let passes = owner == Some(named);
                assert_eq!(matches!(decided, Verdict::Sent(..)), passes, "{vendor} {prefix}");
                assert_eq!(matches!(decided, Verdict::Refused(403, ..)), !passes, "{vendor} {prefix}");
            }
        }
        let (decided, _) = found(&bridge, ["POST", OPENAI.bridged], &[("authorization", "Bearer sk-0123")]);
        assert!(matches!(decided, Verdict::Sent(Some(_), "byok", _)), "{vendor}: {decided:?}");
    }
}
