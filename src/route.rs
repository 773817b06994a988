//! Which route a request's path is, whether it may be looked at at all, and where it goes upstream (contract §1).
//! Not: whether the provider is enabled, the method allowed, or the caller known. That is for the exchange.
//!
//! Two readings of one path are what an attacker looks for: ours, and the upstream's. So prefixes and bridged
//! routes match as written only; whatever means something else after one decoding is refused; and what is
//! forwarded is what was written.

mod hygiene;

use matchit::Router;

use crate::api::Api;
use crate::provider::{Provider, ProviderType};

use hygiene::Clean;
pub use hygiene::PathProblem;

/// Every route of every provider. Built once; finding takes time linear in the path.
#[derive(Debug)]
pub struct RouteTable {
    root: String,
    mounts: Vec<Mount>,
}

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Index of the provider whose prefix the path lies under, whatever the target.
    pub provider: Option<usize>,
    /// Whose error shape a refusal takes: the Messages shape, or OpenAI's for the other two.
    pub dialect: Api,
    /// What the path stands for.
    pub target: Target,
}

/// What a path stands for. `upstream_path` is the whole `:path` for the upstream: base path, route as written, and
/// the client's query byte for byte (which need not be UTF-8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Not below the root: not ours.
    Outside,
    /// Answered 400.
    Invalid(PathProblem),
    /// Answered 404.
    NotFound,
    /// Inspected and recorded.
    Bridged {
        /// What is spoken there.
        api: Api,
        /// Without a trailing slash.
        upstream_path: Vec<u8>,
    },
    /// Forwarded uninspected.
    Passthrough {
        /// With a trailing slash where the client wrote one.
        upstream_path: Vec<u8>,
        /// Whether it reaches what is stored under the key (`stored_objects`, contract §0).
        stored_object: bool,
    },
}

/// A provider's place below the root.
#[derive(Debug)]
struct Mount {
    kind: ProviderType,
    prefix: String,
    base_path: String,
    routes: Router<Route>,
}

#[derive(Clone, Copy, Debug)]
enum Route {
    Bridged(Api),
    Passthrough,
}

// === impl RouteTable ===

impl RouteTable {
    /// The routes of `providers` below `root` (empty, or `/…` without a trailing slash).
    #[must_use]
    pub fn new(root: &str, providers: &[Provider]) -> Self {
        Self { root: root.to_owned(), mounts: providers.iter().map(Mount::new).collect() }
    }

    /// What `path` is: the raw `:path` as received, with the query.
    #[must_use]
    pub fn find(&self, method: &[u8], path: &[u8]) -> Found {
        // The query is neither inspected nor changed; it keeps its `?`.
        let (path, query) = path.split_at(memchr::memchr(b'?', path).unwrap_or(path.len()));
        let Some(below_root) = below(path, &self.root) else {
            return Found { provider: None, dialect: Api::ChatCompletions, target: Target::Outside };
        };
        let mounted = self
            .mounts
            .iter()
            .enumerate()
            .find_map(|(index, mount)| Some((index, mount, below(below_root, &mount.prefix)?)));
        let dialect = mounted.map_or(Api::ChatCompletions, |(_, mount, route)| mount.dialect(route));
        let target = match (Clean::parse(below_root), mounted) {
            (Err(problem), _) => Target::Invalid(problem),
            (Ok(_), None) => Target::NotFound,
            (Ok(clean), Some((_, mount, _))) => mount.find(method, &clean, query),
        };
        let dialect = match target {
            Target::Bridged { api, .. } => api,
            Target::Outside | Target::Invalid(_) | Target::NotFound | Target::Passthrough { .. } => dialect,
        };
        Found { provider: mounted.map(|(index, ..)| index), dialect, target }
    }
}

/// The rest of `path` below `prefix`, at a segment boundary: empty, or starting with `/`. An empty prefix takes all.
fn below<'a>(path: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    let rest = path.strip_prefix(prefix.as_bytes())?;
    (prefix.is_empty() || rest.is_empty() || rest.starts_with(b"/")).then_some(rest)
}

// === impl Mount ===

impl Mount {
    fn new(provider: &Provider) -> Self {
        let profile = provider.kind.profile();
        let mut routes = Router::new();
        // The first to take a pattern keeps it: `/responses/` is the bridged route, not the root of the subtree.
        let mut add = |pattern: String, route| drop(routes.insert(pattern, route));
        for (bridged, api) in profile.bridged {
            let literal = literal(bridged);
            add(format!("{literal}/"), Route::Bridged(*api));
            add(literal, Route::Bridged(*api));
        }
        let passes = |route: &&str| provider.bedrock.as_ref().is_none_or(|bedrock| bedrock.passes(route));
        for passthrough in profile.passthrough.iter().filter(|route| passes(route)) {
            let literal = literal(passthrough);
            if let Some(subtree) = literal.strip_suffix('/') {
                add(subtree.to_owned(), Route::Passthrough);
                add(format!("{subtree}/{{*rest}}"), Route::Passthrough);
            }
            add(literal, Route::Passthrough);
        }
        Self {
            kind: provider.kind,
            prefix: provider.prefix(),
            base_path: provider.base_url.path.clone(),
            routes,
        }
    }

    /// The shape of refusals at `route`, below the prefix as written.
    fn dialect(&self, route: &[u8]) -> Api {
        match self.kind {
            ProviderType::Anthropic => Api::Messages,
            ProviderType::Copilot if below(route, "/v1/messages").is_some() => Api::Messages,
            ProviderType::OpenAi | ProviderType::Copilot => Api::ChatCompletions,
        }
    }

    /// What a path below the prefix is.
    fn find(&self, method: &[u8], clean: &Clean<'_>, query: &[u8]) -> Target {
        // Both strip the same: the prefix has no escapes, so the decoded path begins with it as well.
        let (Some(written), Some(decoded)) =
            (clean.written.strip_prefix(&self.prefix), clean.decoded.strip_prefix(self.prefix.as_bytes()))
        else {
            return Target::NotFound;
        };
        let Ok(found) = self.routes.at(written) else { return Target::NotFound };
        match found.value {
            Route::Bridged(api) => {
                let route = written.strip_suffix('/').unwrap_or(written);
                Target::Bridged { api: *api, upstream_path: self.upstream_path(route, query) }
            }
            Route::Passthrough if self.means_bridged(decoded) => Target::NotFound,
            Route::Passthrough => Target::Passthrough {
                upstream_path: self.upstream_path(written, query),
                stored_object: self.kind.reaches_stored_object(method, written),
            },
        }
    }

    /// Whether a decoded route would be a bridged one upstream, were it decoded there before it is matched:
    /// also if an escaped `?` or `#` then ended it, or if path parameters (`;…`) and white space were dropped.
    fn means_bridged(&self, decoded: &[u8]) -> bool {
        let end = memchr::memchr3(b'?', b'#', b';', decoded).unwrap_or(decoded.len());
        let path = decoded.get(..end).unwrap_or(decoded).trim_ascii();
        let route = path.strip_suffix(b"/").unwrap_or(path).trim_ascii();
        self.kind.profile().bridged.iter().any(|(bridged, _)| bridged.as_bytes() == route)
    }

    fn upstream_path(&self, route: &str, query: &[u8]) -> Vec<u8> {
        [self.base_path.as_bytes(), route.as_bytes(), query].concat()
    }
}

/// `text` as a `matchit` pattern for itself.
fn literal(text: &str) -> String {
    text.replace('{', "{{").replace('}', "}}")
}

#[cfg(test)]
mod tests;
