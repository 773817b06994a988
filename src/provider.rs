//! One configured upstream API, and what each provider type fixes.

pub mod anthropic;
pub mod copilot;
mod model_policy;
pub mod openai;

use crate::api::Api;
use crate::bedrock::{Bedrock, Invoke};
use crate::credential::{CredentialKind, Secret, Vendor};
use std::rc::Rc;

pub use model_policy::{ModelPolicy, ModelRefusal};

/// The provider types of contract §1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProviderType {
    /// `anthropic`
    Anthropic,
    /// `openai`
    OpenAi,
    /// `copilot`
    Copilot,
}

/// What a provider type fixes: data, no behaviour.
#[derive(Debug)]
pub struct Profile {
    /// The type's name in configuration and records; also the default provider name.
    pub name: &'static str,
    /// What follows `/{name}` in the route prefix: `/v1` for OpenAI, whose clients put it into their base URL.
    pub prefix_suffix: &'static str,
    /// Where requests go unless configured.
    pub base_url: &'static str,
    /// Exact routes that are inspected and recorded.
    pub bridged: &'static [(&'static str, Api)],
    /// Routes that are forwarded uninspected; one that ends in `/` stands for itself and everything below.
    pub passthrough: &'static [&'static str],
}

/// One configured provider. Every value is usable as it is.
#[derive(Clone, Debug)]
pub struct Provider {
    /// Which API family it speaks.
    pub kind: ProviderType,
    /// Unique name: route prefix, record, metric label.
    pub name: Rc<str>,
    /// `false`: everything under the prefix is answered 503.
    pub enabled: bool,
    /// Where requests go.
    pub base_url: BaseUrl,
    /// Envoy cluster for our key's traffic (and callers' own, unless `byok_cluster` differs).
    pub cluster: String,
    /// Envoy cluster for callers' own credentials; the same as `cluster` unless configured.
    pub byok_cluster: String,
    /// Our own credential.
    pub key: Key,
    /// Whether callers may bring theirs.
    pub byok: Byok,
    /// Whether the actor is told to the upstream.
    pub send_actor: bool,
    /// Which models may be asked for.
    pub models: ModelPolicy,
    /// Whether Responses with `background: true` are let through.
    pub allow_background: bool,
    /// `false`: stored objects are out of reach with the central key.
    pub stored_objects: bool,
    /// Seconds told in `retry-after` while Envoy's circuit is open; 1 to 86 400.
    pub open_retry_after_seconds: u32,
    /// Where an Anthropic provider is AWS Bedrock's: how.
    pub bedrock: Option<Bedrock>,
}

/// The parts of a base URL that a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// Host, with the port where it is not the scheme's default: the upstream `:authority`.
    pub authority: String,
    /// Path without a trailing slash; empty for none.
    pub path: String,
}

/// Where the provider's own credential comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// There is none: callers bring their own.
    Absent,
    /// Sent by this filter.
    Central(Secret),
    /// Added by Envoy behind this filter: by its `credential_injector`, or as a signature by `aws_request_signing`.
    External,
}

/// Whether callers may use their own credential (contract §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Byok {
    /// They may; the default.
    Allow,
    /// One that comes is refused with 403.
    Deny,
    /// None is refused with 401.
    Require,
}

impl ProviderType {
    /// What this type fixes.
    #[must_use]
    pub const fn profile(self) -> &'static Profile {
        match self {
            Self::Anthropic => &anthropic::PROFILE,
            Self::OpenAi => &openai::PROFILE,
            Self::Copilot => &copilot::PROFILE,
        }
    }

    /// The name in configuration and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.profile().name
    }

    /// Whether a request for `route`, a passthrough route as written below the prefix, reads or changes what is kept
    /// under a key of the operator's.
    #[must_use]
    pub fn reaches_stored_object(self, method: &[u8], route: &str) -> bool {
        match self {
            // Nothing is stored there; that no model is deleted holds all the same.
            Self::Anthropic => {
                route.strip_prefix("/v1").is_some_and(|route| openai::reaches_stored_object(method, route))
            }
            Self::OpenAi => openai::reaches_stored_object(method, route),
            // Its callers bring their own credential.
            Self::Copilot => false,
        }
    }
}

impl Provider {
    /// The route prefix below the root: `/{name}`, for OpenAI `/{name}/v1`. No trailing slash.
    #[must_use]
    pub fn prefix(&self) -> String {
        format!("/{}{}", self.name, self.kind.profile().prefix_suffix)
    }

    /// The Envoy cluster for requests with a credential of `kind`: callers' own have a circuit breaker of their own.
    #[must_use]
    pub fn cluster_for(&self, kind: CredentialKind) -> &str {
        match kind {
            CredentialKind::Byok => &self.byok_cluster,
            CredentialKind::Centralized | CredentialKind::None => &self.cluster,
        }
    }

    /// Whose keys it takes.
    #[must_use]
    pub const fn vendor(&self) -> Vendor {
        if self.bedrock.is_some() { Vendor::Aws } else { Vendor::behind(self.kind) }
    }

    /// Whether Envoy signs its requests behind this filter, over the whole body.
    #[must_use]
    pub fn is_signed_behind(&self) -> bool {
        self.bedrock.is_some() && self.key == Key::External
    }

    /// What Bedrock's `invoke` needs to know, where that is spoken.
    #[must_use]
    pub fn invoke(&self) -> Option<&Invoke> {
        self.bedrock.as_ref().and_then(Bedrock::invoke)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_is_well_formed() {
        for kind in [ProviderType::Anthropic, ProviderType::OpenAi, ProviderType::Copilot] {
            let profile = kind.profile();
            assert_eq!(kind.name(), profile.name);
            assert!(!profile.base_url.ends_with('/'), "{}", profile.base_url);
            for (route, _) in profile.bridged {
                assert!(route.starts_with('/') && !route.ends_with('/'), "{route}");
                assert!(!profile.passthrough.contains(route), "{route}");
            }
            for route in profile.passthrough {
                assert!(route.starts_with('/') && route.len() > 1, "{route}");
            }
        }
    }
}
