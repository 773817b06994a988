//! What is learned from responses, one file for each API or rule.

mod calls_of_one_index;
mod chat_completions;
mod content_types;
mod errors;
mod event_streams;
mod generate_content;
mod iterations;
mod messages;
mod openai;
mod responses;
mod responses_bounds;
mod thoughts;
mod who_runs_a_tool;
