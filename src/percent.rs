//! Percent-encoding in paths and queries (RFC 3986 §2.1). Written by hand because an invalid escape must be an error: the
//! usual crates leave one as it is.

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

/// Appends `text` to `out` with every byte escaped that is not unreserved (RFC 3986 §2.3).
pub(crate) fn encode(text: &str, out: &mut Vec<u8>) {
    let digit = |value: u8| b"0123456789ABCDEF".get(usize::from(value)).copied().unwrap_or_default();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte);
        } else {
            out.extend([b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};

    #[test]
    fn an_encoded_text_is_unreserved_and_decodes_to_itself() {
        for (text, encoded) in [
            ("2025-04-01-preview", "2025-04-01-preview"),
            ("a b&c=d/e?f#g%h+i", "a%20b%26c%3Dd%2Fe%3Ff%23g%25h%2Bi"),
            ("é\n~", "%C3%A9%0A~"),
        ] {
            let mut out = Vec::new();
            encode(text, &mut out);
            assert_eq!(out, encoded.as_bytes());
            assert_eq!(decode(&out).as_deref(), Some(text.as_bytes()));
        }
    }

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
