//! Counting words as tokens: every run of bytes above the space, in every string of a piece of JSON, except below
//! the keys `type`, `role` and those that end in `id`. Also finds up to where a request asks for caching.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The words of the pieces read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// All words.
    pub(crate) total: u64,
    /// The words up to and including the last object with a `cache_control`.
    pub(crate) cached: u64,
    /// Whether the last `cache_control` asks for an hour (`"ttl":"1h"`), not for five minutes.
    pub(crate) one_hour: bool,
}

/// The number of words in one text.
pub(crate) fn words_in(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let rest = bytes.get(1..).unwrap_or_default();
    // A word begins after a space. Short runs without branches let the compiler compare many bytes at once.
    let begins = |before: &[u8], bytes: &[u8]| -> u8 {
        before
            .iter()
            .zip(bytes)
            .map(|(before, byte)| u8::from(*before <= b' ') & u8::from(*byte > b' '))
            .sum()
    };
    let begins: u64 =
        bytes.chunks(128).zip(rest.chunks(128)).map(|(before, bytes)| u64::from(begins(before, bytes))).sum();
    let first = bytes.first().is_some_and(|byte| *byte > b' ');
    begins.saturating_add(u64::from(first))
}

impl Words {
    /// Adds the words of one piece. If it is nested too deeply, the words before that point count.
    pub(crate) fn add(&mut self, piece: Option<&RawValue>) {
        if let Some(piece) = piece {
            let _ = Count(self).deserialize(&mut serde_json::Deserializer::from_str(piece.get()));
        }
    }

    /// Counts all words as cached: the request's own `cache_control` (beside `messages`) covers everything.
    pub(crate) fn cache_everything(&mut self) {
        self.cached = self.total;
    }
}

struct Count<'w>(&'w mut Words);

impl<'de> DeserializeSeed<'de> for Count<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Count<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.total = self.0.total.saturating_add(words_in(text));
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut marker = None;
        while let Some(key) = map.next_key::<Key<'de>>()? {
            match key.0.as_ref() {
                "cache_control" => marker = Some(map.next_value::<serde_json::Value>()?),
                "type" | "role" => drop(map.next_value::<IgnoredAny>()?),
                name if name.ends_with("id") => drop(map.next_value::<IgnoredAny>()?),
                _ => map.next_value_seed(Count(&mut *self.0))?,
            }
        }
        if let Some(marker) = marker.filter(|marker| !marker.is_null()) {
            self.0.cached = self.0.total;
            self.0.one_hour = marker.get("ttl").is_some_and(|ttl| ttl == "1h");
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Count(&mut *self.0))?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// A key, borrowed where it has no escapes (`Cow` alone always copies).
struct Key<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(key: D) -> Result<Self, D::Error> {
        key.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }
    fn visit_borrowed_str<E>(self, key: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(key)))
    }
    fn visit_str<E>(self, key: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(key.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(json: &str) -> Words {
        let mut words = Words::default();
        words.add(Some(&RawValue::from_string(json.to_owned()).unwrap()));
        words
    }

    #[test]
    fn a_word_is_between_white_space() {
        for (text, words) in [("", 0), (" \n", 0), ("a", 1), (" a  b\t\u{e9}\u{1f324}\n", 3), ("a b c", 3)] {
            assert_eq!(words_in(text), words, "{text:?}");
        }
    }

    #[test]
    fn every_text_counts_but_types_roles_and_ids_do_not() {
        let json = r#"[{"role":"user","content":[{"type":"text","text":"one two"},{"tool_use_id":"a b","n":1.5}]},"three",null]"#;
        assert_eq!(words(json).total, 3);
    }

    #[test]
    fn what_is_before_the_last_marker_is_cached() {
        let json = r#"[{"text":"a b","cache_control":{"type":"ephemeral"}},{"cache_control":{"ttl":"1h"},"text":"c"},{"text":"d"}]"#;
        assert_eq!(words(json), Words { total: 4, cached: 3, one_hour: true });
    }

    #[test]
    fn a_cache_control_of_null_does_not_count() {
        assert_eq!(words(r#"{"text":"a b","cache_control":null}"#).cached, 0);
    }

    #[test]
    fn a_piece_too_deep_to_read_is_not_an_error() {
        let deep = format!("{}\"a\"{}", "[".repeat(5_000), "]".repeat(5_000));
        assert_eq!(words(&deep).total, 0);
    }
}
