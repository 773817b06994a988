//! The response, from its headers until it has ended or broken off.

use super::arrival::Arrival;
use super::bedrock::{self, Translation};
use crate::answer::{Answer, NAME_BYTES};
use crate::api::response::{Format, ResponseReader};
use crate::bridge::Bridge;
use crate::headers::Headers;
use crate::note::{Note, Notes};
use crate::reply::Local;
use crate::step::ResponseHead;
use crate::text::head as head_of_text;

/// The state of the download. `exchange.rs` draws the edges between the states.
#[derive(Debug)]
pub(super) enum Download {
    /// No response headers have come.
    Awaiting,
    /// This filter replied because it refused the request. Its own reply is not read.
    Replied,
    /// Envoy or another filter replied.
    Local(Local),
    /// The upstream's response is being read.
    Reading(Box<Response>),
    /// The upstream's response has ended regularly, with its last chunk or trailers.
    Over(Box<Response>),
    /// The request was refused while the response was read: the stream is reset, and nothing more is read.
    Reset(Box<Response>),
}

/// An upstream's response.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) status: u16,
    pub(super) format: Format,
    /// The provider's own id of the request.
    pub(super) request_id: Option<String>,
    reader: ResponseReader,
    /// Set when the response is translated (Bedrock); the reader sees the translation.
    pub(super) translation: Option<Translation>,
    /// See [`passes`](Self::passes).
    passes: bool,
    /// AWS's name of the error, where clients speak Bedrock's own API.
    pub(super) aws_error: Option<String>,
}

// === impl Download ===

impl Download {
    /// The upstream's response, once its headers have come.
    pub(super) fn response(&self) -> Option<&Response> {
        match self {
            Self::Reading(response) | Self::Over(response) | Self::Reset(response) => Some(response),
            Self::Awaiting | Self::Replied | Self::Local(_) => None,
        }
    }

    /// Whether further bytes of the body are read. Those of a format without a reader are not.
    pub(super) fn is_read_on(&self) -> bool {
        matches!(self, Self::Reading(response) if response.format != Format::Unread || response.translation.is_some())
    }

    /// What was read of the upstream's response so far.
    pub(super) fn answer(&self) -> Option<&Answer> {
        self.response().map(Response::answer)
    }

    /// Marks the response as ended. Its reader has finished.
    pub(super) fn end(&mut self) {
        *self = match core::mem::replace(self, Self::Awaiting) {
            Self::Reading(response) => Self::Over(response),
            other @ (Self::Awaiting | Self::Replied | Self::Local(_) | Self::Over(_) | Self::Reset(_)) => {
                other
            }
        };
    }

    /// Reads no response any more, because the request is refused. Returns whether a reply can still be sent to the client.
    pub(super) fn refuse(&mut self) -> bool {
        let replied = matches!(self, Self::Awaiting);
        *self = match core::mem::replace(self, Self::Replied) {
            Self::Awaiting => Self::Replied,
            Self::Reading(response) => Self::Reset(response),
            other @ (Self::Replied | Self::Local(_) | Self::Over(_) | Self::Reset(_)) => other,
        };
        replied
    }

    /// Handles the end of the stream. Returns whether it broke the response off: what was read of it may then count
    /// differently.
    pub(super) fn abandon(&mut self) -> bool {
        match self {
            Self::Reading(response) | Self::Reset(response) => {
                response.reader.abandon();
                true
            }
            Self::Awaiting | Self::Replied | Self::Local(_) | Self::Over(_) => false,
        }
    }
}

// === impl Response ===

