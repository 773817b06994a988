//! OpenAI Responses, <https://platform.openai.com/docs/api-reference/responses/create>.

mod event_fields;
mod event_items;
mod item;
mod known_items;
mod names;
mod reader;
mod slot;

use super::profile::ApiProfile;
use super::request::{AnsweredCall, Name, OtherList, OtherSlot, RequestRules, RequestTexts, Slot};
use super::response;
use crate::dialect::Dialect;
use crate::usage::Convention;

pub(super) use reader::{ResponsesDocumentReader, ResponsesEventReader};

/// Everything in which Responses differs from the other APIs.
pub(super) const PROFILE: ApiProfile = ApiProfile {
    name: "responses",
    dialect: Dialect::OpenAi,
    request: RequestRules {
        slot: request_slot,
        text_part: "input_text",
        joins_parts: true,
        answered_call: AnsweredCall::InTurn(&["function_call_output", "custom_tool_call_output"]),
        protobuf: false,
        usage_edit: false,
        // `result` is a generated picture; `input`, `action`, `actions`, `operation`, `queries` and `code` hold the
        // arguments of calls, `tools` and the others schemas.
        texts: RequestTexts {
            below: &[Name::Instructions, Name::Input],
            except: &[
                b"image_url",
                b"file_data",
                b"file_url",
                b"data",
                b"result",
                b"arguments",
                b"input",
                b"action",
                b"actions",
                b"operation",
                b"queries",
                b"code",
                b"tools",
                b"parameters",
                b"schema",
                b"input_schema",
            ],
        },
    },
    usage: Convention::RESPONSES,
    events: response::events::<ResponsesEventReader>,
    document: response::document::<ResponsesDocumentReader>,
};

/// What the value at `path` of a request means.
fn request_slot(path: &[Name]) -> Option<Slot> {
    Some(match path {
        [Name::Model] => Slot::Model,
        [Name::Stream] => Slot::Stream,
        [Name::Background] => Slot::Background,
        [Name::Input] => Slot::Input,
        [Name::Input, Name::Item] => Slot::Turn,
        [Name::Input, Name::Item, Name::Role] => Slot::Role,
        [Name::Input, Name::Item, Name::Type] => Slot::TurnType,
        [Name::Input, Name::Item, Name::CallId] => Slot::TurnCallId,
        [Name::Input, Name::Item, Name::Content] => Slot::Content,
        [Name::Input, Name::Item, Name::Content, Name::Item] => Slot::Part,
        [Name::Input, Name::Item, Name::Content, Name::Item, Name::Type] => Slot::PartType,
        [Name::Input, Name::Item, Name::Content, Name::Item, Name::Text] => Slot::PartText,
        [Name::Input, Name::Item, Name::Tools] => Slot::Other(OtherSlot::List(OtherList::ItemTools)),
        [Name::Input, Name::Item, Name::Tools, rest @ ..] => return OtherSlot::in_tools(rest),
        _ => return OtherSlot::in_openai(path),
    })
}
