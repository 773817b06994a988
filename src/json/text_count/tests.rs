use crate::json::{Kind, Name, Scalar, Scanner, Visitor, Want};
use serde_json::Value;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Item,
    Texts,
    Part,
    Pass,
}

impl Name for Known {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"texts" => Some(Self::Texts),
            b"part" => Some(Self::Part),
            b"pass" => Some(Self::Pass),
            _ => None,
        }
    }
}

/// Counts what is below `texts`. Reads containers down to `depth`, and wants the same of every other value.
struct Counting {
    depth: usize,
    want: Want,
}

impl Visitor for Counting {
    type Name = Known;

    fn begin(&mut self, path: &[Known], kind: Kind, _: u64) -> Want {
        let container = matches!(kind, Kind::Object | Kind::Array);
        match self.want {
            _ if container && path.len() <= self.depth => Want::Read,
            Want::Read if container => Want::Skip,
            want @ (Want::Skip | Want::Read | Want::Tentative | Want::Piece | Want::Raw | Want::Latest) => {
                want
            }
        }
    }

    fn counts(&mut self, path: &[Known], _: Kind) -> bool {
        self.counts_unknown(path)
    }

    fn counts_unknown(&self, path: &[Known]) -> bool {
        path.first() == Some(&Known::Texts) && !path.contains(&Known::Pass)
    }

    fn text(&mut self, _: &[Known], _: &str) {}

    fn scalar(&mut self, _: &[Known], _: Scalar<'_>) {}

    fn end(&mut self, _: &[Known], _: Kind, _: u64) {}
}

const EXCEPT: &[&[u8]] = &[b"pass", b"texts", "naïve \"\\ name".as_bytes()];

/// The bytes of all strings in `value`.
fn bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(bytes).sum(),
        Value::Object(members) => {
            let counted = members.iter().filter(|(name, _)| !EXCEPT.contains(&name.as_bytes()));
            counted.map(|(_, value)| bytes(value)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn count(depth: usize, want: Want, except: &'static [&'static [u8]], chunks: &[&[u8]]) -> u64 {
    let mut scanner = Scanner::object(64).counting_except(except);
    let mut visitor = Counting { depth, want };
    for chunk in chunks {
        if scanner.feed(chunk, &mut visitor).is_err() {
            break;
        }
    }
    scanner.text_bytes()
}

/// Documents in which each of these texts is in each place.
fn documents() -> impl Iterator<Item = String> {
    const PLAIN: &str =
        "a text without a single escape, and of some length so that it spans several blocks, é, 😀";
    let texts = [
        "",
        "a",
        r"\n",
        r"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\",
        r"\u0041",
        r"\u00e9\u20ac\ud83d\ude00",
        PLAIN,
        r#"a text with \"escapes\", of which \n\t some are \u00e9 longer \u0007 than \\\\others and \ud83d\ude00 pairs\r\n"#,
        r"aaaaaaaaaaaaaa\u00e9aaaaaaaaaaaaaa\\aaaaaaaaaaaaaaa\u20acaaaaaaaaaaaaaa\nb",
    ];
    texts.into_iter().flat_map(|text| {
        [
            format!(r#"{{"other":"{text}","texts":"{text}","pass":"{text}"}}"#),
            format!(r#"{{"texts":["{text}",{{"part":"{text}","pass":"{text}","type":1,"x":"{text}"}}]}}"#),
            format!(r#"{{"texts":[{{"part":["{text}",{{"pass":{{"part":["{text}"]}},"b":"{text}"}}],"c":"{text}"}}]}}"#),
            format!(r#"{{"texts":{{"na\u00efve \"\\ name":"{text}","naïve \"\\ name":[["{text}"]],"{text}":"{text}"}}}}"#),
            format!(r#"{{"texts":{{"pass":null,"b":"{text}","pass":[],"c":"{text}","pass":1.5,"x":["{text}"],"pa\u0073s":"{text}"}}}}"#),
        ]
    })
}

#[test]
fn texts_are_counted_after_unescaping_in_any_chunking() {
    for document in documents() {
        let value: Value = serde_json::from_str(&document).unwrap();
        let wanted = bytes(&value["texts"]) as u64;
        let document = document.as_bytes();
        for depth in 0..4 {
            for want in [Want::Skip, Want::Read, Want::Raw] {
                let place = format!("{depth} {want:?} {}", document.escape_ascii());
                assert_eq!(count(depth, want, EXCEPT, &[document]), wanted, "{place}");
                let single: Vec<&[u8]> = document.chunks(1).collect();
                for end in 0..=document.len() {
                    let (first, second) = document.split_at(end);
                    assert_eq!(count(depth, want, EXCEPT, &[first, second]), wanted, "{end} {place}");
                    let cut = count(depth, want, EXCEPT, &[first]);
                    assert_eq!(count(depth, want, EXCEPT, &single[..end]), cut, "cut at {end} {place}");
                }
            }
        }
    }
}

#[test]
fn without_exceptions_a_container_counts_with_all_its_bytes() {
    let document: &[u8] = br#"{"texts":["one", {"part": "two"}],"part":[1]}"#;
    let single: Vec<&[u8]> = document.chunks(1).collect();
    for depth in 0..3 {
        for want in [Want::Skip, Want::Raw] {
            assert_eq!(count(depth, want, &[], &[document]), count(depth, want, &[], &single), "{depth}");
        }
    }
    assert_eq!(count(0, Want::Skip, &[], &[document]), br#"["one", {"part": "two"}]"#.len() as u64);
    assert_eq!(count(1, Want::Skip, &[], &[document]), 3 + br#"{"part": "two"}"#.len() as u64);
    assert_eq!(count(2, Want::Skip, &[], &[document]), 6);
}

#[test]
fn what_is_invalid_is_not_counted_in_any_chunking() {
    for bad in [&b"a text \\x"[..], b"a long text before bytes that are no text \xff", b"\x01", b"abc\\u00zz"]
    {
        let document = [br#"{"texts":["valid",""#, bad, br#""]}"#].concat();
        for depth in 0..2 {
            for want in [Want::Skip, Want::Read] {
                for end in 0..=document.len() {
                    let (first, second) = document.split_at(end);
                    assert_eq!(count(depth, want, EXCEPT, &[first, second]), 5, "{depth} {end}");
                }
            }
        }
    }
}
