//! Reads a bridged request's body as it streams by: checks that it is valid, and collects the few values that a record
//! needs.
//!
//! It knows no particular API. Each API states in its [`RequestRules`] where values are ([`Slot`]) and how they count;
//! what the filter does with a slot is written once, in `visitor`.
//!
//! The readers are written by hand on top of the incremental [`Scanner`] because a body is read in the chunks that
//! Envoy hands over, with bounded memory, and because the edit needs byte offsets. A deserialiser would need the whole
//! body.

mod judge;
mod other_models;
mod prompt;
mod rules;
mod slot;
mod turn;
mod visitor;

use crate::json::{self, Scanner, Watched};
use crate::note::Notes;
use crate::text::Text;
use std::rc::Rc;
use visitor::RequestVisitor;

pub use judge::{MODEL_BYTES, ModelJudge, ModelRefusal, Unreadable};
pub use prompt::Prompt;
pub use rules::{AnsweredCall, RequestRules, RequestTexts};
pub use slot::{Name, OtherList, OtherSlot, Slot};

/// What matters in a turn also if others follow: every member of which the visitor keeps more than the next turn
/// replaces, or whose texts it has counted in its own way. A turn of the system or the developer is never the latest;
/// `data` of a source counts as a text or not; models of `tools` are collected, and their texts do not count.
const WATCHED_IN_TURNS: Watched =
    Watched { names: &[b"data", b"tools"], word: b"role", words: &[b"system", b"developer"] };

/// How much of a request is kept.
#[derive(Clone, Copy, Debug)]
pub struct RequestBounds {
    /// Bytes for nesting, one bit per level, and the limit of a value that is read but not recorded.
    pub reader_bytes: usize,
    /// Bytes kept of the prompt; `None`: prompts are not recorded.
    pub prompt_bytes: Option<usize>,
}

/// What a request states.
#[derive(Debug, Default)]
pub struct RequestFacts {
    /// The model that the path names, else `model` if it is a string; cut at [`MODEL_BYTES`].
    pub model: Option<Text>,
    /// The other models that the request names, distinct, in order; at most 64, each cut as `model`.
    pub also_requested: Vec<String>,
    /// Why the request is refused for another model than `model`: the first reason in the body's order.
    pub refusal: Option<ModelRefusal>,
    /// The path says that the response is a stream, or `stream` is `true`.
    pub stream: bool,
    /// `background` is `true`, in an API that has background responses.
    pub background: bool,
    /// The user's last text.
    pub prompt: Option<Prompt>,
    /// The id of the tool call whose result the last turn brings.
    pub correlating_tool_call_id: Option<String>,
    /// Messages: `metadata.user_id`.
    pub user_id: Option<String>,
    /// The request was edited to ask for usage; the client did not ask for it.
    pub usage_spliced: bool,
    /// The bytes of all texts, in UTF-8 after unescaping: see [`RequestTexts`].
    pub text_bytes: u64,
    /// What could not be read or kept.
    pub notes: Notes,
}

/// Why a request cannot pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestProblem {
    /// It is not one valid JSON object.
    Json(json::Error),
    /// It has this top-level member twice, and the member decides how the request is handled.
    Repeated(&'static str),
}

/// What came of one chunk of a request.
#[derive(Debug)]
pub struct FedChunk {
    /// The object is complete, and [`RequestReader::facts`] are final.
    pub is_complete: bool,
    /// [`RequestFacts::usage_spliced`] became true in this chunk.
    pub begins_splice: bool,
    /// What goes upstream instead of the chunk; `None`: the chunk itself.
    pub instead: Option<Vec<u8>>,
}

/// Reads one request.
#[derive(Debug)]
pub struct RequestReader {
    scanner: Scanner<Name>,
    visitor: RequestVisitor,
}

// === impl RequestReader ===

impl RequestReader {
    /// A reader for a request to the API with these rules.
    #[must_use]
    pub fn new(rules: &'static RequestRules, bounds: RequestBounds) -> Self {
        let scanner = Scanner::object(bounds.reader_bytes)
            .counting_except(rules.texts.except)
            .watching(&WATCHED_IN_TURNS);
        Self { scanner, visitor: RequestVisitor::new(rules, bounds) }
    }

    /// Lets `judge` decide on the other models that the request names; see [`RequestFacts::refusal`].
    pub fn judge_by(&mut self, judge: Rc<dyn ModelJudge>) {
        self.visitor.others.judge = Some(judge::Judge(judge));
    }

    /// Leaves the body as it is: no usage is asked for.
    pub fn leave_body(&mut self) {
        self.visitor.splice = None;
    }

    /// Takes `model`, which the path names, as the requested model. The body's member is not read.
    pub fn take_model(&mut self, model: Text) {
        self.visitor.facts.model = Some(model);
        self.visitor.reads_model = false;
    }

    /// Takes the request as one for a stream, because the path says so, whatever the body says.
    pub const fn take_as_streamed(&mut self) {
        self.visitor.facts.stream = true;
        self.visitor.is_streamed = true;
    }

    /// Reads the next chunk.
    ///
    /// # Errors
    /// The request cannot pass; the chunk must not go upstream either.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<FedChunk, RequestProblem> {
        let was_spliced = self.visitor.facts.usage_spliced;
        let scanned = self.scanner.feed(chunk, &mut self.visitor);
        self.visitor.facts.text_bytes = self.scanner.text_bytes();
        match (self.visitor.repeated, scanned) {
            // The repeated member comes before any invalid JSON.
            (Some(name), _) => Err(RequestProblem::Repeated(name)),
            (None, Err(error)) => Err(RequestProblem::Json(error)),
            (None, Ok(())) => Ok(FedChunk {
                is_complete: self.scanner.is_complete(),
                begins_splice: self.visitor.facts.usage_spliced && !was_spliced,
                instead: self.visitor.splice.as_mut().and_then(|splice| splice.edit(chunk)),
            }),
        }
    }

    /// The body is over.
    ///
    /// # Errors
    /// The object is not complete.
    pub fn finish(&mut self) -> Result<(), RequestProblem> {
        self.scanner.finish(&mut self.visitor).map_err(RequestProblem::Json)
    }

    /// What the request states, as far as it was read.
    #[must_use]
    pub const fn facts(&self) -> &RequestFacts {
        &self.visitor.facts
    }

    /// What the request states, as far as it was read. The reader's memory is released.
    #[must_use]
    pub fn into_facts(self) -> RequestFacts {
        self.visitor.facts
    }
}
