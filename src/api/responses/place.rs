//! Where in an event, and where in a document, stands what matters. Not: what is done with it.

use crate::json::{self, Kind};

/// The names in events and documents that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::api) enum Name {
    /// An array's element.
    Element,
    Action,
    Actions,
    Arguments,
    CallId,
    Code,
    Content,
    Delta,
    Error,
    Id,
    IncompleteDetails,
    Input,
    Item,
    ItemId,
    Message,
    Model,
    /// The member `name`: of what is called.
    Called,
    NumRequests,
    Operation,
    Output,
    OutputIndex,
    Phase,
    Queries,
    Reason,
    Response,
    ServiceTier,
    Status,
    Summary,
    SummaryIndex,
    Text,
    ToolUsage,
    Type,
    Usage,
    WebSearch,
}

impl json::Name for Name {
    const ITEM: Self = Self::Element;

    fn of(name: &[u8]) -> Option<Self> {
        Some(match name {
            b"action" => Self::Action,
            b"actions" => Self::Actions,
            b"arguments" => Self::Arguments,
            b"call_id" => Self::CallId,
            b"code" => Self::Code,
            b"content" => Self::Content,
            b"delta" => Self::Delta,
            b"error" => Self::Error,
            b"id" => Self::Id,
            b"incomplete_details" => Self::IncompleteDetails,
            b"input" => Self::Input,
            b"item" => Self::Item,
            b"item_id" => Self::ItemId,
            b"message" => Self::Message,
            b"model" => Self::Model,
            b"name" => Self::Called,
            b"num_requests" => Self::NumRequests,
            b"operation" => Self::Operation,
            b"output" => Self::Output,
            b"output_index" => Self::OutputIndex,
            b"phase" => Self::Phase,
            b"queries" => Self::Queries,
            b"reason" => Self::Reason,
            b"response" => Self::Response,
            b"service_tier" => Self::ServiceTier,
            b"status" => Self::Status,
            b"summary" => Self::Summary,
            b"summary_index" => Self::SummaryIndex,
            b"text" => Self::Text,
            b"tool_usage" => Self::ToolUsage,
            b"type" => Self::Type,
            b"usage" => Self::Usage,
            b"web_search" => Self::WebSearch,
            _ => return None,
        })
    }
}

/// What stands at a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A container on the way to something.
    Enter,
    /// The array of items.
    Output,
    /// One element of it.
    OutputItem,
    /// The item that an event is about.
    EventItem,
    /// One part of an item's content.
    ContentPart,
    /// One part of an item's summary.
    SummaryPart,
    /// An error object, or its message alone.
    Error,
    /// A text or number.
    Field(Field),
    /// A text of an item.
    OfItem(ItemField),
}

/// A text or number that an event or document may state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    /// What happened.
    EventType,
    /// Which item an event is about.
    OutputIndex,
    /// Which part of its summary.
    SummaryIndex,
    /// The id of the item that a delta belongs to.
    ItemRef,
    /// A piece of a text.
    Delta,
    /// A text that is over: arguments, input or a part's text.
    Whole,
    /// Of an error event the code; of code that is over all of it.
    Code,
    /// The response's id.
    Id,
    /// The model that serves.
    Model,
    /// The response's status.
    Status,
    /// Why it is incomplete.
    Reason,
    /// The tier that served.
    ServiceTier,
    /// The usage object, verbatim.
    Usage,
    /// How often the provider searched, verbatim.
    WebSearches,
    /// What kind of error.
    ErrorType,
    /// The error's code.
    ErrorCode,
    /// The error in words.
    ErrorMessage,
}

/// A text that an item may state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ItemField {
    /// What kind of item.
    Type,
    /// The item's id.
    Id,
    /// The id by which a call's result refers to it.
    CallId,
    /// The tool.
    ToolName,
    /// Whether the item is over.
    Status,
    /// Whether a message is the answer or on the way to it.
    Phase,
    /// What a tool is called with; which member says it depends on the kind of item.
    Argument(Argument),
    /// What kind of content part.
    PartType,
    /// The content part's text.
    PartText,
    /// The summary part's text.
    SummaryText,
}

/// The members that hold what a tool is called with.
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

