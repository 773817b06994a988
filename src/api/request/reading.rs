//! What slots mean: a request's values as the scanner offers them, taken in one by one.

use super::{Name, Prompt, RequestBounds, RequestFacts, Slot};
use crate::api::chat_completions::{self, Splice};
use crate::api::{Api, messages, responses};
use crate::json::{Kind, Scalar, Visitor, Want};
use crate::note::Note;
use crate::text::Text;

/// The top-level members that decide something.
const DECIDING: [(Name, &str); 5] = [
    (Name::Model, "model"),
    (Name::Stream, "stream"),
    (Name::StreamOptions, "stream_options"),
    (Name::Background, "background"),
    (Name::Store, "store"),
];
/// Bytes of a model's name; a longer one is recorded cut, and no policy allows it.
pub const MODEL_BYTES: usize = 1024;
/// Bytes of identifiers.
const ID_BYTES: usize = 1024;
/// Bytes of Claude Code's user id, a JSON text with three ids, where the reader may have as many.
const USER_ID_BYTES: usize = 4096;
/// Bytes of the words that are compared: roles and types.
const WORD_BYTES: usize = 64;

#[derive(Debug)]
pub(super) struct Reading {
    api: Api,
    prompt_bytes: Option<usize>,
    user_id_bytes: usize,
    pub(super) facts: RequestFacts,
    /// Chat Completions: the edit of the body.
    pub(super) splice: Option<Splice>,
    /// Top-level members seen that may stand once, a bit each.
    decided: u8,
    pub(super) repeated: Option<&'static str>,
    /// What the string being read means; it goes to the text of that name.
    current: Option<Current>,
    model: Text,
    user_id: Text,
    turn: Turn,
    part: Part,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Current {
    Model,
    Slot(Slot),
}

/// The turn being read.
#[derive(Debug, Default)]
struct Turn {
    role: Text,
    kind: Text,
    call_id: Text,
    prompt: Option<Prompt>,
    answered_part: Option<String>,
}

/// The part of a turn being read.
#[derive(Debug, Default)]
struct Part {
    kind: Text,
    text: Option<Prompt>,
    call_id: Text,
}

// === impl Reading ===

impl Reading {
    pub(super) fn new(api: Api, bounds: RequestBounds) -> Self {
        Self {
            api,
            prompt_bytes: bounds.prompt_bytes,
            user_id_bytes: bounds.reader_bytes.min(USER_ID_BYTES),
            facts: RequestFacts::default(),
            splice: (api == Api::ChatCompletions).then(Splice::default),
            decided: 0,
            repeated: None,
            current: None,
            model: Text::default(),
            user_id: Text::default(),
            turn: Turn::default(),
            part: Part::default(),
        }
    }

    fn slot(&self, path: &[Name]) -> Option<Slot> {
        match self.api {
            Api::Messages => messages::request_slot(path),
            Api::ChatCompletions => chat_completions::request_slot(path),
            Api::Responses => responses::request_slot(path),
        }
    }

    /// A member that decides something may stand once: the upstream may believe the other one.
    fn decide(&mut self, name: Name) {
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

    /// The user's text begins, unless somebody else is known to speak.
    fn prompt(&self) -> Option<Prompt> {
        let perhaps = self.turn.role.is_empty() || self.turn.role.as_str() == "user";
        self.prompt_bytes.filter(|_| perhaps).map(Prompt::new)
    }

    fn forget_turn(&mut self) {
        self.facts.prompt = None;
        self.facts.correlating_tool_call_id = None;
    }

    fn begin_slot(&mut self, slot: Slot, kind: Kind) -> Want {
        let wanted = match (slot, kind) {
            (Slot::Enter, Kind::Object | Kind::Array) => true,
            (Slot::Turns | Slot::Input, _) => {
                // Of a member that stands twice the last counts.
                self.forget_turn();
                self.turn.clear();
                if slot == Slot::Input && kind == Kind::String {
                    self.turn.prompt = self.prompt();
                }
                kind == Kind::Array || self.turn.prompt.is_some()
            }
            (Slot::Turn, Kind::Object) => {
                self.turn.clear();
                true
            }
            // No turn at all is nobody's, and the last all the same.
            (Slot::Turn, _) => {
                self.forget_turn();
                false
            }
            (Slot::Part, Kind::Object) => {
                self.part.clear();
                true
            }
            (Slot::Content, _) => {
                self.turn.prompt = if kind == Kind::String { self.prompt() } else { None };
                self.turn.answered_part = None;
                kind == Kind::Array || self.turn.prompt.is_some()
            }
            (Slot::PartText, Kind::String) => {
                self.part.text = self.prompt();
                self.part.text.is_some()
            }
            (Slot::Role, Kind::String) => self.start(|reading| &mut reading.turn.role),
            (Slot::TurnType, Kind::String) => self.start(|reading| &mut reading.turn.kind),
            (Slot::TurnCallId, Kind::String) => self.start(|reading| &mut reading.turn.call_id),
            (Slot::PartType, Kind::String) => self.start(|reading| &mut reading.part.kind),
            (Slot::PartCallId, Kind::String) => self.start(|reading| &mut reading.part.call_id),
            (Slot::UserId, Kind::String) => self.start(|reading| &mut reading.user_id),
            _ => false,
        };
        if kind == Kind::String {
            self.current = Some(Current::Slot(slot));
        }
        match (slot, kind) {
            _ if !wanted => Want::Skip,
            (Slot::Input | Slot::Content | Slot::PartText, Kind::String) => Want::Raw,
            _ => Want::Read,
        }
    }

    fn start(&mut self, text: impl Fn(&mut Self) -> &mut Text) -> bool {
        text(self).clear();
        true
    }

    fn end_part(&mut self) {
        let Part { kind, text, call_id } = &mut self.part;
        match (self.api, kind.as_str(), text.take()) {
            (Api::Messages | Api::ChatCompletions, "text", Some(text)) => self.turn.prompt = Some(text),
            (Api::Responses, "input_text", Some(text)) => match &mut self.turn.prompt {
                Some(prompt) => prompt.append(&text),
                None => self.turn.prompt = Some(text),
            },
            (Api::Messages, "tool_result", _) if !call_id.is_empty() => {
                self.turn.answered_part = Some(call_id.as_str().to_owned());
            }
            _ => {}
        }
        self.part.clear();
    }

    /// The last turn that is neither the system's nor the developer's decides.
    fn end_turn(&mut self) {
        let Turn { role, kind, call_id, prompt, answered_part } = &mut self.turn;
        let role = role.as_str();
        if !matches!(role, "system" | "developer") {
            let call_id = || (!call_id.is_empty()).then(|| call_id.as_str().to_owned());
            self.facts.correlating_tool_call_id = match (self.api, kind.as_str()) {
                (Api::Messages, _) => answered_part.take(),
                (Api::ChatCompletions, _) if role == "tool" => call_id(),
                (Api::Responses, "function_call_output" | "custom_tool_call_output") => call_id(),
                (Api::ChatCompletions | Api::Responses, _) => None,
            };
            self.facts.prompt = prompt.take().filter(|_| role == "user");
        }
        self.turn.clear();
    }
}

impl Turn {
    /// As new, with the memory of its words.
    fn clear(&mut self) {
        let Self { role, kind, call_id, prompt, answered_part } = self;
        [role, kind, call_id].into_iter().for_each(Text::clear);
        (*prompt, *answered_part) = (None, None);
    }
}

impl Part {
    /// As new, with the memory of its words.
    fn clear(&mut self) {
        let Self { kind, text, call_id } = self;
        [kind, call_id].into_iter().for_each(Text::clear);
        *text = None;
    }
}

impl Visitor for Reading {
    type Name = Name;

