//! The plugin configuration: one JSON object in, only usable values out, or every problem at once.

mod actor;
mod base_url;
mod bedrock;
mod bounds;
mod echo;
mod errors;
mod gateway;
mod header;
mod key;
mod nearest;
mod node;
mod path;
mod providers;
mod publish;
mod text;

use self::header::{header_name_without_credential, header_pattern};
use self::node::{Members, Node, Problems};
use self::providers::{Surroundings, providers};
use crate::caller::ActorSource;
use crate::credential::GatewayCredentials;
use crate::glob::Glob;
use crate::json::Value;
use crate::limits::Limits;
use crate::price::Price;
use crate::provider::Provider;
use crate::record::RecordPolicy;
use crate::values::Publish;

pub use self::errors::{ConfigErrors, Problem};

/// Everything that is configured (contract §0).
#[derive(Clone, Debug)]
pub struct Config {
    /// Path prefix in front of everything; empty, or `/…` without a trailing slash.
    pub root: String,
    /// Lower-case name of the header that names the upstream cluster.
    pub cluster_header: String,
    /// At least one; names unique.
    pub providers: Vec<Provider>,
    /// Our own gateway's tokens.
    pub gateway_credentials: GatewayCredentials,
    /// Where the authenticated caller is found.
    pub actor: ActorSource,
    /// Lower-case patterns of headers that never reach a provider.
    pub remove_headers: Vec<Glob>,
    /// What of the traffic's text is recorded.
    pub record: RecordPolicy,
    /// Which single values are set as properties.
    pub publish: Publish,
    /// Whether metrics are kept.
    pub metrics: bool,
    /// Bounds.
    pub limits: Limits,
    /// First match wins.
    pub prices: Vec<Price>,
}

/// The header that names the upstream cluster, unless configured.
pub(crate) const CLUSTER_HEADER: &str = "x-ai-bridge-cluster";
/// Headers of our own with another meaning: `send_actor` sets them.
const ACTOR_HEADERS: &str = "x-ai-bridge-actor-";
/// Company credentials that must not reach a vendor, unless configured.
const REMOVE_HEADERS: [&str; 3] = ["cookie", "x-forwarded-client-cert", "x-amzn-oidc-*"];

// === impl Config ===

impl Config {
    /// Reads the plugin configuration; `environment` looks up a variable of the host.
    ///
    /// No text at all is the empty object.
    ///
    /// # Errors
    /// Every problem, each with its path. No secret is repeated in any of them.
    pub fn parse(bytes: &[u8], environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, ConfigErrors> {
        let value = document(bytes).map_err(ConfigErrors::whole)?;
        let problems = Problems::default();
        let root = Node::root(&value, &problems);
        let config = root.object("an object", |members| Self::from_members(members, environment));
        match (config, ConfigErrors::of(problems.into_inner())) {
            (Some(config), None) => Ok(config),
            (None, None) => Err(ConfigErrors::whole("unusable".to_owned())),
            (_, Some(errors)) => Err(errors),
        }
    }

    /// The configuration with something in place of what a problem was found in; it never gets out then.
    fn from_members(members: &Members<'_>, environment: &dyn Fn(&str) -> Option<String>) -> Self {
        let gateway =
            members.read("gateway_credentials", GatewayCredentials::default(), gateway::gateway_credentials);
        let listed = members.required("providers", "a list of at least one provider");
        let around = Surroundings { environment, gateway: &gateway };
        let providers = listed.and_then(|node| providers(&node, around)).unwrap_or_default();
        let actor = members.read("actor", ActorSource::default(), actor::actor_source);
        let cluster_header =
            members.read("cluster_header", CLUSTER_HEADER.to_owned(), header_name_without_credential);
        let patterns = |node: &Node<'_>| node.each("header names", header_pattern);
        let config = Self {
            root: members.read("root", String::new(), path::root),
            remove_headers: members.read("remove_headers", REMOVE_HEADERS.map(Glob::new).to_vec(), patterns),
            record: members.read("record", RecordPolicy::default(), bounds::record_policy),
            publish: members.read("publish", Publish::All, |node| publish::publish(node, &actor)),
            metrics: members.bool("metrics", true),
            limits: members.read("limits", Limits::default(), bounds::limits),
            prices: members.read("prices", Vec::new(), bounds::prices),
            cluster_header,
            providers,
            gateway_credentials: gateway,
            actor,
        };
        config.check_headers(members);
        config
    }

    /// One header cannot mean two things: an actor's value is recorded, a token's never, a cluster's overwritten.
    fn check_headers(&self, members: &Members<'_>) {
        let gateway = &self.gateway_credentials;
        if self.cluster_header.starts_with(ACTOR_HEADERS) {
            members.problem("cluster_header", format_args!("{ACTOR_HEADERS}* tells the actor to upstreams"));
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

/// The JSON document in `bytes`, or why it is none. The reason names a place, no content.
fn document(bytes: &[u8]) -> Result<Value, String> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Object(Vec::new()));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let hint = match bytes.trim_ascii_start().first() {
            // Envoy hands a protobuf Struct over as its raw bytes.
            Some(first) if *first != b'{' => "; give one JSON object in a google.protobuf.StringValue",
            _ if at(bytes, &error) == Some(b'/') => "; comments are not allowed",
            _ => "",
        };
        format!("not valid JSON: {error}{hint}")
    })
}

/// The byte at which `error` was found.
fn at(bytes: &[u8], error: &serde_json::Error) -> Option<u8> {
    let line = bytes.split(|byte| *byte == b'\n').nth(error.line().checked_sub(1)?)?;
    line.get(error.column().checked_sub(1)?).copied()
}
