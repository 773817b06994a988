//! The record of an interception, version 1: one JSON document for each bridged request. See
//! `envoy/behaviour.md#the-record`.
//!
//! The types here borrow what the record names, in the order of `envoy/records/record.schema.json`; `record/json.rs` writes
//! them, `record/texts.rs` cuts the texts, `record/id.rs` makes the id.

use crate::answer::{Answer, ApiError, NAME_BYTES};
use crate::caller::{Actor, Agent};
use crate::credential::CredentialKind;
use crate::note::{Note, Notes};
use crate::text::{Spoken, head};
use crate::timestamp::Timestamp;
use crate::usage::{Estimate, Iterations, Usage, UsageStatus};
use std::borrow::Cow;

mod id;
mod json;
mod outcome;
mod policy;
mod texts;

pub use id::uuid_v7;
pub use outcome::Outcome;
pub use policy::RecordPolicy;
pub use texts::TextBudget;
use texts::{Arguments, is_readable_in_record};

/// All members of a record. Texts are cut already.
#[derive(Debug)]
pub struct Record<'a> {
    /// Always 1.
    pub version: u8,
    /// A UUID of version 7.
    pub id: &'a str,
    /// `x-request-id`.
    pub request_id: Option<&'a str>,
    /// When the request's headers came, RFC 3339 with milliseconds.
    pub started_at: Timestamp,
    /// When the stream was over.
    pub ended_at: Timestamp,
    /// Milliseconds by the monotonic clock; `started_at` and `ended_at` are the wall clock's times.
    pub duration_ms: u64,
    /// Milliseconds from the request's headers to the first event of a stream.
    pub time_to_first_event_ms: Option<u64>,
    /// The provider whose route was called.
    pub provider: ProviderRef<'a>,
    /// `messages`, `chat_completions` or `responses`.
    pub api: &'static str,
    /// The client's method.
    pub method: &'a str,
    /// The client's path, without the query.
    pub path: &'a str,
    /// Where the request was sent, or would have been.
    pub upstream: UpstreamRef<'a>,
    /// The request asks for a stream.
    pub streaming: bool,
    /// The requested and the served model.
    pub model: ModelRef<'a>,
    /// The caller, as the gateway's authentication named it.
    pub actor: Option<ActorRef<'a>>,
    /// The program that called, by its own statement.
    pub client: &'static str,
    /// `user-agent`.
    pub user_agent: Option<&'a str>,
    /// The client's session, by its own statement.
    pub session_id: Option<&'a str>,
    /// The agent inside of the client, by the client's own statement.
    pub agent: Option<AgentRef<'a>>,
    /// The id of the tool call whose result this request brings.
    pub correlating_tool_call_id: Option<&'a str>,
    /// The credential that the request used, or was refused with.
    pub credential: CredentialRef<'a>,
    /// The attempts at a pool's members; empty without a pool.
    pub attempts: Vec<AttemptRef<'a>>,
    /// Where the session was served, if sessions are kept on one member.
    pub affinity: Option<AffinityRef<'a>>,
    /// The provider's response: id, status, finish reasons.
    pub response: ResponseRef<'a>,
    /// Tokens, and the provider's own usage object.
    pub usage: UsageRef<'a>,
    /// Millionths of a US dollar, by the configured prices.
    pub cost_microusd: Option<u64>,
    /// The tightest budget of the request.
    pub budget: Option<BudgetRef>,
    /// The user's last text, where prompts are recorded.
    pub prompt: Option<Spoken<'a>>,
    /// The tool calls of the response.
    pub tool_calls: Vec<ToolCallRef<'a>>,
    /// The thoughts of the response.
    pub thoughts: Vec<ThoughtRef<'a>>,
    /// How the interception ended.
    pub outcome: Outcome,
    /// The provider's error, or the gateway's.
    pub error: Option<ErrorRef<'a>>,
    /// What was not read or not recorded, and other remarks: [`Note`].
    pub notes: Vec<String>,
}

/// The record's member `provider`.
#[derive(Debug)]
pub struct ProviderRef<'a> {
    /// The provider type, such as `anthropic`.
    pub r#type: &'static str,
    /// The provider's configured name.
    pub name: &'a str,
}

/// The record's member `upstream`.
#[derive(Debug)]
pub struct UpstreamRef<'a> {
    /// The base URL's host, with a port that is not the scheme's own.
    pub host: &'a str,
    /// The Envoy cluster.
    pub cluster: &'a str,
    /// The provider's own id of the request, from the response's headers.
    pub request_id: Option<&'a str>,
}

/// The record's member `model`.
#[derive(Debug)]
pub struct ModelRef<'a> {
    /// The model that the request names.
    pub requested: Option<&'a str>,
    /// The other models that the request names, such as advisors and fallbacks.
    pub also_requested: &'a [String],
    /// The model that the response names.
    pub served: Option<&'a str>,
}

/// The record's member `actor`.
#[derive(Debug)]
pub struct ActorRef<'a> {
    /// The actor's id.
    pub id: Option<&'a str>,
    /// The actor's metadata: configured key, and value of its header.
    pub metadata: &'a [(String, String)],
}

/// The record's member `budget`.
#[derive(Debug)]
pub struct BudgetRef {
    /// How much is used: a number from 0 to 1 in JSON.
    pub used: String,
    /// When the budget's window ends.
    pub resets_at: Timestamp,
    /// `warning` or `exhausted`, where the caller was told of it.
    pub notice: Option<&'static str>,
}

