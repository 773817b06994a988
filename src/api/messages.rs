//! Anthropic Messages, <https://docs.anthropic.com/en/api/messages> and
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

use crate::answer::{Answer, ApiError, Keep, NAME_BYTES, ToolCall};
use crate::api::Api;
use crate::api::request::{self, Slot};
use crate::api::response::ObjectReader;
use crate::json::{self, Kind, Scalar, Want};
use crate::note::Note;
use crate::text::Text;
use crate::usage::VERBATIM_BYTES;

/// Where a request's values stand.
#[must_use]
pub fn request_slot(path: &[request::Name]) -> Option<Slot> {
    use request::Name::{Content, Item, Messages, Metadata, Role, Text, ToolUseId, Type, UserId};
    Some(match path {
        [Metadata] => Slot::Enter,
        [Metadata, UserId] => Slot::UserId,
        [Messages] => Slot::Turns,
        [Messages, Item] => Slot::Turn,
        [Messages, Item, Role] => Slot::Role,
        [Messages, Item, Content] => Slot::Content,
        [Messages, Item, Content, Item] => Slot::Part,
        [Messages, Item, Content, Item, Type] => Slot::PartType,
        [Messages, Item, Content, Item, Text] => Slot::PartText,
        [Messages, Item, Content, Item, ToolUseId] => Slot::PartCallId,
        _ => return None,
    })
}

/// The names in events and documents that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the member of that name")]
pub enum Name {
    /// An array's element.
    Item,
    Code,
    Content,
    ContentBlock,
    Delta,
    Error,
    Id,
    Index,
    Input,
    Message,
    Model,
    Name,
    PartialJson,
    StopReason,
    Thinking,
    Type,
    Usage,
}

impl json::Name for Name {
    const ITEM: Self = Self::Item;

    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "code" => Self::Code,
            "content" => Self::Content,
            "content_block" => Self::ContentBlock,
            "delta" => Self::Delta,
            "error" => Self::Error,
            "id" => Self::Id,
            "index" => Self::Index,
            "input" => Self::Input,
            "message" => Self::Message,
            "model" => Self::Model,
            "name" => Self::Name,
            "partial_json" => Self::PartialJson,
            "stop_reason" => Self::StopReason,
            "thinking" => Self::Thinking,
            "type" => Self::Type,
            "usage" => Self::Usage,
            _ => return None,
        })
    }
}

/// A text that an event or document may state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Field {
    Type,
    Id,
    Model,
    StopReason,
    Usage,
    BlockType,
    BlockId,
    BlockName,
    /// The arguments of a tool call, verbatim.
    BlockInput,
    BlockThinking,
    DeltaType,
    PartialJson,
    DeltaThinking,
    ErrorType,
    ErrorCode,
    ErrorMessage,
}

/// A usage object above this many bytes is not read: it is no count of tokens.
const USAGE_BYTES: usize = 4 * VERBATIM_BYTES;
/// Content blocks of a stream that are open at once; a provider has one or two.
const OPEN_BLOCKS: usize = 256;

/// What one event says, or one document says so far; and, across events, which blocks are open.
#[derive(Debug, Default)]
pub struct Reading {
    current: Option<Field>,
    said: Said,
    open: Vec<OpenBlock>,
}

/// What one event or document says.
#[derive(Debug, Default)]
struct Said {
    kind: Text,
    index: Option<u64>,
    id: Option<Text>,
    model: Option<Text>,
    stop_reason: Option<Text>,
    usage: Option<Text>,
    block: Block,
    delta_kind: Text,
    partial_json: Text,
    thinking: Text,
    error: Option<ApiErrorTexts>,
}

#[derive(Debug, Default)]
struct ApiErrorTexts {
    kind: Option<Text>,
    code: Option<Text>,
    message: Option<Text>,
}

#[derive(Debug, Default)]
struct Block {
    kind: Text,
    id: Option<Text>,
    name: Option<Text>,
    input: Text,
    thinking: Text,
}

/// A content block of a stream that has begun and not stopped.
#[derive(Debug)]
struct OpenBlock {
    index: u64,
    place: Place,
}

#[derive(Debug)]
enum Place {
    /// The tool call at that place, and the input that it began with: `{}` unless it comes whole.
    ToolCall(usize, String),
    /// The thought at that place.
    Thought(usize),
}

// === impl Reading ===

impl ObjectReader for Reading {
    type Name = Name;

