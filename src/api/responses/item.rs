//! One output item as an event or document states it, and what it means for a record. What earlier events stated of it
//! is in [`known_items`](super::known_items).

use super::slot::{Argument, Form, ItemField};
use crate::answer::{Keep, NAME_BYTES};
use crate::text::Text;

/// The fields of an item, whose members can come in any order.
#[derive(Debug, Default)]
pub(super) struct Item {
    kind: Text,
    id: Option<Text>,
    call_id: Option<Text>,
    name: Option<Text>,
    status: Text,
    phase: Text,
    /// The type of the item decides which of them count.
    arguments: Vec<(Argument, Text, Notation)>,
    content: Text,
    part: Part,
    summary: Vec<Text>,
    summary_parts: usize,
}

/// One part of a message's content.
#[derive(Debug, Default)]
struct Part {
    kind: Text,
    text: Text,
}

/// Whether arguments can be JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    /// They may be JSON.
    Json,
    /// They are plain text even if they look like JSON.
    Plain,
}

/// What an item means for a record.
#[derive(Debug)]
pub(super) enum ItemMeaning {
    /// A tool call.
    Call(Box<Call>),
    /// Reasoning of the model.
    Thoughts(Thoughts),
}

/// A tool call as an item states it.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: Option<String>,
    pub(super) item_id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) arguments: Option<(Text, Notation)>,
    pub(super) hosted: bool,
    /// The item's status is `incomplete`.
    pub(super) cut: bool,
    /// The item's status is `in_progress`. In a finished item this is the status of its execution, e.g. of a shell
    /// command that the client runs.
    pub(super) running: bool,
}

/// Thoughts as an item states them.
#[derive(Debug)]
pub(super) struct Thoughts {
    pub(super) source: Source,
    pub(super) item_id: Option<String>,
    /// One text per part of a summary; one text for all parts of a message.
    pub(super) texts: Vec<Text>,
    /// Parts above the limit.
    pub(super) dropped: usize,
}

/// The kind of item that thoughts come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// The summary of a reasoning item.
    Summary,
    /// A message of the phase `commentary`.
    Commentary,
}

impl Source {
    /// The name in records.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Summary => "reasoning_summary",
            Self::Commentary => "commentary",
        }
    }
}

// === impl Item ===

impl Item {
    /// A part of the content begins.
    pub(super) fn begin_part(&mut self, keep: &Keep) {
        let part = core::mem::take(&mut self.part);
        if part.kind.as_str() == "output_text" {
            self.content.append(&part.text, keep.text_bytes);
        }
    }

    /// A part of the summary begins.
    pub(super) fn begin_summary_part(&mut self, keep: &Keep) {
        self.summary_parts = self.summary_parts.saturating_add(1);
        if self.summary.len() < keep.thought_count {
            self.summary.push(Text::default());
        }
    }

    /// A text of `field` begins, and replaces an earlier one. Returns `false` if it is not to be read.
    pub(super) fn begin(&mut self, field: ItemField, form: Form, keep: &Keep) -> bool {
        match field {
            ItemField::Argument(_) if !keep.arguments => return false,
            ItemField::PartText | ItemField::SummaryText if !keep.thoughts => return false,
            ItemField::SummaryText if self.summary_parts > self.summary.len() => return false,
            ItemField::Argument(member) => {
                let text = form == Form::Text && matches!(member, Argument::Input | Argument::Code);
                let notation = if text { Notation::Plain } else { Notation::Json };
                self.arguments.retain(|(known, _, _)| *known != member);
                self.arguments.push((member, Text::default(), notation));
            }
            ItemField::Type
            | ItemField::Id
            | ItemField::CallId
            | ItemField::ToolName
            | ItemField::Status
            | ItemField::Phase
            | ItemField::PartType
            | ItemField::PartText
            | ItemField::SummaryText => {
                if let Some(text) = self.text(field) {
                    text.clear();
                }
            }
        }
        true
    }

