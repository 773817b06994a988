//! Why this filter refuses a request.

use super::reply;
use crate::api::request::{MODEL_BYTES, Unreadable};
use crate::credential::Vendor;
use crate::dialect::Dialect;
use crate::json;
use crate::route::{PathProblem, RouteHint};
use crate::step::LocalReply;
use crate::text;
use core::fmt;

/// A request that this filter refuses.
#[derive(Clone, Debug, PartialEq)]
pub enum Rejection {
    /// 400: the upstream could read the path differently.
    InvalidPath(PathProblem),
    /// 404: there is no such route.
    NotFound {
        /// The method as sent: untrusted text.
        method: String,
        /// The path as sent, without the query: untrusted text.
        path: String,
        /// What to do about it.
        hint: RouteHint,
    },
    /// 503: the operator has disabled the provider.
    ProviderDisabled,
    /// 426: a bridged route accepts no `Upgrade`; clients then use POST at once.
    UpgradeRefused,
    /// 501: a passthrough route accepts no `Upgrade`.
    UpgradeUnsupported,
    /// 405: the route accepts this method only: POST where it is bridged, GET on some passthrough routes.
    MethodNotAllowed(&'static str),
    /// 400: a credential header came more than once; only one value would be inspected.
    RepeatedCredential,
    /// 403: the caller's credential is another vendor's.
    WrongVendor(Vendor),
    /// 403: callers may not bring their own credential.
    ByokDenied,
    /// 403: requests with the operator's key reach no stored object.
    StoredObjectDenied,
    /// 401: the caller brought no credential, and there is no central key that may be used.
    MissingCredential,
    /// 400: a source of the actor or of metadata came more than once or is not UTF-8.
    UnreadableActor,
    /// 401: an actor is required.
    MissingActor,
    /// 415: the body is compressed and cannot be read.
    UnsupportedEncoding,
    /// 413: the declared or actual size of the body is above the limit.
    RequestTooLarge,
    /// 400: a bridged request needs a body.
    EmptyBody,
    /// 400: the body is not one valid JSON object.
    InvalidJson(json::Error),
    /// 400: a member that this filter acts on came twice; the upstream may read the other one.
    RepeatedMember(&'static str),
    /// 400: the model policy does not allow the model. Anthropic asks gateways for this status; clients take 403 for a
    /// failed login.
    ModelDenied {
        /// As the request names it: untrusted text.
        model: String,
        /// Patterns of models that may be asked for instead, as configured.
        allowed: Vec<String>,
    },
    /// 400: there is a model policy, and the models of the request cannot be judged.
    ModelUnreadable(Unreadable),
    /// 501: the usage of a background response is never visible here.
    BackgroundRefused,
    /// 400: the upstream's path contains the model, and the request names none.
    ModelMissing,
    /// 404: no Bedrock id is configured for the model. Anthropic answers an unknown model with the same status.
    ModelUnmapped(String),
    /// 400: Envoy signs a request at the end of its body; a request that ends in trailers would be sent unsigned.
    Unsignable,
    /// 500: the host does not deliver the body while it holds the headers.
    BodyWithheld,
}

impl Rejection {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::InvalidPath(_)
            | Self::RepeatedCredential
            | Self::UnreadableActor
            | Self::EmptyBody
            | Self::InvalidJson(_)
            | Self::RepeatedMember(_)
            | Self::ModelDenied { .. }
            | Self::ModelUnreadable(_)
            | Self::ModelMissing
            | Self::Unsignable => 400,
            Self::MissingCredential | Self::MissingActor => 401,
            Self::WrongVendor(_) | Self::ByokDenied | Self::StoredObjectDenied => 403,
            Self::NotFound { .. } | Self::ModelUnmapped(_) => 404,
            Self::MethodNotAllowed(_) => 405,
            Self::RequestTooLarge => 413,
            Self::UnsupportedEncoding => 415,
            Self::UpgradeRefused => 426,
            Self::UpgradeUnsupported | Self::BackgroundRefused => 501,
            Self::BodyWithheld => 500,
            Self::ProviderDisabled => 503,
        }
    }

