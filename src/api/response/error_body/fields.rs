//! What a JSON document states of an error. Providers use these shapes:
//!
//! | shape | used by |
//! |---|---|
//! | `{"error": {"type", "code", "message"}}` | OpenAI, Anthropic and most others |
//! | `{"error": {"status", "code", "message"}}`, also in an array | Google |
//! | `{"error": "text"}` | many servers |
//! | `{"message", "type", "code"}` | Mistral, AWS; many state a `message` alone |
//! | `{"Message"}` | AWS, where access is denied; ASP.NET |
//! | `{"detail": "text"}`, `{"detail": [{"msg"}]}` | servers made with FastAPI |
//! | `{"message": {"detail": [{"msg"}]}}` | Mistral, for a request with an unknown member |
//! | `{"code", "msg"}` | many servers in China |
//! | `"text"` | a text that was written as JSON |

use crate::answer::{ApiError, NAME_BYTES};
use crate::json::{self, Kind, Scalar, Visitor, Want};
use crate::text::Text;
use core::mem::take;

/// The fields of an error. Of an array of errors the first one counts.
#[derive(Debug, Default)]
pub(super) struct ErrorFields {
    current: Option<Field>,
    text: Text,
    /// Elements of the top-level array that have begun.
    elements: usize,
    /// There is a member `error` that is not null.
    has_error: bool,
    /// The document has ended.
    whole: bool,
    /// The texts found so far, indexed by [`Field`].
    texts: [Option<String>; FIELDS],
}

/// A field. Of those that mean the same the first one stated in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    /// `error.type`
    Kind,
    /// `error.status` of Google.
    Status,
    /// The top-level `type`, unless it is `error`.
    OuterKind,
    /// `error.code`
    Code,
    /// The top-level `code`.
    OuterCode,
    /// `error.message`, `error` as a text, or all of the document.
    Message,
    /// The top-level `message`.
    OuterMessage,
    /// `detail`, or the first message in it; the top-level `msg`.
    Detail,
}

const FIELDS: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ErrorName {
    Item,
    Code,
    Detail,
    Error,
    Message,
    Msg,
    Status,
    Type,
}

impl json::Name for ErrorName {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"code" => Self::Code,
            b"detail" => Self::Detail,
            b"error" => Self::Error,
            b"message" | b"Message" => Self::Message,
            b"msg" => Self::Msg,
            b"status" => Self::Status,
            b"type" => Self::Type,
            _ => return None,
        })
    }
}

// === impl ErrorFields ===

impl ErrorFields {
    /// Whether the document has ended. (A number as the document has no such end.)
    pub(super) const fn is_whole(&self) -> bool {
        self.whole
    }

    /// Whether the document says that it is an error.
    pub(super) fn is_error(&self) -> bool {
        let has = |field: Field| self.texts.get(field as usize).is_some_and(Option::is_some);
        self.has_error || has(Field::Message) || has(Field::OuterMessage) || has(Field::Detail)
    }

    /// The value being read breaks off.
    pub(super) const fn drop_unfinished(&mut self) {
        self.current = None;
    }

    /// Takes what was stated.
    pub(super) fn take(&mut self) -> ApiError {
        let [kind, status, outer_kind, code, outer_code, message, outer_message, detail] =
            take(&mut self.texts);
        ApiError {
            kind: kind.or(status).or_else(|| outer_kind.filter(|kind| kind != "error")),
            code: code.or(outer_code),
            message: message.or(outer_message).or(detail),
        }
    }

    fn set(&mut self, field: Field, text: String) {
        if let Some(known) = self.texts.get_mut(field as usize)
            && !(field == Field::Detail && known.is_some())
        {
            *known = Some(text);
        }
    }
}

impl Visitor for ErrorFields {
    type Name = ErrorName;

    fn begin(&mut self, path: &[ErrorName], kind: Kind, _offset: u64) -> Want {
        use ErrorName::{Code, Detail, Error, Item, Message, Msg, Status, Type};
        self.text.clear();
        self.current = None;
        let path = match path {
            [] if kind == Kind::Array => return Want::Read,
            [Item] => {
                self.elements = self.elements.saturating_add(1);
                &[]
            }
            [Item, within @ ..] => within,
            _ => path,
        };
        let path = match path {
            [Message, within @ ..] if within.first() == Some(&Detail) => within,
            _ => path,
        };
        if self.elements > 1 {
            return Want::Skip;
        }
        self.has_error |= path == [Error] && kind != Kind::Null;
        self.current = Some(match (path, kind) {
            ([] | [Error | Detail | Message] | [Detail, Item], Kind::Object) | ([Detail], Kind::Array) => {
                return Want::Read;
            }
            ([Error, Type], Kind::String) => Field::Kind,
            ([Error, Status], Kind::String) => Field::Status,
            ([Type], Kind::String) => Field::OuterKind,
            ([Error, Code], Kind::String | Kind::Number) => Field::Code,
            ([Code], Kind::String | Kind::Number) => Field::OuterCode,
            ([] | [Error] | [Error, Message], Kind::String) => Field::Message,
            ([Message], Kind::String) => Field::OuterMessage,
            ([Detail | Msg] | [Detail, Item], Kind::String)
            | ([Detail, Msg | Message | Error] | [Detail, Item, Msg | Message], Kind::String) => {
                Field::Detail
            }
            _ => return Want::Skip,
        });
        Want::Read
    }

    fn text(&mut self, _path: &[ErrorName], run: &str) {
        self.text.push(run, NAME_BYTES);
    }

    fn scalar(&mut self, _path: &[ErrorName], value: Scalar<'_>) {
        // The scanner reports no end of a scalar.
        if let (Some(field), Scalar::Number(Some(number))) = (self.current.take(), value) {
            self.set(field, number.to_owned());
        }
    }

    fn end(&mut self, path: &[ErrorName], _kind: Kind, _offset: u64) {
        self.whole |= path.is_empty();
        if let Some(field) = self.current.take() {
            let text = self.text.as_str().to_owned();
            self.set(field, text);
        }
    }
}
