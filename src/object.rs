//! A few texts out of one JSON object that is there whole; or all of a value.
//!
//! In place of a type with `Deserialize` for each kind of object: each of those is 2 KB of the module.

mod value;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

pub(crate) use self::value::Value;

/// What stands at a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Member<'a> {
    /// Nothing, or `null`.
    #[default]
    Absent,
    /// A text, borrowed where it has no escapes.
    Text(Cow<'a, str>),
    /// Anything else; also what stands there twice.
    Other,
}

/// A JSON value of which the members `names` are kept, in the places of `found`. As a member itself it is a [`Member`].
struct Kept<'n, 'f, 'a> {
    names: &'n [&'n str],
    found: &'f mut [Member<'a>],
}

/// The members `names` of `json`; `None` where that is not one valid object. However deep its values are, they take no
/// memory.
pub(crate) fn members<'a, const N: usize>(json: &'a [u8], names: [&str; N]) -> Option<[Member<'a>; N]> {
    let mut found = [const { Member::Absent }; N];
    read(json, &names, &mut found).then_some(found)
}

fn read<'a>(json: &'a [u8], names: &[&str], found: &mut [Member<'a>]) -> bool {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    json.trim_ascii_start().starts_with(b"{")
        && Kept { names, found }.deserialize(&mut deserializer).is_ok()
        && deserializer.end().is_ok()
}

// === impl Member ===

impl<'a> Member<'a> {
    pub(crate) fn text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text),
            Self::Absent | Self::Other => None,
        }
    }
}

// === impl Kept ===

impl<'de> DeserializeSeed<'de> for Kept<'_, '_, 'de> {
    type Value = Member<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Member<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Kept<'_, '_, 'de> {
    type Value = Member<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Member<'de>, E> {
        Ok(Member::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Member<'de>, E> {
        Ok(Member::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Member<'de>, E> {
        Ok(Member::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Member<'de>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Member::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Member<'de>, A::Error> {
        let mut seen = 0_u32;
        // A name is no more than a text.
        while let Some(name) = members.next_key_seed(Kept { names: &[], found: &mut [] })? {
            let place = name.text().and_then(|name| self.names.iter().position(|wanted| *wanted == name));
            let Some((place, member)) = place.and_then(|place| Some((place, self.found.get_mut(place)?)))
            else {
                members.next_value::<IgnoredAny>()?;
                continue;
            };
            let value = members.next_value_seed(Kept { names: &[], found: &mut [] })?;
            let bit = 1_u32.checked_shl(u32::try_from(place).unwrap_or(u32::MAX)).unwrap_or(0);
            *member = if seen & bit == 0 { value } else { Member::Other };
            seen |= bit;
        }
        Ok(Member::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::{Member, members};
    use std::borrow::Cow;

    fn text(text: &str) -> Member<'_> {
        Member::Text(Cow::Borrowed(text))
    }

    #[test]
    fn texts_are_read_and_everything_else_is_passed() {
        let json = br#" {"a":"x","b":[{"a":1},"\u00e9"],"\u0063":"\n","d":null,"e":{"a":"y"},"f":-1.5e3} "#;
        let read = members(json, ["a", "b", "c", "d", "e", "f", "g"]).unwrap();
        let other = Member::Other;
        assert_eq!(
            read,
            [text("x"), other.clone(), text("\n"), Member::Absent, other.clone(), other, Member::Absent]
        );
    }

    #[test]
    fn what_stands_twice_is_no_text() {
        assert_eq!(
            members(br#"{"a":"x","b":"y","a":null}"#, ["a", "b"]).unwrap(),
            [Member::Other, text("y")]
        );
    }

    #[test]
    fn what_is_not_one_valid_object_has_no_members() {
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
            assert_eq!(members(json.as_bytes(), ["a"]), None, "{json}");
        }
        assert_eq!(members(b"{\"a\":\"\xff\"}", ["a"]), None);
    }

    #[test]
    fn a_value_of_any_depth_is_passed() {
        let deep = format!(r#"{{"deep":{}{},"a":"x"}}"#, "[".repeat(10_000), "]".repeat(10_000));
        assert_eq!(members(deep.as_bytes(), ["a"]).unwrap(), [text("x")]);
    }
}
