use super::Scanner;
use crate::json::{Error, Kind, MAX_PATH, Name, Problem, Scalar, Visitor, Want};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Item,
    Model,
    Messages,
    Quote,
    Longest,
}

const LONGEST: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaé";

impl Name for Known {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"model" => Some(Self::Model),
            b"messages" => Some(Self::Messages),
            b"\"\xc3\xa9\xf0\x9f\x98\x80" => Some(Self::Quote),
            _ => name.ends_with(LONGEST.as_bytes()).then_some(Self::Longest),
        }
    }
}

/// Wants the same of every value but an outermost container, which it reads. Logs each call as one line.
struct Log(Want, Vec<String>);

impl Visitor for Log {
    type Name = Known;

    fn begin(&mut self, path: &[Known], kind: Kind, offset: u64) -> Want {
        self.1.push(format!("{path:?} {kind:?} from {offset}"));
        if path.is_empty() && matches!(kind, Kind::Object | Kind::Array) { Want::Read } else { self.0 }
    }

    fn text(&mut self, path: &[Known], run: &str) {
        self.1.push(format!("{path:?} text {run}"));
    }

    fn scalar(&mut self, path: &[Known], value: Scalar<'_>) {
        self.1.push(format!("{path:?} {value:?}"));
    }

    fn end(&mut self, path: &[Known], kind: Kind, offset: u64) {
        self.1.push(format!("{path:?} {kind:?} to {offset}"));
    }
}

fn scan(want: Want, chunks: &[&[u8]]) -> (Result<(), Error>, Vec<String>) {
    let (mut scanner, mut log) = (Scanner::any(64), Log(want, Vec::new()));
    let result = chunks.iter().try_for_each(|chunk| scanner.feed(chunk, &mut log));
    (result.and_then(|()| scanner.finish(&mut log)), log.1)
}

fn calls(want: Want, chunks: &[&str]) -> Vec<String> {
    let chunks: Vec<&[u8]> = chunks.iter().map(|chunk| chunk.as_bytes()).collect();
    let (result, calls) = scan(want, &chunks);
    assert_eq!(result, Ok(()));
    calls
}

/// The text of a document that is one string.
fn text(chunks: &[&[u8]]) -> Result<String, Problem> {
    let (result, calls) = scan(Want::Read, chunks);
    let runs = calls.iter().filter_map(|line| line.strip_prefix("[] text "));
    result.map(|()| runs.collect()).map_err(|error| error.problem)
}

#[test]
fn values_come_with_their_path_and_offset() {
    let document = r#"{"model": "x", "unknown": [{"model": 1}], "messages": [null, true, -1.50]}"#;
    let expected = [
        "[] Object from 0",
        "[Model] String from 10",
        "[Model] text x",
        "[Model] String to 13",
        "[Messages] Array from 54",
        "[Messages, Item] Null from 55",
        "[Messages, Item] Null",
        "[Messages, Item] Bool from 61",
        "[Messages, Item] Bool(true)",
        "[Messages, Item] Number from 67",
        "[Messages, Item] Number(Some(\"-1.50\"))",
        "[Messages] Array to 73",
        "[] Object to 74",
    ];
    assert_eq!(calls(Want::Read, &[document]), expected);
}

#[test]
fn a_raw_value_comes_as_its_own_bytes() {
    let document = "[ {\"a\\n\" : [ 1.0 ] } , \"\\u0041\" , 1e5 ,false]";
    let expected = [
        "[] Array from 0",
        "[Item] Object from 2",
        "[Item] text {\"a\\n\" : [ 1.0 ] }",
        "[Item] Object to 20",
        "[Item] String from 23",
        "[Item] text \"\\u0041\"",
        "[Item] String to 31",
        "[Item] Number from 34",
        "[Item] text 1e5",
        "[Item] Number to 37",
        "[Item] Bool from 39",
        "[Item] text false",
        "[Item] Bool to 44",
        "[] Array to 45",
    ];
    assert_eq!(calls(Want::Raw, &[document]), expected);
}

