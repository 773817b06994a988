//! `pool`: the members of a provider.

use super::base_url::base_url;
use super::cluster::cluster;
use super::context::ProviderContext;
use super::credential_checks::check_key;
use super::header_name::member_header;
use super::key::key;
use super::model_pattern::model_pattern;
use super::name::unique_name;
use super::node::{Members, Node};
use super::quoted::quoted;
use super::vendor::vendor;
use crate::credential::{CredentialHeader, Key, Vendor, vendor_of};
use crate::glob::Glob;
use crate::provider::{BaseUrl, MOST_MEMBERS, Member, ModelPolicy, Pool, Start, vendor_at};

/// The fewest members: a pool of one has no other member to ask.
const FEWEST_MEMBERS: usize = 2;
/// Most headers of a member.
const MOST_HEADERS: usize = 32;
/// Bytes of the longest value of a header.
const LONGEST_VALUE_BYTES: usize = 1024;
/// Bytes of the longest name of a model.
const LONGEST_MODEL_BYTES: usize = 256;

const STARTS: [(&str, Start); 2] = [("first", Start::First), ("session", Start::Session)];

/// What a member takes from its provider.
pub(super) struct Defaults<'d> {
    /// The provider's name.
    pub(super) provider: &'d str,
    /// `None`: the type has none and none is configured; `Some(None)`: a problem was reported.
    pub(super) base_url: Option<Option<BaseUrl>>,
    /// `Some(None)`: no vendor; `None`: a problem was reported.
    pub(super) vendor: Option<Option<Vendor>>,
    /// The provider's `key_header`.
    pub(super) key_header: Option<CredentialHeader>,
    /// The header of the type's keys.
    pub(super) usual_header: CredentialHeader,
    /// Which models callers may ask for.
    pub(super) models: &'d ModelPolicy,
}

/// `start`.
pub(super) fn start(node: &Node<'_>) -> Option<Start> {
    node.one_of(&STARTS)
}

/// The pool in `node`; `None` after a problem was reported.
pub(super) fn pool(
    node: &Node<'_>,
    start: Start,
    defaults: &Defaults<'_>,
    context: ProviderContext<'_>,
) -> Option<Pool> {
    let items = node.list("members")?;
    if !(FEWEST_MEMBERS..=MOST_MEMBERS).contains(&items.len()) {
        node.problem(format_args!(
            "expected {FEWEST_MEMBERS} to {MOST_MEMBERS} members, found {}",
            items.len()
        ));
    }
    let mut names: Vec<Option<String>> = Vec::new();
    let mut members: Vec<Member> = Vec::new();
    for item in &items {
        let read = item.object("an object", |object| {
            let name = object.required("name", "the member's name, unique in the pool");
            let name = name.and_then(|node| unique_name(&node, &names, "pool"));
            names.push(name.clone());
            member(object, name, defaults, context)
        });
        match read {
            Some(Some(read)) => {
                if let Some(other) = members.iter().find(|other| other.cluster == read.cluster) {
                    let why = "each member needs a cluster of its own, whose upstream filter sets its key";
                    item.problem(format_args!("the cluster is that of \"{}\" too; {why}", other.name));
                }
                members.push(read);
            }
            Some(None) => {}
            None => names.push(None),
        }
    }
    (members.len() == items.len()).then_some(Pool { members, start })
}

fn member(
    members: &Members<'_>,
    name: Option<String>,
    defaults: &Defaults<'_>,
    context: ProviderContext<'_>,
) -> Option<Member> {
    let written_key = members.required("key", "the member's key; {\"none\": true} where it needs none");
    let key = written_key.as_ref().and_then(|node| key(node, context.environment));
    let cluster = members.member("cluster").and_then(|node| cluster(&node));
    let written_url = members.member("base_url");
    let base = written_url.as_ref().map_or_else(|| defaults.base_url.clone().flatten(), base_url);
    if written_url.is_none() && defaults.base_url.is_none() {
        members.problem("base_url", format_args!("required: neither the provider nor its type has one"));
    }
    let at_host = written_url.and(base.as_ref()).and_then(|base| vendor_at(&base.authority));
    let vendor = match members.member("vendor") {
        Some(node) => vendor(&node),
        None => at_host.map(Some).or(defaults.vendor),
    };
    let key_header =
        members.read("key_header", defaults.key_header, |node| Some(node.one_of(&CredentialHeader::NAMED)));
    let headers = members.read("headers", Vec::new(), |node| headers(node, context));
    let models = members.member("models").map(|node| models(&node, defaults.models));
    if let (Some(node), Some(Key::Central(secret)), Some(vendor)) = (&written_key, &key, vendor) {
        check_key(node, secret.expose(), vendor, context.gateway);
    }
    let (name, key) = (name?, key?);
    let header = key_header.unwrap_or(defaults.usual_header);
    let credential = match &key {
        Key::Central(secret) => Some((header.name, header.written(secret))),
        Key::Absent | Key::External | Key::NotNeeded => None,
    };
    Some(Member {
        hint: key.hint(),
        cluster: cluster.unwrap_or_else(|| format!("{}-{name}", defaults.provider)),
        name: name.into(),
        base_url: base?,
        vendor: vendor?,
        key_header,
        key,
        credential,
        headers,
        models: match models {
            Some(models) => Some(models?),
            None => None,
        },
    })
}

