//! The clients. Each carries out one plan after the other, and reuses its connections if possible.

mod http1;
mod http2;

use crate::case::{Case, ClientSaw, End, PATIENCE, wait_for};
use crate::plan::ClientAct;
use crate::wire::HeaderLines;
use bytes::Bytes;
use std::net::SocketAddr;

/// The request side of a stream. A method returns `false` if the gateway accepts no more bytes.
trait Outgoing {
    async fn send(&mut self, piece: &[u8]) -> bool;
    async fn finish(&mut self, trailers: bool) -> bool;
}

/// The response side of a stream. A method returns an error if the gateway broke the response off.
trait Incoming {
    async fn head(&mut self) -> Result<(u16, HeaderLines), String>;
    /// The next bytes of the body; empty at its end.
    async fn part(&mut self) -> Result<Bytes, String>;
}

/// A client with its connections.
#[derive(Debug)]
pub(crate) struct Client {
    gateway: SocketAddr,
    http1: Option<http1::Connection>,
    http2: Option<http2::Connection>,
}

/// How the upload ended: complete, refused by the gateway, or left by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Uploaded {
    All,
    Refused,
    Left,
}

impl Client {
    pub(crate) const fn new(gateway: SocketAddr) -> Self {
        Self { gateway, http1: None, http2: None }
    }

    /// Carries out a plan.
    pub(crate) async fn run(&mut self, case: &Case) -> ClientSaw {
        let both = async {
            if case.plan.http2 { http2::run(self, case).await } else { http1::run(self, case).await }
        };
        let end = match tokio::time::timeout(3 * PATIENCE, both).await {
            Ok(Ok(saw)) => return saw,
            Ok(Err(error)) => End::Cut(error),
            Err(_) => End::Stuck,
        };
        ClientSaw { end, ..ClientSaw::default() }
    }
}

/// The request's headers, `x-request-id` and actor included.
fn headers(case: &Case) -> HeaderLines {
    let upload = &case.plan.upload;
    let mut headers: HeaderLines =
        upload.headers.iter().filter(|(name, _)| name != "x-actor").cloned().collect();
    headers.push(("x-actor".to_owned(), case.actor()));
    headers.push(("x-request-id".to_owned(), case.request_id()));
    if let Some(declared) = upload.declared {
        headers.push(("content-length".to_owned(), declared.to_string()));
    }
    headers
}

/// Sends the body and reads the response concurrently, until the response ends or the client leaves. The `bool`: the
/// whole body was sent.
async fn converse(
    case: &Case,
    outgoing: &mut impl Outgoing,
    incoming: &mut impl Incoming,
) -> (ClientSaw, bool) {
    let mut saw = ClientSaw::default();
    let mut complaints = Vec::new();
    let mut uploaded = None;
    let ended = {
        let upload = upload(case, outgoing, &mut complaints);
        let read = read(case, incoming, &mut saw);
        tokio::pin!(upload, read);
        let both = async {
            loop {
                tokio::select! {
                    how = &mut upload, if uploaded.is_none() => {
                        if how == Uploaded::Left {
                            break End::Left;
                        }
                        uploaded = Some(how);
                    }
                    end = &mut read => break end,
                }
            }
        };
        tokio::time::timeout(2 * PATIENCE, both).await.unwrap_or(End::Stuck)
    };
    saw.end = ended;
    saw.complaints.extend(complaints);
    case.reading.send_modify(|reading| reading.over = true);
    (saw, uploaded == Some(Uploaded::All))
}

async fn upload(case: &Case, outgoing: &mut impl Outgoing, complaints: &mut Vec<String>) -> Uploaded {
    let (upload, act) = (&case.plan.upload, case.plan.client);
    let limit = if let ClientAct::LeaveUploading { sent, .. } = act { sent } else { upload.body.len() };
    let mut from = 0;
    for portion in &upload.portions {
        if !portion.pause.is_zero() {
            tokio::time::sleep(portion.pause).await;
        }
        if let ClientAct::Linger { sent } = act
            && from + portion.bytes > sent
            && !wait_for(&case.reading, |reading| reading.head).await
        {
            complaints.push("the early answer never came".to_owned());
        }
        let to = (from + portion.bytes).min(limit);
        let piece = upload.body.get(from..to).unwrap_or_default();
        if !piece.is_empty() && !outgoing.send(piece).await {
            return Uploaded::Refused;
        }
        from = to;
    }
    if let ClientAct::LeaveUploading { sure, .. } = act {
        if sure && !wait_for(&case.arriving, |arriving| arriving.head).await {
            complaints.push("the request never reached the provider".to_owned());
        }
        return Uploaded::Left;
    }
    if upload.declared.is_some_and(|declared| declared > upload.body.len()) {
        return Uploaded::All;
    }
    if !outgoing.finish(upload.trailers).await {
        return Uploaded::Refused;
    }
    if let ClientAct::LeaveWaiting { sure } = act {
        if sure && !wait_for(&case.arriving, |arriving| arriving.whole).await {
            complaints.push("the request never reached the provider whole".to_owned());
        }
        return Uploaded::Left;
    }
    Uploaded::All
}

async fn read(case: &Case, incoming: &mut impl Incoming, saw: &mut ClientSaw) -> End {
    let enough =
        if let ClientAct::LeaveReading { received } = case.plan.client { received } else { usize::MAX };
    match incoming.head().await {
        Ok((status, headers)) => (saw.status, saw.headers) = (Some(status), headers),
        Err(error) => return End::Cut(error),
    }
    case.reading.send_modify(|reading| reading.head = true);
    while saw.body.len() < enough {
        if !case.plan.dawdle.is_zero() {
            tokio::time::sleep(case.plan.dawdle).await;
        }
        match incoming.part().await {
            Ok(part) if part.is_empty() => return End::Whole,
            Ok(part) => saw.body.extend_from_slice(&part),
            Err(error) => return End::Cut(error),
        }
        case.reading.send_modify(|reading| reading.body = saw.body.len());
    }
    End::Left
}
