//! What is known of the turn and of the content part that are being read.

use super::Prompt;
use crate::api::word::Word;
use crate::text::Text;

/// The turn being read.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) role: Word,
    pub(super) kind: Word,
    pub(super) call_id: Text,
    pub(super) prompt: Option<Prompt>,
    /// The tool call whose result the last part of its kind brings.
    pub(super) answered_part: Option<String>,
}

/// The content part being read.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) kind: Word,
    pub(super) text: Option<Prompt>,
    pub(super) call_id: Text,
    pub(super) call_name: Text,
    pub(super) source_kind: Word,
}

// === impl Turn ===

impl Turn {
    /// Empties the turn, and keeps the memory of its texts.
    pub(super) fn clear(&mut self) {
        let Self { role, kind, call_id, prompt, answered_part } = self;
        role.clear();
        kind.clear();
        call_id.clear();
        (*prompt, *answered_part) = (None, None);
    }
}

// === impl Part ===

impl Part {
    /// Empties the part, and keeps the memory of its texts.
    pub(super) fn clear(&mut self) {
        let Self { kind, text, call_id, call_name, source_kind } = self;
        kind.clear();
        call_id.clear();
        call_name.clear();
        source_kind.clear();
        *text = None;
    }
}
