//! Bedrock's event stream as the server-sent events that Anthropic's own API would have sent, as it arrives.
//!
//! A frame of type `chunk` carries `{"bytes":"<base64 of one event's JSON>","p":"<padding>"}`; the event's own `type` is its
//! name, and its JSON passes byte for byte, Bedrock's `amazon-bedrock-invocationMetrics` in the last one included.
//! An exception becomes an `error` event. So does a stream that is damaged: what follows such an event is nobody's, for
//! where a frame ends cannot be known any more. A stream that ends too early just ends, as Anthropic's would. After
//! `message_stop` the message is whole, and nobody is told of what goes wrong behind it.
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ResponseStream.html>

use super::error::{self, Said};
use super::frame::{self, Decoder, Frame};
use crate::object::{Member, members};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use core::fmt;
use std::borrow::Cow;

/// One stream being transcoded.
pub struct Transcoder {
    decoder: Decoder,
    request_id: Option<String>,
    /// `message_stop` was written.
    whole: bool,
    failure: Option<Failure>,
}

/// Why a stream was ended with an `error` event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// AWS's name of an exception, which may be anything.
    Exception(String),
    /// A checksum, a length or what a frame carries is wrong.
    Damaged,
    /// A frame is above the limit.
    TooLarge,
}

/// Bytes of an event's name; of a longer one the event has none.
const NAME_BYTES: usize = 64;
/// Room for what stands around an event's JSON.
const LINE_BYTES: usize = 16;

// === impl Failure ===

impl Failure {
    /// As one word, for the record.
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
    /// A transcoder at the start of a stream, for frames of up to `event_bytes` bytes.
    #[must_use]
    pub fn new(event_bytes: usize, request_id: Option<&str>) -> Self {
        let request_id = request_id.map(str::to_owned);
        Self { decoder: Decoder::new(event_bytes), request_id, whole: false, failure: None }
    }

    /// What is for the client instead of `bytes`.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut events = Vec::new();
        if self.failure.is_some() || self.whole {
            return events;
        }
        let (failure, whole, request_id) = (&mut self.failure, &mut self.whole, self.request_id.as_deref());
        let result = self.decoder.feed(bytes, |frame| {
            // What follows an exception is nobody's.
            if failure.is_none() && !*whole {
                *failure = transcode(frame, request_id, whole, &mut events).err();
            }
        });
        if self.whole {
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
        write(&mut events, "error", &Said::new("api_error", message, self.request_id.as_deref()).json());
        events
    }

    /// Why the stream was ended with an `error` event, where it was.
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

/// Writes what `frame` says; an error ends the stream.
fn transcode(
    frame: Frame<'_>,
    request_id: Option<&str>,
    whole: &mut bool,
    events: &mut Vec<u8>,
) -> Result<(), Failure> {
    let name = match frame.header(":message-type") {
        Some("event") if frame.header(":event-type") == Some("chunk") => {
            return chunk(frame.payload, whole, events);
        }
        Some("exception") => frame.header(":exception-type").unwrap_or("unknown"),
        Some("error") => frame.header(":error-code").unwrap_or("unknown"),
        // New kinds of events may come at any time.
        _ => return Ok(()),
    };
    let [small, capital] = members(frame.payload, ["message", "Message"]).unwrap_or_default();
    let carried = small.text().or_else(|| capital.text());
    let message = frame.header(":error-message").map(Cow::Borrowed).or(carried);
    let message = message.unwrap_or(Cow::Borrowed(name));
    write(events, "error", &Said::new(error::error_type(name, 500), &message, request_id).json());
    Err(Failure::Exception(name.to_owned()))
}

fn chunk(payload: &[u8], whole: &mut bool, events: &mut Vec<u8>) -> Result<(), Failure> {
    let [bytes] = members(payload, ["bytes"]).ok_or(Failure::Damaged)?;
    let bytes = bytes.text().ok_or(Failure::Damaged)?;
    let json = STANDARD.decode(bytes.as_bytes()).map_err(|_| Failure::Damaged)?;
    let text = core::str::from_utf8(&json).map_err(|_| Failure::Damaged)?;
    match members(text.as_bytes(), ["type"]) {
        Some([Member::Text(name)]) => {
            *whole = name == "message_stop";
            write(events, &name, &json);
        }
        // Whatever is no event of Messages has no name to go by.
        Some([Member::Absent]) => {}
        Some([Member::Other]) | None => return Err(Failure::Damaged),
    }
    Ok(())
}

/// Writes one event. A name that would break the line it stands in is left out; it is in the data as well.
fn write(events: &mut Vec<u8>, name: &str, json: &[u8]) {
    if name.len() <= NAME_BYTES && name.bytes().all(|byte| byte.is_ascii_graphic()) {
        events.extend_from_slice(b"event: ");
        events.extend_from_slice(name.as_bytes());
        events.push(b'\n');
    }
    events.reserve(json.len().saturating_add(LINE_BYTES));
    // In JSON a line break is white space between values, and so are the two data lines that it becomes.
    for line in json.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.is_empty()) {
        events.extend_from_slice(b"data: ");
        events.extend_from_slice(line);
        events.push(b'\n');
    }
    events.push(b'\n');
}

#[cfg(test)]
mod tests;
