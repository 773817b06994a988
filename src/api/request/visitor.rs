//! Collects the facts of a request from its values, in the order in which the scanner offers them.

use super::other_models::OtherModels;
use super::slot::DECIDING;
use super::turn::{Part, Turn};
use super::{
    AnsweredCall, MODEL_BYTES, Name, OtherSlot, Prompt, RequestBounds, RequestFacts, RequestRules, Slot,
};
use crate::api::usage_edit::Splice;
use crate::api::word::Word;
use crate::json::{Kind, MAX_PATH, Scalar, Visitor, Want};
use crate::note::Note;
use crate::text::Text;

/// Bytes kept of an identifier.
const ID_BYTES: usize = 1024;
/// Bytes kept of Claude Code's user id, a JSON text with three ids; `limits.reader_bytes` can lower it.
const USER_ID_BYTES: usize = 4096;

/// Reads the values of one request.
#[derive(Debug)]
pub(super) struct RequestVisitor {
    rules: &'static RequestRules,
    prompt_bytes: Option<usize>,
    user_id_bytes: usize,
    pub(super) facts: RequestFacts,
    pub(super) others: OtherModels,
    /// The edit of the body, in APIs that have it.
    pub(super) splice: Option<Splice>,
    /// Whether the body's `model` counts.
    pub(super) reads_model: bool,
    /// The response is a stream, whatever the body says.
    pub(super) is_streamed: bool,
    /// Which of [`DECIDING`] were seen, one bit each.
    decided: u8,
    /// The first of [`DECIDING`] that was seen twice.
    pub(super) repeated: Option<&'static str>,
    /// The slot of the string or scalar being read.
    current: Option<Slot>,
    /// The slots of the containers being read, by how many names their path has.
    containers: [Option<Slot>; MAX_PATH],
    model: Text,
    user_id: Text,
    turn: Turn,
    part: Part,
}

// === impl RequestVisitor ===

impl RequestVisitor {
    pub(super) fn new(rules: &'static RequestRules, bounds: RequestBounds) -> Self {
        Self {
            rules,
            prompt_bytes: bounds.prompt_bytes,
            user_id_bytes: bounds.reader_bytes.min(USER_ID_BYTES),
            facts: RequestFacts::default(),
            others: OtherModels::new(bounds.reader_bytes),
            splice: rules.usage_edit.then(Splice::default),
            reads_model: true,
            is_streamed: false,
            decided: 0,
            repeated: None,
            current: None,
            containers: [None; MAX_PATH],
            model: Text::default(),
            user_id: Text::default(),
            turn: Turn::default(),
            part: Part::default(),
        }
    }

    /// Whether what is at `path` is one of the request's texts, or holds only such. The tools of an item are read
    /// for their models and hold no texts.
    fn is_text(&self, path: &[Name]) -> bool {
        path.first().is_some_and(|name| self.rules.texts.below.contains(name))
            && !matches!(path, [_, Name::Item, Name::Tools, ..])
    }

    /// The word that a slot is, if it is one.
    #[inline(always)]
    fn word(&mut self, slot: Slot) -> Option<&mut Word> {
        if slot == Slot::Role {
            Some(&mut self.turn.role)
        } else if slot == Slot::TurnType {
            Some(&mut self.turn.kind)
        } else if slot == Slot::PartType {
            Some(&mut self.part.kind)
        } else {
            (slot == Slot::SourceType).then_some(&mut self.part.source_kind)
        }
    }

    /// Notes a deciding member, and whether it is repeated.
    fn note_deciding(&mut self, name: Name) {
        let Some((at, text)) = (0_u8..)
            .zip(DECIDING)
            .find_map(|(at, (deciding, text))| (deciding == name).then_some((at, text)))
        else {
            return;
        };
        let bit = 1 << at;
        if self.decided & bit != 0 {
            self.repeated.get_or_insert(text);
        }
        self.decided |= bit;
    }

    /// An empty prompt for a text that begins. `None`: prompts are not recorded, or the turn is not the user's. (The
    /// role may come after the text.)
    fn prompt(&self) -> Option<Prompt> {
        let may_be_user = self.turn.role.is_empty() || self.turn.role.is("user");
        self.prompt_bytes.filter(|_| may_be_user).map(Prompt::new)
    }

    fn forget_last_turn(&mut self) {
        self.facts.prompt = None;
        self.facts.correlating_tool_call_id = None;
    }

    /// Whether a value of this kind is the one element of a list that is stated without brackets.
    fn is_single(&self, kind: Kind) -> bool {
        self.rules.protobuf && kind == Kind::Object
    }

