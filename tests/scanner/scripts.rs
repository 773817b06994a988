//! Texts of every script are valid and come out as they are, in any chunking.

use crate::log::{Call, read_all, scan};
use ai_bridge::json::{Scanner, ValidateOnly};

/// The first and the last character of blocks of every script, and those around each border of UTF-8's rules.
const BORDERS: [(char, char); 30] = [
    ('\u{20}', '\u{7f}'),
    ('\u{80}', '\u{24f}'),
    ('\u{370}', '\u{3ff}'),
    ('\u{400}', '\u{52f}'),
    ('\u{531}', '\u{58a}'),
    ('\u{590}', '\u{5ff}'),
    ('\u{600}', '\u{6ff}'),
    ('\u{7c0}', '\u{7ff}'),
    ('\u{800}', '\u{83f}'),
    ('\u{900}', '\u{97f}'),
    ('\u{e00}', '\u{e7f}'),
    ('\u{fc0}', '\u{103f}'),
    ('\u{10a0}', '\u{10ff}'),
    ('\u{1100}', '\u{11ff}'),
    ('\u{1200}', '\u{137f}'),
    ('\u{1780}', '\u{17ff}'),
    ('\u{2000}', '\u{20cf}'),
    ('\u{2190}', '\u{25ff}'),
    ('\u{3040}', '\u{30ff}'),
    ('\u{4e00}', '\u{4fff}'),
    ('\u{9fc0}', '\u{9fff}'),
    ('\u{ac00}', '\u{acff}'),
    ('\u{cfc0}', '\u{d03f}'),
    ('\u{d700}', '\u{d7ff}'),
    ('\u{e000}', '\u{e03f}'),
    ('\u{ffc0}', '\u{1003f}'),
    ('\u{1f300}', '\u{1f6ff}'),
    ('\u{20000}', '\u{2003f}'),
    ('\u{3ffc0}', '\u{4003f}'),
    ('\u{10ff00}', '\u{10ffff}'),
];

#[test]
fn texts_of_every_script_are_read_in_any_chunking() {
    for (first, last) in BORDERS {
        let text: String = (first..=last).filter(|letter| !matches!(letter, '"' | '\\')).collect();
        let text = text.chars().cycle().take(150).enumerate().fold(String::new(), |text, (at, letter)| {
            text + &letter.to_string() + if at % 19 == 18 { "\\n" } else { "" }
        });
        let document = format!("[\"{text}\",\"x{text}\",\"{first}\",\"{text}\"]");
        let whole = scan([document.as_bytes()], read_all);
        assert_eq!(whole.0, Ok(()), "{first:?}");
        let expected = text.replace("\\n", "\n");
        assert!(
            whole.1.iter().any(|call| matches!(call, Call::Text(_, text) if *text == expected)),
            "{first:?}"
        );
        for size in [1, 2, 5, 64, 67] {
            assert_eq!(scan(document.as_bytes().chunks(size), read_all), whole, "{first:?} in {size}");
        }
        for cut in 0..=document.len() {
            let (one, other) = document.as_bytes().split_at(cut);
            let mut scanner = Scanner::any(64);
            for chunk in [one, other] {
                assert_eq!(scanner.feed(chunk, &mut ValidateOnly), Ok(()), "{first:?} at {cut}");
            }
            assert!(scanner.is_complete());
        }
    }
}