/// What stands at `path` in the data of an event,
/// <https://platform.openai.com/docs/api-reference/responses-streaming>.
pub(super) fn in_event(path: &[Name]) -> Option<Place> {
    Some(match path {
        [] => Place::Enter,
        [Name::Response, within @ ..] => return in_response(within),
        [Name::Item] => Place::EventItem,
        [Name::Item, within @ ..] => return in_item(within),
        [Name::Type] => Place::Field(Field::EventType),
        [Name::OutputIndex] => Place::Field(Field::OutputIndex),
        [Name::SummaryIndex] => Place::Field(Field::SummaryIndex),
        [Name::ItemId] => Place::Field(Field::ItemRef),
        [Name::Delta] => Place::Field(Field::Delta),
        [Name::Arguments | Name::Input | Name::Text] => Place::Field(Field::Whole),
        [Name::Code] => Place::Field(Field::Code),
        [Name::Message] => Place::Field(Field::ErrorMessage),
        [Name::Error, ..] => return in_response(path),
        _ => return None,
    })
}

/// What stands at `path` in a document that is a response, a compaction or an error.
pub(super) fn in_document(path: &[Name]) -> Option<Place> {
    Some(match path {
        [Name::Type] => Place::Field(Field::EventType),
        [Name::Message] => Place::Field(Field::ErrorMessage),
        [Name::Code] => Place::Field(Field::Code),
        _ => return in_response(path),
    })
}

/// <https://platform.openai.com/docs/api-reference/responses/object>
fn in_response(path: &[Name]) -> Option<Place> {
    Some(match path {
        [] | [Name::IncompleteDetails | Name::ToolUsage] | [Name::ToolUsage, Name::WebSearch] => Place::Enter,
        [Name::Id] => Place::Field(Field::Id),
        [Name::Model] => Place::Field(Field::Model),
        [Name::Status] => Place::Field(Field::Status),
        [Name::IncompleteDetails, Name::Reason] => Place::Field(Field::Reason),
        [Name::ServiceTier] => Place::Field(Field::ServiceTier),
        [Name::Usage] => Place::Field(Field::Usage),
        [Name::ToolUsage, Name::WebSearch, Name::NumRequests] => Place::Field(Field::WebSearches),
        [Name::Error] => Place::Error,
        [Name::Error, Name::Type] => Place::Field(Field::ErrorType),
        [Name::Error, Name::Code] => Place::Field(Field::ErrorCode),
        [Name::Error, Name::Message] => Place::Field(Field::ErrorMessage),
        [Name::Output] => Place::Output,
        [Name::Output, Name::Element] => Place::OutputItem,
        [Name::Output, Name::Element, within @ ..] => return in_item(within),
        _ => return None,
    })
}

fn in_item(path: &[Name]) -> Option<Place> {
    Some(match path {
        [Name::Content | Name::Summary] => Place::Enter,
        [Name::Content, Name::Element] => Place::ContentPart,
        [Name::Content, Name::Element, Name::Type] => Place::OfItem(ItemField::PartType),
        [Name::Content, Name::Element, Name::Text] => Place::OfItem(ItemField::PartText),
        [Name::Summary, Name::Element] => Place::SummaryPart,
        [Name::Summary, Name::Element, Name::Text] => Place::OfItem(ItemField::SummaryText),
        [Name::Type] => Place::OfItem(ItemField::Type),
        [Name::Id] => Place::OfItem(ItemField::Id),
        [Name::CallId] => Place::OfItem(ItemField::CallId),
        [Name::Called] => Place::OfItem(ItemField::ToolName),
        [Name::Status] => Place::OfItem(ItemField::Status),
        [Name::Phase] => Place::OfItem(ItemField::Phase),
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

const fn argument(member: Argument) -> Place {
    Place::OfItem(ItemField::Argument(member))
}

/// How a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// A string's text.
    Text,
    /// A number.
    Number,
    /// The value's own bytes.
    Raw,
}

impl Field {
    /// How a value of `kind` is read here; `None`: it says nothing.
    pub(super) fn form(self, kind: Kind) -> Option<Form> {
        match (self, kind) {
            (Self::OutputIndex | Self::SummaryIndex, Kind::Number) => Some(Form::Number),
            (Self::OutputIndex | Self::SummaryIndex, _) | (_, Kind::Null) => None,
            // Whatever it is: a count that is none is to be noticed.
            (Self::Usage | Self::WebSearches, _) => Some(Form::Raw),
            (Self::ErrorCode | Self::Code, Kind::Number) => Some(Form::Number),
            (_, Kind::String) => Some(Form::Text),
            _ => None,
        }
    }
}

impl ItemField {
    /// How a value of `kind` is read here; `None`: it says nothing.
    pub(super) fn form(self, kind: Kind) -> Option<Form> {
        match (self, kind) {
            (Self::Argument(_), Kind::Object | Kind::Array) => Some(Form::Raw),
            (_, Kind::String) => Some(Form::Text),
            _ => None,
        }
    }
}
