//! Checks the members of a record.

use super::outcome::possible;
use super::{Evidence, compare, pool};
use crate::case::End;
use crate::plan::Kind;
use serde_json::{Map, Value, json};

/// The members that follow from the headers of a request.
const FROM_HEADERS: [&str; 7] = ["provider", "api", "method", "path", "client", "user_agent", "credential"];
/// The members that follow from its body.
const FROM_BODY: [&str; 4] = ["streaming", "prompt", "session_id", "correlating_tool_call_id"];

pub(super) fn judge(evidence: Evidence<'_>, record: &Value) -> Result<(), String> {
    let Evidence { case, client, provider, .. } = evidence;
    let plan = &case.plan;
    let written = &plan.transcript.record;
    let text = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
    identity(evidence, record)?;
    pool::attempts(evidence, record)?;

    let possible = possible(evidence);
    let outcome = text("/outcome").unwrap_or_default();
    if !possible.outcomes.iter().any(|allowed| allowed == outcome) {
        return Err(format!("the outcome is {outcome} instead of {}", possible.outcomes.join(" or ")));
    }
    let status = record.pointer("/response/status").and_then(Value::as_u64);
    if client.status.is_some() && status != client.status.map(u64::from) {
        return Err(format!("status {status:?}, the client got {:?}", client.status));
    }

    let mut wanted = Map::new();
    let mut take = |names: &[&str]| {
        for name in names {
            if let Some(value) = written.get(*name) {
                wanted.insert((*name).to_owned(), value.clone());
            }
        }
    };
    match plan.kind {
        Kind::Refused { status, code, .. } => {
            take(&FROM_HEADERS[..6]);
            wanted.insert("error".to_owned(), json!({ "code": code }));
            wanted.insert("response".to_owned(), json!({ "status": status, "id": null }));
            wanted
                .insert("usage".to_owned(), json!({ "usage_status": "missing", "total_input_tokens": null }));
        }
        Kind::RefusedLate { code } => {
            take(&FROM_HEADERS);
            wanted.insert("error".to_owned(), json!({ "code": code }));
            let notes = record.get("notes").and_then(Value::as_array);
            if !notes.is_some_and(|notes| notes.contains(&json!("reply_impossible"))) {
                return Err("no note that a reply was impossible".to_owned());
            }
        }
        Kind::Bridged | Kind::TurnedAway { .. } | Kind::Passthrough if possible.as_written => {
            wanted = written.as_object().cloned().unwrap_or_default();
            pool::note_failover(&mut wanted, record);
        }
        Kind::Bridged | Kind::TurnedAway { .. } | Kind::Passthrough => {
            take(&FROM_HEADERS);
            if provider.whole {
                take(&FROM_BODY);
            }
        }
    }
    if let Some(actor) = actor(evidence) {
        wanted.insert("actor".to_owned(), actor);
    }
    compare::matches(&Value::Object(wanted), record, "")?;
    models(evidence, record, possible.served.as_deref())
}

/// Checks the members that identify the record and its time.
fn identity(Evidence { case, .. }: Evidence<'_>, record: &Value) -> Result<(), String> {
    let text = |name: &str| record.get(name).and_then(Value::as_str).unwrap_or_default();
    if record.get("version") != Some(&json!(1)) {
        return Err("no version".to_owned());
    }
    if text("request_id") != case.request_id() {
        return Err(format!("request_id is {}", text("request_id")));
    }
    let id = text("id");
    if id.len() != 36 || id.get(14..15) != Some("7") {
        return Err(format!("id {id} is no UUIDv7"));
    }
    if text("started_at") > text("ended_at") || text("started_at").is_empty() {
        return Err(format!("from {} to {}", text("started_at"), text("ended_at")));
    }
    match record.get("duration_ms").and_then(Value::as_u64) {
        Some(0..=60_000) => Ok(()),
        other => Err(format!("duration_ms is {other:?}")),
    }
}

/// The actor that the request named; `None`: the request was refused before the filter read the actor.
fn actor(Evidence { case, .. }: Evidence<'_>) -> Option<Value> {
    let before_actor = matches!(
        case.plan.kind,
        Kind::Refused { code: "repeated_credential" | "wrong_vendor_credential", .. }
    );
    if before_actor {
        return None;
    }
    let metadata = case.plan.transcript.record.pointer("/actor/metadata").cloned().unwrap_or(Value::Null);
    Some(json!({ "id": case.actor(), "metadata": metadata }))
}

/// Checks the models: they are those of the transcript or absent. A model is required once the bytes that name it were
/// forwarded.
fn models(evidence: Evidence<'_>, record: &Value, served: Option<&str>) -> Result<(), String> {
    let Evidence { case, client, provider, .. } = evidence;
    let plan = &case.plan;
    let text =
        |value: &Value, pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let requested = text(record, "/model/requested");
    let written = text(&plan.transcript.record, "/model/requested");
    let named = written.as_ref().and_then(|model| {
        let value = format!("\"{model}\"");
        let at = provider.body.windows(value.len()).rposition(|window| window == value.as_bytes());
        // Compares the last match of both, because other values of the request may equal the model's name.
        let all = plan.upload.forwarded.windows(value.len()).rposition(|window| window == value.as_bytes());
        (at.is_some() && at == all).then_some(())
    });
    let must = plan.kind == Kind::Bridged && (named.is_some() || provider.whole);
    if requested != written && (must || requested.is_some()) {
        return Err(format!("model requested: {requested:?} instead of {written:?}"));
    }
    let found = text(record, "/model/served");
    let written = text(&plan.transcript.record, "/model/served");
    let synthetic = plan.answer.status != plan.transcript.status;
    // A stream with fallbacks on the provider's side may break off before the last of them.
    let fallbacks = plan.transcript.record.pointer("/model/also_requested").is_some();
    let wrong = found != written && client.end != End::Whole && written.is_some() && !fallbacks;
    if found.is_some() && (synthetic || wrong) {
        return Err(format!("model served: {found:?} instead of {written:?}"));
    }
    // With a fallback another model serves than the one that the answer named first.
    if served.is_some() && found.as_deref() != served && !fallbacks {
        return Err(format!("model served: {found:?}, the answer has named {served:?}"));
    }
    Ok(())
}
