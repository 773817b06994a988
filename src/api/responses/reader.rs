//! Reads the events and documents of a response.
//!
//! What an event states is held until the event has ended and proved valid, within bounds that depend neither on the
//! size of the event nor on the number of its items: texts within `record.total_bytes`, tool calls and thoughts within
//! their limits, every other field within 1 KiB. The items of a document are taken one by one as they end.

use super::event_fields::EventFields;
use super::known_items::KnownItems;
use super::names::Name;
use super::slot::{Field, Form, ItemField, Slot, in_document, in_event};
use crate::answer::{Answer, Keep};
use crate::api::response::{Change, ObjectReader, Texts};
use crate::json::{Kind, Scalar, Want};
use core::mem::take;

/// Reads an event stream.
#[derive(Debug, Default)]
pub(in crate::api) struct ResponsesEventReader(ResponsesReader);

/// Reads a document.
#[derive(Debug, Default)]
pub(in crate::api) struct ResponsesDocumentReader(ResponsesReader);

/// The state of both readers.
#[derive(Debug, Default)]
struct ResponsesReader {
    current: Option<Current>,
    fields: EventFields,
    known: KnownItems,
}

/// The field being read.
#[derive(Clone, Copy, Debug)]
enum Current {
    Field(Field),
    ItemField(ItemField),
}

// === impl ResponsesEventReader ===

impl ObjectReader for ResponsesEventReader {
    type Name = Name;

    fn begin(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Want {
        self.0.begin(in_event(path), kind, keep)
    }

    fn counts(&mut self, path: &[Name], kind: Kind) -> bool {
        counts(in_event(path), kind)
    }

    fn texts(&self, name: &[u8]) -> Texts {
        self.0.fields.texts(name)
    }

    fn text(&mut self, run: &str, keep: &Keep) {
        self.0.text(run, keep);
    }

    fn scalar(&mut self, _path: &[Name], value: Scalar<'_>) {
        self.0.scalar(value);
    }

    fn document_end(&mut self, _path: &[Name], _answer: &mut Answer) {}

    fn event(&mut self, name: &[u8], answer: &mut Answer) -> Change {
        let ResponsesReader { current, fields, known } = &mut self.0;
        *current = None;
        fields.items.settle(known, answer.keep());
        let change = if !answer.ended {
            fields.event(name, known, answer)
        } else if answer.finish_reasons.is_empty() {
            // Only an `error` event ends a response without a finish reason.
            fields.after_error(name, known, answer)
        } else {
            Change::NONE
        };
        fields.clear();
        change
    }

    fn oversized(&mut self, name: &[u8], answer: &mut Answer) {
        let fields = &mut self.0.fields;
        if !answer.ended {
            fields.oversized(name, answer);
        }
        fields.clear();
    }

    fn unread(&mut self, name: &[u8], answer: &mut Answer) {
        self.forget();
        if name == b"error" && !answer.ended {
            EventFields::default().oversized(name, answer);
        }
    }

    fn forget(&mut self) {
        self.0.fields.clear();
    }
}

// === impl ResponsesDocumentReader ===

impl ObjectReader for ResponsesDocumentReader {
    type Name = Name;

