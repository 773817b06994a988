//! Frames of AWS's event stream, `application/vnd.amazon.eventstream`.
//! <https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream>

use crc::{CRC_32_ISO_HDLC, Crc};
use hyper::body::Bytes;

const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
/// The type of a header whose value is a string.
const STRING: u8 = 7;
/// Bytes of a frame besides its headers and its payload.
const OVERHEAD_BYTES: usize = 16;

/// A frame with an event of the type `chunk`.
pub(crate) fn chunk(payload: &str) -> Bytes {
    let mut headers = Vec::new();
    for (name, value) in
        [(":event-type", "chunk"), (":content-type", "application/json"), (":message-type", "event")]
    {
        headers.push(u8::try_from(name.len()).unwrap_or_default());
        headers.extend_from_slice(name.as_bytes());
        headers.push(STRING);
        headers.extend_from_slice(&u16::try_from(value.len()).unwrap_or_default().to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let size = OVERHEAD_BYTES + headers.len() + payload.len();
    let mut frame = Vec::with_capacity(size);
    frame.extend_from_slice(&u32::try_from(size).unwrap_or_default().to_be_bytes());
    frame.extend_from_slice(&u32::try_from(headers.len()).unwrap_or_default().to_be_bytes());
    frame.extend_from_slice(&CRC.checksum(&frame).to_be_bytes());
    frame.extend_from_slice(&headers);
    frame.extend_from_slice(payload.as_bytes());
    frame.extend_from_slice(&CRC.checksum(&frame).to_be_bytes());
    Bytes::from(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_states_its_length_and_both_checksums() {
        let frame = chunk("{}");
        let word = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
        assert_eq!(word(0) as usize, frame.len());
        assert_eq!(word(8), CRC.checksum(&frame[..8]));
        let end = frame.len() - 4;
        assert_eq!(word(end), CRC.checksum(&frame[..end]));
        assert_eq!(&frame[end - 2..end], b"{}");
    }
}
