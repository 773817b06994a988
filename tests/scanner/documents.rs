//! Documents, valid and mutated, and how they are cut into chunks.

use crate::log::NAMES;
use proptest::prelude::*;

// Documents as text, because their form matters as much as their values.

pub(crate) fn space() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => "[ \t\r\n]{0,3}", 1 => " {14,40}"]
}

pub(crate) fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "-?(0|[1-9][0-9]{0,8})(\\.[0-9]{1,6})?([eE][+-]?[0-9]{1,2})?",
        1 => "-?[1-9][0-9]{25,40}",
    ]
}

pub(crate) fn character() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[ -!#-\\[\\]-~\u{7f}]",
        2 => prop::sample::select(vec!["\\\"", "\\\\", "\\/", "\\b", "\\f", "\\n", "\\r", "\\t"]).prop_map(str::to_owned),
        2 => any::<char>().prop_filter("plain", |c| *c >= ' ' && *c != '"' && *c != '\\').prop_map(String::from),
        1 => (0u32..0xd800).prop_map(|unit| format!("\\u{unit:04x}")),
        1 => (0xe000u32..=0xffff).prop_map(|unit| format!("\\u{unit:04X}")),
        1 => (0xd800u32..0xdc00, 0xdc00u32..0xe000).prop_map(|(high, low)| format!("\\u{high:04x}\\u{low:04X}")),
    ]
}

pub(crate) fn string() -> impl Strategy<Value = String> {
    let short = prop::collection::vec(character(), 0..12).prop_map(|parts| parts.concat());
    let long = (prop::collection::vec(character(), 0..4), 1usize..60)
        .prop_map(|(parts, times)| parts.concat().repeat(times));
    prop_oneof![3 => short, 1 => long].prop_map(|text| format!("\"{text}\""))
}

pub(crate) fn name() -> impl Strategy<Value = String> {
    let plain = prop::sample::select(NAMES.to_vec()).prop_map(|name| serde_json::to_string(name).unwrap());
    let escaped = prop::sample::select(NAMES.to_vec()).prop_map(|name| {
        let units: String = name.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        format!("\"{units}\"")
    });
    prop_oneof![6 => plain, 1 => escaped, 1 => string()]
}

pub(crate) fn document() -> impl Strategy<Value = String> {
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
pub(crate) fn unportable() -> impl Strategy<Value = String> {
    prop_oneof![
        (90usize..130).prop_map(|levels| "[".repeat(levels) + &"]".repeat(levels)),
        (90usize..130).prop_map(|levels| "{\"a\": ".repeat(levels) + "1" + &"}".repeat(levels)),
        "-?[1-9][0-9]{290,320}(\\.5)?",
        "[1-9](\\.5)?[eE]\\+?[0-9]{1,3}",
        "\"[ae]?(\\\\\\\\){0,2}\\\\u[dD][89abcf]00[ae]?\"",
    ]
}

/// How deep `document` is nested. `serde_json` reads at most 128 levels; a path of the scanner has 12 names.
pub(crate) fn depth(document: &str) -> usize {
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
pub(crate) enum Mutation {
    Replace(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Remove(prop::sample::Index),
    Cut(prop::sample::Index),
}

pub(crate) fn mutation() -> impl Strategy<Value = Mutation> {
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

pub(crate) fn mutate(bytes: &mut Vec<u8>, mutation: &Mutation) {
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

pub(crate) fn mutated() -> impl Strategy<Value = Vec<u8>> {
    (document(), prop::collection::vec(mutation(), 1..3)).prop_map(|(document, mutations)| {
        let mut bytes = document.into_bytes();
        for mutation in &mutations {
            mutate(&mut bytes, mutation);
        }
        bytes
    })
}

/// Cuts `bytes` at these positions.
pub(crate) fn split<'a>(bytes: &'a [u8], places: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    places.windows(2).map(|ends| &bytes[ends[0]..ends[1]]).collect()
}
