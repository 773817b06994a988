//! Judges a request after it has ended, from what client and provider received and what was recorded.

mod compare;
mod outcome;
mod pool;
mod record;

use crate::case::{Case, ClientSaw, End, ProviderSaw};
use crate::plan::{ClientAct, Kind, Place, ProviderAct};
use crate::transcript::Api;
use crate::wire::header;
use serde_json::Value;

/// What is known of a request that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Evidence<'a> {
    pub(crate) case: &'a Case,
    pub(crate) client: &'a ClientSaw,
    pub(crate) provider: &'a ProviderSaw,
    pub(crate) record: Option<&'a Value>,
}

/// How many records a request must leave: one, one or none, none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    One,
    /// The client left so early that the gateway may not have seen the request.
    Perhaps,
    None,
}

/// How many records a request must leave.
pub(crate) fn due(case: &Case, client: &ClientSaw, provider: &ProviderSaw) -> Due {
    match case.plan.kind {
        Kind::TurnedAway { .. } | Kind::Passthrough => Due::None,
        Kind::Bridged | Kind::Refused { .. } | Kind::RefusedLate { .. }
            if provider.arrivals + provider.refused > 0 || client.status.is_some() =>
        {
            Due::One
        }
        Kind::Bridged | Kind::Refused { .. } | Kind::RefusedLate { .. } => Due::Perhaps,
    }
}

/// The failures of a request.
pub(crate) fn judge(evidence: Evidence<'_>) -> Vec<String> {
    let mut complaints = evidence.client.complaints.clone();
    complaints.extend(evidence.provider.complaints.iter().cloned());
    complaints.extend(client_side(evidence).err().map(|error| format!("client: {error}")));
    complaints.extend(provider_side(evidence).err().map(|error| format!("provider: {error}")));
    match (due(evidence.case, evidence.client, evidence.provider), evidence.record) {
        (Due::One, None) => complaints.push("no record came".to_owned()),
        (Due::None, Some(record)) => complaints.push(format!("a record that must not be: {record}")),
        (Due::One | Due::Perhaps, Some(record)) => {
            let judged = record::judge(evidence, record);
            complaints.extend(judged.err().map(|error| format!("record: {error}\nthe record: {record}")));
        }
        (Due::None | Due::Perhaps, None) => {}
    }
    complaints
}

/// Whether the client's response came from the provider.
pub(super) fn from_provider(client: &ClientSaw) -> bool {
    header(&client.headers, "x-chaos").is_some()
}

fn client_side(Evidence { case, client, provider, .. }: Evidence<'_>) -> Result<(), String> {
    let plan = &case.plan;
    let (Some(status), true) = (client.status, client.end != End::Stuck) else {
        return match &client.end {
            End::Left => Ok(()),
            End::Cut(_) if plan.kind == (Kind::TurnedAway { status: 431 }) => Ok(()),
            end @ (End::Whole | End::Cut(_) | End::Stuck) => Err(format!("{end:?} before any answer")),
        };
    };
    if pool::from_refusal(client) {
        return pool::refused(case, client, status);
    }
    if !from_provider(client) {
        return own_reply(case, client, status);
    }
    if header(&client.headers, "x-chaos") != Some(case.serial.to_string().as_str()) {
        return Err(format!("an answer to somebody else: {:?}", client.headers));
    }
    if matches!(plan.kind, Kind::Refused { .. } | Kind::TurnedAway { .. }) {
        return Err(format!("{status} from the provider"));
    }
    let answer = &plan.answer;
    if status != answer.status {
        return Err(format!("status {status}, the provider sent {}", answer.status));
    }
    for (name, value) in &answer.headers {
        if header(&client.headers, name) != Some(value) {
            return Err(format!("header {name}: {value} came as {:?}", header(&client.headers, name)));
        }
    }
    // The filter may have refused the request before it read `stream`; then it edits neither request nor response.
    let unedited = matches!(plan.kind, Kind::RefusedLate { .. }) && answer.body.starts_with(&client.body);
    if !unedited && !answer.delivered.starts_with(&client.body) {
        return Err(differ("the answer", &answer.delivered, &client.body));
    }
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "only a provider that breaks the connection may cut an answer"
    )]
    match &client.end {
        End::Whole if client.body.len() < answer.delivered.len() => {
            Err(format!("the answer ended after {} of {} bytes", client.body.len(), answer.delivered.len()))
        }
        End::Whole if !provider.ended => {
            Err("the answer ended, though the provider did not end it".to_owned())
        }
        End::Cut(how) => match plan.provider {
            ProviderAct::Break { place: Place::Body(sent), sure: true } if plan.client == ClientAct::Stay => {
                let due = answer.delivered_at_least(sent);
                if client.body.len() < due {
                    return Err(format!("cut after {} of {due} bytes", client.body.len()));
                }
                Ok(())
            }
            ProviderAct::Break { .. } => Ok(()),
            ProviderAct::HoldEarly { .. } if matches!(plan.kind, Kind::RefusedLate { .. }) => Ok(()),
            _ => Err(format!("the gateway cut the answer after {} bytes: {how}", client.body.len())),
        },
        End::Whole | End::Left | End::Stuck => Ok(()),
    }
}

