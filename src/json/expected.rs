//! The state of the grammar: which part of a document comes next.

use super::literal::Literal;
use super::number::NumberState;

/// What the next byte belongs to. White space may come before all but the four `In…` states.
#[derive(Clone, Copy, Debug)]
pub(super) enum Expected {
    /// The document, which must be an object.
    Document,
    /// A value.
    Value,
    /// The first element of an array, or its `]`.
    FirstItem,
    /// The first member name of an object, or its `}`.
    FirstName,
    /// A member name.
    Name,
    /// The rest of a member name.
    InName,
    /// The colon after a member name.
    Colon,
    /// The rest of a string value.
    InString,
    /// The rest of a number.
    InNumber(NumberState),
    /// The rest of a literal, of which this many bytes were read.
    InLiteral(Literal, usize),
    /// After a value inside a container: a comma, or the container's closing bracket.
    After,
    /// After the document: only white space.
    Done,
}

impl Expected {
    /// Whether the fast paths can start here: at a member name, at a value, or after a value.
    pub(super) fn is_between_tokens(self) -> bool {
        match self {
            Self::Value | Self::FirstItem | Self::FirstName | Self::Name | Self::After => true,
            Self::InName | Self::InString | Self::InNumber(_) | Self::InLiteral(..) => false,
            Self::Document | Self::Colon | Self::Done => false,
        }
    }
}
