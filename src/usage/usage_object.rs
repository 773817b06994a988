//! One usage object, read by the same scanner as all other JSON. Of a repeated member the last one counts.

use super::members::{Member, Name, Number};
use super::{LARGEST, Source, TIER_BYTES, VERBATIM_BYTES, Verbatim};
use crate::json::Value;
use crate::json::{self, Kind, Scalar, Visitor, Want};
use crate::text::Text;

/// What one usage object states.
#[derive(Debug)]
pub(super) struct UsageObject {
    source: Source,
    is_object: bool,
    counts: [Count; Number::ALL.len()],
    tier: Option<Text>,
}

/// What an object states of one number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Count {
    #[default]
    Absent,
    Tokens(u64),
    /// Negative, too large, a fraction, or not a number.
    Unreadable,
}

impl UsageObject {
    /// Reads `raw`. `None`: it is not a JSON object, or not one that every JSON reader accepts.
    pub(super) fn read(source: Source, raw: &str) -> Option<(Self, Verbatim)> {
        let counts = [Count::Absent; Number::ALL.len()];
        let mut object = Self { source, is_object: false, counts, tier: None };
        json::read_whole(raw, &mut object).ok()?;
        if !object.is_object {
            return None;
        }
        let (json, harmless) = json::compact(raw);
        if !harmless {
            serde_json::from_slice::<Value>(raw.as_bytes()).ok()?;
        }
        let json = (raw.len() <= VERBATIM_BYTES).then(|| json.into_owned());
        Some((object, Verbatim { json, harmless }))
    }

    pub(super) fn count_of(&self, number: Number) -> Count {
        self.counts.get(number as usize).copied().unwrap_or_default()
    }

    /// The name of the service tier.
    pub(super) fn into_tier(self) -> Option<String> {
        self.tier.map(Text::into_string)
    }

    fn set(&mut self, number: Number, count: Count) {
        if let Some(slot) = self.counts.get_mut(number as usize) {
            *slot = count;
        }
    }
}

impl Visitor for UsageObject {
    type Name = Name;

    fn begin(&mut self, path: &[Name], kind: Kind, _: u64) -> Want {
        if path.is_empty() {
            self.is_object = kind == Kind::Object;
            return if self.is_object { Want::Read } else { Want::Skip };
        }
        match Member::at(path, self.source) {
            Some(Member::Object(numbers)) => {
                numbers.iter().for_each(|number| self.set(*number, Count::Absent));
                if kind == Kind::Object { Want::Read } else { Want::Skip }
            }
            Some(Member::Number(number)) => {
                self.set(number, if kind == Kind::Null { Count::Absent } else { Count::Unreadable });
                if kind == Kind::Number { Want::Raw } else { Want::Skip }
            }
            Some(Member::ServiceTier) => {
                self.tier = (kind == Kind::String).then(Text::default);
                if kind == Kind::String { Want::Read } else { Want::Skip }
            }
            None => Want::Skip,
        }
    }

    fn text(&mut self, path: &[Name], run: &str) {
        match Member::at(path, self.source) {
            // The object is read in one piece, so a number comes in one run.
            Some(Member::Number(number)) => {
                self.set(number, count(run).map_or(Count::Unreadable, Count::Tokens));
            }
            Some(Member::ServiceTier) => {
                if let Some(tier) = &mut self.tier {
                    tier.push(run, TIER_BYTES);
                }
            }
            Some(Member::Object(_)) | None => {}
        }
    }

    fn scalar(&mut self, _: &[Name], _: Scalar<'_>) {}

    fn end(&mut self, _: &[Name], _: Kind, _: u64) {}
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
