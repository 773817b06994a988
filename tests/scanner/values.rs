//! Documents have the verdict and the values that `serde_json` finds.

use crate::documents::{depth, document};
use crate::log::{Call, Known, NAMES, mixed, read_all, scan};
use ai_bridge::json::{Kind, Name, Want};
use proptest::prelude::*;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Whether `serde_json` accepts `bytes`, as a raw value: in strings it refuses lone surrogates, which the scanner accepts.
pub(crate) fn verdict(bytes: &[u8]) -> bool {
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
    fn any_bytes_get_the_verdict_of_serde_json(bytes in prop::collection::vec(any::<u8>(), 0..200), seed in any::<u64>()) {
        let (result, _) = scan([&bytes[..]], mixed(seed));
        prop_assert_eq!(result.is_ok(), verdict(&bytes));
        let (in_string, _) = scan([&b"\""[..], &bytes[..]], mixed(seed));
        prop_assert_eq!(in_string.is_ok(), verdict(&[&b"\""[..], &bytes[..]].concat()));
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
}
