//! The operator's credential of a provider, and whether callers may use theirs.

use super::{Secret, hint};

/// Where the operator's own credential for a provider comes from (`envoy/behaviour.md#credentials-and-vendors`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// There is none: callers bring their own.
    Absent,
    /// This filter sends it.
    Central(Secret),
    /// Envoy adds it behind this filter: `credential_injector` adds a header, `aws_request_signing` a signature.
    External,
    /// The upstream needs none: no credential goes up, not even a caller's.
    NotNeeded,
}

impl Key {
    /// The record's view of the key, see [`hint`]; `None` where this filter does not send it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Central(secret) => Some(hint(secret.expose())),
            Self::Absent | Self::External | Self::NotNeeded => None,
        }
    }
}

/// Whether callers may use a credential of their own for a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Byok {
    /// Callers may; the default.
    Allow,
    /// A request with the caller's own credential is refused with 403.
    Deny,
    /// A request without the caller's own credential is refused with 401.
    Require,
}
