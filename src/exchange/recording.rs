//! What an interception leaves behind: its record, its single values, its measurements.

use super::admission;
use super::interception::{Download, Downloading, Interception};
use super::values::EFFECTS;
use crate::answer::Answer;
use crate::api::request::Prompt;
use crate::bridge::Bridge;
use crate::metric::{Label, Metric, Series};
use crate::note::Note;
use crate::price;
use crate::record::{
    ActorRef, CredentialRef, ErrorRef, ModelRef, Outcome, ProviderRef, Record, ResponseRef, TextBudget,
    UpstreamRef, UsageRef,
};
use crate::reply::{Rejection, error_type};
use crate::step::{Effect, Ending};
use crate::text::Text;
use crate::timestamp::timestamp;
use crate::usage::UsageStatus;
use core::time::Duration;
use std::borrow::Cow;
use std::rc::Rc;

impl Interception {
    /// Everything that is left to publish, when the stream is over.
    pub(super) fn publish(mut self: Box<Self>, bridge: &Bridge, ending: &Ending) -> Vec<Effect> {
        let provider = Rc::clone(&self.provider);
        if let Download::Reading(download) = &mut self.download
            && !download.over
        {
            download.reader.abandon();
        }
        let outcome = self.outcome(ending);
        let mut effects = Vec::with_capacity(2 * EFFECTS);
        self.session_of_body(bridge, &mut effects);
        let this = &*self;
        let facts = this.upload.facts();
        let download = this.downloading();
        let answer = download.map(|download| download.reader.answer());
        let mut notes = this.notes.clone();
        notes.merge(&facts.notes);
        if let Some(answer) = answer {
            notes.merge(&answer.notes);
        }
        let usage = UsageRef::new(answer, &mut notes);
        let served = answer.and_then(|answer| answer.model.as_deref());
        let requested = facts.model.as_ref().map(Text::as_str);
        let model = this.model();
        let cost_microusd = model.and_then(|model| {
            let price = price::for_model(&bridge.prices, model);
            if price.is_none() && !bridge.prices.is_empty() && usage.usage_status != UsageStatus::Missing {
                notes.add(Note::Price);
            }
            let cost = price::cost_microusd(price?, &usage.usage);
            if cost.is_some() && usage.usage_status == UsageStatus::Partial {
                notes.add(Note::CostPartial);
            }
            cost
        });
        let mut budget = TextBudget::new(&bridge.record);
        let prompt = facts.prompt.as_ref().map(Prompt::text);
        let prompt = prompt.as_ref().map(|prompt| budget.text(prompt, &mut notes));
        let tool_calls =
            budget.tool_calls(answer.map(|a| a.tool_calls.as_slice()).unwrap_or_default(), &mut notes);
        let thoughts = budget.thoughts(answer.map(|a| a.thoughts.as_slice()).unwrap_or_default(), &mut notes);
        let refusal = this.rejection.as_ref().map(|rejection| (rejection.code(), rejection.to_string()));
        let record = Record {
            version: 1,
            id: &this.id,
            request_id: this.request_id.as_deref(),
            started_at: timestamp(this.started),
            ended_at: timestamp(ending.now),
            duration_ms: millis(ending.now.saturating_sub(this.started)),
            time_to_first_event_ms: this.first_event.map(|at| millis(at.saturating_sub(this.started))),
            provider: ProviderRef { r#type: provider.kind.name(), name: &provider.name },
            api: this.api.name(),
            method: &this.method,
            path: &this.path,
            upstream: UpstreamRef { host: &provider.base_url.authority, cluster: this.cluster() },
            streaming: facts.stream,
            model: ModelRef { requested, served },
            actor: ActorRef::new(this.actor.as_ref(), &this.actor_metadata),
            client: this.client.name(),
            user_agent: this.user_agent.as_deref(),
            session_id: this.session_id.as_deref(),
            correlating_tool_call_id: facts.correlating_tool_call_id.as_deref(),
            credential: CredentialRef::new(this.credential.0, this.credential.1.as_deref()),
            response: ResponseRef {
                id: answer.and_then(|answer| answer.id.as_deref()),
                status: this.status(),
                finish_reasons: answer.map(|answer| answer.finish_reasons.as_slice()).unwrap_or_default(),
            },
            usage,
            cost_microusd,
            prompt,
            tool_calls,
            thoughts,
            outcome,
            error: this.error(refusal.as_ref().map(|(code, message)| (*code, message.as_str()))),
            notes: notes.lines(),
        };
        if bridge.metrics {
            this.measure(&record, model, &notes.unread_reasons(), &mut effects);
        }
        let value = record.written(budget.spent());
        effects.push(Effect::Publish { name: Cow::Borrowed("ai_bridge_record"), value: Cow::Owned(value) });
        let usage = record.usage.usage;
        self.values_of_end(bridge, outcome, &usage, cost_microusd, &mut effects);
        effects
    }

    fn outcome(&self, ending: &Ending) -> Outcome {
        self.settled_outcome().unwrap_or_else(|| match &self.download {
            Download::Reading(download) => download.outcome(ending.is_by_client()),
            Download::Awaiting if ending.is_by_gateway() => Outcome::Unavailable,
            // An upstream that fails before it answers is answered for by Envoy: it is the client that went away.
            Download::Awaiting | Download::Local(_) => Outcome::AbortedClient,
        })
    }

    /// The outcome, once it is the same however the connection ends.
    pub(super) fn settled_outcome(&self) -> Option<Outcome> {
        if self.rejection.is_some() {
            return Some(Outcome::Rejected);
        }
        match &self.download {
            Download::Local(local) if local.is_refusal() => Some(Outcome::Rejected),
            Download::Local(local) if local.status == 408 => Some(Outcome::AbortedClient),
            Download::Local(_) => Some(Outcome::Unavailable),
            Download::Reading(download) if download.over || download.reader.answer().ended => {
                Some(download.outcome(false))
            }
            Download::Awaiting | Download::Reading(_) => None,
        }
    }

    pub(super) fn downloading(&self) -> Option<&Downloading> {
        match &self.download {
            Download::Reading(download) => Some(download),
            Download::Awaiting | Download::Local(_) => None,
        }
    }

    /// What the client got.
    fn status(&self) -> Option<u16> {
        match (&self.download, &self.rejection) {
            (Download::Reading(download), _) => Some(download.status),
            (Download::Local(local), _) => Some(local.status),
            (Download::Awaiting, rejection) => rejection.as_ref().map(Rejection::status),
        }
    }

    /// Why this filter or one behind it refused.
    fn refusal_code(&self) -> Option<&'static str> {
        match (&self.rejection, &self.download) {
            (Some(rejection), _) => Some(rejection.code()),
            (None, Download::Local(local)) => Some(local.code),
            (None, Download::Awaiting | Download::Reading(_)) => None,
        }
    }

