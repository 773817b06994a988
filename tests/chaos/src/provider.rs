//! All providers: an HTTP/1.1 server that treats each request as its plan says.

use crate::case::{Case, Gate, PATIENCE, Registry, wait_for};
use crate::plan::{self, Framing, Goodbye, Kind, Place, ProviderAct, Refusal};
use crate::wire::{Broken, Frame, Head, Wire};
use bytes::BytesMut;
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;

/// What happens to the connection after a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AfterRequest {
    Keep,
    Close,
    Reset,
}

type Line = Wire<TcpStream>;

/// A member of the pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member {
    pub(crate) name: &'static str,
    pub(crate) address: SocketAddr,
}

/// Serves without end, for all providers or for a member of the pool. Failures that belong to no request are sent to
/// `complaints`.
pub(crate) async fn serve(
    listener: TcpListener,
    member: Option<Member>,
    registry: Arc<Registry>,
    complaints: UnboundedSender<String>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (registry, complaints) = (Arc::clone(&registry), complaints.clone());
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    connection(Wire::new(stream, BytesMut::new()), member, &registry, &complaints).await;
                });
            }
            Err(error) => {
                let _ = complaints.send(format!("the provider cannot accept connections: {error}"));
                tokio::time::sleep(PATIENCE).await;
            }
        }
    }
}

async fn connection(
    mut line: Line,
    member: Option<Member>,
    registry: &Registry,
    complaints: &UnboundedSender<String>,
) {
    loop {
        let head = match line.head().await {
            Ok(head) => head,
            Err(Broken::Malformed(what)) => {
                let _ = complaints.send(format!("the provider got something that is no HTTP: {what}"));
                return;
            }
            Err(Broken::Closed | Broken::Reset) => return,
        };
        let serial = head.header("x-request-id").and_then(Case::serial_of);
        let Some(case) = serial.and_then(|serial| registry.find(serial)) else {
            let _ = complaints.send(format!("the provider got a request that nobody sent: {head:?}"));
            return;
        };
        if matches!(case.plan.kind, Kind::TurnedAway { .. } | Kind::Refused { in_body: false, .. }) {
            let _ = complaints.send(format!("a refused request reached the provider: {}", case.plan.story()));
        }
        if let Some(foreign) = foreign(member, &case, &head) {
            let _ = complaints.send(format!("{foreign}: {head:?}, {}", case.plan.story()));
        }
        let refusal = {
            let mut saw = case.provider();
            let refusal = case.plan.refusals.get(saw.refused).copied();
            *if refusal.is_some() { &mut saw.refused } else { &mut saw.arrivals } += 1;
            saw.busy += 1;
            refusal
        };
        let done = match refusal {
            Some(refusal) => refuse(&mut line, &case, &head, refusal).await,
            None => exchange(&mut line, &case, head, &registry.gate).await,
        };
        let after = done.unwrap_or(AfterRequest::Close);
        if after == AfterRequest::Reset {
            let _ = line.stream.set_zero_linger();
        }
        case.provider().busy -= 1;
        if after != AfterRequest::Keep {
            return;
        }
    }
}

/// What is wrong with a request at this provider or member: it belongs elsewhere, or has another key.
fn foreign(member: Option<Member>, case: &Case, head: &Head) -> Option<&'static str> {
    if member.is_some() != case.plan.is_pooled() {
        return Some("a request of the pool at another provider, or the reverse");
    }
    let member = member?;
    let keys = |(name, value): &(String, String)| name != "x-request-id" && value.contains("sk-");
    let found: Vec<_> = head.headers.iter().filter(|header| keys(header)).collect();
    let own = [&("x-api-key".to_owned(), plan::key(member.name))];
    if found != own {
        return Some("not the member's key alone");
    }
    (head.header("host") != Some(&member.address.to_string())).then_some("not the member's host")
}

