//! Anthropic Messages, <https://docs.anthropic.com/en/api/messages> and
//! <https://docs.anthropic.com/en/docs/build-with-claude/streaming>.

mod said;

use crate::answer::{Answer, Keep, ToolCall};
use crate::api::request::{self, Slot};
use crate::api::response::{ObjectReader, Trace};
use crate::json::{Kind, Scalar, Want};
use crate::note::Note;
use crate::text::Text;
use core::mem::take;
use said::{Block, Said};

pub use said::Name;

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

/// Content blocks of a stream that are open at once; a provider has one or two.
const OPEN_BLOCKS: usize = 256;

/// What one event says, or one document says so far; and, across events, which blocks are open.
#[derive(Debug, Default)]
pub struct Reading {
    said: Said,
    open: Vec<OpenBlock>,
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
    ToolCall(usize, Text),
    /// The thought at that place.
    Thought(usize),
}

// === impl Reading ===

impl ObjectReader for Reading {
    type Name = Name;

    fn begin(&mut self, path: &[Name], kind: Kind, keep: &Keep) -> Want {
        self.said.begin(path, kind, keep)
    }

    fn text(&mut self, run: &str, keep: &Keep) {
        self.said.text(run, keep);
    }

    fn scalar(&mut self, path: &[Name], value: Scalar<'_>) {
        self.said.scalar(path, value);
    }

    fn document_end(&mut self, path: &[Name], answer: &mut Answer) {
        match path {
            [Name::Content, Name::Item] => {
                begin_block(&mut self.said.block, answer, true);
                self.said.block.clear();
            }
            [] => {
                let said = take(&mut self.said);
                if said.is_error() {
                    answer.error = Some(said.api_error());
                } else {
                    said.message(answer, true);
                }
                answer.ended = true;
            }
            _ => self.said.value_end(),
        }
    }

    fn document_cut(&mut self, answer: &mut Answer) {
        let mut said = take(&mut self.said);
        said.drop_unfinished();
        let mut block = take(&mut said.block);
        let (input, thinking) = (take(&mut block.input), take(&mut block.thinking));
        match begin_block(&mut block, answer, false) {
            Some(Begun::ToolCall(at)) => answer.add_arguments(at, input.as_str()),
            Some(Begun::Thought(at)) => answer.add_thought(at, thinking.as_str()),
            None => {}
        }
        if said.is_error() {
            answer.error = Some(said.api_error());
        } else {
            said.message(answer, true);
        }
    }

    fn event(&mut self, name: &[u8], answer: &mut Answer) -> Trace {
        let trace = if answer.ended { Trace::None } else { self.tell(name, answer) };
        self.said.clear();
        trace
    }

    fn unread(&mut self, name: &[u8], answer: &mut Answer) {
        self.forget();
        if name == ERROR && !answer.ended {
            fail(Said::default(), answer);
        }
    }

    fn forget(&mut self) {
        self.said.clear();
    }
}

/// The event that ends a stream badly. Its name says so, whatever its data says.
const ERROR: &[u8] = b"error";

fn fail(said: Said, answer: &mut Answer) {
    answer.error = Some(said.api_error());
    answer.ended = true;
}

impl Reading {
    /// What the event says goes into `answer`.
    fn tell(&mut self, name: &[u8], answer: &mut Answer) -> Trace {
        let said = &mut self.said;
        let kind = if said.kind.is_empty() || name == ERROR { name } else { said.kind.as_str().as_bytes() };
        match kind {
            b"message_start" => take(said).message(answer, false),
            b"content_block_start" => self.block_start(answer),
            b"content_block_delta" => return self.block_delta(answer),
            b"content_block_stop" => self.block_stop(answer),
            b"message_delta" => take(said).message(answer, true),
            b"message_stop" => {
                said.counted(answer);
                answer.ended = true;
            }
            ERROR => fail(take(said), answer),
            // New kinds of events may come at any time; they are the client's.
            _ => return Trace::None,
        }
        Trace::Left
    }

    fn block_start(&mut self, answer: &mut Answer) {
        let said = take(&mut self.said);
        let Some(index) = said.index else { return };
        self.open.retain(|open| open.index != index);
        let mut block = said.block;
        let (mut input, thinking) = (take(&mut block.input), take(&mut block.thinking));
        if self.held_bytes().saturating_add(input.as_str().len()) > answer.keep().total_bytes {
            // More than all texts of a record together: it could not be kept anyway.
            input = Text::default();
            answer.notes.add(Note::TextCut);
        }
        let place = match begin_block(&mut block, answer, false) {
            Some(Begun::ToolCall(at)) => Place::ToolCall(at, input),
            Some(Begun::Thought(at)) => {
                answer.add_thought(at, thinking.as_str());
                Place::Thought(at)
            }
            None => return,
        };
        if self.open.len() < OPEN_BLOCKS {
            self.open.push(OpenBlock { index, place });
        }
    }

    /// What open calls began with, all together.
    fn held_bytes(&self) -> usize {
        let held = self.open.iter().map(|open| match &open.place {
            Place::ToolCall(_, begun_with) => begun_with.as_str().len(),
            Place::Thought(_) => 0,
        });
        held.sum()
    }

    fn block_delta(&self, answer: &mut Answer) -> Trace {
        let said = &self.said;
        let open = self.open.iter().find(|open| Some(open.index) == said.index);
        // A delta of another kind may have members of the same name.
        match (open.map(|open| &open.place), said.delta_kind.as_str()) {
            (Some(Place::ToolCall(at, _)), "input_json_delta") if answer.keep().arguments => {
                note_cut(&said.partial_json, answer);
                answer.add_arguments(*at, said.partial_json.as_str());
            }
            (Some(Place::Thought(at)), "thinking_delta") => {
                note_cut(&said.thinking, answer);
                answer.add_thought(*at, said.thinking.as_str());
            }
            _ => return Trace::None,
        }
        Trace::Left
    }

    fn block_stop(&mut self, answer: &mut Answer) {
        let index = self.said.index;
        let Some(found) = self.open.iter().position(|open| Some(open.index) == index) else { return };
        if let Place::ToolCall(at, begun_with) = self.open.swap_remove(found).place {
            // No deltas came: the call is as it began.
            if answer.tool_calls.get(at).is_some_and(|call| call.arguments.is_empty()) {
                note_cut(&begun_with, answer);
                answer.add_arguments(at, begun_with.as_str());
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

enum Begun {
    ToolCall(usize),
    Thought(usize),
}

/// Puts a block that has begun into the answer; `whole`: with everything it says, for it is over too.
fn begin_block(block: &mut Block, answer: &mut Answer, whole: bool) -> Option<Begun> {
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
        id: block.id.take().map(Text::into_string),
        name: block.name.take().map(Text::into_string),
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
