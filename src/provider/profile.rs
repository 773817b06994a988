//! What a provider type fixes. Each type is one constant [`Profile`] in a file of its own.

use crate::api::Api;
use crate::credential::{CredentialHeader, Scheme, Vendor};
use crate::dialect::Dialect;

/// Everything in which provider types differ: data, no behaviour.
#[derive(Debug)]
pub struct Profile {
    /// The type's name in configuration and records; also the default provider name.
    pub name: &'static str,
    /// The product's name in messages to operators.
    pub title: &'static str,
    /// What follows `/{name}` in the route prefix: `/v1` where clients expect it in their base URL, else empty.
    pub prefix_suffix: &'static str,
    /// Where requests go unless `base_url` is configured; empty: it has to be configured.
    pub base_url: &'static str,
    /// Routes that are inspected and recorded, below the prefix, with the API that each speaks. In the syntax of
    /// `matchit`: `{model}` matches one segment, or the beginning of one, and is the requested model. No trailing slash.
    pub bridged: &'static [(&'static str, Api)],
    /// The routes of [`bridged`](Self::bridged) that answer with a stream, whatever the body says.
    pub streamed: &'static [&'static str],
    /// Routes that are forwarded without inspection. An exact one has precedence over a bridged one with `{model}`.
    pub passthrough: &'static [Passthrough],
    /// The passthrough routes whose requests read or change what the provider stores under the key.
    pub stored_objects: &'static [StoredObjects],
    /// The shape in which refusals are written, except on bridged routes, which have their own API's, and on
    /// those of [`dialects`](Self::dialects).
    pub dialect: Dialect,
    /// As [`dialect`](Self::dialect), for the routes [at and below](is_at_or_below) a path. The first path that fits counts.
    pub dialects: &'static [(&'static str, Dialect)],
    /// Whether [`dialect`](Self::dialect) holds for bridged routes, too.
    pub one_dialect: bool,
    /// The parameters of a client's query that do not go upstream. A name that ends in `*` stands for all that begin like it,
    /// in any letter case.
    pub unsent_parameters: &'static [&'static str],
    /// Whether a `:` in a path calls a method, such as `:embedContent` (<https://google.aip.dev/136>), so that a GET
    /// passthrough route does not match it. The name of a model has no `:`.
    pub calls_methods: bool,
    /// The vendor whose credentials the provider accepts at a host that [`vendor_at`](super::vendor_at) does not know.
    pub vendor: Vendor,
    /// Where callers send their own credential; the first header that holds one counts.
    pub callers_credential: &'static [CredentialHeader],
    /// As [`callers_credential`](Self::callers_credential), where refusals have Anthropic's shape; empty: the same.
    pub messages_credential: &'static [CredentialHeader],
    /// Where the operator's key is sent; `None`: callers always bring their own credential.
    pub central_key: Option<CredentialHeader>,
    /// Whether `send_actor` may name the actor to the provider.
    pub learns_actor: bool,
    /// Whether the filter may ask for the usage of a Chat Completions stream (`envoy/behaviour.md#the-one-edit`).
    pub asks_for_usage: bool,
    /// Whether the provider may be AWS Bedrock's (`bedrock`).
    pub may_be_bedrock: bool,
}

/// A passthrough route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passthrough {
    /// The path below the prefix, in the syntax of `matchit`. If it ends in `/`, everything below it is included.
    pub route: &'static str,
    /// Methods other than GET are refused with 405.
    pub only_get: bool,
}

/// Routes under which a provider stores objects, such as responses, for everyone who has the key.
#[derive(Debug)]
pub struct StoredObjects {
    /// The path below the prefix; everything below it is included.
    pub route: &'static str,
    /// The only method, in upper case, that reads or changes an object; `None`: every method does.
    pub method: Option<&'static str>,
}

// === impl Profile ===

impl Profile {
    /// Whether a request for the passthrough route `route`, as written below the prefix, reads or changes a stored
    /// object.
    #[must_use]
    pub fn reaches_stored_object(&self, method: &[u8], route: &str) -> bool {
        self.stored_objects.iter().any(|stored| stored.includes(method, route))
    }

    /// Whether the parameter `name` of a client's query does not go upstream.
    #[must_use]
    pub fn keeps_back(&self, name: &[u8]) -> bool {
        self.unsent_parameters.iter().any(|unsent| match unsent.strip_suffix('*') {
            Some(begin) => {
                name.get(..begin.len()).is_some_and(|found| found.eq_ignore_ascii_case(begin.as_bytes()))
            }
            None => name == unsent.as_bytes(),
        })
    }

    /// Whether callers may send their own credential in the query.
    #[must_use]
    pub fn takes_key_in_query(&self) -> bool {
        self.callers_credential.iter().any(|place| place.scheme == Scheme::Query)
    }

    /// Whether the credential of a caller or the operator's key is sent in the header `name` to such a provider.
    #[must_use]
    pub fn sends_credential_in(&self, name: &str) -> bool {
        let callers = self.callers_credential.iter().chain(self.messages_credential);
        callers.chain(&self.central_key).any(|header| header.name == name)
    }
}

// === impl Passthrough ===

