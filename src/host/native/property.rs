//! `actor.property`: which paths of Envoy's attributes this host can read.

use super::abi::Attribute;
use super::calls::Filter;
use crate::headers::Headers;

/// A value that Envoy gives to a dynamic module, from which the actor is read.
pub(super) enum Property {
    /// `["metadata", "filter_metadata", NAMESPACE, KEY]`: a text directly in the namespace.
    Metadata { namespace: String, key: String },
    /// `["filter_state", NAME]`.
    FilterState(String),
    /// `["request", "headers", NAME]`, as the client sent it.
    Header(String),
    /// An attribute of request, source or connection.
    Attribute(Attribute),
}

/// The attributes that can name an actor.
const ATTRIBUTES: [([&str; 2], Attribute); 8] = [
    (["request", "host"], Attribute::RequestHost),
    (["request", "id"], Attribute::RequestId),
    (["source", "address"], Attribute::SourceAddress),
    (["connection", "requested_server_name"], Attribute::RequestedServerName),
    (["connection", "subject_peer_certificate"], Attribute::SubjectPeerCertificate),
    (["connection", "dns_san_peer_certificate"], Attribute::DnsSanPeerCertificate),
    (["connection", "uri_san_peer_certificate"], Attribute::UriSanPeerCertificate),
    (["connection", "sha256_peer_certificate_digest"], Attribute::Sha256PeerCertificateDigest),
];

// === impl Property ===

impl Property {
    /// The property of `path`, or why it cannot be read.
    pub(super) fn new(path: &[String]) -> Result<Self, String> {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match *path.as_slice() {
            ["metadata", "filter_metadata", namespace, key] => {
                Ok(Self::Metadata { namespace: namespace.to_owned(), key: key.to_owned() })
            }
            ["metadata", "filter_metadata", _, _, _, ..] => Err(
                "a dynamic module reads metadata only directly below its namespace; let the filter in front write \
                 the claim there, or into a header (actor.header)"
                    .to_owned(),
            ),
            ["request", "headers", name] => Ok(Self::Header(name.to_owned())),
            ["filter_state", name] => Ok(Self::FilterState(name.to_owned())),
            [room, name] => ATTRIBUTES
                .iter()
                .find(|(attribute, _)| *attribute == [room, name])
                .map(|(_, attribute)| Self::Attribute(*attribute))
                .ok_or_else(unknown),
            _ => Err(unknown()),
        }
    }

    /// The value on the stream of `filter` with the request's `headers`, where it is set.
    pub(super) fn read(&self, filter: Filter, headers: &Headers) -> Option<Vec<u8>> {
        match self {
            Self::Header(name) => headers.first(name).map(<[u8]>::to_vec),
            Self::Metadata { namespace, key } => filter.metadata_text(namespace, key),
            Self::FilterState(name) => filter.filter_state(name),
            Self::Attribute(attribute) => filter.attribute(*attribute),
        }
    }
}

fn unknown() -> String {
    let known: Vec<String> = ATTRIBUTES.iter().map(|([room, name], _)| format!("{room}.{name}")).collect();
    format!(
        "a dynamic module reads metadata.filter_metadata.NAMESPACE.KEY, filter_state.NAME, request.headers.NAME and {}",
        known.join(", ")
    )
}
