//! A request for Anthropic's Messages API as `InvokeModel` takes it.
//!
//! The model goes into the path, `stream` into the operation's name, the headers' betas and a version into the body. All
//! that is left of the body keeps every byte and its order. Only what the model lacks is left out or, where it is
//! adaptive thinking, said in the older way.

use super::Invoke;
use super::members::{Member, Members};
use crate::glob::Glob;
use crate::json::Writer;
use crate::object::{Value, members};
use core::fmt::{self, Write as _};

/// A request as Bedrock takes it. `Debug` is not for its body.
#[derive(Clone, PartialEq, Eq)]
pub struct Adapted {
    /// Below the base URL's path; no query: none of Anthropic's means anything here.
    pub path: String,
    /// JSON.
    pub body: Vec<u8>,
    /// Something that the client asked for was left out or said otherwise.
    pub lossy: bool,
}

/// What of a body decides how the rest is changed.
#[derive(Default)]
struct Facts<'a> {
    has_version: bool,
    max_tokens: Option<u64>,
    betas: Option<&'a [u8]>,
}

/// An object being written, without its closing brace.
struct Object {
    text: Vec<u8>,
    is_empty: bool,
}

/// Betas that are passed on; a client asks for a dozen.
const BETAS: usize = 64;
/// Bytes of a body's own list of betas; a longer one is dropped.
const BETAS_BYTES: usize = 64 * 1024;
/// Room for what a body gains.
const ADDED_BYTES: usize = 1024;
/// The smallest budget that thinking takes.
/// <https://docs.anthropic.com/en/docs/build-with-claude/extended-thinking>
const LEAST_BUDGET_TOKENS: u64 = 1024;

// === impl Invoke ===

impl Invoke {
    /// Bedrock's id for the model that a client names: by the map, else the name itself where it is such an id.
    #[must_use]
    pub fn model_id<'a>(&'a self, requested: &'a str) -> Option<&'a str> {
        let mapped = self.models.iter().find(|(pattern, _)| pattern.matches(requested));
        mapped.map(|(_, id)| id.as_str()).or_else(|| is_bedrocks(requested).then_some(requested))
    }

    /// The request as Bedrock takes it; `betas`: the values of the headers `anthropic-beta`. `None`: `body` is no object.
    #[must_use]
    pub fn adapt(
        &self,
        body: &[u8],
        requested: &str,
        id: &str,
        stream: bool,
        betas: &[String],
    ) -> Option<Adapted> {
        // An application inference profile's ARN does not say which model it is.
        let model = if id.contains("claude") { id } else { requested };
        let facts = Facts::of(body);
        let open = body.iter().position(|byte| *byte == b'{')?;
        let close = body.iter().rposition(|byte| *byte == b'}')?;
        let mut object = Object::new(body.get(..=open)?, body.len());
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
        for found in Members::of(body) {
            lossy |= self.keep(&found, &facts, model, &mut object);
        }
        object.text.extend_from_slice(body.get(close..)?);
        let operation = if stream { "invoke-with-response-stream" } else { "invoke" };
        Some(Adapted { path: format!("/model/{}/{operation}", encode(id)), body: object.text, lossy })
    }

