//! The providers: each by itself, and what would leave one without anybody to serve.

use super::base_url::{self, base_url};
use super::bedrock::bedrock;
use super::echo::quoted;
use super::key::{Environment, key};
use super::node::{self, Members, Node};
use super::text::{cluster, model_patterns};
use crate::bedrock::Bedrock;
use crate::credential::{Byok, GatewayCredentials, Key, Vendor, vendor_of};
use crate::provider::{ModelPolicy, Provider, ProviderType};

/// Bytes of the longest provider name: it is part of every path, record and metric label.
const LONGEST_NAME_BYTES: usize = 64;
/// Seconds that a client may be told to wait: a day.
const LONGEST_RETRY_AFTER_SECONDS: u64 = 86_400;
/// As Envoy's default base ejection time.
const RETRY_AFTER_SECONDS: u32 = 30;

const BYOK: [(&str, Byok); 3] = [("allow", Byok::Allow), ("deny", Byok::Deny), ("require", Byok::Require)];

/// What is wrong with a provider's key that is a token of the gateway's.
const GATEWAYS_OWN: &str =
    "the key begins with one of gateway_credentials.value_prefixes: it is the gateway's own token";

/// What of the surroundings a provider depends on.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'s> {
    pub(super) environment: Environment<'s>,
    pub(super) gateway: &'s GatewayCredentials,
}

/// Every provider in `node`, without those in which a problem was found.
pub(super) fn providers(node: &Node<'_>, around: Surroundings<'_>) -> Option<Vec<Provider>> {
    let items = node.list("providers")?;
    if items.is_empty() {
        node.problem(format_args!("expected at least one provider, found an empty list"));
    }
    let mut names: Vec<Option<String>> = Vec::new();
    let mut providers = Vec::new();
    for item in &items {
        item.object("an object", |members| {
            let kind = members.required("type", &node::one_of(&ProviderType::ALL.map(ProviderType::name)));
            let kind = kind.and_then(|node| node.one_of(&ProviderType::ALL.map(|kind| (kind.name(), kind))));
            let name = name(members, kind, &names);
            names.push(name.clone());
            providers.extend(provider(members, kind, name, around));
        })
        // So that every provider has its place among the names.
        .unwrap_or_else(|| names.push(None));
    }
    Some(providers)
}

/// The provider's name, where it is a name; that it is not unique is a problem of its own.
fn name(members: &Members<'_>, kind: Option<ProviderType>, others: &[Option<String>]) -> Option<String> {
    let written = members.member("name");
    let is_default = written.is_none();
    let name = match written {
        Some(node) => {
            let text = node.text()?;
            if !is_name(text) {
                node.problem(format_args!(
                    "expected lower-case letters and digits, in words joined by single hyphens, found {}",
                    quoted(text)
                ));
                return None;
            }
            if text.len() > LONGEST_NAME_BYTES {
                node.problem(format_args!("longer than {LONGEST_NAME_BYTES} bytes"));
                return None;
            }
            text
        }
        None => kind?.name(),
    };
    if let Some(other) = others.iter().position(|other| other.as_deref() == Some(name)) {
        let what = if is_default { "the default " } else { "" };
        members.problem("name", format_args!("{what}\"{name}\" is already the name of providers[{other}]"));
    }
    Some(name.to_owned())
}

