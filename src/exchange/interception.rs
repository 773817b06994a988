//! One bridged request with its response, from admission to its record: what each callback does with both directions.
//!
//! The directions have states of their own, because a response may begin before the request is whole.

use super::arrival::Arrival;
use super::bedrock;
use super::budget;
use super::download::{Download, Response};
use super::ending;
use super::measurements;
use super::pool;
use super::totals::Totals;
use super::upload::Upload;
use super::values::{self, EndValues};
use crate::api::response::Format;
use crate::bridge::Bridge;
use crate::budget::Budget;
use crate::caller::Client;
use crate::headers::HeaderEdits;
use crate::note::{Note, Notes};
use crate::provider::Provider;
use crate::record::Outcome;
use crate::reply::{self, ID_HEADER, Local, Rejection};
use crate::step::{Effect, Flow, LocalReply, ResponseHead, Step};
use crate::text::Text;
use core::time::Duration;

/// A bridged stream: its headers, the states of both directions, and what was learned since.
#[derive(Debug)]
pub(super) struct Interception {
    pub(super) arrival: Arrival,
    pub(super) upload: Upload,
    pub(super) download: Download,
    pub(super) progress: Progress,
}

/// What the callbacks after admission have learned.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// When a stream's first event came: time since the Unix epoch.
    pub(super) first_event: Option<Duration>,
    /// The session, where the request's body alone names it.
    pub(super) session_of_body: Option<String>,
    /// The budget that the response's headers state.
    pub(super) budget: Option<Box<Budget>>,
    /// The session moved to another member of the pool with this request.
    pub(super) moved: bool,
    /// Notes of the exchange itself; request and response have their own.
    pub(super) notes: Notes,
    /// Usage and cost; `None` if something that they depend on has changed since they were computed.
    totals: Option<Totals>,
    /// The values of the end, as last published.
    published: Option<EndValues>,
}

// === impl Interception ===

impl Interception {
    pub(super) fn new(arrival: Arrival, upload: Upload) -> Self {
        Self { arrival, upload, download: Download::Awaiting, progress: Progress::default() }
    }

    /// Whether the request is held and no byte of its body has arrived.
    pub(super) fn awaits_body(&self) -> bool {
        matches!(&self.upload, Upload::Held(held) if held.reading.is_untouched())
    }

    /// The provider of the route.
    pub(super) fn provider(&self) -> &Provider {
        &self.arrival.provider
    }

    /// Whether Envoy still has to sign the request. It signs at the end of the body. It does not sign a request that ends
    /// in trailers, as every request does behind Envoy's decompressor (seen with Envoy 1.40).
    pub(super) fn is_to_be_signed(&self) -> bool {
        self.arrival.provider.is_signed_behind() && self.upload.rejection().is_none()
    }

    /// Reads a chunk of the request's body.
    pub(super) fn request_body(&mut self, chunk: &[u8], end: bool) -> Step {
        let read = match &mut self.upload {
            Upload::Refused { .. } => return Step { effects: Vec::new(), flow: Flow::Stop },
            Upload::Read(_) => return Step::pass(),
            Upload::Held(held) => held
                .reading
                .read(&self.arrival, chunk, end)
                .map(|_| Step { effects: Vec::new(), flow: if end { Flow::Release } else { Flow::Hold } }),
            Upload::Reading(reading) => {
                reading.read(&self.arrival, chunk, end).map(|fed| {
                    // This response began before the edit. For a later one `response_headers` decides on the cut.
                    if fed.begins_splice
                        && let Download::Reading(response) = &mut self.download
                    {
                        response.cut_usage_event();
                    }
                    let instead = fed.instead.map(Effect::ReplaceRequestChunk);
                    Step { effects: instead.into_iter().collect(), flow: Flow::Continue }
                })
            }
        };
        self.progress.totals = None;
        match read {
            Ok(step) => {
                if end && step.flow == Flow::Continue {
                    self.upload.complete();
                }
                step
            }
            Err(rejection) => self.reject(rejection),
        }
    }

