//! One bridged request with its response, from admission to its record.

use super::bedrock::{self, Translation, Waiting};
use super::remaining::upstream_remaining;
use super::values::Told;
use crate::api::Api;
use crate::api::request::{FedChunk, RequestFacts, RequestProblem, RequestReader};
use crate::api::response::{Format, ResponseReader};
use crate::bridge::Bridge;
use crate::caller::{Actor, Client};
use crate::credential::CredentialKind;
use crate::headers::{HeaderEdits, Headers};
use crate::json::Problem;
use crate::note::{Note, Notes};
use crate::provider::{ModelRefusal, Provider};
use crate::reply::{Local, Rejection};
use crate::step::{Effect, Flow, ResponseHead, Step};
use core::time::Duration;
use std::rc::Rc;

/// What is known of a bridged stream. Both directions have their own place: an answer may begin before the request is
/// whole.
#[derive(Debug)]
pub(super) struct Interception {
    pub(super) provider: Rc<Provider>,
    pub(super) api: Api,
    pub(super) id: String,
    pub(super) started: Duration,
    pub(super) request_id: Option<String>,
    pub(super) method: String,
    /// Without query.
    pub(super) path: String,
    pub(super) actor: Option<Actor>,
    /// Also where the actor is not known: a gateway may know a caller's team all the same.
    pub(super) actor_metadata: Vec<(String, String)>,
    pub(super) client: Client,
    pub(super) user_agent: Option<String>,
    pub(super) session_id: Option<String>,
    /// Whose, and its hint.
    pub(super) credential: (CredentialKind, Option<String>),
    /// Whether it goes to the cluster for callers' own credentials.
    pub(super) byok_cluster: bool,
    pub(super) upload: Upload,
    /// Where the request is held until it is whole.
    pub(super) waiting: Option<Waiting>,
    pub(super) rejection: Option<Rejection>,
    pub(super) download: Download,
    pub(super) first_event: Option<Duration>,
    /// The single values of the end, once they are published.
    pub(super) told: Option<Told>,
    pub(super) notes: Notes,
}

/// The request's side.
#[derive(Debug)]
pub(super) enum Upload {
    /// The body is on its way.
    Reading(Box<Uploading>),
    /// It is whole, and was one valid JSON object that may pass; or nothing more is to be read.
    Read(RequestFacts),
}

/// A body on its way.
#[derive(Debug)]
pub(super) struct Uploading {
    reader: RequestReader,
    /// By `content-length`.
    declared: Option<u64>,
    seen: u64,
    /// The object is complete, and what it asks for is allowed.
    judged: bool,
}

/// The response's side.
#[derive(Debug)]
pub(super) enum Download {
    /// Nothing has come.
    Awaiting,
    /// Envoy or another filter answers.
    Local(Local),
    /// The upstream's answer has begun.
    Reading(Box<Downloading>),
}

/// An answer of the upstream.
#[derive(Debug)]
pub(super) struct Downloading {
    pub(super) status: u16,
    pub(super) reader: ResponseReader,
    /// Where what comes is said otherwise to the client, and read as it is said.
    pub(super) translation: Option<Translation>,
    /// HTTP's end was seen.
    pub(super) over: bool,
}

// === impl Upload ===

impl Upload {
    pub(super) fn new(reader: RequestReader, declared: Option<u64>) -> Self {
        Self::Reading(Box::new(Uploading { reader, declared, seen: 0, judged: false }))
    }

    /// What the request said as far as it came.
    pub(super) fn facts(&self) -> &RequestFacts {
        match self {
            Self::Reading(uploading) => uploading.reader.facts(),
            Self::Read(facts) => facts,
        }
    }

    /// Whether it is not yet known what the request asks for.
    fn is_undecided(&self) -> bool {
        matches!(self, Self::Reading(uploading) if !uploading.judged)
    }
}

impl Uploading {
    /// Whether nothing of the body has come.
    pub(super) const fn is_untouched(&self) -> bool {
        self.seen == 0
    }

