//! The caller of a request: the actor that an authentication filter in front has identified, the client program and its
//! session (`envoy/behaviour.md#callers-clients-and-sessions`). Nothing is authenticated here: a header is trusted only
//! where the operator names it.

use core::fmt;

mod client;
mod source;

pub use self::client::{Agent, Client};
pub use self::source::ActorSource;
use crate::headers::{HeaderEdits, Headers};
use crate::text::head;

/// The most bytes of an identifier (actor, metadata value, session); longer ones are cut at a character boundary.
const IDENTIFIER_BYTES: usize = 1024;

/// The prefix of the headers in which `send_actor` names the actor to a provider.
pub const SENT_PREFIX: &str = "x-ai-bridge-actor-";
const SENT_ID: &str = "x-ai-bridge-actor-id";
const SENT_METADATA: &str = "x-ai-bridge-actor-metadata-";

/// The authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Never empty; at most 1 KiB.
    pub id: String,
}

/// Configured metadata keys with their values, in configured order. Values are never empty and at most 1 KiB; a key
/// without a value is left out.
pub type Metadata = Vec<(String, String)>;

/// Why a request is refused because of its caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ActorError {
    /// 400: a source has two values or is not UTF-8 text. The caller is never guessed.
    Unreadable {
        /// The header's lower-case name, or the property's path joined by `.`.
        header: String,
    },
    /// 401: an actor is required, and there is none.
    Missing,
}

/// The actor and the metadata. The actor is the property's value where that is not empty, else the header's; where the
/// property has a value, the header is not read. `property` is the host's value of `source.property`; without a configured
/// path it is not trusted. There may be metadata without an actor: a gateway may know a caller's team alone.
///
/// # Errors
/// See [`ActorError`]. Metadata that cannot be read is an error also where there is no actor.
pub fn actor(
    headers: &Headers,
    source: &ActorSource,
    property: Option<&[u8]>,
) -> Result<(Option<Actor>, Metadata), ActorError> {
    let id = match of_property(source, property)? {
        Some(id) => Some(id),
        None => source.header.as_deref().map_or(Ok(None), |name| only_value(headers, name))?,
    };
    let metadata = metadata(headers, source)?;
    if id.is_none() && source.required {
        return Err(ActorError::Missing);
    }
    Ok((id.map(|id| Actor { id }), metadata))
}

fn metadata(headers: &Headers, source: &ActorSource) -> Result<Metadata, ActorError> {
    let mut metadata = Vec::with_capacity(source.metadata_headers.len());
    for (key, name) in &source.metadata_headers {
        if let Some(value) = only_value(headers, name)? {
            metadata.push((key.clone(), value));
        }
    }
    Ok(metadata)
}

/// The names of the headers in which the actor is found. They are not sent upstream.
pub fn actor_headers(source: &ActorSource) -> impl Iterator<Item = &str> {
    source.header.as_deref().into_iter().chain(source.metadata_headers.iter().map(|(_, name)| name.as_str()))
}

fn of_property(source: &ActorSource, value: Option<&[u8]>) -> Result<Option<String>, ActorError> {
    let (Some(path), Some(value)) = (&source.property, value) else { return Ok(None) };
    // The host writes numbers, booleans and maps as bytes with a NUL among them, and `true` as a 1. None of them is an id.
    match core::str::from_utf8(value) {
        Ok(text) if !text.contains('\0') && text != "\u{1}" => Ok(identifier(text)),
        Ok(_) | Err(_) => Err(ActorError::Unreadable { header: path.join(".") }),
    }
}

/// The one value of a header; `None` where it is absent or empty.
fn only_value(headers: &Headers, name: &str) -> Result<Option<String>, ActorError> {
    let unreadable = || ActorError::Unreadable { header: name.to_owned() };
    if headers.repeats(name) {
        return Err(unreadable());
    }
    let Some(value) = headers.first(name) else { return Ok(None) };
    core::str::from_utf8(value).map(identifier).map_err(|_| unreadable())
}

