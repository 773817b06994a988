//! Recognises usage objects that repeat an earlier one with other counts. Most events of Gemini's streams state one.

/// Whether two valid JSON objects differ only in integers of at most 15 digits. After `:` or a space, digits in a text
/// count as such integers too.
pub(super) fn differ_only_in_counts(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.as_bytes(), other.as_bytes());
    loop {
        let same = one.iter().zip(other).take_while(|(one, other)| one == other).count();
        if same == one.len() && same == other.len() {
            return same > 0;
        }
        let digits = |bytes: &[u8]| bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let begin = one.get(..same).unwrap_or_default();
        let begin = same - begin.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let is_after_colon = begin > 0 && matches!(one.get(begin - 1), Some(b':' | b' '));
        for rest in [&mut one, &mut other] {
            *rest = rest.get(begin..).unwrap_or_default();
            let count = digits(rest);
            *rest = rest.get(count..).unwrap_or_default();
            let ends = matches!(rest.first(), Some(b',' | b'}' | b' ' | b'\n' | b'\r'));
            if !is_after_colon || !ends || !(1..=15).contains(&count) {
                return false;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::differ_only_in_counts;

    #[test]
    fn only_integers_that_are_counts_may_differ() {
        for (one, other, expected) in [
            (r#"{"a":1}"#, r#"{"a":1}"#, true),
            (r#"{"a":1,"b": 20}"#, r#"{"a":213,"b": 3}"#, true),
            (r#"{"a":19}"#, r#"{"a":1}"#, true),
            (r#"{"a":[1]}"#, r#"{"a":[2]}"#, false),
            (r#"{"a":1}"#, r#"{"a":1 }"#, false),
            (r#"{"a":1}"#, r#"{"b":1}"#, false),
            (r#"{"a1":1}"#, r#"{"a2":1}"#, false),
            (r#"{"a":1}"#, r#"{"a":null}"#, false),
            (r#"{"a":-1}"#, r#"{"a":-2}"#, false),
            (r#"{"a":-1}"#, r#"{"a":1}"#, false),
            (r#"{"a":1.5}"#, r#"{"a":1.6}"#, false),
            (r#"{"a":1.5}"#, r#"{"a":2.5}"#, false),
            (r#"{"a":1e2}"#, r#"{"a":2e2}"#, false),
            (r#"{"a":1}"#, r#"{"a":999999999999999}"#, true),
            (r#"{"a":1}"#, r#"{"a":1000000000000000}"#, false),
            ("", "", false),
        ] {
            assert_eq!(differ_only_in_counts(one, other), expected, "{one} {other}");
            assert_eq!(differ_only_in_counts(other, one), expected, "{other} {one}");
        }
    }
}
