//! A value without insignificant white space: for values that are at hand whole and short.

use super::{Error, Nobody, Scanner};

/// `value` without the white space between its parts. Every other byte stays as it is: numbers, escapes, order
/// and duplicates.
///
/// # Errors
/// Where `value` is not one JSON value.
pub fn compact(value: &str) -> Result<String, Error> {
    // Each level takes a byte of the text, so this is always room enough.
    let mut scanner = Scanner::any(value.len() / 8 + 1);
    scanner.feed(value.as_bytes(), &mut Nobody)?;
    scanner.finish(&mut Nobody)?;

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
    Ok(compact)
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
        assert_eq!(compact(&deep).as_ref(), Ok(&deep));
    }
}
