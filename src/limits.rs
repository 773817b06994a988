//! The bounds of what one stream may use, all configurable.

/// What `limits` configures; see `envoy/behaviour.md#bounds`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Default 32 MiB.
    pub request_body_bytes: u64,
    /// Memory of one request reader besides the texts it keeps; default 64 KiB.
    pub reader_bytes: usize,
    /// One SSE event; default 1 MiB.
    pub event_bytes: usize,
    /// One response document; default 8 MiB.
    pub document_bytes: u64,
    /// Per record; default 256.
    pub tool_calls: usize,
    /// Per record; default 256.
    pub thoughts: usize,
    /// Distinct values of one metric label per worker; default 100.
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
