//! OpenAI Chat Completions, <https://platform.openai.com/docs/api-reference/chat/create> and
//! <https://platform.openai.com/docs/api-reference/chat-streaming>.

use crate::api::request::{Name, Slot};

mod choices;
mod cut;
mod names;
mod reading;
mod said;
mod splice;

pub use cut::Cut;
pub use reading::Reading;
pub use said::UsageEvent;
pub use splice::Splice;

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
