//! Derives the outcome of an interception from what was forwarded and from the side that closed the stream.
//!
//! The outcome is settled as soon as no later callback can change it. Then the values of the end are published before
//! the stream is over. See `envoy/behaviour.md#when-a-stream-has-ended`.

use super::download::{Download, Response};
use super::upload::Upload;
use crate::record::Outcome;
use crate::step::Ending;

/// The outcome, if it no longer depends on how the connection ends.
pub(super) fn settled(upload: &Upload, download: &Download) -> Option<Outcome> {
    if upload.rejection().is_some() {
        return Some(Outcome::Rejected);
    }
    match download {
        Download::Replied | Download::Reset(_) => Some(Outcome::Rejected),
        Download::Local(local) if local.is_refusal() => Some(Outcome::Rejected),
        // The client was too slow to send its request.
        Download::Local(local) if local.status == 408 => Some(Outcome::AbortedClient),
        Download::Local(_) => Some(Outcome::Unavailable),
        Download::Over(response) if has_failed(response) => Some(Outcome::Failed),
        Download::Over(response) if response.answer().ended || response.ends_with_body() => {
            Some(Outcome::Completed)
        }
        Download::Over(_) => Some(Outcome::AbortedUpstream),
        // The API's own end was forwarded: clients may close the connection on it.
        Download::Reading(response) if response.answer().ended => {
            Some(if has_failed(response) { Outcome::Failed } else { Outcome::Completed })
        }
        Download::Awaiting | Download::Reading(_) => None,
    }
}

/// The outcome of a stream that is over.
pub(super) fn outcome(upload: &Upload, download: &Download, ending: &Ending) -> Outcome {
    if let Some(outcome) = settled(upload, download) {
        return outcome;
    }
    match download.response() {
        Some(response) if has_failed(response) => Outcome::Failed,
        Some(_) if ending.is_by_client() => Outcome::AbortedClient,
        Some(_) => Outcome::AbortedUpstream,
        None if ending.is_by_gateway() => Outcome::Unavailable,
        // Had the upstream failed, Envoy would have replied; so the client left.
        None => Outcome::AbortedClient,
    }
}

/// An error status, or an error in a response that began as a success.
fn has_failed(response: &Response) -> bool {
    !response.is_success() || response.answer().error.is_some()
}