    /// Reads on. A request is refused in the chunk that shows why, before that chunk is forwarded; with a declared
    /// length the chunk that reaches it is judged as the last one, because an HTTP/1 upstream acts on it without waiting
    /// for the end of the stream. What comes after it all the same is read on.
    fn read(
        &mut self,
        limit_bytes: u64,
        provider: &Provider,
        chunk: &[u8],
        end: bool,
    ) -> Result<FedChunk, Rejection> {
        self.seen = self.seen.saturating_add(u64::try_from(chunk.len()).unwrap_or(u64::MAX));
        if self.seen > limit_bytes {
            return Err(Rejection::RequestTooLarge);
        }
        let fed = self.reader.feed(chunk).map_err(|problem| refused_by(&problem))?;
        if fed.is_complete && !self.judged {
            judge(provider, self.reader.facts())?;
            self.judged = true;
        }
        if end || self.declared.is_some_and(|declared| self.seen >= declared) {
            self.reader.finish().map_err(|problem| refused_by(&problem))?;
        }
        Ok(fed)
    }
}

fn refused_by(problem: &RequestProblem) -> Rejection {
    match problem {
        RequestProblem::Json(error) if error.problem == Problem::Empty => Rejection::EmptyBody,
        RequestProblem::Json(error) => Rejection::InvalidJson(*error),
        RequestProblem::Repeated(name) => Rejection::RepeatedMember(name),
    }
}

/// Whether what the request asks for is allowed.
fn judge(provider: &Provider, facts: &RequestFacts) -> Result<(), Rejection> {
    provider.models.judge(facts.model.as_ref()).map_err(|refusal| match refusal {
        ModelRefusal::Denied(model) => Rejection::ModelDenied(model),
        ModelRefusal::Unreadable => Rejection::ModelUnreadable,
    })?;
    if facts.background && !provider.allow_background {
        return Err(Rejection::BackgroundRefused);
    }
    Ok(())
}

// === impl Interception ===

impl Interception {
    /// Reads a piece of the request's body.
    pub(super) fn request_body(&mut self, bridge: &Bridge, chunk: &[u8], end: bool) -> Step {
        if self.rejection.is_some() {
            return Step { effects: Vec::new(), flow: Flow::Stop };
        }
        let Upload::Reading(uploading) = &mut self.upload else { return Step::pass() };
        let limit_bytes = bridge.request_body_bytes(&self.provider);
        match uploading.read(limit_bytes, &self.provider, chunk, end) {
            Ok(_) if self.waiting.is_some() => {
                Step { effects: Vec::new(), flow: if end { Flow::Release } else { Flow::Hold } }
            }
            Ok(fed) => {
                if fed.begins_splice
                    && let Download::Reading(downloading) = &mut self.download
                {
                    downloading.reader.cut_usage_event();
                }
                if end {
                    self.settle();
                }
                let instead = fed.instead.map(Effect::ReplaceRequestChunk);
                Step { effects: instead.into_iter().collect(), flow: Flow::Continue }
            }
            Err(rejection) => self.reject(rejection),
        }
    }

    /// Where it goes.
    pub(super) fn cluster(&self) -> &str {
        if self.byok_cluster { &self.provider.byok_cluster } else { &self.provider.cluster }
    }

    /// The request was read as far as it will be: its reader's memory is given back.
    pub(super) fn settle(&mut self) {
        let upload = core::mem::replace(&mut self.upload, Upload::Read(RequestFacts::default()));
        self.upload = match upload {
            Upload::Reading(uploading) => Upload::Read(uploading.reader.into_facts()),
            Upload::Read(facts) => Upload::Read(facts),
        };
    }

    /// Refuses the request: with a reply, or, where an answer has begun, by cutting the stream.
    pub(super) fn reject(&mut self, rejection: Rejection) -> Step {
        let effect = match self.download {
            Download::Awaiting => Effect::Reply(rejection.reply(self.api)),
            Download::Local(_) | Download::Reading(_) => {
                self.notes.add(Note::ReplyImpossible);
                Effect::Reset
            }
        };
        self.rejection = Some(rejection);
        self.settle();
        Step { effects: vec![effect], flow: Flow::Stop }
    }

    /// Whether the response's body matters.
    pub(super) const fn reads_response(&self) -> bool {
        self.rejection.is_none() && matches!(self.download, Download::Reading(_))
    }

