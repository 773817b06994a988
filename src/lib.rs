//! AI Bridge for Envoy: a proxy-wasm HTTP filter that makes a gateway a governed front door for AI APIs.
//!
//! It is **not** a proxy, a load balancer, a rate limiter or an authenticator: Envoy is all of that, before and
//! behind this filter. It never holds a body, never parses one into types and prints it again, and never calls
//! out. It looks at what passes, and says what it saw.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

pub mod api;
pub mod caller;
pub mod config;
pub mod credential;
pub mod glob;
pub mod headers;
pub mod json;
pub mod provider;
pub mod route;
pub mod sse;
