//! The interception record, version 1 (contract §8): one JSON document per bridged request.

use crate::answer::{Answer, ApiError, NAME_BYTES, Thought, ToolCall};
use crate::caller::Actor;
use crate::credential::CredentialKind;
use crate::json::{self, Value};
use crate::note::{Note, Notes};
use crate::text::{Spoken, Text, cut_as_written, head};
use crate::timestamp::Timestamp;
use crate::usage::{Usage, UsageStatus};
use core::fmt;
use std::borrow::Cow;

mod id;
mod policy;
mod written;

pub use id::uuid_v7;
pub use policy::RecordPolicy;

/// How an interception ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The API's own end was forwarded.
    Completed,
    /// An error status of the upstream, or an error inside a 200.
    Failed,
    /// Refused by the gateway; `error.code` says why.
    Rejected,
    /// No response headers ever came from the upstream.
    Unavailable,
    /// The client went away before the end.
    AbortedClient,
    /// The upstream's answer began and did not end.
    AbortedUpstream,
}

impl Outcome {
    /// As it stands in records and labels.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Unavailable => "unavailable",
            Self::AbortedClient => "aborted_client",
            Self::AbortedUpstream => "aborted_upstream",
        }
    }
}

/// Everything that a record says, as it is written: texts are cut already.
#[derive(Debug)]
pub struct Record<'a> {
    /// Always 1.
    pub version: u8,
    /// `UUIDv7`.
    pub id: &'a str,
    /// `x-request-id` as Envoy has it.
    pub request_id: Option<&'a str>,
    /// When the request's headers came, RFC 3339 with milliseconds.
    pub started_at: Timestamp,
    /// When the stream was over.
    pub ended_at: Timestamp,
    /// Between the two.
    pub duration_ms: u64,
    /// From the request's headers to the first event of a stream.
    pub time_to_first_event_ms: Option<u64>,
    /// The configured provider.
    pub provider: ProviderRef<'a>,
    /// `messages`, `chat_completions` or `responses`.
    pub api: &'static str,
    /// The client's.
    pub method: &'a str,
    /// The client's, without query.
    pub path: &'a str,
    /// Where the request was sent, or would have been.
    pub upstream: UpstreamRef<'a>,
    /// A streamed answer was asked for.
    pub streaming: bool,
    /// Asked for and served.
    pub model: ModelRef<'a>,
    /// The authenticated caller.
    pub actor: Option<ActorRef<'a>>,
    /// The program that called.
    pub client: &'static str,
    /// Its user agent.
    pub user_agent: Option<&'a str>,
    /// Its session.
    pub session_id: Option<&'a str>,
    /// The tool call whose result this request brings.
    pub correlating_tool_call_id: Option<&'a str>,
    /// Whose credential.
    pub credential: CredentialRef<'a>,
    /// The upstream's answer.
    pub response: ResponseRef<'a>,
    /// Tokens.
    pub usage: UsageRef<'a>,
    /// Millionths of a US dollar, by the configured prices.
    pub cost_microusd: Option<u64>,
    /// The user's last text.
    pub prompt: Option<Spoken<'a>>,
    /// What the model called.
    pub tool_calls: Vec<ToolCallRef<'a>>,
    /// What the model thought.
    pub thoughts: Vec<ThoughtRef<'a>>,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong.
    pub error: Option<ErrorRef<'a>>,
    /// Where the record is poorer than the traffic, and the like.
    pub notes: Vec<String>,
}

/// `provider`
#[derive(Debug)]
pub struct ProviderRef<'a> {
    /// The provider type.
    pub r#type: &'static str,
    /// The configured name.
    pub name: &'a str,
}

/// `upstream`
#[derive(Debug)]
pub struct UpstreamRef<'a> {
    /// The base URL's host, with a port that is not the scheme's own.
    pub host: &'a str,
    /// Envoy's cluster.
    pub cluster: &'a str,
}

/// `model`
#[derive(Debug)]
pub struct ModelRef<'a> {
    /// By the request.
    pub requested: Option<&'a str>,
    /// By the response.
    pub served: Option<&'a str>,
}

/// `actor`
#[derive(Debug)]
pub struct ActorRef<'a> {
    /// Who.
    pub id: Option<&'a str>,
    /// What the configured headers say of them.
    pub metadata: &'a [(String, String)],
}

/// `credential`
#[derive(Debug)]
pub struct CredentialRef<'a> {
    /// `centralized`, `byok` or `none`.
    pub kind: &'static str,
    /// A few characters of it.
    pub hint: Option<&'a str>,
}

/// `response`
#[derive(Debug)]
pub struct ResponseRef<'a> {
    /// The provider's id.
    pub id: Option<&'a str>,
    /// What the client got.
    pub status: Option<u16>,
    /// Why the model stopped.
    pub finish_reasons: &'a [String],
}

/// `usage`
#[derive(Debug)]
pub struct UsageRef<'a> {
    /// How much was seen.
    pub usage_status: UsageStatus,
    /// The numbers in one meaning.
    pub usage: Usage,
    /// The provider's own final usage object.
    pub provider_usage: Option<&'a str>,
}

/// One of `tool_calls`
#[derive(Debug)]
pub struct ToolCallRef<'a> {
    id: Option<&'a str>,
    item_id: Option<&'a str>,
    name: Option<&'a str>,
    arguments: Option<Arguments<'a>>,
    kind: &'static str,
    complete: bool,
}

/// A tool call's arguments: JSON where they are, else the text.
enum Arguments<'a> {
    Json(Cow<'a, str>),
    Text(Spoken<'a>),
}

impl fmt::Debug for Arguments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(json) => write!(f, "Json({} bytes)", json.len()),
            Self::Text(text) => text.fmt(f),
        }
    }
}

