//! OpenAI's API: <https://platform.openai.com/docs/api-reference>.

use super::profile::{Passthrough, Profile, StoredObjects};
use crate::api::Api;
use crate::credential::{CredentialHeader, Vendor};
use crate::dialect::Dialect;

/// Clients' base URLs end in `/v1`, so the prefix does too.
pub const PROFILE: Profile = Profile {
    name: "openai",
    title: "OpenAI",
    prefix_suffix: "/v1",
    base_url: "https://api.openai.com/v1",
    bridged: &[
        // https://platform.openai.com/docs/api-reference/chat/create
        ("/chat/completions", Api::ChatCompletions),
        // https://platform.openai.com/docs/api-reference/responses/create
        ("/responses", Api::Responses),
        // https://platform.openai.com/docs/api-reference/responses/compact
        ("/responses/compact", Api::Responses),
    ],
    streamed: &[],
    passthrough: &[
        // https://platform.openai.com/docs/api-reference/conversations
        Passthrough::any("/conversations"),
        Passthrough::any("/conversations/"),
        // https://platform.openai.com/docs/api-reference/models
        Passthrough::any("/models"),
        Passthrough::any("/models/"),
        // https://platform.openai.com/docs/api-reference/responses/get
        Passthrough::any("/responses/"),
    ],
    stored_objects: &[
        StoredObjects::at("/responses"),
        StoredObjects::at("/conversations"),
        // https://platform.openai.com/docs/api-reference/models/delete
        StoredObjects::deleted_at("/models"),
    ],
    dialect: Dialect::OpenAi,
    dialects: &[],
    one_dialect: false,
    unsent_parameters: &[],
    calls_methods: false,
    vendor: Vendor::OpenAi,
    callers_credential: &[CredentialHeader::AUTHORIZATION],
    messages_credential: &[],
    central_key: Some(CredentialHeader::AUTHORIZATION),
    learns_actor: true,
    asks_for_usage: true,
    may_be_bedrock: false,
};
