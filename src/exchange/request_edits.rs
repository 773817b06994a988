//! The changes to a request's headers and trailers before they go upstream.

use super::arrival::Arrival;
use super::bedrock;
use crate::bridge::Bridge;
use crate::caller;
use crate::credential::Credential;
use crate::headers::{CREDENTIAL_HEADERS, HeaderEdits, Headers};
use crate::pool::POOL_HEADER;
use crate::provider::Provider;

/// The edits outside the root: only the headers that choose clusters are removed, because a caller must not set them.
pub(super) fn foreign(bridge: &Bridge, headers: &Headers) -> Option<HeaderEdits> {
    let mut edits = HeaderEdits::default();
    if headers.contains(&bridge.cluster_header) {
        edits.remove(bridge.cluster_header.clone());
    }
    if headers.contains(POOL_HEADER) {
        edits.remove(POOL_HEADER);
    }
    (!edits.remove.is_empty()).then_some(edits)
}

/// The edits on a passthrough route.
pub(super) fn passthrough(
    bridge: &Bridge,
    provider: &Provider,
    headers: &Headers,
    credential: Credential,
    upstream_path: Vec<u8>,
) -> HeaderEdits {
    let cluster = provider.cluster_for(credential.kind);
    let mut edits = common(bridge, provider, headers, credential);
    address(bridge, provider, cluster, upstream_path, &mut edits);
    edits
}

/// The edits on a bridged route.
pub(super) fn bridged(
    bridge: &Bridge,
    arrival: &Arrival,
    headers: &Headers,
    credential: Credential,
    upstream_path: Vec<u8>,
) -> HeaderEdits {
    let provider = &arrival.provider;
    let mut edits = common(bridge, provider, headers, credential);
    if headers.contains("accept-encoding") {
        edits.remove("accept-encoding");
    }
    if provider.asks_for_usage(arrival.api) && headers.contains("content-length") {
        // The body may become longer. The upload keeps the declared length, which says which chunk is the last.
        edits.remove("content-length");
    }
    address(bridge, provider, arrival.cluster(), upstream_path, &mut edits);
    if provider.sends_actor() {
        let id = arrival.actor.as_ref().map(|actor| actor.id.as_str());
        caller::send_actor(id, &arrival.actor_metadata, &mut edits);
    }
    edits
}

/// The edits of trailers: the same names are removed as from a request's headers, and every credential.
pub(super) fn trailers(bridge: &Bridge, provider: Option<&Provider>, trailers: &Headers) -> HeaderEdits {
    let mut edits = strippings(bridge, trailers);
    if let Some(provider) = provider {
        bedrock::edit_request(provider, trailers, &mut edits);
    }
    for name in CREDENTIAL_HEADERS.into_iter().filter(|name| trailers.contains(name)) {
        edits.remove(name);
    }
    edits
}

/// The edits that both kinds of route share.
fn common(bridge: &Bridge, provider: &Provider, headers: &Headers, credential: Credential) -> HeaderEdits {
    let mut edits = strippings(bridge, headers);
    bedrock::edit_request(provider, headers, &mut edits);
    credential.edit(&mut edits);
    edits
}

fn strippings(bridge: &Bridge, headers: &Headers) -> HeaderEdits {
    HeaderEdits { remove: bridge.stripping.list(headers), set: Vec::new() }
}

/// Sets path, host and cluster.
fn address(bridge: &Bridge, provider: &Provider, cluster: &str, path: Vec<u8>, edits: &mut HeaderEdits) {
    edits.set(":path", provider.with_query(path));
    edits.set(":authority", provider.base_url.authority.as_str());
    edits.set(bridge.cluster_header.clone(), cluster);
}
