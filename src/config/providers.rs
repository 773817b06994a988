//! `providers`: the list, and the unique name of each provider.

use super::context::ProviderContext;
use super::name::well_formed;
use super::node::{self, Members, Node};
use super::provider::provider;
use crate::provider::{Provider, ProviderType};

/// The providers in `node` without those that have a problem.
pub(super) fn providers(node: &Node<'_>, context: ProviderContext<'_>) -> Option<Vec<Provider>> {
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
            providers.extend(provider(members, kind, name, context));
        })
        // Keeps one entry for each provider, so that indices agree.
        .unwrap_or_else(|| names.push(None));
    }
    check_clusters(&items, &names, &providers);
    Some(providers)
}

/// Reports providers that share a cluster, where one of them has a pool: the cluster's upstream filter answers 503 to
/// requests of the other one.
fn check_clusters(items: &[Node<'_>], names: &[Option<String>], providers: &[Provider]) {
    for (at, later) in providers.iter().enumerate() {
        for earlier in providers.iter().take(at) {
            let (one, other) = (clusters(later), clusters(earlier));
            let has_pool = later.pool.is_some() || earlier.pool.is_some();
            if has_pool
                && let Some(cluster) = one.iter().find(|cluster| other.contains(cluster))
                && let Some(named) = names.iter().rposition(|name| name.as_deref() == Some(&*later.name))
                && let Some(item) = items.get(named)
            {
                let why = "each member of a pool needs a cluster of its own";
                item.problem(format_args!("the cluster \"{cluster}\" is that of \"{}\" too; {why}", earlier.name));
            }
        }
    }
}

/// The clusters to which the filter sends the provider's requests.
fn clusters(provider: &Provider) -> Vec<&str> {
    let mut clusters = Vec::new();
    if provider.enabled {
        clusters.extend([&*provider.cluster, &*provider.byok_cluster]);
        clusters.extend(provider.pool.iter().flat_map(|pool| &pool.members).map(|member| &*member.cluster));
    }
    clusters
}

/// The provider's name, where it is well-formed. A name that is not unique is reported and returned.
fn name(members: &Members<'_>, kind: Option<ProviderType>, others: &[Option<String>]) -> Option<String> {
    let written = members.member("name");
    let is_default = written.is_none();
    let name: &str = match &written {
        Some(node) => well_formed(node)?,
        None => kind?.name(),
    };
    if let Some(other) = others.iter().position(|other| other.as_deref() == Some(name)) {
        let what = if is_default { "the default " } else { "" };
        members.problem("name", format_args!("{what}\"{name}\" is already the name of providers[{other}]"));
    }
    Some(name.to_owned())
}
