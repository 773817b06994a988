//! What one request, its client and its provider will do, byte by byte. A plan follows from the run's seed and the
//! request's number alone.

mod coding;
mod draw;
mod refusal;
mod shape;

use crate::transcript::Transcript;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use draw::{draw, draw_gathered};

/// One request and everything that will happen to it.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Of the request in its run.
    pub(crate) number: u64,
    pub(crate) transcript: Arc<Transcript>,
    pub(crate) kind: Kind,
    pub(crate) http2: bool,
    pub(crate) upload: Upload,
    pub(crate) answer: Download,
    pub(crate) client: ClientAct,
    pub(crate) provider: ProviderAct,
    /// The client reads slowly: so long a pause before each read.
    pub(crate) dawdle: Duration,
    /// How whoever leaves or breaks says goodbye.
    pub(crate) goodbye: Goodbye,
}

/// What the filter should make of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Forwarded and recorded.
    Bridged,
    /// Refused by the filter, and recorded. `in_body`: only the body shows that it has to be.
    Refused { status: u16, code: &'static str, in_body: bool },
    /// Refused by the filter when the provider's answer has already begun: nothing can be said any more.
    RefusedLate { code: &'static str },
    /// Answered without a record.
    TurnedAway { status: u16 },
    /// Forwarded without a record.
    Passthrough,
}

/// The request.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// What the client sends, encoded where `content-encoding` says so.
    pub(crate) body: Vec<u8>,
    /// What the provider gets of it.
    pub(crate) forwarded: Vec<u8>,
    /// `content-length`; `None`: chunks.
    pub(crate) declared: Option<usize>,
    pub(crate) portions: Vec<Portion>,
    /// The body ends with trailers (unless its end is counted).
    pub(crate) trailers: bool,
}

/// The provider's answer.
#[derive(Debug)]
pub(crate) struct Download {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// What the provider sends.
    pub(crate) body: Vec<u8>,
    /// What the client gets of it.
    pub(crate) delivered: Vec<u8>,
    /// What is cut out of it on the way: where, and how many bytes.
    pub(crate) cut: (usize, usize),
    /// The filter may keep an incomplete event back.
    pub(crate) held: bool,
    pub(crate) framing: Framing,
    pub(crate) portions: Vec<Portion>,
    /// An interim answer comes first.
    pub(crate) hinted: bool,
    /// The body ends with trailers (where it comes in chunks).
    pub(crate) trailers: bool,
}

/// How the answer says where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    Chunks,
    Close,
}

/// A piece that is written at once, after a pause.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portion {
    pub(crate) pause: Duration,
    pub(crate) bytes: usize,
}

/// What the client does. `sure`: it waits until the other side is known to be where the plan has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAct {
    Stay,
    /// Sends so many bytes of the body, and the rest when the answer has begun.
    Linger {
        sent: usize,
    },
    /// Gone when so many bytes of the body are sent.
    LeaveUploading {
        sent: usize,
        sure: bool,
    },
    /// Gone when the request is sent.
    LeaveWaiting {
        sure: bool,
    },
    /// Gone when so many bytes of the answer's body are there.
    LeaveReading {
        received: usize,
    },
}

/// What the provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProviderAct {
    /// Reads, answers.
    Answer,
    /// Answers after so many bytes of the request's body.
    AnswerEarly { after: usize },
    /// Answers so many bytes of the body before it has read anything, then nothing more.
    HoldEarly { sent: usize },
    /// Answers so many bytes of the body, and the rest when as many streams as were wanted are open.
    Gather { sent: usize },
    /// Reads, and says nothing.
    Mute,
    /// Answers so many bytes of the body, then nothing more.
    Hold { sent: usize },
    /// Breaks the connection.
    Break { place: Place, sure: bool },
}

/// Where a provider breaks the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// When the request's headers are there.
    Arrival,
    /// After so many bytes of the request's body.
    Upload(usize),
    /// When the request is whole.
    Whole,
    /// Within the answer's headers.
    Head,
    /// After something that is no HTTP.
    Babble,
    /// After so many bytes of the answer's body.
    Body(usize),
}

/// The end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goodbye {
    /// RST, or `RST_STREAM`.
    Reset,
    /// FIN, which ends all of an HTTP/2 connection.
    Close,
}

impl Download {
    /// How many bytes the client must have got once the provider has sent `sent`.
    pub(crate) fn delivered_at_least(&self, sent: usize) -> usize {
        if !self.held {
            return sent;
        }
        let (start, length) = self.cut;
        let known = shape::last_event(&self.body, sent);
        if known <= start { known } else { known.saturating_sub(length).max(start) }
    }

    /// How many bytes the provider must have sent for the client to have `delivered`.
    pub(crate) const fn sent_at_least(&self, delivered: usize) -> usize {
        if delivered <= self.cut.0 { delivered } else { delivered + self.cut.1 }
    }
}

impl Plan {
    /// What happens, in one line.
    pub(crate) fn story(&self) -> String {
        let (upload, answer) = (&self.upload, &self.answer);
        format!(
            "{} · {} {} {}{} · {:?} · client {:?}, provider {:?}, {:?} · {} bytes up{} in {} portions · {} {} bytes down by {:?} in {} portions",
            self.transcript.name,
            if self.http2 { "HTTP/2" } else { "HTTP/1.1" },
            upload.method,
            upload.target,
            crate::wire::header(&upload.headers, "content-encoding")
                .map(|coding| format!(" ({coding})"))
                .unwrap_or_default(),
            self.kind,
            self.client,
            self.provider,
            self.goodbye,
            upload.body.len(),
            upload.declared.map_or_else(|| " in chunks".to_owned(), |declared| format!(" of {declared}")),
            upload.portions.len(),
            answer.status,
            answer.body.len(),
            answer.framing,
            answer.portions.len(),
        )
    }

    /// The scenario's name, to count by.
    pub(crate) fn scenario(&self) -> &'static str {
        match (self.kind, self.client, self.provider) {
            (Kind::Refused { .. }, _, _) => "refused",
            (Kind::RefusedLate { .. }, _, _) => "refused when the answer had begun",
            (Kind::TurnedAway { .. }, _, _) => "turned away",
            (Kind::Passthrough, _, _) => "passthrough",
            (Kind::Bridged, ClientAct::LeaveReading { .. }, ProviderAct::Break { .. }) => "both leave",
            (Kind::Bridged, ClientAct::LeaveUploading { .. }, _) => "client gone while uploading",
            (Kind::Bridged, ClientAct::LeaveWaiting { .. }, _) => "client gone before the answer",
            (Kind::Bridged, ClientAct::LeaveReading { .. }, _) => "client gone in the answer",
            (Kind::Bridged, _, ProviderAct::Gather { .. }) => "many at once",
            (Kind::Bridged, _, ProviderAct::Break { place: Place::Body(_), .. }) => {
                "provider breaks in the answer"
            }
            (Kind::Bridged, _, ProviderAct::Break { .. }) => "provider breaks before it answers",
            (Kind::Bridged, _, ProviderAct::AnswerEarly { .. }) => "early answer",
            (Kind::Bridged, ClientAct::Stay | ClientAct::Linger { .. }, _) => "whole",
        }
    }
}
