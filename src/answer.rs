//! What was learned from one response, whichever API it speaks and in whichever format it came.

use crate::note::{Note, Notes};
use crate::text::Text;
use crate::usage::{Convention, UsageReader};

/// Identifiers, names, models and messages are kept up to this many bytes.
pub const NAME_BYTES: usize = 1024;

/// Finish reasons that are kept, one per choice; `n` of Chat Completions is at most 128.
const FINISH_REASONS: usize = 256;

/// How much of an answer is kept.
#[derive(Clone, Debug)]
pub struct Keep {
    /// Bytes of one text.
    pub text_bytes: usize,
    /// Bytes of all texts together.
    pub total_bytes: usize,
    /// Whether arguments of tool calls are kept.
    pub arguments: bool,
    /// Whether thoughts are kept.
    pub thoughts: bool,
    /// Tool calls that are kept.
    pub tool_calls: usize,
    /// Thoughts that are kept.
    pub thought_count: usize,
}

impl Keep {
    /// The same, except that no text is kept. A text that has begun is cut.
    #[must_use]
    pub const fn without_texts(&self) -> Self {
        Self {
            text_bytes: self.text_bytes,
            total_bytes: 0,
            arguments: false,
            thoughts: false,
            tool_calls: self.tool_calls,
            thought_count: self.thought_count,
        }
    }
}

/// Everything learned from one response.
///
/// It grows only within [`Keep`]: texts up to `total_bytes`, and for each of `tool_calls` four names and finish reasons
/// of up to [`NAME_BYTES`]. With the fields of the event being read, and twice as much because a growing text
/// reserves memory, one stream holds at most `2 × (total_bytes + tool_calls × 4 KiB + event_bytes)`, however long the
/// response is. At its end the record adds `2 × (total_bytes + 6 × tool_calls × 4 KiB)`: JSON writes one byte as up to
/// six (`\u0001`). With the default configuration that is 6 MiB, and 20 MiB while the record is written;
/// the integration test `memory` checks it.
#[derive(Debug)]
pub struct Answer {
    /// The provider's id of the message or response.
    pub id: Option<String>,
    /// The model that served.
    pub model: Option<String>,
    /// Why the model stopped; one per choice.
    pub finish_reasons: Vec<String>,
    /// The usage that the provider stated.
    pub usage: UsageReader,
    /// In the order in which they began; in Chat Completions ordered by choice and index.
    pub tool_calls: Vec<ToolCall>,
    /// In the order in which they began; in Chat Completions ordered by choice.
    pub thoughts: Vec<Thought>,
    /// The error that the provider stated.
    pub error: Option<ApiError>,
    /// The API's own end of a response was seen. In Chat Completions a later event can withdraw it: another choice may
    /// begin.
    pub ended: bool,
    /// The bytes of its texts, thoughts and arguments, also of those that are not kept.
    pub texts: TextBytes,
    /// What could not be read or kept.
    pub notes: Notes,
    keep: Keep,
    kept_bytes: usize,
}

/// Counts the bytes of an answer's texts, thoughts and arguments, in UTF-8 after unescaping.
#[derive(Clone, Copy, Debug, Default)]
pub struct TextBytes {
    /// Of the pieces since the last whole item.
    pieces: u64,
    /// Of the items that have ended.
    items: u64,
    /// Of the answer as it was stated as a whole.
    whole: u64,
}

impl TextBytes {
    /// Counts a piece.
    pub const fn piece(&mut self, bytes: u64) {
        self.pieces = self.pieces.saturating_add(bytes);
    }

    /// Counts an item that has ended, whose pieces may have come before.
    pub fn item(&mut self, bytes: u64) {
        self.items = self.items.saturating_add(bytes.max(self.pieces));
        self.pieces = 0;
    }

    /// Counts the whole answer as far as it has come; its pieces and items may have come before.
    pub const fn whole(&mut self, bytes: u64) {
        self.whole = bytes;
    }

    /// The bytes of all texts.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.items.saturating_add(self.pieces).max(self.whole)
    }
}

/// A call that the model asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// The id by which the tool's result refers to the call.
    pub id: Option<String>,
    /// The output item's own id, where the API has both.
    pub item_id: Option<String>,
    /// The tool's name as the model wrote it, at most [`NAME_BYTES`].
    pub name: Option<String>,
    /// The server or namespace that the tool belongs to.
    pub server: Option<String>,
    /// As the model wrote them, usually JSON.
    pub arguments: Text,
    /// The provider stated arguments, even if they are an empty text.
    pub arguments_stated: bool,
    /// The arguments are plain text even where they look like JSON: the input of a custom tool.
    pub plain: bool,
    /// The provider runs the tool, not the client.
    pub hosted: bool,
    /// The end of the call was seen.
    pub complete: bool,
    /// The arguments are one whole JSON value: they were read as such.
    pub validated: bool,
}

