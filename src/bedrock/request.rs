//! Translates a request for Anthropic's Messages API into one for `InvokeModel`.
//!
//! The model goes into the path, `stream` into the name of the operation, the betas of the headers and a version into
//! the body. All other members keep their bytes and their order. Members that the model lacks are dropped; adaptive
//! thinking becomes thinking with a budget.

mod model_id;

pub use model_id::{is_bedrock_id, is_id};

use self::model_id::encode;
use super::Invoke;
use crate::glob::Glob;
use crate::json::{RawMember, RawMembers, Value, Writer, key, text_members};
use core::fmt;

/// A request for `InvokeModel`. `Debug` shows only the length of the body.
#[derive(Clone, PartialEq, Eq)]
pub struct Adapted {
    /// The path below the base URL, without a query: Bedrock knows none of Anthropic's.
    pub path: String,
    /// The body, a JSON object.
    pub body: Vec<u8>,
    /// Whether something that the client asked for was dropped or translated.
    pub lossy: bool,
}

/// The members of a body that decide how the others change.
#[derive(Default)]
struct BodyFacts<'a> {
    /// Whether there is a member `anthropic_version`.
    has_version: bool,
    max_tokens: Option<u64>,
    /// The value of `anthropic_beta`, as JSON.
    betas: Option<&'a [u8]>,
}

/// An object that is being written, without its closing brace.
struct OpenObject {
    text: Vec<u8>,
    is_empty: bool,
}

/// Most betas that are passed on. Clients send about a dozen.
const BETAS: usize = 64;
/// Longest `anthropic_beta` of a body, in bytes. A longer one is dropped.
const BETAS_BYTES: usize = 64 * 1024;
/// Room for the members that a body gains, in bytes.
const ADDED_BYTES: usize = 1024;
/// The smallest budget for thinking, in tokens.
/// <https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking>
const LEAST_BUDGET_TOKENS: u64 = 1024;

// === impl Invoke ===

impl Invoke {
    /// Bedrock's id for the model that the client requested: from the map, else the requested name if it is a Bedrock id.
    #[must_use]
    pub fn model_id<'a>(&'a self, requested: &'a str) -> Option<&'a str> {
        let mapped = self.models.iter().find(|(pattern, _)| pattern.matches(requested));
        mapped.map(|(_, id)| id.as_str()).or_else(|| is_bedrock_id(requested).then_some(requested))
    }

    /// Translates a request. `requested`: the model as the client named it; `id`: the model on Bedrock; `betas`: the values
    /// of the headers `anthropic-beta`. `None`: `body` is not an object.
    #[must_use]
    pub fn adapt(
        &self,
        body: &[u8],
        requested: &str,
        id: &str,
        stream: bool,
        betas: &[String],
    ) -> Option<Adapted> {
        // The ARN of an application inference profile does not contain the name of the model.
        let model = if id.contains("claude") { id } else { requested };
        let facts = BodyFacts::of(body);
        let open = body.iter().position(|byte| *byte == b'{')?;
        let close = body.iter().rposition(|byte| *byte == b'}')?;
        let mut object = OpenObject::new(body.get(..=open)?, body.len());
        if !facts.has_version {
            object.add("anthropic_version", |written| written.string(&self.anthropic_version));
        }
        let (betas, mut lossy) = self.betas(betas, &facts, model);
        if !betas.is_empty() {
            object.add("anthropic_beta", |written| {
                written.begin('[');
                betas.iter().for_each(|beta| written.string(beta));
                written.end(']');
            });
        }
        for found in RawMembers::of(body) {
            lossy |= self.keep(&found, &facts, model, &mut object);
        }
        object.text.extend_from_slice(body.get(close..)?);
        let operation = if stream { "invoke-with-response-stream" } else { "invoke" };
        Some(Adapted { path: format!("/model/{}/{operation}", encode(id)), body: object.text, lossy })
    }

    /// The betas that the client asks for in headers and body and that the model has; and whether it asks for others.
    fn betas(&self, headers: &[String], facts: &BodyFacts<'_>, model: &str) -> (Vec<String>, bool) {
        let in_headers = headers.iter().flat_map(|value| value.split(',')).map(str::trim).map(str::to_owned);
        let in_body = facts.betas.filter(|written| written.len() <= BETAS_BYTES).and_then(texts);
        let mut lossy = facts.betas.is_some() && in_body.is_none();
        let in_body = in_body.unwrap_or_default();
        let mut kept: Vec<String> = Vec::new();
        for beta in in_headers.chain(in_body).filter(|beta| !beta.is_empty()) {
            if !self.betas.holds(&beta, model) || kept.len() >= BETAS {
                lossy = true;
            } else if !kept.contains(&beta) {
                kept.push(beta);
            }
        }
        (kept, lossy)
    }

