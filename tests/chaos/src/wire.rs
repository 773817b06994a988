//! Reads HTTP/1.1 from a socket without normalising or retrying anything.

use bytes::{Bytes, BytesMut};
use std::io::ErrorKind;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Headers: names in lower case, values as received.
pub(crate) type HeaderLines = Vec<(String, String)>;

/// A stream, and the bytes that were read from it but not used yet.
#[derive(Debug)]
pub(crate) struct Wire<S> {
    pub(crate) stream: S,
    pub(crate) buffer: BytesMut,
}

/// A first line and headers.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) first: String,
    pub(crate) headers: HeaderLines,
}

/// What remains of a body, by its framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frame {
    Length(usize),
    /// How many bytes of this chunk are left; `None`: a chunk's size comes next.
    Chunk(Option<usize>),
    /// The line end after a chunk comes next.
    ChunkEnd,
    Close,
    Over,
}

/// Why a message could not be read to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    Closed,
    Reset,
    Malformed(String),
}

impl Head {
    /// The first value of the header `name`.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.headers, name)
    }

    /// The framing of the body after this head; `silent`: the framing if the headers do not state one.
    pub(crate) fn frame(&self, silent: Frame) -> Result<Frame, Broken> {
        if self.header("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
            return Ok(Frame::Chunk(None));
        }
        match self.header("content-length") {
            None => Ok(silent),
            Some(length) => match length.parse() {
                Ok(0) => Ok(Frame::Over),
                Ok(length) => Ok(Frame::Length(length)),
                Err(error) => Err(Broken::Malformed(format!("content-length {length}: {error}"))),
            },
        }
    }
}

/// The first value of a header.
pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
}

impl<S: AsyncRead + Unpin> Wire<S> {
    pub(crate) const fn new(stream: S, buffer: BytesMut) -> Self {
        Self { stream, buffer }
    }

    /// Reads the next first line and headers.
    pub(crate) async fn head(&mut self) -> Result<Head, Broken> {
        let mut searched = 0;
        let end = loop {
            let unseen = self.buffer.get(searched..).unwrap_or_default();
            if let Some(found) = unseen.windows(4).position(|window| window == b"\r\n\r\n") {
                break searched + found;
            }
            searched = self.buffer.len().saturating_sub(3);
            self.fill().await?;
        };
        let bytes = self.buffer.split_to(end + 4);
        let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let mut headers = Vec::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or_else(|| Broken::Malformed(line.to_owned()))?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Ok(Head { first, headers })
    }

    /// Reads the next bytes of a body; empty at its end.
    pub(crate) async fn part(&mut self, frame: &mut Frame) -> Result<Bytes, Broken> {
        loop {
            match *frame {
                Frame::Over => return Ok(Bytes::new()),
                Frame::Close => {
                    if self.buffer.is_empty() && self.fill().await == Err(Broken::Closed) {
                        *frame = Frame::Over;
                        return Ok(Bytes::new());
                    }
                    if self.buffer.is_empty() {
                        return Err(Broken::Reset);
                    }
                    return Ok(self.buffer.split().freeze());
                }
                Frame::Length(left) => {
                    let taken = self.some(left).await?;
                    *frame =
                        if taken.len() == left { Frame::Over } else { Frame::Length(left - taken.len()) };
                    return Ok(taken);
                }
                Frame::Chunk(Some(left)) => {
                    let taken = self.some(left).await?;
                    *frame = if taken.len() == left {
                        Frame::ChunkEnd
                    } else {
                        Frame::Chunk(Some(left - taken.len()))
                    };
                    return Ok(taken);
                }
                Frame::ChunkEnd => {
                    self.empty_line().await?;
                    *frame = Frame::Chunk(None);
                }
                Frame::Chunk(None) => {
                    let line = self.line().await?;
                    let size = line.split(';').next().unwrap_or_default();
                    let size = usize::from_str_radix(size, 16)
                        .map_err(|error| Broken::Malformed(format!("chunk size {line:?}: {error}")))?;
                    if size == 0 {
                        while !self.line().await?.is_empty() {}
                        *frame = Frame::Over;
                        return Ok(Bytes::new());
                    }
                    *frame = Frame::Chunk(Some(size));
                }
            }
        }
    }

    /// Waits until the other side closes the connection, and drops what it sends until then.
    pub(crate) async fn gone(&mut self) {
        while self.fill().await.is_ok() {
            self.buffer.clear();
        }
    }

    async fn empty_line(&mut self) -> Result<(), Broken> {
        let line = self.line().await?;
        if line.is_empty() { Ok(()) } else { Err(Broken::Malformed(format!("{line:?} behind a chunk"))) }
    }

    async fn line(&mut self) -> Result<String, Broken> {
        let end = loop {
            if let Some(found) = self.buffer.windows(2).position(|window| window == b"\r\n") {
                break found;
            }
            self.fill().await?;
        };
        let line = self.buffer.split_to(end + 2);
        Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
    }

    async fn some(&mut self, most: usize) -> Result<Bytes, Broken> {
        if self.buffer.is_empty() {
            self.fill().await?;
        }
        let taken = most.min(self.buffer.len());
        Ok(self.buffer.split_to(taken).freeze())
    }

    async fn fill(&mut self) -> Result<(), Broken> {
        self.buffer.reserve(16_384);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err(Broken::Closed),
            Ok(_) => Ok(()),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => Err(Broken::Reset),
            Err(error) => Err(Broken::Malformed(error.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Broken, Frame, Wire};
    use bytes::BytesMut;

    fn wire(bytes: &'static [u8]) -> Wire<&'static [u8]> {
        Wire::new(bytes, BytesMut::new())
    }

    #[tokio::test(flavor = "current_thread")]
    async fn chunks_are_decoded_and_their_end_is_found() {
        let mut wire =
            wire(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\nrest");
        let head = wire.head().await.unwrap();
        let mut frame = head.frame(Frame::Close).unwrap();
        assert_eq!(wire.part(&mut frame).await.unwrap(), "abc");
        assert_eq!(wire.part(&mut frame).await.unwrap(), "d");
        assert_eq!(wire.part(&mut frame).await.unwrap(), "");
        assert_eq!((frame, &wire.buffer.split()[..]), (Frame::Over, &b"rest"[..]));
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_body_that_is_too_short_is_broken() {
        let mut frame = Frame::Length(4);
        let mut wire = wire(b"abc");
        assert_eq!(wire.part(&mut frame).await.unwrap(), "abc");
        assert_eq!(wire.part(&mut frame).await, Err(Broken::Closed));
    }
}
