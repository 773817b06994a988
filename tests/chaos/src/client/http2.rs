//! The HTTP/2 client, with prior knowledge.

use super::{Client, Incoming, Outgoing, converse, headers, http1};
use crate::case::{Case, ClientSaw, End};
use crate::plan::Goodbye;
use crate::wire::{HeaderLines, header};
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{Request, Uri};
use std::future::poll_fn;
use tokio::task::AbortHandle;

/// Streams on one connection, then the client opens another. Envoy closes a connection on which many streams were reset
/// (CVE-2023-44487).
const STREAMS: u32 = 100;

/// A connection with one stream at a time.
#[derive(Debug)]
pub(super) struct Connection {
    requests: SendRequest<Bytes>,
    task: AbortHandle,
    left: u32,
}

struct Body {
    /// `None`: the request ended with its headers.
    stream: Option<SendStream<Bytes>>,
}

struct Answer {
    coming: Option<ResponseFuture>,
    body: Option<RecvStream>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Carries out a plan. Keeps the connection if both sides allow it.
pub(super) async fn run(client: &mut Client, case: &Case) -> Result<ClientSaw, String> {
    let reason = |error: h2::Error| error.to_string();
    let mut connection = match client.http2.take() {
        Some(connection) => connection,
        None => connect(client).await?,
    };
    connection.left = connection.left.saturating_sub(1);
    let mut requests = connection.requests.clone().ready().await.map_err(reason)?;
    let upload = &case.plan.upload;
    let end = upload.body.is_empty();
    let (coming, stream) = requests.send_request(request(case)?, end).map_err(reason)?;
    let mut body = Body { stream: (!end).then_some(stream) };
    let mut answer = Answer { coming: Some(coming), body: None };
    let (saw, _) = converse(case, &mut body, &mut answer).await;
    if saw.end == End::Left && case.plan.goodbye == Goodbye::Close {
        return Ok(saw);
    }
    if let (End::Left, Some(stream)) = (&saw.end, &mut body.stream) {
        stream.send_reset(Reason::CANCEL);
    }
    drop((body, answer));
    if connection.left > 0 {
        client.http2 = Some(connection);
    }
    Ok(saw)
}

async fn connect(client: &Client) -> Result<Connection, String> {
    let stream = http1::connect(client.gateway).await?;
    let mut builder = h2::client::Builder::new();
    builder
        .initial_window_size(1 << 20)
        .initial_connection_window_size(1 << 22)
        .max_header_list_size(1 << 20);
    let (requests, connection) = builder.handshake(stream).await.map_err(|error| error.to_string())?;
    let task = tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(Connection { requests, task: task.abort_handle(), left: STREAMS })
}

fn request(case: &Case) -> Result<Request<()>, String> {
    let headers = headers(case);
    let authority = header(&headers, "host").unwrap_or("gateway.example");
    let uri =
        Uri::builder().scheme("http").authority(authority).path_and_query(case.plan.upload.target.as_str());
    let uri = uri.build().map_err(|error| error.to_string())?;
    let mut request =
        Request::builder().method(case.plan.upload.method).uri(uri).version(http::Version::HTTP_2);
    for (name, value) in headers.iter().filter(|(name, _)| name != "host") {
        request = request.header(name, value);
    }
    request.body(()).map_err(|error| error.to_string())
}

impl Outgoing for Body {
    async fn send(&mut self, piece: &[u8]) -> bool {
        let Some(stream) = &mut self.stream else { return false };
        let mut left = Bytes::copy_from_slice(piece);
        while !left.is_empty() {
            stream.reserve_capacity(left.len());
            let Some(Ok(room)) = poll_fn(|context| stream.poll_capacity(context)).await else { return false };
            let now = left.split_to(room.min(left.len()));
            if stream.send_data(now, false).is_err() {
                return false;
            }
        }
        true
    }

    async fn finish(&mut self, trailers: bool) -> bool {
        match &mut self.stream {
            None => true,
            Some(stream) if trailers => {
                let mut trailers = http::HeaderMap::new();
                trailers.insert("x-chaos-trailer", http::HeaderValue::from_static("gw_trailer"));
                stream.send_trailers(trailers).is_ok()
            }
            Some(stream) => stream.send_data(Bytes::new(), true).is_ok(),
        }
    }
}

impl Incoming for Answer {
    async fn head(&mut self) -> Result<(u16, HeaderLines), String> {
        let Some(coming) = self.coming.take() else { return Err("asked twice".to_owned()) };
        let (head, body) = coming.await.map_err(|error| error.to_string())?.into_parts();
        self.body = Some(body);
        let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers =
            head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        Ok((head.status.as_u16(), headers))
    }

    async fn part(&mut self) -> Result<Bytes, String> {
        let Some(body) = &mut self.body else { return Ok(Bytes::new()) };
        loop {
            match body.data().await {
                None => return Ok(Bytes::new()),
                Some(Ok(part)) if part.is_empty() => {}
                Some(Ok(part)) => {
                    let _ = body.flow_control().release_capacity(part.len());
                    return Ok(part);
                }
                Some(Err(error)) => return Err(error.to_string()),
            }
        }
    }
}
