//! What may come next in a document.

use super::number::Number;
use super::{Kind, Scalar};

/// What may come next.
#[derive(Clone, Copy, Debug)]
pub(super) enum State {
    /// The document, an object.
    Document,
    /// A value.
    Value,
    /// A value, or the end of the array.
    FirstItem,
    /// A member name, or the end of the object.
    FirstName,
    /// A member name.
    Name,
    /// The rest of a member name.
    InName,
    /// The colon after a name.
    Colon,
    /// The rest of a string.
    InString,
    /// The rest of a number.
    InNumber(Number),
    /// The rest of a literal, of which so many bytes were seen.
    InLiteral(Literal, usize),
    /// A comma, or the end of the container.
    After,
    /// White space: the document is complete.
    Done,
}

impl State {
    /// Whether a member or element begins here, or what follows one.
    pub(super) fn is_between(self) -> bool {
        match self {
            Self::Value | Self::FirstItem | Self::FirstName | Self::Name | Self::After => true,
            Self::InName | Self::InString | Self::InNumber(_) | Self::InLiteral(..) => false,
            Self::Document | Self::Colon | Self::Done => false,
        }
    }
}

/// The three words of the grammar.
#[derive(Clone, Copy, Debug)]
pub(super) enum Literal {
    Null,
    True,
    False,
}

impl Literal {
    /// The one that begins so.
    #[inline(always)]
    pub(super) fn begun(byte: u8) -> Option<Self> {
        match byte {
            b't' => Some(Self::True),
            b'f' => Some(Self::False),
            b'n' => Some(Self::Null),
            _ => None,
        }
    }

    /// Just past this word, if it stands whole at `at`.
    #[inline(always)]
    pub(super) fn past(self, bytes: &[u8], at: usize) -> Option<usize> {
        let end = at + self.word().len();
        (bytes.get(at..end)? == self.word()).then_some(end)
    }

    pub(super) fn word(self) -> &'static [u8] {
        match self {
            Self::Null => b"null",
            Self::True => b"true",
            Self::False => b"false",
        }
    }

    pub(super) fn kind(self) -> Kind {
        match self {
            Self::Null => Kind::Null,
            Self::True | Self::False => Kind::Bool,
        }
    }

    pub(super) fn scalar(self) -> Scalar<'static> {
        match self {
            Self::Null => Scalar::Null,
            Self::True => Scalar::Bool(true),
            Self::False => Scalar::Bool(false),
        }
    }
}
