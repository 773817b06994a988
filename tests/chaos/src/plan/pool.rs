//! Plans whose request goes to a pool: some members fail before one responds by the plan.

use super::{ClientAct, Kind, Place, Plan, ProviderAct};
use crate::random::Random;
use crate::transcript::Transcript;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// The pool's members in their order. `run.py` configures them.
pub(crate) const MEMBERS: [&str; 3] = ["one", "two", "three"];
/// The answers after which another member is asked.
pub(crate) const RETRIED: [u16; 7] = [401, 429, 500, 502, 503, 504, 529];

/// How a member fails instead of responding by the plan.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    /// How many bytes of the request's body it reads first.
    pub(crate) after: usize,
    pub(crate) pause: Duration,
    /// The status of its answer and a header line; `None`: it resets the connection.
    pub(crate) answer: Option<(u16, &'static str)>,
}

/// What a failing member answers, with its weight. Answers that set it aside are rare, most of all the 401, which does so for
/// a minute: else no other member would be left for most requests.
const ANSWERS: [(usize, Option<(u16, &str)>); 10] = [
    (1500, None),
    (1500, Some((500, "x-should-retry: true"))),
    (1000, Some((502, "x-should-retry: true"))),
    (900, Some((504, "x-should-retry: true"))),
    (20, Some((503, "retry-after: 1"))),
    (20, Some((529, "retry-after: 0"))),
    (20, Some((429, "retry-after: 1"))),
    (20, Some((429, "retry-after-ms: 1200"))),
    (20, Some((429, "retry-after: Sun, 06 Nov 1994 08:49:37 GMT"))),
    (1, Some((401, "x-should-retry: false"))),
];

/// The key of a member. Its hint in a record is that of the transcripts' central key.
pub(crate) fn key(member: &str) -> String {
    format!("sk-ant-api03-{member}-CENTRAL")
}

/// Sends the plan's request to the pool, if the plan goes with one: the filter pays for it, and only a member that fails
/// may be followed by another one.
pub(super) fn pool(random: &mut Random, plan: &mut Plan) {
    let once = match plan.provider {
        ProviderAct::Answer | ProviderAct::Mute | ProviderAct::Hold { .. } => true,
        ProviderAct::Break { place: Place::Body(_), sure } => sure,
        ProviderAct::Break { .. }
        | ProviderAct::AnswerEarly { .. }
        | ProviderAct::HoldEarly { .. }
        | ProviderAct::Gather { .. } => false,
    };
    let Some(rest) = plan.upload.target.strip_prefix("/anthropic/") else { return };
    let is_central = plan.transcript.recorded("/credential/kind") == Some("centralized");
    if plan.kind != Kind::Bridged || !once || !is_central || RETRIED.contains(&plan.answer.status) {
        return;
    }
    plan.upload.target = format!("/pooled/{rest}");
    plan.transcript = Arc::new(pooled(&plan.transcript));
    // A client that leaves while it uploads waits until a member has the headers.
    let reads = !matches!(plan.client, ClientAct::LeaveUploading { .. });
    for _ in 0..random.below(MEMBERS.len()) {
        let length = plan.upload.forwarded.len();
        let after = if !reads { 0 } else { random.pick(&[0, length / 2, length]).copied().unwrap_or(0) };
        let pause = Duration::from_millis(if random.percent(5) { 150 } else { 0 });
        let answer = random.weighted(&ANSWERS).flatten();
        plan.refusals.push(Refusal { after, pause, answer });
    }
}

/// The transcript with the pool's provider.
fn pooled(transcript: &Transcript) -> Transcript {
    let mut transcript = transcript.clone();
    if let Some(record) = transcript.record.as_object_mut() {
        record.insert("provider".to_owned(), json!({ "type": "anthropic", "name": "pooled" }));
        if let Some(path) = record.get("path").and_then(|path| path.as_str()) {
            let path = path.replacen("/anthropic/", "/pooled/", 1);
            record.insert("path".to_owned(), path.into());
        }
    }
    transcript
}
