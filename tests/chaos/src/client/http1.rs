//! The HTTP/1.1 client, on a raw socket.

use super::{Client, Incoming, Outgoing, converse, headers};
use crate::case::{Case, ClientSaw, End};
use crate::plan::Goodbye;
use crate::wire::{Broken, Frame, HeaderLines, Wire, header};
use bytes::{Bytes, BytesMut};
use std::net::SocketAddr;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};

/// An idle connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
}

struct Body<'a> {
    stream: WriteHalf<'a>,
    chunked: bool,
}

struct Answer<'a> {
    wire: Wire<ReadHalf<'a>>,
    /// The response has no body, whatever its headers say (HEAD).
    bodiless: bool,
    frame: Frame,
}

/// Carries out a plan. Keeps the connection if both sides allow it.
pub(super) async fn run(client: &mut Client, case: &Case) -> Result<ClientSaw, String> {
    let mut stream = match client.http1.take() {
        Some(connection) => connection.stream,
        None => connect(client.gateway).await?,
    };
    let upload = &case.plan.upload;
    let mut lines = format!("{} {} HTTP/1.1\r\n", upload.method, upload.target);
    let headers = headers(case);
    if header(&headers, "host").is_none() {
        lines.push_str("host: gateway.example\r\n");
    }
    for (name, value) in &headers {
        lines.push_str(&format!("{name}: {value}\r\n"));
    }
    let chunked = upload.declared.is_none();
    lines.push_str(if chunked { "transfer-encoding: chunked\r\n\r\n" } else { "\r\n" });
    let (saw, reusable) = {
        let (reader, mut writer) = stream.split();
        // A failure is no error: the gateway may reply before it has read all of this.
        let _ = writer.write_all(lines.as_bytes()).await;
        let mut body = Body { stream: writer, chunked };
        let wire = Wire::new(reader, BytesMut::new());
        let mut answer = Answer { wire, bodiless: upload.method == "HEAD", frame: Frame::Over };
        let (mut saw, sent) = converse(case, &mut body, &mut answer).await;
        if saw.end == End::Whole && !answer.wire.buffer.is_empty() {
            saw.complaints.push(format!("behind the answer came {:?}", answer.wire.buffer));
        }
        let closing = header(&saw.headers, "connection").is_some_and(|value| value.contains("close"));
        let reusable = sent && !closing && saw.end == End::Whole && answer.frame == Frame::Over;
        (saw, reusable)
    };
    if reusable {
        client.http1 = Some(Connection { stream });
    } else if case.plan.goodbye == Goodbye::Reset && saw.end == End::Left {
        let _ = stream.set_zero_linger();
    }
    Ok(saw)
}

/// Opens a connection to the gateway.
pub(super) async fn connect(gateway: SocketAddr) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(gateway).await.map_err(|error| format!("connecting: {error}"))?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    Ok(stream)
}

impl Outgoing for Body<'_> {
    async fn send(&mut self, piece: &[u8]) -> bool {
        let written = if self.chunked {
            let chunk = [format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat();
            self.stream.write_all(&chunk).await
        } else {
            self.stream.write_all(piece).await
        };
        written.is_ok()
    }

    async fn finish(&mut self, trailers: bool) -> bool {
        let end: &[u8] = if trailers { b"0\r\nx-chaos-trailer: gw_trailer\r\n\r\n" } else { b"0\r\n\r\n" };
        !self.chunked || self.stream.write_all(end).await.is_ok()
    }
}

impl Incoming for Answer<'_> {
    async fn head(&mut self) -> Result<(u16, HeaderLines), String> {
        loop {
            let head = self.wire.head().await.map_err(reason)?;
            let status = head.first.split(' ').nth(1).and_then(|status| status.parse::<u16>().ok());
            let status = status.ok_or_else(|| format!("no status in {:?}", head.first))?;
            if status >= 200 {
                self.frame =
                    if self.bodiless { Frame::Over } else { head.frame(Frame::Close).map_err(reason)? };
                return Ok((status, head.headers));
            }
        }
    }

    async fn part(&mut self) -> Result<Bytes, String> {
        self.wire.part(&mut self.frame).await.map_err(reason)
    }
}

fn reason(broken: Broken) -> String {
    match broken {
        Broken::Closed => "closed".to_owned(),
        Broken::Reset => "reset".to_owned(),
        Broken::Malformed(what) => format!("malformed: {what}"),
    }
}
