//! The fields of one event, or of one document as far as it was read. All texts are bounded.

use super::names::Name;
use crate::answer::{Answer, ApiError, Keep, NAME_BYTES};
use crate::api::response::{Change, Place};
use crate::api::word::Word;
use crate::json::{Kind, Scalar, Want};
use crate::text::Text;
use crate::usage::{Convention, METRICS_BYTES, UsageObject};

/// A text field of an event or document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Type,
    Id,
    Model,
    StopReason,
    Usage,
    InvocationMetrics,
    BlockType,
    BlockId,
    BlockName,
    /// The MCP server of the tool.
    BlockServer,
    /// The input of a tool, as raw JSON.
    BlockInput,
    BlockThinking,
    /// The model that goes on, in a block of type `fallback`.
    FallbackModel,
    DeltaType,
    PartialJson,
    DeltaThinking,
    ErrorType,
    ErrorCode,
    ErrorMessage,
}

/// The fields of one event or document.
#[derive(Debug, Default)]
pub(super) struct EventFields {
    /// The text field being read.
    current: Option<Field>,
    /// The last field that may be a piece of a text.
    piece: Option<Field>,
    pub(super) kind: Word,
    pub(super) index: Option<u64>,
    pub(super) id: Option<Text>,
    pub(super) model: Option<Text>,
    pub(super) stop_reason: Option<Text>,
    usage: Option<UsageObject>,
    /// Bedrock's own count, in the last event of a stream.
    invocation_metrics: Option<Text>,
    pub(super) block: BlockFields,
    pub(super) delta_kind: Word,
    pub(super) partial_json: Text,
    pub(super) thinking: Text,
    error: Option<ErrorTexts>,
}

#[derive(Debug, Default)]
struct ErrorTexts {
    kind: Option<Text>,
    code: Option<Text>,
    message: Option<Text>,
}

/// A content block: as it begins in a stream, or whole in a document.
#[derive(Debug, Default)]
pub(super) struct BlockFields {
    pub(super) kind: Word,
    pub(super) id: Option<Text>,
    pub(super) name: Option<Text>,
    pub(super) server: Option<Text>,
    pub(super) input: Text,
    pub(super) thinking: Text,
    pub(super) fallback_model: Option<Text>,
}

// === impl BlockFields ===

impl BlockFields {
    /// Empties all fields, and keeps the memory of the texts that most blocks have.
    pub(super) fn clear(&mut self) {
        let Self { kind, id, name, server, input, thinking, fallback_model } = self;
        kind.clear();
        input.clear();
        thinking.clear();
        (*id, *name, *server, *fallback_model) = (None, None, None, None);
    }
}

// === impl EventFields ===

impl EventFields {
    /// Empties all fields, and keeps the memory of the texts that most events have.
    pub(super) fn clear(&mut self) {
        let Self { kind, delta_kind, partial_json, thinking, block, .. } = self;
        kind.clear();
        delta_kind.clear();
        partial_json.clear();
        thinking.clear();
        block.clear();
        (self.current, self.piece) = (None, None);
        self.index = None;
        self.error = None;
        self.id = None;
        self.model = None;
        self.stop_reason = None;
        self.invocation_metrics = None;
        self.usage = None;
    }

