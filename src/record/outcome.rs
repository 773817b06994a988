//! How an interception ended, as records and metric labels name it.

/// How an interception ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The response was forwarded to the end that its API defines.
    Completed,
    /// The upstream responded with an error status, or with an error inside a success.
    Failed,
    /// The gateway refused the request; the record's `error.code` says why.
    Rejected,
    /// No response headers came from the upstream.
    Unavailable,
    /// The client left before the end.
    AbortedClient,
    /// The upstream's response broke off.
    AbortedUpstream,
}

impl Outcome {
    /// The name in records, values and metric labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
            Self::AbortedClient => "aborted_client",
            Self::AbortedUpstream => "aborted_upstream",
        }
    }
}
