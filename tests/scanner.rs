//! Compares the JSON scanner with `serde_json` in any chunking: the same verdict, the same values, the same offsets.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a panic here is a failed test, not an outage"
)]

use ai_bridge::json::{Error, Kind, Name, Problem, Scalar, Scanner, Visitor, Want, compact};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The names that the tests know. Some need escapes in JSON; the last is as long as a name may be.
const NAMES: [&str; 8] = [
    "a",
    "name",
    "é",
    "a\"b\\c",
    "\n",
    "𝄞",
    "",
    "0123456789012345678901234567890123456789012345678901234567890123",
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Item,
    Name(usize),
}

impl Name for Known {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        NAMES.iter().position(|known| known.as_bytes() == name).map(Self::Name)
    }
}

/// A call of the visitor. Neighbouring runs of one text are joined.
#[derive(Clone, Debug, PartialEq)]
enum Call {
    Begin(Vec<Known>, Kind, u64),
    Text(Vec<Known>, String),
    Null(Vec<Known>),
    Bool(Vec<Known>, bool),
    Number(Vec<Known>, Option<String>),
    End(Vec<Known>, Kind, u64),
}

/// Logs all calls, and wants of each value what a rule decides.
struct Log<W> {
    wants: W,
    calls: Vec<Call>,
}

impl<W: FnMut(&[Known], Kind, u64) -> Want> Visitor for Log<W> {
    type Name = Known;

    fn begin(&mut self, path: &[Known], kind: Kind, offset: u64) -> Want {
        self.calls.push(Call::Begin(path.to_vec(), kind, offset));
        (self.wants)(path, kind, offset)
    }

    fn text(&mut self, path: &[Known], run: &str) {
        assert!(!run.is_empty(), "runs are never empty");
        if let Some(Call::Text(before, text)) = self.calls.last_mut() {
            assert_eq!(before, path);
            text.push_str(run);
        } else {
            self.calls.push(Call::Text(path.to_vec(), run.to_owned()));
        }
    }

    fn scalar(&mut self, path: &[Known], value: Scalar<'_>) {
        let path = path.to_vec();
        self.calls.push(match value {
            Scalar::Null => Call::Null(path),
            Scalar::Bool(value) => Call::Bool(path, value),
            Scalar::Number(text) => Call::Number(path, text.map(str::to_owned)),
        });
    }

    fn end(&mut self, path: &[Known], kind: Kind, offset: u64) {
        self.calls.push(Call::End(path.to_vec(), kind, offset));
    }
}

/// A rule that looks random and depends only on the offset of a value.
fn mixed(seed: u64) -> impl Fn(&[Known], Kind, u64) -> Want + Copy {
    move |_, _, offset| match (offset.wrapping_add(seed)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61 {
        0 => Want::Skip,
        1 | 2 => Want::Raw,
        _ => Want::Read,
    }
}

fn read_all(_: &[Known], _: Kind, _: u64) -> Want {
    Want::Read
}

/// Feeds the chunks, finishes, and checks what holds for any input.
fn scan<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    wants: impl Fn(&[Known], Kind, u64) -> Want,
) -> (Result<(), Error>, Vec<Call>) {
    let mut scanner = Scanner::any(1024);
    let mut log = Log { wants, calls: Vec::new() };
    let result = chunks.into_iter().try_for_each(|chunk| scanner.feed(chunk, &mut log));
    let result = result.and_then(|()| scanner.finish(&mut log));
    assert_eq!(scanner.finish(&mut log), result, "finish may be called again");
    assert_eq!(scanner.is_complete(), result.is_ok());
    if let Err(error) = result {
        assert_eq!(scanner.feed(b" ", &mut log), Err(error), "an error stays");
        assert_eq!(scanner.offset(), error.offset);
    }
    (result, log.calls)
}