    /// Appends one member to `object`, as far as the model has it. Returns whether something was dropped or translated.
    fn keep(
        &self,
        found: &RawMember<'_>,
        facts: &BodyFacts<'_>,
        model: &str,
        object: &mut OpenObject,
    ) -> bool {
        match &*found.name {
            "model" | "stream" | "anthropic_beta" => false,
            name if self.unsupported_fields.holds(name, model) => true,
            "thinking" if is_adaptive(found.value) && self.lacks_adaptive_thinking(model) => {
                object.add("thinking", |written| manual_thinking(facts.max_tokens, written));
                true
            }
            name => {
                let parts = if found.value.first() == Some(&b'{') {
                    self.unsupported_parts(name, model)
                } else {
                    Vec::new()
                };
                keep_parts(found, &parts, object)
            }
        }
    }

    /// Patterns of the members inside of the member `name` that the model lacks.
    fn unsupported_parts(&self, name: &str, model: &str) -> Vec<Glob> {
        let part_of = |(row, models): &(Glob, Vec<Glob>)| {
            let (whole, part) = row.as_str().split_once('.')?;
            let lacks = whole == name && models.iter().any(|pattern| pattern.matches(model));
            lacks.then(|| Glob::new(part))
        };
        self.unsupported_fields.0.iter().filter_map(part_of).collect()
    }

    fn lacks_adaptive_thinking(&self, model: &str) -> bool {
        self.manual_thinking.iter().any(|pattern: &Glob| pattern.matches(model))
    }
}

/// The elements of a JSON array of strings. `None`: it is anything else.
fn texts(written: &[u8]) -> Option<Vec<String>> {
    let text = |item| if let Value::Text(text) = item { Some(text) } else { None };
    let Ok(Value::List(items)) = serde_json::from_slice(written) else { return None };
    items.into_iter().map(text).collect()
}

fn is_adaptive(thinking: &[u8]) -> bool {
    text_members(thinking, ["type"]).is_some_and(|[kind]| kind.text().as_deref() == Some("adaptive"))
}

/// Writes a thinking budget of half of `max_tokens`, or disables thinking if that is less than the smallest budget.
fn manual_thinking(max_tokens: Option<u64>, written: &mut Writer) {
    let most = max_tokens.unwrap_or(0);
    written.begin('{');
    if most <= LEAST_BUDGET_TOKENS {
        written.text_member(key!("type"), "disabled");
    } else {
        written.number_member(key!("budget_tokens"), (most / 2).max(LEAST_BUDGET_TOKENS));
        written.text_member(key!("type"), "enabled");
    }
    written.end('}');
}

/// Appends one member to `object` without the members inside that match one of `unsupported`. Returns whether there were
/// any.
fn keep_parts(found: &RawMember<'_>, unsupported: &[Glob], object: &mut OpenObject) -> bool {
    let mut parts = OpenObject::new(b"{", 0);
    let mut lossy = false;
    for part in RawMembers::of(if unsupported.is_empty() { b"" } else { found.value }) {
        if unsupported.iter().any(|pattern| pattern.matches(&part.name)) {
            lossy = true;
        } else {
            parts.put(part.piece);
        }
    }
    if !lossy {
        object.put(found.piece);
    } else if !parts.is_empty {
        parts.text.push(b'}');
        // The pieces are parts of a valid text, so they are UTF-8.
        let parts = core::str::from_utf8(&parts.text).unwrap_or("{}");
        object.add(&found.name, |written| written.raw(parts));
    }
    lossy
}

// === impl Adapted ===

impl fmt::Debug for Adapted {
    /// Shows no byte of the body, because it contains prompts.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, body, lossy } = self;
        f.debug_struct("Adapted")
            .field("path", path)
            .field("body", &body.len())
            .field("lossy", lossy)
            .finish()
    }
}

// === impl OpenObject ===

impl OpenObject {
    /// An object that begins with `open`, and will be about `bytes` bytes long.
    fn new(open: &[u8], bytes: usize) -> Self {
        let mut text = Vec::with_capacity(bytes.saturating_add(ADDED_BYTES));
        text.extend_from_slice(open);
        Self { text, is_empty: true }
    }

    /// Appends the bytes of a member.
    fn put(&mut self, piece: &[u8]) {
        if !core::mem::take(&mut self.is_empty) {
            self.text.push(b',');
        }
        self.text.extend_from_slice(piece);
    }

    /// Appends a member whose value `write` writes.
    fn add(&mut self, name: &str, write: impl FnOnce(&mut Writer)) {
        let mut written = Writer::default();
        written.chosen_name(name);
        write(&mut written);
        self.put(&written.into_bytes());
    }
}

// === impl BodyFacts ===

impl<'a> BodyFacts<'a> {
    fn of(body: &'a [u8]) -> Self {
        let mut facts = Self::default();
        for RawMember { name, value, .. } in RawMembers::of(body) {
            match &*name {
                "anthropic_version" => facts.has_version = true,
                "anthropic_beta" => facts.betas = Some(value),
                "max_tokens" => {
                    facts.max_tokens =
                        core::str::from_utf8(value).ok().and_then(|number| number.parse().ok());
                }
                _ => {}
            }
        }
        facts
    }
}

#[cfg(test)]
mod tests;
