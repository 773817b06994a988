//! Parameters of a request's query: `name=value`, separated by `&`. The names are compared after one decoding, in which
//! `+` is a space (<https://url.spec.whatwg.org/#urlencoded-parsing>), because the upstream decodes them.

use crate::percent;
use std::borrow::Cow;

/// The values of the parameters `name` of `query`, each decoded once. A value with an invalid escape stays as written.
pub fn values<'a>(query: &'a [u8], name: &'a str) -> impl Iterator<Item = Cow<'a, [u8]>> {
    parameters(query).filter(move |parameter| is_named(parameter, name)).map(value)
}

/// Whether `query` has a parameter `name`.
#[must_use]
pub fn contains(query: &[u8], name: &str) -> bool {
    parameters(query).any(|parameter| is_named(parameter, name))
}

/// Removes the parameters whose decoded name and value are `unwanted` from `query`. All other bytes stay. If no
/// parameter is left, the
/// result is empty: it has no `?`.
#[must_use]
pub fn without(query: &[u8], unwanted: impl Fn(&[u8], &[u8]) -> bool) -> Cow<'_, [u8]> {
    let unwanted = |parameter: &&[u8]| unwanted(&name(parameter), &value(parameter));
    if !parameters(query).any(|parameter| unwanted(&parameter)) {
        return Cow::Borrowed(query);
    }
    let mut kept = Vec::with_capacity(query.len());
    for parameter in parameters(query).filter(|parameter| !unwanted(parameter)) {
        kept.push(if kept.is_empty() { b'?' } else { b'&' });
        kept.extend_from_slice(parameter);
    }
    Cow::Owned(kept)
}

/// The parameters of `query`, which begins with `?` where it is not empty.
fn parameters(query: &[u8]) -> impl Iterator<Item = &[u8]> {
    query.strip_prefix(b"?").into_iter().flat_map(|query| query.split(|byte| *byte == b'&'))
}

fn is_named(parameter: &[u8], wanted: &str) -> bool {
    *name(parameter) == *wanted.as_bytes()
}

/// The value of `parameter`, decoded once. A value with an invalid escape stays as written.
fn value(parameter: &[u8]) -> Cow<'_, [u8]> {
    let value = parameter.splitn(2, |byte| *byte == b'=').nth(1).unwrap_or_default();
    percent::decode(value).unwrap_or(Cow::Borrowed(value))
}

/// The name of `parameter`, decoded once. A name with an invalid escape stays as written.
fn name(parameter: &[u8]) -> Cow<'_, [u8]> {
    let written = parameter.split(|byte| *byte == b'=').next().unwrap_or_default();
    if memchr::memchr(b'+', written).is_none() {
        return percent::decode(written).unwrap_or(Cow::Borrowed(written));
    }
    let spaced: Vec<u8> = written.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
    Cow::Owned(percent::decode(&spaced).unwrap_or(Cow::Borrowed(&spaced)).into_owned())
}

#[cfg(test)]
mod tests {
    use super::{values, without};

    #[test]
    fn a_parameter_is_found_and_removed_in_every_spelling_of_its_name() {
        for (query, found, rest) in [
            ("", &[][..], ""),
            ("?", &[], "?"),
            ("?alt=sse", &[], "?alt=sse"),
            ("?key=k", &["k"], ""),
            ("?key=k&alt=sse", &["k"], "?alt=sse"),
            ("?alt=sse&key=k", &["k"], "?alt=sse"),
            ("?a=%zz&&k%65y=k%2Bx&b=/?&key", &["k+x", ""], "?a=%zz&&b=/?"),
            ("?keys=k&Key=k&mykey=k", &[], "?keys=k&Key=k&mykey=k"),
            ("?key=a=b&key=%", &["a=b", "%"], ""),
        ] {
            let values: Vec<Vec<u8>> =
                values(query.as_bytes(), "key").map(|value| value.into_owned()).collect();
            assert_eq!(values, found.iter().map(|value| value.as_bytes()).collect::<Vec<_>>(), "{query}");
            assert_eq!(*without(query.as_bytes(), |name, _| name == b"key"), *rest.as_bytes(), "{query}");
        }
    }
}
