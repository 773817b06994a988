//! The plugin configuration: one JSON object in, only usable values out, or every problem at once.

use crate::glob::Glob;
use crate::provider::Provider;

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
#[derive(Clone, Debug, Default)]
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
#[derive(Clone, Debug)]
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
#[derive(Clone, Debug)]
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
