//! All providers: an HTTP/1.1 server that does to each request what its plan says.

use crate::case::{Case, PATIENCE, Registry, wait_for};
use crate::plan::{Framing, Goodbye, Place, ProviderAct};
use crate::wire::{Broken, Frame, Head, Wire};
use bytes::BytesMut;
use std::sync::Arc;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::UnboundedSender;

/// What becomes of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Keep,
    Close,
    Reset,
}

type Line = Wire<TcpStream>;

/// Serves for ever; what belongs to no request is said to `complaints`.
pub(crate) async fn serve(
    listener: TcpListener,
    registry: Arc<Registry>,
    complaints: UnboundedSender<String>,
) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (registry, complaints) = (Arc::clone(&registry), complaints.clone());
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    connection(Wire::new(stream, BytesMut::new()), &registry, &complaints).await;
                });
            }
            Err(error) => {
                let _ = complaints.send(format!("the provider cannot accept connections: {error}"));
                tokio::time::sleep(PATIENCE).await;
            }
        }
    }
}

async fn connection(mut line: Line, registry: &Registry, complaints: &UnboundedSender<String>) {
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
        {
            let mut saw = case.provider();
            saw.arrivals += 1;
            saw.busy = true;
        }
        let fate = exchange(&mut line, &case, head).await.unwrap_or(Fate::Close);
        if fate == Fate::Reset {
            let _ = line.stream.set_zero_linger();
        }
        case.provider().busy = false;
        if fate != Fate::Keep {
            return;
        }
    }
}

/// One request and what the plan makes of it. An error: the gateway is gone.
async fn exchange(line: &mut Line, case: &Case, head: Head) -> Result<Fate, Broken> {
    let mut frame = head.frame(Frame::Over)?;
    let plan = &case.plan;
    {
        let mut saw = case.provider();
        saw.target = head.first.split(' ').nth(1).unwrap_or_default().to_owned();
        saw.headers = head.headers;
    }
    case.arriving.send_modify(|arriving| arriving.head = true);
    let goodbye = match plan.goodbye {
        Goodbye::Reset => Fate::Reset,
        Goodbye::Close => Fate::Close,
    };
    match plan.provider {
        ProviderAct::Break { place: Place::Arrival, .. } => return Ok(goodbye),
        ProviderAct::Break { place: Place::Upload(bytes), .. } => {
            read(line, case, &mut frame, bytes).await?;
            return Ok(goodbye);
        }
        ProviderAct::AnswerEarly { after } => {
            read(line, case, &mut frame, after).await?;
            answer(line, case, plan.answer.body.len(), true).await?;
            let rest = read(line, case, &mut frame, usize::MAX);
            let whole = tokio::time::timeout(PATIENCE, rest).await;
            return match whole {
                Ok(Ok(())) => Ok(Fate::Keep),
                Ok(Err(_)) => Ok(Fate::Close),
                Err(_) => Ok(complain(case, "the rest of the request neither came nor was given up")),
            };
        }
        _ => read(line, case, &mut frame, usize::MAX).await?,
    }
    match plan.provider {
        ProviderAct::Answer | ProviderAct::AnswerEarly { .. } => {
            answer(line, case, plan.answer.body.len(), true).await?;
            Ok(if plan.answer.framing == Framing::Close { Fate::Close } else { Fate::Keep })
        }
        ProviderAct::Mute => Ok(wait_until_gone(line, case).await),
        ProviderAct::Hold { sent } => {
            answer(line, case, sent, false).await?;
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
            answer(line, case, sent, false).await?;
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

/// Reads until so many bytes of the body are there, or all.
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

/// Writes the answer's head and its body until `limit`; `end`: and its end.
async fn answer(line: &mut Line, case: &Case, limit: usize, end: bool) -> Result<(), Broken> {
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
    {
        let mut saw = case.provider();
        saw.answered = true;
        saw.ended = end && answer.body.is_empty() && answer.framing == Framing::Length;
    }
    write(line, head.as_bytes()).await?;
    let mut from = 0;
    for portion in &answer.portions {
        if !portion.pause.is_zero() {
            tokio::time::sleep(portion.pause).await;
        }
        let to = (from + portion.bytes).min(limit);
        let piece = answer.body.get(from..to).unwrap_or_default();
        if piece.is_empty() {
            continue;
        }
        {
            let mut saw = case.provider();
            saw.sent = to;
            saw.ended = end && to == answer.body.len() && answer.framing == Framing::Length;
        }
        if answer.framing == Framing::Chunks {
            write(line, &[format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat()).await?;
        } else {
            write(line, piece).await?;
        }
        from = to;
    }
    if end {
        case.provider().ended = true;
        if answer.framing == Framing::Chunks {
            write(line, b"0\r\n\r\n").await?;
        }
    }
    Ok(())
}

async fn wait_until_gone(line: &mut Line, case: &Case) -> Fate {
    match tokio::time::timeout(PATIENCE, line.gone()).await {
        Ok(()) => Fate::Close,
        Err(_) => complain(case, "the client left, and the gateway kept the provider waiting"),
    }
}

fn complain(case: &Case, what: &str) -> Fate {
    case.provider().complaints.push(what.to_owned());
    Fate::Reset
}

async fn write(line: &mut Line, bytes: &[u8]) -> Result<(), Broken> {
    line.stream.write_all(bytes).await.map_err(|_| Broken::Reset)
}
