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
    namespace: Option<Text>,
    server_label: Option<Text>,
    /// Which side runs a call or wrote a message.
    side: Text,
    status: Text,
    phase: Text,
    /// The type of the item decides which of them count.
    arguments: Vec<(Argument, Text, Notation)>,
    /// The texts of a message, joined.
    content: Text,
    /// Raw reasoning: the texts of content parts of that type, with their positions.
    reasoning: Vec<(u64, Text)>,
    /// Parts of raw reasoning above the limit.
    reasoning_dropped: usize,
    /// Parts of the content that have ended.
    parts: u64,
    part: Option<Part>,
    summary: Vec<Text>,
    summary_parts: usize,
}

/// One part of an item's content.
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
    pub(super) server: Option<String>,
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
    /// It is a message of the phase `commentary`, not a reasoning item.
    pub(super) is_commentary: bool,
    pub(super) item_id: Option<String>,
    /// One text per part of reasoning or its summary; one text for all parts of a message.
    pub(super) texts: Vec<PartText>,
    /// Parts above the limit: of the summary or message, and of raw reasoning.
    pub(super) dropped: [(Source, usize); 2],
}

/// The text of one part.
#[derive(Debug)]
pub(super) struct PartText {
    pub(super) source: Source,
    /// The position of the part in its list.
    pub(super) part: u64,
    pub(super) text: Text,
}

/// What a thought was taken from. Thoughts of one item are recorded in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// The summary of a reasoning item.
    #[default]
    Summary,
    /// The content of a reasoning item: the reasoning itself.
    Reasoning,
    /// A message of the phase `commentary`.
    Commentary,
}

impl Source {
    /// The name in records.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Summary => "reasoning_summary",
            Self::Reasoning => "reasoning",
            Self::Commentary => "commentary",
        }
    }
}

// === impl Item ===

impl Item {
    /// A part of the content begins.
    pub(super) fn begin_part(&mut self, keep: &Keep) {
        self.end_part(keep);
        self.part = Some(Part::default());
    }

