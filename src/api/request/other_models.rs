//! Collects and judges the other models that a request names: advisors and other models of tools, fallbacks,
//! alternatives.

use super::judge::Judge;
use super::{MODEL_BYTES, ModelRefusal, OtherList, OtherSlot, RequestFacts, Unreadable};
use crate::fnv::Fnv;
use crate::json::Kind;
use crate::note::Note;
use crate::text::Text;
use core::hash::Hasher;

/// Most other models in a record.
const ALSO_REQUESTED: usize = 64;
/// Most bytes of other models' names in a record; `limits.reader_bytes` can lower it.
const ALSO_REQUESTED_BYTES: usize = 16 * 1024;
/// Bytes kept of a tool's `type`, which is only compared.
const TYPE_BYTES: usize = 64;
/// The `type` of tools that the caller runs. Their `parameters` are a JSON schema.
const FUNCTION: &str = "function";

/// Reads the members by which a request has another model used.
#[derive(Debug)]
pub(super) struct OtherModels {
    /// `None`: there is no policy.
    pub(super) judge: Option<Judge>,
    /// Bytes of names that may still be kept.
    room: usize,
    /// The hashes of the kept names, in order: most names are compared by them alone.
    hashes: Vec<u64>,
    /// The top-level lists that were seen.
    models_seen: bool,
    fallbacks_seen: bool,
    tools_seen: bool,
    /// The current item has a list of tools.
    item_tools_seen: bool,
    /// The name being read.
    name: Text,
    tool: Tool,
}

/// The tool being read.
#[derive(Debug, Default)]
struct Tool {
    runs: Runs,
    type_name: Text,
    /// `parameters` of a function were skipped.
    skipped: bool,
    /// `parameters.model` of a tool whose type is not known yet.
    model: Option<Text>,
    /// There was a second one.
    repeated: bool,
}

/// Who runs a tool, by its `type`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Runs {
    /// No `type` was seen.
    #[default]
    Unknown,
    /// The caller.
    Function,
    /// The provider, at least by one of several `type`s.
    Hosted,
}

// === impl OtherModels ===

impl OtherModels {
    pub(super) fn new(reader_bytes: usize) -> Self {
        Self {
            judge: None,
            room: reader_bytes.min(ALSO_REQUESTED_BYTES),
            hashes: Vec::new(),
            models_seen: false,
            fallbacks_seen: false,
            tools_seen: false,
            item_tools_seen: false,
            name: Text::default(),
            tool: Tool::default(),
        }
    }

    /// An item of the conversation begins. It may have a list of tools.
    pub(super) const fn begin_turn(&mut self) {
        self.item_tools_seen = false;
    }

    /// A value begins. Returns whether it is read.
    pub(super) fn begin(&mut self, slot: OtherSlot, kind: Kind, facts: &mut RequestFacts) -> bool {
        match (slot, kind) {
            (OtherSlot::List(list), _) => self.begin_list(list, kind, facts),
            (OtherSlot::Tool, Kind::Object) => {
                self.tool.clear();
                true
            }
            (OtherSlot::Type, Kind::String) => {
                self.tool.type_name.clear();
                true
            }
            (OtherSlot::Parameters, Kind::Object) => {
                let function = self.tool.runs == Runs::Function;
                self.tool.skipped |= function;
                !function
            }
            (OtherSlot::Listed, Kind::Object) => true,
            (OtherSlot::Listed | OtherSlot::Model | OtherSlot::ParametersModel, Kind::String) => {
                self.name.clear();
                true
            }
            _ => false,
        }
    }

