//! Parses the plugin configuration, one JSON object. The result is a [`Config`] whose values are all usable, or the list
//! of all problems. Each kind of value has a file here; the values' types belong to the rooms that use them.

mod actor;
mod base_url;
mod bedrock;
mod budget;
mod cluster;
mod credential_checks;
mod document;
mod errors;
mod gateway_credentials;
mod header_name;
mod key;
mod limits;
mod model_pattern;
mod nearest;
mod node;
mod passthrough;
mod pool;
mod prices;
mod provider;
mod providers;
mod publish;
mod query;
mod quoted;
mod record;
mod root;
mod upstream;

use self::header_name::{header_name_without_credential, header_pattern};
use self::node::{Members, Node, Problems};
use self::provider::ProviderContext;
use self::providers::providers;
use crate::budget::Notices;
use crate::caller::{self, ActorSource};
use crate::credential::GatewayCredentials;
use crate::glob::Glob;
use crate::headers::REMOVED_BY_DEFAULT;
use crate::limits::Limits;
use crate::price::Price;
use crate::provider::Provider;
use crate::record::RecordPolicy;
use crate::values::Publish;

pub use self::errors::{ConfigErrors, Problem};
pub use self::upstream::Upstream;

/// Everything that is configured (`envoy/configuration.md`).
#[derive(Clone, Debug)]
pub struct Config {
    /// The path prefix in front of every route; empty, or `/…` without a trailing slash. At most 256 bytes.
    pub root: String,
    /// Lower-case name of the header that names the upstream cluster.
    pub cluster_header: String,
    /// At least one provider; names are unique.
    pub providers: Vec<Provider>,
    /// How the tokens of the operator's gateway are recognised.
    pub gateway_credentials: GatewayCredentials,
    /// Where the authenticated caller is found.
    pub actor: ActorSource,
    /// Lower-case patterns of headers that are never sent to a provider.
    pub remove_headers: Vec<Glob>,
    /// Which texts of the traffic are recorded.
    pub record: RecordPolicy,
    /// Which single values are set as properties.
    pub publish: Publish,
    /// Whether metrics are kept.
    pub metrics: bool,
    /// What callers are told about budgets.
    pub notices: Notices,
    /// The bounds of what one stream may use.
    pub limits: Limits,
    /// The first price whose patterns match a model holds for it.
    pub prices: Vec<Price>,
}

/// The default name of the header that names the upstream cluster.
pub(crate) const CLUSTER_HEADER: &str = "x-ai-bridge-cluster";

// === impl Config ===

impl Config {
    /// Reads the plugin configuration; `environment` looks up a variable of the host. Empty input counts as the empty
    /// object.
    ///
    /// # Errors
    /// Every problem, each with its path. No problem contains a secret.
    pub fn parse(bytes: &[u8], environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let value = document::parse(bytes).map_err(ConfigErrors::whole)?;
        let problems = Problems::default();
        let root = Node::root(&value, &problems);
        let config = root.object("an object", |members| Self::from_members(members, environment));
        match (config, ConfigErrors::of(problems.into_inner())) {
            (Some(config), None) => Ok(config),
            (None, None) => Err(ConfigErrors::whole("unusable".to_owned())),
            (_, Some(errors)) => Err(errors),
        }
    }

    /// The configuration. A value with a problem is replaced by a default: [`parse`](Self::parse) then returns the
    /// problems instead.
    fn from_members(members: &Members<'_>, environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let gateway = members.read(
            "gateway_credentials",
            GatewayCredentials::default(),
            gateway_credentials::gateway_credentials,
        );
        let listed = members.required("providers", "a list of at least one provider");
        let context = ProviderContext { environment, gateway: &gateway };
        let providers = listed.and_then(|node| providers(&node, context)).unwrap_or_default();
        let actor = members.read("actor", ActorSource::default(), actor::actor_source);
        let cluster_header =
            members.read("cluster_header", CLUSTER_HEADER.to_owned(), header_name_without_credential);
        let patterns = |node: &Node<'_>| node.each("header names", header_pattern);
        let config = Self {
            root: members.read("root", String::new(), root::root),
            remove_headers: members.read(
                "remove_headers",
                REMOVED_BY_DEFAULT.iter().copied().map(Glob::new).collect(),
                patterns,
            ),
            record: members.read("record", RecordPolicy::default(), record::record_policy),
            publish: members.read("publish", Publish::All, |node| publish::publish(node, &actor)),
            metrics: members.bool("metrics", true),
            notices: Notices {
                enabled: members.bool("notices", true),
                message: members.read("budget", String::new(), budget::message),
            },
            limits: members.read("limits", Limits::default(), limits::limits),
            prices: members.read("prices", Vec::new(), prices::prices),
            cluster_header,
            providers,
            gateway_credentials: gateway,
            actor,
        };
        config.check_headers(members);
        config
    }

    /// Checks that no header has two meanings: the actor's value is recorded, a gateway token never is, and the cluster's
    /// value is overwritten.
    fn check_headers(&self, members: &Members<'_>) {
        let gateway = &self.gateway_credentials;
        let sent = caller::SENT_PREFIX;
        if self.cluster_header.starts_with(sent) {
            members.problem("cluster_header", format_args!("{sent}* tells the actor to upstreams"));
        }
        if gateway.consumes(&self.cluster_header) {
            members.problem(
                "cluster_header",
                format_args!("is one of gateway_credentials.headers too; choose another header"),
            );
        }
        for (path, header) in actor::actor_headers(&self.actor) {
            if header == self.cluster_header {
                members.problem_at(
                    &path,
                    format_args!("\"{header}\" is the cluster_header; choose another header"),
                );
            }
            if gateway.consumes(header) {
                let why = "is one of gateway_credentials.headers, and would be recorded";
                members.problem_at(&path, format_args!("\"{header}\" {why}; choose another header"));
            }
        }
    }
}
