//! AI Bridge for Envoy: a proxy-wasm HTTP filter that routes, checks and records a gateway's requests to AI APIs.
//!
//! It is **not** a proxy, a load balancer, a rate limiter or an authenticator: Envoy is all of these, before and behind
//! this filter; Envoy also makes the attempts at a pool. The filter makes no calls of its own. It reads bodies as they
//! stream by and does not hold them; only a request in Bedrock's mode `invoke` is held. It never deserialises a body
//! and serialises it again.
//!
//! # The rooms
//! A room is a file of `src/` with the folder of the same name. `tests/walls.rs` holds the table of which room may use
//! which; there are no circles.
//!
//! | room | contents |
//! |---|---|
//! | `host` | the adapters: `wasm` to proxy-wasm, `native` to Envoy's dynamic modules. They pass callbacks on and carry out steps |
//! | [`exchange`], [`step`] | one stream, and the order of its checks and effects; the steps that the host carries out |
//! | [`config`], [`bridge`] | parses the configuration; prepares it once for all streams |
//! | [`route`] | paths: what is refused, which route a path has, the upstream path |
//! | [`provider`] | one configured upstream; one file with one constant for each provider type; the model policy |
//! | [`credential`] | secrets, their vendors, and the choice of the one credential that goes upstream |
//! | [`caller`] | the actor, the client program, the session |
//! | [`headers`] | headers, the edits in them, and which of a client's headers are stripped |
//! | [`reply`], [`dialect`] | the gateway's own replies and `retry-after`; the shapes of errors |
//! | [`pool`] | which members of a pool are asked, which are set aside; one attempt, which the upstream filter gives the member's key |
//! | [`budget`] | what clients are told about the budgets that Envoy's rate limit filter enforces |
//! | [`api`] | the readers of each API's requests and responses |
//! | [`bedrock`] | Claude on AWS Bedrock: the requests it accepts, its frames and its errors |
//! | [`answer`], [`usage`], [`note`] | what is learned from a response; what its numbers mean; what is missing, and why |
//! | [`record`], [`timestamp`] | the record of an interception, its id, its texts and its times |
//! | [`metric`], [`price`], [`values`], [`limits`] | metrics; cost; single values, set as properties; the bounds of one stream |
//! | [`json`], [`sse`] | JSON and events in chunks of any size |
//! | [`text`], [`glob`], `percent`, [`query`], [`fnv`] | bounded texts, patterns, percent-decoding, queries, a fast hash |
//!
//! # The life of a bridged request
//! 1. **Request headers.** `route` finds the route, `credential` chooses the credential, `caller` finds the actor. The
//!    headers are edited once, or the request is refused.
//! 2. **Request body.** A reader of `api` reads each chunk before it is forwarded. At the chunk that completes the JSON
//!    object the model policy is applied; of a refused request nothing more is forwarded.
//! 3. **Response headers.** A reply that Envoy or another filter made is rewritten in the caller's error shape. Otherwise a
//!    reader is chosen by the content type.
//! 4. **Response body.** The chunks pass unchanged, except that a usage event which the client did not ask for is cut, and
//!    that Bedrock's frames are translated. The reader collects an [`answer::Answer`].
//! 5. **End.** [`exchange::Exchange::finish`] publishes one record, the single values and the measurements.
//!
//! A request to a pool meets the filter twice. In step 1 `pool` chooses the members and leaves a ticket; then Envoy
//! asks them one after the other. In each member's cluster the upstream filter ([`pool::AttemptStream`]) finds the
//! ticket, sets the member's path, key and model, and marks an answer that is worth another attempt. Steps 3 to 5 see
//! the last answer.
//!
//! # Words
//! * *Response*: HTTP's. *Answer*: what was learned from a response; in `pool` the response to an attempt. *Reply*: a response that the gateway makes itself.
//! * *Rejection*: the reason for which this filter refuses a request.
//! * *Bridged* route: inspected and recorded; the request with its response is an *interception*. *Passthrough* route:
//!   forwarded without inspection.
//! * *Dialect*: the shape of an API's errors.
//! * *Pool*: a provider with several *members*, each with a key and a cluster. *Set aside*: not asked for a time, because it
//!   has answered 401, 429, 503 or 529. *Main filter*: the one in the connection manager; *upstream filter*: the one in a
//!   member's cluster.
//! * *Gateway token*: a credential for the operator's own gateway. *Central key*: the operator's credential for a provider.
//!   *Byok*: a caller's own credential for a provider.
//!
//! # To add a provider type
//! For a type with a known API: a file in `provider/` with its [`provider::Profile`]; in `provider.rs` a `mod`, a
//! variant of [`provider::ProviderType`], its place in `ALL` and an arm of `profile`. Outside of `src/`: the pages and
//! the record's schema. A test checks that nothing else names a type.
//!
//! # To add an API
//! A folder in `api/` with its constant and its readers, a variant of [`api::Api`] with an arm of
//! [`api::Api::profile`], and transcripts. `exchange`, `json`, `sse` and `host` do not change.

pub mod answer;
pub mod api;
pub mod bedrock;
pub mod bridge;
pub mod budget;
pub mod caller;
pub mod config;
pub mod credential;
pub mod dialect;
pub mod exchange;
pub mod fnv;
pub mod glob;
pub mod headers;
mod host;
pub mod json;
pub mod limits;
pub mod metric;
pub mod note;
mod percent;
pub mod pool;
pub mod price;
pub mod provider;
pub mod query;
pub mod record;
pub mod reply;
pub mod route;
pub mod sse;
pub mod step;
pub mod text;
pub mod timestamp;
pub mod usage;
pub mod values;
