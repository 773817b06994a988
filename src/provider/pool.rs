//! A pool: several hosts or accounts with the same models, each with a key (`envoy/behaviour.md#pools`).

use super::BaseUrl;
use crate::credential::{CredentialHeader, CredentialKind, Key, Secret, Vendor};
use crate::glob::Glob;
use std::rc::Rc;

/// The most members of a pool.
pub const MOST_MEMBERS: usize = 5;

/// The members of a provider, in order of preference.
#[derive(Clone, Debug)]
pub struct Pool {
    /// 2 to [`MOST_MEMBERS`]; names and clusters are unique.
    pub members: Vec<Member>,
    /// Which member is asked first.
    pub start: Start,
}

/// Which member of a pool is asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// The first usable one in the configured order.
    First,
    /// The one to which the session is hashed, so that it keeps its prompt cache.
    Session,
}

/// One member of a pool.
#[derive(Clone, Debug)]
pub struct Member {
    /// At most 64 bytes, of the form of a provider's name.
    pub name: Rc<str>,
    /// Its Envoy cluster, in which this filter runs as an upstream filter.
    pub cluster: String,
    /// Authority and path of its requests.
    pub base_url: BaseUrl,
    /// The vendor whose named credentials may go to it.
    pub vendor: Option<Vendor>,
    /// The header of its key, if not that of the provider's type. For the first member also the header in which a
    /// caller's own key is looked for first.
    pub key_header: Option<CredentialHeader>,
    /// Who adds its credential; never [`Key::Absent`].
    pub key: Key,
    /// The header of its key with the whole value, where this filter sends it.
    pub credential: Option<(&'static str, Secret)>,
    /// The record's view of its key.
    pub hint: Option<String>,
    /// Headers of its requests: lower-case names with their values, none of which is a credential.
    pub headers: Vec<(String, String)>,
    /// Patterns of requested models with its own names for them, the longest pattern first; `None`: the requested
    /// names are forwarded.
    pub models: Option<Vec<(Glob, String)>>,
}

// === impl Pool ===

impl Pool {
    /// The index of the member `name`.
    #[must_use]
    pub fn position(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| *member.name == *name)
    }
}

// === impl Member ===

impl Member {
    /// The member's own name for `model`; `None`: the name stays as requested.
    #[must_use]
    pub fn model(&self, model: &str) -> Option<&str> {
        let (_, id) = self.models.as_ref()?.iter().find(|(pattern, _)| pattern.matches(model))?;
        Some(id)
    }

    /// Whose credential a request to the member uses.
    #[must_use]
    pub fn credential_kind(&self) -> CredentialKind {
        if self.key == Key::NotNeeded { CredentialKind::None } else { CredentialKind::Centralized }
    }
}
