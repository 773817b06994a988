//! The fields of one event, or of one document as far as it was read, and how they change the answer.

use super::event_items::EventItems;
use super::item::{Notation, Source};
use super::known_items::{ItemStage, KnownItems, ThoughtKey};
use super::slot::Field;
use crate::answer::{Answer, ApiError, Keep, NAME_BYTES};
use crate::api::response::{Change, Texts};
use crate::text::{Text, head};
use crate::usage::{Convention, UsageObject};
use core::mem::take;

/// The fields of one event or document.
#[derive(Debug, Default)]
pub(super) struct EventFields {
    kind: Text,
    index: Option<u64>,
    summary_index: Option<u64>,
    content_index: Option<u64>,
    item_id: Text,
    delta: Text,
    whole: Text,
    code: Text,
    id: Text,
    model: Text,
    status: Text,
    reason: Text,
    service_tier: Text,
    usage: Option<UsageObject>,
    web_searches: Option<Text>,
    image_input: Option<Text>,
    image_output: Option<Text>,
    /// There is a member `error`. (An error's fields can also be members of the event itself.)
    is_error: bool,
    error: ErrorTexts,
    pub(super) items: EventItems,
}

#[derive(Debug, Default)]
struct ErrorTexts {
    kind: Text,
    code: Text,
    message: Text,
}

// === impl EventFields ===

impl EventFields {
    /// Empties all fields, and keeps the memory of the texts that most events have.
    pub(super) fn clear(&mut self) {
        let Self { kind, item_id, delta, .. } = self;
        for text in [&mut *kind, item_id, delta] {
            text.clear();
        }
        *self = Self { kind: take(kind), item_id: take(item_id), delta: take(delta), ..Self::default() };
    }

    /// The text of `field` begins, and replaces an earlier one.
    pub(super) fn begin(&mut self, field: Field) {
        if field == Field::Usage {
            self.usage = Some(UsageObject::new(Convention::RESPONSES));
        } else if let Some(text) = self.text(field) {
            text.clear();
        }
    }

    /// An error object begins, or an error's message in place of the object.
    pub(super) const fn begin_error(&mut self) {
        self.is_error = true;
    }

    /// Appends to the text of `field`.
    pub(super) fn push(&mut self, field: Field, run: &str, keep: &Keep) {
        if field == Field::Usage {
            return self.usage.iter_mut().for_each(|usage| usage.push(run));
        }
        let limit = field.limit(keep);
        if let Some(text) = self.text(field) {
            text.push(run, limit);
        }
    }

    /// Takes the number of `field`.
    pub(super) fn number(&mut self, field: Field, number: &str) {
        match self.text(field) {
            Some(text) => {
                text.push(number, NAME_BYTES);
            }
            None if field == Field::OutputIndex => self.index = number.parse().ok(),
            None if field == Field::ContentIndex => self.content_index = number.parse().ok(),
            None => self.summary_index = number.parse().ok(),
        }
    }

    /// Drops an incomplete `field`.
    pub(super) fn drop_unfinished(&mut self, field: Field) {
        let Self { usage, web_searches, image_input, image_output, .. } = self;
        let counts = [
            (Field::WebSearches, web_searches),
            (Field::ImageInput, image_input),
            (Field::ImageOutput, image_output),
        ];
        if field == Field::Usage {
            *usage = None;
        } else if let Some((_, count)) = counts.into_iter().find(|(counted, _)| *counted == field) {
            *count = None;
        } else if let Some(text) = self.text(field) {
            text.clear();
        }
    }

    fn text(&mut self, field: Field) -> Option<&mut Text> {
        Some(match field {
            Field::EventType => &mut self.kind,
            Field::ItemId => &mut self.item_id,
            Field::Delta => &mut self.delta,
            Field::Whole => &mut self.whole,
            Field::Code => &mut self.code,
            Field::Id => &mut self.id,
            Field::Model => &mut self.model,
            Field::Status => &mut self.status,
            Field::Reason => &mut self.reason,
            Field::ServiceTier => &mut self.service_tier,
            Field::WebSearches => self.web_searches.get_or_insert_default(),
            Field::ImageInput => self.image_input.get_or_insert_default(),
            Field::ImageOutput => self.image_output.get_or_insert_default(),
            Field::ErrorType => &mut self.error.kind,
            Field::ErrorCode => &mut self.error.code,
            Field::ErrorMessage => &mut self.error.message,
            Field::Usage | Field::OutputIndex | Field::SummaryIndex | Field::ContentIndex => return None,
        })
    }

