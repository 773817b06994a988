//! The plan of one request: what its client and its provider will do, byte by byte. Only the run's seed and the
//! request's number determine it.

mod coding;
mod draw;
mod pool;
mod refusal;
mod shape;

use crate::transcript::Transcript;
use std::sync::Arc;
use std::time::Duration;

pub(crate) use draw::{draw, draw_gathered};
pub(crate) use pool::{MEMBERS, RETRIED, Refusal, key};

/// The plan of one request.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The number of the request in its run.
    pub(crate) number: u64,
    pub(crate) transcript: Arc<Transcript>,
    pub(crate) kind: Kind,
    pub(crate) http2: bool,
    pub(crate) upload: Upload,
    pub(crate) answer: Download,
    pub(crate) client: ClientAct,
    pub(crate) provider: ProviderAct,
    /// How the members of the pool fail that are asked before the one that does what `provider` says.
    pub(crate) refusals: Vec<Refusal>,
    /// The client's pause before each read of the response's body.
    pub(crate) dawdle: Duration,
    /// How the side that breaks off ends its connection or stream.
    pub(crate) goodbye: Goodbye,
}

/// What the gateway has to do with the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Forwarded and recorded.
    Bridged,
    /// Refused by the filter, and recorded. `in_body`: the reason is in the body.
    Refused { status: u16, code: &'static str, in_body: bool },
    /// Refused by the filter after the provider's response has begun, so that no reply is possible.
    RefusedLate { code: &'static str },
    /// Refused without a record.
    TurnedAway { status: u16 },
    /// Forwarded without a record.
    Passthrough,
}

/// The request that the client sends.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    /// What the client sends, encoded where `content-encoding` says so.
    pub(crate) body: Vec<u8>,
    /// The body that the provider receives.
    pub(crate) forwarded: Vec<u8>,
    /// `content-length`; `None`: the body is sent in chunks.
    pub(crate) declared: Option<usize>,
    pub(crate) portions: Vec<Portion>,
    /// Trailers follow the body (HTTP/1.1: only with chunks).
    pub(crate) trailers: bool,
}

/// The response that the provider sends.
#[derive(Debug)]
pub(crate) struct Download {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The body that the provider sends.
    pub(crate) body: Vec<u8>,
    /// The body that the client receives.
    pub(crate) delivered: Vec<u8>,
    /// What the filter cuts from the body: the position, and how many bytes.
    pub(crate) cut: (usize, usize),
    /// Whether the filter may keep an incomplete event back.
    pub(crate) held: bool,
    pub(crate) framing: Framing,
    pub(crate) portions: Vec<Portion>,
    /// The provider sends an interim response (103) first.
    pub(crate) hinted: bool,
    /// Trailers follow the body (only with chunks).
    pub(crate) trailers: bool,
}

/// How the end of the response's body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    Length,
    Chunks,
    Close,
}

/// A pause, then this many bytes in one write.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Portion {
    pub(crate) pause: Duration,
    pub(crate) bytes: usize,
}

/// What the client does. `sure`: before it leaves, it waits until the request has reached the provider (while uploading:
/// its headers).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClientAct {
    Stay,
    /// Sends this many bytes of the body, and the rest once the response has begun.
    Linger {
        sent: usize,
    },
    /// Leaves after it has sent this many bytes of the body.
    LeaveUploading {
        sent: usize,
        sure: bool,
    },
    /// Leaves after it has sent the request.
    LeaveWaiting {
        sure: bool,
    },
    /// Leaves after it has received this many bytes of the response's body.
    LeaveReading {
        received: usize,
    },
}

/// What the provider does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ProviderAct {
    /// Reads the request and responds.
    Answer,
    /// Responds after this many bytes of the request's body.
    AnswerEarly { after: usize },
    /// Sends this many bytes of the response's body before it reads the request, then nothing more.
    HoldEarly { sent: usize },
    /// Sends this many bytes of the response's body, and the rest once the wanted number of streams is open.
    Gather { sent: usize },
    /// Reads the request and sends nothing.
    Mute,
    /// Sends this many bytes of the response's body, then nothing more.
    Hold { sent: usize },
    /// Breaks the connection at `place`. `sure`: only once the client has received all that was sent before.
    Break { place: Place, sure: bool },
}

/// Where a provider breaks the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// After the request's headers.
    Arrival,
    /// After this many bytes of the request's body.
    Upload(usize),
    /// After the whole request.
    Whole,
    /// Within the response's headers.
    Head,
    /// After bytes that are not HTTP.
    Babble,
    /// After this many bytes of the response's body.
    Body(usize),
}

/// How a connection or stream is ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goodbye {
    /// By a TCP RST, or by `RST_STREAM`.
    Reset,
    /// By a TCP FIN, which ends a whole HTTP/2 connection.
    Close,
}

impl Download {
    /// How many bytes the client must receive once the provider has sent `sent`.
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
    /// Whether the request goes to the pool.
    pub(crate) fn is_pooled(&self) -> bool {
        self.upload.target.starts_with("/pooled/")
    }

    /// The plan in one line, for failures.
    pub(crate) fn story(&self) -> String {
        let (upload, answer) = (&self.upload, &self.answer);
        format!(
            "{} · {} {} {}{} · {:?} · client {:?}, provider {:?}, {:?} · {} bytes up{} in {} portions · {} {} bytes down by {:?} in {} portions{}",
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
            if self.refusals.is_empty() { String::new() } else { format!(" · before: {:?}", self.refusals) },
        )
    }

    /// The name under which the ledger counts the plan.
    pub(crate) fn scenario(&self) -> &'static str {
        match (self.kind, self.client, self.provider) {
            _ if self.is_pooled() => "pool",
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