    /// Every beta that the client asks for, in headers or body, and that the model has; and whether others were asked for.
    fn betas(&self, headers: &[String], facts: &Facts<'_>, model: &str) -> (Vec<String>, bool) {
        let in_headers = headers.iter().flat_map(|value| value.split(',')).map(str::trim).map(str::to_owned);
        let in_body = facts.betas.filter(|written| written.len() <= BETAS_BYTES);
        let in_body = in_body.and_then(texts).unwrap_or_default();
        let mut lossy = false;
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

    /// Puts what is left of one member into `object`. Whether that is less than there was.
    fn keep(&self, found: &Member<'_>, facts: &Facts<'_>, model: &str, object: &mut Object) -> bool {
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

    /// Patterns of the members of the member `name` that the model lacks.
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

/// Whether a model's name is an id or ARN of Bedrock's: `anthropic.claude-…`, `us.anthropic.claude-…`, `arn:aws:bedrock:…`.
/// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html#API_runtime_InvokeModel_RequestParameters>
#[must_use]
pub fn is_bedrocks(model: &str) -> bool {
    let vendor = model.split_once("anthropic.").map(|(before, _)| before);
    let profile = vendor.is_some_and(|region| {
        region.is_empty()
            || region.strip_suffix('.').is_some_and(|region| {
                !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            })
    });
    let arn = model.starts_with("arn:aws") && model.contains(":bedrock:");
    (profile || arn) && is_id(model)
}

/// Whether `id` has only characters that ids and ARNs have, and is as long as one may be.
#[must_use]
pub fn is_id(id: &str) -> bool {
    (1..=2048).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/".contains(&byte))
        && !id.split('/').any(|segment| matches!(segment, "" | "." | ".."))
}

/// As the AWS SDKs write a label of a path: everything but RFC 3986's unreserved characters is escaped.
/// <https://smithy.io/2.0/spec/http-bindings.html#httplabel-serialization-rules>
fn encode(id: &str) -> String {
    let mut encoded = String::with_capacity(id.len());
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

/// The texts of a JSON list of nothing else.
fn texts(written: &[u8]) -> Option<Vec<String>> {
    let text = |item| if let Value::Text(text) = item { Some(text) } else { None };
    let Ok(Value::List(items)) = serde_json::from_slice(written) else { return None };
    items.into_iter().map(text).collect()
}

fn is_adaptive(thinking: &[u8]) -> bool {
    members(thinking, ["type"]).is_some_and(|[kind]| kind.text().as_deref() == Some("adaptive"))
}

/// Half of what may be written is for thinking, and none where that is too little to think.
fn manual_thinking(max_tokens: Option<u64>, written: &mut Writer) {
    let most = max_tokens.unwrap_or(0);
    written.begin('{');
    if most <= LEAST_BUDGET_TOKENS {
        written.text_member("type", "disabled");
    } else {
        written.number_member("budget_tokens", (most / 2).max(LEAST_BUDGET_TOKENS));
        written.text_member("type", "enabled");
    }
    written.end('}');
}

/// Puts one member into `object` without those parts of it that fit one of `unsupported`. Whether there were any.
fn keep_parts(found: &Member<'_>, unsupported: &[Glob], object: &mut Object) -> bool {
    let mut parts = Object::new(b"{", 0);
    let mut lossy = false;
    for part in Members::of(if unsupported.is_empty() { b"" } else { found.value }) {
        if unsupported.iter().any(|pattern| pattern.matches(&part.name)) {
            lossy = true;
        } else {
            parts.put(part.piece);
        }
    }
    if !lossy {
        object.put(found.piece);
    } else if !parts.is_empty {
        // With nothing left it would say nothing.
        parts.text.push(b'}');
        // It is what is left of a valid text.
        let parts = core::str::from_utf8(&parts.text).unwrap_or("{}");
        object.add(&found.name, |written| written.raw(parts));
    }
    lossy
}

// === impl Adapted ===

impl fmt::Debug for Adapted {
    /// Without what people said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, body, lossy } = self;
        f.debug_struct("Adapted")
            .field("path", path)
            .field("body", &body.len())
            .field("lossy", lossy)
            .finish()
    }
}

// === impl Object ===

impl Object {
    /// An object that begins with `open`, about `bytes` long.
    fn new(open: &[u8], bytes: usize) -> Self {
        let mut text = Vec::with_capacity(bytes.saturating_add(ADDED_BYTES));
        text.extend_from_slice(open);
        Self { text, is_empty: true }
    }

    /// One more member as it stands in a text.
    fn put(&mut self, piece: &[u8]) {
        if !core::mem::take(&mut self.is_empty) {
            self.text.push(b',');
        }
        self.text.extend_from_slice(piece);
    }

    /// One more member, whose value `write` writes.
    fn add(&mut self, name: &str, write: impl FnOnce(&mut Writer)) {
        let mut written = Writer::default();
        written.chosen_name(name);
        write(&mut written);
        self.put(&written.into_bytes());
    }
}

// === impl Facts ===

impl<'a> Facts<'a> {
    fn of(body: &'a [u8]) -> Self {
        let mut facts = Self::default();
        for Member { name, value, .. } in Members::of(body) {
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
