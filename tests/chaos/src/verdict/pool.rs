//! Checks what pools add: the answer of a member that failed, and the record's `attempts`.

use super::Evidence;
use crate::case::{Case, ClientSaw, End};
use crate::plan::{MEMBERS, RETRIED};
use crate::wire::header;
use serde_json::{Map, Value};

/// Whether the client got the answer of a member that failed.
pub(super) fn from_refusal(client: &ClientSaw) -> bool {
    header(&client.headers, "x-chaos-refusal").is_some()
}

/// Checks the answer of a member that failed, after which the gateway asked no other member.
pub(super) fn refused(case: &Case, client: &ClientSaw, status: u16) -> Result<(), String> {
    if header(&client.headers, "x-chaos-refusal") != Some(case.serial.to_string().as_str()) {
        return Err(format!("a refusal of somebody else: {:?}", client.headers));
    }
    let mut statuses = case.plan.refusals.iter().filter_map(|refusal| Some(refusal.answer?.0));
    if !statuses.any(|refusal| refusal == status) {
        return Err(format!("{status}, which no member answered"));
    }
    match &client.end {
        End::Cut(how) => Err(format!("the gateway cut the refusal: {how}")),
        End::Whole | End::Left | End::Stuck => Ok(()),
    }
}

/// Checks `attempts`: each member once, in the pool's order; all but the last failed, and the last is the client's answer.
pub(super) fn attempts(evidence: Evidence<'_>, record: &Value) -> Result<(), String> {
    let Evidence { case, client, provider, .. } = evidence;
    let found = record.get("attempts").and_then(Value::as_array);
    if !case.plan.is_pooled() {
        return found.map_or(Ok(()), |found| Err(format!("attempts without a pool: {found:?}")));
    }
    let attempts = found.map(Vec::as_slice).unwrap_or_default();
    let member = |attempt: &Value| {
        let name = attempt.get("member").and_then(Value::as_str)?;
        MEMBERS.iter().position(|member| *member == name)
    };
    let status = |attempt: &Value| attempt.get("status").and_then(Value::as_u64);
    let known: Option<Vec<usize>> = attempts.iter().map(member).collect();
    if !known.is_some_and(|known| known.is_sorted_by(|one, next| one < next)) {
        return Err("the attempts are not in the members' order".to_owned());
    }
    let arrived = provider.refused + provider.arrivals;
    if attempts.len() < arrived {
        return Err(format!("{} attempts, and {arrived} arrived", attempts.len()));
    }
    let failed = |attempt: &Value| {
        status(attempt).map_or_else(
            || attempt.get("error").is_some(),
            |status| RETRIED.iter().any(|known| u64::from(*known) == status),
        )
    };
    if !attempts.iter().rev().skip(1).all(failed) {
        return Err("an attempt after one that did not fail".to_owned());
    }
    let answered = super::from_provider(client) || from_refusal(client);
    if answered && attempts.last().and_then(status) != client.status.map(u64::from) {
        return Err(format!("the last attempt is not the answer {:?}", client.status));
    }
    let notes = record.get("notes").and_then(Value::as_array);
    let noted = notes.is_some_and(|notes| notes.iter().any(|note| note == "failover"));
    if noted != (attempts.len() > 1) {
        return Err(format!("the note failover with {} attempts", attempts.len()));
    }
    Ok(())
}

/// Adds the note of a second attempt, which no transcript has, to the notes that a record must have.
pub(super) fn note_failover(wanted: &mut Map<String, Value>, record: &Value) {
    let attempts = record.get("attempts").and_then(Value::as_array).map_or(0, Vec::len);
    if attempts > 1
        && let Some(notes) = wanted.get_mut("notes").and_then(Value::as_array_mut)
        && !notes.is_empty()
    {
        notes.push("failover".into());
        notes.sort_by(|one, other| one.as_str().cmp(&other.as_str()));
    }
}