    fn begin_list(&mut self, list: OtherList, kind: Kind, facts: &mut RequestFacts) -> bool {
        let (seen, name) = match list {
            OtherList::Models => (&mut self.models_seen, "models"),
            OtherList::Fallbacks => (&mut self.fallbacks_seen, "fallbacks"),
            OtherList::Tools => (&mut self.tools_seen, "tools"),
            OtherList::ItemTools => (&mut self.item_tools_seen, "tools"),
        };
        if core::mem::replace(seen, true) {
            self.refuse(Unreadable::Repeated(name), facts);
        }
        match (list, kind) {
            (OtherList::Fallbacks, Kind::String) => {
                self.refuse(Unreadable::Fallbacks, facts);
                false
            }
            // No provider documents it, but it is a name.
            (OtherList::Models, Kind::String) => {
                self.name.clear();
                true
            }
            _ => kind == Kind::Array,
        }
    }

    /// A part of a text.
    pub(super) fn text(&mut self, slot: OtherSlot, run: &str) {
        if slot == OtherSlot::Type {
            self.tool.type_name.push(run, TYPE_BYTES);
        } else {
            self.name.push(run, MODEL_BYTES);
        }
    }

    /// A text is complete: a type or a model is known now.
    pub(super) fn end_text(&mut self, slot: OtherSlot, facts: &mut RequestFacts) {
        if slot == OtherSlot::Type {
            self.end_type(facts);
        } else if slot == OtherSlot::ParametersModel && self.tool.runs == Runs::Unknown {
            self.tool.repeated = self.tool.model.is_some();
            self.tool.model = Some(core::mem::take(&mut self.name));
        } else {
            self.end_name(facts);
        }
    }

    /// A tool is complete: its type decides whether its parameters name a model.
    pub(super) fn end_tool(&mut self, facts: &mut RequestFacts) {
        if self.tool.runs == Runs::Function {
            return;
        }
        if self.tool.repeated {
            self.refuse(Unreadable::Repeated("parameters.model"), facts);
            facts.notes.add(Note::AlsoRequestedCut);
        }
        if let Some(model) = self.tool.model.take() {
            self.name = model;
            self.end_name(facts);
        }
    }

    fn end_type(&mut self, facts: &mut RequestFacts) {
        if self.tool.runs != Runs::Hosted {
            let function = self.tool.type_name.as_str() == FUNCTION;
            self.tool.runs = if function { Runs::Function } else { Runs::Hosted };
            if !function && self.tool.skipped {
                self.refuse(Unreadable::Repeated("type"), facts);
                facts.notes.add(Note::AlsoRequestedCut);
            }
        }
    }

    /// Records and judges the name that was read. A name that is in the record already was judged then.
    fn end_name(&mut self, facts: &mut RequestFacts) {
        let name = self.name.as_str();
        if name.is_empty() {
            return;
        }
        let mut hasher = Fnv::default();
        hasher.write(name.as_bytes());
        hasher.write(&[u8::from(self.name.is_cut())]);
        let hash = hasher.finish();
        let mut kept = self.hashes.iter().zip(&facts.also_requested);
        if kept.any(|(other, text)| *other == hash && text == name) {
            return;
        }
        if let Some(Judge(judge)) = &self.judge
            && facts.refusal.is_none()
        {
            facts.refusal = judge.judge(&self.name).err();
        }
        if self.hashes.len() < ALSO_REQUESTED && name.len() <= self.room {
            self.room -= name.len();
            self.hashes.push(hash);
            facts.also_requested.push(name.to_owned());
        } else {
            facts.notes.add(Note::AlsoRequestedCut);
        }
    }

    /// Where a policy exists, the request is refused.
    fn refuse(&self, problem: Unreadable, facts: &mut RequestFacts) {
        if self.judge.is_some() {
            facts.refusal.get_or_insert(ModelRefusal::Unreadable(problem));
        }
    }
}

// === impl Tool ===

impl Tool {
    /// Empties the tool, and keeps the memory of its type.
    fn clear(&mut self) {
        let Self { runs, type_name, skipped, model, repeated } = self;
        type_name.clear();
        (*runs, *skipped, *model, *repeated) = (Runs::Unknown, false, None, false);
    }
}
