//! Requests of `tests/transcripts/refused`: the gateway refuses each one, wherever its bytes are cut, before the upstream
//! has it whole.

use world::transcript::Refused;

#[test]
fn every_refused_request_is_refused_whole() {
    let refused = Refused::all();
    assert!(refused.len() >= 22, "{}", refused.len());
    for each in refused {
        each.play(&[&each.request]);
    }
}

#[test]
fn every_refused_request_is_refused_byte_by_byte_and_cut_in_two() {
    for each in Refused::all() {
        each.play(&each.request.chunks(1).collect::<Vec<_>>());
        for at in 0..=each.request.len() {
            let (first, second) = each.request.split_at(at);
            each.play(&[first, second]);
        }
    }
}
