//! The JSON scanner against `serde_json`, under every chunking: same verdict, same values, same places.
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

/// Names the tests know. Odd ones need escapes in JSON, or are as long as a name may be.
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

/// What a visitor was told; neighbouring runs of one text are one.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Begin(Vec<Known>, Kind, u64),
    Text(Vec<Known>, String),
    Null(Vec<Known>),
    Bool(Vec<Known>, bool),
    Number(Vec<Known>, Option<String>),
    End(Vec<Known>, Kind, u64),
}

/// Keeps all it is told, and wants what a rule says.
struct Log<W> {
    wants: W,
    told: Vec<Told>,
}

impl<W: FnMut(&[Known], Kind, u64) -> Want> Visitor for Log<W> {
    type Name = Known;

    fn begin(&mut self, path: &[Known], kind: Kind, offset: u64) -> Want {
        self.told.push(Told::Begin(path.to_vec(), kind, offset));
        (self.wants)(path, kind, offset)
    }

    fn text(&mut self, path: &[Known], run: &str) {
        assert!(!run.is_empty(), "runs are never empty");
        if let Some(Told::Text(before, text)) = self.told.last_mut() {
            assert_eq!(before, path);
            text.push_str(run);
        } else {
            self.told.push(Told::Text(path.to_vec(), run.to_owned()));
        }
    }

    fn scalar(&mut self, path: &[Known], value: Scalar<'_>) {
        let path = path.to_vec();
        self.told.push(match value {
            Scalar::Null => Told::Null(path),
            Scalar::Bool(value) => Told::Bool(path, value),
            Scalar::Number(text) => Told::Number(path, text.map(str::to_owned)),
        });
    }

    fn end(&mut self, path: &[Known], kind: Kind, offset: u64) {
        self.told.push(Told::End(path.to_vec(), kind, offset));
    }
}

/// A rule that looks random and depends only on where a value stands.
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

/// Feeds the chunks and finishes.
fn scan<'a>(
    chunks: impl IntoIterator<Item = &'a [u8]>,
    wants: impl Fn(&[Known], Kind, u64) -> Want,
) -> (Result<(), Error>, Vec<Told>) {
    let mut scanner = Scanner::any(1024);
    let mut log = Log { wants, told: Vec::new() };
    let result = chunks.into_iter().try_for_each(|chunk| scanner.feed(chunk, &mut log));
    let result = result.and_then(|()| scanner.finish(&mut log));
    assert_eq!(scanner.finish(&mut log), result, "finish may be called again");
    assert_eq!(scanner.is_complete(), result.is_ok());
    if let Err(error) = result {
        assert_eq!(scanner.feed(b" ", &mut log), Err(error), "an error stays");
        assert_eq!(scanner.offset(), error.offset);
    }
    (result, log.told)
}

/// What `serde_json` says. Parsed as raw bytes first: lone surrogates are valid here and not in its strings.
fn verdict(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    serde_json::from_str::<&RawValue>(text).is_ok()
}

/// Builds the value that was told with everything read. Unknown members are not in it.
fn rebuild(told: &[Told]) -> Value {
    fn value(told: &mut std::slice::Iter<'_, Told>) -> Option<(Vec<Known>, Value)> {
        let Some(Told::Begin(path, kind, _)) = told.next() else { return None };
        let built = match kind {
            Kind::String => match told.next()? {
                Told::Text(_, text) => {
                    assert!(matches!(told.next(), Some(Told::End(_, Kind::String, _))));
                    Value::String(text.clone())
                }
                Told::End(..) => Value::String(String::new()),
                other => panic!("{other:?}"),
            },
            Kind::Null | Kind::Bool | Kind::Number => match told.next()? {
                Told::Null(_) => Value::Null,
                Told::Bool(_, value) => Value::Bool(*value),
                Told::Number(_, Some(text)) => serde_json::from_str(text).unwrap_or(Value::Null),
                Told::Number(_, None) => Value::Null,
                other => panic!("{other:?}"),
            },
            Kind::Array => {
                let mut items = Vec::new();
                while let Some((path, item)) = value(told) {
                    assert_eq!(path.last(), Some(&Known::Item));
                    items.push(item);
                }
                Value::Array(items)
            }
            Kind::Object => {
                let mut members = Map::new();
                while let Some((path, member)) = value(told) {
                    let Some(Known::Name(name)) = path.last() else { panic!("{path:?}") };
                    members.insert(NAMES[*name].to_owned(), member);
                }
                Value::Object(members)
            }
        };
        Some((path.clone(), built))
    }
    value(&mut told.iter()).map(|(_, value)| value).unwrap_or(Value::Null)
}

/// The same value without what the scanner cannot tell: unknown members, numbers that are too long.
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

// Documents, as text: what they look like matters as much as what they mean.

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

/// Valid, and more than many readers bear, or nearly: too deep, beyond all floats, half a surrogate pair.
fn unbearable() -> impl Strategy<Value = String> {
    prop_oneof![
        (90usize..130).prop_map(|levels| "[".repeat(levels) + &"]".repeat(levels)),
        (90usize..130).prop_map(|levels| "{\"a\": ".repeat(levels) + "1" + &"}".repeat(levels)),
        "-?[1-9][0-9]{290,320}(\\.5)?",
        "[1-9](\\.5)?[eE]\\+?[0-9]{1,3}",
        "\"[ae]?(\\\\\\\\){0,2}\\\\u[dD][89abcf]00[ae]?\"",
    ]
}

/// `serde_json` recurses at most 128 levels; the scanner's paths have 12.
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

