//! One usage object, read by the same scanner as all other JSON. Of a repeated member the last one counts.

use super::iterations::Iterations;
use super::members::{Member, Name, Number, TextMember};
use super::{Convention, LARGEST, Source, TEXT_BYTES, VERBATIM_BYTES};
use crate::json::{self, Kind, Scalar, Scanner, Value, Visitor, Want};
use crate::text::Text;

/// Bytes for nesting, one bit per level; whoever hands over the object has scanned it with as many.
const DEPTH_BYTES: usize = 1024;

/// Reads one usage object as its pieces come. It keeps no more of it than [`VERBATIM_BYTES`] and
/// [`Iterations`], however long the object is.
#[derive(Debug)]
pub struct UsageObject {
    scanner: Scanner<Name>,
    facts: Facts,
    raw: Text,
    invalid: bool,
}

/// The provider's own usage object.
#[derive(Clone, Debug)]
pub struct Verbatim {
    /// The object without white space between tokens, otherwise as the provider wrote it. `None`: it has more than
    /// [`VERBATIM_BYTES`].
    pub json: Option<String>,
    /// Every JSON reader accepts it, also nested in another document.
    pub harmless: bool,
}

/// What one usage object states.
#[derive(Debug)]
pub(super) struct Facts {
    source: Source,
    is_object: bool,
    pub(super) stated: Stated,
    /// The iteration being read.
    iteration: Stated,
    /// `None`: there are none, or `null`.
    pub(super) iterations: Option<Iterations>,
    /// `iterations` is not a list.
    pub(super) unreadable: bool,
}

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
    /// Negative, too large, a fraction, or not a number.
    Unreadable,
}

// === impl UsageObject ===

impl UsageObject {
    /// A reader of one object that is stated by `convention`.
    #[must_use]
    pub fn new(convention: Convention) -> Self {
        Self::of(convention.source)
    }

    pub(super) fn of(source: Source) -> Self {
        let facts = Facts {
            source,
            is_object: false,
            stated: Stated::default(),
            iteration: Stated::default(),
            iterations: None,
            unreadable: false,
        };
        Self { scanner: Scanner::any(DEPTH_BYTES), facts, raw: Text::default(), invalid: false }
    }

    /// Reads the next piece of the object's own bytes.
    pub fn push(&mut self, piece: &str) {
        self.raw.push(piece, VERBATIM_BYTES);
        if !self.invalid {
            self.invalid = self.scanner.feed(piece.as_bytes(), &mut self.facts).is_err();
        }
    }

    /// What the object states. `Err`: it is not a JSON object, or a short one that not every JSON reader accepts;
    /// `true`: it is `null`.
    pub(super) fn read(mut self) -> Result<(Facts, Verbatim), bool> {
        let whole = self.scanner.finish(&mut self.facts);
        if self.invalid || whole.is_err() || !self.facts.is_object {
            return Err(self.raw.as_str().trim() == "null");
        }
        if self.raw.is_cut() {
            return Ok((self.facts, Verbatim { json: None, harmless: false }));
        }
        let raw = self.raw.as_str();
        let (json, harmless) = json::compact(raw);
        if !harmless {
            serde_json::from_slice::<Value>(raw.as_bytes()).map_err(|_| false)?;
        }
        let json = Some(json.into_owned());
        Ok((self.facts, Verbatim { json, harmless }))
    }
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

    /// A member begins. Returns whether its value is read.
    fn begin(&mut self, member: &Member, kind: Kind) -> bool {
        match *member {
            Member::Object(numbers) => {
                numbers.iter().for_each(|number| self.set(*number, Count::Absent));
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

// === impl Facts ===

impl Facts {
    /// The numbers and texts that `path` leads into, and the path within.
    fn within<'p>(&mut self, path: &'p [Name]) -> (&mut Stated, &'p [Name]) {
        match path {
            [Name::Iterations, Name::Item, rest @ ..] => (&mut self.iteration, rest),
            _ => (&mut self.stated, path),
        }
    }
}

impl Visitor for Facts {
    type Name = Name;

    fn begin(&mut self, path: &[Name], kind: Kind, _: u64) -> Want {
        let source = self.source;
        let read = match path {
            [] => {
                self.is_object = kind == Kind::Object;
                self.is_object
            }
            [Name::Iterations] if source == Source::Messages => {
                self.iterations = (kind == Kind::Array).then(Iterations::default);
                self.unreadable = !matches!(kind, Kind::Array | Kind::Null);
                kind == Kind::Array
            }
            [Name::Iterations, Name::Item] => {
                self.iteration = Stated::default();
                if kind != Kind::Object
                    && let Some(iterations) = &mut self.iterations
                {
                    iterations.add_unreadable();
                }
                kind == Kind::Object
            }
            _ => {
                let (stated, path) = self.within(path);
                Member::at(path, source).is_some_and(|member| stated.begin(&member, kind))
            }
        };
        if read { Want::Read } else { Want::Skip }
    }

    fn text(&mut self, path: &[Name], run: &str) {
        let source = self.source;
        let (stated, path) = self.within(path);
        if let Some(Member::Text(text)) = Member::at(path, source)
            && let Some(Some(slot)) = stated.texts.get_mut(text as usize)
        {
            slot.push(run, TEXT_BYTES);
        }
    }

    fn scalar(&mut self, path: &[Name], value: Scalar<'_>) {
        let source = self.source;
        let (stated, path) = self.within(path);
        if let (Scalar::Number(Some(number)), Some(Member::Number(member))) =
            (value, Member::at(path, source))
        {
            stated.set(member, count(number).map_or(Count::Unreadable, Count::Tokens));
        }
    }

    fn end(&mut self, path: &[Name], _: Kind, _: u64) {
        if let ([Name::Iterations, Name::Item], Some(iterations)) = (path, &mut self.iterations) {
            iterations.add(&self.iteration);
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
