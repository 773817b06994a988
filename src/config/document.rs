//! The configuration as JSON.

use crate::json::Value;

/// The JSON document in `bytes`, or why it is invalid. The reason names a position and repeats no content.
pub(super) fn parse(bytes: &[u8]) -> Result<Value, String> {
    if bytes.trim_ascii().is_empty() {
        return Ok(Value::Object(Vec::new()));
    }
    serde_json::from_slice(bytes).map_err(|error| {
        let hint = match bytes.trim_ascii_start().first() {
            // Envoy passes a protobuf Struct on as its raw bytes.
            Some(first) if *first != b'{' => "; give one JSON object in a google.protobuf.StringValue",
            _ if at(bytes, &error) == Some(b'/') => "; comments are not allowed",
            _ => "",
        };
        format!("not valid JSON: {error}{hint}")
    })
}

/// The byte at the position of `error`.
fn at(bytes: &[u8], error: &serde_json::Error) -> Option<u8> {
    let line = bytes.split(|byte| *byte == b'\n').nth(error.line().checked_sub(1)?)?;
    line.get(error.column().checked_sub(1)?).copied()
}
