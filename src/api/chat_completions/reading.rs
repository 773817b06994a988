//! Reads the chunks and documents of an answer.

use super::choices::{self, Choices};
use super::names::Name;
use super::said::{Field, Said, SaidError, UsageEvent};
use crate::answer::{Answer, Keep, NAME_BYTES};
use crate::api::Api;
use crate::api::response::{ObjectReader, Trace};
use crate::json::{Kind, Scalar, Want};
use crate::note::Note;
use crate::text::Text;
use crate::usage::VERBATIM_BYTES;

/// A usage object above this many bytes is not read: it is no count of tokens.
const USAGE_BYTES: usize = 4 * VERBATIM_BYTES;

/// What one chunk says, or one document says so far; and, across chunks, what the choices have said.
#[derive(Debug, Default)]
pub struct Reading {
    current: Option<Field>,
    said: Said,
    choices: Choices,
    /// The usage was stated where nothing but the usage is: it is the final one.
    usage_apart: bool,
    /// `[DONE]` was seen.
    done: bool,
    /// The answer has an id, and a model.
    id_known: bool,
    model_known: bool,
    /// The tier that was said last, if that was not in the usage.
    tier: Text,
    /// Where in a document the tool calls of the choice at hand begin.
    calls_from: usize,
}

// === impl Reading ===

impl ObjectReader for Reading {
    type Name = Name;

    const SENTINEL: &'static [u8] = b"[DONE]";