    fn begin(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Want {
        self.current = None;
        let field = match (path, kind) {
            ([] | [Name::Message | Name::ContentBlock | Name::Delta], Kind::Object) => return Want::Read,
            ([Name::Content], Kind::Array) => return Want::Read,
            ([Name::Content, Name::Item], Kind::Object) => {
                self.said.block = Block::default();
                return Want::Read;
            }
            ([Name::Error], Kind::Object) => {
                self.said.error = Some(ApiErrorTexts::default());
                return Want::Read;
            }
            ([Name::Index], Kind::Number) => return Want::Read,
            ([Name::Usage] | [Name::Message, Name::Usage], Kind::Object) => Field::Usage,
            ([Name::ContentBlock, Name::Input] | [Name::Content, Name::Item, Name::Input], _)
                if keep.arguments =>
            {
                Field::BlockInput
            }
            (_, Kind::String) => match string_field(path, keep) {
                Some(field) => field,
                None => return Want::Skip,
            },
            _ => return Want::Skip,
        };
        self.current = Some(field);
        self.said.text(field).clear();
        if matches!(field, Field::Usage | Field::BlockInput) { Want::Raw } else { Want::Read }
    }

    fn text(&mut self, run: &str, keep: &Keep) {
        if let Some(field) = self.current {
            let limit = match field {
                Field::Usage => USAGE_BYTES,
                Field::BlockInput | Field::BlockThinking | Field::PartialJson | Field::DeltaThinking => {
                    keep.text_bytes.min(keep.total_bytes)
                }
                Field::Type
                | Field::Id
                | Field::Model
                | Field::StopReason
                | Field::BlockType
                | Field::BlockId
                | Field::BlockName
                | Field::DeltaType
                | Field::ErrorType
                | Field::ErrorCode
                | Field::ErrorMessage => NAME_BYTES,
            };
            self.said.text(field).push(run, limit);
        }
    }

    fn scalar(&mut self, path: &[Name], value: Scalar<'_>) {
        if let ([Name::Index], Scalar::Number(Some(number))) = (path, value) {
            self.said.index = number.parse().ok();
        }
    }

    fn document_end(&mut self, path: &[Name], answer: &mut Answer) {
        self.current = None;
        match path {
            [Name::Content, Name::Item] => {
                let block = core::mem::take(&mut self.said.block);
                begin_block(block, answer, true);
            }
            [] => {
                let said = core::mem::take(&mut self.said);
                if said.kind.as_str() == "error" {
                    answer.error = Some(said.api_error());
                } else {
                    said.message(answer, true);
                }
                answer.ended = true;
            }
            _ => {}
        }
    }

    fn event(&mut self, name: &[u8], answer: &mut Answer) {
        let said = core::mem::take(&mut self.said);
        if answer.ended {
            return;
        }
        let kind = if said.kind.is_empty() { name } else { said.kind.as_str().as_bytes() };
        match kind {
            b"message_start" => said.message(answer, false),
            b"content_block_start" => self.block_start(said, answer),
            b"content_block_delta" => self.block_delta(&said, answer),
            b"content_block_stop" => self.block_stop(said.index, answer),
            b"message_delta" => said.message(answer, true),
            b"message_stop" => answer.ended = true,
            b"error" => {
                answer.error = Some(said.api_error());
                answer.ended = true;
            }
            // New kinds of events may come at any time; they are the client's.
            _ => {}
        }
    }

    fn forget(&mut self) {
        self.said = Said::default();
    }
}

impl Reading {
    fn block_start(&mut self, said: Said, answer: &mut Answer) {
        let Some(index) = said.index else { return };
        self.open.retain(|open| open.index != index);
        let input = said.block.input.as_str().to_owned();
        let thinking = said.block.thinking.as_str().to_owned();
        let place = match begin_block(said.block, answer, false) {
            Some(Begun::ToolCall(at)) => Place::ToolCall(at, input),
            Some(Begun::Thought(at)) => {
                answer.add_thought(at, &thinking);
                Place::Thought(at)
            }
            None => return,
        };
        if self.open.len() < OPEN_BLOCKS {
            self.open.push(OpenBlock { index, place });
        }
    }

    fn block_delta(&mut self, said: &Said, answer: &mut Answer) {
        let open = self.open.iter().find(|open| Some(open.index) == said.index);
        // A delta of another kind may have members of the same name.
        match (open.map(|open| &open.place), said.delta_kind.as_str()) {
            (Some(Place::ToolCall(at, _)), "input_json_delta") => {
                note_cut(&said.partial_json, answer);
                answer.add_arguments(*at, said.partial_json.as_str());
            }
            (Some(Place::Thought(at)), "thinking_delta") => {
                note_cut(&said.thinking, answer);
                answer.add_thought(*at, said.thinking.as_str());
            }
            _ => {}
        }
    }

