//! AI Bridge for Envoy: a proxy-wasm HTTP filter that makes a gateway a governed front door for AI APIs.
//!
//! It is **not** a proxy, a load balancer, a rate limiter or an authenticator: Envoy is all of that, before and
//! behind this filter. It never holds a body, never parses one into types and prints it again, and never calls
//! out. It looks at what passes, and says what it saw.

pub mod answer;
pub mod api;
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
pub mod metric;
pub mod note;
pub mod price;
pub mod provider;
pub mod record;
pub mod rejection;
pub mod route;
pub mod sse;
pub mod step;
pub mod text;
pub mod usage;
