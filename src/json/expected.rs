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
    InLiteral(Literal, u8),
    /// After a value inside a container: a comma, or the container's closing bracket.
    After,
    /// After the document: only white space.
    Done,
}

/// A state between tokens, at which the fast paths can start. One byte, which they test for each token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    FirstName,
    Name,
    FirstItem,
    Value,
    After,
}

impl Expected {
    /// The state, if the fast paths can start here: at a member name, at a value, or after a value.
    #[inline(always)]
    pub(super) fn between(self) -> Option<Between> {
        Some(match self {
            Self::FirstName => Between::FirstName,
            Self::Name => Between::Name,
            Self::FirstItem => Between::FirstItem,
            Self::Value => Between::Value,
            Self::After => Between::After,
            Self::InName | Self::InString | Self::InNumber(_) | Self::InLiteral(..) => return None,
            Self::Document | Self::Colon | Self::Done => return None,
        })
    }
}

impl From<Between> for Expected {
    fn from(between: Between) -> Self {
        match between {
            Between::FirstName => Self::FirstName,
            Between::Name => Self::Name,
            Between::FirstItem => Self::FirstItem,
            Between::Value => Self::Value,
            Between::After => Self::After,
        }
    }
}
