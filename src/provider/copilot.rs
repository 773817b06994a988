//! What GitHub Copilot's API fixes. GitHub documents the product, not this API
//! (<https://docs.github.com/en/copilot/how-tos/copilot-cli>); the routes are those that its clients use.

use super::Profile;
use crate::api::Api;

/// One host, three wire formats: the model decides which (Claude models: Messages).
pub const PROFILE: Profile = Profile {
    name: "copilot",
    prefix_suffix: "",
    base_url: "https://api.individual.githubcopilot.com",
    bridged: &[
        ("/chat/completions", Api::ChatCompletions),
        ("/responses", Api::Responses),
        ("/responses/compact", Api::Responses),
        ("/v1/messages", Api::Messages),
    ],
    passthrough: &[
        "/models",
        "/models/",
        // Memory and coding agents, as the command line client asks for them.
        "/agents/",
        // The Model Context Protocol server of GitHub itself.
        "/mcp/",
        // OAuth discovery for that server (RFC 8414, RFC 9728).
        "/.well-known/",
        "/_ping",
    ],
};
