//! What one event says, or one document says so far; and how that becomes an answer.
//!
//! An event counts only when it is over and proved valid, so all it says is held until then. What is held grows with
//! neither the event nor the number of its items: texts within `record.total_bytes`, tool calls and thoughts within
//! their limits, everything else within 1 KiB each. Of a document every item is taken in when it is over.

use super::ledger::Ledger;
use super::place::{Field, Form, ItemField, Name, Place, in_document, in_event};
use super::said::Said;
use crate::answer::{Answer, Keep};
use crate::api::response::{ObjectReader, Trace};
use crate::json::{Kind, Scalar, Want};
use core::mem::take;

/// Reads an event stream.
#[derive(Debug, Default)]
pub(in crate::api) struct EventReading(Reading);

/// Reads a document.
#[derive(Debug, Default)]
pub(in crate::api) struct DocumentReading(Reading);

#[derive(Debug, Default)]
struct Reading {
    current: Option<Current>,
    said: Said,
    ledger: Ledger,
}

/// The text or number being read.
#[derive(Clone, Copy, Debug)]
enum Current {
    Field(Field),
    OfItem(ItemField),
}

// === impl EventReading ===

impl ObjectReader for EventReading {
    type Name = Name;

    fn begin(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Want {
        self.0.begin(in_event(path), kind, keep)
    }

    fn text(&mut self, run: &str, keep: &Keep) {
        self.0.text(run, keep);
    }

    fn scalar(&mut self, _path: &[Name], value: Scalar<'_>) {
        self.0.scalar(value);
    }

    fn document_end(&mut self, _path: &[Name], _answer: &mut Answer) {}

    fn event(&mut self, name: &[u8], answer: &mut Answer) -> Trace {
        let Reading { current, said, ledger } = &mut self.0;
        *current = None;
        said.items.settle(ledger, answer.keep());
        let trace = if !answer.ended {
            said.event(name, ledger, answer)
        } else if answer.finish_reasons.is_empty() {
            // Only an `error` ends a response without a reason.
            said.after_error(name, ledger, answer)
        } else {
            Trace::None
        };
        said.clear();
        trace
    }

    fn oversized(&mut self, name: &[u8], answer: &mut Answer) {
        let said = &mut self.0.said;
        if !answer.ended {
            said.oversized(name, answer);
        }
        said.clear();
    }

    fn unread(&mut self, name: &[u8], answer: &mut Answer) {
        self.forget();
        if name == b"error" && !answer.ended {
            Said::default().oversized(name, answer);
        }
    }

    fn forget(&mut self) {
        self.0.said.clear();
    }
}

// === impl DocumentReading ===

impl ObjectReader for DocumentReading {
    type Name = Name;

    fn begin(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Want {
        self.0.begin(in_document(path), kind, keep)
    }

    fn text(&mut self, run: &str, keep: &Keep) {
        self.0.text(run, keep);
    }

    fn scalar(&mut self, _path: &[Name], value: Scalar<'_>) {
        self.0.scalar(value);
    }

    fn document_end(&mut self, path: &[Name], answer: &mut Answer) {
        let Reading { current, said, ledger } = &mut self.0;
        *current = None;
        match in_document(path) {
            Some(Place::OutputItem) => {
                said.items.settle(ledger, answer.keep());
                said.items.commit(ledger, answer);
            }
            // What a truncated document said counts all the same.
            Some(Place::Field(Field::Id | Field::Model | Field::Usage)) => {
                said.response(answer, said.is_last());
            }
            _ if path.is_empty() => take(said).document(answer),
            _ => {}
        }
    }

    fn event(&mut self, _name: &[u8], _answer: &mut Answer) -> Trace {
        Trace::Left
    }

    fn forget(&mut self) {}
}

// === impl Reading ===

impl Reading {
    fn begin(&mut self, place: Option<Place>, kind: Kind, keep: &Keep) -> Want {
        self.current = None;
        let read = |wanted: bool| if wanted { Want::Read } else { Want::Skip };
        let items = &mut self.said.items;
        let (current, form) = match (place, kind) {
            (Some(Place::Enter), _) => return read(matches!(kind, Kind::Object | Kind::Array)),
            (Some(Place::Output), _) => {
                items.begin_array();
                return read(kind == Kind::Array);
            }
            (Some(Place::OutputItem), _) => {
                items.begin_next(kind, &self.ledger, keep);
                return read(kind == Kind::Object);
            }
            (Some(Place::EventItem), _) => {
                items.begin_one(&self.ledger, keep);
                return read(kind == Kind::Object);
            }
            (Some(Place::ContentPart), _) => {
                items.current().into_iter().for_each(|item| item.begin_part(keep));
                return read(kind == Kind::Object);
            }
            (Some(Place::SummaryPart), _) => {
                items.current().into_iter().for_each(|item| item.begin_summary_part(keep));
                return read(kind == Kind::Object);
            }
            (Some(Place::Error), Kind::Object) => {
                self.said.begin_error();
                return Want::Read;
            }
            (Some(Place::Error), Kind::String) => {
                self.said.begin_error();
                (Current::Field(Field::ErrorMessage), Some(Form::Text))
            }
            (Some(Place::Field(field)), _) => (Current::Field(field), field.form(kind)),
            (Some(Place::OfItem(field)), _) => (Current::OfItem(field), field.form(kind)),
            (Some(Place::Error) | None, _) => return Want::Skip,
        };
        let Some(form) = form else { return Want::Skip };
        match current {
            Current::Field(field) => self.said.begin(field),
            Current::OfItem(field) => {
                if !self.said.items.current().is_some_and(|item| item.begin(field, form, keep)) {
                    return Want::Skip;
                }
            }
        }
        self.current = Some(current);
        match current {
            _ if form == Form::Raw => Want::Raw,
            // Most pieces are of the answer itself, which nobody keeps.
            Current::Field(Field::Delta | Field::ItemRef) => Want::Tentative,
            Current::Field(_) | Current::OfItem(_) => Want::Read,
        }
    }

    fn text(&mut self, run: &str, keep: &Keep) {
        match self.current {
            Some(Current::Field(field)) => self.said.push(field, run, keep),
            Some(Current::OfItem(field)) => self.said.items.push(field, run, keep),
            None => {}
        }
    }

    fn scalar(&mut self, value: Scalar<'_>) {
        if let (Scalar::Number(Some(number)), Some(Current::Field(field))) = (value, self.current) {
            self.said.number(field, number);
        }
    }
}
