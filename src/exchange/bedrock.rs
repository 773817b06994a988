//! What an exchange does otherwise where the provider is AWS Bedrock: which headers go up, a request that is held until it
//! is whole, and an answer that is said in Anthropic's words.

use super::interception::{Interception, Upload};
use crate::answer::NAME_BYTES;
use crate::api::response::Format;
use crate::bedrock::error::{ErrorDocument, exception};
use crate::bedrock::transcode::{Failure, Transcoder};
use crate::bedrock::{EVENT_STREAM, Mode};
use crate::headers::{HeaderEdits, Headers};
use crate::json;
use crate::note::Note;
use crate::provider::Provider;
use crate::reply::Rejection;
use crate::step::{Effect, Flow, ResponseHead, Step};
use crate::text::{Text, head};
use core::fmt;

/// A request that waits until it is whole.
pub(super) struct Waiting {
    /// The values of `anthropic-beta`, which go into the body.
    betas: Vec<String>,
}

impl fmt::Debug for Waiting {
    /// Without values of headers.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Waiting").finish_non_exhaustive()
    }
}

/// An answer of AWS that is said as Anthropic would.
#[derive(Debug)]
pub(super) enum Translation {
    Stream(Transcoder),
    Error(ErrorDocument),
}

/// Anthropic's headers whose meaning goes into the body.
const IN_THE_BODY: [&str; 2] = ["anthropic-version", "anthropic-beta"];
/// By this id AWS finds a request.
const REQUEST_ID: &str = "x-amzn-requestid";

/// What else must not go up as it came. A client's own signature, or a part of one, would spoil Envoy's.
pub(super) fn edit_request(provider: &Provider, headers: &Headers, edits: &mut HeaderEdits) {
    let Some(bedrock) = &provider.bedrock else { return };
    let in_the_body = |name: &str| bedrock.mode != Mode::Native && IN_THE_BODY.contains(&name);
    for (name, _) in headers.iter().filter(|(name, _)| name.starts_with("x-amz-") || in_the_body(name)) {
        edits.remove(name.to_owned());
    }
}

/// What changes in an answer's headers. Anthropic's clients look for the request's id in `request-id`.
pub(super) fn response_edits(
    provider: &Provider,
    translation: Option<&Translation>,
    headers: &Headers,
) -> Option<HeaderEdits> {
    let mut edits = HeaderEdits::default();
    if let Some(id) = headers.first(REQUEST_ID)
        && (translation.is_some() || provider.invoke().is_some())
        && !headers.contains("request-id")
    {
        edits.set("request-id", id);
    }
    if let Some(translation) = translation {
        edits.remove("content-length");
        edits.set(
            "content-type",
            match translation {
                Translation::Stream(_) => "text/event-stream; charset=utf-8",
                Translation::Error(_) => "application/json",
            },
        );
    }
    (edits != HeaderEdits::default()).then_some(edits)
}

// === impl Waiting ===

impl Waiting {
    /// A request to `provider` that has to wait, if it has to.
    pub(super) fn of(provider: &Provider, headers: &Headers) -> Option<Self> {
        provider.invoke()?;
        let values = headers.all("anthropic-beta").map(|value| String::from_utf8_lossy(value).into_owned());
        Some(Self { betas: values.collect() })
    }
}

impl Interception {
    /// Whether Envoy has yet to sign the request. It does so at the end of the body, and never where trailers are the end,
    /// as they are behind Envoy's decompressor (seen with Envoy 1.40).
    pub(super) fn is_to_be_signed(&self) -> bool {
        self.provider.is_signed_behind() && self.rejection.is_none()
    }

    /// Whether the request is held and nothing of its body has come.
    pub(super) fn awaits_body(&self) -> bool {
        let nothing = matches!(&self.upload, Upload::Reading(uploading) if uploading.is_untouched());
        self.waiting.is_some() && self.rejection.is_none() && nothing
    }

