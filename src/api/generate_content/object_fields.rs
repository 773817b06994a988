//! The fields of one object as far as it was read. All texts are bounded.

use super::names::Name;
use crate::answer::{ApiError, Keep, NAME_BYTES, ToolCall};
use crate::json::{Kind, Scalar, Want};
use crate::text::Text;
use crate::usage::{Convention, UsageObject};

/// Limit of candidates that are read; `candidateCount` is at most 8.
const CANDIDATES: usize = 256;
/// Limit of tool calls and thoughts that are read in one object.
const PIECES: usize = 1024;

/// A text field of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Id,
    Model,
    BlockReason,
    Usage,
    ErrorStatus,
    ErrorCode,
    ErrorMessage,
    FinishReason,
    PartText,
    CallId,
    CallName,
    /// The arguments of a function, or code to run, as raw JSON.
    CallArguments,
}

/// The fields of one object.
#[derive(Debug, Default)]
pub(super) struct ObjectFields {
    /// The text field being read.
    current: Option<Field>,
    pub(super) id: Text,
    pub(super) model: Text,
    pub(super) block_reason: Text,
    pub(super) usage: Option<UsageObject>,
    error: Option<ErrorFields>,
    pub(super) candidates: Vec<CandidateFields>,
    /// There were candidates above the limit.
    pub(super) candidates_beyond: bool,
    /// Tool calls above the limit.
    pub(super) calls_beyond: u64,
    /// Thoughts above the limit.
    pub(super) thoughts_beyond: u64,
    /// A part is a thought.
    pub(super) has_thoughts: bool,
    /// The part being read.
    part: Option<PartFields>,
    /// Tool calls and thoughts of all candidates.
    pieces: usize,
    /// Bytes of their texts.
    text_bytes: usize,
}

/// The top-level member `error`: <https://cloud.google.com/apis/design/errors#error_model>.
#[derive(Debug, Default)]
struct ErrorFields {
    status: Option<Text>,
    code: Option<Text>,
    message: Option<Text>,
}

/// The fields of one candidate.
#[derive(Debug, Default)]
pub(super) struct CandidateFields {
    pub(super) index: Option<u64>,
    pub(super) finish_reason: Text,
    pub(super) pieces: Vec<Piece>,
}

/// What a candidate's content holds.
#[derive(Debug)]
pub(super) enum Piece {
    /// A tool call, and its arguments if it states any.
    Call(ToolCall, Option<Text>),
    /// Parts of a thought that follow each other.
    Thought(Text),
    /// Something else, which ends a thought.
    Other,
}

/// The fields of one part.
#[derive(Debug, Default)]
struct PartFields {
    text: Text,
    thought: bool,
    call: Option<CallFields>,
}

/// The fields of a call.
#[derive(Debug, Default)]
struct CallFields {
    id: Option<Text>,
    name: Option<Text>,
    arguments: Option<Text>,
    /// It is code that the provider runs.
    hosted: bool,
}

// === impl ObjectFields ===

impl ObjectFields {
    /// As [`Visitor::begin`](crate::json::Visitor::begin). `id_known`, `model_known`: they need not be read again.
    pub(super) fn begin(&mut self, path: &[Name], kind: Kind, keep: &Keep, known: (bool, bool)) -> Want {
        self.current = None;
        let (id_known, model_known) = known;
        let field = match (path, kind) {
            ([Name::ResponseId], _) if id_known => return Want::Skip,
            ([Name::ModelVersion], _) if model_known => return Want::Skip,
            ([] | [Name::PromptFeedback], Kind::Object) | ([Name::Candidates], Kind::Array) => {
                return Want::Read;
            }
            ([Name::Candidates, Name::Item, rest @ ..], _) => match self.in_candidate(rest, kind, keep) {
                Ok(field) => field,
                Err(want) => return want,
            },
            ([Name::UsageMetadata] | [Name::Error], Kind::Null) => return Want::Skip,
            ([Name::UsageMetadata], _) => {
                self.usage = Some(UsageObject::new(Convention::GENERATE_CONTENT));
                self.current = Some(Field::Usage);
                return Want::Raw;
            }
            ([Name::Error], _) => {
                self.error = Some(ErrorFields::default());
                if kind != Kind::String {
                    return if kind == Kind::Object { Want::Read } else { Want::Skip };
                }
                Field::ErrorMessage
            }
            ([Name::Error, Name::Code], Kind::String | Kind::Number) => Field::ErrorCode,
            ([Name::Error, Name::Status], Kind::String) => Field::ErrorStatus,
            ([Name::Error, Name::Message], Kind::String) => Field::ErrorMessage,
            ([Name::ResponseId], Kind::String) => Field::Id,
            ([Name::ModelVersion], Kind::String) => Field::Model,
            ([Name::PromptFeedback, Name::BlockReason], Kind::String) => Field::BlockReason,
            _ => return Want::Skip,
        };
        // Of a repeated member the last one counts.
        let Some(text) = self.field(field) else { return Want::Skip };
        text.clear();
        self.current = Some(field);
        match field {
            Field::CallArguments => Want::Raw,
            Field::PartText => Want::Piece,
            Field::Id
            | Field::Model
            | Field::BlockReason
            | Field::Usage
            | Field::ErrorStatus
            | Field::ErrorCode
            | Field::ErrorMessage
            | Field::FinishReason
            | Field::CallId
            | Field::CallName => Want::Read,
        }
    }

