//! Reads the chunks and documents of a response.

use super::choices::Choices;
use super::chunk_fields::{ChunkFields, ErrorFields, Field};
use super::names::Name;
use super::whole_choice::{take_choice, take_cut_choice, take_tool_call};
use crate::answer::{Answer, Keep, NAME_BYTES};
use crate::api::response::{Change, Effect, ObjectReader, Piece, Place};
use crate::api::usage_edit::UsageEvent;
use crate::json::{Kind, Scalar, Want};
use crate::text::Text;
use crate::usage::{Convention, UsageObject};

/// Reads an event stream or a document.
#[derive(Debug, Default)]
pub(in crate::api) struct ChatCompletionsReader {
    /// The text field being read.
    current: Option<Field>,
    /// The last field of the current chunk that may be a piece of a text.
    piece: Option<Field>,
    /// The fields of the current chunk or of the document.
    fields: ChunkFields,
    /// The choices of all chunks of a stream.
    choices: Choices,
    /// A usage event was read: its usage is final.
    usage_apart: bool,
    /// `[DONE]` was seen.
    done: bool,
    /// The answer has an id.
    id_known: bool,
    /// The answer has a model.
    model_known: bool,
    /// The service tier that was stated last beside the usage.
    tier: Text,
    /// Documents: the position in the answer of the current choice's first tool call.
    calls_from: usize,
    /// The first member whose reasoning is not empty: only its texts are counted.
    reasoning: Option<Field>,
}

// === impl ChatCompletionsReader ===

impl ObjectReader for ChatCompletionsReader {
    type Name = Name;

    const SENTINEL: &'static [u8] = b"[DONE]";