/// Reasoning of the model, as far as the provider shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thought {
    /// `thinking`, `reasoning`, `reasoning_summary` or `commentary`.
    pub source: &'static str,
    /// The reasoning in words.
    pub text: Text,
}

/// An error that the provider stated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApiError {
    /// The member `error.type`.
    pub kind: Option<String>,
    /// The member `error.code`.
    pub code: Option<String>,
    /// The member `error.message`.
    pub message: Option<String>,
}

impl Answer {
    /// Takes the first id and the first model that are not empty.
    pub fn identify(&mut self, id: &Text, model: &Text) {
        for (known, stated) in [(&mut self.id, id), (&mut self.model, model)] {
            if known.is_none() && !stated.is_empty() {
                *known = Some(stated.as_str().to_owned());
            }
        }
    }

    /// An empty answer. The provider states its usage by `convention`.
    #[must_use]
    pub fn new(convention: Convention, keep: Keep) -> Self {
        Self {
            id: None,
            model: None,
            finish_reasons: Vec::new(),
            usage: UsageReader::new(convention),
            tool_calls: Vec::new(),
            thoughts: Vec::new(),
            error: None,
            ended: false,
            texts: TextBytes::default(),
            notes: Notes::default(),
            keep,
            kept_bytes: 0,
        }
    }

    /// How much of the answer is kept.
    #[must_use]
    pub const fn keep(&self) -> &Keep {
        &self.keep
    }

    /// Appends a tool call that has begun. Returns its position; `None` if enough tool calls are kept already.
    pub fn begin_tool_call(&mut self, call: ToolCall) -> Option<usize> {
        let position = self.tool_calls.len();
        self.begin_tool_call_at(position, call).then_some(position)
    }

    /// Inserts a tool call that has begun at `position`. Returns `false` if enough tool calls are kept already.
    pub fn begin_tool_call_at(&mut self, position: usize, call: ToolCall) -> bool {
        if self.tool_calls.len() >= self.keep.tool_calls {
            self.notes.dropped_tool_call();
            return false;
        }
        self.tool_calls.insert(position.min(self.tool_calls.len()), call);
        true
    }

    /// Appends a thought that has begun. Returns its position; `None` if enough thoughts are kept already, or none are
    /// to be kept.
    pub fn begin_thought(&mut self, source: &'static str) -> Option<usize> {
        let position = self.thoughts.len();
        self.begin_thought_at(position, source).then_some(position)
    }

    /// Inserts a thought that has begun at `position`. Returns `false` if enough thoughts are kept already, or none
    /// are to be kept.
    pub fn begin_thought_at(&mut self, position: usize, source: &'static str) -> bool {
        if !self.keep.thoughts {
            return false;
        }
        if self.thoughts.len() >= self.keep.thought_count {
            self.notes.dropped_thought();
            return false;
        }
        self.thoughts.insert(position.min(self.thoughts.len()), Thought { source, text: Text::default() });
        true
    }

    /// Appends to the arguments of the tool call at `at`.
    pub fn add_arguments(&mut self, at: usize, run: &str) {
        if self.keep.arguments
            && let Some(call) = self.tool_calls.get_mut(at)
        {
            call.validated = false;
            Self::add(&self.keep, &mut self.kept_bytes, &mut self.notes, &mut call.arguments, run);
        }
    }

    /// Appends to the thought at `at`.
    pub fn add_thought(&mut self, at: usize, run: &str) {
        if let Some(thought) = self.thoughts.get_mut(at) {
            Self::add(&self.keep, &mut self.kept_bytes, &mut self.notes, &mut thought.text, run);
        }
    }

    /// Appends a piece of the arguments of the tool call at `at`. If the piece itself was cut, that is noted.
    pub fn add_arguments_piece(&mut self, at: usize, piece: &Text) {
        self.note_cut(piece);
        self.add_arguments(at, piece.as_str());
        if piece.is_cut()
            && let Some(call) = self.tool_calls.get_mut(at)
        {
            // Later pieces do not continue it.
            call.arguments.append(piece, 0);
        }
    }

