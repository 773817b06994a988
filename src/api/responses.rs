//! OpenAI Responses, <https://platform.openai.com/docs/api-reference/responses/create>.

mod item;
mod items;
mod ledger;
mod place;
mod reading;
mod said;

use crate::api::request::{Name, Slot};
pub(in crate::api) use reading::{DocumentReading, EventReading};

/// Where a request's values stand.
#[must_use]
pub fn request_slot(path: &[Name]) -> Option<Slot> {
    Some(match path {
        [Name::Input] => Slot::Input,
        [Name::Input, Name::Item] => Slot::Turn,
        [Name::Input, Name::Item, Name::Role] => Slot::Role,
        [Name::Input, Name::Item, Name::Type] => Slot::TurnType,
        [Name::Input, Name::Item, Name::CallId] => Slot::TurnCallId,
        [Name::Input, Name::Item, Name::Content] => Slot::Content,
        [Name::Input, Name::Item, Name::Content, Name::Item] => Slot::Part,
        [Name::Input, Name::Item, Name::Content, Name::Item, Name::Type] => Slot::PartType,
        [Name::Input, Name::Item, Name::Content, Name::Item, Name::Text] => Slot::PartText,
        _ => return None,
    })
}
