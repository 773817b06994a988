//! AI Bridge for Envoy: a proxy-wasm HTTP filter that makes a gateway a governed front door for AI APIs.
//!
//! It is **not** a proxy, a load balancer, a rate limiter or an authenticator: Envoy is all of that, before and
//! behind this filter. It never holds a body (but for Bedrock's `invoke`), never parses one into types and prints it
//! again, and never calls out. It looks at what passes, and says what it saw.
//!
//! # The map
//! | room | knows |
//! |---|---|
//! | [`config`] → [`bridge`] | configuration in, only usable values out; what all streams share, replaced whole |
//! | [`exchange`] | one stream: the only place that sequences. [`step`] is its vocabulary with the host |
//! | [`route`], [`provider`] | what a path is, where it goes; one constant for each provider type |
//! | [`bedrock`] | Claude on AWS Bedrock: the request that it takes, its frames and errors in Anthropic's words |
//! | [`headers`], [`credential`], [`caller`] | what goes upstream, on whose account, and who asks |
//! | [`api`] | what each API's requests and responses say; `api/request/prompt`: the user's words, unread until asked for |
//! | [`json`], [`sse`] | documents and events in any chunking; `json` has a map of its own: grammar, fast ways, writer |
//! | [`answer`], [`usage`], [`note`] | what was learned, what its numbers mean, where it is less than passed |
//! | [`record`], [`timestamp`], [`metric`], [`price`] | what is left behind; `record/json` writes the line |
//! | [`rejection`] | why the gateway answers itself, in the caller's dialect |
//! | [`text`], [`glob`], `object` | bounded texts; patterns; JSON that is there whole, by `serde_json` |
//! | `host` | wasm32 only: carries steps out. Nothing else names `proxy_wasm`; `tests/walls.rs` holds that |
//!
//! # The life of a bridged request
//! 1. Request headers: `route`, `credential` and `caller` decide; the headers are edited once, or the request is refused.
//! 2. Request body, as it streams: a reader looks on. The chunk that closes the object is judged before it passes.
//! 3. Response headers: a reply of Envoy's own gets the caller's dialect; else a reader is chosen by content type.
//! 4. Response body: passes as it is; a copy goes through `sse` and `json` into an [`answer::Answer`].
//! 5. The stream is over: [`exchange::Exchange::finish`] publishes one record, the single values, the measurements.
//!
//! # Words
//! *Response*: HTTP's. *Answer*: what was learned from it. *Reply*: one that the gateway makes itself. *Rejection*: why
//! this filter replies. *Interception*: a bridged request with its response. *Dialect*: the shape of an API's errors.
//!
//! # To add
//! A provider that speaks a known API: a file in `provider/`, an arm of [`provider::ProviderType`], a row in the README.
//! An API: a file in `api/`, an arm of [`api::Api`], a folder of transcripts. Neither changes `exchange`, `json`, `sse`
//! or `host`.

pub mod answer;
pub mod api;
pub mod bedrock;
pub mod bridge;
pub mod caller;
pub mod config;
pub mod credential;
pub mod exchange;
pub mod glob;
pub mod headers;
#[cfg(target_arch = "wasm32")]
mod host;
pub mod json;
pub mod limits;
pub mod metric;
pub mod note;
mod object;
pub mod price;
pub mod provider;
pub mod record;
pub mod reply;
pub mod route;
pub mod sse;
pub mod step;
pub mod text;
pub mod timestamp;
pub mod usage;
pub mod values;
