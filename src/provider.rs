//! One configured upstream API. What its type fixes is in [`Profile`], one file for each type.

pub mod anthropic;
pub mod azure;
pub mod bedrock_runtime;
pub mod copilot;
pub mod gemini;
mod hosts;
mod model_policy;
pub mod openai;
mod pool;
mod profile;
mod query;
pub mod vertex;

use crate::api::Api;
use crate::api::request::{ModelJudge, ModelRefusal};
use crate::bedrock::{Bedrock, Invoke, Mode};
use crate::credential::{Byok, CredentialHeader, CredentialKind, CredentialRules, Key, Vendor};
use crate::dialect::Dialect;
use crate::text::Text;
use std::rc::Rc;

pub use hosts::{HOSTS, vendor_at};
pub use model_policy::ModelPolicy;
pub use pool::{MOST_MEMBERS, Member, Pool, Start};
pub use profile::{Passthrough, Profile, StoredObjects, is_at_or_below, may_be_at, may_be_at_or_below};

/// The provider types. Only this file names a variant: everything else reads [`profile`](Self::profile).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProviderType {
    /// `anthropic`
    Anthropic,
    /// `openai`
    OpenAi,
    /// `copilot`
    Copilot,
    /// `azure`
    Azure,
    /// `vertex`
    Vertex,
    /// `gemini`
    Gemini,
}

/// One configured provider. Every value was checked when the configuration was parsed.
#[derive(Clone, Debug)]
pub struct Provider {
    /// The type, which fixes the [`Profile`].
    pub kind: ProviderType,
    /// Unique; at most 64 bytes. In the route prefix, records and metric labels.
    pub name: Rc<str>,
    /// `false`: everything under the prefix is answered with 503.
    pub enabled: bool,
    /// Authority and path that replace the client's.
    pub base_url: BaseUrl,
    /// What is added to the query of every upstream path: each name with its value, both not yet percent-encoded.
    pub query: Vec<(String, String)>,
    /// More passthrough routes, in the notation of [`Profile::passthrough`].
    pub more_passthrough: Vec<String>,
    /// Whether a stream may be asked for its usage (`envoy/behaviour.md#the-one-edit`).
    pub ask_for_usage: bool,
    /// The Envoy cluster for requests with the operator's key, and with callers' own unless `byok_cluster` differs.
    pub cluster: String,
    /// The Envoy cluster for requests with callers' own credentials; the same as `cluster` unless configured.
    pub byok_cluster: String,
    /// The vendor whose named credentials may go to the provider; `None`: no credential that names a vendor may.
    pub vendor: Option<Vendor>,
    /// Where the operator's key goes and a caller's own credential is looked for first, if not where the type says.
    pub key_header: Option<CredentialHeader>,
    /// The operator's own credential and who adds it.
    pub key: Key,
    /// The record's view of it: [`Key::hint`].
    pub key_hint: Option<Rc<str>>,
    /// Whether callers may use their own credential.
    pub byok: Byok,
    /// Whether the operator wants the actor named to the provider; see [`sends_actor`](Self::sends_actor).
    pub send_actor: bool,
    /// Which models callers may ask for.
    pub models: ModelPolicy,
    /// Whether Responses requests with `background: true` are forwarded.
    pub allow_background: bool,
    /// `false`: requests with the operator's key reach no stored object.
    pub stored_objects: bool,
    /// `retry-after` while Envoy's circuit is open, in seconds; 1 to 86,400.
    pub open_retry_after_seconds: u32,
    /// AWS Bedrock's settings, where the provider is Bedrock's.
    pub bedrock: Option<Bedrock>,
    /// The members, where the provider has several. Base URL, vendor, key, header of the key and cluster are then the
    /// first member's: a caller's own key goes there.
    pub pool: Option<Pool>,
}

/// The parts of a base URL that a request needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    /// The upstream `:authority`: the host, with the port where it is not the scheme's default.
    pub authority: String,
    /// The path without a trailing slash; may be empty.
    pub path: String,
}

// === impl ProviderType ===

impl ProviderType {
    /// Every type, in the order in which messages list them.
    pub const ALL: [Self; 6] =
        [Self::Anthropic, Self::OpenAi, Self::Copilot, Self::Azure, Self::Vertex, Self::Gemini];

