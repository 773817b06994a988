//! The whole bridge without a host: bytes in, upstream request, client bytes, record and measurements out.

mod bodies;
mod chunking;
mod endings;
mod headers;
mod order;
mod refusals;
mod responses;
mod transcript;
mod world;
