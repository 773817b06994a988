//! Reads some text members of one JSON object.
//!
//! It takes the place of a type with `Deserialize` for each kind of object: each of those would add 2 KB to the module.

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The value of a member that was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum TextMember<'a> {
    /// There is no such member, or it is `null`.
    #[default]
    Absent,
    /// A string, unescaped; borrowed if it has no escapes.
    Text(Cow<'a, str>),
    /// A value of another kind, or more than one member of this name.
    Other,
}

/// Reads one value as a [`TextMember`]. If it is an object, puts its members `names` into `found`, in the order of
/// `names`.
struct Selection<'n, 'f, 'a> {
    names: &'n [&'n str],
    found: &'f mut [TextMember<'a>],
}

/// The members `names` (at most 32) of the object `json`, in the order of `names`. `None`: it is not one valid object;
/// only in strings that are not asked for does `serde_json` accept bytes that are not UTF-8. Values of any depth take no
/// memory.
pub(crate) fn text_members<'a, const N: usize>(
    json: &'a [u8],
    names: [&str; N],
) -> Option<[TextMember<'a>; N]> {
    let mut found = [const { TextMember::Absent }; N];
    read(json, &names, &mut found).then_some(found)
}

fn read<'a>(json: &'a [u8], names: &[&str], found: &mut [TextMember<'a>]) -> bool {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    json.trim_ascii_start().starts_with(b"{")
        && Selection { names, found }.deserialize(&mut deserializer).is_ok()
        && deserializer.end().is_ok()
}

// === impl TextMember ===

impl<'a> TextMember<'a> {
    /// The text, if it is one.
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Other => None,
        }
    }
}

// === impl Selection ===

impl<'de> DeserializeSeed<'de> for Selection<'_, '_, 'de> {
    type Value = TextMember<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<TextMember<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Selection<'_, '_, 'de> {
    type Value = TextMember<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<TextMember<'de>, E> {
        Ok(TextMember::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<TextMember<'de>, E> {
        Ok(TextMember::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<TextMember<'de>, E> {
        Ok(TextMember::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<TextMember<'de>, E> {
        Ok(TextMember::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<TextMember<'de>, E> {
        Ok(TextMember::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<TextMember<'de>, E> {
        Ok(TextMember::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<TextMember<'de>, E> {
        Ok(TextMember::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<TextMember<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(TextMember::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<TextMember<'de>, A::Error> {
        let mut seen = 0_u32;
        // A member name is read like a text value.
        while let Some(name) = members.next_key_seed(Selection { names: &[], found: &mut [] })? {
            let place = name.text().and_then(|name| self.names.iter().position(|wanted| *wanted == name));
            let Some((place, member)) = place.and_then(|place| Some((place, self.found.get_mut(place)?)))
            else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = members.next_value_seed(Selection { names: &[], found: &mut [] })?;
            let bit = 1_u32.checked_shl(u32::try_from(place).unwrap_or(u32::MAX)).unwrap_or(0);
            *member = if seen & bit == 0 { value } else { TextMember::Other };
            seen |= bit;
        }
        Ok(TextMember::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::{TextMember, text_members};
    use std::borrow::Cow;

    fn text(text: &str) -> TextMember<'_> {
        TextMember::Text(Cow::Borrowed(text))
    }

    #[test]
    fn only_the_named_strings_are_texts() {
        let json = br#" {"a":"x","b":[{"a":1},"\u00e9"],"\u0063":"\n","d":null,"e":{"a":"y"},"f":-1.5e3} "#;
        let read = text_members(json, ["a", "b", "c", "d", "e", "f", "g"]).unwrap();
        let other = TextMember::Other;
        assert_eq!(
            read,
            [
                text("x"),
                other.clone(),
                text("\n"),
                TextMember::Absent,
                other.clone(),
                other,
                TextMember::Absent
            ]
        );
    }

    #[test]
    fn a_repeated_member_is_not_a_text() {
        assert_eq!(
            text_members(br#"{"a":"x","b":"y","a":null}"#, ["a", "b"]).unwrap(),
            [TextMember::Other, text("y")]
        );
    }

    #[test]
    fn anything_but_one_valid_object_has_no_members() {
        for json in [
            "",
            "[]",
            "\"a\"",
            "{",
            "{\"a\":\"x\"",
            "{\"a\":\"x\"}{",
            "{\"a\":01}",
            "{\"a\":\"\n\"}",
            "{a:1}",
            "null",
        ] {
            assert_eq!(text_members(json.as_bytes(), ["a"]), None, "{json}");
        }
        assert_eq!(text_members(b"{\"a\":\"\xff\"}", ["a"]), None);
        assert_eq!(text_members(b"{\"b\":\"\xff\"}", ["a"]), Some([TextMember::Absent]));
    }

    #[test]
    fn a_value_of_any_depth_is_skipped() {
        let deep = format!(r#"{{"deep":{}{},"a":"x"}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(text_members(deep.as_bytes(), ["a"]).unwrap(), [text("x")]);
    }
}