    /// What the type fixes.
    #[must_use]
    pub const fn profile(self) -> &'static Profile {
        match self {
            Self::Anthropic => &anthropic::PROFILE,
            Self::OpenAi => &openai::PROFILE,
            Self::Copilot => &copilot::PROFILE,
            Self::Azure => &azure::PROFILE,
            Self::Vertex => &vertex::PROFILE,
            Self::Gemini => &gemini::PROFILE,
        }
    }

    /// What the type fixes where the provider is Bedrock's: its runtime API has a profile of its own.
    #[must_use]
    pub fn profile_on(self, bedrock: Option<&Bedrock>) -> &'static Profile {
        match bedrock {
            Some(Bedrock { mode: Mode::Runtime, .. }) => &bedrock_runtime::PROFILE,
            Some(_) | None => self.profile(),
        }
    }

    /// The name in configuration and records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.profile().name
    }
}

// === impl Provider ===

impl ModelJudge for Provider {
    fn judge(&self, model: &Text) -> Result<(), ModelRefusal> {
        self.models.judge(model)
    }
}

impl Provider {
    /// What differs from other providers: the type's profile or, for Bedrock's runtime API, that API's.
    #[must_use]
    pub fn profile(&self) -> &'static Profile {
        self.kind.profile_on(self.bedrock.as_ref())
    }

    /// The route prefix below the root: `/{name}`, for OpenAI `/{name}/v1`. No trailing slash.
    #[must_use]
    pub fn prefix(&self) -> String {
        format!("/{}{}", self.name, self.profile().prefix_suffix)
    }

    /// The Envoy cluster for requests with a credential of `kind`. Callers' own credentials may have a cluster, and so a
    /// circuit breaker, of their own.
    #[must_use]
    pub fn cluster_for(&self, kind: CredentialKind) -> &str {
        match kind {
            CredentialKind::Byok => &self.byok_cluster,
            CredentialKind::Centralized | CredentialKind::None => &self.cluster,
        }
    }

    /// What the provider accepts as a credential on a route whose refusals have the shape `dialect`.
    #[must_use]
    pub fn credential_rules_at(&self, dialect: Dialect) -> CredentialRules<'_> {
        let (rules, of_messages) = (self.credential_rules(), self.profile().messages_credential);
        if dialect == Dialect::Anthropic && !of_messages.is_empty() {
            return CredentialRules { callers: of_messages, ..rules };
        }
        rules
    }

    /// What the provider accepts as a credential.
    #[must_use]
    pub fn credential_rules(&self) -> CredentialRules<'_> {
        let profile = self.profile();
        let central = if self.bedrock.is_some() {
            // Bedrock's API keys are Bearer tokens: https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html
            Some(CredentialHeader::AUTHORIZATION)
        } else {
            profile.central_key
        };
        CredentialRules {
            first: self.key_header,
            callers: profile.callers_credential,
            central: central.map(|usual| self.key_header.unwrap_or(usual)),
            vendor: self.vendor,
            key: &self.key,
            key_hint: self.key_hint.as_ref(),
            byok: self.byok,
        }
    }

    /// `path` with the configured names in its query that the client did not send.
    #[must_use]
    pub fn with_query(&self, path: Vec<u8>) -> Vec<u8> {
        query::with(path, &self.query)
    }

    /// Whether the actor is named to the provider.
    #[must_use]
    pub fn sends_actor(&self) -> bool {
        self.send_actor && self.profile().learns_actor
    }

    /// Whether a request for a stream of `api` is changed to ask for its usage (`envoy/behaviour.md#the-one-edit`).
    #[must_use]
    pub const fn asks_for_usage(&self, api: Api) -> bool {
        api.edits_usage() && self.ask_for_usage
    }

    /// Whether Chat Completions of this provider state a part of the output, the thoughts, in `total_tokens` only: Google's
    /// do, <https://ai.google.dev/gemini-api/docs/openai>. `member`: the one of its pool that has answered.
    #[must_use]
    pub fn states_output_in_total(&self, api: Api, member: Option<&Member>) -> bool {
        let vendor = member.map_or(self.vendor, |member| member.vendor);
        api == Api::ChatCompletions && vendor == Some(Vendor::Google)
    }

    /// Whether Envoy signs the provider's requests behind this filter, over the whole body.
    #[must_use]
    pub fn is_signed_behind(&self) -> bool {
        self.bedrock.is_some() && self.key == Key::External
    }

    /// The settings of Bedrock's `InvokeModel`, where the provider uses it.
    #[must_use]
    pub fn invoke(&self) -> Option<&Invoke> {
        self.bedrock.as_ref().and_then(Bedrock::invoke)
    }
}
