//! Checks that a provider's type, its key, callers' own keys and the gateway's tokens fit together.

use super::node::{Members, Node};
use crate::credential::{Byok, CredentialHeader, GatewayCredentials, Key, Vendor, vendor_of};
use crate::provider::Profile;

/// The problem of a provider's key that is a token of the gateway.
const GATEWAYS_OWN: &str =
    "the key begins with one of gateway_credentials.value_prefixes: it is the gateway's own token";

/// Reports a central key that names another vendor than `vendor`, whose keys may go to the provider; and a token of the
/// gateway.
pub(super) fn check_key(node: &Node<'_>, key: &str, vendor: Option<Vendor>, gateway: &GatewayCredentials) {
    match (vendor_of(key), vendor) {
        (Some(named), Some(vendor)) if named != vendor => {
            node.problem(format_args!("the key is one of {}, not of {}", named.name(), vendor.name()));
        }
        (Some(named), None) => {
            node.problem(format_args!("the key is one of {}, and `vendor` is \"none\"", named.name()));
        }
        (None, _) if gateway.claims(key) => node.problem(format_args!("{GATEWAYS_OWN}")),
        (Some(_) | None, _) => {}
    }
}

/// As [`check_key`], for a Bedrock API key.
pub(super) fn check_bedrock_key(node: &Node<'_>, key: &str, gateway: &GatewayCredentials) {
    match vendor_of(key) {
        Some(Vendor::Aws) if !key.starts_with("ABSK") => node.problem(format_args!(
            "the key is an AWS access key id, no Bedrock API key; to sign with it leave `key` out and give it to \
             Envoy's aws_request_signing"
        )),
        _ => check_key(node, key, Some(Vendor::Aws), gateway),
    }
}

/// Reports settings that Bedrock excludes: no caller's own key is accepted there, because AWS could not use it.
pub(super) fn check_bedrock(
    members: &Members<'_>,
    profile: &Profile,
    byok: Option<Byok>,
    byok_cluster: bool,
) {
    if !profile.may_be_bedrock {
        members
            .problem("bedrock", format_args!("Bedrock serves \"anthropic\" only, not \"{}\"", profile.name));
        return;
    }
    if matches!(byok, Some(Byok::Allow | Byok::Require)) {
        members.problem("byok", format_args!("expected \"deny\": callers' own keys never go to AWS"));
    }
    if byok_cluster {
        members.problem("byok_cluster", format_args!("without a use: callers' own keys never go to AWS"));
    }
}

/// Reports what names another vendor than AWS for a provider on Bedrock: the member `vendor`, else the host's owner.
pub(super) fn check_host_of_bedrock(members: &Members<'_>, is_written: bool, at_host: Option<Vendor>) {
    const WHY: &str = "Bedrock's keys and signatures go to AWS only";
    match at_host {
        _ if is_written => members.problem("vendor", format_args!("expected \"aws\": {WHY}")),
        Some(owner) => {
            members.problem("base_url", format_args!("the host is one of {}; {WHY}", owner.name()));
        }
        None => {}
    }
}

/// Reports a `key_header` where the header of the key is fixed.
pub(super) fn check_key_header(members: &Members<'_>, profile: &Profile, on_bedrock: bool) {
    let title = if on_bedrock { "Bedrock" } else { profile.title };
    if on_bedrock || profile.central_key.is_none() {
        members.problem(
            "key_header",
            format_args!("without a use: {title} takes credentials in authorization only; leave it out"),
        );
    }
}

/// Reports a pool where there can be none, and the `written` ones of the members that it replaces.
pub(super) fn check_pool(
    members: &Members<'_>,
    profile: &Profile,
    on_bedrock: bool,
    written: [(&'static str, bool); 2],
) {
    if on_bedrock {
        members.problem("pool", format_args!("not with `bedrock`; a member's base_url may be Bedrock's"));
    } else if profile.central_key.is_none() {
        let title = profile.title;
        members.problem("pool", format_args!("callers of {title} always bring their own key; leave it out"));
    }
    for (name, _) in written.into_iter().filter(|(_, is_written)| *is_written) {
        members.problem(name, format_args!("without a use: each member of `pool` has its own; leave it out"));
    }
}

/// Reports settings for callers' own keys where the upstream needs none.
pub(super) fn check_no_key(members: &Members<'_>, byok: bool, byok_cluster: bool) {
    for (name, is_written) in [("byok", byok), ("byok_cluster", byok_cluster)] {
        if is_written {
            members.problem(
                name,
                format_args!("without a use: `key` is none, so no credential of a caller goes up"),
            );
        }
    }
}

/// Reports a key and a `byok` that do not fit the type or each other.
pub(super) fn check_callers(
    members: &Members<'_>,
    profile: &Profile,
    key_header: Option<CredentialHeader>,
    key: &Key,
    byok: Byok,
    gateway: &GatewayCredentials,
) {
    if profile.central_key.is_none() && *key != Key::Absent {
        let title = profile.title;
        members.problem("key", format_args!("callers of {title} always bring their own; leave it out"));
        return;
    }
    // The last is looked for first.
    let mut inlets: Vec<&str> = profile.callers_credential.iter().rev().map(|header| header.name).collect();
    if let Some(header) = key_header.filter(|header| !inlets.contains(&header.name)) {
        inlets.push(header.name);
    }
    match (key, byok) {
        // The caller may use another header than the one that Envoy adds.
        (Key::External, Byok::Allow | Byok::Require) if inlets.len() > 1 => {
            members.problem(
                "byok",
                format_args!(
                    "expected \"deny\", because `key` is external: Envoy would add its key to the caller's own"
                ),
            );
            return;
        }
        // Allowed, but without effect: a key beside `require`, and `deny` without a key.
        (Key::Absent | Key::Central(_) | Key::External | Key::NotNeeded, _) => {}
    }
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