/// Whether `serde_json` accepts `bytes`, as a raw value: in strings it refuses lone surrogates, which the scanner accepts.
fn verdict(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// Builds a value from the calls for a document of which everything was read. It lacks unknown members.
fn rebuild(calls: &[Call]) -> Value {
    fn value(calls: &mut std::slice::Iter<'_, Call>) -> Option<(Vec<Known>, Value)> {
        let Some(Call::Begin(path, kind, _)) = calls.next() else { return None };
        let built = match kind {
            Kind::String => match calls.next()? {
                Call::Text(_, text) => {
                    assert!(matches!(calls.next(), Some(Call::End(_, Kind::String, _))));
                    Value::String(text.clone())
                }
                Call::End(..) => Value::String(String::new()),
                other => panic!("{other:?}"),
            },
            Kind::Null | Kind::Bool | Kind::Number => match calls.next()? {
                Call::Null(_) => Value::Null,
                Call::Bool(_, value) => Value::Bool(*value),
                Call::Number(_, Some(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
                Call::Number(_, None) => Value::Null,
                other => panic!("{other:?}"),
            },
            Kind::Array => {
                let mut items = Vec::new();
                while let Some((path, item)) = value(calls) {
                    assert_eq!(path.last(), Some(&Known::Item));
                    items.push(item);
                }
                Value::Array(items)
            }
            Kind::Object => {
                let mut members = Map::new();
                while let Some((path, member)) = value(calls) {
                    let Some(Known::Name(name)) = path.last() else { panic!("{path:?}") };
                    members.insert(NAMES[*name].to_owned(), member);
                }
                Value::Object(members)
            }
        };
        Some((path.clone(), built))
    }
    value(&mut calls.iter()).map(|(_, value)| value).unwrap_or(Value::Null)
}

/// `value` without what the scanner does not deliver: unknown members, and numbers that are too long.
fn known(value: &RawValue) -> Value {
    let text = value.get();
    match text.as_bytes()[0] {
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(text).unwrap();
            Value::Array(items.into_iter().map(known).collect())
        }
        b'{' => {
            let members: std::collections::BTreeMap<String, &RawValue> = serde_json::from_str(text).unwrap();
            let members = members.into_iter().filter(|(name, _)| Known::of(name.as_bytes()).is_some());
            Value::Object(members.map(|(name, value)| (name, known(value))).collect())
        }
        b'-' | b'0'..=b'9' if text.len() > 32 => Value::Null,
        _ => serde_json::from_str(text).unwrap_or(Value::Null),
    }
}

// Documents as text, because their form matters as much as their values.

fn space() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => "[ \t\r\n]{0,3}", 1 => " {14,40}"]
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?",
        1 => "-?[1-9][0-9]{25,40}",
    ]
}

fn character() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[ -!#-\\[\\]-~\u{7f}]",
        2 => prop::sample::select(vec!["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"]).prop_map(str::to_owned),
        2 => any::<char>().prop_filter("plain", |c| *c >= ' ' && *c != '"' && *c != '\\').prop_map(String::from),
        1 => (0u32..0xd800).prop_map(|unit| format!("\\u{unit:04x}")),
        1 => (0xe000u32..=0xffff).prop_map(|unit| format!("\\u{unit:04X}")),
        1 => (0xd800u32..0xdc00, 0xdc00u32..0xe000).prop_map(|(high, low)| format!("\\u{high:04x}\\u{low:04X}")),
    ]
}

fn string() -> impl Strategy<Value = String> {
    let short = prop::collection::vec(character(), 0..12).prop_map(|parts| parts.concat());
    let long = (prop::collection::vec(character(), 0..4), 1usize..60)
        .prop_map(|(parts, times)| parts.concat().repeat(times));
    prop_oneof![3 => short, 1 => long].prop_map(|text| format!("\"{text}\""))
}

fn name() -> impl Strategy<Value = String> {
    let plain = prop::sample::select(NAMES.to_vec()).prop_map(|name| serde_json::to_string(name).unwrap());
    let escaped = prop::sample::select(NAMES.to_vec()).prop_map(|name| {
        let units: String = name.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        format!("\"{units}\"")
    });
    prop_oneof![6 => plain, 1 => escaped, 1 => string()]
}

fn document() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec!["null", "true", "false"]).prop_map(str::to_owned);
    let leaf = prop_oneof![word, number(), string()];
    let padded = (space(), leaf, space()).prop_map(|(before, value, after)| before + &value + &after);
    padded.prop_recursive(24, 60, 6, |inner| {
        let array = prop::collection::vec(inner.clone(), 0..6);
        let array = array.prop_map(|items| format!("[{}]", items.join(",")));
        let member = (space(), name(), space(), inner.clone())
            .prop_map(|(before, name, after, value)| format!("{before}{name}{after}:{value}"));
        let object = prop::collection::vec(member, 0..6);
        let object = object.prop_map(|members| format!("{{{}}}", members.join(",")));
        let deep = (inner, 1usize..90)
            .prop_map(|(value, levels)| format!("{}{value}{}", "[".repeat(levels), "]".repeat(levels)));
        let value = prop_oneof![4 => array, 4 => object, 1 => deep];
        (space(), value, space()).prop_map(|(before, value, after)| before + &value + &after)
    })
}

/// Valid values that some readers refuse, and values just short of that: deep nesting, numbers beyond `f64`, lone
/// surrogates.
fn unportable() -> impl Strategy<Value = String> {
    prop_oneof![
        (90usize..130).prop_map(|levels| "[".repeat(levels) + &"]".repeat(levels)),
        (90usize..130).prop_map(|levels| "{\"a\": ".repeat(levels) + "1" + &"}".repeat(levels)),
        "-?[1-9][0-9]{290,320}(\\.5)?",
        "[1-9](\\.5)?[eE]\\+?[0-9]{1,3}",
        "\"[ae]?(\\\\\\\\){0,2}\\\\u[dD][89abcf]00[ae]?\"",
    ]
}

/// How deep `document` is nested. `serde_json` reads at most 128 levels; a path of the scanner has 12 names.
fn depth(document: &str) -> usize {
    let (mut depth, mut most, mut in_string, mut escaped) = (0usize, 0, false, false);
    for byte in document.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                most = most.max(depth);
            }
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}

