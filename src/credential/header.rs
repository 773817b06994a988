//! The headers in which a provider takes a credential, and how the credential is written there.

use super::Secret;

/// `authorization` (RFC 9110 §11.6.2).
pub(super) const AUTHORIZATION: &str = "authorization";
/// `x-api-key` (<https://docs.anthropic.com/en/api/overview>).
pub(super) const X_API_KEY: &str = "x-api-key";
/// The parameter of a query that holds a key (<https://cloud.google.com/apis/docs/system-parameters>).
pub const KEY_PARAMETER: &str = "key";

/// A header in which a credential is sent, and its syntax there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CredentialHeader {
    /// Lower case; one of [`CREDENTIAL_HEADERS`](crate::headers::CREDENTIAL_HEADERS), so that a request never carries
    /// a second credential beside it.
    pub name: &'static str,
    /// How the credential is written.
    pub scheme: Scheme,
}

/// How a credential is written in a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `Bearer {token}` (RFC 6750 §2.1).
    Bearer,
    /// The key alone. A key that a client puts behind `Bearer` is recognised too.
    Bare,
    /// Not in the header but in the query, as [`KEY_PARAMETER`]. It goes upstream in the header, alone.
    Query,
}

// === impl CredentialHeader ===

impl CredentialHeader {
    /// `authorization: Bearer {token}`.
    pub const AUTHORIZATION: Self = Self::bearer(AUTHORIZATION);
    /// `x-api-key: {key}`.
    pub const X_API_KEY: Self = Self::bare(X_API_KEY);

    /// `api-key: {key}` (<https://learn.microsoft.com/en-us/azure/ai-foundry/openai/reference#authentication>).
    pub const API_KEY: Self = Self::bare("api-key");
    /// `x-goog-api-key: {key}` (<https://ai.google.dev/gemini-api/docs/api-key>).
    pub const X_GOOG_API_KEY: Self = Self::bare("x-goog-api-key");
    /// `?key={key}`, which goes upstream as `x-goog-api-key`.
    pub const QUERY_KEY: Self = Self { name: "x-goog-api-key", scheme: Scheme::Query };
    /// The headers that `key_header` may name.
    pub const NAMED: [(&'static str, Self); 4] = [
        (AUTHORIZATION, Self::AUTHORIZATION),
        (X_API_KEY, Self::X_API_KEY),
        (Self::API_KEY.name, Self::API_KEY),
        (Self::X_GOOG_API_KEY.name, Self::X_GOOG_API_KEY),
    ];

    /// The header's value for `secret`.
    #[must_use]
    pub fn written(self, secret: &Secret) -> Secret {
        self.scheme.write(secret)
    }

    /// A header that holds a Bearer token.
    #[must_use]
    pub const fn bearer(name: &'static str) -> Self {
        Self { name, scheme: Scheme::Bearer }
    }

    /// A header that holds a key alone.
    #[must_use]
    pub const fn bare(name: &'static str) -> Self {
        Self { name, scheme: Scheme::Bare }
    }
}

// === impl Scheme ===

impl Scheme {
    /// The credential in the header value `value`; `None` where the value has another syntax.
    pub(super) fn read(self, value: &str) -> Option<&str> {
        match self {
            Self::Bearer => bearer(value),
            Self::Bare | Self::Query => key(value),
        }
    }

    /// The header value for `secret`.
    pub(super) fn write(self, secret: &Secret) -> Secret {
        match self {
            Self::Bearer => as_bearer(secret.expose()),
            Self::Bare | Self::Query => secret.clone(),
        }
    }
}

/// The token of `Bearer {token}`: exactly two fields, the scheme in any case.
pub(super) fn bearer(value: &str) -> Option<&str> {
    // Nearly every value is written like this, and decoding its characters would cost more than all the rest.
    if let Some((scheme, token)) = value.split_once(' ')
        && scheme.eq_ignore_ascii_case("bearer")
        && is_word(token)
    {
        return Some(token);
    }
    let mut fields = value.split_whitespace();
    let scheme = fields.next()?;
    let token = fields.next()?;
    (scheme.eq_ignore_ascii_case("bearer") && fields.next().is_none()).then_some(token)
}

/// A key alone: one field. If a client puts `Bearer` in front of it by mistake, the filter still recognises a gateway token
/// behind `Bearer`.
fn key(value: &str) -> Option<&str> {
    if is_word(value) {
        return Some(value);
    }
    let mut fields = value.split_whitespace();
    let key = fields.next()?;
    if fields.next().is_none() { Some(key) } else { bearer(value) }
}

/// Whether `text` is one field of visible ASCII.
fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(super) fn as_bearer(token: &str) -> Secret {
    Secret::new(["Bearer ", token].concat())
}
