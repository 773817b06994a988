//! What one event says, or one document says so far, and what of the answer changes with it.

use super::item::{Notation, Source};
use super::items::Items;
use super::ledger::{Ledger, ThoughtPlace, Told};
use super::place::Field;
use crate::answer::{Answer, ApiError, Keep, NAME_BYTES};
use crate::api::Api;
use crate::api::response::Trace;
use crate::note::Note;
use crate::text::{Text, head};
use crate::usage::VERBATIM_BYTES;
use core::mem::take;

/// A usage object above this many bytes is not read: it is no count of tokens.
const USAGE_BYTES: usize = 4 * VERBATIM_BYTES;

/// What one event or document says.
#[derive(Debug, Default)]
pub(super) struct Said {
    kind: Text,
    index: Option<u64>,
    summary_index: Option<u64>,
    item_ref: Text,
    delta: Text,
    whole: Text,
    code: Text,
    id: Text,
    model: Text,
    status: Text,
    reason: Text,
    service_tier: Text,
    usage: Option<Text>,
    web_searches: Option<Text>,
    /// A member `error` says that there is one; its texts may also stand by themselves.
    is_error: bool,
    error: ErrorTexts,
    pub(super) items: Items,
}

#[derive(Debug, Default)]
struct ErrorTexts {
    kind: Text,
    code: Text,
    message: Text,
}

// === impl Said ===

impl Said {
    /// As new, with the memory of the texts that most events have.
    pub(super) fn clear(&mut self) {
        let Self { kind, item_ref, delta, .. } = self;
        for text in [&mut *kind, item_ref, delta] {
            text.clear();
        }
        *self = Self { kind: take(kind), item_ref: take(item_ref), delta: take(delta), ..Self::default() };
    }

    /// A text of `field` begins; it replaces one that came before.
    pub(super) fn begin(&mut self, field: Field) {
        if let Some(text) = self.text(field) {
            text.clear();
        }
    }

    /// An error object begins, or a text in its place.
    pub(super) const fn begin_error(&mut self) {
        self.is_error = true;
    }

    /// More of the text of `field`.
    pub(super) fn push(&mut self, field: Field, run: &str, keep: &Keep) {
        let limit = field.limit(keep);
        if let Some(text) = self.text(field) {
            text.push(run, limit);
        }
    }

    /// The number that `field` is.
    pub(super) fn number(&mut self, field: Field, number: &str) {
        match self.text(field) {
            Some(text) => {
                text.push(number, NAME_BYTES);
            }
            None if field == Field::OutputIndex => self.index = number.parse().ok(),
            None => self.summary_index = number.parse().ok(),
        }
    }

    fn text(&mut self, field: Field) -> Option<&mut Text> {
        Some(match field {
            Field::EventType => &mut self.kind,
            Field::ItemRef => &mut self.item_ref,
            Field::Delta => &mut self.delta,
            Field::Whole => &mut self.whole,
            Field::Code => &mut self.code,
            Field::Id => &mut self.id,
            Field::Model => &mut self.model,
            Field::Status => &mut self.status,
            Field::Reason => &mut self.reason,
            Field::ServiceTier => &mut self.service_tier,
            Field::Usage => self.usage.get_or_insert_default(),
            Field::WebSearches => self.web_searches.get_or_insert_default(),
            Field::ErrorType => &mut self.error.kind,
            Field::ErrorCode => &mut self.error.code,
            Field::ErrorMessage => &mut self.error.message,
            Field::OutputIndex | Field::SummaryIndex => return None,
        })
    }

    /// What happened: as the data says, else as the event is called.
    fn kind<'a>(&'a self, name: &'a [u8]) -> &'a [u8] {
        if self.kind.is_empty() { name } else { self.kind.as_str().as_bytes() }
    }

