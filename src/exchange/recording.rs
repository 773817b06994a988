//! What an interception leaves behind when its stream is over: its record, its measurements, and the values of the end.

use super::bedrock::Translation;
use super::download::Download;
use super::ending;
use super::interception::Interception;
use super::measurements::{self, Labels};
use super::pool;
use super::values;
use crate::api::request::Prompt;
use crate::bridge::Bridge;
use crate::dialect::error_type;
use crate::note::{Note, Notes};
use crate::pool::Ticket;
use crate::record::{
    ActorRef, AgentRef, BudgetRef, CredentialRef, ErrorRef, ModelRef, ProviderRef, Record, ResponseRef,
    TextBudget, UpstreamRef, UsageRef,
};
use crate::reply::Rejection;
use crate::step::{Effect, Ending};
use crate::text::Text;
use crate::timestamp::timestamp;
use crate::usage::UsageStatus;
use crate::values::Value;
use core::time::Duration;
use std::borrow::Cow;

/// Publishes everything that is left to publish.
pub(super) fn finish(mut interception: Box<Interception>, bridge: &Bridge, ending: &Ending) -> Vec<Effect> {
    interception.abandon_response();
    let outcome = ending::outcome(&interception.upload, &interception.download, ending);
    let mut effects = Vec::with_capacity(2 * values::EFFECTS);
    interception.publish_session(bridge, &mut effects);
    let totals = interception.totals(bridge);

    let Interception { arrival, upload, download, progress } = &*interception;
    let (facts, answer) = (upload.facts(), download.answer());
    let mut notes = progress.notes.clone();
    notes.merge(&facts.notes);
    if let Some(answer) = answer {
        notes.merge(&answer.notes);
    }
    let open_ticket = arrival.pool.as_ref().map(|ticket| ticket.borrow());
    let ticket = open_ticket.as_deref().filter(|ticket| !ticket.is_byok);
    if ticket.is_some_and(|ticket| ticket.attempts.len() > 1) {
        notes.add(Note::Failover);
    }
    let member = ticket.and_then(Ticket::served_member);
    let estimate = totals.charge.as_ref().map(|charge| charge.estimate);
    let usage = UsageRef::new(answer, &totals.usage, &totals.by_model, estimate, &mut notes);
    if totals.models_merged {
        notes.add(Note::ModelsMerged);
    }
    let is_charged = totals.charge.as_ref().is_some_and(|charge| charge.usage.total_tokens != Some(0));
    if totals.unpriced && (is_charged || usage.usage_status != UsageStatus::Missing) {
        notes.add(Note::Price);
    }
    if totals.cost_microusd.is_some() && usage.usage_status == UsageStatus::Partial {
        notes.add(Note::CostPartial);
    }
    let mut budget = TextBudget::new(&bridge.record);
    let prompt = facts.prompt.as_ref().map(Prompt::text);
    let prompt = prompt.as_ref().map(|prompt| budget.text(prompt, &mut notes));
    let tool_calls =
        budget.tool_calls(answer.map(|a| a.tool_calls.as_slice()).unwrap_or_default(), &mut notes);
    let thoughts = budget.thoughts(answer.map(|a| a.thoughts.as_slice()).unwrap_or_default(), &mut notes);
    let provider = &arrival.provider;
    let rejection = upload.rejection().map(|rejection| (rejection, rejection.to_string()));
    let record = Record {
        version: 1,
        id: &arrival.id,
        request_id: arrival.request_id.as_deref(),
        started_at: timestamp(arrival.started),
        ended_at: timestamp(ending.wall),
        duration_ms: millis(ending.now.saturating_sub(arrival.started)),
        time_to_first_event_ms: progress.first_event.map(|at| millis(at.saturating_sub(arrival.started))),
        provider: ProviderRef { r#type: provider.kind.name(), name: &provider.name },
        api: arrival.api.name(),
        method: &arrival.method,
        path: &arrival.path,
        upstream: UpstreamRef {
            host: member.map_or(&provider.base_url.authority, |member| &member.base_url.authority),
            cluster: member.map_or_else(|| arrival.cluster(), |member| &member.cluster),
            request_id: download.response().and_then(|response| response.request_id.as_deref()),
        },
        streaming: facts.stream,
        model: ModelRef {
            requested: facts.model.as_ref().map(Text::as_str),
            also_requested: &facts.also_requested,
            served: answer.and_then(|answer| answer.model.as_deref()),
        },
        actor: ActorRef::new(arrival.actor.as_ref(), &arrival.actor_metadata),
        client: arrival.client.name(),
        user_agent: arrival.user_agent.as_deref(),
        session_id: interception.session_id(),
        agent: arrival.agent.as_ref().map(AgentRef::from),
        correlating_tool_call_id: facts.correlating_tool_call_id.as_deref(),
        credential: match member {
            Some(member) => CredentialRef::new(member.credential_kind(), member.hint.as_deref()),
            None => CredentialRef::new(arrival.credential_kind, arrival.credential_hint.as_deref()),
        },
        attempts: ticket
            .map(|ticket| pool::attempts(ticket, ending.now, is_refused(&interception)))
            .unwrap_or_default(),
        affinity: ticket.and_then(|ticket| pool::affinity(ticket, progress.moved)),
        response: ResponseRef {
            id: answer.and_then(|answer| answer.id.as_deref()),
            status: status(&interception),
            finish_reasons: answer.map(|answer| answer.finish_reasons.as_slice()).unwrap_or_default(),
        },
        usage,
        cost_microusd: totals.cost_microusd,
        budget: progress.budget.as_deref().map(|budget| BudgetRef {
            used: budget.used(),
            resets_at: timestamp(budget.resets_at()),
            notice: budget.notice(),
        }),
        prompt,
        tool_calls,
        thoughts,
        outcome,
        error: error(&interception, rejection.as_ref().map(|(rejection, text)| (*rejection, text.as_str()))),
        notes: notes.lines(),
    };
    if bridge.metrics {
        if let Some(ticket) = ticket {
            pool::measure(ticket, &mut effects);
        }
        measure(&interception, &record, &notes, &mut effects);
    }
    let value = record.to_json(budget.spent());
    effects.push(Effect::Publish { name: Cow::Borrowed("ai_bridge_record"), value: Value::Owned(value) });
    drop(open_ticket);
    interception.publish_end(bridge, outcome, &totals, &mut effects);
    effects
}

fn measure(interception: &Interception, record: &Record<'_>, notes: &Notes, effects: &mut Vec<Effect>) {
    let served = interception.download.response().is_some_and(|response| response.is_success());
    let labels = Labels {
        model: interception.model().filter(|_| served),
        refusal_code: refusal_code(interception),
        unread: &notes.unread_reasons(),
    };
    measurements::of_interception(&interception.arrival, record, &labels, effects);
}

/// The status that the client got.
fn status(interception: &Interception) -> Option<u16> {
    match &interception.download {
        Download::Reading(response) | Download::Over(response) | Download::Reset(response) => {
            Some(response.status)
        }
        Download::Local(local) => Some(local.status),
        Download::Awaiting | Download::Replied => interception.upload.rejection().map(Rejection::status),
    }
}

/// Whether Envoy or another filter refused the request, or it was not sent whole in time, before a response began: then
/// the member that got its beginning has not failed.
fn is_refused(interception: &Interception) -> bool {
    matches!(&interception.download, Download::Local(local) if local.status < 500)
}

/// Why this filter or one behind it refused the request.
fn refusal_code(interception: &Interception) -> Option<&'static str> {
    match (interception.upload.rejection(), &interception.download) {
        (Some(rejection), _) => Some(rejection.code()),
        (None, Download::Local(local)) => Some(local.code),
        (None, _) => None,
    }
}

/// What went wrong. `rejection`: why this filter refused the request, and that as a text.
fn error<'a>(
    interception: &'a Interception,
    rejection: Option<(&'a Rejection, &'a str)>,
) -> Option<ErrorRef<'a>> {
    let dialect = interception.arrival.dialect;
    if let Some((rejection, message)) = rejection {
        return Some(ErrorRef {
            r#type: Some(error_type(dialect, rejection.status())),
            code: Some(rejection.code()),
            message: Some(message),
        });
    }
    if let Download::Local(local) = &interception.download {
        let exhausted = interception.progress.budget.as_ref().and_then(|budget| budget.error());
        let (kind, message) =
            exhausted.unwrap_or_else(|| (error_type(dialect, local.status), &local.message));
        return Some(ErrorRef { r#type: Some(kind), code: Some(local.code), message: Some(message) });
    }
    let response = interception.download.response()?;
    let stated = ErrorRef::stated(response.answer().error.as_ref()?);
    let translated = response.translation.as_ref().and_then(Translation::code);
    let code = stated.code.or(translated);
    let aws = response.aws_error.as_deref().or_else(|| translated.filter(|_| response.passes()));
    Some(ErrorRef { r#type: aws.or(stated.r#type), code: code.or(aws), ..stated })
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
