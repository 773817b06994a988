//! Bytes that are wrong in a string are found at every place of a block and at every seam of chunks; long rows of one byte
//! are read in linear time.

use crate::log::{mixed, read_all, scan};
use crate::values::verdict;
use ai_bridge::json::{Error, Kind, Problem, Scanner, ValidateOnly, Want};

/// What may be wrong in a string.
const WRONG: [(&[u8], Problem); 26] = [
    (b"\xc0\x80", Problem::NotUtf8), // overlong
    (b"\xc1\xbf", Problem::NotUtf8),
    (b"\xe0\x80\x80", Problem::NotUtf8),
    (b"\xe0\x9f\xbf", Problem::NotUtf8),
    (b"\xf0\x80\x80\x80", Problem::NotUtf8),
    (b"\xf0\x8f\xbf\xbf", Problem::NotUtf8),
    (b"\xed\xa0\x80", Problem::NotUtf8), // surrogates
    (b"\xed\xbf\xbf", Problem::NotUtf8),
    (b"\xed\xa0\xbd\xed\xb8\x80", Problem::NotUtf8),
    (b"\xf4\x90\x80\x80", Problem::NotUtf8), // above U+10FFFF
    (b"\xf5\x80\x80\x80", Problem::NotUtf8),
    (b"\xf8\x88\x80\x80\x80", Problem::NotUtf8), // five and six bytes
    (b"\xfc\x84\x80\x80\x80\x80", Problem::NotUtf8),
    (b"\xff", Problem::NotUtf8),
    (b"\x80", Problem::NotUtf8), // a continuation alone
    (b"\xc3\xa9\xa9", Problem::NotUtf8),
    (b"\xc3", Problem::NotUtf8), // truncated
    (b"\xe4\xbd", Problem::NotUtf8),
    (b"\xf0\x9f\x98", Problem::NotUtf8),
    (b"\xe4\\n", Problem::NotUtf8),
    (b"\\x", Problem::BadEscape),
    (b"\\u12g4", Problem::BadEscape),
    (b"\\ud83d\\u", Problem::BadEscape),
    (b"\\\\\\\xc3\xa9", Problem::BadEscape),
    (b"\x00", Problem::ControlCharacter),
    (b"\\n\x1f", Problem::ControlCharacter),
];

/// Texts before and after, in which blocks are plain, escaped, or beyond ASCII.
const FILLERS: [&str; 4] = ["x", "\\n\\\"", "模", "é\\\\"];

#[test]
fn wrong_bytes_are_found_at_every_place_of_a_block() {
    for (wrong, problem) in WRONG {
        for filler in FILLERS {
            for place in (0..140).step_by(if filler.len() > 1 { 7 } else { 1 }) {
                let before = format!("[\"{}{filler}{filler}", "y".repeat(place));
                let document = [before.as_bytes(), wrong, filler.repeat(70).as_bytes(), b"\"]"].concat();
                assert!(!verdict(&document));
                let read = scan([&document[..]], read_all).0;
                assert_eq!(read.map_err(|error| error.problem), Err(problem), "{}", document.escape_ascii());
                assert_eq!(validate(&[&document]), read, "{}", document.escape_ascii());
            }
        }
    }
}

#[test]
fn wrong_bytes_are_found_at_every_seam_of_chunks() {
    for (wrong, _) in WRONG {
        for filler in FILLERS {
            let before = format!("[\"{}", filler.repeat(66));
            let document = [before.as_bytes(), wrong, filler.repeat(66).as_bytes(), b"\"]"].concat();
            let whole = validate(&[&document]);
            assert!(whole.is_err());
            for cut in before.len().saturating_sub(3)..before.len() + wrong.len() + 3 {
                let (one, other) = document.split_at(cut);
                assert_eq!(validate(&[one, other]), whole, "{} at {cut}", document.escape_ascii());
                for size in [1, 3] {
                    let chunks = [vec![one], other.chunks(size).collect()].concat();
                    assert_eq!(validate(&chunks), whole, "{} at {cut}", document.escape_ascii());
                    assert_eq!(scan(chunks, mixed(1)).0, scan([&document[..]], mixed(1)).0);
                }
            }
        }
    }
}

#[test]
fn escapes_may_be_cut_anywhere() {
    let escapes = "\\\\\\\"\\u00e9\\ud83d\\ude00\\ud83d\\n\\/\\\\\\\\\\u4e2d";
    for place in 0..70 {
        let document = format!("[\"{}{escapes}{}\"]", "y".repeat(place), "模".repeat(30));
        let whole = scan([document.as_bytes()], read_all);
        assert_eq!(whole.0, Ok(()));
        for cut in 0..=document.len() {
            let (one, other) = document.as_bytes().split_at(cut);
            assert_eq!(scan([one, other], read_all), whole, "{document} at {cut}");
            assert_eq!(validate(&[one, other]), Ok(()), "{document} at {cut}");
        }
    }
}

#[test]
fn a_megabyte_of_one_byte_is_read_in_linear_time() {
    const MANY: usize = 1 << 20;
    // All chunks of a few bytes: work that depended on the length so far would never end.
    for (row, expected) in [
        ("\\".repeat(MANY), Ok(())),
        ("\\\"".repeat(MANY / 2), Ok(())),
        ("\\u0000".repeat(MANY / 6), Ok(())),
        ("\\\\\\\"".repeat(MANY / 4), Ok(())),
        ("\"".repeat(MANY), Err(Problem::UnexpectedByte)),
        ("模".repeat(MANY / 3), Ok(())),
    ] {
        let document = format!("[\"{row}\"]");
        for size in [7, 16_384] {
            let chunks: Vec<&[u8]> = document.as_bytes().chunks(size).collect();
            assert_eq!(validate(&chunks).map_err(|error| error.problem), expected);
            let raw = |_: &[_], kind: Kind, _| if kind == Kind::String { Want::Raw } else { Want::Read };
            assert_eq!(scan(chunks, raw).0.map_err(|error| error.problem), expected);
        }
    }
    let nested = "[{\"a\":".repeat(MANY / 6);
    let mut scanner = Scanner::any(1 << 20);
    assert_eq!(scanner.feed(nested.as_bytes(), &mut ValidateOnly), Ok(()));
    assert_eq!(scanner.finish(&mut ValidateOnly).map_err(|error| error.problem), Err(Problem::Truncated));
}

/// Whether a document is valid, where no value of it is read.
fn validate(chunks: &[&[u8]]) -> Result<(), Error> {
    let mut scanner = Scanner::any(1024);
    chunks.iter().try_for_each(|chunk| scanner.feed(chunk, &mut ValidateOnly))?;
    scanner.finish(&mut ValidateOnly)
}