    fn begin_slot(&mut self, slot: Slot, kind: Kind, offset: u64) -> Want {
        let read = match (slot, kind) {
            (Slot::Container, Kind::Object | Kind::Array) => true,
            (Slot::Model, Kind::String) => true,
            (Slot::Background, Kind::Bool) => true,
            (Slot::Stream, _) => {
                if let Some(splice) = &mut self.splice {
                    splice.begin_stream(kind);
                }
                kind == Kind::Bool
            }
            (Slot::StreamOptions, _) => {
                self.splice.as_mut().is_some_and(|splice| splice.begin_options(kind, offset))
            }
            (Slot::IncludeUsage, _) => {
                self.splice.as_mut().is_some_and(|splice| splice.begin_include_usage(kind, offset))
            }
            (Slot::Turns | Slot::Input, _) => {
                // If the member is repeated, the last one counts.
                self.forget_last_turn();
                self.turn.clear();
                if slot == Slot::Input && kind == Kind::String {
                    self.turn.prompt = self.prompt();
                }
                kind == Kind::Array || self.is_single(kind) || self.turn.prompt.is_some()
            }
            (Slot::Turn, Kind::Object) => {
                self.turn.clear();
                self.others.begin_turn();
                true
            }
            // An element that is no object has no role, but still counts as the last one.
            (Slot::Turn, _) => {
                self.forget_last_turn();
                false
            }
            (Slot::Part, Kind::Object) => {
                self.part.clear();
                true
            }
            (Slot::Content, _) => {
                let is_text = kind == Kind::String && !self.rules.protobuf;
                self.turn.prompt = if is_text { self.prompt() } else { None };
                self.turn.answered_part = None;
                kind == Kind::Array || self.is_single(kind) || self.turn.prompt.is_some()
            }
            (Slot::Source, Kind::Object) | (Slot::SourceType, Kind::String) => self.part.source_kind.start(),
            (Slot::SourceData, Kind::String) => self.part.source_kind.is("text"),
            (Slot::PartText, Kind::String) => {
                self.part.text = self.prompt();
                self.part.text.is_some()
            }
            (Slot::Role, Kind::String) => self.turn.role.start(),
            (Slot::TurnType, Kind::String) => self.turn.kind.start(),
            (Slot::TurnCallId, Kind::String) => start(&mut self.turn.call_id),
            (Slot::PartType, Kind::String) => self.part.kind.start(),
            (Slot::PartCallId, Kind::String) => start(&mut self.part.call_id),
            (Slot::PartCallName, Kind::String) => start(&mut self.part.call_name),
            (Slot::Other(slot), _) => self.others.begin(slot, kind, &mut self.facts),
            (Slot::UserId, Kind::String) => start(&mut self.user_id),
            _ => false,
        };
        if read && matches!(kind, Kind::String | Kind::Bool | Kind::Null) {
            self.current = Some(slot);
        }
        match (slot, kind) {
            _ if !read => Want::Skip,
            (Slot::Input | Slot::Content | Slot::PartText | Slot::SourceData, Kind::String) => Want::Raw,
            (Slot::Turns | Slot::Input, Kind::Array) => Want::Latest,
            _ => Want::Read,
        }
    }

    fn end_part(&mut self) {
        let Part { kind, text, call_id, call_name, .. } = &mut self.part;
        if kind.is(self.rules.text_part) {
            match (text.take(), &mut self.turn.prompt) {
                (Some(text), Some(prompt)) if self.rules.joins_parts => prompt.append(&text),
                (Some(text), prompt) => *prompt = Some(text),
                (None, _) => {}
            }
        }
        if let AnsweredCall::InPart(part_type) = self.rules.answered_call
            && kind.is(part_type)
        {
            let call = [call_id, call_name].into_iter().find(|call| !call.is_empty());
            if let Some(call) = call {
                self.turn.answered_part = Some(call.as_str().to_owned());
            }
        }
        self.part.clear();
    }

    /// The facts are those of the last turn that is neither the system's nor the developer's. Google's API has no such turns:
    /// there the last one counts, whatever its role.
    fn end_turn(&mut self) {
        let Turn { role, kind, call_id, prompt, answered_part } = &mut self.turn;
        if self.rules.protobuf || !(role.is("system") || role.is("developer")) {
            let call_id = || (!call_id.is_empty()).then(|| call_id.as_str().to_owned());
            self.facts.correlating_tool_call_id = match self.rules.answered_call {
                AnsweredCall::InPart(_) => answered_part.take(),
                AnsweredCall::InRole(tool) if role.is(tool) => call_id(),
                AnsweredCall::InTurn(types) if types.iter().any(|known| kind.is(known)) => call_id(),
                AnsweredCall::InRole(_) | AnsweredCall::InTurn(_) => None,
            };
            let is_user = role.is("user") || (self.rules.protobuf && role.is_empty());
            self.facts.prompt = prompt.take().filter(|_| is_user);
        }
        self.turn.clear();
    }

    fn end_object(&mut self, path: &[Name], offset: u64) {
        match self.containers.get(path.len()).copied().flatten() {
            Some(Slot::Part | Slot::Content) => self.end_part(),
            Some(Slot::Turn | Slot::Turns) => self.end_turn(),
            Some(Slot::Other(OtherSlot::Tool)) => self.others.end_tool(&mut self.facts),
            Some(Slot::StreamOptions) => {
                if let Some(splice) = &mut self.splice {
                    splice.end_options(offset);
                }
            }
            _ => {}
        }
        if let Some(splice) = &mut self.splice {
            if path.is_empty() {
                splice.end_request(offset);
                if splice.is_left() {
                    self.facts.notes.add(Note::StreamOptionsLeft);
                }
            }
            self.facts.usage_spliced = splice.is_spliced();
        }
    }
}