    fn begin(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Want {
        self.current = None;
        let field = match (path, kind) {
            ([], Kind::Object) => return Want::Read,
            // Moonshot states the usage in the choice: https://platform.moonshot.ai/docs/api/chat
            // Groq in `x_groq`, where it was not asked for it: https://console.groq.com/docs/api-reference
            ([Name::Choices, Name::Item, Name::Usage] | [Name::XGroq, Name::Usage], _) => {
                if kind == Kind::Null {
                    return Want::Skip;
                }
                Field::Usage
            }
            ([Name::XGroq], Kind::Object) => return Want::Read,
            ([Name::Choices, Name::Item, rest @ ..], _) => match self.in_choice(rest, kind, keep) {
                Ok(field) => field,
                Err(want) => return want,
            },
            ([Name::Choices], _) => {
                self.fields.choices_begin(matches!(kind, Kind::Array | Kind::Null));
                return if kind == Kind::Array { Want::Read } else { Want::Skip };
            }
            ([Name::Usage], _) => {
                self.fields.usage_begins(kind != Kind::Null);
                if kind == Kind::Null {
                    return Want::Skip;
                }
                Field::Usage
            }
            // Every chunk repeats them; the first ones count.
            ([Name::Id], _) if self.id_known => return Want::Skip,
            ([Name::Model], _) if self.model_known => return Want::Skip,
            ([Name::Error], Kind::Null) => return Want::Skip,
            ([Name::Error], Kind::Object) => {
                self.fields.error = Some(ErrorFields::default());
                return Want::Read;
            }
            ([Name::Error], Kind::Array | Kind::Number | Kind::Bool) => {
                self.fields.error = Some(ErrorFields::default());
                return Want::Skip;
            }
            ([Name::Error, Name::Code], Kind::Number) => Field::ErrorCode,
            (_, Kind::String) => match Field::at(path) {
                Some(field) => field,
                None => return Want::Skip,
            },
            _ => return Want::Skip,
        };
        self.want(field, kind)
    }

    fn counts(&mut self, path: &[Name], kind: Kind) -> bool {
        let [Name::Choices, Name::Item, Name::Delta | Name::Message, path @ ..] = path else { return false };
        match path {
            // Some providers state the same text under two names.
            [Name::Reasoning] => self.counts_reasoning(Field::Reasoning, kind),
            [Name::ReasoningContent] => self.counts_reasoning(Field::ReasoningContent, kind),
            [Name::ReasoningText] => self.counts_reasoning(Field::ReasoningText, kind),
            [Name::Content | Name::Refusal]
            | [Name::Content, Name::Item, Name::Text | Name::Thinking]
            | [Name::Content, Name::Item, Name::Thinking, Name::Item, Name::Text] => kind == Kind::String,
            [Name::ToolCalls, Name::Item, Name::Function, Name::Arguments]
            | [Name::ToolCalls, Name::Item, Name::Custom, Name::Input]
            | [Name::FunctionCall, Name::Arguments] => true,
            _ => false,
        }
    }

    fn text(&mut self, run: &str, keep: &Keep) {
        let Some(field) = self.current else { return };
        let limit = match field {
            Field::Usage => return self.fields.usage.iter_mut().for_each(|usage| usage.push(run)),
            Field::Reasoning | Field::ReasoningContent | Field::ReasoningText => {
                self.reasoning.get_or_insert(field);
                if !keep.thoughts {
                    return;
                }
                text_limit(keep)
            }
            Field::PartThinking | Field::CallArguments => text_limit(keep),
            Field::Id
            | Field::Model
            | Field::ServiceTier
            | Field::ErrorType
            | Field::ErrorCode
            | Field::ErrorMessage
            | Field::FinishReason
            | Field::PartType
            | Field::CallId
            | Field::CallName => NAME_BYTES,
        };
        if let Some(text) = self.fields.text(field) {
            text.push(run, limit);
        }
    }

    fn scalar(&mut self, path: &[Name], value: Scalar<'_>) {
        // The scanner reports no end of a scalar.
        self.current = None;
        let Scalar::Number(Some(number)) = value else { return };
        match path {
            [Name::Choices, Name::Item, Name::Index] => {
                if let Some(choice) = self.fields.choices.last_mut() {
                    choice.index = number.parse().ok();
                }
            }
            [.., Name::ToolCalls, Name::Item, Name::Index] => {
                if let Some(call) = self.fields.call() {
                    call.index = number.parse().ok();
                }
            }
            [Name::Error, Name::Code] => {
                if let Some(code) = self.fields.text(Field::ErrorCode) {
                    code.push(number, NAME_BYTES);
                }
            }
            _ => {}
        }
    }

    fn document_end(&mut self, path: &[Name], answer: &mut Answer) {
        self.current = None;
        match path {
            [Name::Id | Name::Model | Name::ServiceTier] => self.take_top_level(answer),
            [Name::Usage] | [Name::Choices, Name::Item, Name::Usage] | [Name::XGroq, Name::Usage] => {
                self.take_top_level(answer);
                // A document states its usage once, so it is final.
                answer.usage.settle(true);
            }
            [Name::Choices, Name::Item, _, Name::ToolCalls, Name::Item]
            | [Name::Choices, Name::Item, _, Name::FunctionCall] => {
                if let Some(call) = self.fields.take_call() {
                    take_tool_call(&call, answer);
                }
            }
            [Name::Choices, Name::Item, _, Name::Content, Name::Item] => {
                self.fields.end_part(text_limit(answer.keep()));
            }
            [Name::Choices, Name::Item] => {
                if let Some(choice) = self.fields.choices.pop() {
                    take_choice(&choice, self.calls_from, answer);
                }
                self.calls_from = answer.tool_calls.len();
            }
            [] => {
                self.take_top_level(answer);
                answer.error = self.fields.error.take().map(ErrorFields::api_error);
                answer.ended = true;
            }
            _ => {}
        }
    }

    fn document_cut(&mut self, answer: &mut Answer) {
        // An incomplete text of the model is kept; an incomplete name or usage is not.
        match self.current.take() {
            None
            | Some(
                Field::Reasoning
                | Field::ReasoningContent
                | Field::ReasoningText
                | Field::PartThinking
                | Field::CallArguments,
            ) => {}
            Some(Field::Usage) => self.fields.usage = None,
            Some(field) => {
                if let Some(text) = self.fields.text(field) {
                    text.clear();
                }
            }
        }
        if let Some(call) = self.fields.take_call() {
            take_tool_call(&call, answer);
        }
        self.fields.end_part(text_limit(answer.keep()));
        if let Some(choice) = self.fields.choices.pop() {
            take_cut_choice(&choice, self.calls_from, answer);
        }
        if let Some(error) = self.fields.error.take() {
            answer.error = Some(error.api_error());
        }
    }

    fn event(&mut self, _name: &[u8], answer: &mut Answer) -> Change {
        let ended = answer.ended;
        let limit = text_limit(answer.keep());
        self.fields.choices.iter_mut().for_each(|choice| choice.end_part(limit));
        let mut change = self.change();
        self.usage_apart |= self.fields.usage_event() == UsageEvent::Yes;
        self.take_top_level(answer);
        for _ in 0..self.fields.calls_beyond {
            answer.notes.dropped_tool_call();
        }
        for (position, choice) in (0..).zip(&self.fields.choices) {
            self.choices.take(position, choice, answer);
        }
        // An error after `[DONE]` does not change how the response ended.
        if let Some(error) = self.fields.error.take().filter(|_| !self.done) {
            answer.error.get_or_insert_with(|| error.api_error());
        }
        answer.ended = self.done || self.choices.all_finished();
        answer.usage.settle(answer.ended || self.usage_apart);
        self.fields.clear();
        (self.current, self.piece) = (None, None);
        if answer.ended != ended {
            change = Change::Possible;
        }
        change
    }

    fn sentinel(&mut self, answer: &mut Answer) {
        self.done = true;
        answer.ended = true;
        answer.usage.settle(true);
        self.forget();
    }

    fn append(&mut self, place: Place, piece: &Text, answer: &mut Answer) {
        match place {
            Place::Arguments(at) => self.choices.append_arguments(at, piece, answer),
            Place::Thought(at) => answer.add_thought_piece(at, piece),
        }
    }

    fn forget(&mut self) {
        self.fields.clear();
        self.piece = None;
    }

    fn usage_event(&self) -> UsageEvent {
        self.fields.usage_event()
    }
}

impl ChatCompletionsReader {
    /// Whether the reasoning in `field` is counted.
    fn counts_reasoning(&self, field: Field, kind: Kind) -> bool {
        kind == Kind::String && self.reasoning.is_none_or(|counted| counted == field)
    }

