//! The ids of models on Bedrock.

use core::fmt::Write as _;

/// Whether the name of a model is a Bedrock id or ARN: `anthropic.claude-…`, `us.anthropic.claude-…`, `arn:aws:bedrock:…`.
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_RequestParameters>
#[must_use]
pub fn is_bedrock_id(model: &str) -> bool {
    let vendor = model.split_once("anthropic.").map(|(before, _)| before);
    let profile = vendor.is_some_and(|region| {
        region.is_empty()
            || region.strip_suffix('.').is_some_and(|region| {
                !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            })
    });
    let arn = model.starts_with("arn:aws") && model.contains(":bedrock:");
    (profile || arn) && is_id(model)
}

/// Whether `id` can be a model id or ARN: 1 to 2048 letters, digits and `-._:/`, without an empty, `.` or `..` segment.
#[must_use]
pub fn is_id(id: &str) -> bool {
    (1..=2048).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte))
        && !id.split('/').any(|segment| matches!(segment, "" | "." | ".."))
}

/// `id` as a path segment, as the AWS SDKs write it: all but the unreserved characters of RFC 3986 are percent-encoded.
/// <https://smithy.io/2.0/spec/http-bindings.html#httplabel-serialization-rules>
pub(super) fn encode(id: &str) -> String {
    let mut encoded = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