/// The record's member `agent`.
#[derive(Debug)]
pub struct AgentRef<'a> {
    /// The agent that made the request.
    pub id: Option<&'a str>,
    /// The agent that started it.
    pub parent_id: Option<&'a str>,
}

/// The record's member `credential`.
#[derive(Debug)]
pub struct CredentialRef<'a> {
    /// `centralized`, `byok` or `none`.
    pub kind: &'static str,
    /// A few characters of the credential, from both ends.
    pub hint: Option<&'a str>,
}

/// One element of the record's `attempts`.
#[derive(Debug)]
pub struct AttemptRef<'a> {
    /// The member's name.
    pub member: &'a str,
    /// The status of the answer.
    pub status: Option<u16>,
    /// Why there is no answer: `connect_failure`, `reset` or `timeout`.
    pub error: Option<&'static str>,
    /// Milliseconds from the attempt's start to its headers or its end.
    pub ms: u64,
}

/// The record's member `affinity`.
#[derive(Debug)]
pub struct AffinityRef<'a> {
    /// The member that served the request.
    pub member: &'a str,
    /// The session moved there with this request.
    pub moved: bool,
}

/// The record's member `response`.
#[derive(Debug)]
pub struct ResponseRef<'a> {
    /// The provider's id.
    pub id: Option<&'a str>,
    /// The status that the client got.
    pub status: Option<u16>,
    /// Why the model stopped.
    pub finish_reasons: &'a [String],
}

/// The record's member `usage`.
#[derive(Debug)]
pub struct UsageRef<'a> {
    /// How much of the provider's usage was seen.
    pub usage_status: UsageStatus,
    /// The numbers, with one meaning for all providers.
    pub usage: Cow<'a, Usage>,
    /// The numbers by model, where more than one worked.
    pub by_model: &'a [ModelUsage],
    /// What is charged where the final usage never came.
    pub estimate: Option<Estimate>,
    /// The provider's own final usage object, as JSON on one line.
    pub provider_usage: Option<&'a str>,
}

/// One element of the record's `usage.by_model`.
#[derive(Debug)]
pub struct ModelUsage {
    /// The model as the provider names it; `other`: the models beyond the first 16.
    pub model: String,
    /// What it used. `details` and `total_tokens` are not recorded.
    pub usage: Usage,
    /// Millionths of a US dollar; `None` where the model has no price.
    pub cost_microusd: Option<u64>,
}

/// One element of the record's `tool_calls`.
#[derive(Debug)]
pub struct ToolCallRef<'a> {
    id: Option<&'a str>,
    item_id: Option<&'a str>,
    name: Option<&'a str>,
    server: Option<&'a str>,
    arguments: Option<Arguments<'a>>,
    kind: &'static str,
    complete: bool,
}

/// One element of the record's `thoughts`.
#[derive(Debug)]
pub struct ThoughtRef<'a> {
    source: &'static str,
    text: Spoken<'a>,
}

/// The record's member `error`.
#[derive(Debug)]
pub struct ErrorRef<'a> {
    /// The error's type in the caller's API.
    pub r#type: Option<&'a str>,
    /// The error's code in the caller's API; of a refusal by the gateway the reason.
    pub code: Option<&'a str>,
    /// The message for people.
    pub message: Option<&'a str>,
}

impl<'a> UsageRef<'a> {
    /// The numbers `usage`, which were read from `answer`, with the provider's own object.
    #[must_use]
    pub fn new(
        answer: Option<&'a Answer>,
        usage: &'a Usage,
        by_model: &'a [ModelUsage],
        estimate: Option<Estimate>,
        notes: &mut Notes,
    ) -> Self {
        let usage = Cow::Borrowed(usage);
        let Some(answer) = answer else {
            let usage_status = UsageStatus::Missing;
            return Self { usage_status, usage, by_model, estimate, provider_usage: None };
        };
        if estimate.is_some() {
            notes.add(Note::UsageEstimated);
        }
        if answer.usage.has_unreadable() {
            notes.add(Note::UsageUnreadable);
        }
        if answer.usage.iterations().is_some_and(Iterations::is_merged) {
            notes.add(Note::IterationsMerged);
        }
        let provider_usage = answer.usage.verbatim().and_then(|verbatim| {
            let Some(json) = &verbatim.json else {
                notes.add(Note::UsageTooLarge);
                return None;
            };
            (verbatim.harmless || is_readable_in_record(json)).then_some(json.as_str())
        });
        Self { usage_status: answer.usage.status(), usage, by_model, estimate, provider_usage }
    }
}

impl<'a> ErrorRef<'a> {
    /// The error that the provider stated.
    #[must_use]
    pub fn stated(error: &'a ApiError) -> Self {
        Self { r#type: error.kind.as_deref(), code: error.code.as_deref(), message: error.message.as_deref() }
    }
}

impl<'a> ActorRef<'a> {
    /// The actor as the record shows it; `None` where neither an id nor metadata is known.
    #[must_use]
    pub fn new(actor: Option<&'a Actor>, metadata: &'a [(String, String)]) -> Option<Self> {
        let id = actor.map(|actor| head(&actor.id, NAME_BYTES));
        (id.is_some() || !metadata.is_empty()).then_some(Self { id, metadata })
    }
}

impl<'a> From<&'a Agent> for AgentRef<'a> {
    fn from(agent: &'a Agent) -> Self {
        Self { id: agent.id.as_deref(), parent_id: agent.parent_id.as_deref() }
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
