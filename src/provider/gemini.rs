//! Google's own Gemini API: <https://ai.google.dev/api>.

use super::profile::{Passthrough, Profile};
use crate::api::Api;
use crate::credential::{CredentialHeader, KEY_PARAMETER, Vendor};
use crate::dialect::Dialect;

/// The path names the model and its method. Methods that are not listed, such as `:embedContent`, are not forwarded.
pub const PROFILE: Profile = Profile {
    name: "gemini",
    title: "Gemini",
    prefix_suffix: "",
    base_url: "https://generativelanguage.googleapis.com",
    bridged: &[
        // https://ai.google.dev/api/generate-content
        ("/v1beta/models/{model}:generateContent", Api::GenerateContent),
        (STREAM, Api::GenerateContent),
        // The same, which Google's SDKs ask by default (seen with google-genai 3.6.1).
        ("/v1/models/{model}:generateContent", Api::GenerateContent),
        (STABLE_STREAM, Api::GenerateContent),
    ],
    streamed: &[STREAM, STABLE_STREAM],
    passthrough: &[
        // https://ai.google.dev/api/models
        Passthrough::get("/v1beta/models"),
        Passthrough::get("/v1beta/models/"),
        // https://ai.google.dev/api/tokens
        Passthrough::any("/v1beta/models/{model}:countTokens"),
        Passthrough::get("/v1/models"),
        Passthrough::get("/v1/models/"),
        Passthrough::any("/v1/models/{model}:countTokens"),
    ],
    stored_objects: &[],
    dialect: Dialect::Google,
    dialects: &[],
    one_dialect: false,
    unsent_parameters: &[KEY_PARAMETER],
    calls_methods: true,
    vendor: Vendor::Google,
    // https://ai.google.dev/gemini-api/docs/api-key
    callers_credential: &[
        CredentialHeader::X_GOOG_API_KEY,
        CredentialHeader::QUERY_KEY,
        CredentialHeader::AUTHORIZATION,
    ],
    messages_credential: &[],
    central_key: Some(CredentialHeader::X_GOOG_API_KEY),
    learns_actor: true,
    asks_for_usage: false,
    may_be_bedrock: false,
};

const STREAM: &str = "/v1beta/models/{model}:streamGenerateContent";
const STABLE_STREAM: &str = "/v1/models/{model}:streamGenerateContent";
