//! Whether the arguments of a tool call, which come in pieces, are whole.

use super::chunk_fields::CallFields;
use crate::json::{Nameless, Scanner, ValidateOnly};
use crate::text::Text;

/// Bytes of nesting of arguments that are followed: 512 levels.
const DEPTH_BYTES: usize = 64;

/// How far the arguments of a call came. Each byte is read once, whether or not it is kept.
#[derive(Debug, Default)]
pub(super) enum ArgumentsState {
    /// No piece of the arguments has come.
    #[default]
    None,
    /// The beginning of a JSON object.
    Begun(Box<Scanner<Nameless>>),
    /// The pieces so far are one complete JSON object.
    Whole,
    /// Anything else: text, or an object that something follows.
    Other,
    /// A piece was longer than what is kept of it.
    Unread,
}

// === impl ArgumentsState ===

impl ArgumentsState {
    /// Whether no arguments came.
    pub(super) const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether the arguments are a whole JSON object, as far as is known.
    pub(super) const fn may_be_whole(&self) -> bool {
        matches!(self, Self::Whole | Self::Unread)
    }

    /// Takes the arguments in a piece of the call.
    pub(super) fn take(&mut self, fields: &CallFields) {
        let Some(piece) = &fields.arguments else { return };
        if fields.custom {
            *self = Self::Other;
        } else {
            self.take_piece(piece);
        }
    }

    /// Takes a piece of the arguments of a function.
    pub(super) fn take_piece(&mut self, piece: &Text) {
        if piece.is_cut() {
            *self = Self::Unread;
        } else if !piece.is_empty() {
            self.read(piece.as_str());
        }
    }

    fn read(&mut self, piece: &str) {
        if matches!(self, Self::None) {
            *self = Self::Begun(Box::new(Scanner::object(DEPTH_BYTES)));
        }
        match self {
            Self::Begun(scanner) => match scanner.feed(piece.as_bytes(), &mut ValidateOnly) {
                Ok(()) if scanner.is_complete() => *self = Self::Whole,
                Ok(()) => {}
                Err(_) => *self = Self::Other,
            },
            Self::Whole if !piece.trim().is_empty() => *self = Self::Other,
            Self::None | Self::Whole | Self::Other | Self::Unread => {}
        }
    }
}
