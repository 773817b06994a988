//! Nothing depends on how a document is cut into chunks.

use crate::documents::{depth, document, mutated, split};
use crate::log::{Call, Known, mixed, read_all, scan};
use crate::values::verdict;
use ai_bridge::json::{Kind, Want};
use proptest::prelude::*;

/// Asserts that result and calls for `bytes` do not depend on the chunks, also up to an error.
fn same_in_any_chunking(bytes: &[u8], seed: u64, places: &[prop::sample::Index]) {
    for wants in [None, Some(seed)] {
        let run = |chunks: Vec<&[u8]>| match wants {
            None => scan(chunks, read_all),
            Some(seed) => scan(chunks, mixed(seed)),
        };
        let whole = run(vec![bytes]);
        let mut splits = vec![bytes.chunks(1).collect(), split(bytes, places)];
        if bytes.len() <= 200 {
            splits.extend((0..=bytes.len()).map(|place| vec![&bytes[..place], &bytes[place..]]));
        }
        for chunks in splits {
            let cuts: Vec<usize> = chunks.iter().map(|chunk| chunk.len()).collect();
            let cut = run(chunks);
            assert_eq!(cut.0, whole.0, "{cuts:?}");
            assert_eq!(cut.1, whole.1, "{cuts:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn calls_do_not_depend_on_the_chunks(
        document in document(),
        seed in any::<u64>(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 1..8),
    ) {
        same_in_any_chunking(document.as_bytes(), seed, &places);
    }

    #[test]
    fn mutated_documents_get_serde_jsons_verdict_in_any_chunking(
        bytes in mutated(),
        seed in any::<u64>(),
        places in prop::collection::vec(any::<prop::sample::Index>(), 1..8),
    ) {
        let (result, _) = scan([&bytes[..]], mixed(seed));
        if depth(&String::from_utf8_lossy(&bytes)) < 100 {
            prop_assert_eq!(result.is_ok(), verdict(&bytes), "{:?}", result);
        }
        same_in_any_chunking(&bytes, seed, &places);
    }
}

#[test]
fn calls_before_an_error_do_not_depend_on_the_chunks() {
    let long = "z".repeat(70);
    for (input, calls) in [
        (&b"{\"a\":\"xy\xffz\"}"[..], "xy"),
        (format!("{{\"a\":\"{long}\u{7f}\u{1}\"}}").as_bytes(), &format!("{long}\u{7f}")),
        (
            [b"{\"a\":\"", long.as_bytes(), b"\\n\xff", long.as_bytes()].concat().as_slice(),
            &format!("{long}\n"),
        ),
    ] {
        for chunks in [vec![input], input.chunks(1).collect()] {
            let (verdict, log) = scan(chunks, read_all);
            assert!(verdict.is_err());
            assert!(matches!(log.last(), Some(Call::Text(_, text)) if text == calls), "{log:?}");
        }
    }
    let raw = |path: &[Known], _: Kind, _: u64| if path.is_empty() { Want::Read } else { Want::Raw };
    for (input, calls) in [
        (&b"{\"a\":{\"b\":[1,\"x\xff\"]}}"[..], "{\"b\":[1,\"x"),
        (b"{\"a\":{\"com\x00", "{\"com"),
        (b"{\"a\":[1,,2]}", "[1,"),
        (b"{\"a\":[nul]}", "[nul"),
    ] {
        for chunks in [vec![input], input.chunks(1).collect()] {
            let (verdict, log) = scan(chunks, raw);
            assert!(verdict.is_err());
            assert!(matches!(log.last(), Some(Call::Text(_, text)) if text == calls), "{log:?}");
        }
    }
}
