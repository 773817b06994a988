//! How an answer misbehaves. The *name of the model* states it, so that any client can ask for it, also an official SDK.
//!
//! `mock-` is followed by words joined with `-`, in any order and number: `events-<n>`, `bytes-<n>`, `pace-<ms>`,
//! `cut-<n>`, `error-<status>`, `stall`, `overloaded`. `mock-events-100-pace-10` is a paced stream of a hundred deltas.
//! A name with any other word in it is an ordinary model.

use std::time::Duration;

/// The longest stream one request can ask for.
const MOST_EVENTS: u32 = 100_000;
/// The largest answer one request can ask for.
const MOST_BYTES: usize = 64 << 20;
/// The longest pause between two events.
const LONGEST_PACE_MS: u64 = 600_000;

/// What a model's name asks for. The default is an ordinary answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Behaviour {
    /// Answer with this status and the provider's error body.
    pub(crate) error: Option<u16>,
    /// Send this many small words instead of an echo.
    pub(crate) events: Option<u32>,
    /// Send so much text that a document has about this size.
    pub(crate) bytes: Option<usize>,
    /// The pause between two events, or before a document.
    pub(crate) pace: Duration,
    /// How the answer's body ends.
    pub(crate) ending: Ending,
}

/// How the answer's body ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The body is complete.
    #[default]
    Complete,
    /// The connection is reset after this many events (a document: after its first half).
    Cut(usize),
    /// After one event (a document: its first half) the server sends nothing more and leaves the connection open.
    Stall,
    /// An error event in mid-stream; for a document the provider's status for "overloaded".
    Overloaded,
}

impl Behaviour {
    /// What the model's name asks for.
    pub(crate) fn of(model: &str) -> Self {
        model.strip_prefix("mock-").and_then(Self::parse).unwrap_or_default()
    }

    fn parse(name: &str) -> Option<Self> {
        let mut behaviour = Self::default();
        let mut words = name.split('-');
        while let Some(word) = words.next() {
            let mut number = || words.next().and_then(|digits| digits.parse::<u64>().ok());
            match word {
                "error" => {
                    let status =
                        u16::try_from(number()?).ok().filter(|status| (300..600).contains(status))?;
                    behaviour.error = Some(status);
                }
                "events" => behaviour.events = Some(u32::try_from(number()?).ok()?.min(MOST_EVENTS)),
                "bytes" => behaviour.bytes = Some(usize::try_from(number()?).ok()?.min(MOST_BYTES)),
                "pace" => behaviour.pace = Duration::from_millis(number()?.min(LONGEST_PACE_MS)),
                "cut" => behaviour.ending = Ending::Cut(usize::try_from(number()?).ok()?),
                "stall" => behaviour.ending = Ending::Stall,
                "overloaded" => behaviour.ending = Ending::Overloaded,
                _ => return None,
            }
        }
        Some(behaviour)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ordinary_model_has_no_behaviour() {
        for model in
            ["gpt-5.5", "mock", "mock-", "mock-large", "mock-events", "mock-events-x", "mock-error-200"]
        {
            assert_eq!(Behaviour::of(model), Behaviour::default(), "{model}");
        }
    }

    #[test]
    fn words_may_be_joined() {
        let behaviour = Behaviour::of("mock-events-100-pace-10-cut-7");
        assert_eq!(behaviour.events, Some(100));
        assert_eq!(behaviour.pace, Duration::from_millis(10));
        assert_eq!(behaviour.ending, Ending::Cut(7));
    }

    #[test]
    fn a_stream_has_a_bound() {
        assert_eq!(Behaviour::of("mock-events-4000000").events, Some(MOST_EVENTS));
        assert_eq!(Behaviour::of("mock-bytes-99999999999").bytes, Some(MOST_BYTES));
    }

    #[test]
    fn an_error_names_its_status() {
        assert_eq!(Behaviour::of("mock-error-529").error, Some(529));
    }
}
