//! Anthropic's API: <https://docs.anthropic.com/en/api/overview>.

use super::profile::{Passthrough, Profile, StoredObjects};
use crate::api::Api;
use crate::credential::{CredentialHeader, Vendor};
use crate::dialect::Dialect;

/// Clients' base URLs have no `/v1` (<https://docs.anthropic.com/en/api/client-sdks>), so neither has the prefix.
pub const PROFILE: Profile = Profile {
    name: "anthropic",
    title: "Anthropic",
    prefix_suffix: "",
    base_url: "https://api.anthropic.com",
    bridged: &[
        // https://docs.anthropic.com/en/api/messages
        ("/v1/messages", Api::Messages),
    ],
    streamed: &[],
    passthrough: &[
        // https://docs.anthropic.com/en/api/models-list
        Passthrough::any("/v1/models"),
        Passthrough::any("/v1/models/"),
        // https://docs.anthropic.com/en/api/messages-count-tokens
        Passthrough::any("/v1/messages/count_tokens"),
        // Claude Code's telemetry and its check at start (`HEAD /api/hello`), as observed; not documented.
        Passthrough::any("/api/event_logging/"),
        Passthrough::any("/api/hello"),
    ],
    // The API stores nothing that all holders of the key can read. The deletion of a model counts, as with OpenAI.
    stored_objects: &[StoredObjects::deleted_at("/v1/models")],
    dialect: Dialect::Anthropic,
    dialects: &[],
    one_dialect: false,
    unsent_parameters: &[],
    calls_methods: false,
    vendor: Vendor::Anthropic,
    // Clients send API keys in the first header, OAuth tokens in the second.
    callers_credential: &[CredentialHeader::X_API_KEY, CredentialHeader::AUTHORIZATION],
    messages_credential: &[],
    central_key: Some(CredentialHeader::X_API_KEY),
    learns_actor: true,
    asks_for_usage: true,
    may_be_bedrock: true,
};
