//! What OpenAI's API fixes: <https://platform.openai.com/docs/api-reference>.

use super::Profile;
use crate::api::Api;

/// Clients' base URLs end in `/v1`, so the prefix does too.
pub const PROFILE: Profile = Profile {
    name: "openai",
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
    passthrough: &[
        // https://platform.openai.com/docs/api-reference/conversations
        "/conversations",
        "/conversations/",
        // https://platform.openai.com/docs/api-reference/models
        "/models",
        "/models/",
        // https://platform.openai.com/docs/api-reference/responses/get
        "/responses/",
    ],
};

/// Whether a request for `route`, a passthrough route as written below the prefix, reads or changes what is kept
/// under the key: everybody's, where the key is everybody's. Models are only so when one is deleted
/// (<https://platform.openai.com/docs/api-reference/models/delete>).
#[must_use]
pub fn reaches_stored_object(method: &[u8], route: &str) -> bool {
    let within =
        |tree: &str| route.strip_prefix(tree).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    within("/responses")
        || within("/conversations")
        || (within("/models") && method.eq_ignore_ascii_case(b"DELETE"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_and_conversations_are_stored_objects_and_models_when_deleted() {
        for (method, route, expected) in [
            ("GET", "/responses/resp_1", true),
            ("DELETE", "/responses/resp_1/input_items", true),
            ("POST", "/conversations", true),
            ("GET", "/conversations/", true),
            ("GET", "/conversations/conv_1/items", true),
            ("GET", "/models", false),
            ("GET", "/models/gpt-5.5", false),
            ("DELETE", "/models/ft:gpt-5.5:acme", true),
            ("delete", "/models/ft:gpt-5.5:acme", true),
            ("DELETE", "/models", true),
            ("GET", "/conversationsx", false),
        ] {
            assert_eq!(reaches_stored_object(method.as_bytes(), route), expected, "{method} {route}");
        }
    }
}
