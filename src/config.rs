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
use crate::glob::Glob;
use crate::object::Value;
use crate::provider::Provider;

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

/// Tokens of our own gateway: consumed, never forwarded.
#[derive(Clone, Default)]
pub struct GatewayCredentials {
    /// Lower-case header names.
    pub headers: Vec<String>,
    /// Prefixes of tokens in `authorization` and `x-api-key`; none is empty.
    pub value_prefixes: Vec<String>,
}

/// Where the actor is found; nothing is trusted unless named.
#[derive(Clone, Debug, Default)]
pub struct ActorSource {
    /// Lower-case header name.
    pub header: Option<String>,
    /// Metadata key to lower-case header name, in configured order.
    pub metadata_headers: Vec<(String, String)>,
    /// Host property path that wins over the header.
    pub property: Option<Vec<String>>,
    /// Whether a request without an actor is refused.
    pub required: bool,
}

/// What of the traffic's text is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPolicy {
    /// User prompts; default yes.
    pub prompts: bool,
    /// Arguments of tool calls; default yes.
    pub tool_arguments: bool,
    /// Thoughts; default yes.
    pub thoughts: bool,
    /// Bytes kept of one text, as written in the record; default 64 KiB.
    pub text_bytes: usize,
    /// Bytes kept of all texts of one record together; default 1 MiB.
    pub total_bytes: usize,
}

/// Which single values are set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Publish {
    /// All of them.
    All,
    /// These, named without the prefix `ai_bridge_`.
    Only(Vec<String>),
}

/// Bounds of contract §10.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Default 32 MiB.
    pub request_body_bytes: u64,
    /// Memory of one request reader besides the texts it keeps; default 64 KiB.
    pub reader_bytes: usize,
    /// One SSE event; default 1 MiB.
    pub event_bytes: usize,
    /// One response document; default 8 MiB.
    pub document_bytes: u64,
    /// Per record; default 256.
    pub tool_calls: usize,
    /// Per record; default 256.
    pub thoughts: usize,
    /// Distinct values of one metric label per worker; default 100.
    pub label_values: usize,
}

/// Prices in USD per million tokens, which is the same number as microUSD per token.
#[derive(Clone, Debug)]
pub struct Price {
    /// Models it holds for.
    pub models: Vec<Glob>,
    /// Per million input tokens that were not cached.
    pub input: f64,
    /// Per million output tokens.
    pub output: f64,
    /// Per million tokens read from a cache; `None`: as input.
    pub cache_read: Option<f64>,
    /// Per million tokens written to a cache for five minutes; `None`: as input.
    pub cache_write_5m: Option<f64>,
    /// Per million tokens written to a cache for an hour; `None`: as input.
    pub cache_write_1h: Option<f64>,
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
            members.read("gateway_credentials", GatewayCredentials::default(), GatewayCredentials::parse);
        let listed = members.required("providers", "a list of at least one provider");
        let around = Surroundings { environment, gateway: &gateway };
        let providers = listed.and_then(|node| providers(&node, around)).unwrap_or_default();
        let actor = members.read("actor", ActorSource::default(), ActorSource::parse);
        let cluster_header =
            members.read("cluster_header", CLUSTER_HEADER.to_owned(), header_name_without_credential);
        let patterns = |node: &Node<'_>| node.each("header names", header_pattern);
        let config = Self {
            root: members.read("root", String::new(), path::root),
            remove_headers: members.read("remove_headers", REMOVE_HEADERS.map(Glob::new).to_vec(), patterns),
            record: members.read("record", RecordPolicy::default(), RecordPolicy::parse),
            publish: members.read("publish", Publish::All, |node| Publish::parse(node, &actor)),
            metrics: members.bool("metrics", true),
            limits: members.read("limits", Limits::default(), Limits::parse),
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
        for (path, header) in self.actor.headers() {
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
