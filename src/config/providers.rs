//! `providers`: the list, and the unique name of each provider.

use super::node::{self, Members, Node};
use super::provider::{ProviderContext, provider};
use super::quoted::quoted;
use crate::provider::{Provider, ProviderType};

/// Bytes of the longest provider name: it is a part of paths, records and metric labels.
const LONGEST_NAME_BYTES: usize = 64;

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
    Some(providers)
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

/// The name in `node`, where it is well-formed. A name that is one of `others`, those of the list `list`, is reported and
/// returned.
pub(super) fn unique_name(node: &Node<'_>, others: &[Option<String>], list: &str) -> Option<String> {
    let name = well_formed(node)?;
    if let Some(other) = others.iter().position(|other| other.as_deref() == Some(name)) {
        node.problem(format_args!("\"{name}\" is already the name of {list}[{other}]"));
    }
    Some(name.to_owned())
}

fn well_formed<'a>(node: &Node<'a>) -> Option<&'a str> {
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
    Some(text)
}

/// `^[a-z0-9]+(-[a-z0-9]+)*$`
fn is_name(text: &str) -> bool {
    text.split('-').all(|word| {
        !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    })
}
