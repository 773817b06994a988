//! The decoder of server-sent events: in any chunking its events are those of a reference that has the whole stream.
//!
//! Input: one byte for the limit, one for the distance of the cuts, then the stream.
#![no_main]

use libfuzzer_sys::fuzz_target;
use world::sse::check;

fuzz_target!(|input: &[u8]| {
    let [limit, distance, stream @ ..] = input else { return };
    let cuts: Vec<usize> = (1..stream.len()).step_by(usize::from(*distance).max(1)).collect();
    for event_bytes in [usize::from(*limit), usize::MAX] {
        check(stream, &[], event_bytes);
        check(stream, &cuts, event_bytes);
    }
});