/// One change to a document's bytes, by a part of something else or a byte.
#[derive(Clone, Debug)]
enum Mutation {
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index),
    Cut(prop::sample::Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let telling = prop::sample::select(
        b"\"\\{}[],:0123456789eE+-.tfnu \t\n\r\x00\x1f\x7f\x80\xc0\xe2\xed\xf0\xff".to_vec(),
    );
    let byte = prop_oneof![4 => telling, 1 => any::<u8>()];
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

/// Cuts `bytes` at these places.
fn split<'a>(bytes: &'a [u8], places: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect()
}

/// Everything about `bytes` is the same however they are cut; of an input with an error, the error and what was told before
/// it are.
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
        let (result, told) = scan([document.as_bytes()], read_all);
        prop_assert_eq!(result, Ok(()));
        if depth(&document) <= 12 {
            let whole: &RawValue = serde_json::from_str(&document).unwrap();
            prop_assert_eq!(rebuild(&told), known(whole));
        }
    }

    #[test]
    fn nothing_depends_on_the_chunking(
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
    fn raw_values_are_the_documents_own_bytes(document in document(), seed in any::<u64>()) {
        let (_, told) = scan([document.as_bytes()], mixed(seed));
        for event in told.windows(3) {
            if let [Told::Begin(_, kind, from), Told::Text(_, text), Told::End(_, _, to)] = event
                && (*kind != Kind::String || mixed(seed)(&[], *kind, *from) == Want::Raw)
            {
                prop_assert_eq!(text.as_bytes(), &document.as_bytes()[*from as usize..*to as usize]);
            }
        }
        let (_, told) = scan([document.as_bytes()], |_, _, _| Want::Raw);
        let [_, Told::Text(_, text), _] = &told[..] else { panic!("{told:?}") };
        prop_assert_eq!(text, document.trim_matches([' ', '\t', '\r', '\n']));
    }

    #[test]
    fn compact_means_the_same_and_has_no_white_space_left(document in document()) {
        let (short, _) = compact(&document);
        let told = |text: &str| {
            let (_, mut told) = scan([text.as_bytes()], read_all);
            for event in &mut told {
                if let Told::Begin(_, _, offset) | Told::End(_, _, offset) = event {
                    *offset = 0;
                }
            }
            told
        };
        prop_assert_eq!(told(&document), told(&short));
        prop_assert_eq!(&compact(&short).0, &short);
    }

    #[test]
    fn what_compact_calls_harmless_every_reader_bears_deep_in_a_record(
        document in document(),
        odd in unbearable(),
    ) {
        let name = serde_json::to_string(&document).unwrap();
        for document in [format!("[{odd},{document}]"), format!("{{{name}:{document},\"\": {odd}}}")] {
            let (short, harmless) = compact(&document);
            let bears = serde_json::from_str::<Value>(&format!("[[[{short}]]]")).is_ok();
            prop_assert!(bears || !harmless, "{}", document);
        }
    }

    #[test]
    fn what_is_no_document_is_nothing_that_compact_stumbles_over(bytes in mutated()) {
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(compact(&text).0.len() <= text.len());
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200), seed in any::<u64>()) {
        let (result, _) = scan([&bytes[..]], mixed(seed));
        prop_assert_eq!(result.is_ok(), verdict(&bytes));
        let (in_string, _) = scan([&b"\""[..], &bytes[..]], mixed(seed));
        prop_assert_eq!(in_string.is_ok(), verdict(&[&b"\""[..], &bytes[..]].concat()));
    }
}

/// What one scanner says of `levels` nested arrays.
#[test]
fn what_is_told_before_an_error_is_told_however_the_input_is_cut() {
    let long = "z".repeat(70);
    for (input, told) in [
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
            assert!(matches!(log.last(), Some(Told::Text(_, text)) if text == told), "{log:?}");
        }
    }
    let raw = |path: &[Known], _: Kind, _: u64| if path.is_empty() { Want::Read } else { Want::Raw };
    for (input, told) in [
        (&b"{\"a\":{\"b\":[1,\"x\xff\"]}}"[..], "{\"b\":[1,\"x"),
        (b"{\"a\":{\"com\x00", "{\"com"),
        (b"{\"a\":[1,,2]}", "[1,"),
        (b"{\"a\":[nul]}", "[nul"),
    ] {
        for chunks in [vec![input], input.chunks(1).collect()] {
            let (verdict, log) = scan(chunks, raw);
            assert!(verdict.is_err());
            assert!(matches!(log.last(), Some(Told::Text(_, text)) if text == told), "{log:?}");
        }
    }
}

fn nested(depth_bytes: usize, levels: usize, wants: fn(&[Known], Kind, u64) -> Want) -> Result<(), Error> {
    let mut scanner = Scanner::any(depth_bytes);
    let mut log = Log { wants, told: Vec::new() };
    scanner.feed("[".repeat(levels).as_bytes(), &mut log)?;
    scanner.feed("]".repeat(levels).as_bytes(), &mut log)?;
    scanner.finish(&mut log)
}

#[test]
fn half_a_million_nested_arrays_fit_65536_bytes_and_one_more_does_not() {
    for wants in [read_all, |_: &_, _, _| Want::Skip, |_: &_, _, _| Want::Raw] {
        assert_eq!(nested(65_536, 524_288, wants), Ok(()));
        let error = Error { problem: Problem::TooDeep, offset: 524_288 };
        assert_eq!(nested(65_536, 524_289, wants), Err(error));
    }
}
