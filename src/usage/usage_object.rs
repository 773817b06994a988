//! One usage object, read by the same scanner as all other JSON. Of a repeated member the last one counts.

use super::iterations::Iterations;
use super::members::{Member, Name};
use super::stated::Stated;
use super::{Convention, Source, VERBATIM_BYTES};
use crate::json::{self, Kind, Scalar, Scanner, Value, Visitor, Want};
use crate::text::Text;
use std::borrow::Cow;

/// Bytes for nesting, one bit per level; whoever hands over the object has scanned it with as many.
const DEPTH_BYTES: usize = 1024;

/// One usage object, whose pieces come one by one. A short one is read only if its numbers are needed, because a stream
/// may state its usage so far in each event. It keeps at most [`VERBATIM_BYTES`] and [`Iterations`] of the object.
#[derive(Debug)]
pub struct UsageObject {
    source: Source,
    raw: Text,
    /// `Some` if the object is longer than [`VERBATIM_BYTES`].
    reading: Option<Box<Reading>>,
}

/// A usage object that is read as its pieces come.
#[derive(Debug)]
struct Reading {
    scanner: Scanner<Name>,
    facts: Facts,
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
    /// `iterations`; `None`: there are none, or `null`.
    pub(super) listed: Option<Box<Listed>>,
    /// `iterations` is not a list.
    pub(super) unreadable: bool,
}

/// The list of iterations. Few objects have one.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) iterations: Iterations,
    /// The iteration being read.
    current: Stated,
}

// === impl UsageObject ===

impl UsageObject {
    /// A reader of one object that is stated by `convention`.
    #[must_use]
    pub fn new(convention: Convention) -> Self {
        Self::of(convention.source)
    }

    pub(super) fn of(source: Source) -> Self {
        Self { source, raw: Text::default(), reading: None }
    }

    /// Takes the next piece of the object's own bytes.
    pub fn push(&mut self, piece: &str) {
        if self.reading.is_none() && self.raw.as_str().len().saturating_add(piece.len()) > VERBATIM_BYTES {
            self.reading = Some(Box::new(Reading::of(self.source, self.raw.as_str())));
        }
        if let Some(reading) = &mut self.reading {
            reading.feed(piece);
        }
        self.raw.push(piece, VERBATIM_BYTES);
    }

    /// The object's own bytes, if it has at most [`VERBATIM_BYTES`].
    pub(super) fn raw(&self) -> Option<&str> {
        Some(self.raw.as_str()).filter(|_| self.reading.is_none())
    }

    /// What the object states. `Err`: it is not a JSON object, or a short one that not every JSON reader accepts;
    /// `true`: it is `null`.
    pub(super) fn read(self) -> Result<(Facts, Verbatim), bool> {
        let Self { source, raw, reading } = self;
        let mut reading = match reading {
            Some(reading) => *reading,
            None => Reading::of(source, raw.as_str()),
        };
        if !reading.finish() {
            return Err(raw.as_str().trim() == "null");
        }
        let facts = reading.facts;
        if raw.is_cut() {
            return Ok((facts, Verbatim { json: None, harmless: false }));
        }
        let (compacted, harmless) = match json::compact(raw.as_str()) {
            (Cow::Owned(json), harmless) => (Some(json), harmless),
            (Cow::Borrowed(_), harmless) => (None, harmless),
        };
        if !harmless {
            serde_json::from_slice::<Value>(raw.as_str().as_bytes()).map_err(|_| false)?;
        }
        let json = Some(compacted.unwrap_or_else(|| raw.into_string()));
        Ok((facts, Verbatim { json, harmless }))
    }
}

// === impl Reading ===

impl Reading {
    /// Begins with the first bytes of an object.
    fn of(source: Source, begin: &str) -> Self {
        let facts =
            Facts { source, is_object: false, stated: Stated::default(), listed: None, unreadable: false };
        let mut reading = Self { scanner: Scanner::any(DEPTH_BYTES), facts, invalid: false };
        reading.feed(begin);
        reading
    }

    fn feed(&mut self, piece: &str) {
        if !self.invalid {
            self.invalid = self.scanner.feed(piece.as_bytes(), &mut self.facts).is_err();
        }
    }

    /// Ends the reading. Returns whether it read one valid object to its end.
    fn finish(&mut self) -> bool {
        let whole = self.scanner.finish(&mut self.facts);
        !self.invalid && whole.is_ok() && self.facts.is_object
    }
}

// === impl Facts ===

impl Facts {
    /// The numbers and texts that `path` leads into, and the path within.
    fn within<'p>(&mut self, path: &'p [Name]) -> (&mut Stated, &'p [Name]) {
        match (path, &mut self.listed) {
            ([Name::Iterations, Name::Item, rest @ ..], Some(listed)) => (&mut listed.current, rest),
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
                self.listed = (kind == Kind::Array).then(Box::default);
                self.unreadable = !matches!(kind, Kind::Array | Kind::Null);
                kind == Kind::Array
            }
            [Name::Iterations, Name::Item] => {
                if let Some(listed) = &mut self.listed {
                    listed.current = Stated::default();
                    if kind != Kind::Object {
                        listed.iterations.add_unreadable();
                    }
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
        if let Some(Member::Text(text)) = Member::at(path, source) {
            stated.push(text, run);
        }
    }

    fn scalar(&mut self, path: &[Name], value: Scalar<'_>) {
        let source = self.source;
        let (stated, path) = self.within(path);
        if let (Scalar::Number(Some(number)), Some(Member::Number(member))) =
            (value, Member::at(path, source))
        {
            stated.number(member, number);
        }
    }

    fn end(&mut self, path: &[Name], _: Kind, _: u64) {
        if let ([Name::Iterations, Name::Item], Some(listed)) = (path, &mut self.listed) {
            listed.iterations.add(&listed.current);
        }
    }
}
