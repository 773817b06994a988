//! What Anthropic's API fixes: <https://docs.anthropic.com/en/api/overview>.

use super::Profile;
use crate::api::Api;

/// Clients' base URLs have no `/v1` (<https://docs.anthropic.com/en/api/client-sdks>), so neither has the prefix.
pub const PROFILE: Profile = Profile {
    name: "anthropic",
    prefix_suffix: "",
    base_url: "https://api.anthropic.com",
    bridged: &[
        // https://docs.anthropic.com/en/api/messages
        ("/v1/messages", Api::Messages),
    ],
    passthrough: &[
        // https://docs.anthropic.com/en/api/models-list
        "/v1/models",
        "/v1/models/",
        // https://docs.anthropic.com/en/api/messages-count-tokens
        "/v1/messages/count_tokens",
        // Claude Code's telemetry and its check at start (`HEAD /api/hello`): seen, not documented.
        "/api/event_logging/",
        "/api/hello",
    ],
};