    /// The part of the content being read has ended, if there is one.
    fn end_part(&mut self, keep: &Keep) {
        let Some(part) = self.part.take() else { return };
        match part.kind.as_str() {
            "output_text" => {
                self.content.append(&part.text, keep.text_bytes);
            }
            "reasoning_text" if self.reasoning.len() < keep.thought_count => {
                self.reasoning.push((self.parts, part.text));
            }
            "reasoning_text" => self.reasoning_dropped = self.reasoning_dropped.saturating_add(1),
            _ => {}
        }
        self.parts = self.parts.saturating_add(1);
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
            | ItemField::Namespace
            | ItemField::ServerLabel
            | ItemField::Side
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
            ItemField::Namespace => self.namespace.get_or_insert_default(),
            ItemField::ServerLabel => self.server_label.get_or_insert_default(),
            ItemField::Side => &mut self.side,
            ItemField::Status => &mut self.status,
            ItemField::Phase => &mut self.phase,
            ItemField::Argument(_) => &mut self.arguments.last_mut()?.1,
            ItemField::PartType => &mut self.part.as_mut()?.kind,
            ItemField::PartText => &mut self.part.as_mut()?.text,
            ItemField::SummaryText => self.summary.last_mut()?,
        })
    }

    /// What the item, which has ended, means for a record. `None`: nothing.
    pub(super) fn meaning(mut self, keep: &Keep) -> Option<ItemMeaning> {
        // The caller runs a tool if it must send its output; the provider runs the others.
        let has_call_id = self.call_id.as_ref().is_some_and(|id| !id.is_empty());
        let (hosted, argument) = match self.kind.as_str() {
            "function_call" => (false, Some(Argument::Arguments)),
            "custom_tool_call" => (false, Some(Argument::Input)),
            "computer_call" | "local_shell_call" => (false, Some(Argument::Action)),
            "apply_patch_call" => (false, Some(Argument::Operation)),
            "shell_call" => (is_hosted(&self.side, "local", has_call_id), Some(Argument::Action)),
            "tool_search_call" => (is_hosted(&self.side, "client", has_call_id), Some(Argument::Arguments)),
            "mcp_call" => (true, Some(Argument::Arguments)),
            "web_search_call" => (true, Some(Argument::Action)),
            "file_search_call" => (true, Some(Argument::Queries)),
            "code_interpreter_call" => (true, Some(Argument::Code)),
            // Its item contains the picture, which is not recorded, and no arguments.
            "image_generation_call" => (true, None),
            "reasoning" => return Some(ItemMeaning::Thoughts(self.reasoning(keep))),
            "message"
                if self.phase.as_str() == "commentary" && matches!(self.side.as_str(), "" | "assistant") =>
            {
                return Some(ItemMeaning::Thoughts(self.commentary(keep)));
            }
            // Other messages are the answer's text. OpenAI adds new types of items; they are not recorded.
            _ => return None,
        };
        let (name, server) = match self.kind.as_str() {
            "function_call" | "custom_tool_call" => (stated(self.name.take()), stated(self.namespace.take())),
            "mcp_call" => (stated(self.name.take()), stated(self.server_label.take())),
            kind => (kind.strip_suffix("_call").map(str::to_owned), None),
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
            server,
            arguments,
            hosted,
            cut: self.status.as_str() == "incomplete",
            running: self.status.as_str() == "in_progress",
        })))
    }

    /// The thoughts of a reasoning item.
    fn reasoning(mut self, keep: &Keep) -> Thoughts {
        self.end_part(keep);
        let summary_dropped = self.summary_parts.saturating_sub(self.summary.len());
        let summary =
            (0..).zip(self.summary).map(|(part, text)| PartText { source: Source::Summary, part, text });
        let reasoning = self.reasoning.into_iter();
        let reasoning = reasoning.map(|(part, text)| PartText { source: Source::Reasoning, part, text });
        Thoughts {
            is_commentary: false,
            item_id: stated(self.id),
            texts: summary.chain(reasoning).collect(),
            dropped: [(Source::Summary, summary_dropped), (Source::Reasoning, self.reasoning_dropped)],
        }
    }

    /// The thought of a message of the phase `commentary`.
    fn commentary(mut self, keep: &Keep) -> Thoughts {
        self.end_part(keep);
        Thoughts {
            is_commentary: true,
            item_id: stated(self.id),
            texts: vec![PartText { source: Source::Commentary, part: 0, text: self.content }],
            dropped: [(Source::Commentary, 0), (Source::Reasoning, 0)],
        }
    }
}

/// Whether the provider runs a tool that a client can run too. `place`: who runs it or where, if that is stated;
/// `of_client`: the client's.
fn is_hosted(place: &Text, of_client: &str, has_call_id: bool) -> bool {
    if place.is_empty() { !has_call_id } else { place.as_str() != of_client }
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
        for PartText { source, .. } in self.texts.drain(count.min(self.texts.len())..) {
            for (of, dropped) in &mut self.dropped {
                *dropped = dropped.saturating_add(usize::from(*of == source));
            }
        }
    }

    /// How many parts are above the limit.
    pub(super) fn dropped(&self) -> usize {
        self.dropped.iter().fold(0, |sum, (_, dropped)| sum.saturating_add(*dropped))
    }
}

impl ItemMeaning {
    /// Bytes of its texts.
    pub(super) fn text_bytes(&self) -> usize {
        match self {
            Self::Call(call) => call.arguments.as_ref().map_or(0, |(text, _)| text.as_str().len()),
            Self::Thoughts(thoughts) => thoughts.texts.iter().map(|part| part.text.as_str().len()).sum(),
        }
    }
}

/// An empty identifier counts as absent.
fn stated(text: Option<Text>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(Text::into_string)
}