/// `^[a-z0-9]+(-[a-z0-9]+)*$`
fn is_name(text: &str) -> bool {
    text.split('-').all(|word| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}

/// One provider. Every member is asked for, so that all its problems are found, also where the type is unknown.
fn provider(
    members: &Members<'_>,
    kind: Option<ProviderType>,
    name: Option<String>,
    around: Surroundings<'_>,
) -> Option<Provider> {
    let bedrock = members.member("bedrock").map(|node| bedrock(&node));
    members.refuse("keys", "not supported in this version; give one `key`");
    let enabled = members.bool("enabled", true);
    let url = members.member("base_url");
    let base = url.as_ref().map(base_url);
    let cluster_name = members.member("cluster").and_then(|node| cluster(&node));
    let byok_cluster = members.member("byok_cluster").and_then(|node| cluster(&node));
    let written_key = members.member("key");
    let key = written_key.as_ref().map_or(Some(Key::Absent), |node| key(node, around.environment));
    let byok = members.member("byok");
    let unless_said = if bedrock.is_some() { Byok::Deny } else { Byok::Allow };
    let byok = byok.map_or(Some(unless_said), |node| node.one_of(&BYOK));
    let send_actor = members.bool("send_actor", false);
    let models = members.read("models", ModelPolicy::default(), model_policy);
    let allow_background = members.bool("allow_background", false);
    let stored_objects = members.bool("stored_objects", true);
    let open_retry_after_seconds = members.read("open_retry_after_seconds", RETRY_AFTER_SECONDS, |node| {
        u32::try_from(node.whole(1..=LONGEST_RETRY_AFTER_SECONDS)?).ok()
    });

    let kind = kind?;
    let on_bedrock = bedrock.is_some();
    if let (Some(node), Some(Key::Central(secret))) = (&written_key, &key) {
        if on_bedrock {
            check_bedrock_key(node, secret.expose(), around.gateway);
        } else {
            check_key(node, secret.expose(), kind, url.is_some(), around.gateway);
        }
    }
    match (&key, byok) {
        _ if on_bedrock => check_bedrock(members, kind, byok, byok_cluster.is_some()),
        (Some(key), Some(byok)) => check_callers(members, kind, key, byok, around.gateway),
        (None, _) | (_, None) => {}
    }
    let (name, key, byok) = (name?, key?, byok?);
    let bedrock = match bedrock {
        Some(bedrock) => Some(bedrock?),
        None => None,
    };
    let cluster = cluster_name.unwrap_or_else(|| name.clone());
    let usual_url = bedrock.as_ref().map_or_else(|| kind.profile().base_url.to_owned(), Bedrock::base_url);
    Some(Provider {
        kind,
        enabled,
        base_url: base.unwrap_or_else(|| base_url::parse(&usual_url).ok())?,
        byok_cluster: byok_cluster.unwrap_or_else(|| cluster.clone()),
        cluster,
        name: name.into(),
        // Without a Bedrock API key it is Envoy that signs.
        key: if bedrock.is_some() && key == Key::Absent { Key::External } else { key },
        byok,
        send_actor,
        models,
        allow_background,
        stored_objects,
        open_retry_after_seconds,
        bedrock,
    })
}

fn model_policy(node: &Node<'_>) -> Option<ModelPolicy> {
    node.object("an object with `allow` and `deny`", |members| ModelPolicy {
        allow: members.member("allow").and_then(|node| model_patterns(&node)),
        deny: members.read("deny", Vec::new(), model_patterns),
    })
}

/// Whose key it is: a key of somebody else's would be handed to the wrong vendor.
fn check_key(node: &Node<'_>, key: &str, kind: ProviderType, elsewhere: bool, gateway: &GatewayCredentials) {
    if let Some(vendor) = vendor_of(key) {
        let own = kind.profile().vendor;
        if kind.profile().central_key.is_some()
            && vendor != own
            && !(elsewhere && vendor.has_compatible_api())
        {
            node.problem(format_args!("the key is one of {}, not of {}", vendor.name(), own.name()));
        }
    } else if gateway.claims(key) {
        node.problem(format_args!("{GATEWAYS_OWN}"));
    }
}

/// As [`check_key`], of a Bedrock API key.
fn check_bedrock_key(node: &Node<'_>, key: &str, gateway: &GatewayCredentials) {
    match vendor_of(key) {
        Some(Vendor::Aws) if key.starts_with("ABSK") => {}
        Some(Vendor::Aws) => node.problem(format_args!(
            "the key is an AWS access key id, no Bedrock API key; to sign with it leave `key` out and give it to \
             Envoy's aws_request_signing"
        )),
        Some(vendor) => node.problem(format_args!("the key is one of {}, not of AWS", vendor.name())),
        None if gateway.claims(key) => node.problem(format_args!("{GATEWAYS_OWN}")),
        None => {}
    }
}

/// Callers' own keys are Anthropic's, or nobody's that AWS would know by their right.
fn check_bedrock(members: &Members<'_>, kind: ProviderType, byok: Option<Byok>, byok_cluster: bool) {
    if !kind.profile().may_be_bedrock {
        members
            .problem("bedrock", format_args!("Bedrock serves \"anthropic\" only, not \"{}\"", kind.name()));
        return;
    }
    if matches!(byok, Some(Byok::Allow | Byok::Require)) {
        members.problem("byok", format_args!("expected \"deny\": callers' own keys never go to AWS"));
    }
    if byok_cluster {
        members.problem("byok_cluster", format_args!("without a use: callers' own keys never go to AWS"));
    }
}

/// Key, callers' keys and type have to go together.
fn check_callers(
    members: &Members<'_>,
    kind: ProviderType,
    key: &Key,
    byok: Byok,
    gateway: &GatewayCredentials,
) {
    let profile = kind.profile();
    if profile.central_key.is_none() && *key != Key::Absent {
        let title = profile.title;
        members.problem("key", format_args!("callers of {title} always bring their own; leave it out"));
        return;
    }
    match (key, byok) {
        // The caller may use another header than the one that Envoy adds.
        (Key::External, Byok::Allow | Byok::Require) if profile.callers_credential.len() > 1 => {
            members.problem(
                "byok",
                format_args!(
                    "expected \"deny\", because `key` is external: Envoy would add its key to the caller's own"
                ),
            );
            return;
        }
        // Legal, if odd: `require` beside a key that then rests, `deny` without a key that serves nobody.
        (Key::Absent | Key::Central(_) | Key::External, _) => {}
    }
    let inlets: Vec<&str> = profile.callers_credential.iter().rev().map(|header| header.name).collect();
    if *key == Key::Absent && inlets.iter().all(|header| gateway.consumes(header)) {
        let inlets = inlets.join(" and ");
        members.problem(
            "key",
            format_args!(
                "nobody could be served: there is none, and gateway_credentials.headers consumes {inlets}"
            ),
        );
    }
}
