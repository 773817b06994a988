//! Content blocks: which of them are tool calls or thoughts, and which are open in a stream.

use super::event_fields::{BlockFields, EventFields, Field};
use crate::answer::{Answer, ToolCall};
use crate::api::response::{Change, Place};
use crate::note::Note;
use crate::text::Text;
use core::mem::take;

/// Limit of content blocks of a stream that are open at once; a provider has one or two.
const OPEN_BLOCKS: usize = 256;

/// The content blocks of a stream that have begun and not ended.
#[derive(Debug, Default)]
pub(super) struct OpenBlocks(Vec<OpenBlock>);

#[derive(Debug)]
struct OpenBlock {
    index: u64,
    content: BlockContent,
}

#[derive(Debug)]
enum BlockContent {
    /// The position of a tool call in the answer, and the input that it began with: `{}`, or all of it if no deltas
    /// come.
    ToolCall(usize, Text),
    /// The position of a thought in the answer.
    Thought(usize),
}

/// The position in the answer of a block that has begun.
pub(super) enum BegunBlock {
    ToolCall(usize),
    Thought(usize),
    /// Another model goes on with the answer; the answer names it. It has no position.
    /// <https://platform.claude.com/docs/en/build-with-claude/refusals-and-fallback>
    Fallback,
}

// === impl OpenBlocks ===

impl OpenBlocks {
    /// `content_block_start`. Returns whether it names another model that goes on.
    pub(super) fn start(&mut self, fields: &mut EventFields, answer: &mut Answer) -> bool {
        let block = &mut fields.block;
        let Some(index) = fields.index else {
            return block.kind.is("fallback") && begin_block(block, answer, false).is_some();
        };
        self.0.retain(|open| open.index != index);
        let (mut input, thinking) = (take(&mut block.input), take(&mut block.thinking));
        if self.input_bytes().saturating_add(input.as_str().len()) > answer.keep().total_bytes {
            // More than all texts of a record together: it could not be recorded.
            input = Text::default();
            answer.notes.add(Note::TextCut);
        }
        let content = match begin_block(block, answer, false) {
            Some(BegunBlock::ToolCall(at)) => BlockContent::ToolCall(at, input),
            Some(BegunBlock::Thought(at)) => {
                answer.add_thought(at, thinking.as_str());
                BlockContent::Thought(at)
            }
            Some(BegunBlock::Fallback) => return true,
            None => return false,
        };
        if self.0.len() < OPEN_BLOCKS {
            self.0.push(OpenBlock { index, content });
        }
        false
    }

    /// Bytes of the inputs that open tool calls began with.
    fn input_bytes(&self) -> usize {
        let inputs = self.0.iter().map(|open| match &open.content {
            BlockContent::ToolCall(_, begun_with) => begun_with.as_str().len(),
            BlockContent::Thought(_) => 0,
        });
        inputs.sum()
    }

    /// The event `content_block_delta`: more of an open block.
    pub(super) fn delta(&self, fields: &EventFields, answer: &mut Answer) -> Change {
        let open = self.0.iter().find(|open| Some(open.index) == fields.index);
        // Deltas of other kinds can have members of the same names.
        match (open.map(|open| &open.content), fields.delta_kind.as_bytes()) {
            (Some(BlockContent::ToolCall(at, _)), b"input_json_delta") if answer.keep().arguments => {
                answer.add_arguments_piece(*at, &fields.partial_json);
                fields.appended(Field::PartialJson, Place::Arguments(*at))
            }
            (Some(BlockContent::Thought(at)), b"thinking_delta") => {
                answer.add_thought_piece(*at, &fields.thinking);
                fields.appended(Field::DeltaThinking, Place::Thought(*at))
            }
            _ => Change::NONE,
        }
    }

    /// The event `content_block_stop`: an open block is complete.
    pub(super) fn stop(&mut self, fields: &EventFields, answer: &mut Answer) {
        let index = fields.index;
        let Some(found) = self.0.iter().position(|open| Some(open.index) == index) else { return };
        if let BlockContent::ToolCall(at, begun_with) = self.0.swap_remove(found).content {
            if answer.tool_calls.get(at).is_some_and(|call| call.arguments.is_empty()) {
                // No deltas came: the call has the input that it began with.
                answer.give_arguments(at, begun_with, true);
            }
            if let Some(call) = answer.tool_calls.get_mut(at) {
                call.complete = true;
            }
        }
    }
}

/// Adds a block that has begun to the answer, if it is a tool call or a thought or names another model. `whole`: the block has ended too, and
/// its texts are added.
pub(super) fn begin_block(block: &mut BlockFields, answer: &mut Answer, whole: bool) -> Option<BegunBlock> {
    let hosted = match block.kind.as_bytes() {
        b"tool_use" => false,
        b"server_tool_use" | b"mcp_tool_use" => true,
        b"thinking" => {
            let at = answer.begin_thought("thinking")?;
            if whole {
                answer.add_thought_piece(at, &block.thinking);
            }
            return Some(BegunBlock::Thought(at));
        }
        b"fallback" => {
            let model = block.fallback_model.take().filter(|model| !model.is_empty())?;
            answer.model = Some(model.into_string());
            return Some(BegunBlock::Fallback);
        }
        _ => return None,
    };
    let is_mcp = block.kind.is("mcp_tool_use");
    let call = ToolCall {
        id: block.id.take().map(Text::into_string),
        name: block.name.take().map(Text::into_string),
        server: block.server.take().filter(|name| is_mcp && !name.is_empty()).map(Text::into_string),
        hosted,
        complete: whole,
        ..ToolCall::default()
    };
    let at = answer.begin_tool_call(call)?;
    if whole {
        answer.give_arguments(at, take(&mut block.input), true);
    }
    Some(BegunBlock::ToolCall(at))
}
