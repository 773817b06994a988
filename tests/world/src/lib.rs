//! What the filter's tests and fuzz targets share.
//!
//! | module | holds |
//! |---|---|
//! | [`configuration`] | the filter's configurations |
//! | [`gateway`] | [`World`]: one stream through the filter, without Envoy |
//! | [`pool`] | the attempts at a pool's members, as Envoy makes them |
//! | [`transcript`] | the whole exchanges below `tests/transcripts` |
//! | [`frames`] | frames of AWS's event stream, as Bedrock sends them |
//! | [`sse`], [`splice`] | plain readings of a whole body, with which the streaming readers have to agree |
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::must_use_candidate,
    reason = "only tests use it: a panic is a failed test"
)]

pub mod configuration;
pub mod frames;
pub mod gateway;
pub mod pool;
pub mod splice;
pub mod sse;
pub mod transcript;

pub use configuration::{CONFIGURATION, SINGLE_VALUES, bridge, changed};
pub use gateway::{World, exchanged, head, headers};
pub use pool::{Asked, Member};
