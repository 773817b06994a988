//! Reads the body of an error status, whichever provider it comes from.

use super::object_reader::{Change, ObjectReader};
use crate::answer::{Answer, ApiError, Keep, NAME_BYTES};
use crate::json::{self, Kind, Scalar, Want};
use crate::text::Text;

/// The error body of any provider: `error` is an object or a text; some providers state only a `message`.
#[derive(Debug, Default)]
pub(super) struct ErrorBodyReader {
    current: Option<ErrorField>,
    text: Text,
    error: ApiError,
}

#[derive(Clone, Copy, Debug)]
enum ErrorField {
    Kind,
    Code,
    Message,
    /// The top-level `message`; `error.message` has precedence.
    TopLevelMessage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorName {
    Item,
    Code,
    Error,
    Message,
    Type,
}

impl json::Name for ErrorName {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"code" => Self::Code,
            b"error" => Self::Error,
            b"message" => Self::Message,
            b"type" => Self::Type,
            _ => return None,
        })
    }
}

impl ObjectReader for ErrorBodyReader {
    type Name = ErrorName;
    const MAY_BE_EMPTY: bool = true;

    fn begin(&mut self, path: &[ErrorName], kind: Kind, _keep: &Keep) -> Want {
        self.text.clear();
        self.current = match (path, kind) {
            ([] | [ErrorName::Error], Kind::Object) => return Want::Read,
            ([ErrorName::Error, ErrorName::Type], Kind::String) => Some(ErrorField::Kind),
            ([ErrorName::Error, ErrorName::Code], Kind::String | Kind::Number) => Some(ErrorField::Code),
            ([ErrorName::Error, ErrorName::Message] | [ErrorName::Error], Kind::String) => {
                Some(ErrorField::Message)
            }
            ([ErrorName::Message], Kind::String) => Some(ErrorField::TopLevelMessage),
            _ => None,
        };
        if self.current.is_some() { Want::Read } else { Want::Skip }
    }

    fn text(&mut self, run: &str, _keep: &Keep) {
        self.text.push(run, NAME_BYTES);
    }

    fn scalar(&mut self, _path: &[ErrorName], value: Scalar<'_>) {
        // The scanner reports no end of a scalar.
        if let (Some(ErrorField::Code), Scalar::Number(Some(number))) = (self.current.take(), value) {
            self.error.code = Some(number.to_owned());
        }
    }

    fn document_end(&mut self, path: &[ErrorName], answer: &mut Answer) {
        let text = Some(self.text.as_str().to_owned());
        match self.current.take() {
            Some(ErrorField::Kind) => self.error.kind = text,
            Some(ErrorField::Code) => self.error.code = text,
            Some(ErrorField::Message) => self.error.message = text,
            Some(ErrorField::TopLevelMessage) => self.error.message = self.error.message.take().or(text),
            None => {}
        }
        if path.is_empty() {
            answer.error = Some(core::mem::take(&mut self.error));
            answer.ended = true;
        }
    }

    fn document_cut(&mut self, answer: &mut Answer) {
        let error = core::mem::take(&mut self.error);
        if error != ApiError::default() {
            answer.error = Some(error);
        }
    }

    fn event(&mut self, _name: &[u8], _answer: &mut Answer) -> Change {
        Change::Possible
    }

    fn forget(&mut self) {}
}