    fn begin(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Want {
        self.0.begin(in_document(path), kind, keep)
    }

    fn counts(&mut self, path: &[Name], kind: Kind) -> bool {
        counts(in_document(path), kind)
    }

    fn text(&mut self, run: &str, keep: &Keep) {
        self.0.text(run, keep);
    }

    fn scalar(&mut self, _path: &[Name], value: Scalar<'_>) {
        self.0.scalar(value);
    }

    fn document_end(&mut self, path: &[Name], answer: &mut Answer) {
        let ResponsesReader { current, fields, known } = &mut self.0;
        *current = None;
        match in_document(path) {
            Some(Slot::OutputItem) => {
                fields.items.settle(known, answer.keep());
                fields.items.commit(known, answer);
            }
            // Taken at once, because a truncated document counts too.
            Some(Slot::Field(Field::Id | Field::Model | Field::Usage)) => {
                fields.response(answer, fields.is_last());
            }
            _ if path.is_empty() => take(fields).document(answer),
            _ => {}
        }
    }

    fn document_cut(&mut self, answer: &mut Answer) {
        let ResponsesReader { current, fields, .. } = &mut self.0;
        if let Some(Current::Field(field)) = current.take() {
            fields.drop_unfinished(field);
        }
        fields.response(answer, fields.is_last());
    }

    fn event(&mut self, _name: &[u8], _answer: &mut Answer) -> Change {
        Change::Possible
    }

    fn forget(&mut self) {}
}

/// Whether the value in `slot` is a text of the model.
fn counts(slot: Option<Slot>, kind: Kind) -> bool {
    match slot {
        Some(
            Slot::Refusal
            | Slot::Field(Field::Delta)
            | Slot::ItemField(ItemField::PartText | ItemField::SummaryText),
        ) => kind == Kind::String,
        Some(Slot::ItemField(ItemField::Argument(_))) => {
            matches!(kind, Kind::String | Kind::Object | Kind::Array)
        }
        _ => false,
    }
}

// === impl ResponsesReader ===

impl ResponsesReader {
    fn begin(&mut self, slot: Option<Slot>, kind: Kind, keep: &Keep) -> Want {
        self.current = None;
        let read = |wanted: bool| if wanted { Want::Read } else { Want::Skip };
        let items = &mut self.fields.items;
        let (current, form) = match (slot, kind) {
            (Some(Slot::Container), _) => return read(matches!(kind, Kind::Object | Kind::Array)),
            (Some(Slot::Output), _) => {
                items.begin_array();
                return read(kind == Kind::Array);
            }
            (Some(Slot::OutputItem), _) => {
                items.begin_next(kind, &self.known, keep);
                return read(kind == Kind::Object);
            }
            (Some(Slot::EventItem), _) => {
                items.begin_one(&self.known, keep);
                return read(kind == Kind::Object);
            }
            (Some(Slot::ContentPart), _) => {
                items.current().into_iter().for_each(|item| item.begin_part(keep));
                return read(kind == Kind::Object);
            }
            (Some(Slot::SummaryPart), _) => {
                items.current().into_iter().for_each(|item| item.begin_summary_part(keep));
                return read(kind == Kind::Object);
            }
            (Some(Slot::Error), Kind::Object) => {
                self.fields.begin_error();
                return Want::Read;
            }
            (Some(Slot::Error), Kind::String) => {
                self.fields.begin_error();
                (Current::Field(Field::ErrorMessage), Some(Form::Text))
            }
            (Some(Slot::Field(field)), _) => (Current::Field(field), field.form(kind)),
            (Some(Slot::ItemField(field)), _) => (Current::ItemField(field), field.form(kind)),
            (Some(Slot::Error | Slot::Refusal) | None, _) => return Want::Skip,
        };
        let Some(form) = form else { return Want::Skip };
        match current {
            Current::Field(field) => self.fields.begin(field),
            Current::ItemField(field) => {
                if !self.fields.items.current().is_some_and(|item| item.begin(field, form, keep)) {
                    return Want::Skip;
                }
            }
        }
        self.current = Some(current);
        match current {
            _ if form == Form::Raw => Want::Raw,
            // Most deltas belong to the answer's text, which is not kept.
            Current::Field(Field::Delta) => Want::Piece,
            Current::Field(Field::ItemId | Field::ContentIndex) => Want::Tentative,
            Current::Field(_) | Current::ItemField(_) => Want::Read,
        }
    }

    fn text(&mut self, run: &str, keep: &Keep) {
        match self.current {
            Some(Current::Field(field)) => self.fields.push(field, run, keep),
            Some(Current::ItemField(field)) => self.fields.items.push(field, run, keep),
            None => {}
        }
    }

    fn scalar(&mut self, value: Scalar<'_>) {
        if let (Scalar::Number(Some(number)), Some(Current::Field(field))) = (value, self.current) {
            self.fields.number(field, number);
        }
    }
}