/// One change of the bytes of a document.
#[derive(Clone, Debug)]
enum Mutation {
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index),
    Cut(prop::sample::Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let significant = prop::sample::select(
        b"\"\\{}[],:0123456789eE+-.tfnu \t\n\r\x00\x1f\x7f\x80\xc0\xe2\xed\xf0\xff".to_vec(),
    );
    let byte = prop_oneof![4 => significant, 1 => any::<u8>()];
    let part = prop_oneof![
        prop::collection::vec(byte.clone(), 1..3),
        prop::sample::select(vec![
            &b"\\ud800"[..],
            b"\\udc00",
            b"\\u12g4",
            b"\\x",
            b"\xc0\x80",
            b"\xed\xa0\x80",
            b"\xf4\x90\x80\x80",
            b"\xe2\x82",
            b"\xe2\x82\xac",
            b"\xef\xbb\xbf",
            b"01",
            b"1.",
            b"nul",
            b"[",
            b"{\"a\":",
            b"\"",
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    prop_oneof![
        (any::<prop::sample::Index>(), byte).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        (any::<prop::sample::Index>(), part).prop_map(|(at, part)| Mutation::Insert(at, part)),
        any::<prop::sample::Index>().prop_map(Mutation::Remove),
        any::<prop::sample::Index>().prop_map(Mutation::Cut),
    ]
}

fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
    let len = bytes.len();
    match mutation {
        Mutation::Insert(at, part) => {
            let at = at.index(len + 1);
            bytes.splice(at..at, part.iter().copied());
        }
        _ if len == 0 => {}
        Mutation::Replace(at, byte) => bytes[at.index(len)] = *byte,
        Mutation::Remove(at) => drop(bytes.remove(at.index(len))),
        Mutation::Cut(at) => bytes.truncate(at.index(len)),
    }
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    (document(), prop::collection::vec(mutation(), 1..3)).prop_map(|(document, mutations)| {
        let mut bytes = document.into_bytes();
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        bytes
    })
}

/// Cuts `bytes` at these positions.
fn split<'a>(bytes: &'a [u8], places: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect()
}

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
    fn valid_documents_are_read_as_serde_json_reads_them(document in document()) {
        let (result, calls) = scan([document.as_bytes()], read_all);
        prop_assert_eq!(result, Ok(()));
        if depth(&document) <= 12 {
            let whole: &RawValue = serde_json::from_str(&document).unwrap();
            prop_assert_eq!(rebuild(&calls), known(whole));
        }
    }

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

    #[test]
    fn raw_values_are_the_bytes_of_the_document(document in document(), seed in any::<u64>()) {
        let (_, calls) = scan([document.as_bytes()], mixed(seed));
        for event in calls.windows(3) {
            if let [Call::Begin(_, kind, from), Call::Text(_, text), Call::End(_, _, to)] = event
                && (*kind != Kind::String || mixed(seed)(&[], *kind, *from) == Want::Raw)
            {
                prop_assert_eq!(text.as_bytes(), &document.as_bytes()[*from as usize..*to as usize]);
            }
        }
        let (_, calls) = scan([document.as_bytes()], |_, _, _| Want::Raw);
        let [_, Call::Text(_, text), _] = &calls[..] else { panic!("{calls:?}") };
        prop_assert_eq!(text, document.trim_matches([' ', '\t', '\r', '\n']));
    }

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

    #[test]
    fn any_bytes_get_the_verdict_of_serde_json(bytes in prop::collection::vec(any::<u8>(), 0..200), seed in any::<u64>()) {
        let (result, _) = scan([&bytes[..]], mixed(seed));
        prop_assert_eq!(result.is_ok(), verdict(&bytes));
        let (in_string, _) = scan([&b"\""[..], &bytes[..]], mixed(seed));
        prop_assert_eq!(in_string.is_ok(), verdict(&[&b"\""[..], &bytes[..]].concat()));
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

/// The result of scanning this many nested arrays.
fn nested(depth_bytes: usize, levels: usize, wants: fn(&[Known], Kind, u64) -> Want) -> Result<(), Error> {
    let mut scanner = Scanner::any(depth_bytes);
    let mut log = Log { wants, calls: Vec::new() };
    scanner.feed("[".repeat(levels).as_bytes(), &mut log)?;
    scanner.feed("]".repeat(levels).as_bytes(), &mut log)?;
    scanner.finish(&mut log)
}

#[test]
fn eight_levels_of_nesting_fit_into_each_byte() {
    for wants in [read_all, |_: &_, _, _| Want::Skip, |_: &_, _, _| Want::Raw] {
        assert_eq!(nested(65_536, 524_288, wants), Ok(()));
        let error = Error { problem: Problem::TooDeep, offset: 524_288 };
        assert_eq!(nested(65_536, 524_289, wants), Err(error));
    }
}
