//! The members of events and documents that are read, and what they mean. What is done with them is in `event_fields`
//! and `item`.

use super::names::Name;
use crate::json::Kind;

/// The meaning of a value in an event or document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    /// A container that holds a slot.
    Container,
    /// The array of output items.
    Output,
    /// One element of that array.
    OutputItem,
    /// The item of an `output_item` event.
    EventItem,
    /// One part of an item's content.
    ContentPart,
    /// The text of a part that refuses: counted, not read.
    Refusal,
    /// One part of an item's summary.
    SummaryPart,
    /// An error: an object, or its message alone.
    Error,
    /// A field of the event, response or error.
    Field(Field),
    /// A field of an item.
    ItemField(ItemField),
}

/// A text or number of an event or document outside of its items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// The type of the event or document.
    EventType,
    /// The position of the event's item in the output.
    OutputIndex,
    /// The part of a reasoning summary that the event belongs to.
    SummaryIndex,
    /// The part of an item's content that the event belongs to.
    ContentIndex,
    /// The id of the item that a delta belongs to.
    ItemId,
    /// A piece of a text.
    Delta,
    /// A complete text: arguments, input, or the text of a part.
    Whole,
    /// The code of an error event, or the complete code of a code interpreter call.
    Code,
    /// The response's id.
    Id,
    /// The model that serves.
    Model,
    /// The status of the response.
    Status,
    /// Why the response is incomplete.
    Reason,
    /// The service tier that served the response.
    ServiceTier,
    /// The usage object, as raw JSON.
    Usage,
    /// How many web searches the provider ran, as raw JSON.
    WebSearches,
    /// Input of the image generation tool, as raw JSON.
    ImageInput,
    /// Output of the image generation tool, as raw JSON.
    ImageOutput,
    /// The type of the error.
    ErrorType,
    /// The code of the error.
    ErrorCode,
    /// The message of the error.
    ErrorMessage,
}

/// A text of an output item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemField {
    /// The type of the item.
    Type,
    /// The id of the item.
    Id,
    /// The id by which a tool's result refers to the call.
    CallId,
    /// The name of the tool.
    ToolName,
    /// The namespace that the tool of a function or custom tool belongs to.
    Namespace,
    /// The MCP server that the tool belongs to.
    ServerLabel,
    /// Which side runs a call or wrote a message: `environment.type` of a shell, `execution` of a tool search, `role` of a message.
    Side,
    /// The status of the item.
    Status,
    /// The phase of a message: commentary or final answer.
    Phase,
    /// The arguments of a tool call; their member depends on the type of the item.
    Argument(Argument),
    /// The type of a content part.
    PartType,
    /// The text of a content part.
    PartText,
    /// The text of a summary part.
    SummaryText,
}

/// The members that hold the arguments of tool calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    Action,
    Actions,
    Arguments,
    Code,
    Input,
    Operation,
    Queries,
}

/// What the value at `path` of an event's data means,
/// <https://platform.openai.com/docs/api-reference/responses-streaming>.
pub(super) fn in_event(path: &[Name]) -> Option<Slot> {
    Some(match path {
        [] => Slot::Container,
        [Name::Response, within @ ..] => return in_response(within),
        [Name::Item] => Slot::EventItem,
        [Name::Item, within @ ..] => return in_item(within),
        [Name::Type] => Slot::Field(Field::EventType),
        [Name::OutputIndex] => Slot::Field(Field::OutputIndex),
        [Name::SummaryIndex] => Slot::Field(Field::SummaryIndex),
        [Name::ContentIndex] => Slot::Field(Field::ContentIndex),
        [Name::ItemId] => Slot::Field(Field::ItemId),
        [Name::Delta] => Slot::Field(Field::Delta),
        [Name::Arguments | Name::Input | Name::Text] => Slot::Field(Field::Whole),
        [Name::Code] => Slot::Field(Field::Code),
        [Name::Message] => Slot::Field(Field::ErrorMessage),
        [Name::Error, ..] => return in_response(path),
        _ => return None,
    })
}

/// What the value at `path` of a document means; the document is a response, a compaction or an error.
pub(super) fn in_document(path: &[Name]) -> Option<Slot> {
    Some(match path {
        [Name::Type] => Slot::Field(Field::EventType),
        [Name::Message] => Slot::Field(Field::ErrorMessage),
        [Name::Code] => Slot::Field(Field::Code),
        _ => return in_response(path),
    })
}

