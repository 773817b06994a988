//! The whole filter without a host: bytes in; upstream request, client's bytes, record and measurements out.
//! `tests/README.md` says which file holds which rule.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a panic in a test is a failed test"
)]

mod answers;
mod bedrock;
mod bounds;
mod budgets;
mod callback_order;
mod callers;
mod chunking;
mod cluster_header;
mod cost;
mod credentials;
mod estimates;
mod metrics;
mod model_in_path;
mod model_policy;
mod order_of_checks;
mod outcomes;
mod outside_the_root;
mod paths;
mod pictures;
mod pools;
mod prompts;
mod record;
mod record_bounds;
mod refused;
mod repeated_events;
mod replies;
mod request_bodies;
mod response_headers;
mod routes;
mod secrecy;
mod single_values;
mod stored_objects;
mod stripped_headers;
mod usage_cut;
mod usage_splice;
