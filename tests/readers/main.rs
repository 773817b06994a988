//! The readers below an exchange, each against a plain reading of the whole input.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a panic in a test is a failed test")]

mod sse;
