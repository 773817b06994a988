//! Percent-encoding in paths (RFC 3986 §2.1). Written by hand because an invalid escape must be an error: the usual
//! crates leave one as it is.

use std::borrow::Cow;

/// `text` with its escapes decoded once; `None` where a `%` is not followed by two hexadecimal digits. Borrows where
/// there is no escape.
#[must_use]
pub(crate) fn decode(text: &[u8]) -> Option<Cow<'_, [u8]>> {
    if memchr::memchr(b'%', text).is_none() {
        return Some(Cow::Borrowed(text));
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
            let value = digit().zip(digit()).and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
            decoded.push(value?);
        } else {
            decoded.push(byte);
        }
    }
    Some(Cow::Owned(decoded))
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn escapes_are_decoded_once_and_invalid_ones_are_refused() {
        for (text, decoded) in [
            ("/a", Some("/a")),
            ("/%41%2f", Some("/A/")),
            ("/%2541", Some("/%41")),
            ("%", None),
            ("%4", None),
            ("%4%41", None),
            ("%%41", None),
            ("%+1", None),
            ("%é", None),
        ] {
            assert_eq!(decode(text.as_bytes()).as_deref(), decoded.map(str::as_bytes), "{text}");
        }
    }
}
