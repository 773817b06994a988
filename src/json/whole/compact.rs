//! Removes insignificant white space from a short value.

use super::super::plain_run::plain_run_end;
use std::borrow::Cow;

/// `value`, which must be valid JSON, without white space between its tokens; and whether every JSON reader takes it.
///
/// All other bytes stay: numbers, escapes, the order of members, repeated members. A value without white space is not
/// copied. The `bool` is `false` if the value has more than 100 opening brackets, a number of more than 300 digits or
/// with an exponent, or a `\u` escape: some readers refuse deep nesting, numbers beyond `f64` and lone surrogates.
#[must_use]
pub fn compact(value: &str) -> (Cow<'_, str>, bool) {
    let bytes = value.as_bytes();
    // `from`: where the bytes begin that are not in `kept` yet; 0 until the first white space.
    let (mut kept, mut from) = (String::new(), 0);
    let (mut brackets, mut digits, mut portable) = (0_usize, 0_usize, true);
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let digits_before = core::mem::take(&mut digits);
        match byte {
            b'"' => {
                at = plain_run_end(bytes, at + 1);
                while bytes.get(at) == Some(&b'\\') {
                    portable &= bytes.get(at + 1) != Some(&b'u');
                    at = plain_run_end(bytes, at + 2);
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
            b'e' | b'E' => portable &= digits_before == 0,
            _ => {}
        }
        portable &= digits <= 300 && brackets <= 100;
        at += 1;
    }
    if from == 0 {
        return (Cow::Borrowed(value), portable);
    }
    kept.push_str(value.get(from..).unwrap_or_default());
    (Cow::Owned(kept), portable)
}

#[cfg(test)]
mod tests {
    use super::compact;

    #[test]
    fn only_white_space_between_tokens_is_removed() {
        let value = " {\r\n\t\"a b\" : [ 1.50 , 1E+2 , \" \\\" \\\\\" , \"\\u00e9 é\" ] , \"a b\" : { } } ";
        let expected = "{\"a b\":[1.50,1E+2,\" \\\" \\\\\",\"\\u00e9 é\"],\"a b\":{}}";
        assert_eq!(compact(value), (expected.into(), false));
        assert_eq!(compact(expected), (expected.into(), false));
        assert_eq!(compact(" 12 "), ("12".into(), true));
    }

    #[test]
    fn a_value_that_some_readers_refuse_is_reported() {
        let deep = |levels| "[".repeat(levels) + &"]".repeat(levels);
        for (value, portable) in [
            (deep(100), true),
            (deep(101), false),
            ("1".repeat(300), true),
            ("1".repeat(301), false),
            ("[1.5,true,\"1e9 [[[ \\n \\\\u0\",-0]".to_owned(), true),
            ("[1E9]".to_owned(), false),
            (r#"{"\\":"\uD800"}"#.to_owned(), false),
        ] {
            assert_eq!(compact(&value), (value.as_str().into(), portable));
        }
    }

    #[test]
    fn values_of_any_depth_are_compacted() {
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        assert_eq!(compact(&deep), (deep.as_str().into(), false));
    }
}
