//! Draws the plan of a request.

use super::shape::{download, last_event, pad_object, portions};
use super::{
    ClientAct, Download, Framing, Goodbye, Kind, Place, Plan, ProviderAct, Upload, coding, pool, refusal,
};
use crate::random::Random;
use crate::transcript::{Api, Ends, Transcript};
use std::sync::Arc;
use std::time::Duration;

/// The kinds of plans.
#[derive(Clone, Copy)]
enum Scenario {
    Whole,
    ClientLeavesUploading,
    ClientLeavesWaiting,
    ClientLeavesReading,
    ProviderBreaksBefore,
    ProviderBreaksWithin,
    BothLeave,
    EarlyAnswer,
    Refused,
    RefusedLate,
    TurnedAway,
    Passthrough,
}

/// How often each kind is drawn, of a thousand.
const SCENARIOS: [(usize, Scenario); 12] = [
    (420, Scenario::Whole),
    (70, Scenario::ClientLeavesUploading),
    (60, Scenario::ClientLeavesWaiting),
    (120, Scenario::ClientLeavesReading),
    (70, Scenario::ProviderBreaksBefore),
    (90, Scenario::ProviderBreaksWithin),
    (20, Scenario::BothLeave),
    (30, Scenario::EarlyAnswer),
    (50, Scenario::Refused),
    (10, Scenario::RefusedLate),
    (30, Scenario::TurnedAway),
    (30, Scenario::Passthrough),
];

/// The share of requests that go to the pool, of those that could, in percent.
const POOLED: usize = 40;

/// The plan of request `number` in the run `seed`. `None`: there are no transcripts.
pub(crate) fn draw(seed: u64, number: u64, transcripts: &[Arc<Transcript>]) -> Option<Plan> {
    let mut random = Random::new(seed, number);
    let transcript = Arc::clone(random.pick(transcripts)?);
    let scenario = random.weighted(&SCENARIOS)?;
    let http2 = random.percent(35);
    let goodbye = if random.percent(70) { Goodbye::Reset } else { Goodbye::Close };
    let upload = upload(&mut random, &transcript, http2);
    let answer = download(&mut random, &transcript);
    let dawdle = Duration::from_millis(if random.percent(4) { 4 } else { 0 });
    let mut plan = Plan { dawdle, goodbye, ..answered(number, transcript, http2, upload, answer) };
    match scenario {
        Scenario::Whole => as_written(&mut plan),
        Scenario::ClientLeavesUploading => {
            let sent = random.below(plan.upload.body.len());
            plan.client = ClientAct::LeaveUploading { sent, sure: random.percent(60) };
        }
        Scenario::ClientLeavesWaiting => {
            let sure = random.percent(60);
            plan.client = ClientAct::LeaveWaiting { sure };
            plan.provider = if sure { ProviderAct::Mute } else { ProviderAct::Answer };
        }
        Scenario::ClientLeavesReading => {
            let sent = place_in(&mut random, &plan.answer);
            if random.percent(60) {
                endless(&mut plan.answer, sent);
                plan.provider = ProviderAct::Hold { sent };
            }
            plan.client = ClientAct::LeaveReading { received: plan.answer.delivered_at_least(sent) };
        }
        Scenario::ProviderBreaksBefore => {
            let length = plan.upload.forwarded.len();
            let place = match random.below(5) {
                0 => Place::Arrival,
                1 => Place::Upload(random.below(length)),
                2 => Place::Head,
                3 => Place::Babble,
                _ => Place::Whole,
            };
            plan.provider = ProviderAct::Break { place, sure: false };
        }
        Scenario::ProviderBreaksWithin => {
            let sent = place_in(&mut random, &plan.answer);
            endless(&mut plan.answer, sent);
            plan.provider = ProviderAct::Break { place: Place::Body(sent), sure: random.percent(60) };
        }
        Scenario::BothLeave => {
            let sent = place_in(&mut random, &plan.answer);
            endless(&mut plan.answer, sent);
            plan.provider = ProviderAct::Break { place: Place::Body(sent), sure: false };
            let received = random.below(plan.answer.delivered_at_least(sent) + 1);
            plan.client = ClientAct::LeaveReading { received };
        }
        Scenario::EarlyAnswer => answer_early(&mut random, &mut plan),
        Scenario::Refused => refusal::refuse(&mut random, &mut plan),
        Scenario::RefusedLate => refusal::refuse_late(&mut random, &mut plan),
        Scenario::TurnedAway => refusal::turn_away(&mut random, &mut plan),
        Scenario::Passthrough => passthrough(&mut random, &mut plan),
    }
    if plan.kind == Kind::Bridged
        && !plan.upload.headers.iter().any(|(name, _)| name == "expect")
        && random.percent(5)
    {
        encode(&mut random, &mut plan);
    }
    if random.percent(POOLED) {
        pool::pool(&mut random, &mut plan);
    }
    Some(plan)
}

