//! GitHub Copilot's API. GitHub documents the product, not this API
//! (<https://docs.github.com/en/copilot/how-tos/copilot-cli>); the routes are those that its clients use.

use super::profile::{Passthrough, Profile};
use crate::api::Api;
use crate::credential::{CredentialHeader, Vendor};
use crate::dialect::Dialect;

/// One host with three APIs: the model decides which one a client uses (Claude models: Messages).
pub const PROFILE: Profile = Profile {
    name: "copilot",
    title: "Copilot",
    prefix_suffix: "",
    base_url: "https://api.individual.githubcopilot.com",
    bridged: &[
        ("/chat/completions", Api::ChatCompletions),
        ("/responses", Api::Responses),
        ("/responses/compact", Api::Responses),
        ("/v1/messages", Api::Messages),
    ],
    streamed: &[],
    passthrough: &[
        Passthrough::any("/models"),
        Passthrough::any("/models/"),
        // Memory and coding agents, which the command line client requests.
        Passthrough::any("/agents/"),
        // GitHub's own Model Context Protocol server.
        Passthrough::any("/mcp/"),
        // OAuth discovery for that server (RFC 8414, RFC 9728).
        Passthrough::any("/.well-known/"),
        Passthrough::any("/_ping"),
    ],
    // There is no shared key under which anything could be stored.
    stored_objects: &[],
    dialect: Dialect::OpenAi,
    dialects: &[("/v1/messages", Dialect::Anthropic)],
    one_dialect: false,
    unsent_parameters: &[],
    calls_methods: false,
    vendor: Vendor::GitHub,
    callers_credential: &[CredentialHeader::AUTHORIZATION],
    messages_credential: &[],
    // Copilot's tokens are personal.
    central_key: None,
    // GitHub knows the caller by the token.
    learns_actor: false,
    asks_for_usage: true,
    may_be_bedrock: false,
};
