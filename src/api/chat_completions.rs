//! OpenAI Chat Completions, <https://platform.openai.com/docs/api-reference/chat/create>.

use crate::api::request::{Name, Slot};

/// Where a request's values stand.
#[must_use]
pub fn request_slot(path: &[Name]) -> Option<Slot> {
    Some(match path {
        [Name::Messages] => Slot::Turns,
        [Name::Messages, Name::Item] => Slot::Turn,
        [Name::Messages, Name::Item, Name::Role] => Slot::Role,
        [Name::Messages, Name::Item, Name::ToolCallId] => Slot::TurnCallId,
        [Name::Messages, Name::Item, Name::Content] => Slot::Content,
        [Name::Messages, Name::Item, Name::Content, Name::Item] => Slot::Part,
        [Name::Messages, Name::Item, Name::Content, Name::Item, Name::Type] => Slot::PartType,
        [Name::Messages, Name::Item, Name::Content, Name::Item, Name::Text] => Slot::PartText,
        _ => return None,
    })
}