#[test]
fn a_skipped_value_only_begins() {
    let document = r#"{"model":{"model":1},"messages":["model"],"model":2}"#;
    let expected = [
        "[] Object from 0",
        "[Model] Object from 9",
        "[Messages] Array from 32",
        "[Model] Number from 50",
        "[] Object to 52",
    ];
    assert_eq!(calls(Want::Skip, &[document]), expected);
}

#[test]
fn an_empty_string_has_no_text() {
    assert_eq!(calls(Want::Read, &["\"\""]), ["[] String from 0", "[] String to 2"]);
}

#[test]
fn names_are_compared_after_unescaping_and_up_to_64_bytes() {
    let begins = |name: &str, cut: usize| {
        let document = format!("{{\"{name}\":1}}");
        let (before, after) = document.split_at(cut + 2);
        calls(Want::Read, &[before, after]).len() == 4
    };
    for name in ["model", "\\u006dodel", "\\\"\\u00e9\\ud83d\\uDE00", "\\\"é😀", LONGEST] {
        for cut in (0..name.len()).filter(|cut| name.is_char_boundary(*cut)) {
            assert!(begins(name, cut), "{name} cut at {cut}");
        }
    }
    assert_eq!(LONGEST.len(), 64);
    let longer = format!("b{LONGEST}");
    for name in [&longer, "Model", "model ", "\\ud83d", "mode", "modell", ""] {
        assert!(!begins(name, 0), "{name}");
    }
}

#[test]
fn surrogate_pairs_combine_and_lone_surrogates_become_u_fffd() {
    for (escaped, expected) in [
        ("\\ud83d\\ude00", "😀"),
        ("\\ud83d", "\u{fffd}"),
        ("\\ude00x", "\u{fffd}x"),
        ("\\ud83d\\ud83d\\ude00", "\u{fffd}😀"),
        ("\\ud83dx\\ude00", "\u{fffd}x\u{fffd}"),
        ("\\ud83d\\n\\ude00", "\u{fffd}\n\u{fffd}"),
        ("\\ud83dé", "\u{fffd}é"),
        ("\\u0000\\u00E9\\uFFFF", "\0é\u{ffff}"),
        ("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\u{8}\u{c}\n\r\t"),
    ] {
        let document = format!("\"{escaped}\"");
        for cut in 0..document.len() {
            let (before, after) = document.as_bytes().split_at(cut);
            assert_eq!(text(&[before, after]).as_deref(), Ok(expected), "{escaped} cut at {cut}");
        }
    }
}