    /// The reason as one snake-case word: `error.code` of the reply (OpenAI's shape), of the record and of the metric.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InvalidPath(_) => "invalid_path",
            Self::NotFound { .. } => "not_found",
            Self::ProviderDisabled => "provider_disabled",
            Self::UpgradeRefused => "upgrade_refused",
            Self::UpgradeUnsupported => "upgrade_unsupported",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::RepeatedCredential => "repeated_credential",
            Self::WrongVendor(_) => "wrong_vendor_credential",
            Self::ByokDenied => "byok_denied",
            Self::StoredObjectDenied => "stored_object_denied",
            Self::MissingCredential => "missing_credential",
            Self::UnreadableActor => "unreadable_actor",
            Self::MissingActor => "missing_actor",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::RequestTooLarge => "request_too_large",
            Self::EmptyBody => "empty_body",
            Self::InvalidJson(_) => "invalid_json",
            Self::RepeatedMember(_) => "repeated_member",
            Self::ModelDenied { .. } => "model_denied",
            Self::ModelUnreadable(_) => "model_unreadable",
            Self::BackgroundRefused => "background_refused",
            Self::ModelMissing => "model_missing",
            Self::ModelUnmapped(_) => "model_unmapped",
            Self::Unsignable => "unsignable_request",
            Self::BodyWithheld => "body_withheld",
        }
    }

    /// The reply to the caller. It contains no key, cluster or upstream address; of the configuration only providers' paths
    /// and patterns of models.
    #[must_use]
    pub fn reply(&self, dialect: Dialect) -> LocalReply {
        let mut reply = reply(dialect, self.status(), self.code(), &self.to_string());
        reply.headers.push(("x-should-retry".to_owned(), b"false".to_vec()));
        if let Self::MethodNotAllowed(allow) = self {
            reply.headers.push(("allow".to_owned(), allow.as_bytes().to_vec()));
        }
        reply
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AI gateway: ")?;
        let message = match self {
            Self::InvalidPath(problem) => {
                return write!(f, "the request path is not acceptable: {problem}. Correct the client's URL.");
            }
            Self::NotFound { method, path, hint } => {
                let (method, path) = (text::head(method, 64), text::head(path, MESSAGE_PATH_BYTES));
                return write!(f, "no route for {method} {path}. {hint}");
            }
            Self::ProviderDisabled => {
                "the operator has disabled this provider. Use another one, or ask the operator."
            }
            Self::UpgradeRefused => "this route takes no WebSocket or other upgrade. Use POST.",
            Self::UpgradeUnsupported => {
                "this route takes no WebSocket or other upgrade. Send the request without \"Upgrade\"."
            }
            Self::MethodNotAllowed(allow) => return write!(f, "this route takes {allow} only. Use {allow}."),
            Self::RepeatedCredential => "a credential was sent more than once. Send it once.",
            Self::WrongVendor(vendor) => {
                let name = vendor.name();
                return write!(
                    f,
                    "the credential sent is a key of {name}, which is not forwarded to this provider. Remove it from \
                     the client's settings."
                );
            }
            Self::ByokDenied => {
                "callers' own credentials are not accepted here. Send none, or the gateway's own token."
            }
            Self::StoredObjectDenied => {
                "stored objects are not reachable with the gateway's own credential. Use one of your own, or ask the \
                 operator."
            }
            Self::MissingCredential => {
                "a credential of your own is required, and the request has none. Set the provider's API key or token \
                 in the client."
            }
            Self::UnreadableActor => {
                "your identity was sent more than once or is not UTF-8. Send no identity headers yourself, or ask the \
                 operator."
            }
            Self::MissingActor => "you are not identified. Sign in to the gateway, or ask the operator.",
            Self::UnsupportedEncoding => {
                "the request body is compressed and cannot be read. Send it uncompressed, or ask the operator to put \
                 Envoy's decompressor filter (envoy.filters.http.decompressor) in front."
            }
            Self::RequestTooLarge => {
                "the request body is too large. Send a shorter one, or ask the operator."
            }
            Self::EmptyBody => "the request has no body. Send one JSON object.",
            Self::InvalidJson(error) => {
                return write!(
                    f,
                    "the request body is not one valid JSON object: {error}. Correct what the client sends."
                );
            }
            Self::RepeatedMember(name) => {
                return write!(
                    f,
                    "the member \"{name}\" occurs more than once in the request body. Send it once."
                );
            }
            Self::ModelDenied { model, allowed } => return write_denied(f, model, allowed),
            Self::ModelUnreadable(problem) => {
                write_unreadable(f, problem)?;
                ", and only certain models are allowed. Name each model once."
            }
            Self::BackgroundRefused => {
                "background responses are not supported, because their usage is not visible. Send \"background\": \
                 false."
            }
            Self::ModelMissing => "the request names no model. Name one in \"model\".",
            Self::ModelUnmapped(model) => {
                let model = text::head(model, MESSAGE_MODEL_BYTES);
                return write!(
                    f,
                    "the model \"{model}\" is not served here. Ask the operator which ones are."
                );
            }
            Self::Unsignable => {
                "the request cannot be signed for AWS, because it is compressed or ends in trailers. Send it without \
                 either."
            }
            Self::BodyWithheld => {
                "this route is not set up correctly. Ask the operator, whose log says what is missing."
            }
        };
        f.write_str(message)
    }
}

