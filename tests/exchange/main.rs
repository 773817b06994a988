//! The whole bridge without a host: bytes in, upstream request, client bytes, record and measurements out.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a panic in a test is a failed test"
)]

mod again;
mod attack;
mod bedrock;
mod bodies;
mod bounds;
mod callers;
mod chat;
mod checks;
mod chunking;
mod credentials;
mod cut;
mod endings;
mod frames;
mod headers;
mod measured;
mod messages;
mod openai;
mod order;
mod paths;
mod pictures;
mod prompts;
mod published;
mod recorded;
mod refusals;
mod refused;
mod replies;
mod requests;
mod responses;
mod routes;
mod secrecy;
mod splice;
mod stripping;
mod transcript;
mod world;
