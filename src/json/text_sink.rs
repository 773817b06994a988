//! The receiver of the text of a string.

/// Receives the text of a string in runs.
pub(super) trait TextSink {
    /// `false`: the text is not wanted, so that escapes are validated but not decoded.
    const WANTS_TEXT: bool;

    /// `true`: texts are likely long, so that short runs are gathered into longer ones.
    const GATHERS: bool;

    /// A run of the text, never empty.
    fn push(&mut self, run: &str);
}

/// Drops the text: the string is only validated.
pub(super) struct Discard;

impl TextSink for Discard {
    const WANTS_TEXT: bool = false;
    const GATHERS: bool = false;

    fn push(&mut self, _: &str) {}
}
