//! Decides whether a response is an event stream, a document or an error.

/// How a response's body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Server-sent events.
    Events,
    /// One JSON document.
    Document,
    /// The JSON document of an error status.
    Error,
    /// The body is not read.
    Unread,
}

impl Format {
    /// The format of a response without content coding: by `status`, by `content_type`, or, if the response states
    /// none, by whether the request asked for a stream (`streamed`). `None`: a success of another content type, which
    /// is not read.
    #[must_use]
    pub fn of(status: u16, content_type: Option<&str>, streamed: bool) -> Option<Self> {
        let media_type = content_type
            .map(|value| value.split(';').next().unwrap_or_default().trim())
            .filter(|media_type| !media_type.is_empty());
        let is = |media_type: &str, wanted| media_type.eq_ignore_ascii_case(wanted);
        let is_json = |media_type: &str| {
            let suffix = media_type.as_bytes().last_chunk::<5>();
            is(media_type, "application/json")
                || suffix.is_some_and(|suffix| suffix.eq_ignore_ascii_case(b"+json"))
        };
        match media_type {
            _ if !(200..300).contains(&status) => Some(Self::Error),
            Some(media_type) if is(media_type, "text/event-stream") => Some(Self::Events),
            Some(media_type) if is_json(media_type) => Some(Self::Document),
            None if streamed => Some(Self::Events),
            None => Some(Self::Document),
            Some(_) => None,
        }
    }
}
