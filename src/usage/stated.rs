//! The numbers and texts that a usage object, or one of its iterations, states.

use super::members::{Member, Number, TextMember};
use super::{LARGEST, TEXT_BYTES};
use crate::json::{Kind, Value};
use crate::text::Text;

/// The numbers and texts of a usage object, or of one iteration.
#[derive(Debug, Default)]
pub(super) struct Stated {
    counts: [Count; Number::ALL.len()],
    texts: [Option<Text>; TextMember::COUNT],
    /// Of an iteration: it is not an object, or its model is not a text.
    pub(super) wrong: bool,
}

/// What an object states of one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Count {
    #[default]
    Absent,
    Tokens(u64),
    /// Negative, too large, a fraction, or not a number; or what should hold it is no object.
    Unreadable,
}

// === impl Stated ===

impl Stated {
    pub(super) fn count_of(&self, number: Number) -> Count {
        self.counts.get(number as usize).copied().unwrap_or_default()
    }

    /// A text that is not empty.
    pub(super) fn text_of(&self, text: TextMember) -> Option<&str> {
        let text = self.texts.get(text as usize)?.as_ref()?;
        Some(text.as_str()).filter(|text| !text.is_empty())
    }

    fn set(&mut self, number: Number, count: Count) {
        if let Some(slot) = self.counts.get_mut(number as usize) {
            *slot = count;
        }
    }

    /// A run of a text.
    pub(super) fn push(&mut self, text: TextMember, run: &str) {
        if let Some(Some(slot)) = self.texts.get_mut(text as usize) {
            slot.push(run, TEXT_BYTES);
        }
    }

    /// The digits of a number.
    pub(super) fn number(&mut self, number: Number, digits: &str) {
        self.set(number, count(digits).map_or(Count::Unreadable, Count::Tokens));
    }

    /// A member begins. Returns whether its value is read.
    pub(super) fn begin(&mut self, member: &Member, kind: Kind) -> bool {
        match *member {
            Member::Object(numbers) => {
                let is_readable = matches!(kind, Kind::Object | Kind::Null);
                let count = if is_readable { Count::Absent } else { Count::Unreadable };
                numbers.iter().for_each(|number| self.set(*number, count));
                kind == Kind::Object
            }
            Member::Number(number) => {
                self.set(number, if kind == Kind::Null { Count::Absent } else { Count::Unreadable });
                kind == Kind::Number
            }
            Member::Text(text) => {
                if text == TextMember::Model {
                    self.wrong = !matches!(kind, Kind::String | Kind::Null);
                }
                if let Some(slot) = self.texts.get_mut(text as usize) {
                    *slot = (kind == Kind::String).then(Text::default);
                }
                kind == Kind::String
            }
            Member::Iterations => false,
        }
    }
}

/// An integer from 0 to 2^53 − 1, in any notation (`12`, `12.0`, `1.2e1`).
pub(super) fn count(raw: &str) -> Option<u64> {
    let integer = match raw.parse() {
        Ok(integer) => integer,
        Err(_) => {
            let Ok(Value::Number(float)) = serde_json::from_slice(raw.as_bytes()) else { return None };
            // The cast saturates; a number that it changes is refused below.
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked by the line below"
            )]
            let integer = float as u64;
            #[expect(
                clippy::cast_precision_loss,
                reason = "a float that came from an integer below 2^53 is exact"
            )]
            (integer as f64 == float).then_some(integer)?
        }
    };
    (integer <= LARGEST).then_some(integer)
}