/// Fails as a member of the pool, after a part of the request.
async fn refuse(line: &mut Line, case: &Case, head: &Head, refusal: Refusal) -> Result<AfterRequest, Broken> {
    let mut frame = head.frame(Frame::Over)?;
    let mut found = Vec::new();
    let read = copy(line, &mut frame, refusal.after, &mut found).await;
    tokio::time::sleep(refusal.pause).await;
    let Some((status, header)) = refusal.answer else { return Ok(AfterRequest::Reset) };
    if read.is_ok() {
        let body = r#"{"type":"error","error":{"type":"api_error","message":"refused"}}"#;
        let head = format!("HTTP/1.1 {status} Chaos\r\nx-chaos-refusal: {}\r\n{header}\r\n", case.serial);
        let head = format!("{head}content-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        write(line, [head.as_bytes(), body.as_bytes()].concat().as_slice()).await?;
        // The gateway gives the rest up, or sends it.
        let _ = tokio::time::timeout(PATIENCE, copy(line, &mut frame, usize::MAX, &mut found)).await;
    }
    let forwarded = &case.plan.upload.forwarded;
    if !forwarded.starts_with(&found) || frame == Frame::Over && found.len() < forwarded.len() {
        return Ok(complain(case, "a member that failed did not get the request's bytes"));
    }
    Ok(if frame == Frame::Over { AfterRequest::Keep } else { AfterRequest::Close })
}

/// Reads until `found` has `until` bytes of the body, or all of it.
async fn copy(line: &mut Line, frame: &mut Frame, until: usize, found: &mut Vec<u8>) -> Result<(), Broken> {
    while found.len() < until && *frame != Frame::Over {
        found.extend_from_slice(&line.part(frame).await?);
    }
    Ok(())
}

/// Handles one request by its plan. An error: the gateway closed the connection.
async fn exchange(line: &mut Line, case: &Case, head: Head, gate: &Gate) -> Result<AfterRequest, Broken> {
    let mut frame = head.frame(Frame::Over)?;
    let plan = &case.plan;
    let all = plan.answer.body.len();
    {
        let mut saw = case.provider();
        saw.target = head.first.split(' ').nth(1).unwrap_or_default().to_owned();
        saw.headers = head.headers;
    }
    case.arriving.send_modify(|arriving| arriving.head = true);
    let goodbye = match plan.goodbye {
        Goodbye::Reset => AfterRequest::Reset,
        Goodbye::Close => AfterRequest::Close,
    };
    match plan.provider {
        ProviderAct::Break { place: Place::Arrival, .. } => return Ok(goodbye),
        ProviderAct::Break { place: Place::Upload(bytes), .. } => {
            read(line, case, &mut frame, bytes).await?;
            return Ok(goodbye);
        }
        ProviderAct::AnswerEarly { after } => {
            read(line, case, &mut frame, after).await?;
            answer(line, case, 0..all, true).await?;
            let rest = read(line, case, &mut frame, usize::MAX);
            let whole = tokio::time::timeout(PATIENCE, rest).await;
            return match whole {
                Ok(Ok(())) => Ok(AfterRequest::Keep),
                Ok(Err(_)) => Ok(AfterRequest::Close),
                Err(_) => Ok(complain(case, "the rest of the request neither came nor was given up")),
            };
        }
        ProviderAct::HoldEarly { sent } => {
            answer(line, case, 0..sent, false).await?;
            // More of the request may arrive, but never its end.
            let rest = tokio::time::timeout(PATIENCE, read(line, case, &mut frame, usize::MAX)).await;
            return Ok(if rest.is_ok() {
                AfterRequest::Close
            } else {
                complain(case, "the request was not given up")
            });
        }
        ProviderAct::Answer
        | ProviderAct::Gather { .. }
        | ProviderAct::Mute
        | ProviderAct::Hold { .. }
        | ProviderAct::Break { .. } => read(line, case, &mut frame, usize::MAX).await?,
    }
    match plan.provider {
        ProviderAct::Answer | ProviderAct::AnswerEarly { .. } | ProviderAct::HoldEarly { .. } => {
            answer(line, case, 0..all, true).await?;
            Ok(if plan.answer.framing == Framing::Close { AfterRequest::Close } else { AfterRequest::Keep })
        }
        ProviderAct::Gather { sent } => {
            answer(line, case, 0..sent, false).await?;
            if !gate.pass().await {
                complain(case, "too few streams were open at once");
            }
            answer(line, case, sent..all, true).await?;
            Ok(AfterRequest::Keep)
        }
        ProviderAct::Mute => Ok(wait_until_gone(line, case).await),
        ProviderAct::Hold { sent } => {
            answer(line, case, 0..sent, false).await?;
            Ok(wait_until_gone(line, case).await)
        }
        ProviderAct::Break { place: Place::Head, .. } => {
            write(line, b"HTTP/1.1 200 OK\r\ncontent-type: application/js").await?;
            Ok(goodbye)
        }
        ProviderAct::Break { place: Place::Babble, .. } => {
            write(line, b"SSH-2.0-chaos\r\n\r\n").await?;
            Ok(goodbye)
        }
        ProviderAct::Break { place: Place::Body(sent), sure } => {
            answer(line, case, 0..sent, false).await?;
            let due = plan.answer.delivered_at_least(sent);
            let there = !sure
                || wait_for(&case.reading, |reading| reading.over || reading.head && reading.body >= due)
                    .await;
            if !there {
                complain(case, &format!("{due} bytes of the answer never reached the client"));
            }
            Ok(goodbye)
        }
        ProviderAct::Break { place: Place::Arrival | Place::Upload(_) | Place::Whole, .. } => Ok(goodbye),
    }
}

/// Reads until `until` bytes of the body have arrived, or all of it.
async fn read(line: &mut Line, case: &Case, frame: &mut Frame, until: usize) -> Result<(), Broken> {
    while case.provider().body.len() < until && *frame != Frame::Over {
        let part = line.part(frame).await?;
        case.provider().body.extend_from_slice(&part);
    }
    if *frame == Frame::Over {
        case.provider().whole = true;
        case.arriving.send_modify(|arriving| arriving.whole = true);
    }
    Ok(())
}

/// Writes `bytes` of the response's body; before the first byte of the body its headers, and if `end` the body's end.
async fn answer(line: &mut Line, case: &Case, bytes: Range<usize>, end: bool) -> Result<(), Broken> {
    let answer = &case.plan.answer;
    if bytes.start == 0 && !case.provider().answered {
        if answer.hinted {
            write(line, b"HTTP/1.1 103 Early Hints\r\nlink: </chaos>\r\n\r\n").await?;
        }
        case.provider().answered = true;
        write(line, head(case).as_bytes()).await?;
    }
    let mut from = 0;
    for portion in &answer.portions {
        let to = (from + portion.bytes).min(bytes.end);
        let piece = answer.body.get(from.max(bytes.start)..to).unwrap_or_default();
        from = to;
        if piece.is_empty() {
            continue;
        }
        if !portion.pause.is_zero() {
            tokio::time::sleep(portion.pause).await;
        }
        case.provider().sent = to;
        if answer.framing == Framing::Chunks {
            write(line, &[format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()).await?;
        } else {
            write(line, piece).await?;
        }
    }
    if end {
        case.provider().ended = true;
        match (answer.framing, answer.trailers) {
            (Framing::Chunks, true) => write(line, b"0\r\nx-chaos-trailer: 1\r\n\r\n").await?,
            (Framing::Chunks, false) => write(line, b"0\r\n\r\n").await?,
            (Framing::Length | Framing::Close, _) => {}
        }
    }
    Ok(())
}

/// The response's status line and headers.
fn head(case: &Case) -> String {
    let answer = &case.plan.answer;
    let mut head = format!("HTTP/1.1 {} Chaos\r\nx-chaos: {}\r\n", answer.status, case.serial);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    match answer.framing {
        Framing::Length => head.push_str(&format!("content-length: {}\r\n", answer.body.len())),
        Framing::Chunks => head.push_str("transfer-encoding: chunked\r\n"),
        Framing::Close => head.push_str("connection: close\r\n"),
    }
    head.push_str("\r\n");
    head
}

async fn wait_until_gone(line: &mut Line, case: &Case) -> AfterRequest {
    match tokio::time::timeout(PATIENCE, line.gone()).await {
        Ok(()) => AfterRequest::Close,
        Err(_) => complain(case, "the client left, and the gateway kept the provider waiting"),
    }
}

fn complain(case: &Case, what: &str) -> AfterRequest {
    case.provider().complaints.push(what.to_owned());
    AfterRequest::Reset
}

async fn write(line: &mut Line, bytes: &[u8]) -> Result<(), Broken> {
    line.stream.write_all(bytes).await.map_err(|_| Broken::Reset)
}
