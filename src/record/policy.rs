//! Which texts of the traffic a record holds, and how many bytes of them.

use crate::answer::Keep;
use crate::limits::Limits;

/// What `record` configures; see `envoy/behaviour.md#the-record`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPolicy {
    /// Whether the user's last text is recorded; default `true`.
    pub prompts: bool,
    /// Whether the arguments of tool calls are recorded; default `true`.
    pub tool_arguments: bool,
    /// Whether thoughts are recorded; default `true`.
    pub thoughts: bool,
    /// Bytes kept of one text, as written in the record; default 64 KiB.
    pub text_bytes: usize,
    /// Bytes kept of all texts of one record together; default 1 MiB.
    pub total_bytes: usize,
}

impl Default for RecordPolicy {
    fn default() -> Self {
        Self {
            prompts: true,
            tool_arguments: true,
            thoughts: true,
            text_bytes: 1 << 16,
            total_bytes: 1 << 20,
        }
    }
}

impl RecordPolicy {
    /// How much of a response is kept under this policy and `limits`.
    #[must_use]
    pub const fn keep(&self, limits: &Limits) -> Keep {
        Keep {
            text_bytes: self.text_bytes,
            total_bytes: self.total_bytes,
            arguments: self.tool_arguments,
            thoughts: self.thoughts,
            tool_calls: limits.tool_calls,
            thought_count: limits.thoughts,
        }
    }
}
