//! Translates Bedrock's event stream, as it arrives, into the server-sent events that Anthropic's own API would send.
//!
//! A frame of type `chunk` carries `{"bytes":"<base64 of one event's JSON>","p":"<padding>"}`. The event's `type` becomes
//! its name, and its JSON passes byte for byte, `amazon-bedrock-invocationMetrics` in the last event included.
//!
//! An exception becomes an `error` event; so does a damaged stream. All bytes after that event are dropped. A stream
//! that ends too early ends without such an event, as Anthropic's would. `message_stop` completes the message: what
//! follows it is dropped, and no error in it is reported.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html>

use super::error::{AnthropicError, error_type};
use super::frame::{self, Decoder, Frame};
use crate::json::{TextMember, text_members};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use core::fmt;
use std::borrow::Cow;

/// Translates the event stream of one response, which arrives in chunks of any size.
pub struct Transcoder {
    decoder: Decoder,
    request_id: Option<String>,
    /// Whether `message_stop` was written.
    complete: bool,
    failure: Option<Failure>,
}

/// Why the transcoder ended a stream with an `error` event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// AWS sent an exception with this name, which may be any text.
    Exception(String),
    /// A checksum, a length or the payload of a frame is wrong.
    Damaged,
    /// A frame is longer than the limit.
    TooLarge,
}

/// Longest name of an event, in bytes. With a longer `type` the event is sent without a name.
const NAME_BYTES: usize = 64;
/// Room for the field names and line breaks of an event, in bytes.
const LINE_BYTES: usize = 16;

// === impl Failure ===

impl Failure {
    /// The code of the error in the record.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Exception(name) => name,
            Self::Damaged => "event_stream_damaged",
            Self::TooLarge => "event_too_large",
        }
    }
}

// === impl Transcoder ===

impl Transcoder {
    /// A transcoder at the start of a stream. A frame may have up to `event_bytes` bytes. `request_id`: the id by which
    /// AWS knows the request.
    #[must_use]
    pub fn new(event_bytes: usize, request_id: Option<&str>) -> Self {
        let request_id = request_id.map(str::to_owned);
        Self { decoder: Decoder::new(event_bytes), request_id, complete: false, failure: None }
    }

    /// Takes the next bytes of the stream, and returns the events that the client gets instead.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut events = Vec::new();
        if self.failure.is_some() || self.complete {
            return events;
        }
        let (failure, complete) = (&mut self.failure, &mut self.complete);
        let request_id = self.request_id.as_deref();
        let result = self.decoder.feed(bytes, |frame| {
            // Frames of the same chunk after an exception or `message_stop` are dropped too.
            if failure.is_none() && !*complete {
                *failure = transcode(frame, request_id, complete, &mut events).err();
            }
        });
        if self.complete {
            return events;
        }
        let problem = result.err().map(|problem| match problem {
            frame::Problem::TooLarge => Failure::TooLarge,
            frame::Problem::PreludeChecksum
            | frame::Problem::Lengths
            | frame::Problem::Checksum
            | frame::Problem::Headers => Failure::Damaged,
        });
        self.failure = self.failure.take().or(problem);
        let message = match &self.failure {
            Some(Failure::Damaged) => "the event stream of the upstream is damaged",
            Some(Failure::TooLarge) => "an event of the upstream is too large for the gateway",
            Some(Failure::Exception(_)) | None => return events,
        };
        write(
            &mut events,
            "error",
            &AnthropicError::new("api_error", message, self.request_id.as_deref()).json(),
        );
        events
    }

    /// Why the transcoder ended the stream with an `error` event, if it did.
    #[must_use]
    pub const fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }
}

impl fmt::Debug for Transcoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { decoder, failure, .. } = self;
        f.debug_struct("Transcoder")
            .field("decoder", decoder)
            .field("failure", failure)
            .finish_non_exhaustive()
    }
}

/// Writes the event in `frame`. An error ends the stream.
fn transcode(
    frame: Frame<'_>,
    request_id: Option<&str>,
    complete: &mut bool,
    events: &mut Vec<u8>,
) -> Result<(), Failure> {
    let name = match frame.header(":message-type") {
        Some("event") if frame.header(":event-type") == Some("chunk") => {
            return chunk(frame.payload, complete, events);
        }
        Some("exception") => frame.header(":exception-type").unwrap_or("unknown"),
        Some("error") => frame.header(":error-code").unwrap_or("unknown"),
        // AWS may add kinds of frames at any time.
        _ => return Ok(()),
    };
    let [small, capital] = text_members(frame.payload, ["message", "Message"]).unwrap_or_default();
    let carried = small.text().or_else(|| capital.text());
    let message = frame.header(":error-message").map(Cow::Borrowed).or(carried);
    let message = message.unwrap_or(Cow::Borrowed(name));
    write(events, "error", &AnthropicError::new(error_type(name, 500), &message, request_id).json());
    Err(Failure::Exception(name.to_owned()))
}

/// Writes the event in the payload of a frame of type `chunk`.
fn chunk(payload: &[u8], complete: &mut bool, events: &mut Vec<u8>) -> Result<(), Failure> {
    let [bytes] = text_members(payload, ["bytes"]).ok_or(Failure::Damaged)?;
    let bytes = bytes.text().ok_or(Failure::Damaged)?;
    let json = STANDARD.decode(bytes.as_bytes()).map_err(|_| Failure::Damaged)?;
    let text = core::str::from_utf8(&json).map_err(|_| Failure::Damaged)?;
    match text_members(text.as_bytes(), ["type"]) {
        Some([TextMember::Text(name)]) => {
            *complete = name == "message_stop";
            write(events, &name, &json);
        }
        // Not an event of the Messages API: it has no `type`.
        Some([TextMember::Absent]) => {}
        Some([TextMember::Other]) | None => return Err(Failure::Damaged),
    }
    Ok(())
}

/// Writes one event. A name that is too long, or could break its line, is left out; the data contains it as well.
fn write(events: &mut Vec<u8>, name: &str, json: &[u8]) {
    if name.len() <= NAME_BYTES && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        events.extend_from_slice(b"event: ");
        events.extend_from_slice(name.as_bytes());
        events.push(b'\n');
    }
    events.reserve(json.len().saturating_add(LINE_BYTES));
    // In JSON a line break is white space between tokens. The client joins the data lines with a line break.
    for line in json.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()) {
        events.extend_from_slice(b"data: ");
        events.extend_from_slice(line);
        events.push(b'\n');
    }
    events.push(b'\n');
}

#[cfg(test)]
mod tests;
