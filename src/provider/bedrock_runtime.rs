//! Bedrock's runtime API for clients that speak it themselves (`bedrock.mode: "runtime"`):
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_Operations_Amazon_Bedrock_Runtime.html>.

use super::profile::{Passthrough, Profile};
use crate::api::Api;
use crate::credential::{CredentialHeader, Vendor};
use crate::dialect::Dialect;

/// Takes the place of Anthropic's profile, whose type such a provider has.
pub const PROFILE: Profile = Profile {
    name: "anthropic",
    title: "Anthropic",
    prefix_suffix: "",
    base_url: "",
    bridged: &[("/model/{model}/invoke", Api::Messages), (STREAM, Api::Messages)],
    streamed: &[STREAM],
    passthrough: &[
        Passthrough::any("/model/{model}/count-tokens"),
        // Claude Code asks for it at its start. AWS serves it at another host and answers 404 here.
        Passthrough::any("/inference-profiles"),
    ],
    stored_objects: &[],
    dialect: Dialect::Aws,
    dialects: &[],
    one_dialect: true,
    // A signature: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
    unsent_parameters: &["x-amz-*"],
    calls_methods: false,
    vendor: Vendor::Aws,
    callers_credential: &[CredentialHeader::AUTHORIZATION],
    messages_credential: &[],
    central_key: Some(CredentialHeader::AUTHORIZATION),
    learns_actor: true,
    asks_for_usage: false,
    may_be_bedrock: true,
};

const STREAM: &str = "/model/{model}/invoke-with-response-stream";