    fn begin(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Want {
        self.current = None;
        let field = match (path, kind) {
            ([], Kind::Object) => return Want::Read,
            ([Name::Choices, Name::Item, rest @ ..], _) => match self.in_choice(rest, kind, keep) {
                Ok(field) => field,
                Err(want) => return want,
            },
            ([Name::Choices], _) => {
                self.said.choices_begin(kind == Kind::Array);
                return if kind == Kind::Array { Want::Read } else { Want::Skip };
            }
            ([Name::Usage], _) => {
                self.said.usage_begins(kind != Kind::Null);
                if kind == Kind::Null {
                    return Want::Skip;
                }
                Field::Usage
            }
            // Every chunk states them again; the first count.
            ([Name::Id], _) if self.id_known => return Want::Skip,
            ([Name::Model], _) if self.model_known => return Want::Skip,
            ([Name::Error], Kind::Null) => return Want::Skip,
            ([Name::Error], Kind::Object) => {
                self.said.error = Some(SaidError::default());
                return Want::Read;
            }
            ([Name::Error], Kind::Array | Kind::Number | Kind::Bool) => {
                self.said.error = Some(SaidError::default());
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

    fn text(&mut self, run: &str, keep: &Keep) {
        let Some(field) = self.current else { return };
        let limit = match field {
            Field::Usage => USAGE_BYTES,
            Field::Reasoning | Field::ReasoningContent | Field::CallArguments => {
                keep.text_bytes.min(keep.total_bytes)
            }
            Field::Id
            | Field::Model
            | Field::ServiceTier
            | Field::ErrorType
            | Field::ErrorCode
            | Field::ErrorMessage
            | Field::FinishReason
            | Field::CallId
            | Field::CallName => NAME_BYTES,
        };
        if let Some(text) = self.said.text(field) {
            text.push(run, limit);
        }
    }

    fn scalar(&mut self, path: &[Name], value: Scalar<'_>) {
        // A scalar has no end of its own.
        self.current = None;
        let Scalar::Number(Some(number)) = value else { return };
        match path {
            [Name::Choices, Name::Item, Name::Index] => {
                if let Some(choice) = self.said.choices.last_mut() {
                    choice.index = number.parse().ok();
                }
            }
            [.., Name::ToolCalls, Name::Item, Name::Index] => {
                if let Some(call) = self.said.call() {
                    call.index = number.parse().ok();
                }
            }
            [Name::Error, Name::Code] => {
                if let Some(code) = self.said.text(Field::ErrorCode) {
                    code.push(number, NAME_BYTES);
                }
            }
            _ => {}
        }
    }

    fn document_end(&mut self, path: &[Name], answer: &mut Answer) {
        self.current = None;
        match path {
            [Name::Id | Name::Model | Name::ServiceTier] => self.head(answer),
            [Name::Usage] => {
                self.head(answer);
                // A document states it once.
                answer.usage.settle(true);
            }
            [Name::Choices, Name::Item, _, Name::ToolCalls, Name::Item]
            | [Name::Choices, Name::Item, _, Name::FunctionCall] => {
                if let Some(call) = self.said.take_call() {
                    choices::take_whole_call(&call, answer);
                }
            }
            [Name::Choices, Name::Item] => {
                if let Some(choice) = self.said.choices.pop() {
                    choices::take_whole(&choice, self.calls_from, answer);
                }
                self.calls_from = answer.tool_calls.len();
            }
            [] => {
                self.head(answer);
                answer.error = self.said.error.take().map(SaidError::api_error);
                answer.ended = true;
            }
            _ => {}
        }
    }

    fn document_cut(&mut self, answer: &mut Answer) {
        // What is longer than a name counts as far as it came.
        match self.current.take() {
            None | Some(Field::Reasoning | Field::ReasoningContent | Field::CallArguments) => {}
            Some(Field::Usage) => self.said.usage = None,
            Some(field) => {
                if let Some(text) = self.said.text(field) {
                    text.clear();
                }
            }
        }
        if let Some(call) = self.said.take_call() {
            choices::take_whole_call(&call, answer);
        }
        if let Some(choice) = self.said.choices.pop() {
            choices::take_cut(&choice, self.calls_from, answer);
        }
        if let Some(error) = self.said.error.take() {
            answer.error = Some(error.api_error());
        }
    }

    fn event(&mut self, _name: &[u8], answer: &mut Answer) -> Trace {
        let ended = answer.ended;
        let mut trace = if self.says_nothing() { Trace::None } else { Trace::Left };
        self.usage_apart |= self.said.usage_event() == UsageEvent::Yes;
        self.head(answer);
        for _ in 0..self.said.calls_beyond {
            answer.notes.dropped_tool_call();
        }
        for (position, choice) in (0..).zip(&self.said.choices) {
            self.choices.take(position, choice, answer);
        }
        // What follows the end changes nothing of how it ended.
        if let Some(error) = self.said.error.take().filter(|_| !self.done) {
            answer.error.get_or_insert_with(|| error.api_error());
        }
        answer.ended = self.done || self.choices.all_finished();
        answer.usage.settle(answer.ended || self.usage_apart);
        self.said.clear();
        self.current = None;
        if answer.ended != ended {
            trace = Trace::Left;
        }
        trace
    }

    fn sentinel(&mut self, answer: &mut Answer) {
        self.done = true;
        answer.ended = true;
        answer.usage.settle(true);
        self.said.clear();
    }

    fn forget(&mut self) {
        self.said.clear();
    }

    fn usage_event(&self) -> UsageEvent {
        self.said.usage_event()
    }
}

impl Reading {
    /// Whether the event at hand says nothing that is not known. (How long a text is that says nothing does not matter:
    /// of those that are looked at here every byte is compared where events are passed by their shape.)
    fn says_nothing(&self) -> bool {
        let said = &self.said;
        said.id.is_empty()
            && said.model.is_empty()
            && (said.service_tier.is_empty() || said.service_tier == self.tier)
            && said.usage.is_none()
            && said.error.is_none()
            && said.calls_beyond == 0
            && said.usage_event() != UsageEvent::Yes
            && (0..).zip(&said.choices).all(|(position, choice)| self.choices.knows(position, choice))
    }

    /// What begins inside of a choice: a text, or whether it is to be read.
    fn in_choice(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Result<Field, Want> {
        let wanted = match (path, kind) {
            ([], _) => {
                self.said.some_choice();
                kind == Kind::Object && self.said.choice_begins()
            }
            ([Name::Index] | [.., Name::ToolCalls, Name::Item, Name::Index], Kind::Number)
            | ([Name::Delta | Name::Message], Kind::Object)
            | ([_, Name::ToolCalls], Kind::Array)
            | ([_, Name::ToolCalls, Name::Item, Name::Function], Kind::Object) => true,
            ([_, Name::ToolCalls, Name::Item], Kind::Object) => self.said.call_begins(false),
            ([_, Name::FunctionCall], Kind::Object) => self.said.call_begins(true),
            ([_, Name::ToolCalls, Name::Item, Name::Custom], Kind::Object) => {
                if let Some(call) = self.said.call() {
                    call.custom = true;
                }
                true
            }
            // Some providers state an object instead of a text that holds one.
            ([_, Name::ToolCalls, Name::Item, Name::Function, Name::Arguments], Kind::Object)
                if keep.arguments =>
            {
                return Ok(Field::CallArguments);
            }
            (_, Kind::String) => {
                return match Field::in_choice(path) {
                    Some(Field::CallArguments) if !keep.arguments => Err(Want::Skip),
                    Some(Field::Reasoning | Field::ReasoningContent) if !keep.thoughts => Err(Want::Skip),
                    Some(field) => Ok(field),
                    None => Err(Want::Skip),
                };
            }
            _ => false,
        };
        Err(if wanted { Want::Read } else { Want::Skip })
    }

    /// `field` begins; it is to be read unless there is no place for it.
    fn want(&mut self, field: Field, kind: Kind) -> Want {
        let Some(text) = self.said.text(field) else { return Want::Skip };
        text.clear();
        self.current = Some(field);
        if field == Field::Usage || kind == Kind::Object { Want::Raw } else { Want::Read }
    }

    /// What is said beside the choices. The first id and model that say something count, and the last usage.
    fn head(&mut self, answer: &mut Answer) {
        let first = |said: &Text, known: &mut Option<String>| {
            if known.is_none() && !said.is_empty() {
                *known = Some(said.as_str().to_owned());
            }
        };
        first(&self.said.id, &mut answer.id);
        first(&self.said.model, &mut answer.model);
        (self.id_known, self.model_known) = (answer.id.is_some(), answer.model.is_some());
        if !self.said.service_tier.is_empty() && self.said.service_tier != self.tier {
            answer.usage.service_tier(self.said.service_tier.as_str());
            self.tier.clone_from(&self.said.service_tier);
        }
        match self.said.usage.take() {
            Some(usage) if usage.is_cut() => answer.notes.add(Note::UsageTooLarge),
            Some(usage) => answer.usage.take(Api::ChatCompletions, usage.into_string(), false),
            None => {}
        }
    }
}
