//! The role of a header in its message: hop-by-hop, part of the message itself, or neither.

/// The role of a header in its message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// Concerns one connection only: RFC 9110 §7.6.1, with `proxy-authenticate` of RFC 9110 §11.7.1 and
    /// `http2-settings` of RFC 7540 §3.2.1. `te` is one of them also with `trailers`: Envoy negotiates trailers with the
    /// next hop itself.
    HopByHop,
    /// Part of the message: it determines where the message goes, where it ends or how its body is read. Pseudo headers are
    /// among these, and `x-forwarded-proto`, without which Envoy finds no route.
    Message,
    /// Any other header.
    Other,
}

/// The hop-by-hop headers.
pub(super) const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy-authenticate",
    "http2-settings",
];

// === impl Role ===

impl Role {
    /// The role of the header `name`, in lower case.
    pub(crate) fn of(name: &str) -> Self {
        match name {
            _ if HOP_BY_HOP.contains(&name) => Self::HopByHop,
            "" | "host" | "content-length" | "content-type" | "content-encoding" | "x-forwarded-proto" => {
                Self::Message
            }
            _ if name.starts_with(':') => Self::Message,
            _ => Self::Other,
        }
    }
}
