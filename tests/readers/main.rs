//! The readers below an exchange, each against a plain reading of the whole input.

mod old_turns;
mod sse;