    fn begin(&mut self, path: &[Name], kind: Kind, offset: u64) -> Want {
        self.current = None;
        if let [name] = path {
            self.decide(*name);
        }
        if self.repeated.is_some() {
            return Want::Skip;
        }
        if let Some(splice) = &mut self.splice
            && let Some(want) = splice.begin(path, kind, offset)
        {
            return want;
        }
        if let [name] = path {
            match (name, kind) {
                (Name::Model, Kind::String) => {
                    self.current = Some(Current::Model);
                    return Want::Read;
                }
                (Name::Stream | Name::Background, Kind::Bool) => return Want::Read,
                _ => {}
            }
        }
        match self.slot(path) {
            Some(slot) => self.begin_slot(slot, kind),
            None if path.is_empty() => Want::Read,
            None => Want::Skip,
        }
    }

    fn text(&mut self, _path: &[Name], run: &str) {
        match self.current {
            Some(Current::Model) => self.model.push(run, MODEL_BYTES),
            Some(Current::Slot(slot)) => match slot {
                Slot::Role => self.turn.role.push(run, WORD_BYTES),
                Slot::TurnType => self.turn.kind.push(run, WORD_BYTES),
                Slot::TurnCallId => self.turn.call_id.push(run, ID_BYTES),
                Slot::PartType => self.part.kind.push(run, WORD_BYTES),
                Slot::PartCallId => self.part.call_id.push(run, ID_BYTES),
                Slot::UserId => self.user_id.push(run, self.user_id_bytes),
                Slot::Enter | Slot::Turns | Slot::Turn | Slot::Part => 0,
                // They are raw.
                Slot::Input | Slot::Content | Slot::PartText => 0,
            },
            None => 0,
        };
    }

    fn raw(&mut self, _path: &[Name], run: &[u8]) {
        let text = match self.current {
            Some(Current::Slot(Slot::PartText)) => &mut self.part.text,
            _ => &mut self.turn.prompt,
        };
        if let Some(text) = text {
            text.push(run);
        }
    }

    fn scalar(&mut self, path: &[Name], value: Scalar<'_>) {
        if let Some(splice) = &mut self.splice {
            splice.scalar(path, value);
        }
        let truth = matches!(value, Scalar::Bool(true));
        match path {
            [Name::Stream] => self.facts.stream = truth,
            [Name::Background] => self.facts.background = truth,
            _ => {}
        }
    }

    fn end(&mut self, path: &[Name], kind: Kind, offset: u64) {
        if let (Some(splice), Kind::Object) = (&mut self.splice, kind) {
            splice.end(path, offset);
            self.facts.usage_spliced = splice.is_spliced();
            if path.is_empty() && splice.is_left() {
                self.facts.notes.add(Note::StreamOptionsLeft);
            }
        }
        match self.current.take() {
            Some(Current::Model) => {
                self.facts.model = Some(core::mem::take(&mut self.model));
                return;
            }
            Some(Current::Slot(Slot::UserId)) => {
                if self.user_id.is_cut() {
                    self.facts.notes.add(Note::ValueTooLarge);
                } else {
                    self.facts.user_id = Some(self.user_id.as_str().to_owned());
                }
                return;
            }
            Some(Current::Slot(Slot::Input)) => {
                self.facts.prompt = self.turn.prompt.take();
                return;
            }
            _ => {}
        }
        if kind == Kind::Object {
            match self.slot(path) {
                Some(Slot::Part) => self.end_part(),
                Some(Slot::Turn) => self.end_turn(),
                _ => {}
            }
        }
    }
}