    /// What the current chunk will change. (`RepeatedEvents` compares every byte of the values read here, except of a
    /// piece.)
    fn change(&self) -> Change {
        let fields = &self.fields;
        let repeats = fields.id.is_empty()
            && fields.model.is_empty()
            && (fields.service_tier.is_empty() || fields.service_tier == self.tier)
            && fields.error.is_none()
            && fields.calls_beyond == 0
            && fields.usage_event() != UsageEvent::Yes;
        let mut effect = Effect { piece: Piece::Same, usage: fields.usage.is_some() };
        for (position, choice) in (0..).zip(&fields.choices) {
            effect.piece = match (effect.piece, self.choices.piece(position, choice, self.piece)) {
                (known, Some(Piece::Same)) => known,
                (Piece::Same, Some(appended)) => appended,
                _ => return Change::Possible,
            };
        }
        if repeats { Change::Repeats(effect) } else { Change::Possible }
    }

    /// A value inside of a choice begins: the text field that it is, or whether it is read.
    fn in_choice(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Result<Field, Want> {
        let wanted = match (path, kind) {
            ([], _) => {
                self.fields.element_begins();
                kind == Kind::Object && self.fields.choice_begins()
            }
            ([Name::Index] | [.., Name::ToolCalls, Name::Item, Name::Index], Kind::Number)
            | ([Name::Delta | Name::Message], Kind::Object)
            | ([_, Name::ToolCalls], Kind::Array)
            // Some providers state the content as a list of parts, and among them what the model thinks. They are read
            // also if thoughts are not kept, because their texts are counted.
            | ([Name::Delta | Name::Message, Name::Content], Kind::Array)
            | ([_, Name::Content, Name::Item, Name::Thinking], Kind::Array)
            | ([_, Name::Content, Name::Item, Name::Thinking, Name::Item], Kind::Object)
            | ([_, Name::ToolCalls, Name::Item, Name::Function], Kind::Object) => true,
            ([_, Name::ToolCalls, Name::Item], Kind::Object) => self.fields.call_begins(false),
            ([_, Name::FunctionCall], Kind::Object) => self.fields.call_begins(true),
            ([_, Name::ToolCalls, Name::Item, Name::Custom], Kind::Object) => {
                if let Some(call) = self.fields.call() {
                    call.custom = true;
                }
                true
            }
            ([_, Name::Content, Name::Item], _) => {
                self.fields.end_part(text_limit(keep));
                kind == Kind::Object
            }
            // Some providers state an object instead of a text with JSON.
            ([_, Name::ToolCalls, Name::Item, Name::Function, Name::Arguments], Kind::Object) => {
                return Ok(Field::CallArguments);
            }
            (_, Kind::String) => {
                return match Field::in_choice(path) {
                    // The first reasoning is read also if it is not kept: one that is empty decides nothing.
                    Some(Field::Reasoning | Field::ReasoningContent | Field::ReasoningText)
                        if !keep.thoughts && self.reasoning.is_some() =>
                    {
                        Err(Want::Skip)
                    }
                    Some(Field::PartThinking) if !keep.thoughts => Err(Want::Skip),
                    Some(field) => Ok(field),
                    None => Err(Want::Skip),
                };
            }
            _ => false,
        };
        Err(if wanted { Want::Read } else { Want::Skip })
    }

    /// The text field `field` begins. It is skipped if its choice or call is not read.
    fn want(&mut self, field: Field, kind: Kind) -> Want {
        if field == Field::Usage {
            self.fields.usage = Some(UsageObject::new(Convention::CHAT_COMPLETIONS));
            self.current = Some(field);
            return Want::Raw;
        }
        let Some(text) = self.fields.text(field) else { return Want::Skip };
        if field != Field::PartThinking {
            // The texts of one part are joined; of any other member that is repeated, the last counts.
            text.clear();
        }
        self.current = Some(field);
        if kind == Kind::Object {
            self.piece = None;
            Want::Raw
        } else if field.may_be_piece() {
            self.piece = Some(field);
            Want::Piece
        } else {
            Want::Read
        }
    }

    /// Takes what is stated beside the choices: the first id and model that are not empty, and the last usage and
    /// tier.
    fn take_top_level(&mut self, answer: &mut Answer) {
        answer.identify(&self.fields.id, &self.fields.model);
        (self.id_known, self.model_known) = (answer.id.is_some(), answer.model.is_some());
        if !self.fields.service_tier.is_empty() && self.fields.service_tier != self.tier {
            answer.usage.service_tier(self.fields.service_tier.as_str());
            self.tier.clone_from(&self.fields.service_tier);
        }
        if let Some(usage) = self.fields.usage.take() {
            answer.usage.take(usage, false);
        }
    }
}

/// Bytes kept of a text of the model.
fn text_limit(keep: &Keep) -> usize {
    keep.text_bytes.min(keep.total_bytes)
}
