//! Stands in for the AI providers.
fn main() {}
