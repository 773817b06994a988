//! One provider of `providers`.

use super::base_url::{self, base_url};
use super::bedrock::bedrock;
use super::cluster::cluster;
use super::credential_checks::{check_bedrock, check_bedrock_key, check_callers, check_key};
use super::key::{Environment, key};
use super::model_pattern::model_patterns;
use super::node::{Members, Node};
use crate::bedrock::Bedrock;
use crate::credential::{Byok, GatewayCredentials, Key, Vendor};
use crate::provider::{ModelPolicy, Provider, ProviderType, vendor_at};

/// The largest `open_retry_after_seconds`: a day.
const LONGEST_RETRY_AFTER_SECONDS: u64 = 86_400;
/// The default `open_retry_after_seconds`: Envoy's default base ejection time, and its `interval` of a second as the samples
/// have it, so that the circuit has closed when a client that waits so long asks again.
const RETRY_AFTER_SECONDS: u32 = 32;

const BYOK: [(&str, Byok); 3] = [("allow", Byok::Allow), ("deny", Byok::Deny), ("require", Byok::Require)];

/// What a provider depends on besides its own members.
#[derive(Clone, Copy)]
pub(super) struct ProviderContext<'c> {
    pub(super) environment: Environment<'c>,
    pub(super) gateway: &'c GatewayCredentials,
}

/// The provider in `members`. Every member is read before any problem ends the reading, so that all problems are reported,
/// also where the type is unknown.
pub(super) fn provider(
    members: &Members<'_>,
    kind: Option<ProviderType>,
    name: Option<String>,
    context: ProviderContext<'_>,
) -> Option<Provider> {
    let bedrock = members.member("bedrock").map(|node| bedrock(&node));
    members.refuse("keys", "not supported in this version; give one `key`");
    let enabled = members.bool("enabled", true);
    let base = members.member("base_url").map(|node| base_url(&node));
    let cluster_name = members.member("cluster").and_then(|node| cluster(&node));
    let byok_cluster = members.member("byok_cluster").and_then(|node| cluster(&node));
    let written_key = members.member("key");
    let key = written_key.as_ref().map_or(Some(Key::Absent), |node| key(node, context.environment));
    let byok = members.member("byok");
    let default = if bedrock.is_some() { Byok::Deny } else { Byok::Allow };
    let byok = byok.map_or(Some(default), |node| node.one_of(&BYOK));
    let send_actor = members.bool("send_actor", false);
    let models = members.read("models", ModelPolicy::default(), model_policy);
    let allow_background = members.bool("allow_background", false);
    let stored_objects = members.bool("stored_objects", true);
    let open_retry_after_seconds = members.read("open_retry_after_seconds", RETRY_AFTER_SECONDS, |node| {
        u32::try_from(node.whole(1..=LONGEST_RETRY_AFTER_SECONDS)?).ok()
    });

    let kind = kind?;
    let on_bedrock = bedrock.is_some();
    let own = if on_bedrock { Vendor::Aws } else { kind.profile().vendor };
    let at_host = base.as_ref().and_then(|base| vendor_at(&base.as_ref()?.authority));
    let vendor = at_host.unwrap_or(own);
    match (&written_key, &key) {
        (Some(node), Some(Key::Central(secret))) if on_bedrock => {
            check_bedrock_key(node, secret.expose(), context.gateway);
        }
        (Some(node), Some(Key::Central(secret))) if kind.profile().central_key.is_some() => {
            check_key(node, secret.expose(), vendor, context.gateway);
        }
        _ => {}
    }
    match (&key, byok) {
        _ if on_bedrock => check_bedrock(members, kind.profile(), vendor, byok, byok_cluster.is_some()),
        (Some(key), Some(byok)) => check_callers(members, kind.profile(), key, byok, context.gateway),
        (None, _) | (_, None) => {}
    }
    let (name, key, byok) = (name?, key?, byok?);
    let bedrock = match bedrock {
        Some(bedrock) => Some(bedrock?),
        None => None,
    };
    let cluster = cluster_name.unwrap_or_else(|| name.clone());
    let default_url = bedrock.as_ref().map_or_else(|| kind.profile().base_url.to_owned(), Bedrock::base_url);
    Some(Provider {
        kind,
        enabled,
        base_url: base.unwrap_or_else(|| base_url::parse(&default_url).ok())?,
        byok_cluster: byok_cluster.unwrap_or_else(|| cluster.clone()),
        cluster,
        name: name.into(),
        vendor: Some(vendor),
        // Without a Bedrock API key Envoy signs the requests.
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
