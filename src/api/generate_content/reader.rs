//! Reads the objects of a response: events, elements of an array, or one document.

use super::names::Name;
use crate::answer::{Answer, Keep};
use crate::api::response::{Change, ObjectReader};
use crate::json::{Kind, Scalar, Want};

/// Reads an event stream or a document.
#[derive(Debug, Default)]
pub(in crate::api) struct GenerateContentReader;

// === impl GenerateContentReader ===

impl ObjectReader for GenerateContentReader {
    type Name = Name;

    fn begin(&mut self, _path: &[Name], _kind: Kind, _keep: &Keep) -> Want {
        Want::Skip
    }

    fn text(&mut self, _run: &str, _keep: &Keep) {}

    fn scalar(&mut self, _path: &[Name], _value: Scalar<'_>) {}

    fn document_end(&mut self, _path: &[Name], _answer: &mut Answer) {}

    fn event(&mut self, _name: &[u8], _answer: &mut Answer) -> Change {
        Change::Possible
    }

    fn forget(&mut self) {}
}
