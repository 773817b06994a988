//! Where AWS Bedrock differs from Anthropic: the headers for the upstream, the body of a held request, and the
//! translation of responses into Anthropic's form. In the mode `runtime` only the reader gets the translation.

use crate::answer::NAME_BYTES;
use crate::api::request::RequestFacts;
use crate::api::response::Format;
use crate::bedrock::error::{ErrorDocument, exception};
use crate::bedrock::transcode::{Failure, Transcoder};
use crate::bedrock::{EVENT_STREAM, Mode};
use crate::headers::{HeaderEdits, Headers};
use crate::json;
use crate::note::Note;
use crate::provider::Provider;
use crate::reply::Rejection;
use crate::step::{Effect, ResponseHead};
use crate::text::{Text, head};
use core::fmt;

/// The values of `anthropic-beta` of a held request. They go into its body.
pub(super) struct BetaHeaders(Vec<String>);

/// How a response of AWS is translated.
#[derive(Debug)]
pub(super) enum Translation {
    /// The event stream of `InvokeModelWithResponseStream`, into Anthropic's events.
    Stream(Transcoder),
    /// The document of an error status, into Anthropic's error document.
    Error(ErrorDocument),
}

/// Anthropic's headers that Bedrock's `invoke` takes as members of the body.
const IN_THE_BODY: [&str; 2] = ["anthropic-version", "anthropic-beta"];
/// AWS's id of a request.
const REQUEST_ID: &str = "x-amzn-requestid";

/// Removes `x-amz-` headers, because a client's signature would make Envoy's invalid; and in mode `invoke` the headers
/// whose values go into the body.
pub(super) fn edit_request(provider: &Provider, headers: &Headers, edits: &mut HeaderEdits) {
    if provider.bedrock.is_none() {
        return;
    }
    let in_the_body = |name: &str| provider.invoke().is_some() && IN_THE_BODY.contains(&name);
    for (name, _) in headers.iter().filter(|(name, _)| name.starts_with("x-amz-") || in_the_body(name)) {
        edits.remove(name.to_owned());
    }
}

/// Adds the changes to a response's headers. `request-id` gets AWS's id, because Anthropic's clients read it there.
pub(super) fn edit_response(
    provider: &Provider,
    translation: Option<&Translation>,
    headers: &Headers,
    edits: &mut HeaderEdits,
) {
    if is_runtime(provider) {
        return;
    }
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
}

/// Whether clients speak Bedrock's own API, so that they get the upstream's bytes.
pub(super) fn is_runtime(provider: &Provider) -> bool {
    provider.bedrock.as_ref().is_some_and(|bedrock| bedrock.mode == Mode::Runtime)
}

/// AWS's name of the error in a response, where clients speak Bedrock's own API.
pub(super) fn runtime_error(provider: &Provider, headers: &Headers) -> Option<String> {
    let named = headers.text("x-amzn-errortype").filter(|_| is_runtime(provider)).map(exception);
    named.filter(|name| !name.is_empty()).map(|name| head(name, NAME_BYTES).to_owned())
}

/// The effects that send a held request upstream with path and body in Bedrock's form; and whether something that the
/// client asked for was dropped or changed.
pub(super) fn adapted(
    provider: &Provider,
    facts: &RequestFacts,
    betas: &BetaHeaders,
    body: &[u8],
) -> Result<(Vec<Effect>, bool), Rejection> {
    let Some(invoke) = provider.invoke() else { return Ok((Vec::new(), false)) };
    let model = facts.model.as_ref().filter(|model| !model.is_cut() && !model.is_empty());
    let model = model.map(Text::as_str).ok_or(Rejection::ModelMissing)?;
    let id = invoke.model_id(model).ok_or_else(|| Rejection::ModelUnmapped(model.to_owned()))?;
    // Does not occur: the reader found an object in the same bytes.
    let unreadable = json::Error { problem: json::Problem::NotAnObject, offset: 0 };
    let adapted = invoke.adapt(body, model, id, facts.stream, &betas.0);
    let adapted = adapted.ok_or(Rejection::InvalidJson(unreadable))?;
    let mut edits = HeaderEdits::default();
    let path = format!("{}{}", provider.base_url.path, adapted.path);
    edits.set(":path", provider.with_query(path.into_bytes()));
    edits.set("content-length", adapted.body.len().to_string());
    let effects = vec![Effect::EditRequestHeaders(edits), Effect::ReplaceRequestChunk(adapted.body)];
    Ok((effects, adapted.lossy))
}