    /// The type of the event: the member `type`, else the name of the event.
    fn kind<'a>(&'a self, name: &'a [u8]) -> &'a [u8] {
        if self.kind.is_empty() { name } else { self.kind.as_str().as_bytes() }
    }

    /// What the counted texts of the event are. The event `response.output_item.added` states an item without its texts.
    pub(super) fn texts(&self, name: &[u8]) -> Texts {
        match self.kind(name) {
            b"response.output_item.done" => Texts::Item,
            b"response.completed" | b"response.incomplete" | b"response.failed" => Texts::Whole,
            _ => Texts::Piece,
        }
    }

    /// Takes a valid event.
    pub(super) fn event(&mut self, name: &[u8], known: &mut KnownItems, answer: &mut Answer) -> Change {
        let item_id = Some(self.item_id.as_str()).filter(|id| !id.is_empty());
        let index = self.index.or_else(|| known.index_of(item_id?, answer));
        let thought = |source, part| index.map(|index| ThoughtKey { index, source, part });
        let summary = thought(Source::Summary, self.summary_index.unwrap_or_default());
        let reasoning = thought(Source::Reasoning, self.content_index.unwrap_or_default());
        match self.kind(name) {
            b"response.created" | b"response.queued" | b"response.in_progress" => {
                self.response(answer, false);
            }
            b"response.output_item.added" => {
                known.take(index, self.items.take_one(), ItemStage::Added, answer);
            }
            b"response.output_item.done" => known.take(index, self.items.take_one(), ItemStage::Done, answer),
            b"response.function_call_arguments.delta" | b"response.mcp_call_arguments.delta" => {
                return known.add_arguments(index, item_id, (&self.delta, Notation::Json), answer);
            }
            b"response.custom_tool_call_input.delta" | b"response.code_interpreter_call_code.delta" => {
                return known.add_arguments(index, item_id, (&self.delta, Notation::Plain), answer);
            }
            b"response.function_call_arguments.done" | b"response.mcp_call_arguments.done" => {
                known.replace_arguments(index, (&self.whole, Notation::Json), answer);
            }
            b"response.custom_tool_call_input.done" => {
                known.replace_arguments(index, (&self.whole, Notation::Plain), answer);
            }
            b"response.code_interpreter_call_code.done" => {
                known.replace_arguments(index, (&self.code, Notation::Plain), answer);
            }
            // The `output_item.done` event contains the picture and is often above `limits.event_bytes`.
            b"response.image_generation_call.completed" => known.complete_call(index, answer),
            b"response.reasoning_summary_text.delta" | b"response.reasoning_text.delta"
                if !answer.keep().thoughts =>
            {
                return Change::NONE;
            }
            kind @ (b"response.reasoning_summary_text.delta" | b"response.reasoning_text.delta") => {
                let is_raw = kind == b"response.reasoning_text.delta";
                if let Some(key) = if is_raw { reasoning } else { summary } {
                    return known.add_thought(key, item_id, &self.delta, answer);
                }
            }
            kind @ (b"response.reasoning_summary_text.done" | b"response.reasoning_text.done") => {
                let is_raw = kind == b"response.reasoning_text.done";
                if let Some(key) = if is_raw { reasoning } else { summary } {
                    known.replace_thought(key, &self.whole, false, answer);
                }
            }
            // Only a delta of commentary is recorded.
            b"response.output_text.delta" if !known.has_commentary(self.index) => return Change::NONE,
            b"response.output_text.delta" => {
                if let Some(key) = thought(Source::Commentary, 0) {
                    return known.add_thought(key, item_id, &self.delta, answer);
                }
            }
            kind => {
                // An error event's `type` can be that of the error, and a proxy may omit both type and name.
                let kind = if name == b"error" || kind.is_empty() && self.is_error { b"error" } else { kind };
                if !end(kind, self.reason.as_str(), || self.api_error(), answer) {
                    return Change::NONE;
                }
                self.items.commit(known, answer);
                self.response(answer, true);
            }
        }
        Change::Possible
    }

