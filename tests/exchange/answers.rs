//! What is learned from responses, one file for each API.

mod chat_completions;
mod content_types;
mod errors;
mod event_streams;
mod iterations;
mod messages;
mod openai;
mod responses;
mod responses_bounds;