impl Response {
    /// A response with these headers; `streamed`: the request asked for a stream.
    pub(super) fn begin(
        bridge: &Bridge,
        arrival: &Arrival,
        head: &ResponseHead,
        streamed: bool,
        notes: &mut Notes,
    ) -> Self {
        let status = head.headers.status().unwrap_or_default();
        let event_bytes = bridge.limits.event_bytes;
        let translation = Translation::for_response(&arrival.provider, status, head, event_bytes, streamed);
        let format = match &translation {
            Some(translation) => translation.format(),
            None => format(status, &head.headers, streamed, notes),
        };
        let mut reader = arrival.api.response_reader(format, bridge.keep(), &bridge.limits);
        let ticket = arrival.pool.as_ref().map(|ticket| ticket.borrow());
        let member = ticket.as_ref().and_then(|ticket| ticket.served_member());
        if arrival.provider.states_output_in_total(arrival.api, member) {
            reader.output_is_rest();
        }
        Self {
            status,
            format,
            request_id: request_id(&head.headers),
            reader,
            translation,
            passes: bedrock::is_runtime(&arrival.provider),
            aws_error: bedrock::runtime_error(&arrival.provider, &head.headers),
        }
    }

    /// What was read so far.
    pub(super) const fn answer(&self) -> &Answer {
        self.reader.answer()
    }

    /// Arms the cut: the client does not get the event that states only the usage.
    pub(super) fn cut_usage_event(&mut self) {
        self.reader.cut_usage_event();
    }

    /// Reads the next chunk, or its translation if the response is translated. Returns what the client gets instead of the
    /// chunk: the translation, or the chunk without the usage event. `None`: the client gets the chunk itself.
    pub(super) fn read(&mut self, chunk: &[u8], end: bool, notes: &mut Notes) -> Option<Vec<u8>> {
        let Some(translation) = &mut self.translation else {
            return self.reader.feed(chunk);
        };
        let translated = translation.feed(chunk, end);
        if self.passes {
            match translation.unread() {
                // The client decides what the stream means: that it could not be read is no error of the upstream.
                Some(note) => notes.add(note),
                None => drop(self.reader.feed(&translated)),
            }
            return None;
        }
        self.reader.feed(&translated);
        if translation.met_its_limit() {
            notes.add(Note::EventTooLarge);
        }
        Some(translated)
    }

    /// Ends the body. Appends the bytes that the reader kept back to `instead`, which the client gets in place of the last
    /// chunk.
    pub(super) fn finish(&mut self, instead: &mut Option<Vec<u8>>) {
        let mut waited = self.reader.finish();
        if self.translation.is_none() && !waited.is_empty() {
            instead.get_or_insert_default().append(&mut waited);
        }
    }

    /// Whether the response is a stream of which an event was read.
    pub(super) fn any_event(&self) -> bool {
        self.reader.any_event()
    }

    /// Whether the end of the body alone shows that the answer is whole.
    pub(super) fn ends_with_body(&self) -> bool {
        let unread = self.passes && self.translation.as_ref().is_some_and(|read| read.unread().is_some());
        unread || self.reader.ends_with_body()
    }

    /// Whether the end of the body adds nothing to what was read: the document is complete.
    pub(super) fn is_read(&self) -> bool {
        self.format == Format::Document && self.translation.is_none() && self.answer().ended
    }

    /// Whether the client gets the response as it is, also where it is translated.
    pub(super) const fn passes(&self) -> bool {
        self.passes
    }

    /// Whether it is a 2xx response that is read as an answer.
    pub(super) const fn is_answer(&self) -> bool {
        self.is_success() && matches!(self.format, Format::Events | Format::Document)
    }

    /// Whether the status is 2xx.
    pub(super) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}

/// The headers in which providers state their id of a request: Anthropic, OpenAI and most others, AWS.
const REQUEST_IDS: [&str; 3] = ["request-id", "x-request-id", "x-amzn-requestid"];

/// The provider's id of the request, cut at [`NAME_BYTES`].
fn request_id(headers: &Headers) -> Option<String> {
    let id = REQUEST_IDS.iter().find_map(|name| headers.first(name).filter(|id| !id.is_empty()))?;
    Some(head_of_text(&String::from_utf8_lossy(id), NAME_BYTES).to_owned())
}

/// The format in which a response that is not translated is read.
fn format(status: u16, headers: &Headers, streamed: bool, notes: &mut Notes) -> Format {
    if headers.is_encoded() {
        notes.add(Note::ResponseEncoded);
        return Format::Unread;
    }
    Format::of(status, headers.text("content-type"), streamed).unwrap_or_else(|| {
        notes.add(Note::ResponseContentType);
        Format::Unread
    })
}
