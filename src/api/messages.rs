//! Anthropic Messages, <https://docs.anthropic.com/en/api/messages> and
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

mod blocks;
mod event_fields;
mod names;
mod reader;

use super::profile::ApiProfile;
use super::request::{AnsweredCall, Name, OtherList, OtherSlot, RequestRules, RequestTexts, Slot};
use super::response;
use crate::dialect::Dialect;
use crate::usage::Convention;

pub(super) use reader::MessagesReader;

/// Everything in which Messages differs from the other APIs.
pub(super) const PROFILE: ApiProfile = ApiProfile {
    name: "messages",
    dialect: Dialect::Anthropic,
    request: RequestRules {
        slot: request_slot,
        text_part: "text",
        joins_parts: false,
        answered_call: AnsweredCall::InPart("tool_result"),
        protobuf: false,
        usage_edit: false,
        // `source` of a picture has `data` or `url`; `input` holds the arguments of a call. `data` of a text is read.
        texts: RequestTexts { below: &[Name::System, Name::Messages], except: &[b"data", b"url", b"input"] },
    },
    usage: Convention::MESSAGES,
    events: response::events::<MessagesReader>,
    document: response::document::<MessagesReader>,
};

/// What the value at `path` of a request means.
fn request_slot(path: &[Name]) -> Option<Slot> {
    Some(match path {
        [Name::Model] => Slot::Model,
        [Name::Stream] => Slot::Stream,
        [Name::Metadata] => Slot::Container,
        [Name::Metadata, Name::UserId] => Slot::UserId,
        [Name::Messages] => Slot::Turns,
        [Name::Messages, Name::Item] => Slot::Turn,
        [Name::Messages, Name::Item, Name::Role] => Slot::Role,
        [Name::Messages, Name::Item, Name::Content] => Slot::Content,
        [Name::Messages, Name::Item, Name::Content, Name::Item] => Slot::Part,
        [Name::Messages, Name::Item, Name::Content, Name::Item, Name::Type] => Slot::PartType,
        [Name::Messages, Name::Item, Name::Content, Name::Item, Name::Text] => Slot::PartText,
        [Name::Messages, Name::Item, Name::Content, Name::Item, Name::ToolUseId] => Slot::PartCallId,
        [Name::Messages, Name::Item, Name::Content, Name::Item, rest @ ..] => return in_block(rest),
        [Name::Tools] => Slot::Other(OtherSlot::List(OtherList::Tools)),
        [Name::Tools, Name::Item] => Slot::Other(OtherSlot::Tool),
        [Name::Tools, Name::Item, Name::Model] => Slot::Other(OtherSlot::Model),
        [Name::Fallbacks] => Slot::Other(OtherSlot::List(OtherList::Fallbacks)),
        [Name::Fallbacks, rest @ ..] => return OtherSlot::in_list(rest),
        _ => return None,
    })
}

/// What a value inside of a content block means. The content of a tool's result is a list of blocks.
fn in_block(path: &[Name]) -> Option<Slot> {
    Some(match path {
        [Name::Source] => Slot::Source,
        [Name::Source, Name::Type] => Slot::SourceType,
        [Name::Source, Name::Data] => Slot::SourceData,
        [Name::Content] | [Name::Content, Name::Item] => Slot::Container,
        [Name::Content, Name::Item, Name::Source, ..] => return in_block(path.get(2..)?),
        _ => return None,
    })
}
