//! Claude and the OpenAI-compatible API of Google Vertex AI, for clients that speak Vertex:
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/use-claude>,
//! <https://cloud.google.com/vertex-ai/generative-ai/docs/start/openai>.

use super::profile::{Passthrough, Profile};
use crate::api::Api;
use crate::credential::{CredentialHeader, Vendor};
use crate::dialect::Dialect;

/// The path names Claude's model and whether the response is a stream; the base URL ends in `/v1`.
pub const PROFILE: Profile = Profile {
    name: "vertex",
    title: "Vertex AI",
    prefix_suffix: "",
    // Each region has a host of its own.
    base_url: "",
    bridged: &[
        (
            "/projects/{project}/locations/{location}/publishers/anthropic/models/{model}:rawPredict",
            Api::Messages,
        ),
        (STREAM, Api::Messages),
        ("/projects/{project}/locations/{location}/endpoints/openapi/chat/completions", Api::ChatCompletions),
    ],
    streamed: &[STREAM],
    passthrough: &[Passthrough::any(
        "/projects/{project}/locations/{location}/publishers/anthropic/models/count-tokens:rawPredict",
    )],
    stored_objects: &[],
    dialect: Dialect::OpenAi,
    dialects: &[("/projects/{project}/locations/{location}/publishers/anthropic", Dialect::Anthropic)],
    one_dialect: false,
    unsent_parameters: &[],
    calls_methods: false,
    vendor: Vendor::Google,
    callers_credential: &[CredentialHeader::AUTHORIZATION],
    messages_credential: &[],
    central_key: Some(CredentialHeader::AUTHORIZATION),
    learns_actor: true,
    asks_for_usage: true,
    may_be_bedrock: false,
};

const STREAM: &str =
    "/projects/{project}/locations/{location}/publishers/anthropic/models/{model}:streamRawPredict";
