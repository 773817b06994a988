//! Frames of AWS's event stream, built for tests: <https://smithy.io/2.0/aws/amazon-eventstream.html>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A frame with these encoded headers.
pub fn sealed(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    frame.extend(u32::try_from(headers.len() + payload.len() + 16).unwrap().to_be_bytes());
    frame.extend(u32::try_from(headers.len()).unwrap().to_be_bytes());
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame.extend(headers);
    frame.extend(payload);
    frame.extend(crc32fast::hash(&frame).to_be_bytes());
    frame
}

/// A frame with these headers, all of type string.
pub fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    for (name, value) in headers {
        packed.push(u8::try_from(name.len()).unwrap());
        packed.extend(name.as_bytes());
        packed.push(7);
        packed.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        packed.extend(value.as_bytes());
    }
    sealed(&packed, payload)
}

/// The frame in which Bedrock sends one event of Anthropic's stream: base64, with padding.
pub fn chunk(json: &str) -> Vec<u8> {
    let payload = format!(r#"{{"bytes":"{}","p":"abcdefghijk"}}"#, STANDARD.encode(json));
    let headers =
        [(":event-type", "chunk"), (":content-type", "application/json"), (":message-type", "event")];
    frame(&headers, payload.as_bytes())
}

/// An exception within a stream.
pub fn exception(kind: &str, payload: &str) -> Vec<u8> {
    frame(&[(":message-type", "exception"), (":exception-type", kind)], payload.as_bytes())
}