    /// As [`Visitor::begin`](crate::json::Visitor::begin).
    pub(super) fn begin(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Want {
        self.current = None;
        let field = match (path, kind) {
            (
                []
                | [Name::Message | Name::ContentBlock | Name::Delta]
                | [Name::ContentBlock, Name::To]
                | [Name::Content, Name::Item, Name::To],
                Kind::Object,
            ) => return Want::Read,
            ([Name::Content], Kind::Array) => return Want::Read,
            ([Name::Content, Name::Item], Kind::Object) => {
                self.block.clear();
                return Want::Read;
            }
            ([Name::Error], Kind::Object) => {
                self.error = Some(ErrorTexts::default());
                return Want::Read;
            }
            ([Name::Index], Kind::Number) => return Want::Read,
            ([Name::Usage] | [Name::Message, Name::Usage], Kind::Null) => return Want::Skip,
            // Of any kind: usage that is not an object is noted.
            ([Name::Usage] | [Name::Message, Name::Usage], _) => Field::Usage,
            ([Name::InvocationMetrics], Kind::Object) => Field::InvocationMetrics,
            ([Name::ContentBlock, Name::Input] | [Name::Content, Name::Item, Name::Input], _)
                if keep.arguments =>
            {
                Field::BlockInput
            }
            (_, Kind::String) => match word_at(path).or_else(|| text_at(path, keep)) {
                Some(field) => field,
                None => return Want::Skip,
            },
            _ => return Want::Skip,
        };
        self.current = Some(field);
        if field == Field::Usage {
            self.usage = Some(UsageObject::new(Convention::MESSAGES));
        } else if let Some(word) = self.word(field) {
            word.clear();
        } else if let Some(text) = self.field(field) {
            text.clear();
        }
        if matches!(field, Field::Usage | Field::InvocationMetrics | Field::BlockInput) {
            Want::Raw
        } else if matches!(field, Field::PartialJson | Field::DeltaThinking) {
            // If no block is open for it, the value does not matter.
            self.piece = Some(field);
            Want::Piece
        } else {
            Want::Read
        }
    }

    /// Appends a run to the text field being read.
    pub(super) fn text(&mut self, run: &str, keep: &Keep) {
        if let Some(field) = self.current {
            if let Some(word) = self.word(field) {
                return word.push(run.as_bytes());
            }
            let limit = match field {
                Field::Usage => return self.usage.iter_mut().for_each(|usage| usage.push(run)),
                Field::InvocationMetrics => METRICS_BYTES,
                Field::BlockInput | Field::BlockThinking | Field::PartialJson | Field::DeltaThinking => {
                    keep.text_bytes.min(keep.total_bytes)
                }
                Field::Type
                | Field::Id
                | Field::Model
                | Field::StopReason
                | Field::BlockType
                | Field::BlockId
                | Field::BlockName
                | Field::FallbackModel
                | Field::BlockServer
                | Field::DeltaType
                | Field::ErrorType
                | Field::ErrorCode
                | Field::ErrorMessage => NAME_BYTES,
            };
            if let Some(text) = self.field(field) {
                text.push(run, limit);
            }
        }
    }

    /// As [`Visitor::scalar`](crate::json::Visitor::scalar).
    pub(super) fn scalar(&mut self, path: &[Name], value: Scalar<'_>) {
        // The scanner reports no end of a scalar.
        self.current = None;
        if let ([Name::Index], Scalar::Number(Some(number))) = (path, value) {
            self.index = number.parse().ok();
        }
    }

    /// The word of `field`; `None`: it is no word.
    pub(super) fn word(&mut self, field: Field) -> Option<&mut Word> {
        if field == Field::Type {
            Some(&mut self.kind)
        } else if field == Field::BlockType {
            Some(&mut self.block.kind)
        } else {
            (field == Field::DeltaType).then_some(&mut self.delta_kind)
        }
    }

    /// The text of `field`; `None`: it is a word or the usage object.
    fn field(&mut self, field: Field) -> Option<&mut Text> {
        Some(match field {
            Field::Id => self.id.get_or_insert_default(),
            Field::Model => self.model.get_or_insert_default(),
            Field::StopReason => self.stop_reason.get_or_insert_default(),
            Field::Type | Field::BlockType | Field::DeltaType | Field::Usage => return None,
            Field::InvocationMetrics => self.invocation_metrics.get_or_insert_default(),
            Field::BlockId => self.block.id.get_or_insert_default(),
            Field::BlockName => self.block.name.get_or_insert_default(),
            Field::BlockServer => self.block.server.get_or_insert_default(),
            Field::BlockInput => &mut self.block.input,
            Field::BlockThinking => &mut self.block.thinking,
            Field::FallbackModel => self.block.fallback_model.get_or_insert_default(),
            Field::PartialJson => &mut self.partial_json,
            Field::DeltaThinking => &mut self.thinking,
            Field::ErrorType => self.error.get_or_insert_default().kind.get_or_insert_default(),
            Field::ErrorCode => self.error.get_or_insert_default().code.get_or_insert_default(),
            Field::ErrorMessage => self.error.get_or_insert_default().message.get_or_insert_default(),
        })
    }

    /// How an event changes the answer whose `field` is appended to the text at `place`.
    pub(super) fn appended(&self, field: Field, place: Place) -> Change {
        if self.piece == Some(field) { Change::appended(place) } else { Change::Possible }
    }

    /// The value being read has ended.
    pub(super) const fn value_end(&mut self) {
        self.current = None;
    }

    /// Drops an incomplete identifier, name or usage. An incomplete text of the model is kept.
    pub(super) fn drop_unfinished(&mut self) {
        match self.current.take() {
            Some(Field::Id) => self.id = None,
            Some(Field::Model) => self.model = None,
            Some(Field::StopReason) => self.stop_reason = None,
            Some(Field::Usage) => self.usage = None,
            Some(Field::InvocationMetrics) => self.invocation_metrics = None,
            Some(Field::BlockType) => self.block.kind.clear(),
            Some(Field::BlockId) => self.block.id = None,
            Some(Field::BlockName) => self.block.name = None,
            Some(Field::FallbackModel) => self.block.fallback_model = None,
            Some(Field::BlockServer) => self.block.server = None,
            Some(
                Field::Type
                | Field::BlockInput
                | Field::BlockThinking
                | Field::DeltaType
                | Field::PartialJson
                | Field::DeltaThinking
                | Field::ErrorType
                | Field::ErrorCode
                | Field::ErrorMessage,
            )
            | None => {}
        }
    }

    /// Whether a document reports an error; some gateways omit its `type`.
    pub(super) fn is_error(&self) -> bool {
        self.kind.is("error") || (self.kind.is_empty() && self.error.is_some())
    }

    /// Takes what `message_start`, `message_delta` or a document states of the message. `last`: its usage is final.
    /// `fallback`: a content block has named the model that serves.
    pub(super) fn message(&mut self, answer: &mut Answer, last: bool, fallback: bool) {
        // Empty texts count as absent.
        let stated = |text: Option<Text>| text.filter(|text| !text.is_empty());
        if let Some(id) = stated(self.id.take()) {
            answer.id = Some(id.into_string());
        }
        if let Some(model) = stated(self.model.take()).filter(|_| !fallback) {
            answer.model = Some(model.into_string());
        }
        if let Some(reason) = stated(self.stop_reason.take()) {
            answer.finish_reasons.clear();
            answer.finished(reason.into_string());
        }
        if let Some(usage) = self.usage.take() {
            answer.usage.take(usage, last);
        }
    }

    /// Takes Bedrock's own count, for what the message's usage leaves out.
    pub(super) fn invocation_metrics(&self, answer: &mut Answer) {
        if let Some(metrics) = self.invocation_metrics.as_ref().filter(|metrics| !metrics.is_cut()) {
            answer.usage.take_invocation_metrics(metrics.as_str());
        }
    }

    /// The error that an event or document states.
    pub(super) fn api_error(&mut self) -> ApiError {
        let texts = self.error.take().unwrap_or_default();
        ApiError {
            kind: texts.kind.map(Text::into_string),
            code: texts.code.map(Text::into_string),
            message: texts.message.map(Text::into_string),
        }
    }
}

/// The word at `path`.
pub(super) fn word_at(path: &[Name]) -> Option<Field> {
    Some(match path {
        [Name::Type] => Field::Type,
        [Name::ContentBlock, Name::Type] | [Name::Content, Name::Item, Name::Type] => Field::BlockType,
        [Name::Delta, Name::Type] => Field::DeltaType,
        _ => return None,
    })
}

/// The text field at `path` that is no word.
fn text_at(path: &[Name], keep: &Keep) -> Option<Field> {
    Some(match path {
        [Name::Id] | [Name::Message, Name::Id] => Field::Id,
        [Name::Model] | [Name::Message, Name::Model] => Field::Model,
        [Name::StopReason] | [Name::Message | Name::Delta, Name::StopReason] => Field::StopReason,
        [Name::ContentBlock, Name::Id] | [Name::Content, Name::Item, Name::Id] => Field::BlockId,
        [Name::ContentBlock, Name::Name] | [Name::Content, Name::Item, Name::Name] => Field::BlockName,
        [Name::ContentBlock, Name::ServerName] | [Name::Content, Name::Item, Name::ServerName] => {
            Field::BlockServer
        }
        [Name::ContentBlock, Name::Thinking] | [Name::Content, Name::Item, Name::Thinking]
            if keep.thoughts =>
        {
            Field::BlockThinking
        }
        [Name::ContentBlock, Name::To, Name::Model] | [Name::Content, Name::Item, Name::To, Name::Model] => {
            Field::FallbackModel
        }
        [Name::Delta, Name::PartialJson] if keep.arguments => Field::PartialJson,
        [Name::Delta, Name::Thinking] if keep.thoughts => Field::DeltaThinking,
        [Name::Error, Name::Type] => Field::ErrorType,
        [Name::Error, Name::Code] => Field::ErrorCode,
        // Some gateways state a text instead of an error object.
        [Name::Error] | [Name::Error, Name::Message] => Field::ErrorMessage,
        _ => return None,
    })
}
