//! However the bytes are cut, the same record comes out and the same bytes pass.

use crate::transcript::{Transcript, all};

/// The APIs whose answers are read.
const APIS: [&str; 3] = ["messages", "chat_completions", "responses"];

fn every(check: impl Fn(&Transcript)) {
    let mut played = 0;
    for api in APIS {
        for transcript in all(api) {
            check(&transcript);
            played += 1;
        }
    }
    assert!(played >= 286, "only {played} transcripts");
}

#[test]
fn every_transcript_passes_whole() {
    let wrong: Vec<String> = APIS
        .iter()
        .flat_map(|api| all(api).into_iter().map(move |transcript| (api, transcript)))
        .filter_map(|(api, transcript)| {
            let (difference, _) =
                transcript.outcome(&[&transcript.request], &[&transcript.response]).err()?;
            Some(format!("{api}/{}: {difference}", transcript.name))
        })
        .collect();
    assert!(wrong.is_empty(), "{} transcripts:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_transcript_passes_with_other_line_ends() {
    for api in APIS {
        for line_end in ["\r", "\r\n"] {
            for transcript in all(api) {
                let transcript = transcript.with_line_ends(line_end);
                transcript.play(&[&transcript.request], &[&transcript.response]);
                let bytes: Vec<&[u8]> = transcript.response.chunks(1).collect();
                transcript.play(&[&transcript.request], &bytes);
            }
        }
    }
}

#[test]
fn every_transcript_passes_byte_by_byte() {
    every(|transcript| {
        let request: Vec<&[u8]> = transcript.request.chunks(1).collect();
        let response: Vec<&[u8]> = transcript.response.chunks(1).collect();
        transcript.play(&request, &response);
    });
}

#[test]
fn every_transcript_passes_cut_in_two_anywhere() {
    every(|transcript| {
        for at in 0..=transcript.response.len() {
            let (first, second) = transcript.response.split_at(at);
            transcript.play(&[&transcript.request], &[first, second]);
        }
        for at in 0..=transcript.request.len() {
            let (first, second) = transcript.request.split_at(at);
            transcript.play(&[first, second], &[&transcript.response]);
        }
    });
}

#[test]
fn the_end_may_come_by_itself() {
    every(|transcript| transcript.play(&[&transcript.request, b""], &[&transcript.response, b""]));
}