/// Empties a text that begins. Returns that it is to be read.
fn start(text: &mut Text) -> bool {
    text.clear();
    true
}

impl Visitor for RequestVisitor {
    type Name = Name;

    fn begin(&mut self, path: &[Name], kind: Kind, offset: u64) -> Want {
        self.current = None;
        match path {
            [Name::Model] if !self.reads_model => return Want::Skip,
            [name] => self.note_deciding(*name),
            _ => {}
        }
        if self.repeated.is_some() {
            return Want::Skip;
        }
        match (self.rules.slot)(path) {
            Some(slot) => {
                if let Some(place) = self.containers.get_mut(path.len()) {
                    *place = Some(slot);
                }
                self.begin_slot(slot, kind, offset)
            }
            None if path.is_empty() => Want::Read,
            None => Want::Skip,
        }
    }

    fn counts(&mut self, path: &[Name], _kind: Kind) -> bool {
        self.is_text(path)
    }

    fn short_string(&mut self, path: &[Name], quoted: &[u8]) -> Option<(Want, bool)> {
        // A top-level member may decide how the request is handled.
        if path.len() < 2 || self.repeated.is_some() {
            return None;
        }
        let want = match (self.rules.slot)(path) {
            None => Want::Skip,
            Some(slot) => {
                let (word, [_, text @ .., _]) = (self.word(slot)?, quoted) else { return None };
                word.set(text);
                Want::Read
            }
        };
        Some((want, self.is_text(path)))
    }

    fn counts_unknown(&self, path: &[Name]) -> bool {
        self.is_text(path)
    }

    fn text(&mut self, _path: &[Name], run: &str) {
        if let Some(word) = self.current.and_then(|slot| self.word(slot)) {
            return word.push(run.as_bytes());
        }
        match self.current {
            Some(Slot::Model) => self.model.push(run, MODEL_BYTES),
            Some(Slot::TurnCallId) => self.turn.call_id.push(run, ID_BYTES),
            Some(Slot::PartCallId) => self.part.call_id.push(run, ID_BYTES),
            Some(Slot::PartCallName) => self.part.call_name.push(run, ID_BYTES),
            Some(Slot::UserId) => self.user_id.push(run, self.user_id_bytes),
            Some(Slot::Other(slot)) => {
                self.others.text(slot, run);
                0
            }
            // Texts of the user are read as raw JSON; words were read above; the other slots hold no string.
            Some(
                Slot::Container
                | Slot::Stream
                | Slot::Background
                | Slot::StreamOptions
                | Slot::IncludeUsage
                | Slot::Turns
                | Slot::Input
                | Slot::Turn
                | Slot::Content
                | Slot::Part
                | Slot::PartText
                | Slot::Source
                | Slot::SourceData
                | Slot::Role
                | Slot::TurnType
                | Slot::PartType
                | Slot::SourceType,
            )
            | None => 0,
        };
    }

    fn raw(&mut self, _path: &[Name], run: &[u8]) {
        let text = match self.current {
            Some(Slot::PartText) => &mut self.part.text,
            Some(Slot::SourceData) => return,
            _ => &mut self.turn.prompt,
        };
        if let Some(text) = text {
            text.push(run);
        }
    }

    fn scalar(&mut self, _path: &[Name], value: Scalar<'_>) {
        match (self.current.take(), value) {
            (Some(Slot::Stream), Scalar::Bool(stream)) => {
                self.facts.stream = stream || self.is_streamed;
                if let Some(splice) = &mut self.splice {
                    splice.stream(stream);
                }
            }
            (Some(Slot::Background), Scalar::Bool(background)) => self.facts.background = background,
            (Some(Slot::StreamOptions), Scalar::Null) => {
                if let Some(splice) = &mut self.splice {
                    splice.null_options();
                }
            }
            (Some(Slot::IncludeUsage), Scalar::Null | Scalar::Bool(_)) => {
                let include = if let Scalar::Bool(include) = value { Some(include) } else { None };
                if let Some(splice) = &mut self.splice {
                    splice.include_usage(include);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, path: &[Name], kind: Kind, offset: u64) {
        match self.current.take() {
            Some(Slot::Model) => self.facts.model = Some(core::mem::take(&mut self.model)),
            Some(Slot::Other(slot)) => self.others.end_text(slot, &mut self.facts),
            Some(Slot::UserId) if self.user_id.is_cut() => self.facts.notes.add(Note::ValueTooLarge),
            Some(Slot::UserId) => self.facts.user_id = Some(self.user_id.as_str().to_owned()),
            Some(Slot::Input) => self.facts.prompt = self.turn.prompt.take(),
            _ if kind == Kind::Object => self.end_object(path, offset),
            _ => {}
        }
    }
}
