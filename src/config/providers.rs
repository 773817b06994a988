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

/// Reports each provider that uses the cluster of another provider's member: the cluster's upstream filter answers 503 to
/// its requests.
fn check_clusters(items: &[Node<'_>], names: &[Option<String>], providers: &[Provider]) {
    for (name, item) in names.iter().zip(items) {
        let Some(one) = providers.iter().find(|one| name.as_deref() == Some(&*one.name)) else { continue };
        for other in providers.iter().filter(|other| other.name != one.name && one.enabled && other.enabled) {
            for member in other.pool.iter().flat_map(|pool| &pool.members) {
                let mut own = one.pool.iter().flat_map(|pool| &pool.members).map(|member| &member.cluster);
                let shared = &member.cluster;
                if [&one.cluster, &one.byok_cluster].contains(&shared) || own.any(|own| own == shared) {
                    let why = "each member of a pool needs a cluster of its own";
                    item.problem(format_args!(
                        "the cluster \"{shared}\" is that of \"{}\" too; {why}",
                        other.name
                    ));
                }
            }
        }
    }
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
