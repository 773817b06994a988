//! What to do about a path that has no route: which base URL a client should have, or what the operator can open.

use super::{Clean, RouteTable, below};
use crate::provider::Provider;
use core::fmt;
use std::rc::Rc;

/// What to do about a path that has no route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteHint {
    /// The path looks like no route.
    Unknown,
    /// The path ends, or begins too late, like these routes: each one's whole path, and the path of the base URL with which
    /// clients ask for it.
    Routes(Vec<(String, String)>),
    /// The path is a bridged route only after decoding, or in another letter case.
    Escaped,
    /// The path is below a provider, whose `passthrough` can open it.
    Passthrough,
}

/// Most routes in a hint.
const NAMED_ROUTES: usize = 8;

/// What the clients of an API append to their base URL. Other routes lie directly below the prefix.
const CLIENT_PATHS: [&str; 3] = ["/v1/messages", "/chat/completions", "/responses"];

impl RouteTable {
    /// The hint for `path`, which has no route. `providers` are those of this table.
    #[must_use]
    pub fn hint(&self, providers: &[Rc<Provider>], path: &[u8]) -> RouteHint {
        let path = path.split(|byte| *byte == b'?').next().unwrap_or_default();
        let clean = below(path, &self.root).and_then(|path| Clean::parse(path).ok());
        clean.map_or(RouteHint::Unknown, |clean| self.hint_for(providers, &clean))
    }

    fn hint_for(&self, providers: &[Rc<Provider>], clean: &Clean<'_>) -> RouteHint {
        let path = clean.written;
        let mounted = self.mounts.iter().zip(providers).find_map(|(mount, provider)| {
            let rest = path.strip_prefix('/')?.strip_prefix(&*provider.name)?;
            (rest.is_empty() || rest.starts_with('/')).then_some((mount, provider, rest))
        });
        let mut may_be_opened = false;
        if let Some((mount, provider, rest)) = mounted {
            let (written, decoded) =
                (path.strip_prefix(&mount.prefix), clean.decoded.strip_prefix(mount.prefix.as_bytes()));
            if let (Some(written), Some(decoded)) = (written, decoded) {
                if mount.means_bridged(written, decoded) {
                    return RouteHint::Escaped;
                }
                let bridged = mount.profile.bridged.iter();
                let below_bridged = bridged.filter(|(route, _)| below(written.as_bytes(), route).is_some());
                may_be_opened = written.len() > 1 && below_bridged.count() == 0;
            }
            let routes: Vec<_> = self.similar(provider, rest).take(NAMED_ROUTES).collect();
            if !routes.is_empty() {
                return RouteHint::Routes(routes);
            }
        }
        let enabled = providers.iter().filter(|provider| provider.enabled);
        let routes: Vec<_> =
            enabled.flat_map(|provider| self.similar(provider, path)).take(NAMED_ROUTES).collect();
        match (routes.is_empty(), may_be_opened) {
            (false, _) => RouteHint::Routes(routes),
            (true, true) => RouteHint::Passthrough,
            (true, false) => RouteHint::Unknown,
        }
    }

    /// The routes of `provider` that a client with a wrong base URL may mean by `path`, each with the right base URL.
    fn similar<'a>(
        &'a self,
        provider: &'a Provider,
        path: &'a str,
    ) -> impl Iterator<Item = (String, String)> + 'a {
        let path = path.strip_suffix('/').unwrap_or(path);
        let prefix = format!("{}{}", self.root, provider.prefix());
        let profile = provider.profile();
        let passes = |route: &&str| provider.bedrock.as_ref().is_none_or(|bedrock| bedrock.passes(route));
        let passthrough = profile.passthrough.iter().map(|passthrough| passthrough.route).filter(passes);
        let routes = profile.bridged.iter().map(|(route, _)| *route).chain(passthrough);
        let similar = routes.filter(move |route| {
            // What follows `{model}`, of which a client's model tells nothing.
            let fixed = route.rsplit('}').next().unwrap_or_default();
            path.len() > 1 && !fixed.ends_with('/') && (path.ends_with(fixed) || fixed.ends_with(path))
        });
        similar.map(move |route| (format!("{prefix}{route}"), format!("{prefix}{}", base_of(route))))
    }
}

/// The part of `route` that belongs into a client's base URL.
fn base_of(route: &str) -> &str {
    if route.contains('{') {
        return "";
    }
    let base = CLIENT_PATHS.iter().find_map(|appended| route.split_once(appended));
    base.map_or("", |(base, _)| base)
}

impl fmt::Display for RouteHint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("Check the client's base URL and the path."),
            Self::Routes(routes) => {
                f.write_str("The client's base URL must end")?;
                for (at, (route, base)) in routes.iter().enumerate() {
                    let before = if at == 0 { "" } else { ", or" };
                    write!(f, "{before} in {base} for {route}")?;
                }
                let names_model = routes.iter().any(|(route, _)| route.contains("{model}"));
                // Claude Code in Bedrock's format shows a 404 that speaks of a model ID.
                f.write_str(if names_model { ". {model} is the model ID." } else { "." })
            }
            Self::Escaped => {
                f.write_str("Write the path without escapes and parameters, in the letter case of the route.")
            }
            Self::Passthrough => f.write_str(
                "The provider is right, but this route is not open; the operator can open it with \"passthrough\".",
            ),
        }
    }
}
