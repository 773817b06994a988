//! The one edit of bodies, see `envoy/behaviour.md#the-one-edit`: a stream states its usage only if the request asks
//! for it, so the request is edited to ask, and the event that answers this is cut out of the response.
//!
//! An API takes part by naming it in its [rules](super::request::RequestRules) and by recognising the usage event in
//! its reader ([`UsageEvent`]).

mod cut;
mod splice;

pub use cut::Cut;
pub use splice::Splice;

/// Whether an event of a response is the usage event: the one that states the usage and nothing else. It comes only if
/// the request asked for usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsageEvent {
    /// It is another event.
    No,
    /// What was read so far does not decide it.
    Undecided,
    /// It is the usage event, according to what was read so far.
    Yes,
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
