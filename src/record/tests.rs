//! The record and `envoy/records/record.schema.json` have the same members.

use super::json::{
    write_actor, write_agent, write_budget, write_error, write_model_usage, write_thought, write_tool_call,
};
use super::texts::compact;
use super::*;
use crate::json::{Writer, key};
use crate::usage::UsageDetails;
use serde_json::Value;
use std::collections::BTreeSet;

const SCHEMA: &str = include_str!("../../envoy/records/record.schema.json");

/// A record in which every member has a value. Without `..`, so that it does not compile until a new member is added.
fn everything<'a>(metadata: &'a [(String, String)], finish_reasons: &'a [String]) -> Record<'a> {
    Record {
        version: 1,
        id: "019ab5a2-7d70-7000-8000-000000000007",
        request_id: Some("request"),
        started_at: *b"2026-11-23T05:33:00.000Z",
        ended_at: *b"2026-11-23T05:33:00.042Z",
        duration_ms: 42,
        time_to_first_event_ms: Some(7),
        provider: ProviderRef { r#type: "anthropic", name: "anthropic" },
        api: "messages",
        method: "POST",
        path: "/anthropic/v1/messages",
        upstream: UpstreamRef { host: "api.anthropic.com", cluster: "anthropic", request_id: Some("req_1") },
        streaming: true,
        model: ModelRef {
            requested: Some("claude-opus-4-8"),
            also_requested: Vec::leak(vec!["claude-fable-5".to_owned()]),
            served: Some("claude-opus-4-8"),
        },
        actor: Some(ActorRef { id: Some("alice"), metadata }),
        client: "Unknown",
        user_agent: Some("curl"),
        session_id: Some("session"),
        agent: Some(AgentRef { id: Some("agent-7"), parent_id: Some("agent-1") }),
        correlating_tool_call_id: Some("toolu_1"),
        attempts: vec![AttemptRef { member: "main", status: Some(429), error: Some("reset"), ms: 7 }],
        affinity: Some(AffinityRef { member: "more", moved: true }),
        credential: CredentialRef::new(CredentialKind::Byok, Some("sk-a...0123")),
        response: ResponseRef { id: Some("msg_1"), status: Some(200), finish_reasons },
        usage: UsageRef {
            usage_status: UsageStatus::Complete,
            usage: Cow::Owned(Usage {
                input_tokens: Some(1),
                output_tokens: Some(2),
                cache_read_tokens: Some(3),
                cache_write_tokens: Some(4),
                reasoning_tokens: Some(1),
                total_input_tokens: Some(8),
                total_tokens: Some(10),
                details: UsageDetails {
                    cache_write_5m_tokens: Some(4),
                    cache_write_1h_tokens: Some(0),
                    web_search_requests: Some(0),
                    web_fetch_requests: Some(0),
                    input_audio_tokens: Some(0),
                    output_audio_tokens: Some(0),
                    accepted_prediction_tokens: Some(0),
                    rejected_prediction_tokens: Some(0),
                    image_input_tokens: Some(0),
                    image_output_tokens: Some(0),
                    service_tier: Some("standard".to_owned()),
                    speed: Some("fast".to_owned()),
                    inference_geo: Some("us".to_owned()),
                },
            }),
            by_model: vec![share(Some(1))].leak(),
            estimate: Some(Estimate { input_tokens: 1, output_tokens: 1 }),
            provider_usage: Some(r#"{"any":{"thing":1}}"#),
        },
        cost_microusd: Some(12),
        budget: Some(BudgetRef {
            used: "0.75".to_owned(),
            resets_at: *b"2026-11-23T05:33:00.000Z",
            notice: Some("warning"),
        }),
        prompt: Some(Spoken("Why?")),
        tool_calls: vec![ToolCallRef {
            id: Some("toolu_2"),
            item_id: Some("fc_2"),
            name: Some("Bash"),
            server: Some("tickets"),
            arguments: compact(r#"{"any":{"thing":1}}"#, false).map(Arguments::Json),
            kind: "client",
            complete: true,
        }],
        thoughts: vec![ThoughtRef { source: "thinking", text: Spoken("Hm.") }],
        outcome: Outcome::Failed,
        error: Some(ErrorRef { r#type: Some("api_error"), code: Some("x"), message: Some("no") }),
        notes: vec!["text_cut".to_owned()],
    }
}

/// What one model used, each number `number`.
fn share(number: Option<u64>) -> ModelUsage {
    let usage = Usage {
        input_tokens: number,
        output_tokens: number,
        cache_read_tokens: number,
        cache_write_tokens: number,
        total_input_tokens: number,
        ..Usage::default()
    };
    ModelUsage { model: "claude-opus-4-8".to_owned(), usage, cost_microusd: number }
}

/// A record without any member that may be absent.
fn nothing() -> Record<'static> {
    Record {
        request_id: None,
        time_to_first_event_ms: None,
        model: ModelRef { requested: None, also_requested: &[], served: None },
        actor: None,
        upstream: UpstreamRef { host: "api.anthropic.com", cluster: "anthropic", request_id: None },
        user_agent: None,
        session_id: None,
        agent: None,
        correlating_tool_call_id: None,
        credential: CredentialRef::new(CredentialKind::None, None),
        response: ResponseRef { id: None, status: None, finish_reasons: &[] },
        usage: UsageRef {
            usage_status: UsageStatus::Missing,
            usage: Cow::Owned(Usage::default()),
            by_model: &[],
            estimate: None,
            provider_usage: None,
        },
        cost_microusd: None,
        budget: None,
        attempts: Vec::new(),
        affinity: None,
        prompt: None,
        tool_calls: Vec::new(),
        thoughts: Vec::new(),
        error: None,
        notes: Vec::new(),
        ..everything(&[], &[])
    }
}

/// The record as it is written.
fn line(record: &Record<'_>) -> String {
    String::from_utf8(record.to_json(0)).unwrap()
}

/// What `write` writes.
fn value(write: impl FnOnce(&mut Writer)) -> Value {
    let mut out = Writer::default();
    write(&mut out);
    serde_json::from_str(&out.into_string()).unwrap()
}

/// Compares the members of `value`, and of the objects and first elements in it, with the schema's: those that
/// `listed` gives of an object's schema.
fn compare(schema: &Value, value: &Value, listed: &dyn Fn(&Value) -> BTreeSet<String>, at: &str) {
    if let Some(element) = value.as_array().and_then(|elements| elements.first()) {
        compare(&schema["items"], element, listed, &format!("{at}[0]"));
    }
    let (Some(known), Some(members)) = (schema["properties"].as_object(), value.as_object()) else { return };
    let written: BTreeSet<String> = members.keys().cloned().collect();
    assert_eq!(written, listed(schema), "{at}: in the record, and in the schema");
    for (name, member) in members {
        compare(&known[name], member, listed, &format!("{at}.{name}"));
    }
}

#[test]
fn the_schema_names_every_member_of_a_full_record() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let metadata = [("team".to_owned(), "payments".to_owned())];
    let reasons = ["end_turn".to_owned()];
    let record = value(|out| out.raw(&line(&everything(&metadata, &reasons))));
    let known = |schema: &Value| {
        schema["properties"].as_object().into_iter().flatten().map(|(k, _)| k.clone()).collect()
    };
    compare(&schema, &record, &known, "record");
}

#[test]
fn the_schema_requires_what_a_record_has_when_nothing_is_known() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let required = |schema: &Value| {
        schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect()
    };
    compare(&schema, &value(|out| out.raw(&line(&nothing()))), &required, "record");
    // The members of objects that may be absent themselves.
    let call = ToolCallRef {
        id: None,
        item_id: None,
        name: None,
        server: None,
        arguments: None,
        kind: "hosted",
        complete: false,
    };
    let thought = ThoughtRef { source: "thinking", text: Spoken("Hm.") };
    let actor = ActorRef { id: None, metadata: &[] };
    let budget = BudgetRef { used: "0".to_owned(), resets_at: *b"2026-11-23T05:33:00.000Z", notice: None };
    let error = ErrorRef { r#type: None, code: None, message: None };
    let poorest = value(|out| {
        out.begin('{');
        out.name(key!("tool_calls"));
        out.begin('[');
        write_tool_call(out, &call);
        out.end(']');
        out.name(key!("thoughts"));
        out.begin('[');
        write_thought(out, &thought);
        out.end(']');
        write_actor(out, &actor);
        write_agent(out, &AgentRef { id: None, parent_id: None });
        write_error(out, &error);
        write_budget(out, &budget);
        out.end('}');
    });
    for name in ["tool_calls", "thoughts", "actor", "agent", "error", "budget"] {
        compare(&schema["properties"][name], &poorest[name], &required, name);
    }
    let by_model = &schema["properties"]["usage"]["properties"]["by_model"];
    let share = value(|out| write_model_usage(out, &share(None)));
    compare(&by_model["items"], &share, &required, "by_model");
}