impl Passthrough {
    /// A route for every method.
    #[must_use]
    pub const fn any(route: &'static str) -> Self {
        Self { route, only_get: false }
    }

    /// A route for GET.
    #[must_use]
    pub const fn get(route: &'static str) -> Self {
        Self { route, only_get: true }
    }
}

/// Whether `route`, as written, is one of `pattern` or lies below it. A `{name}` of `pattern` stands for any beginning of a
/// segment. `route` may itself be a pattern: then every path of it is, or lies below.
#[must_use]
pub fn is_at_or_below(route: &[u8], pattern: &str) -> bool {
    fits(route, pattern, |found, wanted| found == wanted)
}

/// As [`is_at_or_below`], in any letter case: some servers, such as Azure's, do not tell cases apart.
#[must_use]
pub fn may_be_at_or_below(route: &str, pattern: &str) -> bool {
    fits(route.as_bytes(), pattern, <[u8]>::eq_ignore_ascii_case)
}

/// Whether `route` is one of `pattern`, in any letter case.
#[must_use]
pub fn may_be_at(route: &str, pattern: &str) -> bool {
    route.split('/').count() == pattern.split('/').count() && may_be_at_or_below(route, pattern)
}

fn fits(route: &[u8], pattern: &str, same: fn(&[u8], &[u8]) -> bool) -> bool {
    let mut segments = route.split(|byte| *byte == b'/');
    pattern.split('/').all(|wanted| {
        let text = wanted.split_once('}').map(|(_, text)| text);
        segments.next().is_some_and(|segment| match text {
            Some(text) => {
                let begin = segment.len().checked_sub(text.len());
                begin.and_then(|begin| segment.get(begin..)).is_some_and(|end| same(end, text.as_bytes()))
            }
            None => same(segment, wanted.as_bytes()),
        })
    })
}

// === impl StoredObjects ===

impl StoredObjects {
    /// Objects that every request at or below `route` reads or changes.
    #[must_use]
    pub const fn at(route: &'static str) -> Self {
        Self { route, method: None }
    }

    /// Objects that everyone may read, so that only their deletion counts.
    #[must_use]
    pub const fn deleted_at(route: &'static str) -> Self {
        Self { route, method: Some("DELETE") }
    }

    fn includes(&self, method: &[u8], route: &str) -> bool {
        may_be_at_or_below(route, self.route)
            && self.method.is_none_or(|only| method.eq_ignore_ascii_case(only.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::Passthrough;
    use crate::provider::ProviderType;

    #[test]
    fn every_profile_is_well_formed() {
        for kind in ProviderType::ALL {
            let profile = kind.profile();
            assert_eq!(kind.name(), profile.name);
            assert!(!profile.base_url.ends_with('/'), "{}", profile.base_url);
            assert!(!profile.callers_credential.is_empty(), "{}", profile.name);
            for (route, _) in profile.bridged {
                assert!(route.starts_with('/') && !route.ends_with('/'), "{route}");
                assert!(profile.passthrough.iter().all(|passthrough| passthrough.route != *route), "{route}");
            }
            for route in profile.streamed {
                assert!(profile.bridged.iter().any(|(bridged, _)| bridged == route), "{route}");
            }
            for Passthrough { route, .. } in profile.passthrough {
                assert!(route.starts_with('/') && route.len() > 1, "{route}");
            }
            for header in profile.callers_credential.iter().chain(&profile.central_key) {
                assert!(crate::headers::CREDENTIAL_HEADERS.contains(&header.name), "{}", header.name);
            }
        }
    }

    #[test]
    fn no_two_types_have_the_same_name() {
        for (at, kind) in ProviderType::ALL.iter().enumerate() {
            assert_eq!(ProviderType::ALL.iter().position(|other| other.name() == kind.name()), Some(at));
        }
    }

    #[test]
    fn responses_and_conversations_are_stored_objects_and_models_when_deleted() {
        for (kind, method, route, expected) in [
            ("openai", "GET", "/responses/resp_1", true),
            ("openai", "DELETE", "/responses/resp_1/input_items", true),
            ("openai", "POST", "/conversations", true),
            ("openai", "GET", "/conversations/", true),
            ("openai", "GET", "/conversations/conv_1/items", true),
            ("openai", "GET", "/models", false),
            ("openai", "GET", "/models/gpt-5.5", false),
            ("openai", "DELETE", "/models/ft:gpt-5.5:acme", true),
            ("openai", "delete", "/models/ft:gpt-5.5:acme", true),
            ("openai", "DELETE", "/models", true),
            ("openai", "GET", "/conversationsx", false),
            ("anthropic", "GET", "/v1/models", false),
            ("anthropic", "DELETE", "/v1/models/claude-opus-4-6", true),
            ("anthropic", "DELETE", "/v1/modelsx", false),
            ("copilot", "DELETE", "/models/gpt-5.5", false),
        ] {
            let kind = ProviderType::ALL.into_iter().find(|known| known.name() == kind).unwrap();
            let reached = kind.profile().reaches_stored_object(method.as_bytes(), route);
            assert_eq!(reached, expected, "{method} {route}");
        }
    }
}