    /// Appends to the text of `field`. At most `room` bytes of arguments and thoughts are kept; returns how many were.
    pub(super) fn push(&mut self, field: ItemField, run: &str, keep: &Keep, room: usize) -> usize {
        let Some(text) = self.text(field) else { return 0 };
        if matches!(field, ItemField::Argument(_) | ItemField::PartText | ItemField::SummaryText) {
            text.push(run, keep.text_bytes.min(text.as_str().len().saturating_add(room)))
        } else {
            text.push(run, NAME_BYTES);
            0
        }
    }

    fn text(&mut self, field: ItemField) -> Option<&mut Text> {
        Some(match field {
            ItemField::Type => &mut self.kind,
            ItemField::Id => self.id.get_or_insert_default(),
            ItemField::CallId => self.call_id.get_or_insert_default(),
            ItemField::ToolName => self.name.get_or_insert_default(),
            ItemField::Status => &mut self.status,
            ItemField::Phase => &mut self.phase,
            ItemField::Argument(_) => &mut self.arguments.last_mut()?.1,
            ItemField::PartType => &mut self.part.kind,
            ItemField::PartText => &mut self.part.text,
            ItemField::SummaryText => self.summary.last_mut()?,
        })
    }

    /// What the item, which has ended, means for a record. `None`: nothing.
    pub(super) fn meaning(mut self, keep: &Keep) -> Option<ItemMeaning> {
        let (hosted, argument) = match self.kind.as_str() {
            "function_call" => (false, Some(Argument::Arguments)),
            "custom_tool_call" => (false, Some(Argument::Input)),
            "mcp_call" | "tool_search_call" => (true, Some(Argument::Arguments)),
            "web_search_call" | "computer_call" | "local_shell_call" | "shell_call" => {
                (true, Some(Argument::Action))
            }
            "file_search_call" => (true, Some(Argument::Queries)),
            "code_interpreter_call" => (true, Some(Argument::Code)),
            "apply_patch_call" => (true, Some(Argument::Operation)),
            // Its item contains the picture, which is not recorded, and no arguments.
            "image_generation_call" => (true, None),
            "reasoning" => {
                let dropped = self.summary_parts.saturating_sub(self.summary.len());
                return Some(ItemMeaning::Thoughts(Thoughts {
                    source: Source::Summary,
                    item_id: stated(self.id),
                    texts: self.summary,
                    dropped,
                }));
            }
            "message" if self.phase.as_str() == "commentary" => {
                self.begin_part(keep);
                return Some(ItemMeaning::Thoughts(Thoughts {
                    source: Source::Commentary,
                    item_id: stated(self.id),
                    texts: vec![self.content],
                    dropped: 0,
                }));
            }
            // Other messages are the answer's text. OpenAI adds new types of items; they are not recorded.
            _ => return None,
        };
        let name = if hosted && self.kind.as_str() != "mcp_call" {
            self.kind.as_str().strip_suffix("_call").map(str::to_owned)
        } else {
            stated(self.name.take())
        };
        let mut arguments = argument.and_then(|member| self.argument(member));
        if argument == Some(Argument::Action) {
            // A computer call has one action or several.
            arguments = arguments.or_else(|| self.argument(Argument::Actions));
        }
        Some(ItemMeaning::Call(Box::new(Call {
            id: stated(self.call_id),
            item_id: stated(self.id),
            name,
            arguments,
            hosted,
            cut: self.status.as_str() == "incomplete",
            running: self.status.as_str() == "in_progress",
        })))
    }
}

impl Item {
    fn argument(&mut self, member: Argument) -> Option<(Text, Notation)> {
        let at = self.arguments.iter().position(|(known, _, _)| *known == member)?;
        let (_, text, notation) = self.arguments.swap_remove(at);
        Some((text, notation))
    }
}

impl Thoughts {
    /// Drops the texts above `count`.
    pub(super) fn keep(&mut self, count: usize) {
        self.dropped = self.dropped.saturating_add(self.texts.len().saturating_sub(count));
        self.texts.truncate(count);
    }
}

impl ItemMeaning {
    /// Bytes of its texts.
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Call(call) => call.arguments.as_ref().map_or(0, |(text, _)| text.as_str().len()),
            Self::Thoughts(thoughts) => thoughts.texts.iter().map(|text| text.as_str().len()).sum(),
        }
    }
}

/// An empty identifier counts as absent.
fn stated(text: Option<Text>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(Text::into_string)
}
