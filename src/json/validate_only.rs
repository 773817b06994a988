//! A visitor for documents of which only validity and completeness matter.

use super::{Kind, Name, Scalar, Visitor, Want};

/// Skips the document: the scanner validates it and reports nothing.
#[derive(Clone, Copy, Debug)]
pub struct ValidateOnly;

/// The names of a visitor that knows no member: the only one is [`Name::ITEM`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nameless;

impl Name for Nameless {
    const ITEM: Self = Self;

    fn of(_: &[u8]) -> Option<Self> {
        None
    }
}

impl Visitor for ValidateOnly {
    type Name = Nameless;

    fn begin(&mut self, _: &[Nameless], _: Kind, _: u64) -> Want {
        Want::Skip
    }

    fn text(&mut self, _: &[Nameless], _: &str) {}

    fn scalar(&mut self, _: &[Nameless], _: Scalar<'_>) {}

    fn end(&mut self, _: &[Nameless], _: Kind, _: u64) {}
}
