//! The members of `query`, which the upstream's query gets where the client did not send them.

use crate::{percent, query};

/// `path` with each of `members` whose name its query lacks. What the client wrote stays to the byte, in front.
pub(super) fn with(path: Vec<u8>, members: &[(String, String)]) -> Vec<u8> {
    if members.is_empty() {
        return path;
    }
    let (_, client) = path.split_at(memchr::memchr(b'?', &path).unwrap_or(path.len()));
    let missing: Vec<_> = members.iter().filter(|(name, _)| !query::contains(client, name)).collect();
    let mut separator = match client {
        [] => Some(b'?'),
        [b'?'] | [.., b'&'] => None,
        _ => Some(b'&'),
    };
    let mut whole = path;
    for (name, value) in missing {
        whole.extend(separator);
        percent::encode(name, &mut whole);
        whole.push(b'=');
        percent::encode(value, &mut whole);
        separator = Some(b'&');
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::with;

    #[test]
    fn names_that_the_client_did_not_send_are_added_behind_its_own_query() {
        let query = [("api-version", "2025-04-01-preview"), ("a b", "x&y=z é")];
        let query = query.map(|(name, value)| (name.to_owned(), value.to_owned()));
        for (path, expected) in [
            ("/v1", "/v1?api-version=2025-04-01-preview&a%20b=x%26y%3Dz%20%C3%A9"),
            ("/v1?", "/v1?api-version=2025-04-01-preview&a%20b=x%26y%3Dz%20%C3%A9"),
            ("/v1?q=%zz&", "/v1?q=%zz&api-version=2025-04-01-preview&a%20b=x%26y%3Dz%20%C3%A9"),
            ("/v1?a+b", "/v1?a+b&api-version=2025-04-01-preview"),
            ("/v1?a%20b=&api%2Dversion=old", "/v1?a%20b=&api%2Dversion=old"),
            ("/v1?a+b&x=1&api-version", "/v1?a+b&x=1&api-version"),
            ("/v1?API-VERSION=1&a%20b", "/v1?API-VERSION=1&a%20b&api-version=2025-04-01-preview"),
            ("/v1?x=api-version&a%20b", "/v1?x=api-version&a%20b&api-version=2025-04-01-preview"),
        ] {
            assert_eq!(String::from_utf8(with(path.into(), &query)).unwrap(), expected);
        }
        assert_eq!(with(b"/v1?\xff".to_vec(), &query[..1]), b"/v1?\xff&api-version=2025-04-01-preview");
        assert_eq!(with(b"/v1?x".to_vec(), &[]), b"/v1?x");
    }
}