/// `text` trimmed and cut; `None` where nothing is left.
fn identifier(text: &str) -> Option<String> {
    let kept = head(text.trim(), IDENTIFIER_BYTES);
    (!kept.is_empty()).then(|| kept.to_owned())
}

/// Adds the headers of `send_actor`: `x-ai-bridge-actor-id`, where there is an actor, and
/// `x-ai-bridge-actor-metadata-{key}`. A control character becomes `?`: a host property may contain a line break, which
/// would begin another header.
pub fn send_actor(id: Option<&str>, metadata: &[(String, String)], edits: &mut HeaderEdits) {
    if let Some(id) = id {
        edits.set(SENT_ID, header_value(id));
    }
    for (key, value) in metadata {
        edits.set(format!("{SENT_METADATA}{}", key.to_ascii_lowercase()), header_value(value));
    }
}

fn header_value(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

impl fmt::Display for ActorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { .. } => f.write_str("the caller's identity cannot be read"),
            Self::Missing => f.write_str("an authenticated caller is required"),
        }
    }
}

impl core::error::Error for ActorError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(pairs: &[(&str, &[u8])]) -> Headers {
        Headers::new(pairs.iter().map(|(n, v)| ((*n).to_owned(), v.to_vec())).collect())
    }

    fn source() -> ActorSource {
        ActorSource {
            header: Some("x-user".to_owned()),
            metadata_headers: vec![
                ("team".to_owned(), "x-team".to_owned()),
                ("cost_centre".to_owned(), "x-cost".to_owned()),
            ],
            property: Some(vec!["metadata".to_owned(), "jwt".to_owned(), "sub".to_owned()]),
            required: false,
        }
    }

    fn unreadable<T>(what: &str) -> Result<T, ActorError> {
        Err(ActorError::Unreadable { header: what.to_owned() })
    }

    fn id(found: Result<(Option<Actor>, Metadata), ActorError>) -> Option<String> {
        found.unwrap().0.map(|actor| actor.id)
    }

    fn ann() -> Option<Actor> {
        Some(Actor { id: "ann".to_owned() })
    }

    #[test]
    fn an_actor_comes_with_the_metadata_that_is_present() {
        let seen = headers(&[("x-cost", b" 42 "), ("x-user", b" ann\t"), ("x-team", b"r\xc3\xb6t")]);
        let metadata =
            vec![("team".to_owned(), "röt".to_owned()), ("cost_centre".to_owned(), "42".to_owned())];
        assert_eq!(actor(&seen, &source(), None), Ok((ann(), metadata)));

        let seen = headers(&[("x-user", b"ann"), ("x-team", b"  ")]);
        assert_eq!(actor(&seen, &source(), None), Ok((ann(), vec![])), "empty metadata is absent");
    }

    #[test]
    fn without_a_configured_source_nothing_is_trusted() {
        let seen = headers(&[("x-user", b"ann"), ("x-ai-bridge-actor-id", b"ann"), ("x-team", b"red")]);
        assert_eq!(actor(&seen, &ActorSource::default(), Some(b"ann")), Ok((None, vec![])));
    }

    #[test]
    fn the_property_wins_and_an_empty_one_falls_back_to_the_header() {
        let seen = headers(&[("x-user", b"header")]);
        for (property, expected) in [
            (Some(b" property ".as_slice()), "property"),
            (Some(b"".as_slice()), "header"),
            (Some(b" \t".as_slice()), "header"),
            (None, "header"),
        ] {
            assert_eq!(id(actor(&seen, &source(), property)).as_deref(), Some(expected), "{property:?}");
        }
        let twice = headers(&[("x-user", b"a"), ("x-user", b"b")]);
        assert_eq!(id(actor(&twice, &source(), Some(b"property"))).as_deref(), Some("property"));
    }

    #[test]
    fn an_error_names_the_source_that_cannot_be_read() {
        for (seen, property, what) in [
            (headers(&[("x-user", b"a"), ("x-user", b"a")]), None, "x-user"),
            (headers(&[("x-user", b""), ("x-user", b"a")]), Some(b" ".as_slice()), "x-user"),
            (headers(&[("x-user", b"a\xff")]), None, "x-user"),
            (headers(&[("x-user", b"a"), ("x-team", b"\xff")]), None, "x-team"),
            (headers(&[("x-cost", b"1"), ("x-cost", b"1")]), None, "x-cost"),
            (headers(&[("x-user", b"a")]), Some(b"\xff".as_slice()), "metadata.jwt.sub"),
            (headers(&[("x-user", b"a")]), Some(b"\0".as_slice()), "metadata.jwt.sub"),
            (headers(&[("x-user", b"a")]), Some(b"\x01".as_slice()), "metadata.jwt.sub"),
        ] {
            assert_eq!(actor(&seen, &source(), property), unreadable(what));
        }
    }

    #[test]
    fn a_missing_actor_is_an_error_only_where_one_is_required() {
        let required = ActorSource { required: true, ..source() };
        for seen in [headers(&[]), headers(&[("x-user", b"  ")]), headers(&[("x-team", b"red")])] {
            assert_eq!(id(actor(&seen, &source(), None)), None);
            assert_eq!(actor(&seen, &required, Some(b"")), Err(ActorError::Missing));
        }
        assert_eq!(
            actor(&headers(&[("x-team", b"\xff")]), &required, None),
            unreadable("x-team"),
            "400 is the better answer"
        );
        assert_eq!(id(actor(&headers(&[]), &required, Some(b"ann"))).as_deref(), Some("ann"));
    }

    #[test]
    fn identifiers_are_cut_at_one_kibibyte_between_characters() {
        for (text, kept_bytes) in [
            ("a".repeat(1023), 1023),
            ("a".repeat(1024), 1024),
            ("a".repeat(1025), 1024),
            ("é".repeat(600), 1024),
            (format!("a{}", "é".repeat(600)), 1023),
            (format!("ab{}", "🔑".repeat(300)), 1022),
        ] {
            let kept = id(actor(&headers(&[("x-user", text.as_bytes())]), &source(), None)).unwrap();
            assert_eq!(kept.len(), kept_bytes);
            assert!(text.starts_with(&kept));
        }
    }

    #[test]
    fn the_actor_is_sent_and_cannot_begin_another_header() {
        let seen = headers(&[("x-team", b"r\xc3\xb6t"), ("x-ai-bridge-actor-id", b"forged")]);
        let (actor, metadata) = actor(&seen, &source(), Some(b"ann\r\nx-evil: 1\x7f")).unwrap();
        let mut edits = HeaderEdits::default();
        send_actor(actor.as_ref().map(|actor| actor.id.as_str()), &metadata, &mut edits);
        assert_eq!(
            edits.set,
            [
                ("x-ai-bridge-actor-id".into(), b"ann??x-evil: 1?".to_vec()),
                ("x-ai-bridge-actor-metadata-team".into(), "röt".into()),
            ]
        );
    }

    #[test]
    fn the_actors_headers_are_all_named() {
        assert_eq!(actor_headers(&source()).collect::<Vec<_>>(), ["x-user", "x-team", "x-cost"]);
        assert_eq!(actor_headers(&ActorSource::default()).count(), 0);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_give_an_actor_or_an_error(
            pairs in prop::collection::vec((
                prop::sample::select(vec!["x-user", "x-team", "x-cost", "other"]),
                prop_oneof![prop::collection::vec(any::<u8>(), 0..40), "\\PC{0,400}".prop_map(String::into_bytes)],
            ), 0..5),
            property in prop::option::of(prop::collection::vec(any::<u8>(), 0..40)),
            required in any::<bool>(),
        ) {
            let seen = Headers::new(pairs.into_iter().map(|(n, v)| (n.to_owned(), v)).collect());
            let found = actor(&seen, &ActorSource { required, ..source() }, property.as_deref());
            if let Ok((actor, metadata)) = found {
                prop_assert!(actor.is_some() || !required);
                let id = actor.iter().map(|actor| &actor.id);
                for text in metadata.iter().map(|(_, value)| value).chain(id) {
                    prop_assert!(!text.is_empty() && text.len() <= IDENTIFIER_BYTES);
                }
            }
        }
    }
}
