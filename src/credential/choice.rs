//! Chooses the one credential of a request that goes upstream. At most one of [`CREDENTIAL_HEADERS`] is ever sent, and
//! never a token of the operator's own gateway.

use super::header::{AUTHORIZATION, KEY_PARAMETER, Scheme, X_API_KEY, as_bearer};
use super::{
    Byok, Credential, CredentialError, CredentialHeader, CredentialKind, GatewayCredentials, Key, Secret,
    Vendor, hint, vendor_of,
};
use crate::headers::{CREDENTIAL_HEADERS, Headers};
use crate::query;
use std::borrow::Cow;
use std::rc::Rc;

/// The prefix of Anthropic's OAuth tokens, which its API accepts as Bearer tokens only.
const OAUTH_PREFIX: &str = "sk-ant-oat";

/// What a provider accepts as a credential.
#[derive(Clone, Copy, Debug)]
pub struct CredentialRules<'a> {
    /// Where a caller's own credential is looked for before [`callers`](Self::callers).
    pub first: Option<CredentialHeader>,
    /// Where callers send their own credential; the first header that holds one counts.
    pub callers: &'static [CredentialHeader],
    /// Where the operator's key is sent; `None`: the provider has no central key, whatever is configured.
    pub central: Option<CredentialHeader>,
    /// The vendor whose named credentials the provider accepts; `None`: none that names a vendor.
    pub vendor: Option<Vendor>,
    /// The operator's key.
    pub key: &'a Key,
    /// The record's view of that key: [`Key::hint`].
    pub key_hint: Option<&'a Rc<str>>,
    /// Whether callers may use their own credential.
    pub byok: Byok,
}

/// The caller's own credential in a request.
struct Own<'a> {
    place: CredentialHeader,
    token: &'a str,
}

/// The credentials that a request carries, the gateway's among them.
struct Present<'a> {
    headers: &'a Headers,
    /// The keys in the query, where the provider takes one there.
    in_query: Vec<Cow<'a, [u8]>>,
    gateway: &'a GatewayCredentials,
}

/// Chooses by the provider's rules and the request's headers as the client sent them, in this order
/// (`envoy/behaviour.md#credentials-and-vendors`):
///
/// 1. A repeated credential header is refused.
/// 2. The caller's own credential is recognised. It is refused where it is another vendor's, then where callers may not
///    bring one.
/// 3. Without one the operator's key is used.
///
/// Where the upstream needs no key, only the first step is made, and every credential is removed.
///
/// Only the recognised credential is judged. Every other credential header is removed and counts as absent: those that
/// are malformed, and gateway tokens.
///
/// # Errors
/// See [`CredentialError`].
pub fn choose(
    headers: &Headers,
    rules: &CredentialRules<'_>,
    gateway: &GatewayCredentials,
) -> Result<Credential, CredentialError> {
    let present = Present::new(headers, rules, gateway);
    present.refuse_repetition(rules)?;
    if *rules.key == Key::NotNeeded {
        let remove = present.all_but(None);
        return Ok(Credential { kind: CredentialKind::None, hint: None, remove, set: None });
    }
    match present.own(rules) {
        Some(own) => byok(&own, &present, rules),
        None => central(&present, rules),
    }
}

/// Whether one value was joined from two with a comma (RFC 9110 §5.3; Envoy joins `authorization` before any filter
/// runs). Neither a Bearer token (RFC 6750 §2.1) nor an API key contains a comma.
fn is_joined(name: &str, value: &[u8], rules: &CredentialRules<'_>) -> bool {
    let names_bearer = || {
        let mut words = value.split(|byte| *byte == b',' || byte.is_ascii_whitespace());
        words.any(|word| word.eq_ignore_ascii_case(b"bearer"))
    };
    value.contains(&b',')
        && match name {
            X_API_KEY => true,
            AUTHORIZATION => names_bearer(),
            _ => rules.inlets().any(|inlet| inlet.name == name),
        }
}

impl CredentialRules<'_> {
    /// Where a caller's own credential is looked for, in this order. A header may be listed twice.
    fn inlets(&self) -> impl Iterator<Item = &CredentialHeader> {
        self.first.iter().chain(self.callers)
    }
}

