//! However chunks cut the bodies, the same bytes pass and the same record comes out, byte for byte.

use world::transcript::{APIS, Outcome, Transcript, all};

/// Bodies up to this length are cut in two at every offset. Longer ones are cut at every offset too, but with a cut in
/// every `SPACING` bytes of one play: that is longer than most events, so that whole events come between two cuts.
const SPACING: usize = 500;

fn every(check: impl Fn(&Transcript, &Outcome)) {
    let mut played = 0;
    for transcript in APIS.into_iter().flat_map(all) {
        check(&transcript, &transcript.check());
        played += 1;
    }
    assert!(played >= 323, "only {played} transcripts");
}

/// The chunks of `body` that end at these ascending offsets and at its end.
fn chunks(body: &[u8], cuts: impl Iterator<Item = usize>) -> Vec<&[u8]> {
    let (mut chunks, mut rest, mut from) = (Vec::new(), body, 0);
    for cut in cuts {
        let (chunk, after) = rest.split_at(cut - from);
        chunks.push(chunk);
        (rest, from) = (after, cut);
    }
    chunks.push(rest);
    chunks
}

/// Ways to cut `body` in which every offset is a cut.
fn cut_anywhere(body: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    (0..=body.len().min(SPACING - 1)).map(|first| chunks(body, (first..=body.len()).step_by(SPACING)))
}

/// Ways to cut `body` in two around the end of each event.
fn cut_in_two_between_events(body: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let ends = (2..=body.len()).filter(|end| body[..*end].ends_with(b"\n\n"));
    ends.flat_map(|end| end - 2..=end + 2)
        .filter(|cut| *cut <= body.len())
        .map(|cut| chunks(body, core::iter::once(cut)))
}

#[test]
fn every_transcript_passes_whole() {
    let wrong: Vec<String> = APIS
        .into_iter()
        .flat_map(all)
        .filter_map(|transcript| {
            let outcome = transcript.outcome(&[&transcript.request], &[&transcript.response]);
            Some(format!("{}: {}", transcript.name, transcript.difference(&outcome)?))
        })
        .collect();
    assert!(wrong.is_empty(), "{} transcripts:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_end_of_a_body_may_come_in_a_chunk_of_its_own() {
    every(|transcript, whole| {
        let outcome = transcript.outcome(&[&transcript.request, b""], &[&transcript.response, b""]);
        assert_eq!(&outcome, whole, "{}", transcript.name);
    });
}

#[test]
fn a_response_cut_anywhere_leaves_the_same_outcome() {
    every(|transcript, whole| {
        let response = &transcript.response;
        for chunks in cut_anywhere(response).chain(cut_in_two_between_events(response)) {
            let outcome = transcript.outcome(&[&transcript.request], &chunks);
            assert!(&outcome == whole, "{} {}: {outcome:?}", transcript.name, chunks[0].len());
        }
    });
}

#[test]
fn a_request_cut_anywhere_leaves_the_same_outcome() {
    every(|transcript, whole| {
        for chunks in cut_anywhere(&transcript.request) {
            let outcome = transcript.outcome(&chunks, &[&transcript.response]);
            assert!(&outcome == whole, "{} {}: {outcome:?}", transcript.name, chunks[0].len());
        }
    });
}

#[test]
fn bodies_that_come_byte_by_byte_leave_the_same_outcome() {
    every(|transcript, whole| {
        let request: Vec<&[u8]> = transcript.request.chunks(1).collect();
        let response: Vec<&[u8]> = transcript.response.chunks(1).collect();
        assert_eq!(&transcript.outcome(&request, &response), whole, "{}", transcript.name);
    });
}

#[test]
fn event_streams_may_use_any_line_end() {
    for line_end in ["\r", "\r\n"] {
        for transcript in APIS.into_iter().flat_map(all) {
            let transcript = transcript.with_line_ends(line_end);
            let whole = transcript.check();
            let bytes: Vec<&[u8]> = transcript.response.chunks(1).collect();
            assert_eq!(transcript.outcome(&[&transcript.request], &bytes), whole, "{}", transcript.name);
        }
    }
}
