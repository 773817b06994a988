//! OpenAI Chat Completions, <https://platform.openai.com/docs/api-reference/chat/create> and
//! <https://platform.openai.com/docs/api-reference/chat-streaming>.

mod arguments;
mod calls;
mod choices;
mod chunk_fields;
mod names;
mod reader;
mod whole_choice;

use super::profile::ApiProfile;
use super::request::{AnsweredCall, Name, OtherSlot, RequestRules, RequestTexts, Slot};
use super::response;
use crate::dialect::Dialect;
use crate::usage::Convention;

pub(super) use reader::ChatCompletionsReader;

/// Everything in which Chat Completions differs from the other APIs.
pub(super) const PROFILE: ApiProfile = ApiProfile {
    name: "chat_completions",
    dialect: Dialect::OpenAi,
    request: RequestRules {
        slot: request_slot,
        text_part: "text",
        joins_parts: false,
        answered_call: AnsweredCall::InRole("tool"),
        protobuf: false,
        usage_edit: true,
        // `function_call` and the elements of `tool_calls` have `arguments`, or `input` of a custom tool.
        texts: RequestTexts {
            below: &[Name::Messages],
            except: &[b"image_url", b"data", b"url", b"file_data", b"arguments", b"input"],
        },
    },
    usage: Convention::CHAT_COMPLETIONS,
    events: response::events::<ChatCompletionsReader>,
    document: response::document::<ChatCompletionsReader>,
};

/// What the value at `path` of a request means.
fn request_slot(path: &[Name]) -> Option<Slot> {
    Some(match path {
        [Name::Model] => Slot::Model,
        [Name::Stream] => Slot::Stream,
        [Name::StreamOptions] => Slot::StreamOptions,
        [Name::StreamOptions, Name::IncludeUsage] => Slot::IncludeUsage,
        [Name::Messages] => Slot::Turns,
        [Name::Messages, Name::Item] => Slot::Turn,
        [Name::Messages, Name::Item, Name::Role] => Slot::Role,
        [Name::Messages, Name::Item, Name::ToolCallId] => Slot::TurnCallId,
        [Name::Messages, Name::Item, Name::Content] => Slot::Content,
        [Name::Messages, Name::Item, Name::Content, Name::Item] => Slot::Part,
        [Name::Messages, Name::Item, Name::Content, Name::Item, Name::Type] => Slot::PartType,
        [Name::Messages, Name::Item, Name::Content, Name::Item, Name::Text] => Slot::PartText,
        _ => return OtherSlot::in_openai(path),
    })
}
