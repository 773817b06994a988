//! The literals `null`, `true` and `false` (RFC 8259 §3).

use super::{Kind, Scalar};

/// One of the three literals.
#[derive(Clone, Copy, Debug)]
pub(super) enum Literal {
    Null,
    True,
    False,
}

impl Literal {
    /// The literal whose first byte is `byte`.
    #[inline(always)]
    pub(super) fn starting_with(byte: u8) -> Option<Self> {
        match byte {
            b't' => Some(Self::True),
            b'f' => Some(Self::False),
            b'n' => Some(Self::Null),
            _ => None,
        }
    }

    /// The position just past this literal. `None`: `bytes` do not hold all of it at `at`.
    #[inline(always)]
    pub(super) fn end(self, bytes: &[u8], at: usize) -> Option<usize> {
        let end = at + self.word().len();
        (bytes.get(at..end)? == self.word()).then_some(end)
    }

    /// The bytes of this literal.
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