    /// Appends a piece of the thought at `at`. If the piece itself was cut, that is noted.
    pub fn add_thought_piece(&mut self, at: usize, piece: &Text) {
        self.note_cut(piece);
        self.add_thought(at, piece.as_str());
        if piece.is_cut()
            && let Some(thought) = self.thoughts.get_mut(at)
        {
            thought.text.append(piece, 0);
        }
    }

    /// Gives the tool call at `at`, which has none yet, its arguments: a JSON value. `whole`: it was read to its end.
    pub fn give_arguments(&mut self, at: usize, value: Text, whole: bool) {
        let bytes = value.as_str().len();
        let fits = bytes <= self.keep.text_bytes.min(self.keep.total_bytes.saturating_sub(self.kept_bytes));
        if self.keep.arguments
            && fits
            && let Some(call) = self.tool_calls.get_mut(at)
        {
            self.kept_bytes = self.kept_bytes.saturating_add(bytes);
            call.validated = whole && !value.is_cut() && !value.is_empty();
            call.arguments = value;
            if call.arguments.is_cut() {
                self.notes.add(Note::TextCut);
            }
        } else {
            self.add_arguments_piece(at, &value);
        }
    }

    fn note_cut(&mut self, piece: &Text) {
        if piece.is_cut() {
            self.notes.add(Note::TextCut);
        }
    }

    /// Replaces the arguments of the tool call at `at` by `whole`.
    pub fn replace_arguments(&mut self, at: usize, whole: &Text) {
        if self.keep.arguments
            && let Some(call) = self.tool_calls.get_mut(at)
        {
            call.validated = false;
            Self::replace(&self.keep, &mut self.kept_bytes, &mut self.notes, &mut call.arguments, whole);
        }
    }

    /// Replaces the thought at `at` by `whole`.
    pub fn replace_thought(&mut self, at: usize, whole: &Text) {
        if let Some(thought) = self.thoughts.get_mut(at) {
            Self::replace(&self.keep, &mut self.kept_bytes, &mut self.notes, &mut thought.text, whole);
        }
    }

    /// Appends a reason why the model stopped.
    pub fn finished(&mut self, reason: impl Into<String>) {
        if self.finish_reasons.len() < FINISH_REASONS {
            let mut reason = reason.into();
            reason.truncate(reason.floor_char_boundary(NAME_BYTES));
            self.finish_reasons.push(reason);
        }
    }

    fn replace(keep: &Keep, kept_bytes: &mut usize, notes: &mut Notes, text: &mut Text, whole: &Text) {
        *kept_bytes = kept_bytes.saturating_sub(text.as_str().len());
        *text = Text::default();
        Self::add(keep, kept_bytes, notes, text, whole.as_str());
        if whole.is_cut() {
            text.append(whole, 0);
            notes.add(Note::TextCut);
        }
    }

    fn add(keep: &Keep, kept_bytes: &mut usize, notes: &mut Notes, text: &mut Text, run: &str) {
        let left_of_total = keep.total_bytes.saturating_sub(*kept_bytes);
        let limit = keep.text_bytes.min(text.as_str().len().saturating_add(left_of_total));
        let kept = text.push(run, limit);
        *kept_bytes = kept_bytes.saturating_add(kept);
        if text.is_cut() {
            notes.add(Note::TextCut);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Keep, ToolCall};
    use crate::note::{Note, Notes};
    use crate::text::Text;
    use crate::usage::Convention;

    #[test]
    fn given_arguments_are_bounded_and_valid_only_while_they_are_whole() {
        let keep = Keep {
            text_bytes: 8,
            total_bytes: 12,
            arguments: true,
            thoughts: true,
            tool_calls: 8,
            thought_count: 8,
        };
        let mut answer = Answer::new(Convention::MESSAGES, keep);
        let mut give = |value: &str, whole: bool| {
            let at = answer.begin_tool_call(ToolCall::default()).unwrap();
            answer.give_arguments(at, Text::whole(value), whole);
            let call = &answer.tool_calls[at];
            (call.arguments.as_str().to_owned(), call.arguments.is_cut(), call.validated)
        };
        assert_eq!(give("{\"a\":1}", true), ("{\"a\":1}".to_owned(), false, true));
        assert_eq!(give("{", false), ("{".to_owned(), false, false));
        assert_eq!(give("", true), (String::new(), false, false));
        assert_eq!(give("{\"a\":1}", true), ("{\"a\"".to_owned(), true, false), "12 bytes in all");
        let mut noted = Notes::default();
        noted.add(Note::TextCut);
        assert_eq!(answer.notes.lines(), noted.lines());
        answer.add_arguments(0, "}");
        assert!(!answer.tool_calls[0].validated);
    }
}