// === impl BetaHeaders ===

impl BetaHeaders {
    /// The headers of a request that has to be held; `None`: it is not held.
    pub(super) fn of_held_request(provider: &Provider, headers: &Headers) -> Option<Self> {
        provider.invoke()?;
        let values = headers.all("anthropic-beta").map(|value| String::from_utf8_lossy(value).into_owned());
        Some(Self(values.collect()))
    }
}

impl fmt::Debug for BetaHeaders {
    /// Shows no header's value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BetaHeaders({})", self.0.len())
    }
}

// === impl Translation ===

impl Translation {
    /// The translation of a response; `None`: it is read as it is. A compressed response cannot be translated, and an
    /// error without a body has nothing to translate. `asked`: the request asked for a stream.
    pub(super) fn for_response(
        provider: &Provider,
        status: u16,
        head: &ResponseHead,
        event_bytes: usize,
        asked: bool,
    ) -> Option<Self> {
        let headers = &head.headers;
        let bedrock = provider.bedrock.as_ref()?;
        if headers.is_encoded() {
            return None;
        }
        let request_id = headers.text(REQUEST_ID);
        let named = headers.text("x-amzn-errortype").map(exception);
        if !(200..300).contains(&status) {
            if bedrock.mode == Mode::Runtime {
                return None;
            }
            // In native mode an error has Anthropic's form, unless AWS itself refuses the request and names its exception.
            let translated = !head.end && (bedrock.mode != Mode::Native || named.is_some());
            let document = || ErrorDocument::new(status, named.unwrap_or_default(), request_id);
            return translated.then(|| Self::Error(document()));
        }
        let media_type = headers.text("content-type").and_then(|value| value.split(';').next());
        let transcoded = match (&bedrock.mode, media_type.map(str::trim).unwrap_or_default()) {
            (Mode::Native, _) => false,
            // Without a content type it is what the request asked for.
            (Mode::Runtime, "") => asked,
            (Mode::Runtime | Mode::Invoke(_), found) => found.eq_ignore_ascii_case(EVENT_STREAM),
        };
        transcoded.then(|| Self::Stream(Transcoder::new(event_bytes, request_id)))
    }

    /// The format of the translated response.
    pub(super) const fn format(&self) -> Format {
        match self {
            Self::Stream(_) => Format::Events,
            Self::Error(_) => Format::Error,
        }
    }

    /// Translates the next chunk; `end`: it is the last one.
    pub(super) fn feed(&mut self, chunk: &[u8], end: bool) -> Vec<u8> {
        match self {
            Self::Stream(transcoder) => transcoder.feed(chunk),
            Self::Error(document) => document.feed(chunk, end),
        }
    }

    /// AWS's name of the error, or the code for what is wrong with the stream.
    pub(super) fn code(&self) -> Option<&str> {
        let code = match self {
            Self::Stream(transcoder) => transcoder.failure().map(Failure::code),
            Self::Error(document) => Some(document.exception()).filter(|name| !name.is_empty()),
        };
        code.map(|code| head(code, NAME_BYTES))
    }

    /// Whether the stream could not be read to its end: a frame is too large or damaged. `None`: it could so far.
    pub(super) fn unread(&self) -> Option<Note> {
        match self {
            Self::Stream(transcoder) => match transcoder.failure()? {
                Failure::TooLarge => Some(Note::EventTooLarge),
                Failure::Damaged => Some(Note::ResponseUnreadable),
                Failure::Exception(_) => None,
            },
            Self::Error(_) => None,
        }
    }

    /// Whether an event was above `limits.event_bytes`.
    pub(super) fn met_its_limit(&self) -> bool {
        matches!(self, Self::Stream(transcoder) if transcoder.failure() == Some(&Failure::TooLarge))
    }
}
