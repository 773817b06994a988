//! The bounds of what one stream may use; all are configurable.

/// The bounds that `limits` configures (`envoy/behaviour.md#bounds`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's body; above: 413. Default 32 MiB.
    pub request_body_bytes: u64,
    /// Bytes that one request reader holds besides the texts it keeps. Default 64 KiB.
    pub reader_bytes: usize,
    /// Bytes of one SSE event that are kept and waited for; a longer one is read on without its texts. Default 1 MiB.
    pub event_bytes: usize,
    /// Bytes of one response document that are kept; the rest of a longer one is read without its texts. Default 8 MiB.
    pub document_bytes: u64,
    /// Tool calls in one record. Default 256.
    pub tool_calls: usize,
    /// Thoughts in one record. Default 256.
    pub thoughts: usize,
    /// Distinct model names in metric labels of one worker; further ones count as `other`. Default 100.
    pub label_values: usize,
}

const MIB: u64 = 1 << 20;

impl Default for Limits {
    fn default() -> Self {
        Self {
            request_body_bytes: 32 * MIB,
            reader_bytes: 1 << 16,
            event_bytes: 1 << 20,
            document_bytes: 8 * MIB,
            tool_calls: 256,
            thoughts: 256,
            label_values: 100,
        }
    }
}
