use super::{Decoder, Problem};
use proptest::prelude::*;
use world::frames::{frame, sealed};

type Frames = Vec<(Option<String>, Vec<u8>)>;

fn decode(chunks: &[&[u8]], limit: usize) -> (Result<(), Problem>, Frames, bool) {
    let mut decoder = Decoder::new(limit);
    let mut frames = Vec::new();
    let mut take = |frame: super::Frame<'_>| {
        frames.push((frame.header(":event-type").map(str::to_owned), frame.payload.to_vec()));
    };
    let result = chunks.iter().try_for_each(|chunk| decoder.feed(chunk, &mut take));
    (result, frames, decoder.is_between_frames())
}

#[test]
fn a_frame_of_the_aws_test_vectors_is_read() {
    // The message of the AWS SDKs' shared test vectors: one header, payload {'foo':'bar'}.
    let vector: &[u8] = &[
        0, 0, 0, 61, 0, 0, 0, 32, 7, 253, 131, 150, 12, b'c', b'o', b'n', b't', b'e', b'n', b't', b'-', b't',
        b'y', b'p', b'e', 7, 0, 16, b'a', b'p', b'p', b'l', b'i', b'c', b'a', b't', b'i', b'o', b'n', b'/',
        b'j', b's', b'o', b'n', b'{', b'\'', b'f', b'o', b'o', b'\'', b':', b'\'', b'b', b'a', b'r', b'\'',
        b'}', 141, 156, 8, 177,
    ];
    let (result, frames, _) = decode(&[vector], 1000);
    assert_eq!((result, frames), (Ok(()), vec![(None, b"{'foo':'bar'}".to_vec())]));
}

#[test]
fn every_type_of_header_has_its_length() {
    let mut headers = Vec::new();
    for (kind, value) in [
        (0, &[][..]),
        (1, &[]),
        (2, &[1]),
        (3, &[1, 2]),
        (4, &[1, 2, 3, 4]),
        (5, &[1, 2, 3, 4, 5, 6, 7, 8]),
        (6, &[0, 2, 7, 7]),
        (8, &[0; 8]),
        (9, &[0; 16]),
    ] {
        headers.extend([1, b'x', kind]);
        headers.extend(value);
    }
    headers.extend([11]);
    headers.extend(b":event-type");
    headers.extend([7, 0, 5]);
    headers.extend(b"chunk");
    let (result, frames, whole) = decode(&[&sealed(&headers, b"p")], 1000);
    assert_eq!((result, whole), (Ok(()), true));
    assert_eq!(frames, [(Some("chunk".to_owned()), b"p".to_vec())]);
}

#[test]
fn every_problem_is_named_and_ends_the_stream() {
    let good = frame(&[(":event-type", "chunk")], b"{}");
    let flipped = |at: usize| {
        let mut frame = good.clone();
        frame[at] ^= 1;
        frame
    };
    let last = good.len() - 1;
    let lengths = {
        let mut frame = Vec::from([0, 0, 0, 20, 0, 0, 0, 5]);
        frame.extend(crc32fast::hash(&frame).to_be_bytes());
        frame
    };
    for (bytes, problem) in [
        (flipped(0), Problem::PreludeChecksum),
        (flipped(9), Problem::PreludeChecksum),
        (flipped(14), Problem::Checksum),
        (flipped(last), Problem::Checksum),
        (lengths, Problem::Lengths),
        (sealed(&[3, b'a'], b""), Problem::Headers),
        (sealed(&[1, b'a', 7, 0, 9, b'x'], b""), Problem::Headers),
        (sealed(&[1, b'a', 10], b""), Problem::Headers),
        (frame(&[], &[0; 985]), Problem::TooLarge),
    ] {
        let stream = [&good[..], &bytes, &good].concat();
        for size in [1, 7, stream.len()] {
            let chunks: Vec<&[u8]> = stream.chunks(size).collect();
            let (result, frames, whole) = decode(&chunks, 1000);
            assert_eq!((result, frames.len(), whole), (Err(problem), 1, false), "{problem:?} {size}");
        }
    }
    assert!(decode(&[&frame(&[], &[0; 984])], 1000).0.is_ok());
}

#[test]
fn an_incomplete_frame_takes_memory_only_for_the_bytes_received() {
    let good = frame(&[], &[0; 900]);
    let mut decoder = Decoder::new(usize::MAX);
    decoder.feed(&good[..100], |_| {}).unwrap();
    assert!(!decoder.is_between_frames());
    assert!(decoder.held.capacity() < 300, "{}", decoder.held.capacity());
}

proptest! {
    #[test]
    fn the_frames_do_not_depend_on_the_chunks(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..6),
        sizes in prop::collection::vec(1usize..50, 1..20),
        flip in prop::option::of((any::<prop::sample::Index>(), 0u8..8)),
    ) {
        let mut stream: Vec<u8> =
            payloads.iter().flat_map(|payload| frame(&[(":event-type", "chunk")], payload)).collect();
        if let (Some((at, bit)), false) = (flip, stream.is_empty()) {
            let at = at.index(stream.len());
            stream[at] ^= 1 << bit;
        }
        let whole = decode(&[&stream], 10_000);
        if flip.is_none() || stream.is_empty() {
            prop_assert_eq!(whole.0, Ok(()));
            prop_assert_eq!(whole.1.len(), payloads.len());
        } else {
            // The checksums find every flipped bit.
            prop_assert!(whole.0.is_err() || !whole.2);
            prop_assert!(whole.1.len() < payloads.len());
        }
        let mut rest = &stream[..];
        let mut chunks = Vec::new();
        for size in sizes.iter().cycle() {
            if rest.is_empty() { break; }
            let (chunk, after) = rest.split_at((*size).min(rest.len()));
            chunks.push(chunk);
            rest = after;
        }
        prop_assert_eq!(decode(&chunks, 10_000), whole);
    }
}
