//! Documents are put on one line.

use crate::documents::{document, mutated, unportable};
use crate::log::{Call, read_all, scan};
use ai_bridge::json::compact;
use proptest::prelude::*;
use serde_json::Value;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn compact_keeps_the_values_and_leaves_no_white_space(document in document()) {
        let (short, _) = compact(&document);
        let calls = |text: &str| {
            let (_, mut calls) = scan([text.as_bytes()], read_all);
            for event in &mut calls {
                if let Call::Begin(_, _, offset) | Call::End(_, _, offset) = event {
                    *offset = 0;
                }
            }
            calls
        };
        prop_assert_eq!(calls(&document), calls(&short));
        prop_assert_eq!(&compact(&short).0, &short);
    }

    #[test]
    fn serde_json_reads_what_compact_calls_portable_inside_a_record(
        document in document(),
        odd in unportable(),
    ) {
        let name = serde_json::to_string(&document).unwrap();
        for document in [format!("[{odd},{document}]"), format!("{{{name}:{document},\"\": {odd}}}")] {
            let (short, portable) = compact(&document);
            let accepted = serde_json::from_str::<Value>(&format!("[[[{short}]]]")).is_ok();
            prop_assert!(accepted || !portable, "{}", document);
        }
    }

    #[test]
    fn compact_takes_any_text(bytes in mutated()) {
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(compact(&text).0.len() <= text.len());
    }
}
