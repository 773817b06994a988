//! Finds the route of a request's path, checks the path, and makes the upstream path
//! (`envoy/behaviour.md#paths-and-routes`). The exchange checks whether the provider is enabled, the method allowed and
//! the caller known.
//!
//! An attacker looks for a path that this filter and the upstream read differently. Therefore prefixes and bridged
//! routes match as written only, a path that means something else after one decoding is refused, and the path is
//! forwarded as written.

mod hint;
mod hygiene;
mod path_model;
mod readings;

use std::borrow::Cow;

use matchit::{Params, Router};

use crate::api::Api;
use crate::credential::KEY_PARAMETER;
use crate::dialect::Dialect;
use crate::provider::{Profile, Provider, is_at_or_below};
use crate::{percent, query};

pub use hint::RouteHint;
use hygiene::Clean;
pub use hygiene::PathProblem;
pub use path_model::PathModel;
use readings::readings;

/// Every route of every provider, built once per configuration. A look-up takes time linear in the path.
#[derive(Debug)]
pub struct RouteTable {
    root: String,
    mounts: Vec<Mount>,
}

/// The result of a look-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Index of the provider whose prefix the path begins with, for every target.
    pub provider: Option<usize>,
    /// The shape in which a refusal is written.
    pub dialect: Dialect,
    /// Where the request goes.
    pub target: Target,
}

/// Where a request goes. `upstream_path` is the whole `:path` for the upstream: base path, route as written, and
/// the client's query byte for byte (which need not be UTF-8), but for a caller's key in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Not below the root: left to other filters and routes.
    Outside,
    /// Answered with 400.
    Invalid(PathProblem),
    /// Answered with 404.
    NotFound,
    /// Inspected and recorded.
    Bridged {
        /// The API of the route.
        api: Api,
        /// The path, without a trailing slash.
        upstream_path: Vec<u8>,
        /// The model, where the path names it.
        model: Option<PathModel>,
        /// Whether the route answers with a stream, whatever the body says.
        streamed: bool,
    },
    /// Forwarded without inspection.
    Passthrough {
        /// The path, with a trailing slash if the client wrote one.
        upstream_path: Vec<u8>,
        /// Whether the request reaches an object that is stored under the key (`stored_objects`).
        stored_object: bool,
        /// Whether methods other than GET are refused.
        only_get: bool,
    },
}

/// The routes of one provider below the root.
#[derive(Debug)]
struct Mount {
    profile: &'static Profile,
    prefix: String,
    base_path: String,
    /// Bridged routes, and passthrough routes for one path. An exact one has precedence over one with parameters.
    routes: Router<Route>,
    /// Passthrough routes for everything below a path. They count where no other route matches: `matchit` has no
    /// `{model}:method` beside `{*rest}`.
    subtrees: Router<Route>,
}

#[derive(Clone, Copy, Debug)]
enum Route {
    Bridged { api: Api, streamed: bool },
    Passthrough { only_get: bool },
}

// === impl RouteTable ===

impl RouteTable {
    /// The routes of `providers` below `root` (empty, or `/…` without a trailing slash).
    #[must_use]
    pub fn new(root: &str, providers: &[Provider]) -> Self {
        Self { root: root.to_owned(), mounts: providers.iter().map(Mount::new).collect() }
    }

    /// The route of `path`: the raw `:path` as received, with the query.
    #[must_use]
    pub fn find(&self, method: &[u8], path: &[u8]) -> Found {
        // The query is neither inspected nor changed. It keeps its `?`.
        let (path, query) = path.split_at(memchr::memchr(b'?', path).unwrap_or(path.len()));
        let Some(below_root) = below(path, &self.root) else {
            return Found { provider: None, dialect: Dialect::OpenAi, target: Target::Outside };
        };
        let mounted = self
            .mounts
            .iter()
            .enumerate()
            .find_map(|(index, mount)| Some((index, mount, below(below_root, &mount.prefix)?)));
        let dialect =
            mounted.map_or_else(|| dialect_of_nowhere(below_root), |(_, mount, route)| mount.dialect(route));
        let target = match (Clean::parse(below_root), mounted) {
            (Err(problem), _) => Target::Invalid(problem),
            (Ok(_), None) => Target::NotFound,
            (Ok(clean), Some((_, mount, _))) => mount.find(method, &clean, query),
        };
        let dialect = match target {
            // Clients that speak Bedrock's API read AWS's errors on all routes.
            Target::Bridged { api, .. } if dialect != Dialect::Aws => api.dialect(),
            Target::Bridged { .. }
            | Target::Outside
            | Target::Invalid(_)
            | Target::NotFound
            | Target::Passthrough { .. } => dialect,
        };
        Found { provider: mounted.map(|(index, ..)| index), dialect, target }
    }
}

/// The shape in which refusals outside any provider are written: that of the API which the client seems to speak.
fn dialect_of_nowhere(path: &[u8]) -> Dialect {
    let path = path.strip_suffix(b"/").unwrap_or(path);
    if path.ends_with(b"/messages") { Dialect::Anthropic } else { Dialect::OpenAi }
}

/// The rest of `path` below `prefix`, which ends at a segment boundary: empty, or starting with `/`. Every path is below
/// the empty prefix.
fn below<'a>(path: &'a [u8], prefix: &str) -> Option<&'a [u8]> {
    let rest = path.strip_prefix(prefix.as_bytes())?;
    (prefix.is_empty() || rest.is_empty() || rest.starts_with(b"/")).then_some(rest)
}

