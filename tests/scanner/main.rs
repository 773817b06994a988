//! Compares the JSON scanner with `serde_json` in any chunking: the same verdict, the same values, the same offsets.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a panic here is a failed test, not an outage"
)]

mod chunks;
mod compact;
mod documents;
mod hostile;
mod latest;
mod log;
mod nesting;
mod scripts;
mod values;