    /// Sends a held request, which is whole, upstream in Bedrock's form.
    pub(super) fn release(&mut self, body: &[u8]) -> Step {
        let Upload::Held(held) = &self.upload else { return Step::pass() };
        match bedrock::adapted(&self.arrival.provider, held.reading.facts(), &held.betas, body) {
            Ok((effects, lossy)) => {
                if lossy {
                    self.progress.notes.add(Note::BedrockAdapted);
                }
                self.upload.complete();
                Step { effects, flow: Flow::Continue }
            }
            Err(rejection) => self.reject(rejection),
        }
    }

    /// Refuses the request: with a reply or, where a response has begun, by resetting the stream.
    pub(super) fn reject(&mut self, rejection: Rejection) -> Step {
        let effect = if self.download.refuse() {
            self.reply(rejection.reply(self.arrival.dialect))
        } else {
            self.progress.notes.add(Note::ReplyImpossible);
            Effect::Reset
        };
        if let Some(ticket) = &self.arrival.pool {
            ticket.borrow_mut().give_up();
        }
        self.upload.refuse(rejection);
        self.progress.totals = None;
        Step { effects: vec![effect], flow: Flow::Stop }
    }

    /// A reply of the gateway, with the record's id.
    fn reply(&self, reply: LocalReply) -> Effect {
        Effect::Reply(reply::with_id(reply, self.arrival.dialect, &self.arrival.id))
    }

    /// Whether the response's body is read.
    pub(super) const fn reads_response(&self) -> bool {
        matches!(self.download, Download::Reading(_))
    }

    /// Looks at the response's headers and decides how its body is read. The headers of this filter's own reply pass.
    /// `clock` is called where they state a budget.
    pub(super) fn response_headers(
        &mut self,
        bridge: &Bridge,
        head: &ResponseHead,
        clock: impl FnOnce() -> Duration,
    ) -> Step {
        if !matches!(self.download, Download::Awaiting) {
            return Step::pass();
        }
        let Self { arrival, upload, progress, .. } = self;
        let provider = &arrival.provider;
        let mut clock = Some(clock);
        let mut now = || clock.take().map(|clock| clock()).unwrap_or_default();
        let asked = arrival.pool.as_ref().map(|ticket| (ticket, now()));
        let at = asked.map(|(_, now)| now);
        progress.budget = budget::stated(bridge, arrival, &head.headers, || at.unwrap_or_else(now));
        let local = Local::recognise(head, provider.open_retry_after_seconds)
            .or_else(|| pool::not_ready(arrival.pool.as_ref(), &head.headers));
        if let Some(mut local) = local {
            let mut reply = local.reply(arrival.dialect, &head.headers);
            budget::tell(bridge, arrival, progress.budget.as_deref_mut(), &mut local, &mut reply);
            if let Some((ticket, now)) = asked {
                pool::unanswered(ticket, head, now, &mut reply);
            }
            self.download = Download::Local(local);
            return Step { effects: vec![self.reply(reply)], flow: Flow::Stop };
        }
        let facts = upload.facts();
        let mut response = Response::begin(bridge, arrival, head, facts.stream, &mut progress.notes);
        let mut edits = HeaderEdits::default();
        edits.set(ID_HEADER, &*arrival.id);
        if let Some((ticket, now)) = asked {
            progress.moved = pool::answered(ticket, &head.headers, now, &mut progress.notes, &mut edits);
        }
        bedrock::edit_response(provider, response.translation.as_ref(), &head.headers, &mut edits);
        if let Some(budget) = &progress.budget {
            budget.warn(arrival.dialect, arrival.api, &head.headers, &mut edits);
        }
        if facts.usage_spliced {
            response.cut_usage_event();
        }
        // The response may begin before the request shows whether it is edited.
        let edited = facts.usage_spliced || upload.may_be_edited();
        let may_become_shorter = edited && arrival.api.edits_usage() && response.format == Format::Events;
        if may_become_shorter && !head.end && head.headers.contains("content-length") {
            edits.remove("content-length");
        }
        let mut effects = vec![Effect::EditResponseHeaders(edits)];
        self.download = if head.end {
            response.finish(&mut None);
            Download::Over(Box::new(response))
        } else {
            Download::Reading(Box::new(response))
        };
        if bridge.metrics {
            effects.extend(measurements::upstream_remaining(
                &provider.name,
                arrival.credential_kind,
                arrival.pool.as_ref(),
                &head.headers,
            ));
        }
        Step { effects, flow: Flow::Continue }
    }