    fn error<'a>(&'a self, refusal: Option<(&'a str, &'a str)>) -> Option<ErrorRef<'a>> {
        if let (Some((code, message)), Some(rejection)) = (refusal, &self.rejection) {
            let r#type = Some(error_type(self.api, rejection.status()));
            return Some(ErrorRef { r#type, code: Some(code), message: Some(message) });
        }
        match &self.download {
            Download::Local(local) => Some(ErrorRef {
                r#type: Some(error_type(self.api, local.status)),
                code: Some(local.code),
                message: Some(local.message),
            }),
            Download::Reading(download) => download.reader.answer().error.as_ref().map(|error| {
                let stated = ErrorRef::stated(error);
                let code = stated.code.or_else(|| download.translation.as_ref()?.code());
                ErrorRef { code, ..stated }
            }),
            Download::Awaiting => None,
        }
    }

    fn measure(
        &self,
        record: &Record<'_>,
        model: Option<&str>,
        unread: &[&'static str],
        effects: &mut Vec<Effect>,
    ) {
        let name = || Label::from(&self.provider.name);
        let api = || Label::Fixed(self.api.name());
        // Models only from 2xx answers: whatever a caller asks for is no label value.
        let served = self.downloading().is_some_and(Downloading::is_success);
        let model = model.filter(|_| served).map(Rc::<str>::from);
        let model = || model.as_ref().map_or(Label::Fixed("unknown"), Label::from);
        let mut measure = |series: Series, value: u64| effects.push(Effect::Measure(series.measured(value)));
        measure(Series::new(Metric::Requests, [name(), api(), model(), record.outcome.name().into()]), 1);
        let usage = &record.usage.usage;
        for (kind, tokens) in [
            ("input", usage.input_tokens),
            ("output", usage.output_tokens),
            ("cache_read", usage.cache_read_tokens),
            ("cache_write", usage.cache_write_tokens),
            ("reasoning", usage.reasoning_tokens),
        ] {
            if let Some(tokens) = tokens.filter(|tokens| *tokens > 0) {
                measure(Series::new(Metric::Tokens, [name(), model(), kind.into()]), tokens);
            }
        }
        if let Some(cost) = record.cost_microusd.filter(|cost| *cost > 0) {
            measure(Series::new(Metric::CostMicrousd, [name(), model()]), cost);
        }
        measure(Series::new(Metric::DurationMs, [name(), api()]), record.duration_ms);
        if let Some(waited) = record.time_to_first_event_ms {
            measure(Series::new(Metric::TimeToFirstEventMs, [name(), api()]), waited);
        }
        for reason in unread {
            measure(Series::new(Metric::Unread, [(*reason).into()]), 1);
        }
        if let Some(code) = self.refusal_code().filter(|_| record.outcome == Outcome::Rejected) {
            effects.push(Effect::Measure(admission::refused(name(), code)));
        }
    }
}

impl Downloading {
    fn outcome(&self, cut_by_client: bool) -> Outcome {
        let answer: &Answer = self.reader.answer();
        if !self.is_success() || answer.error.is_some() {
            return Outcome::Failed;
        }
        if answer.ended || (self.over && self.reader.ends_with_body()) {
            return Outcome::Completed;
        }
        if !self.over && cut_by_client {
            return Outcome::AbortedClient;
        }
        Outcome::AbortedUpstream
    }
}

impl Ending {
    /// Whether it was the client that cut the stream, or broke its protocol: Envoy's details name the side.
    /// <https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details>
    fn is_by_client(&self) -> bool {
        let sides = ["downstream", "http1.", "http2.", "http3.", "codec_error"];
        !self.is_by_gateway() && sides.iter().any(|side| self.details().starts_with(side))
    }

    /// Whether Envoy itself closed the client's connection, as when a changed listener has been drained for long enough.
    fn is_by_gateway(&self) -> bool {
        self.details().starts_with("downstream_local_disconnect")
    }

    fn details(&self) -> &str {
        self.code_details.as_deref().unwrap_or_default()
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
