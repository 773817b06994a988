//! Which texts of the traffic a record holds, and how much of them.

use crate::answer::Keep;
use crate::limits::Limits;

/// What of the traffic's text is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPolicy {
    /// User prompts; default yes.
    pub prompts: bool,
    /// Arguments of tool calls; default yes.
    pub tool_arguments: bool,
    /// Thoughts; default yes.
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
    /// How much of an answer is kept under this policy and `limits`.
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