#[test]
fn a_string_must_be_utf8_read_or_not() {
    for (bytes, valid) in [
        (&b"\x7f"[..], true),
        (b"\xc2\x80\xdf\xbf", true),
        (b"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80", true),
        (b"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true),
        (b"\x80", false),
        (b"\xc0\x80", false),
        (b"\xc1\xbf", false),
        (b"\xe0\x9f\xbf", false),
        (b"\xed\xa0\x80", false),
        (b"\xf0\x8f\xbf\xbf", false),
        (b"\xf4\x90\x80\x80", false),
        (b"\xf5\x80\x80\x80", false),
        (b"\xff", false),
        (b"\xe2\x82", false),
        (b"\xe2\x82\\n", false),
        (b"\xf0\x9f\x98", false),
    ] {
        for fill in [0, 3, 15, 16, 40, 300] {
            let fill = "x".repeat(fill);
            let document = [b"\"", fill.as_bytes(), bytes, fill.as_bytes(), b"\""].concat();
            for cut in 0..document.len() {
                let (before, after) = document.split_at(cut);
                for want in [Want::Read, Want::Skip, Want::Raw] {
                    let (result, _) = scan(want, &[before, after]);
                    assert_eq!(result.is_ok(), valid, "{bytes:x?} {want:?} cut at {cut}");
                    if let Err(error) = result {
                        assert_eq!(error.problem, Problem::NotUtf8);
                    }
                }
            }
            let name = [b"{", &document[..], b":0}"].concat();
            assert_eq!(scan(Want::Read, &[&name]).0.is_ok(), valid);
            assert_eq!(scan(Want::Skip, &[b"[[", &name, b"]]"]).0.is_ok(), valid);
        }
    }
}

#[test]
fn every_problem_is_reported_with_its_offset() {
    for (document, problem, offset) in [
        ("", Problem::Empty, 0),
        (" \t\r\n", Problem::Empty, 4),
        ("{\"a\":", Problem::Truncated, 5),
        ("\"a", Problem::Truncated, 2),
        ("-", Problem::Truncated, 1),
        ("1e", Problem::Truncated, 2),
        ("nul", Problem::Truncated, 3),
        ("[1", Problem::Truncated, 2),
        ("\u{feff}{}", Problem::UnexpectedByte, 0),
        ("[1,]", Problem::UnexpectedByte, 3),
        ("[,1]", Problem::UnexpectedByte, 1),
        ("[1 2]", Problem::UnexpectedByte, 3),
        ("{\"a\":1,}", Problem::UnexpectedByte, 7),
        ("{\"a\" 1}", Problem::UnexpectedByte, 5),
        ("{a:1}", Problem::UnexpectedByte, 1),
        ("{1:1}", Problem::UnexpectedByte, 1),
        ("[1}", Problem::UnexpectedByte, 2),
        ("{\"a\":1]", Problem::UnexpectedByte, 6),
        ("]", Problem::UnexpectedByte, 0),
        ("nule", Problem::UnexpectedByte, 3),
        ("True", Problem::UnexpectedByte, 0),
        ("[NaN]", Problem::UnexpectedByte, 1),
        ("[1.2.3]", Problem::UnexpectedByte, 4),
        ("[1\u{b}]", Problem::UnexpectedByte, 2),
        ("[01]", Problem::BadNumber, 2),
        ("[-]", Problem::BadNumber, 2),
        ("[1.]", Problem::BadNumber, 3),
        ("[1.e1]", Problem::BadNumber, 3),
        ("[1e+]", Problem::BadNumber, 4),
        ("\"\\x\"", Problem::BadEscape, 2),
        ("\"\\u12g4\"", Problem::BadEscape, 5),
        ("\"\\u123\"", Problem::BadEscape, 6),
        ("\"\\\n\"", Problem::BadEscape, 2),
        ("\"a\nb\"", Problem::ControlCharacter, 2),
        ("{\"\u{1f}\":1}", Problem::ControlCharacter, 2),
        ("{} x", Problem::TrailingData, 3),
        ("{}{}", Problem::TrailingData, 2),
        ("1 2", Problem::TrailingData, 2),
        ("null,", Problem::TrailingData, 4),
    ] {
        let expected = Err(Error { problem, offset });
        for want in [Want::Read, Want::Skip, Want::Raw] {
            assert_eq!(scan(want, &[document.as_bytes()]).0, expected, "{document:?} {want:?}");
            let bytes: Vec<&[u8]> = document.as_bytes().chunks(1).collect();
            assert_eq!(scan(want, &bytes).0, expected, "{document:?} {want:?} in bytes");
        }
    }
}

#[test]
fn a_document_that_is_not_an_object_fails_at_its_first_byte() {
    for (document, offset) in [("[", 0), (" \n1", 2), ("\u{feff}{}", 0), ("x", 0), ("}", 0)] {
        let (mut scanner, mut log) = (Scanner::object(64), Log(Want::Read, Vec::new()));
        let error = Error { problem: Problem::NotAnObject, offset };
        assert_eq!(scanner.feed(document.as_bytes(), &mut log), Err(error), "{document}");
        assert!(log.1.is_empty());
    }
}

#[test]
fn an_error_stays_and_does_not_quote_the_input() {
    let (mut scanner, mut log) = (Scanner::object(64), Log(Want::Read, Vec::new()));
    assert_eq!(scanner.feed(b"{\"model\":", &mut log), Ok(()));
    assert_eq!(scanner.offset(), 9);
    let error = Error { problem: Problem::UnexpectedByte, offset: 10 };
    assert_eq!(scanner.feed(b" secret", &mut log), Err(error));
    assert_eq!(scanner.feed(b"1}", &mut log), Err(error));
    assert_eq!(scanner.finish(&mut log), Err(error));
    assert_eq!((scanner.offset(), scanner.is_complete()), (10, false));
    assert_eq!(error.to_string(), "a character is not allowed at its place in JSON (at byte 10)");
}

#[test]
fn a_document_is_complete_at_its_last_byte() {
    let (mut scanner, mut log) = (Scanner::object(64), Log(Want::Read, Vec::new()));
    for (chunk, complete) in [("{\"model\":1", false), ("}", true), (" \n", true)] {
        assert_eq!(scanner.feed(chunk.as_bytes(), &mut log), Ok(()));
        assert_eq!(scanner.is_complete(), complete);
    }
    assert_eq!(scanner.finish(&mut log), Ok(()));
    assert_eq!(scanner.finish(&mut log), Ok(()));
    assert_eq!(scanner.feed(b" ", &mut log), Ok(()));
    let error = Error { problem: Problem::TrailingData, offset: 14 };
    assert_eq!(scanner.feed(b"{", &mut log), Err(error));
}

#[test]
fn a_number_that_is_the_document_ends_with_the_input() {
    let expected = ["[] Number from 1", "[] Number(Some(\"12\"))"];
    assert_eq!(calls(Want::Read, &[" 1", "2"]), expected);
    assert_eq!(calls(Want::Read, &[" 1", "2 "]), expected);
    assert_eq!(calls(Want::Raw, &[" 12"])[1..], ["[] text 12", "[] Number to 3"]);
    let (mut scanner, mut log) = (Scanner::any(64), Log(Want::Read, Vec::new()));
    assert_eq!(scanner.feed(b"12", &mut log), Ok(()));
    assert!(!scanner.is_complete());
    assert_eq!(scanner.finish(&mut log), Ok(()));
    assert!(scanner.is_complete());
    assert_eq!(scanner.finish(&mut log), Ok(()));
    assert_eq!(log.1.len(), 2, "it is delivered once");
    assert!(scanner.feed(b"3", &mut log).is_err());
}

#[test]
fn a_number_of_more_than_32_bytes_has_no_text() {
    let number = |digits: usize| format!("[{}]", "7".repeat(digits));
    assert_eq!(calls(Want::Read, &[&number(32)])[2], format!("[Item] Number(Some(\"{}\"))", "7".repeat(32)));
    assert_eq!(calls(Want::Read, &[&number(33)])[2], "[Item] Number(None)");
    assert_eq!(calls(Want::Read, &[&number(100_000)])[2], "[Item] Number(None)");
}

#[test]
fn a_container_whose_path_would_be_too_long_is_skipped() {
    let document = "[".repeat(MAX_PATH + 1) + "1" + &"]".repeat(MAX_PATH + 1);
    let calls = calls(Want::Read, &[&document]);
    // The innermost container that is read has neither elements nor an end.
    assert_eq!(calls.len(), 2 * MAX_PATH + 1);
    assert_eq!(calls[MAX_PATH], format!("{:?} Array from {MAX_PATH}", [Known::Item; MAX_PATH]));
    assert_eq!(calls.last().map(String::as_str), Some("[] Array to 27"));
}

#[test]
fn nesting_is_bounded() {
    for want in [Want::Read, Want::Skip, Want::Raw] {
        let (mut scanner, mut log) = (Scanner::any(2), Log(want, Vec::new()));
        let error = Error { problem: Problem::TooDeep, offset: 16 };
        assert_eq!(scanner.feed("[".repeat(17).as_bytes(), &mut log), Err(error));
        let (mut scanner, mut log) = (Scanner::any(2), Log(want, Vec::new()));
        assert_eq!(scanner.feed("[".repeat(16).as_bytes(), &mut log), Ok(()));
        assert_eq!(scanner.feed("]".repeat(16).as_bytes(), &mut log), Ok(()));
        assert!(scanner.is_complete());
    }
}