    /// Whether the object states nothing beside the usage and the parts of candidates.
    pub(super) fn states_only_parts(&self) -> bool {
        self.id.is_empty()
            && self.model.is_empty()
            && self.block_reason.is_empty()
            && self.error.is_none()
            && self.calls_beyond == 0
            && self.thoughts_beyond == 0
            && !self.candidates_beyond
    }

    /// A value inside of a candidate begins: the text field that it is, or whether it is read.
    fn in_candidate(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Result<Field, Want> {
        let wanted = match (path, kind) {
            ([], Kind::Object) => {
                self.end_part(true);
                self.candidates_beyond |= self.candidates.len() >= CANDIDATES;
                if !self.candidates_beyond {
                    self.candidates.push(CandidateFields::default());
                }
                !self.candidates_beyond
            }
            ([Name::FinishReason], Kind::String) => return Ok(Field::FinishReason),
            ([Name::Index], Kind::Number)
            | ([Name::Content], Kind::Object)
            | ([Name::Content, Name::Parts], Kind::Array) => true,
            ([Name::Content, Name::Parts, Name::Item], Kind::Object) => {
                self.end_part(true);
                self.part = Some(PartFields::default());
                true
            }
            ([Name::Content, Name::Parts, Name::Item, rest @ ..], _) => {
                return self.in_part(rest, kind, keep);
            }
            _ => false,
        };
        Err(if wanted { Want::Read } else { Want::Skip })
    }

    /// As [`in_candidate`](Self::in_candidate), inside of a part.
    fn in_part(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Result<Field, Want> {
        let Some(part) = &mut self.part else { return Err(Want::Skip) };
        Err(match (path, kind) {
            ([Name::Text], Kind::String) if keep.thoughts => return Ok(Field::PartText),
            ([Name::Thought], Kind::Bool) => Want::Read,
            ([Name::FunctionCall], Kind::Object) => {
                part.call = Some(CallFields::default());
                Want::Read
            }
            ([Name::FunctionCall, Name::Id], Kind::String) => return Ok(Field::CallId),
            ([Name::FunctionCall, Name::Name], Kind::String) => return Ok(Field::CallName),
            ([Name::FunctionCall, Name::Args], Kind::Object | Kind::Array | Kind::String)
                if keep.arguments =>
            {
                return Ok(Field::CallArguments);
            }
            ([Name::ExecutableCode], Kind::Object) => {
                let name = Some(Text::whole("code_execution"));
                part.call = Some(CallFields { name, hosted: true, ..CallFields::default() });
                if keep.arguments {
                    return Ok(Field::CallArguments);
                }
                Want::Skip
            }
            _ => Want::Skip,
        })
    }

    /// Appends a run to the text field being read.
    pub(super) fn text(&mut self, run: &str, keep: &Keep) {
        let Some(field) = self.current else { return };
        let limit = match field {
            Field::Usage => return self.usage.iter_mut().for_each(|usage| usage.push(run)),
            Field::PartText | Field::CallArguments => {
                keep.text_bytes.min(keep.total_bytes.saturating_sub(self.text_bytes))
            }
            Field::Id
            | Field::Model
            | Field::BlockReason
            | Field::ErrorStatus
            | Field::ErrorCode
            | Field::ErrorMessage
            | Field::FinishReason
            | Field::CallId
            | Field::CallName => NAME_BYTES,
        };
        if let Some(text) = self.field(field) {
            text.push(run, limit);
        }
    }

    /// As [`Visitor::scalar`](crate::json::Visitor::scalar).
    pub(super) fn scalar(&mut self, path: &[Name], value: Scalar<'_>) {
        // The scanner reports no end of a scalar.
        let current = self.current.take();
        match (path, value) {
            ([.., Name::Thought], Scalar::Bool(thought)) => {
                if let Some(part) = &mut self.part {
                    part.thought = thought;
                }
            }
            ([.., Name::Index], Scalar::Number(Some(number))) => {
                if let Some(candidate) = self.candidates.last_mut() {
                    candidate.index = number.parse().ok();
                }
            }
            (_, Scalar::Number(Some(number))) if current == Some(Field::ErrorCode) => {
                if let Some(code) = self.field(Field::ErrorCode) {
                    code.push(number, NAME_BYTES);
                }
            }
            _ => {}
        }
    }

    /// The text of `field`. `None`: what it belongs to is not read, or it is the usage.
    fn field(&mut self, field: Field) -> Option<&mut Text> {
        Some(match field {
            Field::Id => &mut self.id,
            Field::Model => &mut self.model,
            Field::BlockReason => &mut self.block_reason,
            Field::Usage => return None,
            Field::ErrorStatus => self.error.as_mut()?.status.get_or_insert_default(),
            Field::ErrorCode => self.error.as_mut()?.code.get_or_insert_default(),
            Field::ErrorMessage => self.error.as_mut()?.message.get_or_insert_default(),
            Field::FinishReason => &mut self.candidates.last_mut()?.finish_reason,
            Field::PartText => &mut self.part.as_mut()?.text,
            Field::CallId => self.part.as_mut()?.call.as_mut()?.id.get_or_insert_default(),
            Field::CallName => self.part.as_mut()?.call.as_mut()?.name.get_or_insert_default(),
            Field::CallArguments => self.part.as_mut()?.call.as_mut()?.arguments.get_or_insert_default(),
        })
    }

    /// A value has ended that is no scalar. (Parts of events have no such moment.)
    pub(super) fn value_end(&mut self, path: &[Name]) {
        self.current = None;
        if let [.., Name::Parts, Name::Item] = path {
            self.end_part(true);
        }
    }

    /// The object breaks off. An incomplete text of the model is kept; an incomplete name or usage is not.
    pub(super) fn break_off(&mut self) {
        match self.current.take() {
            None | Some(Field::PartText | Field::CallArguments) => {}
            Some(Field::Usage) => self.usage = None,
            Some(field) => {
                if let Some(text) = self.field(field) {
                    text.clear();
                }
            }
        }
        self.end_part(false);
    }

    /// The part being read has ended, or a next one begins. `whole`: it did not break off.
    pub(super) fn end_part(&mut self, whole: bool) {
        let Some(PartFields { text, thought, call }) = self.part.take() else { return };
        self.has_thoughts |= thought;
        let Some(pieces) = self.candidates.last_mut().map(|candidate| &mut candidate.pieces) else { return };
        let has_room = self.pieces < PIECES;
        if let Some(CallFields { id, name, arguments, hosted }) = call {
            if !has_room {
                self.calls_beyond = self.calls_beyond.saturating_add(1);
                return;
            }
            let stated = |text: Option<Text>| text.filter(|text| !text.is_empty()).map(Text::into_string);
            let call = ToolCall {
                id: stated(id),
                name: stated(name),
                hosted,
                complete: whole,
                ..ToolCall::default()
            };
            self.text_bytes =
                self.text_bytes.saturating_add(arguments.as_ref().map_or(0, |text| text.as_str().len()));
            self.pieces = self.pieces.saturating_add(1);
            pieces.push(Piece::Call(call, arguments));
        } else if !thought {
            // An empty text carries a signature.
            if !text.is_empty() && !matches!(pieces.last(), Some(Piece::Other)) {
                pieces.push(Piece::Other);
            }
        } else if text.is_empty() && !text.is_cut() {
            // It is not kept, or has no text.
        } else if let Some(Piece::Thought(before)) = pieces.last_mut() {
            let kept = before.append(&text, usize::MAX);
            self.text_bytes = self.text_bytes.saturating_add(kept);
        } else if has_room {
            self.text_bytes = self.text_bytes.saturating_add(text.as_str().len());
            self.pieces = self.pieces.saturating_add(1);
            pieces.push(Piece::Thought(text));
        } else {
            self.thoughts_beyond = self.thoughts_beyond.saturating_add(1);
        }
    }

    /// The error that the object states.
    pub(super) fn take_error(&mut self) -> Option<ApiError> {
        let ErrorFields { status, code, message } = self.error.take()?;
        let stated = |text: Option<Text>| text.filter(|text| !text.is_empty()).map(Text::into_string);
        Some(ApiError { kind: stated(status), code: stated(code), message: stated(message) })
    }
}