    /// Reads a chunk of the response's body. `clock` is called at the first event.
    pub(super) fn response_body(
        &mut self,
        chunk: &[u8],
        end: bool,
        clock: impl FnOnce() -> Duration,
    ) -> Step {
        let Download::Reading(response) = &mut self.download else { return Step::pass() };
        let progress = &mut self.progress;
        if !(chunk.is_empty() && response.is_read()) {
            progress.totals = None;
        }
        let mut instead = response.read(chunk, end, &mut progress.notes);
        if progress.first_event.is_none() && response.any_event() {
            progress.first_event = Some(clock());
        }
        if end {
            response.finish(&mut instead);
            self.download.end();
        }
        let instead = instead.map(Effect::ReplaceResponseChunk);
        Step { effects: instead.into_iter().collect(), flow: Flow::Continue }
    }

    /// Ends a response with trailers: no byte can be added to its body. If the reader kept back the start of an event, that
    /// start is lost; a client would drop such an event anyway, because it has no end.
    pub(super) fn response_trailers(&mut self, clock: impl FnOnce() -> Duration) -> Step {
        let mut step = self.response_body(&[], true, clock);
        let lost =
            |effect: &Effect| matches!(effect, Effect::ReplaceResponseChunk(bytes) if !bytes.is_empty());
        if step.effects.iter().any(lost) {
            self.progress.notes.add(Note::IncompleteEventLost);
        }
        step.effects.retain(|effect| !matches!(effect, Effect::ReplaceResponseChunk(_)));
        step
    }

    /// Adds the values of the end once the outcome is settled, and later those that have changed since.
    pub(super) fn publish_settled(&mut self, bridge: &Bridge, effects: &mut Vec<Effect>) {
        if self.progress.totals.is_some() || bridge.publish.is_nothing() {
            return;
        }
        let Some(outcome) = ending::settled(&self.upload, &self.download) else { return };
        self.publish_session(bridge, effects);
        let totals = self.totals(bridge);
        self.publish_end(bridge, outcome, &totals, effects);
        self.progress.totals = Some(totals);
    }

    /// Adds the session as soon as the request's body has named it, if no header names it.
    pub(super) fn publish_session(&mut self, bridge: &Bridge, effects: &mut Vec<Effect>) {
        let Self { arrival, upload, progress, .. } = self;
        let known = arrival.session_id.is_some() || progress.session_of_body.is_some();
        if known || !arrival.client.names_session_in_body() {
            return;
        }
        let Some(user_id) = &upload.facts().user_id else { return };
        progress.session_of_body = Client::session_from_user_id(user_id);
        if let Some(session) = &progress.session_of_body {
            values::session(bridge, session, effects);
        }
    }

    /// Adds the values of the end that are new or have changed.
    pub(super) fn publish_end(
        &mut self,
        bridge: &Bridge,
        outcome: Outcome,
        totals: &Totals,
        effects: &mut Vec<Effect>,
    ) {
        let mut published = self.progress.published.take();
        values::of_end(bridge, &mut published, outcome, self.model().unwrap_or_default(), totals, effects);
        self.progress.published = published;
    }

    /// Usage and cost of what was read so far. They are computed again only after something more was read.
    pub(super) fn totals(&mut self, bridge: &Bridge) -> Totals {
        let known = self.progress.totals.take();
        known.unwrap_or_else(|| {
            let (model, prices) = (self.model(), &bridge.prices);
            let mut totals = Totals::new(self.download.answer(), model, prices);
            if let Some(response) = self.download.response().filter(|response| response.is_answer()) {
                totals.estimate(response.answer(), self.upload.facts().text_bytes, model, prices);
            }
            totals
        })
    }

    /// Handles the end of the stream for a response that it breaks off.
    pub(super) fn abandon_response(&mut self) {
        if self.download.abandon() {
            self.progress.totals = None;
        }
    }

    /// The served model, else the requested one.
    pub(super) fn model(&self) -> Option<&str> {
        let served = self.download.answer().and_then(|answer| answer.model.as_deref());
        let requested = self.upload.facts().model.as_ref().map(Text::as_str);
        served.or(requested).filter(|model| !model.is_empty())
    }

    /// The session that a header or the body names.
    pub(super) fn session_id(&self) -> Option<&str> {
        self.arrival.session_id.as_deref().or(self.progress.session_of_body.as_deref())
    }
}