    fn block_stop(&mut self, index: Option<u64>, answer: &mut Answer) {
        let Some(found) = self.open.iter().position(|open| Some(open.index) == index) else { return };
        if let Place::ToolCall(at, begun_with) = self.open.swap_remove(found).place {
            // No deltas came: the call is as it began.
            if answer.tool_calls.get(at).is_some_and(|call| call.arguments.is_empty()) {
                answer.add_arguments(at, &begun_with);
            }
            if let Some(call) = answer.tool_calls.get_mut(at) {
                call.complete = true;
            }
        }
    }
}

/// A piece that was itself cut makes the text that it belongs to poorer.
fn note_cut(piece: &Text, answer: &mut Answer) {
    if piece.is_cut() {
        answer.notes.add(Note::TextCut);
    }
}

/// Which string stands at `path`.
fn string_field(path: &[Name], keep: &Keep) -> Option<Field> {
    Some(match path {
        [Name::Type] => Field::Type,
        [Name::Id] | [Name::Message, Name::Id] => Field::Id,
        [Name::Model] | [Name::Message, Name::Model] => Field::Model,
        [Name::StopReason] | [Name::Message | Name::Delta, Name::StopReason] => Field::StopReason,
        [Name::ContentBlock, Name::Type] | [Name::Content, Name::Item, Name::Type] => Field::BlockType,
        [Name::ContentBlock, Name::Id] | [Name::Content, Name::Item, Name::Id] => Field::BlockId,
        [Name::ContentBlock, Name::Name] | [Name::Content, Name::Item, Name::Name] => Field::BlockName,
        [Name::ContentBlock, Name::Thinking] | [Name::Content, Name::Item, Name::Thinking]
            if keep.thoughts =>
        {
            Field::BlockThinking
        }
        [Name::Delta, Name::Type] => Field::DeltaType,
        [Name::Delta, Name::PartialJson] if keep.arguments => Field::PartialJson,
        [Name::Delta, Name::Thinking] if keep.thoughts => Field::DeltaThinking,
        [Name::Error, Name::Type] => Field::ErrorType,
        [Name::Error, Name::Code] => Field::ErrorCode,
        [Name::Error, Name::Message] => Field::ErrorMessage,
        _ => return None,
    })
}

enum Begun {
    ToolCall(usize),
    Thought(usize),
}

/// Puts a block that has begun into the answer; `whole`: with everything it says, for it is over too.
fn begin_block(block: Block, answer: &mut Answer, whole: bool) -> Option<Begun> {
    let hosted = match block.kind.as_str() {
        "tool_use" => false,
        "server_tool_use" | "mcp_tool_use" => true,
        "thinking" => {
            let at = answer.begin_thought("thinking")?;
            if whole {
                note_cut(&block.thinking, answer);
                answer.add_thought(at, block.thinking.as_str());
            }
            return Some(Begun::Thought(at));
        }
        _ => return None,
    };
    let call = ToolCall {
        id: block.id.map(Text::into_string),
        name: block.name.map(Text::into_string),
        hosted,
        complete: whole,
        ..ToolCall::default()
    };
    let at = answer.begin_tool_call(call)?;
    if whole {
        note_cut(&block.input, answer);
        answer.add_arguments(at, block.input.as_str());
    }
    Some(Begun::ToolCall(at))
}

// === impl Said ===

impl Said {
    fn text(&mut self, field: Field) -> &mut Text {
        match field {
            Field::Type => &mut self.kind,
            Field::Id => self.id.get_or_insert_default(),
            Field::Model => self.model.get_or_insert_default(),
            Field::StopReason => self.stop_reason.get_or_insert_default(),
            Field::Usage => self.usage.get_or_insert_default(),
            Field::BlockType => &mut self.block.kind,
            Field::BlockId => self.block.id.get_or_insert_default(),
            Field::BlockName => self.block.name.get_or_insert_default(),
            Field::BlockInput => &mut self.block.input,
            Field::BlockThinking => &mut self.block.thinking,
            Field::DeltaType => &mut self.delta_kind,
            Field::PartialJson => &mut self.partial_json,
            Field::DeltaThinking => &mut self.thinking,
            Field::ErrorType => self.error.get_or_insert_default().kind.get_or_insert_default(),
            Field::ErrorCode => self.error.get_or_insert_default().code.get_or_insert_default(),
            Field::ErrorMessage => self.error.get_or_insert_default().message.get_or_insert_default(),
        }
    }

    /// What `message_start`, `message_delta` and a document say of the message; `last`: the usage is the final one.
    fn message(self, answer: &mut Answer, last: bool) {
        if let Some(id) = self.id {
            answer.id = Some(id.into_string());
        }
        if let Some(model) = self.model {
            answer.model = Some(model.into_string());
        }
        if let Some(reason) = self.stop_reason {
            answer.finish_reasons.clear();
            answer.finished(reason.as_str());
        }
        match self.usage {
            Some(usage) if usage.is_cut() => answer.notes.add(Note::UsageTooLarge),
            Some(usage) => answer.usage.take(Api::Messages, usage.as_str(), last),
            None => {}
        }
    }

    fn api_error(self) -> ApiError {
        let texts = self.error.unwrap_or_default();
        ApiError {
            kind: texts.kind.map(Text::into_string),
            code: texts.code.map(Text::into_string),
            message: texts.message.map(Text::into_string),
        }
    }
}