/// One of `thoughts`
#[derive(Debug)]
pub struct ThoughtRef<'a> {
    source: &'static str,
    text: Spoken<'a>,
}

/// `error`
#[derive(Debug)]
pub struct ErrorRef<'a> {
    /// The dialect's type.
    pub r#type: Option<&'a str>,
    /// The dialect's code; of our own refusals the reason.
    pub code: Option<&'a str>,
    /// For people.
    pub message: Option<&'a str>,
}

/// Cuts the texts of one record to its bounds, in the order in which they are asked for.
#[derive(Debug)]
pub struct TextBudget<'a> {
    policy: &'a RecordPolicy,
    left: usize,
}

// === impl TextBudget ===

impl<'a> TextBudget<'a> {
    /// All of `record.total_bytes` is left.
    #[must_use]
    pub const fn new(policy: &'a RecordPolicy) -> Self {
        Self { policy, left: policy.total_bytes }
    }

    /// Bytes of the texts that were asked for, as they are written.
    #[must_use]
    pub const fn spent(&self) -> usize {
        self.policy.total_bytes.saturating_sub(self.left)
    }

    /// As much of `text` as may be written.
    pub fn text<'t>(&mut self, text: &'t Text, notes: &mut Notes) -> Spoken<'t> {
        let (kept, written) = cut_as_written(text.as_str(), self.policy.text_bytes.min(self.left));
        self.left = self.left.saturating_sub(written);
        if text.is_cut() || kept.len() < text.as_str().len() {
            notes.add(Note::TextCut);
        }
        Spoken(kept)
    }

    /// The tool calls with as much of their arguments as may be written.
    pub fn tool_calls<'t>(&mut self, calls: &'t [ToolCall], notes: &mut Notes) -> Vec<ToolCallRef<'t>> {
        let written = calls.iter().map(|call| ToolCallRef {
            id: call.id.as_deref(),
            item_id: call.item_id.as_deref(),
            name: call.name.as_deref(),
            arguments: self.arguments(call, notes),
            kind: if call.hosted { "hosted" } else { "client" },
            complete: call.complete,
        });
        written.collect()
    }

    /// The thoughts that say something.
    pub fn thoughts<'t>(&mut self, thoughts: &'t [Thought], notes: &mut Notes) -> Vec<ThoughtRef<'t>> {
        let said = thoughts.iter().filter(|thought| !thought.text.is_empty());
        said.map(|thought| ThoughtRef { source: thought.source, text: self.text(&thought.text, notes) })
            .collect()
    }

    fn arguments<'t>(&mut self, call: &'t ToolCall, notes: &mut Notes) -> Option<Arguments<'t>> {
        let text = &call.arguments;
        if !self.policy.tool_arguments || (text.is_empty() && !text.is_cut() && !call.arguments_stated) {
            return None;
        }
        let whole = (!call.plain && !text.is_cut()).then(|| compact(text.as_str())).flatten();
        Some(match whole {
            Some(json) if json.len() <= self.policy.text_bytes.min(self.left) => {
                self.left = self.left.saturating_sub(json.len());
                Arguments::Json(json)
            }
            _ => Arguments::Text(self.text(text, notes)),
        })
    }
}

/// JSON on one line, or `None` where `text` is none, or none that whoever reads the record could read: nested
/// hundreds deep, with half a surrogate pair, with a number beyond all floats. It would take the whole record with it.
fn compact(text: &str) -> Option<Cow<'_, str>> {
    json::read_whole(text, &mut json::ValidateOnly).ok()?;
    let (json, harmless) = json::compact(text);
    (harmless || is_bearable(&json)).then_some(json)
}

/// Whether `json` can be read as deep as it will stand in the record.
#[inline(never)]
fn is_bearable(json: &str) -> bool {
    serde_json::from_slice::<Value>(format!("[[[{json}]]]").as_bytes()).is_ok()
}

impl<'a> UsageRef<'a> {
    /// The numbers of `answer`.
    #[must_use]
    pub fn new(answer: Option<&'a Answer>, notes: &mut Notes) -> Self {
        let Some(answer) = answer else {
            return Self {
                usage_status: UsageStatus::Missing,
                usage: Usage::default(),
                provider_usage: None,
            };
        };
        if answer.usage.has_unreadable() {
            notes.add(Note::UsageUnreadable);
        }
        let provider_usage = answer.usage.verbatim().and_then(|verbatim| {
            let Some(json) = &verbatim.json else {
                notes.add(Note::UsageTooLarge);
                return None;
            };
            (verbatim.harmless || is_bearable(json)).then_some(json.as_str())
        });
        Self { usage_status: answer.usage.status(), usage: answer.usage.usage(), provider_usage }
    }
}

impl<'a> ErrorRef<'a> {
    /// What the provider stated.
    #[must_use]
    pub fn stated(error: &'a ApiError) -> Self {
        Self { r#type: error.kind.as_deref(), code: error.code.as_deref(), message: error.message.as_deref() }
    }
}

impl<'a> ActorRef<'a> {
    /// The actor as the record shows them; `None` where nothing is known.
    #[must_use]
    pub fn new(actor: Option<&'a Actor>, metadata: &'a [(String, String)]) -> Option<Self> {
        let id = actor.map(|actor| head(&actor.id, NAME_BYTES));
        (id.is_some() || !metadata.is_empty()).then_some(Self { id, metadata })
    }
}

impl CredentialRef<'_> {
    /// A credential of that kind.
    #[must_use]
    pub const fn new(kind: CredentialKind, hint: Option<&str>) -> CredentialRef<'_> {
        CredentialRef { kind: kind.name(), hint }
    }
}

#[cfg(test)]
mod tests;