    /// Takes an event after an `error` event: the failed response may follow, with its usage. The first error is kept.
    pub(super) fn after_error(&mut self, name: &[u8], known: &mut KnownItems, answer: &mut Answer) -> Change {
        if !matches!(self.kind(name), b"response.completed" | b"response.incomplete" | b"response.failed") {
            return Change::NONE;
        }
        let error = answer.error.take();
        let change = self.event(name, known, answer);
        answer.error = error;
        change
    }

    /// Takes an event above the size limit: only its type counts.
    pub(super) fn oversized(&self, name: &[u8], answer: &mut Answer) {
        end(self.kind(name), "", ApiError::default, answer);
    }

    /// Whether a document is the final state of the response.
    pub(super) fn is_last(&self) -> bool {
        !matches!(self.status.as_str(), "queued" | "in_progress")
    }

    /// Takes what a complete document states of the response.
    pub(super) fn document(mut self, answer: &mut Answer) {
        answer.ended = true;
        let status = self.status.as_str();
        let is_error = match status {
            "failed" => true,
            "completed" | "incomplete" => false,
            _ => self.is_error || self.kind.as_str() == "error",
        };
        if is_error {
            answer.error = Some(self.api_error());
        }
        if let ("failed" | "completed" | "incomplete" | "cancelled", reason) = (status, self.reason.as_str())
        {
            answer.finish_reasons.clear();
            answer.finished(if reason.is_empty() { status } else { reason });
        }
        self.response(answer, self.is_last());
    }

    /// Takes what an event or document states of the response itself. `last`: it is final.
    pub(super) fn response(&mut self, answer: &mut Answer, last: bool) {
        if !self.id.is_empty() {
            // Copilot encrypts it anew in every event; the client uses the first one.
            answer.id.get_or_insert_with(|| self.id.as_str().to_owned());
        }
        if !self.model.is_empty() {
            answer.model = Some(self.model.as_str().to_owned());
        }
        if let Some(usage) = self.usage.take() {
            answer.usage.take(usage, last);
        }
        // Earlier events state the tier that was requested.
        if last && !self.service_tier.is_empty() {
            answer.usage.service_tier(self.service_tier.as_str());
        }
        if let Some(searches) = self.web_searches.take() {
            answer.usage.web_searches(searches.as_str());
        }
        if let Some(tokens) = self.image_input.take() {
            answer.usage.image_input(tokens.as_str());
        }
        if let Some(tokens) = self.image_output.take() {
            answer.usage.image_output(tokens.as_str());
        }
    }

    fn api_error(&self) -> ApiError {
        let stated = |text: &Text| (!text.is_empty()).then(|| head(text.as_str(), NAME_BYTES).to_owned());
        ApiError {
            kind: stated(&self.error.kind),
            // An error event states the code as its own member, an error object inside.
            code: stated(&self.error.code).or_else(|| stated(&self.code)),
            message: stated(&self.error.message),
        }
    }
}

/// Ends the answer if an event of `kind` ends the response, and returns whether it does. `reason`: why the response is
/// incomplete.
fn end(kind: &[u8], reason: &str, error: impl Fn() -> ApiError, answer: &mut Answer) -> bool {
    let status = match kind {
        b"response.completed" => "completed",
        b"response.incomplete" => "incomplete",
        b"response.failed" => "failed",
        b"error" => "",
        _ => return false,
    };
    answer.ended = true;
    if matches!(status, "failed" | "") {
        answer.error = Some(error());
    }
    let reason = if reason.is_empty() { status } else { reason };
    if !reason.is_empty() {
        answer.finish_reasons.clear();
        answer.finished(reason);
    }
    true
}

impl Field {
    /// Bytes kept of the field.
    fn limit(self, keep: &Keep) -> usize {
        match self {
            Self::Delta | Self::Whole | Self::Code => keep.text_bytes.min(keep.total_bytes),
            Self::EventType
            | Self::Usage
            | Self::OutputIndex
            | Self::SummaryIndex
            | Self::ContentIndex
            | Self::ItemId
            | Self::Id
            | Self::Model
            | Self::Status
            | Self::Reason
            | Self::ServiceTier
            | Self::WebSearches
            | Self::ImageInput
            | Self::ImageOutput
            | Self::ErrorType
            | Self::ErrorCode
            | Self::ErrorMessage => NAME_BYTES,
        }
    }
}
