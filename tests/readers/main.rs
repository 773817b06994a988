//! The readers below an exchange, each against a plain reading of the whole input.

mod given_arguments;
mod old_turns;
mod sse;
