//! Which one credential of a request goes upstream. At most one of the five credential headers ever does, and
//! never a token of our own gateway's.

use super::{
    CREDENTIAL_HEADERS, Credential, CredentialError, CredentialKind, GatewayCredentials, Secret, hint,
    vendor_of,
};
use crate::headers::Headers;
use crate::provider::{Byok, Key, Provider, ProviderType};
use std::borrow::Cow;

const AUTHORIZATION: &str = "authorization";
const X_API_KEY: &str = "x-api-key";

/// Anthropic's OAuth tokens, which its API takes as Bearer only.
const OAUTH_PREFIX: &str = "sk-ant-oat";

/// A caller's own credential, and where it stands.
struct Own<'a> {
    header: &'static str,
    token: &'a str,
}

/// The credential headers that a request has, the gateway's too: mostly one, so that nothing below searches them all.
struct Present<'a> {
    headers: Vec<(&'a str, &'a [u8])>,
    gateway: &'a GatewayCredentials,
}

/// Decides by the provider's rules and the request's headers as the client sent them (contract §4): refuse what
/// is repeated; recognise the caller's own; refuse another vendor's, then any where callers may not bring one;
/// else ours.
///
/// Only the recognised credential is judged. The others, malformed ones and gateway tokens are removed and count
/// as absent.
///
/// # Errors
/// See [`CredentialError`].
pub fn choose(
    headers: &Headers,
    provider: &Provider,
    gateway: &GatewayCredentials,
) -> Result<Credential, CredentialError> {
    let present = Present::new(headers, gateway);
    present.refuse_repetition()?;
    match present.own(provider.kind) {
        Some(own) => byok(&own, &present, provider),
        None => central(&present, provider),
    }
}

/// Whether one value was made of two, with a comma between them (RFC 9110 §5.3; Envoy does so with `authorization`
/// before any filter runs). No Bearer token has one (RFC 6750 §2.1) and no API key.
fn is_joined(name: &str, value: &[u8]) -> bool {
    let speaks_of_bearer = || {
        let mut words = value.split(|byte| *byte == b',' || byte.is_ascii_whitespace());
        words.any(|word| word.eq_ignore_ascii_case(b"bearer"))
    };
    value.contains(&b',') && (name == X_API_KEY || (name == AUTHORIZATION && speaks_of_bearer()))
}

impl<'a> Present<'a> {
    fn new(headers: &'a Headers, gateway: &'a GatewayCredentials) -> Self {
        let is_one = |name: &str| {
            CREDENTIAL_HEADERS.contains(&name) || gateway.headers.iter().any(|header| header == name)
        };
        Self { headers: headers.iter().filter(|(name, _)| is_one(name)).collect(), gateway }
    }

    /// Every name that is a credential header's, in the order of judgement; those of both lists stand twice.
    fn names(&self) -> impl Iterator<Item = &'a str> {
        CREDENTIAL_HEADERS.into_iter().chain(self.gateway.headers.iter().map(String::as_str))
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(present, _)| *present == name).map(|(_, value)| *value)
    }

    /// Two values of one credential header, or two that were joined on the way: one would slip past inspection.
    fn refuse_repetition(&self) -> Result<(), CredentialError> {
        for name in self.names() {
            let mut values = self.all(name);
            if values.next().is_some_and(|value| is_joined(name, value)) || values.next().is_some() {
                return Err(CredentialError::Repeated { header: name.to_owned() });
            }
        }
        Ok(())
    }

    /// The caller's own credential, from the first place where this provider type has one.
    fn own(&self, kind: ProviderType) -> Option<Own<'a>> {
        let places: &[&'static str] = match kind {
            ProviderType::Anthropic => &[X_API_KEY, AUTHORIZATION],
            ProviderType::OpenAi | ProviderType::Copilot => &[AUTHORIZATION],
        };
        places.iter().find_map(|header| {
            let value = core::str::from_utf8(self.all(header).next()?).ok()?;
            let token = match *header {
                X_API_KEY => api_key(value)?,
                _ => bearer(value)?,
            };
            (!is_the_gateways(header, token, self.gateway)).then_some(Own { header, token })
        })
    }

    /// Each once, except `kept`.
    fn all_but(&self, kept: Option<&str>) -> Vec<Cow<'static, str>> {
        let mut names: Vec<Cow<'static, str>> = Vec::new();
        for name in self.names() {
            let wanted = Some(name) != kept && self.all(name).next().is_some();
            if wanted && !names.iter().any(|listed| listed == name) {
                let known = CREDENTIAL_HEADERS.into_iter().find(|known| *known == name);
                names.push(known.map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed));
            }
        }
        names
    }
}