/// Checks a reply that the gateway made itself.
fn own_reply(case: &Case, client: &ClientSaw, status: u16) -> Result<(), String> {
    let plan = &case.plan;
    let expected: &[u16] = match (plan.kind, plan.provider) {
        (Kind::Refused { status, .. } | Kind::TurnedAway { status }, _) => &[status],
        // The last member that the gateway could ask has reset the connection.
        _ if plan.refusals.iter().any(|refusal| refusal.answer.is_none()) => &[503],
        (_, ProviderAct::Break { place: Place::Babble | Place::Head, .. }) => &[502, 503],
        (_, ProviderAct::Break { .. }) => &[503],
        _ => &[],
    };
    let body = String::from_utf8_lossy(&client.body).into_owned();
    if !expected.contains(&status) {
        return Err(format!("the gateway answered {status} instead of {expected:?}: {body}"));
    }
    if client.end != End::Whole {
        let excused = client.end == End::Left || status == 431;
        return if excused {
            Ok(())
        } else {
            Err(format!("the gateway's own {status} ended with {:?}", client.end))
        };
    }
    if status == 431 || plan.upload.method == "HEAD" {
        return Ok(());
    }
    if matches!(status, 400 | 401 | 403 | 404 | 405 | 413 | 415 | 426)
        && header(&client.headers, "x-should-retry") != Some("false")
    {
        return Err(format!("{status} without x-should-retry: false"));
    }
    let reply: Value =
        serde_json::from_str(&body).map_err(|error| format!("{status} with {body:?}: {error}"))?;
    let messages_shape = reply.get("type").and_then(Value::as_str) == Some("error");
    let has_text =
        |member: &str| reply.pointer(&format!("/error/{member}")).and_then(Value::as_str).is_some();
    let target = &plan.upload.target;
    let in_messages =
        target.starts_with("/anthropic") || !target.starts_with("/openai") && target.contains("/v1/messages");
    debug_assert!(plan.transcript.api != Api::Messages || in_messages || plan.kind != Kind::Bridged);
    if messages_shape != in_messages
        || !has_text("type")
        || !has_text("message")
        || !in_messages && !has_text("code")
    {
        return Err(format!("{status} not in the dialect of {target}: {body}"));
    }
    Ok(())
}

fn provider_side(Evidence { case, client, provider, .. }: Evidence<'_>) -> Result<(), String> {
    let plan = &case.plan;
    if provider.arrivals == 0 {
        return match (plan.kind, plan.client) {
            (Kind::Bridged | Kind::Passthrough, ClientAct::Stay) if provider.refused == 0 => {
                Err("the request never came".to_owned())
            }
            _ => Ok(()),
        };
    }
    if provider.arrivals > 1 {
        return Err(format!("the request came {} times", provider.arrivals));
    }
    let forwarded = match plan.kind {
        Kind::Bridged | Kind::Passthrough => &plan.upload.forwarded,
        Kind::Refused { in_body: true, .. } | Kind::RefusedLate { .. } => &plan.upload.body,
        Kind::Refused { .. } | Kind::TurnedAway { .. } => return Err("a refused request came".to_owned()),
    };
    let same = common(forwarded, &provider.body);
    // Of an invalid request that the filter also edits, only the bytes before the edit are predictable.
    let written = &plan.transcript;
    let edited = common(&written.request, &written.forwarded);
    let foretold = written.request == written.forwarded || plan.kind == Kind::Bridged || same < edited;
    if same < provider.body.len() && foretold {
        return Err(differ("the request", forwarded, &provider.body));
    }
    if provider.whole && matches!(plan.kind, Kind::Refused { .. } | Kind::RefusedLate { .. }) {
        return Err("a refused request came whole".to_owned());
    }
    if provider.whole && provider.body.len() < forwarded.len() {
        return Err(format!("the request ended after {} of {} bytes", provider.body.len(), forwarded.len()));
    }
    let early = matches!(plan.provider, ProviderAct::AnswerEarly { .. });
    if client.end == End::Whole && from_provider(client) && !early && !provider.whole {
        return Err("the request came without its end, the answer with it".to_owned());
    }
    let target = forwarded_target(&plan.upload.target, plan.kind);
    if provider.target != target {
        return Err(format!("the target is {} instead of {target}", provider.target));
    }
    let stripped = |name: &str| {
        matches!(name, "x-actor" | "x-team") || name.starts_with("x-ai-bridge-") || name == "cookie"
    };
    let secret = |value: &str| value.contains("gw_") || value.contains("evil");
    match provider.headers.iter().find(|(name, value)| stripped(name) || secret(value)) {
        Some(header) => Err(format!("a header that must not pass: {header:?}")),
        None => Ok(()),
    }
}

/// The target that the provider should receive.
fn forwarded_target(target: &str, kind: Kind) -> String {
    let rest = ["/anthropic", "/openai", "/copilot", "/pooled"]
        .iter()
        .find_map(|prefix| target.strip_prefix(prefix));
    let rest = rest.unwrap_or(target);
    let bridged = matches!(kind, Kind::Bridged | Kind::Refused { .. } | Kind::RefusedLate { .. });
    if bridged { rest.trim_end_matches('/').to_owned() } else { rest.to_owned() }
}

/// The length of the common beginning, in bytes.
fn common(left: &[u8], right: &[u8]) -> usize {
    left.iter().zip(right).take_while(|(left, right)| left == right).count()
}

fn differ(what: &str, expected: &[u8], found: &[u8]) -> String {
    let at = common(expected, found);
    let near = |bytes: &[u8]| {
        let from = at.saturating_sub(20);
        String::from_utf8_lossy(bytes.get(from..bytes.len().min(at + 60)).unwrap_or_default()).into_owned()
    };
    format!("{what} differs at byte {at}: {:?} instead of {:?}", near(found), near(expected))
}