    /// The event is over, and is valid.
    pub(super) fn event(&mut self, name: &[u8], ledger: &mut Ledger, answer: &mut Answer) -> Trace {
        let item_id = Some(self.item_ref.as_str()).filter(|id| !id.is_empty());
        let index = self.index.or_else(|| ledger.index_of(item_id?, answer));
        let thought = |source, part| index.map(|index| ThoughtPlace { index, source, part });
        let summary = thought(Source::Summary, self.summary_index.unwrap_or_default());
        match self.kind(name) {
            b"response.created" | b"response.queued" | b"response.in_progress" => {
                self.response(answer, false);
            }
            b"response.output_item.added" => ledger.tell(index, self.items.take_one(), Told::Added, answer),
            b"response.output_item.done" => ledger.tell(index, self.items.take_one(), Told::Done, answer),
            b"response.function_call_arguments.delta" | b"response.mcp_call_arguments.delta" => {
                ledger.add_arguments(index, item_id, (&self.delta, Notation::Json), answer);
            }
            b"response.custom_tool_call_input.delta" | b"response.code_interpreter_call_code.delta" => {
                ledger.add_arguments(index, item_id, (&self.delta, Notation::Plain), answer);
            }
            b"response.function_call_arguments.done" | b"response.mcp_call_arguments.done" => {
                ledger.replace_arguments(index, (&self.whole, Notation::Json), answer);
            }
            b"response.custom_tool_call_input.done" => {
                ledger.replace_arguments(index, (&self.whole, Notation::Plain), answer);
            }
            b"response.code_interpreter_call_code.done" => {
                ledger.replace_arguments(index, (&self.code, Notation::Plain), answer);
            }
            // The finished item holds the picture, and its event is often above `limits.event_bytes`.
            b"response.image_generation_call.completed" => ledger.complete_call(index, answer),
            b"response.reasoning_summary_text.delta" => {
                if let Some(place) = summary {
                    ledger.add_thought(place, item_id, &self.delta, answer);
                }
            }
            b"response.reasoning_summary_text.done" => {
                if let Some(place) = summary {
                    ledger.replace_thought(place, &self.whole, false, answer);
                }
            }
            // Whose piece it is would matter only to commentary.
            b"response.output_text.delta" if !ledger.has_commentary(self.index) => return Trace::None,
            b"response.output_text.delta" => {
                if let Some(place) = thought(Source::Commentary, 0) {
                    ledger.add_thought(place, item_id, &self.delta, answer);
                }
            }
            kind => {
                // Some errors have a type of their own, and a proxy's may have neither type nor name.
                let kind = if name == b"error" || kind.is_empty() && self.is_error { b"error" } else { kind };
                if !end(kind, self.reason.as_str(), || self.api_error(), answer) {
                    return Trace::None;
                }
                self.items.commit(ledger, answer);
                self.response(answer, true);
            }
        }
        Trace::Left
    }

    /// As [`event`](Self::event), where an `error` has told the end already: the response that failed may follow, with its
    /// usage. The error is the one that was told first.
    pub(super) fn after_error(&mut self, name: &[u8], ledger: &mut Ledger, answer: &mut Answer) -> Trace {
        if !matches!(self.kind(name), b"response.completed" | b"response.incomplete" | b"response.failed") {
            return Trace::None;
        }
        let error = answer.error.take();
        let trace = self.event(name, ledger, answer);
        answer.error = error;
        trace
    }

    /// The event is over, and above the limit: of what it says only its kind counts.
    pub(super) fn oversized(&self, name: &[u8], answer: &mut Answer) {
        end(self.kind(name), "", ApiError::default, answer);
    }

    /// Whether the response is over, as far as a document says.
    pub(super) fn is_last(&self) -> bool {
        !matches!(self.status.as_str(), "queued" | "in_progress")
    }

    /// The document is over.
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

    /// What an event or a document says of the response itself; `last`: it is over.
    pub(super) fn response(&mut self, answer: &mut Answer, last: bool) {
        if !self.id.is_empty() {
            // Copilot encrypts it anew every time; the client knows the first.
            answer.id.get_or_insert_with(|| self.id.as_str().to_owned());
        }
        if !self.model.is_empty() {
            answer.model = Some(self.model.as_str().to_owned());
        }
        match self.usage.take() {
            Some(usage) if usage.is_cut() => answer.notes.add(Note::UsageTooLarge),
            Some(usage) => answer.usage.take(Api::Responses, usage.as_str(), last),
            None => {}
        }
        // Before the end stands the tier that was asked for.
        if last && !self.service_tier.is_empty() {
            answer.usage.service_tier(self.service_tier.as_str());
        }
        if let Some(searches) = self.web_searches.take() {
            answer.usage.web_searches(searches.as_str());
        }
    }

    fn api_error(&self) -> ApiError {
        let stated = |text: &Text| (!text.is_empty()).then(|| head(text.as_str(), NAME_BYTES).to_owned());
        ApiError {
            kind: stated(&self.error.kind),
            // An error event states it beside the type, an error object inside.
            code: stated(&self.error.code).or_else(|| stated(&self.code)),
            message: stated(&self.error.message),
        }
    }
}

/// Whether an event of `kind` ends the response; if so the answer says how. `reason`: why it is incomplete.
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
    const fn limit(self, keep: &Keep) -> usize {
        match self {
            Self::Usage => USAGE_BYTES,
            Self::Delta | Self::Whole | Self::Code => keep.text_bytes,
            Self::EventType
            | Self::OutputIndex
            | Self::SummaryIndex
            | Self::ItemRef
            | Self::Id
            | Self::Model
            | Self::Status
            | Self::Reason
            | Self::ServiceTier
            | Self::WebSearches
            | Self::ErrorType
            | Self::ErrorCode
            | Self::ErrorMessage => NAME_BYTES,
        }
    }
}