    /// Looks at the response's headers and decides how its body is read.
    pub(super) fn response_headers(&mut self, bridge: &Bridge, head: &ResponseHead) -> Step {
        if self.rejection.is_some() || !matches!(self.download, Download::Awaiting) {
            // Our own reply, on its way through the filters.
            return Step::pass();
        }
        if let Some(local) = Local::recognise(head) {
            let reply = local.reply(self.api, self.provider.open_retry_after_seconds, &head.headers);
            self.download = Download::Local(local);
            return Step { effects: vec![Effect::Reply(reply)], flow: Flow::Stop };
        }
        let status = head.headers.status().unwrap_or_default();
        let translation = Translation::of(&self.provider, status, head, bridge.limits.event_bytes);
        let format = match &translation {
            Some(translation) => translation.format(),
            None => self.format(status, &head.headers),
        };
        let reader = self.api.response_reader(format, bridge.keep(), &bridge.limits);
        let edits = bedrock::response_edits(&self.provider, translation.as_ref(), &head.headers);
        let mut effects: Vec<Effect> = edits.into_iter().map(Effect::EditResponseHeaders).collect();
        let mut downloading = Downloading { status, reader, translation, over: false };
        let spliced = self.upload.facts().usage_spliced;
        if spliced {
            downloading.reader.cut_usage_event();
        }
        // A response may begin before it is known whether the request is edited.
        let may_cut =
            self.api.edits_usage() && format == Format::Events && (spliced || self.upload.is_undecided());
        if may_cut && !head.end && head.headers.contains("content-length") {
            // It may become shorter.
            let mut edits = HeaderEdits::default();
            edits.remove("content-length");
            effects.push(Effect::EditResponseHeaders(edits));
        }
        if head.end {
            downloading.end();
        }
        self.download = Download::Reading(Box::new(downloading));
        if bridge.metrics && self.credential.0 == CredentialKind::Centralized {
            effects.extend(upstream_remaining(&self.provider.name, &head.headers));
        }
        Step { effects, flow: Flow::Continue }
    }

    /// How the answer's body is to be read.
    fn format(&mut self, status: u16, headers: &Headers) -> Format {
        if headers.is_encoded() {
            self.notes.add(Note::ResponseEncoded);
            return Format::Unread;
        }
        Format::of(status, headers.text("content-type"), self.upload.facts().stream).unwrap_or_else(|| {
            self.notes.add(Note::ResponseContentType);
            Format::Unread
        })
    }

    /// Reads a piece of the response's body.
    pub(super) fn response_body(
        &mut self,
        chunk: &[u8],
        end: bool,
        clock: impl FnOnce() -> Duration,
    ) -> Step {
        if self.rejection.is_none()
            && let Download::Reading(downloading) = &mut self.download
            && !downloading.over
        {
            let translated = downloading.translation.as_mut().map(|translation| translation.feed(chunk, end));
            let mut instead = downloading.reader.feed(translated.as_deref().unwrap_or(chunk));
            if downloading.translation.as_ref().is_some_and(Translation::met_its_limit) {
                self.notes.add(Note::EventTooLarge);
            }
            if self.first_event.is_none() && downloading.reader.any_event() {
                self.first_event = Some(clock());
            }
            if end {
                let mut waited = downloading.end();
                if !waited.is_empty() {
                    instead.get_or_insert_default().append(&mut waited);
                }
            }
            let instead = translated.or(instead).map(Effect::ReplaceResponseChunk);
            return Step { effects: instead.into_iter().collect(), flow: Flow::Continue };
        }
        Step::pass()
    }

    /// The response's body is over, and no byte can be added to it. Where the start of an event waits that never came
    /// to its end, it is lost, as it would be to any reader of events.
    pub(super) fn response_trailers(&mut self, clock: impl FnOnce() -> Duration) -> Step {
        let mut step = self.response_body(&[], true, clock);
        let lost =
            |effect: &Effect| matches!(effect, Effect::ReplaceResponseChunk(bytes) if !bytes.is_empty());
        if step.effects.iter().any(lost) {
            self.notes.add(Note::IncompleteEventLost);
        }
        step.effects.retain(|effect| !matches!(effect, Effect::ReplaceResponseChunk(_)));
        step
    }
}

impl Downloading {
    /// Returns the bytes that waited.
    fn end(&mut self) -> Vec<u8> {
        self.over = true;
        self.reader.finish()
    }

    /// 2xx.
    pub(super) const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }
}