/// <https://platform.openai.com/docs/api-reference/responses/object>
fn in_response(path: &[Name]) -> Option<Slot> {
    Some(match path {
        []
        | [Name::IncompleteDetails | Name::ToolUsage]
        | [Name::ToolUsage, Name::WebSearch | Name::ImageGen] => Slot::Container,
        [Name::Id] => Slot::Field(Field::Id),
        [Name::Model] => Slot::Field(Field::Model),
        [Name::Status] => Slot::Field(Field::Status),
        [Name::IncompleteDetails, Name::Reason] => Slot::Field(Field::Reason),
        [Name::ServiceTier] => Slot::Field(Field::ServiceTier),
        [Name::Usage] => Slot::Field(Field::Usage),
        [Name::ToolUsage, Name::WebSearch, Name::NumRequests] => Slot::Field(Field::WebSearches),
        [Name::ToolUsage, Name::ImageGen, Name::InputTokens] => Slot::Field(Field::ImageInput),
        [Name::ToolUsage, Name::ImageGen, Name::OutputTokens] => Slot::Field(Field::ImageOutput),
        [Name::Error] => Slot::Error,
        [Name::Error, Name::Type] => Slot::Field(Field::ErrorType),
        [Name::Error, Name::Code] => Slot::Field(Field::ErrorCode),
        [Name::Error, Name::Message] => Slot::Field(Field::ErrorMessage),
        [Name::Output] => Slot::Output,
        [Name::Output, Name::Element] => Slot::OutputItem,
        [Name::Output, Name::Element, within @ ..] => return in_item(within),
        _ => return None,
    })
}

fn in_item(path: &[Name]) -> Option<Slot> {
    Some(match path {
        [Name::Content | Name::Summary | Name::Environment] => Slot::Container,
        [Name::Content, Name::Element] => Slot::ContentPart,
        [Name::Content, Name::Element, Name::Type] => Slot::ItemField(ItemField::PartType),
        [Name::Content, Name::Element, Name::Text] => Slot::ItemField(ItemField::PartText),
        [Name::Content, Name::Element, Name::Refusal] => Slot::Refusal,
        [Name::Summary, Name::Element] => Slot::SummaryPart,
        [Name::Summary, Name::Element, Name::Text] => Slot::ItemField(ItemField::SummaryText),
        [Name::Type] => Slot::ItemField(ItemField::Type),
        [Name::Id] => Slot::ItemField(ItemField::Id),
        [Name::CallId] => Slot::ItemField(ItemField::CallId),
        [Name::Name] => Slot::ItemField(ItemField::ToolName),
        [Name::Namespace] => Slot::ItemField(ItemField::Namespace),
        [Name::ServerLabel] => Slot::ItemField(ItemField::ServerLabel),
        [Name::Environment, Name::Type] | [Name::Execution | Name::Role] => Slot::ItemField(ItemField::Side),
        [Name::Status] => Slot::ItemField(ItemField::Status),
        [Name::Phase] => Slot::ItemField(ItemField::Phase),
        [Name::Action] => argument(Argument::Action),
        [Name::Actions] => argument(Argument::Actions),
        [Name::Arguments] => argument(Argument::Arguments),
        [Name::Code] => argument(Argument::Code),
        [Name::Input] => argument(Argument::Input),
        [Name::Operation] => argument(Argument::Operation),
        [Name::Queries] => argument(Argument::Queries),
        _ => return None,
    })
}

const fn argument(member: Argument) -> Slot {
    Slot::ItemField(ItemField::Argument(member))
}

/// How the value of a field is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The text of a string.
    Text,
    /// The digits of a number.
    Number,
    /// The value as the raw JSON that the provider wrote.
    Raw,
}

impl Field {
    /// How a value of `kind` is read. `None`: a value of this kind is ignored.
    pub(super) fn form(self, kind: Kind) -> Option<Form> {
        match (self, kind) {
            (Self::OutputIndex | Self::SummaryIndex | Self::ContentIndex, Kind::Number) => Some(Form::Number),
            (Self::OutputIndex | Self::SummaryIndex | Self::ContentIndex, _) | (_, Kind::Null) => None,
            // Of any kind: usage that is not an object, or a count that is not a number, is noted.
            (Self::Usage | Self::WebSearches | Self::ImageInput | Self::ImageOutput, _) => Some(Form::Raw),
            (Self::ErrorCode | Self::Code, Kind::Number) => Some(Form::Number),
            (_, Kind::String) => Some(Form::Text),
            _ => None,
        }
    }
}

impl ItemField {
    /// How a value of `kind` is read. `None`: a value of this kind is ignored.
    pub(super) fn form(self, kind: Kind) -> Option<Form> {
        match (self, kind) {
            (Self::Argument(_), Kind::Object | Kind::Array) => Some(Form::Raw),
            (_, Kind::String) => Some(Form::Text),
            _ => None,
        }
    }
}