/// Each header in `node` with its value. Problems do not repeat a value.
fn headers(node: &Node<'_>, context: ProviderContext<'_>) -> Option<Vec<(String, String)>> {
    let entries = node.entries("an object of header names and their values")?;
    if entries.len() > MOST_HEADERS {
        node.problem(format_args!("expected at most {MOST_HEADERS} headers, found {}", entries.len()));
    }
    let mut headers: Vec<(String, String)> = Vec::new();
    for (written, node) in entries {
        let name = member_header(&node, written, context.gateway);
        let Some(value) = node.text() else { continue };
        let Some(name) = name else { continue };
        let is_plain = value.bytes().all(|byte| matches!(byte, b' '..=b'~')) && value.trim() == value;
        if value.is_empty() || !is_plain || value.len() > LONGEST_VALUE_BYTES {
            node.problem(format_args!("expected 1 to {LONGEST_VALUE_BYTES} printable ASCII characters"));
        } else if vendor_of(value).is_some() || context.gateway.claims(value) {
            node.problem(format_args!("the value is a key; keys belong in `key`"));
        } else if headers.iter().any(|(known, _)| *known == name) {
            node.problem(format_args!("duplicate header"));
        } else {
            headers.push((name, value.to_owned()));
        }
    }
    Some(headers)
}

/// Patterns of requested models with the member's names for them, the longest pattern first.
fn models(node: &Node<'_>, policy: &ModelPolicy) -> Option<Vec<(Glob, String)>> {
    let entries = node
        .entries("an object: model names, in which * stands for any characters, to the member's own names")?;
    let mut models: Vec<(Glob, String)> = Vec::new();
    let mut is_whole = true;
    for (pattern, id) in entries {
        let (Some(pattern), Some(id)) = (model_pattern(&id, pattern), model_name(&id)) else {
            is_whole = false;
            continue;
        };
        let text = pattern.as_str();
        let place = models.partition_point(|(known, _)| {
            let known = known.as_str();
            (text.len(), known) <= (known.len(), text)
        });
        models.insert(place, (pattern, id));
    }
    if is_whole {
        check_all_are_served(node, &models, policy);
    }
    Some(models)
}

/// Reports each allowed model that `models` leaves without a name of the member's.
fn check_all_are_served(node: &Node<'_>, models: &[(Glob, String)], policy: &ModelPolicy) {
    match &policy.allow {
        None if models.iter().any(|(pattern, _)| pattern.as_str() == "*") => {}
        None => node.problem(format_args!("expected a pattern \"*\", because every model is allowed")),
        Some(allowed) => {
            for pattern in allowed.iter().map(Glob::as_str) {
                if !models.iter().any(|(known, _)| known.as_str() == pattern || known.matches(pattern)) {
                    node.problem(format_args!("no pattern for the allowed models {}", quoted(pattern)));
                }
            }
        }
    }
}

/// A name that goes into the request's body or path.
fn model_name(node: &Node<'_>) -> Option<String> {
    let text = node.text()?;
    if text.is_empty() || text.trim() != text || text.contains(char::is_control) {
        node.problem(format_args!("expected the name of a model, found {}", quoted(text)));
    } else if text.len() > LONGEST_MODEL_BYTES {
        node.problem(format_args!("longer than {LONGEST_MODEL_BYTES} bytes"));
    } else {
        return Some(text.to_owned());
    }
    None
}
