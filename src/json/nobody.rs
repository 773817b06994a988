//! A visitor for whom only validity and the end of a document matter.

use super::{Kind, Name, Scalar, Visitor, Want};

/// Wants nothing and knows no name.
#[derive(Clone, Copy, Debug)]
pub struct Nobody;

/// The one name that [`Nobody`] knows: that of an array's element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nameless;

impl Name for Nameless {
    const ITEM: Self = Self;

    fn of(_: &[u8]) -> Option<Self> {
        None
    }
}

impl Visitor for Nobody {
    type Name = Nameless;

    fn begin(&mut self, _: &[Nameless], _: Kind, _: u64) -> Want {
        Want::Skip
    }

    fn text(&mut self, _: &[Nameless], _: &str) {}

    fn scalar(&mut self, _: &[Nameless], _: Scalar<'_>) {}

    fn end(&mut self, _: &[Nameless], _: Kind, _: u64) {}
}
