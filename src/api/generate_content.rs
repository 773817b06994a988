//! Gemini's own API: `generateContent` and `streamGenerateContent`, <https://ai.google.dev/api/generate-content>.
//!
//! A stream is an event stream (`alt=sse`) or one JSON array, both of the same objects.

mod candidates;
mod names;
mod object_fields;
mod reader;

use super::profile::ApiProfile;
use super::request::{AnsweredCall, Name, RequestRules, RequestTexts, Slot};
use super::response;
use crate::dialect::Dialect;
use crate::usage::Convention;

pub(super) use reader::GenerateContentReader;

/// Everything in which Gemini's API differs from the other APIs.
pub(super) const PROFILE: ApiProfile = ApiProfile {
    name: "generate_content",
    dialect: Dialect::Google,
    request: RequestRules {
        slot: request_slot,
        text_part: "",
        joins_parts: false,
        answered_call: AnsweredCall::InPart(""),
        protobuf: true,
        usage_edit: false,
        texts: RequestTexts {
            below: &[Name::SystemInstruction, Name::Contents],
            except: &[
                b"inlineData",
                b"inline_data",
                b"fileData",
                b"file_data",
                b"functionCall",
                b"function_call",
                b"executableCode",
                b"executable_code",
            ],
        },
    },
    usage: Convention::GENERATE_CONTENT,
    events: response::events_or_array::<GenerateContentReader>,
    document: response::document_or_array::<GenerateContentReader>,
};

/// What the value at `path` of a request means. The path of the URL names the model, and whether the answer is a
/// stream.
fn request_slot(path: &[Name]) -> Option<Slot> {
    // `contents` and `parts` may be an object in place of a list of one.
    let turn = match path {
        [Name::Contents] => return Some(Slot::Turns),
        [Name::Contents, Name::Item, within @ ..] | [Name::Contents, within @ ..] => within,
        _ => return None,
    };
    let part = match turn {
        [] => return Some(Slot::Turn),
        [Name::Role] => return Some(Slot::Role),
        [Name::Parts] => return Some(Slot::Content),
        [Name::Parts, Name::Item, within @ ..] | [Name::Parts, within @ ..] => within,
        _ => return None,
    };
    Some(match part {
        [] => Slot::Part,
        [Name::Text] => Slot::PartText,
        [Name::FunctionResponse] => Slot::Container,
        [Name::FunctionResponse, Name::Id] => Slot::PartCallId,
        [Name::FunctionResponse, Name::Name] => Slot::PartCallName,
        _ => return None,
    })
}
