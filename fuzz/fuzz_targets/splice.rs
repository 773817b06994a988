//! The usage splice of Chat Completions: for any body in any chunking, the bytes that go upstream are those of a reference
//! that has the whole body, and as JSON they differ from the client's body only in the member `stream_options`.
//!
//! Input: one byte for the distance of the cuts, then the body.
#![no_main]

use libfuzzer_sys::fuzz_target;
use world::splice::check;

fuzz_target!(|input: &[u8]| {
    let [distance, body @ ..] = input else { return };
    let cuts: Vec<usize> = (1..body.len()).step_by(usize::from(*distance).max(1)).collect();
    check(body, &[]);
    check(body, &cuts);
});