/// The token of `Bearer {token}`: exactly two fields, the scheme in any case. Anything else is no credential.
fn bearer(value: &str) -> Option<&str> {
    let mut fields = value.split_whitespace();
    let scheme = fields.next()?;
    let token = fields.next()?;
    (scheme.eq_ignore_ascii_case("bearer") && fields.next().is_none()).then_some(token)
}

/// The key of an `x-api-key`: one field. A Bearer scheme in front of it is a mistake, but must hide no gateway token;
/// anything else is no credential.
fn api_key(value: &str) -> Option<&str> {
    let mut fields = value.split_whitespace();
    let key = fields.next()?;
    if fields.next().is_none() { Some(key) } else { bearer(value) }
}

/// Whether a token is for our own gateway: recognised, not verified.
fn is_the_gateways(header: &str, token: &str, gateway: &GatewayCredentials) -> bool {
    gateway.headers.iter().any(|name| name == header)
        || gateway.value_prefixes.iter().any(|prefix| token.starts_with(prefix))
}

fn byok(own: &Own<'_>, present: &Present<'_>, provider: &Provider) -> Result<Credential, CredentialError> {
    let hint = hint(own.token);
    if let Some(seen) = vendor_of(own.token).filter(|seen| *seen != provider.vendor()) {
        return Err(CredentialError::WrongVendor { seen, hint });
    }
    if provider.byok == Byok::Deny {
        return Err(CredentialError::ByokDenied { hint });
    }
    // As it came, unless it came where its vendor does not read it.
    let (kept, set) = if own.header == X_API_KEY && own.token.starts_with(OAUTH_PREFIX) {
        (None, Some((AUTHORIZATION, as_bearer(own.token))))
    } else {
        (Some(own.header), None)
    };
    Ok(Credential { kind: CredentialKind::Byok, hint: Some(hint), remove: present.all_but(kept), set })
}

fn central(present: &Present<'_>, provider: &Provider) -> Result<Credential, CredentialError> {
    // Copilot's tokens are personal: there is no key of ours, whatever was configured.
    if provider.byok == Byok::Require || provider.kind == ProviderType::Copilot {
        return Err(CredentialError::Missing);
    }
    let (hint, set) = match &provider.key {
        Key::Absent => return Err(CredentialError::Missing),
        Key::External => (None, None),
        Key::Central(key) => {
            let set = match provider.kind {
                // Bedrock's API keys are Bearer tokens:
                // https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html
                ProviderType::Anthropic if provider.bedrock.is_some() => {
                    (AUTHORIZATION, as_bearer(key.expose()))
                }
                ProviderType::Anthropic => (X_API_KEY, key.clone()),
                ProviderType::OpenAi | ProviderType::Copilot => (AUTHORIZATION, as_bearer(key.expose())),
            };
            (Some(hint(key.expose())), Some(set))
        }
    };
    Ok(Credential { kind: CredentialKind::Centralized, hint, remove: present.all_but(None), set })
}

fn as_bearer(token: &str) -> Secret {
    Secret::new(format!("Bearer {token}"))
}

#[cfg(test)]
mod tests;