impl<'a> Present<'a> {
    fn new(headers: &'a Headers, rules: &CredentialRules<'_>, gateway: &'a GatewayCredentials) -> Self {
        let in_query = if rules.inlets().any(|inlet| inlet.scheme == Scheme::Query) {
            query::values(headers.query(), KEY_PARAMETER).collect()
        } else {
            Vec::new()
        };
        Self { headers, in_query, gateway }
    }

    /// The name of every credential header, in the order in which they are judged. A name in both lists is repeated.
    fn names(&self) -> impl Iterator<Item = &'a str> {
        CREDENTIAL_HEADERS.into_iter().chain(self.gateway.headers.iter().map(String::as_str))
    }

    /// Refuses two values of one credential header, also when they were joined on the way: only one would be inspected.
    fn refuse_repetition(&self, rules: &CredentialRules<'_>) -> Result<(), CredentialError> {
        for name in self.names() {
            let mut values = self.headers.all(name);
            if values.next().is_some_and(|value| is_joined(name, value, rules)) || values.next().is_some() {
                return Err(CredentialError::Repeated { header: name.to_owned() });
            }
        }
        if self.in_query.len() > 1 {
            return Err(CredentialError::Repeated { header: KEY_PARAMETER.to_owned() });
        }
        Ok(())
    }

    /// The caller's own credential, from the first inlet that holds one.
    fn own(&self, rules: &CredentialRules<'_>) -> Option<Own<'_>> {
        rules.inlets().find_map(|inlet| {
            let in_query = inlet.scheme == Scheme::Query;
            let value = if in_query {
                self.in_query.first().map(Cow::as_ref)
            } else {
                self.headers.first(inlet.name)
            };
            let token = inlet.scheme.read(core::str::from_utf8(value?).ok()?)?;
            let is_gateways = (!in_query && self.gateway.consumes(inlet.name)) || self.gateway.claims(token);
            // A decoded value may hold what no header may.
            let is_sendable = !in_query || token.bytes().all(|byte| byte.is_ascii_graphic());
            (!is_gateways && is_sendable).then_some(Own { place: *inlet, token })
        })
    }

    /// The credential headers of the request except `kept`, each once.
    fn all_but(&self, kept: Option<&str>) -> Vec<Cow<'static, str>> {
        let mut names: Vec<Cow<'static, str>> = Vec::new();
        for name in self.names() {
            let wanted = self.headers.contains(name) && Some(name) != kept;
            if wanted && !names.iter().any(|listed| listed == name) {
                let known = CREDENTIAL_HEADERS.into_iter().find(|known| *known == name);
                names.push(known.map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed));
            }
        }
        names
    }
}

/// Uses the caller's own credential.
fn byok(
    own: &Own<'_>,
    present: &Present<'_>,
    rules: &CredentialRules<'_>,
) -> Result<Credential, CredentialError> {
    let hint = hint(own.token);
    if let Some(seen) = vendor_of(own.token).filter(|seen| rules.vendor != Some(*seen)) {
        return Err(CredentialError::WrongVendor { seen, hint });
    }
    if rules.byok == Byok::Deny {
        return Err(CredentialError::ByokDenied { hint });
    }
    // The header goes upstream unchanged, unless the vendor accepts such a credential only in another header.
    let (kept, set) = match own.place {
        CredentialHeader { name, .. } if name != AUTHORIZATION && own.token.starts_with(OAUTH_PREFIX) => {
            (None, Some((AUTHORIZATION, as_bearer(own.token))))
        }
        CredentialHeader { name, scheme: Scheme::Query } => (None, Some((name, Secret::new(own.token)))),
        CredentialHeader { name, .. } => (Some(name), None),
    };
    Ok(Credential { kind: CredentialKind::Byok, hint: Some(hint.into()), remove: present.all_but(kept), set })
}

/// Uses the operator's key.
fn central(present: &Present<'_>, rules: &CredentialRules<'_>) -> Result<Credential, CredentialError> {
    let header = rules.central.filter(|_| rules.byok != Byok::Require).ok_or(CredentialError::Missing)?;
    let set = match rules.key {
        Key::Absent | Key::NotNeeded => return Err(CredentialError::Missing),
        Key::External => None,
        Key::Central(key) => Some((header.name, header.scheme.write(key))),
    };
    let hint = rules.key_hint.map(Rc::clone);
    Ok(Credential { kind: CredentialKind::Centralized, hint, remove: present.all_but(None), set })
}

#[cfg(test)]
mod tests;
