//! Events that repeat an earlier one are skipped by their shape; the result is the same as reading byte by byte.

use ai_bridge::api::Api;
use ai_bridge::api::response::Format;
use ai_bridge::limits::Limits;
use ai_bridge::record::RecordPolicy;
use proptest::prelude::*;
use world::transcript::all;

/// What is put into values, or anywhere into an event.
const TEXTS: &[&[u8]] = &[
    b"a",
    b" word",
    b"\\n",
    b"\\\"",
    b"\\ud83d",
    b"\xc3\xa9",
    b"\xff",
    b"\\x",
    b"\t",
    b"0",
    b".5",
    b"e3",
    b"\"",
    b",",
    b"{",
    b"}",
    b"\n",
    b"\r",
    b"\n\n",
    b"\r\n",
    b"data: ",
    b"event: error\n",
    b"[DONE]",
    b"\"type\":\"x\",",
    b"\"usage\":{},",
    b"a text that is longer than a block, and than two, and than three, so that it is no short one any more",
];

/// The event, often with other values, and sometimes broken.
fn vary(event: &[u8], random: &mut impl FnMut(usize) -> usize) -> Vec<u8> {
    let mut event = event.to_vec();
    let value = |event: &[u8], at: usize| match event[..at] {
        [.., b':', b'"'] => true,
        [.., digit] => digit.is_ascii_digit() && !event[at].is_ascii_alphabetic(),
        _ => false,
    };
    let sane = if random(3) > 0 { 6 } else { TEXTS.len() };
    for at in (1..event.len()).rev() {
        if value(&event, at) && random(3) == 0 {
            let text = if event[at - 1] == b'"' { TEXTS[random(sane)] } else { TEXTS[9 + random(3)] };
            event.splice(at..at, text.iter().copied());
        }
    }
    if random(25) == 0 {
        let (at, text) = (random(event.len()), TEXTS[random(TEXTS.len())]);
        event.splice(at..(at + random(3)).min(event.len()), text.iter().copied());
    }
    event
}

/// The events of every transcript that is a stream.
fn streams() -> Vec<(Api, Vec<Vec<u8>>)> {
    let mut streams = Vec::new();
    for api in Api::ALL {
        for transcript in all(api.name()).into_iter().filter(|transcript| transcript.is_streamed()) {
            let body = String::from_utf8_lossy(&transcript.response).into_owned();
            streams
                .push((api, body.split_inclusive("\n\n").map(|event| event.as_bytes().to_vec()).collect()));
        }
    }
    assert!(streams.len() > 90, "only {}", streams.len());
    streams
}

/// Everything that is read of `chunks`, and what passes to the client.
fn read<'a>(
    (api, record, limits, cut): (Api, &RecordPolicy, &Limits, bool),
    chunks: impl Iterator<Item = &'a [u8]>,
) -> String {
    let mut reader = api.response_reader(Format::Events, record.keep(limits), limits);
    if cut {
        reader.cut_usage_event();
    }
    let mut client = Vec::new();
    for chunk in chunks {
        client.extend(reader.feed(chunk).unwrap_or_else(|| chunk.to_vec()));
    }
    client.extend(reader.finish());
    let answer = reader.answer();
    let texts: Vec<&str> = (answer.tool_calls.iter().map(|call| call.arguments.as_str()))
        .chain(answer.thoughts.iter().map(|thought| thought.text.as_str()))
        .collect();
    format!("{answer:?} {texts:?} {} {}", reader.any_event(), client.escape_ascii())
}

#[test]
fn repeated_events_are_read_as_byte_by_byte() {
    let streams = streams();
    let record = RecordPolicy { text_bytes: 60, total_bytes: 200, ..RecordPolicy::default() };
    let limits = Limits { event_bytes: 500, tool_calls: 2, thoughts: 2, ..Limits::default() };
    proptest!(ProptestConfig::with_cases(400), |(seed: u64, stream in 0..streams.len(), largest in 0_usize..4)| {
        let mut state = seed | 1;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(state >> 33).unwrap() % below.max(1)
        };
        let (api, events) = &streams[stream];
        let again = random(events.len());
        let mut bytes = Vec::new();
        let mut ends = vec![0];
        for (at, event) in events.iter().enumerate() {
            for _ in 0..if at == again { 12 } else { 1 } {
                bytes.extend(vary(event, &mut random));
                ends.push(bytes.len());
            }
        }
        // One event a chunk, several, cut near their ends, cut anywhere.
        let mut cuts: Vec<usize> = match largest {
            0 => ends,
            1 => ends.into_iter().step_by(3).collect(),
            2 => ends.into_iter().map(|end| (end + random(3)).saturating_sub(1).min(bytes.len())).collect(),
            _ => (0..8).map(|_| random(bytes.len())).collect(),
        };
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let chunks: Vec<Vec<u8>> = cuts.windows(2).map(|cut| bytes[cut[0]..cut[1]].to_vec()).collect();
        for cut in [false, true] {
            for (record, limits) in [(&record, &limits), (&RecordPolicy::default(), &Limits::default())] {
                let how = (*api, record, limits, cut);
                let whole = read(how, chunks.iter().map(Vec::as_slice));
                prop_assert_eq!(whole, read(how, bytes.chunks(1)), "{}", bytes.escape_ascii());
            }
        }
    });
}