/// Encodes the request in a content coding, which Envoy decodes in front of the filter.
fn encode(random: &mut Random, plan: &mut Plan) {
    let upload = &mut plan.upload;
    let (coding, body) = coding::encode(random, &upload.body);
    upload.headers.push(("content-encoding".to_owned(), coding.to_owned()));
    upload.declared = upload.declared.map(|_| body.len());
    upload.portions = portions(random, body.len());
    upload.body = body;
    if let ClientAct::LeaveUploading { sent, .. } = &mut plan.client {
        *sent = random.below(upload.body.len());
    }
}

/// The plan of one gathered stream. `None`: there are no transcripts of streams.
pub(crate) fn draw_gathered(seed: u64, number: u64, transcripts: &[Arc<Transcript>]) -> Option<Plan> {
    let mut random = Random::new(seed, number);
    let is_whole =
        |each: &&Arc<Transcript>| each.ends == Ends::Complete && each.status == 200 && each.is_streamed();
    let streams: Vec<&Arc<Transcript>> = transcripts.iter().filter(is_whole).collect();
    let transcript = Arc::clone(random.pick(&streams)?);
    let http2 = random.percent(35);
    let upload = upload(&mut random, &transcript, http2);
    let mut answer = download(&mut random, &transcript);
    let sent = place_in(&mut random, &answer);
    endless(&mut answer, sent);
    let provider = ProviderAct::Gather { sent };
    Some(Plan { provider, ..answered(number, transcript, http2, upload, answer) })
}

/// The plan of a request that the provider answers at once, and that neither side breaks off.
fn answered(number: u64, transcript: Arc<Transcript>, http2: bool, upload: Upload, answer: Download) -> Plan {
    Plan {
        number,
        transcript,
        kind: Kind::Bridged,
        http2,
        upload,
        answer,
        client: ClientAct::Stay,
        provider: ProviderAct::Answer,
        refusals: Vec::new(),
        dawdle: Duration::ZERO,
        goodbye: Goodbye::Reset,
    }
}

fn upload(random: &mut Random, transcript: &Transcript, http2: bool) -> Upload {
    let (mut body, mut forwarded) = (transcript.request.clone(), transcript.forwarded.clone());
    pad_object(random, [&mut body, &mut forwarded]);
    let mut headers = transcript.headers.clone();
    if random.percent(5) {
        headers.push(("x-noise".to_owned(), "n".repeat(random.below(20_000))));
    }
    if random.percent(5) {
        // The filter has to remove both.
        headers.push(("x-ai-bridge-cluster".to_owned(), "evil".to_owned()));
        headers.push(("x-ai-bridge-actor-id".to_owned(), "evil".to_owned()));
    }
    if !http2 && random.percent(3) {
        headers.push(("expect".to_owned(), "100-continue".to_owned()));
    }
    let declared = random.percent(70).then_some(body.len());
    let portions = portions(random, body.len());
    let target = transcript.target.clone();
    let trailers = random.percent(5);
    Upload { method: "POST", target, headers, body, forwarded, declared, portions, trailers }
}

/// Follows the transcript, in which client or provider may break off.
fn as_written(plan: &mut Plan) {
    let all = plan.answer.body.len();
    match plan.transcript.ends {
        Ends::Complete => {}
        Ends::Reset => {
            endless(&mut plan.answer, all);
            plan.provider = ProviderAct::Break { place: Place::Body(all), sure: true };
        }
        Ends::ClientGone => {
            endless(&mut plan.answer, all);
            plan.provider = ProviderAct::Hold { sent: all };
            plan.client = ClientAct::LeaveReading { received: plan.answer.delivered_at_least(all) };
        }
    }
}

