//! Reads a bridged request's body as it streams by: its validity, and the few values that a record needs.
//!
//! What differs between the APIs is where those values stand. Each API says so in one function from path to [`Slot`];
//! what a slot means is written here, once.

mod prompt;
mod reading;
mod slot;

use crate::api::Api;
use crate::json::{self, Scanner};
use crate::note::Notes;
use crate::text::Text;
use reading::Reading;

pub use prompt::Prompt;
pub use reading::MODEL_BYTES;
pub use slot::{Name, Slot};

/// How much of a request is kept.
#[derive(Clone, Copy, Debug)]
pub struct RequestBounds {
    /// Bytes for nesting, one bit a level, and the most that an unrecorded value may have.
    pub reader_bytes: usize,
    /// Bytes of the prompt; `None` where prompts are not recorded.
    pub prompt_bytes: Option<usize>,
}

/// What a request said.
#[derive(Debug, Default)]
pub struct RequestFacts {
    /// `model`, where it is a string; cut at [`MODEL_BYTES`].
    pub model: Option<Text>,
    /// `stream` is `true`.
    pub stream: bool,
    /// `background` is `true`.
    pub background: bool,
    /// The user's last text.
    pub prompt: Option<Prompt>,
    /// The tool call whose result the last turn brings.
    pub correlating_tool_call_id: Option<String>,
    /// Messages: `metadata.user_id`.
    pub user_id: Option<String>,
    /// Chat Completions: usage was asked for in the client's stead.
    pub usage_spliced: bool,
    /// Where less was learned than passed.
    pub notes: Notes,
}

/// Why a request cannot pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestProblem {
    /// It is not one valid JSON object.
    Json(json::Error),
    /// A member that decides something stands twice.
    Repeated(&'static str),
}

/// Reads one request.
#[derive(Debug)]
pub struct RequestReader {
    scanner: Scanner<Name>,
    reading: Reading,
}

// === impl RequestReader ===

impl RequestReader {
    /// For a request to `api`.
    #[must_use]
    pub fn new(api: Api, bounds: RequestBounds) -> Self {
        Self { scanner: Scanner::object(bounds.reader_bytes), reading: Reading::new(api, bounds) }
    }

    /// Leaves the body as it is: no usage is asked for.
    #[must_use]
    pub fn without_splice(mut self) -> Self {
        self.reading.splice = None;
        self
    }

    /// Reads on. `Ok(true)`: the object is complete and [`facts`](Self::facts) are final.
    ///
    /// # Errors
    /// The request cannot pass; neither may this chunk.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<bool, RequestProblem> {
        let scanned = self.scanner.feed(chunk, &mut self.reading);
        match (self.reading.repeated, scanned) {
            // It stands before whatever is wrong with the rest.
            (Some(name), _) => Err(RequestProblem::Repeated(name)),
            (None, Err(error)) => Err(RequestProblem::Json(error)),
            (None, Ok(())) => Ok(self.scanner.is_complete()),
        }
    }

    /// What goes upstream instead of `chunk`, which was read just now; `None`: the chunk itself.
    pub fn instead(&mut self, chunk: &[u8]) -> Option<Vec<u8>> {
        self.reading.splice.as_mut()?.edit(chunk)
    }

    /// The body is over.
    ///
    /// # Errors
    /// It is not complete.
    pub fn finish(&mut self) -> Result<(), RequestProblem> {
        self.scanner.finish(&mut self.reading).map_err(RequestProblem::Json)
    }

    /// What was learned so far.
    #[must_use]
    pub const fn facts(&self) -> &RequestFacts {
        &self.reading.facts
    }

    /// What was learned so far, by itself; the rest of the reader is given back.
    #[must_use]
    pub fn into_facts(self) -> RequestFacts {
        self.reading.facts
    }
}
