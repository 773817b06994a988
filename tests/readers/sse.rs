//! The decoder of server-sent events agrees with a plain reading of the whole stream, however chunks cut it.

use ai_bridge::sse::Completeness;
use proptest::prelude::*;
use world::sse::{DecodedEvent, check, decoded, expected};

/// Pieces of meaningful streams.
const PIECES: &[&[u8]] = &[
    b"\n",
    b"\n",
    b"\r",
    b"\r\n",
    b"\r\n",
    b"\n\n",
    b"\r\r",
    b"\r\n\r\n",
    b":",
    b": ping",
    b" ",
    b"data",
    b"data:",
    b"data: ",
    b"data:  x",
    b"data: {\"type\":\"message_start\"}",
    b"data: [DONE]",
    b"event",
    b"event:",
    b"event: ",
    b"event: message_stop",
    b"event: a_name_that_is_longer_than_the_sixty_four_bytes_that_are_kept_of_names",
    b"id: 1",
    b"retry: 10",
    b"dat",
    b"datum",
    b"e",
    b"events: x",
    b"\xef\xbb\xbf",
    b"\xef\xbb",
    b"\xff",
    b"\0",
    b"x",
];

/// Complete fields and lines.
const FIELDS: &[&[u8]] = &[b"data: x", b"data:", b"data", b"event: a", b"event", b"", b":"];

const LINE_ENDS: &[&[u8]] = &[b"\n", b"\r", b"\r\n"];

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(PIECES).prop_map(<[u8]>::to_vec);
    let field = (prop::sample::select(FIELDS), prop::sample::select(LINE_ENDS))
        .prop_map(|(field, end)| [field, end].concat());
    prop::collection::vec(prop_oneof![piece, field], 0..24).prop_map(|pieces| pieces.concat())
}

/// A stream and ascending offsets within it, which may repeat.
fn cut_stream() -> impl Strategy<Value = (Vec<u8>, Vec<usize>)> {
    stream().prop_flat_map(|stream| {
        let cuts = prop::collection::vec(0..=stream.len(), 0..8).prop_map(|mut cuts| {
            cuts.sort_unstable();
            cuts
        });
        (Just(stream), cuts)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_whole_stream_is_read_by_the_rules_at_any_limit(stream in stream()) {
        check(&stream, &[], usize::MAX);
        for limit in 0..stream.len().min(200) {
            check(&stream, &[], limit);
        }
    }

    #[test]
    fn cutting_a_stream_in_two_anywhere_changes_nothing(stream in stream(), limit in 0_usize..80) {
        for cut in 0..=stream.len() {
            check(&stream, &[cut], usize::MAX);
            check(&stream, &[cut], limit);
        }
    }

    #[test]
    fn single_bytes_and_random_cuts_change_nothing((stream, cuts) in cut_stream(), limit in 0_usize..80) {
        let everywhere: Vec<usize> = (0..=stream.len()).collect();
        for limit in [usize::MAX, limit] {
            check(&stream, &everywhere, limit);
            check(&stream, &cuts, limit);
        }
    }

    #[test]
    fn no_bytes_cause_a_panic(stream: Vec<u8>, cut: prop::sample::Index, limit: usize) {
        check(&stream, &[cut.index(stream.len() + 1)], limit);
    }

    #[test]
    fn line_ends_may_be_written_in_any_way(
        texts in prop::collection::vec(prop::collection::vec("[a-z: {}\"]{0,12}", 1..4), 1..5),
        ends in prop::collection::vec(prop::sample::select(LINE_ENDS), 24),
    ) {
        let mut ends = ends.into_iter().cycle();
        let mut stream = Vec::new();
        for lines in &texts {
            for line in lines {
                stream.extend([b"data: ", line.as_bytes(), ends.next().unwrap_or(b"\n")].concat());
            }
            // A CR before a LF would be one line end, not two.
            let end = ends.next().unwrap_or(b"\n");
            stream.extend(if end == b"\n" && stream.ends_with(b"\r") { b"\r" } else { end });
        }
        let told: Vec<Vec<u8>> = decoded([stream.as_slice()], 1 << 20).into_iter().map(|told| told.data).collect();
        let written: Vec<Vec<u8>> = texts.iter().map(|lines| lines.join("\n").into_bytes()).collect();
        prop_assert_eq!(told, written);
    }
}

#[test]
fn removing_an_event_by_its_offsets_leaves_the_others() {
    let stream = b"\xef\xbb\xbf: hello\ndata: a\n\ndata: b\r\n\r\n\n: ping\r\rdata: c\r\n\r\n";
    for cut in 0..=stream.len() {
        let (first, second) = stream.split_at(cut);
        let told = decoded([first, second], 1 << 20);
        // Removing an event up to the start of the next one removes nothing else.
        for (gone, next) in
            told.iter().zip(told.iter().skip(1).map(|next| next.start).chain([stream.len() as u64]))
        {
            let range = usize::try_from(gone.start).unwrap()..usize::try_from(next).unwrap();
            let left: Vec<u8> = stream
                .iter()
                .enumerate()
                .filter(|(at, _)| !range.contains(at))
                .map(|(_, byte)| *byte)
                .collect();
            let others: Vec<&[u8]> =
                told.iter().filter(|told| *told != gone).map(|told| &*told.data).collect();
            let read = expected(&left, &[], 1 << 20);
            assert_eq!(read.iter().map(|told| &*told.data).collect::<Vec<_>>(), others);
        }
    }
}

#[test]
fn an_event_of_10_mb_is_divided_at_the_limit() {
    const LIMIT: usize = 1 << 20;
    let stream = [b"event: big\ndata: ".as_slice(), &vec![b'x'; 10_000_000], b"\n\ndata: next\n\n"].concat();
    for chunk_bytes in [7, 4096, stream.len()] {
        let told = decoded(stream.chunks(chunk_bytes), LIMIT);
        let [big, next] = told.as_slice() else { panic!("{} events", told.len()) };
        let &DecodedEvent { ref name, ref data, ref excess, start, end, completeness } = big;
        assert_eq!(
            (name.as_slice(), start, end, completeness),
            (&b"big"[..], 0, 10_000_019, Completeness::Oversized)
        );
        assert_eq!(data.len(), LIMIT - b"event: big\ndata: ".len());
        assert_eq!(data.len() + excess.len(), 10_000_000);
        assert_eq!(
            (next.data.as_slice(), next.start, next.completeness),
            (&b"next"[..], 10_000_019, Completeness::Complete)
        );
    }
}