/// Draws a position in the response's body. Its end and event boundaries are more frequent than other positions.
fn place_in(random: &mut Random, answer: &Download) -> usize {
    let any = random.below(answer.body.len() + 1);
    match random.below(10) {
        0 => answer.body.len(),
        1 | 2 => last_event(&answer.body, any),
        _ => any,
    }
}

/// Changes the framing so that the response is incomplete after `sent` bytes.
fn endless(answer: &mut Download, sent: usize) {
    if answer.framing == Framing::Close || sent >= answer.body.len() {
        answer.framing = Framing::Chunks;
    }
}

/// Makes the provider respond with an error before it has read the request.
fn answer_early(random: &mut Random, plan: &mut Plan) {
    let status = *random.pick(&[400, 413, 429, 500, 529]).unwrap_or(&400);
    let body = match plan.transcript.api {
        Api::Messages => r#"{"type":"error","error":{"type":"chaos_error","message":"early"}}"#,
        Api::ChatCompletions | Api::Responses => {
            r#"{"error":{"message":"early","type":"chaos_error","param":null,"code":"early_code"}}"#
        }
    };
    plan.answer = Download {
        status,
        headers: vec![("content-type".to_owned(), "application/json".to_owned())],
        body: body.into(),
        delivered: body.into(),
        cut: (body.len(), 0),
        held: false,
        framing: Framing::Length,
        portions: portions(random, body.len()),
        hinted: false,
        trailers: false,
    };
    plan.provider = ProviderAct::AnswerEarly { after: random.below(plan.upload.forwarded.len()) };
}

/// Makes the plan a passthrough request with arbitrary bytes in both directions.
fn passthrough(random: &mut Random, plan: &mut Plan) {
    let routes = [
        ("GET", "/anthropic/v1/models?limit=3", "Bearer gw_chaos"),
        ("POST", "/anthropic/v1/messages/count_tokens", "Bearer gw_chaos"),
        ("GET", "/openai/v1/models/gpt%2F5", "Bearer gw_chaos"),
        ("POST", "/openai/v1/conversations", "Bearer gw_chaos"),
        ("DELETE", "/openai/v1/responses/resp_1", "Bearer gw_chaos"),
        ("POST", "/copilot/agents/x", "Bearer ghu_0123456789"),
    ];
    let Some((method, target, authorization)) = random.pick(&routes).copied() else { return };
    let length = if method == "POST" { random.between(1, 5000) } else { 0 };
    let body = random.bytes(length);
    plan.kind = Kind::Passthrough;
    plan.upload = Upload {
        method,
        target: target.to_owned(),
        headers: vec![("authorization".to_owned(), authorization.to_owned())],
        declared: (method != "POST" || random.percent(50)).then_some(length),
        portions: portions(random, length),
        trailers: false,
        forwarded: body.clone(),
        body,
    };
    let length = random.below(20_000);
    let body = random.bytes(length);
    plan.answer = Download {
        status: *random.pick(&[200, 200, 404, 500]).unwrap_or(&200),
        headers: vec![("content-type".to_owned(), "application/octet-stream".to_owned())],
        cut: (length, 0),
        held: false,
        framing: if random.percent(50) { Framing::Length } else { Framing::Chunks },
        portions: portions(random, length),
        hinted: random.percent(3),
        trailers: random.percent(10),
        delivered: body.clone(),
        body,
    };
    let sent = place_in(random, &plan.answer);
    match random.below(6) {
        0 => {
            endless(&mut plan.answer, sent);
            plan.provider = ProviderAct::Hold { sent };
            plan.client = ClientAct::LeaveReading { received: sent };
        }
        1 => {
            endless(&mut plan.answer, sent);
            plan.provider = ProviderAct::Break { place: Place::Body(sent), sure: true };
        }
        2 => plan.provider = ProviderAct::Break { place: Place::Whole, sure: false },
        _ => {}
    }
}
