//! One provider of `providers`.

use super::base_url::{self, base_url};
use super::bedrock::bedrock;
use super::cluster::cluster;
use super::context::ProviderContext;
use super::credential_checks::{
    check_bedrock, check_bedrock_key, check_callers, check_host_of_bedrock, check_key, check_key_header,
    check_no_key, check_pool,
};
use super::key::key;
use super::model_pattern::model_patterns;
use super::node::{Members, Node};
use super::passthrough::passthrough_routes;
use super::pool::{self, pool};
use super::query::query;
use super::vendor::vendor;
use crate::bedrock::Bedrock;
use crate::credential::{Byok, CredentialHeader, Key, Vendor};
use crate::provider::{ModelPolicy, Provider, ProviderType, Start, vendor_at};
use std::rc::Rc;

/// The largest `open_retry_after_seconds`: a day.
const LONGEST_RETRY_AFTER_SECONDS: u64 = 86_400;
/// The default `open_retry_after_seconds`: Envoy's default base ejection time, and its `interval` of a second as the samples
/// have it, so that the circuit has closed when a client that waits so long asks again.
const RETRY_AFTER_SECONDS: u32 = 32;

const BYOK: [(&str, Byok); 3] = [("allow", Byok::Allow), ("deny", Byok::Deny), ("require", Byok::Require)];

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
    let written_cluster = members.member("cluster");
    let cluster_name = written_cluster.as_ref().and_then(cluster);
    let byok_cluster = members.member("byok_cluster").and_then(|node| cluster(&node));
    let written_key = members.member("key");
    let written_pool = members.member("pool");
    let start = members.member("start").map(|node| pool::start(&node));
    let key = written_key.as_ref().map_or(Some(Key::Absent), |node| key(node, context.environment));
    let written_vendor = members.member("vendor");
    let key_header = members.member("key_header").and_then(|node| node.one_of(&CredentialHeader::NAMED));
    let takes_key = kind.is_some_and(|kind| kind.profile().takes_key_in_query());
    let query = members.read("query", Vec::new(), |node| query(node, takes_key, context.gateway));
    let ask_for_usage = members.member("ask_for_usage").and_then(|node| node.bool());
    let passthrough = members.member("passthrough");
    let byok = members.member("byok");
    let byok_is_written = byok.is_some();
    let default = if bedrock.is_some() { Byok::Deny } else { Byok::Allow };
    let byok = byok.map_or(Some(default), |node| node.one_of(&BYOK));
    let send_actor = members.bool("send_actor", false);
    let models = members.read("models", ModelPolicy::default(), model_policy);
    let allow_background = members.bool("allow_background", false);
    let stored_objects = members.bool("stored_objects", true);
    let open_retry_after_seconds = members.read("open_retry_after_seconds", RETRY_AFTER_SECONDS, |node| {
        u32::try_from(node.whole(1..=LONGEST_RETRY_AFTER_SECONDS)?).ok()
    });

    let Some(kind) = kind else {
        // The type decides what the rest is judged by.
        if let Some(node) = written_vendor {
            vendor(&node);
        }
        if let Some(node) = written_pool {
            let defaults = pool::Defaults {
                provider: "",
                base_url: Some(None),
                vendor: None,
                key_header: None,
                usual_header: CredentialHeader::AUTHORIZATION,
                models: &models,
            };
            pool(&node, Start::First, &defaults, context);
        }
        if let Some(node) = passthrough {
            passthrough_routes(&node, None);
        }
        return None;
    };
    if written_pool.is_none() && bedrock.is_none() && base.is_none() && kind.profile().base_url.is_empty() {
        members.problem(
            "base_url",
            format_args!(
                "required: the URL of your resource or region, because each of {} has a host of its own",
                kind.profile().title
            ),
        );
    }
    let on_bedrock = bedrock.is_some();
    let own = if on_bedrock { Vendor::Aws } else { kind.profile().vendor };
    let at_host = base.as_ref().and_then(|base| vendor_at(&base.as_ref()?.authority));
    let vendor = match &written_vendor {
        Some(node) => vendor(node),
        None => Some(Some(at_host.unwrap_or(own))),
    };
    if let (Some(node), Some(Key::Central(secret)), Some(vendor)) = (&written_key, &key, vendor) {
        if on_bedrock {
            check_bedrock_key(node, secret.expose(), context.gateway);
        } else if kind.profile().central_key.is_some() {
            check_key(node, secret.expose(), vendor, context.gateway);
        }
    }
    let pool = written_pool.map(|node| {
        let written = [("key", written_key.is_some()), ("cluster", written_cluster.is_some())];
        check_pool(members, kind.profile(), on_bedrock, written);
        let defaults = pool::Defaults {
            provider: name.as_deref().unwrap_or_default(),
            base_url: base.clone().or_else(|| base_url::parse(kind.profile().base_url).ok().map(Some)),
            vendor,
            key_header,
            usual_header: kind.profile().central_key.unwrap_or(CredentialHeader::AUTHORIZATION),
            models: &models,
        };
        pool(&node, start.flatten().unwrap_or(Start::First), &defaults, context)
    });
    if pool.is_none() && start.is_some() {
        members.problem("start", format_args!("without a use: there is no `pool`"));
    }
    let first = pool.as_ref().and_then(|pool| pool.as_ref()?.members.first().cloned());
    let first = first.filter(|_| !on_bedrock && kind.profile().central_key.is_some());
    let key = first.as_ref().map_or(key, |first| Some(first.key.clone()));
    if key == Some(Key::NotNeeded) {
        check_no_key(members, byok_is_written, byok_cluster.is_some());
    }
    if key_header.is_some() {
        check_key_header(members, kind.profile(), on_bedrock);
    }
    if on_bedrock {
        check_bedrock(members, kind.profile(), byok, byok_cluster.is_some());
        if key == Some(Key::NotNeeded) {
            members.problem(
                "key",
                format_args!("AWS needs a key or a signature; without a key leave `key` out"),
            );
        }
        if vendor.is_some_and(|vendor| vendor != Some(Vendor::Aws)) {
            check_host_of_bedrock(members, written_vendor.is_some(), at_host);
        }
    } else if let (Some(key), Some(byok)) = (&key, byok) {
        let key_header = first.as_ref().map_or(key_header, |first| first.key_header);
        check_callers(members, kind.profile(), key_header, key, byok, context.gateway);
    }
    let more_passthrough = passthrough
        .and_then(|node| {
            passthrough_routes(&node, Some(kind.profile_on(bedrock.as_ref().and_then(Option::as_ref))))
        })
        .unwrap_or_default();
    let (name, key, byok) = (name?, key?, byok?);
    let bedrock = match bedrock {
        Some(bedrock) => Some(bedrock?),
        None => None,
    };
    let pool = match pool {
        Some(pool) => Some(pool?),
        None => None,
    };
    // Mistral refuses the edit, and all members of a pool get the same body.
    let reaches_mistral = vendor == Some(Some(Vendor::Mistral))
        || pool.iter().any(|pool| pool.members.iter().any(|member| member.vendor == Some(Vendor::Mistral)));
    let cluster = first.as_ref().map(|first| first.cluster.clone()).or(cluster_name);
    let cluster = cluster.unwrap_or_else(|| name.clone());
    let default_url = bedrock.as_ref().map_or_else(|| kind.profile().base_url.to_owned(), Bedrock::base_url);
    // Without a Bedrock API key Envoy signs the requests.
    let key = if bedrock.is_some() && key == Key::Absent { Key::External } else { key };
    Some(Provider {
        kind,
        enabled,
        base_url: match &first {
            Some(first) => first.base_url.clone(),
            None => base.unwrap_or_else(|| base_url::parse(&default_url).ok())?,
        },
        byok_cluster: byok_cluster.unwrap_or_else(|| cluster.clone()),
        cluster,
        name: name.into(),
        vendor: first.as_ref().map_or(vendor, |first| Some(first.vendor))?,
        key_header: first.as_ref().map_or(key_header, |first| first.key_header),
        query,
        more_passthrough,
        ask_for_usage: ask_for_usage.unwrap_or_else(|| kind.profile().asks_for_usage && !reaches_mistral),
        key_hint: key.hint().map(Rc::from),
        key,
        byok,
        send_actor,
        models,
        allow_background,
        stored_objects,
        open_retry_after_seconds,
        bedrock,
        pool,
    })
}

fn model_policy(node: &Node<'_>) -> Option<ModelPolicy> {
    node.object("an object with `allow` and `deny`", |members| ModelPolicy {
        allow: members.member("allow").and_then(|node| model_patterns(&node)),
        deny: members.read("deny", Vec::new(), model_patterns),
    })
}