/// The most bytes of a path in a message.
const MESSAGE_PATH_BYTES: usize = 1024;
/// The most bytes of a model or of a pattern in a message.
const MESSAGE_MODEL_BYTES: usize = 256;

fn write_denied(f: &mut fmt::Formatter<'_>, model: &str, allowed: &[String]) -> fmt::Result {
    write!(f, "the model \"{}\" is not allowed here. ", text::head(model, MESSAGE_MODEL_BYTES))?;
    if allowed.is_empty() {
        return f.write_str("Ask the operator which ones are.");
    }
    for (at, pattern) in allowed.iter().enumerate() {
        let before = match at {
            0 => "Ask for another one that matches",
            _ if at + 1 == allowed.len() => " or",
            _ => ",",
        };
        write!(f, "{before} \"{}\"", text::head(pattern, MESSAGE_MODEL_BYTES))?;
    }
    f.write_str(".")
}

fn write_unreadable(f: &mut fmt::Formatter<'_>, problem: &Unreadable) -> fmt::Result {
    match problem {
        Unreadable::Missing => f.write_str("the request names no model"),
        Unreadable::TooLong => write!(f, "the name of a model is longer than {MODEL_BYTES} bytes"),
        Unreadable::Repeated(name) => {
            write!(f, "the member \"{name}\" occurs more than once in the request body")
        }
        Unreadable::NotUtf8 => f.write_str("the model in the path is not UTF-8"),
        Unreadable::Fallbacks => f.write_str("the member \"fallbacks\" is no list of models"),
        Unreadable::Arn(arn) => {
            write!(f, "the ARN \"{}\" names no model", text::head(arn, MESSAGE_MODEL_BYTES))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rejection;
    use crate::dialect::Dialect;
    use crate::route::RouteHint;

    #[test]
    fn hostile_text_in_a_message_is_escaped() {
        let path = "/x\"\n\u{0}".to_owned();
        let hint = RouteHint::Passthrough;
        let reply = Rejection::NotFound { method: "GET".to_owned(), path, hint }.reply(Dialect::OpenAi);
        let body: serde_json::Value = serde_json::from_str(&reply.body).unwrap();
        let message = body["error"]["message"].as_str().unwrap();
        assert!(
            message.starts_with("AI gateway: no route for GET /x\"\n\0. The provider is right"),
            "{message}"
        );
        assert_eq!(body["error"]["code"], "not_found");
    }
}