    /// The request that was held is whole: it goes up as Bedrock takes it.
    pub(super) fn release(&mut self, body: &[u8]) -> Step {
        match self.adapted(body) {
            Ok(step) => {
                self.waiting = None;
                self.settle();
                step
            }
            Err(rejection) => self.reject(rejection),
        }
    }

    fn adapted(&mut self, body: &[u8]) -> Result<Step, Rejection> {
        let (Some(invoke), Some(waiting)) = (self.provider.invoke(), &self.waiting) else {
            return Ok(Step::pass());
        };
        let facts = self.upload.facts();
        let model = facts.model.as_ref().filter(|model| !model.is_cut() && !model.is_empty());
        let model = model.map(Text::as_str).ok_or(Rejection::ModelMissing)?;
        let id = invoke.model_id(model).ok_or_else(|| Rejection::ModelUnmapped(model.to_owned()))?;
        // It was read as an object while it came.
        let unreadable = json::Error { problem: json::Problem::NotAnObject, offset: 0 };
        let adapted = invoke.adapt(body, model, id, facts.stream, &waiting.betas);
        let adapted = adapted.ok_or(Rejection::InvalidJson(unreadable))?;
        if adapted.lossy {
            self.notes.add(Note::BedrockAdapted);
        }
        let mut edits = HeaderEdits::default();
        edits.set(":path", format!("{}{}", self.provider.base_url.path, adapted.path));
        edits.set("content-length", adapted.body.len().to_string());
        let effects = vec![Effect::EditRequestHeaders(edits), Effect::ReplaceRequestChunk(adapted.body)];
        Ok(Step { effects, flow: Flow::Continue })
    }
}

// === impl Translation ===

impl Translation {
    /// How an answer is to be said, where not as it comes: the event stream of `InvokeModel`, and AWS's own errors. What
    /// is compressed cannot be, and an error of which only the status comes says nothing that could be said otherwise.
    pub(super) fn of(
        provider: &Provider,
        status: u16,
        head: &ResponseHead,
        event_bytes: usize,
    ) -> Option<Self> {
        let headers = &head.headers;
        let bedrock = provider.bedrock.as_ref()?;
        if headers.is_encoded() {
            return None;
        }
        let request_id = headers.text(REQUEST_ID);
        let named = headers.text("x-amzn-errortype").map(exception);
        if !(200..300).contains(&status) {
            // Natively an error is in Anthropic's words, unless AWS itself is in the way.
            let said = !head.end && (bedrock.mode != Mode::Native || named.is_some());
            let document = || ErrorDocument::new(status, named.unwrap_or_default(), request_id);
            return said.then(|| Self::Error(document()));
        }
        let media_type = headers.text("content-type").and_then(|value| value.split(';').next());
        let streamed = media_type.is_some_and(|found| found.trim().eq_ignore_ascii_case(EVENT_STREAM));
        let transcoded = streamed && bedrock.mode != Mode::Native;
        transcoded.then(|| Self::Stream(Transcoder::new(event_bytes, request_id)))
    }

    /// How that which is said is read.
    pub(super) const fn format(&self) -> Format {
        match self {
            Self::Stream(_) => Format::Events,
            Self::Error(_) => Format::Error,
        }
    }

    /// What is for the client instead of `chunk`.
    pub(super) fn feed(&mut self, chunk: &[u8], end: bool) -> Vec<u8> {
        match self {
            Self::Stream(transcoder) => transcoder.feed(chunk),
            Self::Error(document) => document.feed(chunk, end),
        }
    }

    /// AWS's name of the error, or what was wrong with its stream.
    pub(super) fn code(&self) -> Option<&str> {
        let code = match self {
            Self::Stream(transcoder) => transcoder.failure().map(Failure::code),
            Self::Error(document) => Some(document.exception()).filter(|name| !name.is_empty()),
        };
        code.map(|code| head(code, NAME_BYTES))
    }

    /// Whether an event was above the limit.
    pub(super) fn met_its_limit(&self) -> bool {
        matches!(self, Self::Stream(transcoder) if transcoder.failure() == Some(&Failure::TooLarge))
    }
}