/// The model that the parameters of a bridged route name.
///
/// # Errors
/// An upstream that decodes the path before it matches routes could find another model in it.
fn model(params: &Params<'_, '_>, path: &str) -> Result<Option<PathModel>, ()> {
    let mut model = None;
    for (name, written) in params.iter() {
        if name == "model" {
            model = Some(PathModel::parse(written, path).ok_or(())?);
        } else {
            let decoded = percent::decode(written.as_bytes()).ok_or(())?;
            let is_plain = |byte: &u8| !matches!(byte, b'/' | b'?' | b'#' | b';');
            decoded.iter().all(is_plain).then_some(()).ok_or(())?;
        }
    }
    Ok(model)
}

/// Whether the query parameter `name` belongs to a signature of AWS
/// (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>).
fn is_of_aws_signature(name: &[u8]) -> bool {
    name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case(b"x-amz-"))
}

// === impl Mount ===

impl Mount {
    fn new(provider: &Provider) -> Self {
        let profile = provider.profile();
        let (mut routes, mut subtrees) = (Router::new(), Router::new());
        // The first route with a pattern keeps it: `/responses/` is the bridged route, not the root of the subtree.
        let mut add = |pattern: String, route| drop(routes.insert(pattern, route));
        for (bridged, api) in profile.bridged {
            let route = Route::Bridged { api: *api, streamed: profile.streamed.contains(bridged) };
            add(format!("{bridged}/"), route);
            add((*bridged).to_owned(), route);
        }
        let passes = |route: &str| provider.bedrock.as_ref().is_none_or(|bedrock| bedrock.passes(route));
        let fixed = profile.passthrough.iter().filter(|passthrough| passes(passthrough.route));
        let fixed = fixed.map(|passthrough| (passthrough.route, passthrough.only_get));
        // The operator's come first: they open all methods.
        let more = provider.more_passthrough.iter().map(|route| (route.as_str(), false));
        for (passthrough, only_get) in more.chain(fixed) {
            let route = Route::Passthrough { only_get };
            if let Some(subtree) = passthrough.strip_suffix('/') {
                add(subtree.to_owned(), route);
                drop(subtrees.insert(format!("{subtree}/{{*rest}}"), route));
            }
            add(passthrough.to_owned(), route);
        }
        Self {
            profile,
            prefix: provider.prefix(),
            base_path: provider.base_url.path.clone(),
            routes,
            subtrees,
        }
    }

    /// The shape in which refusals at `route` are written. `route` is below the prefix, as written.
    fn dialect(&self, route: &[u8]) -> Dialect {
        let special = self.profile.dialects.iter().find(|(pattern, _)| is_at_or_below(route, pattern));
        special.map_or(self.profile.dialect, |(_, dialect)| *dialect)
    }

    /// The target of a path below the prefix.
    fn find(&self, method: &[u8], clean: &Clean<'_>, query: &[u8]) -> Target {
        // The prefix has no escapes, so the decoded path begins with it as well.
        let (Some(written), Some(decoded)) =
            (clean.written.strip_prefix(&self.prefix), clean.decoded.strip_prefix(self.prefix.as_bytes()))
        else {
            return Target::NotFound;
        };
        let Ok(found) = self.routes.at(written).or_else(|_| self.subtrees.at(written)) else {
            return Target::NotFound;
        };
        match *found.value {
            Route::Bridged { api, streamed } => {
                let Ok(model) = model(&found.params, written) else { return Target::NotFound };
                let route = written.strip_suffix('/').unwrap_or(written);
                let upstream_path = self.upstream_path(route, query);
                Target::Bridged { api, upstream_path, model, streamed }
            }
            Route::Passthrough { .. } if self.means_bridged(written, decoded) => Target::NotFound,
            Route::Passthrough { only_get: true } if method == b"GET" && self.calls_method(decoded) => {
                Target::NotFound
            }
            Route::Passthrough { only_get } => Target::Passthrough {
                upstream_path: self.upstream_path(written, query),
                stored_object: self.reaches_stored_object(method, decoded),
                only_get,
            },
        }
    }

    /// Whether an upstream may read the path as a bridged route. `written` is the path before decoding, which is no bridged
    /// route.
    fn means_bridged(&self, written: &str, decoded: &[u8]) -> bool {
        readings(decoded).any(|path| {
            let route = path.strip_suffix('/').unwrap_or(&path).trim();
            route != written
                && self.routes.at(route).is_ok_and(|found| matches!(found.value, Route::Bridged { .. }))
        })
    }

    /// Whether the path calls a method of Google's, such as `:embedContent`
    /// (<https://google.aip.dev/136>). The name of a model has no `:`.
    fn calls_method(&self, decoded: &[u8]) -> bool {
        self.profile.dialect == Dialect::Google && decoded.contains(&b':')
    }

    /// Whether the path, as an upstream may read it, reaches a stored object. As written it begins as its first reading.
    fn reaches_stored_object(&self, method: &[u8], decoded: &[u8]) -> bool {
        !self.profile.stored_objects.is_empty()
            && readings(decoded).any(|path| self.profile.reaches_stored_object(method, &path))
    }

    fn upstream_path(&self, route: &str, query: &[u8]) -> Vec<u8> {
        let query = if self.profile.takes_key_in_query() {
            query::without(query, |name| name == KEY_PARAMETER.as_bytes())
        } else if self.profile.dialect == Dialect::Aws {
            query::without(query, is_of_aws_signature)
        } else {
            Cow::Borrowed(query)
        };
        [self.base_path.as_bytes(), route.as_bytes(), &query].concat()
    }
}

#[cfg(test)]
mod tests;
