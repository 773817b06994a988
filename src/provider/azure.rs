//! OpenAI's and Anthropic's models of one Azure resource:
//! <https://learn.microsoft.com/en-us/azure/ai-foundry/openai/latest>,
//! <https://learn.microsoft.com/en-us/azure/ai-foundry/foundry-models/how-to/use-foundry-models-claude>.

use super::profile::{Passthrough, Profile, StoredObjects};
use crate::api::Api;
use crate::credential::{CredentialHeader, Vendor};
use crate::dialect::Dialect;

/// A resource serves the API `v1`, the dated API versions, whose paths name the deployment, and Anthropic's API.
pub const PROFILE: Profile = Profile {
    name: "azure",
    title: "Azure",
    prefix_suffix: "",
    // Each resource has a host of its own.
    base_url: "",
    bridged: &[
        ("/openai/v1/chat/completions", Api::ChatCompletions),
        ("/openai/v1/responses", Api::Responses),
        // https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference#chat-completions
        ("/openai/deployments/{model}/chat/completions", Api::ChatCompletions),
        ("/openai/responses", Api::Responses),
        ("/openai/v1/responses/compact", Api::Responses),
        ("/openai/responses/compact", Api::Responses),
        ("/anthropic/v1/messages", Api::Messages),
    ],
    streamed: &[],
    passthrough: &[
        Passthrough::any("/openai/v1/models"),
        Passthrough::any("/openai/v1/models/"),
        Passthrough::any("/openai/v1/responses/"),
        Passthrough::any("/openai/responses/"),
        Passthrough::any("/anthropic/v1/messages/count_tokens"),
    ],
    stored_objects: &[
        StoredObjects::at("/openai/v1/responses"),
        StoredObjects::at("/openai/responses"),
        StoredObjects::deleted_at("/openai/v1/models"),
    ],
    dialect: Dialect::OpenAi,
    dialects: &[("/anthropic", Dialect::Anthropic)],
    one_dialect: false,
    unsent_parameters: &[],
    calls_methods: false,
    vendor: Vendor::Azure,
    callers_credential: &[CredentialHeader::API_KEY, CredentialHeader::AUTHORIZATION],
    messages_credential: &[
        CredentialHeader::API_KEY,
        CredentialHeader::AUTHORIZATION,
        CredentialHeader::X_API_KEY,
    ],
    central_key: Some(CredentialHeader::API_KEY),
    learns_actor: true,
    asks_for_usage: true,
    may_be_bedrock: false,
};
