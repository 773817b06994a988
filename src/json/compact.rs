//! A value without insignificant white space: for values that are at hand whole and short.

use super::{Error, Nobody, read_whole};
use std::borrow::Cow;

/// `value` without the white space between its parts. Every other byte stays as it is: numbers, escapes, order
/// and duplicates; where there is none anywhere, it is not copied.
///
/// # Errors
/// Where `value` is not one JSON value.
pub fn compact(value: &str) -> Result<Cow<'_, str>, Error> {
    read_whole(value, &mut Nobody)?;
    if !value.bytes().any(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')) {
        return Ok(Cow::Borrowed(value));
    }
    let mut compact = String::with_capacity(value.len());
    let (mut in_string, mut escaped) = (false, false);
    let kept = |c: &char| {
        if in_string {
            (in_string, escaped) = (escaped || *c != '"', !escaped && *c == '\\');
            return true;
        }
        in_string = *c == '"';
        !matches!(c, ' ' | '\t' | '\n' | '\r')
    };
    compact.extend(value.chars().filter(kept));
    Ok(Cow::Owned(compact))
}

#[cfg(test)]
mod tests {
    use super::compact;
    use crate::json::Problem;

    #[test]
    fn only_white_space_between_parts_goes() {
        let value = " {\r\n\t\"a b\" : [ 1.50 , 1E+2 , \" \\\" \\\\\" , \"\\u00e9 é\" ] , \"a b\" : { } } ";
        let expected = "{\"a b\":[1.50,1E+2,\" \\\" \\\\\",\"\\u00e9 é\"],\"a b\":{}}";
        assert_eq!(compact(value).as_deref(), Ok(expected));
        assert_eq!(compact(expected).as_deref(), Ok(expected));
        assert_eq!(compact(" 12 ").as_deref(), Ok("12"));
    }

    #[test]
    fn what_is_no_value_is_an_error() {
        assert_eq!(compact("").map_err(|e| e.problem), Err(Problem::Empty));
        assert_eq!(compact("[1 2]").map_err(|e| (e.problem, e.offset)), Err((Problem::UnexpectedByte, 3)));
    }

    #[test]
    fn any_depth_fits() {
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        assert_eq!(compact(&deep).as_deref(), Ok(deep.as_str()));
    }
}
