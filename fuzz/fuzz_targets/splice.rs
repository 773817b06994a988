//! The usage splice of Chat Completions: whatever the body and however it is cut, the bytes that go upstream are those of
//! the rules written down over the whole body, and as JSON they differ from the client's in that one member.
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
