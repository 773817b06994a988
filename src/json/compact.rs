//! A value without insignificant white space: for values that are at hand whole and short.

use super::run::plain;
use std::borrow::Cow;

/// `value`, which is valid JSON, without the white space between its parts; and whether nothing in it could be more
/// than a reader bears, as in nearly all that models write: deep nesting, a number beyond all floats, half a surrogate
/// pair. Every other byte stays as it is: numbers, escapes, order and duplicates; where there is no white space, it is
/// not copied.
#[must_use]
pub fn compact(value: &str) -> (Cow<'_, str>, bool) {
    let bytes = value.as_bytes();
    // `from`: where what is not kept yet begins; 0 until there was white space.
    let (mut kept, mut from) = (String::new(), 0);
    let (mut brackets, mut digits, mut harmless) = (0_usize, 0_usize, true);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits_before = core::mem::take(&mut digits);
        match byte {
            b'"' => {
                at = plain(bytes, at + 1).end;
                while bytes.get(at) == Some(&b'\\') {
                    harmless &= bytes.get(at + 1) != Some(&b'u');
                    at = plain(bytes, at + 2).end;
                }
            }
            b' ' | b'\t' | b'\n' | b'\r' => {
                if from == 0 {
                    kept.reserve_exact(bytes.len());
                }
                kept.push_str(value.get(from..at).unwrap_or_default());
                from = at + 1;
            }
            b'0'..=b'9' => digits = digits_before + 1,
            b'[' | b'{' => brackets += 1,
            b'e' | b'E' => harmless &= digits_before == 0,
            _ => {}
        }
        harmless &= digits <= 300 && brackets <= 100;
        at += 1;
    }
    if from == 0 {
        return (Cow::Borrowed(value), harmless);
    }
    kept.push_str(value.get(from..).unwrap_or_default());
    (Cow::Owned(kept), harmless)
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn only_white_space_between_parts_goes() {
        let value = " {\r\n\t\"a b\" : [ 1.50 , 1E+2 , \" \\\" \\\\\" , \"\\u00e9 é\" ] , \"a b\" : { } } ";
        let expected = "{\"a b\":[1.50,1E+2,\" \\\" \\\\\",\"\\u00e9 é\"],\"a b\":{}}";
        assert_eq!(compact(value), (expected.into(), false));
        assert_eq!(compact(expected), (expected.into(), false));
        assert_eq!(compact(" 12 "), ("12".into(), true));
    }

    #[test]
    fn what_a_reader_might_not_bear_is_noticed_outside_of_strings() {
        let deep = |levels| "[".repeat(levels) + &"]".repeat(levels);
        for (value, harmless) in [
            (deep(100), true),
            (deep(101), false),
            ("1".repeat(300), true),
            ("1".repeat(301), false),
            ("[1.5,true,\"1e9 [[[ \\n \\\\u0\",-0]".to_owned(), true),
            ("[1E9]".to_owned(), false),
            (r#"{"\\":"\uD800"}"#.to_owned(), false),
        ] {
            assert_eq!(compact(&value), (value.as_str().into(), harmless));
        }
    }

    #[test]
    fn any_depth_fits() {
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        assert_eq!(compact(&deep), (deep.as_str().into(), false));
    }
}
