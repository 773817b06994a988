//! Serves one request: reads the body, has the API's module write the answer, and adds the provider's headers.

use crate::answer::Answer;
use crate::behaviour::{Behaviour, Ending};
use crate::event::Events;
use crate::hosted::{Hosted, Wire};
use crate::ids::Seed;
use crate::pace::Paced;
use crate::question::{Api, Malformed, Question};
use crate::refusal::{Dialect, overloaded_status};
use crate::route::{Catalogue, Route, Small};
use crate::signature::Signature;
use crate::{chat, gemini, hosted, messages, models, refusal, responses};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body, Bytes};
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER};
use hyper::{Method, Request, Response, StatusCode, Version};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The largest request body.
const MOST_REQUEST_BYTES: usize = 64 << 20;
/// The header that names the model of a request whose body is not parsed. A benchmark's body is large, and parsing it
/// would cost more than the proxy.
const UNREAD: &str = "x-mock-unread";
const JSON: &str = "application/json";
const EVENT_STREAM: &str = "text/event-stream; charset=utf-8";

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Server {
    /// The seed of the run, so that two runs have different identifiers.
    origin: u64,
    requests: AtomicU64,
}

/// One request, apart from its body.
struct Visit {
    seed: Seed,
    number: u64,
    now: u64,
    /// Set to reset the connection.
    reset: Arc<AtomicBool>,
}

impl Server {
    /// A server before its first request.
    pub(crate) fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { origin: u64::try_from(since.as_nanos()).unwrap_or_default(), requests: AtomicU64::new(0) }
    }

    /// Answers one request.
    pub(crate) async fn answer<B>(&self, request: Request<B>, reset: Arc<AtomicBool>) -> Response<Paced>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let number = self.requests.fetch_add(1, Ordering::Relaxed);
        // Over HTTP/2 a broken body resets only its stream, because other streams share the connection.
        let reset = if request.version() == Version::HTTP_2 { Arc::default() } else { reset };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let visit = Visit { seed: Seed(self.origin.wrapping_add(number)), number, now, reset };
        let path = request.uri().path();
        let query = request.uri().query().unwrap_or_default().to_owned();
        let route = Route::of(request.method(), path, request.headers());
        let host = request.uri().authority().map(|authority| authority.as_str().to_owned());
        let host =
            host.or_else(|| Some(request.headers().get(HOST)?.to_str().ok()?.to_owned())).unwrap_or_default();
        let not_found = format!("Not found: {} {path}", request.method());
        let is_head = request.method() == Method::HEAD;
        let unread =
            request.headers().get(UNREAD).and_then(|model| model.to_str().ok()).map(Question::unread);
        let body = match Limited::new(request.into_body(), MOST_REQUEST_BYTES).collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => return visit.refuse(dialect(&route), 413, "The request is larger than 64 MiB."),
        };
        let response = match route {
            Route::Ask(api) => {
                let question = unread.map_or_else(|| Question::read(api, &body), Ok);
                visit.ask(api, question).await
            }
            Route::AskHosted(ref hosted) => visit.ask_hosted(hosted, &query, &body),
            Route::CountTokens => visit.count(&body),
            Route::Models(catalogue, id) => {
                let list = id.map_or_else(|| models::list(catalogue), |id| models::one(catalogue, &id));
                visit.plain(dialect(&Route::Models(catalogue, None)), &list)
            }
            Route::Small(small) => visit.plain(dialect(&route), &models::small(small, &host, visit.now)),
            Route::WrongMethod(dialect, allowed) => {
                let mut response = visit.refuse(dialect, 405, "Method Not Allowed");
                response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
                response
            }
            Route::Unknown(dialect) => visit.refuse(dialect, 404, &not_found),
        };
        if is_head { without_body(response) } else { response }
    }
}

/// Removes the body of a response to HEAD. Hyper does so for HTTP/1, not for HTTP/2.
fn without_body(response: Response<Paced>) -> Response<Paced> {
    let length = response.body().size_hint().exact();
    let mut response = response.map(|_| Paced::empty());
    if let Some(length) = length {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

fn dialect(route: &Route) -> Dialect {
    match route {
        Route::AskHosted(hosted) if matches!(hosted.wire, Wire::Vertex | Wire::Bedrock) => Dialect::Anthropic,
        Route::AskHosted(_) => Dialect::OpenAi,
        Route::Ask(Api::Messages)
        | Route::CountTokens
        | Route::Models(Catalogue::Anthropic, _)
        | Route::Small(Small::Hello | Small::Telemetry) => Dialect::Anthropic,
        Route::WrongMethod(dialect, _) | Route::Unknown(dialect) => *dialect,
        Route::Ask(Api::Chat | Api::Responses | Api::Compact)
        | Route::Models(Catalogue::OpenAi | Catalogue::Copilot, _)
        | Route::Small(_) => Dialect::OpenAi,
    }
}

impl Visit {
    async fn ask(&self, api: Api, question: Result<Question, Malformed>) -> Response<Paced> {
        let dialect = dialect(&Route::Ask(api));
        let question = match question {
            Ok(question) => question,
            Err(malformed) => return self.refuse(dialect, 400, malformed.0),
        };
        let behaviour = &question.behaviour;
        if let Some(status) = behaviour.error {
            return self.refuse(
                dialect,
                status,
                &format!("The model {} always answers {status}.", question.model),
            );
        }
        if behaviour.ending == Ending::Overloaded && !question.stream {
            return self.refuse(dialect, overloaded_status(dialect), "Overloaded");
        }
        let answer = Answer::to(&question, self.seed, self.now);
        let signature = self.signature(dialect, answer.usage.input.total(), answer.usage.output);
        if question.stream {
            let events = Paced::stream(stream(api, &question, &answer), behaviour, Arc::clone(&self.reset));
            return respond(StatusCode::OK, EVENT_STREAM, &signature, events);
        }
        // The timer would wait a millisecond even for a pause of zero.
        if !behaviour.pace.is_zero() {
            tokio::time::sleep(behaviour.pace).await;
        }
        let document = match api {
            Api::Messages => messages::document(&question, &answer),
            Api::Chat => chat::document(&question, &answer),
            Api::Responses => responses::document(&question, &answer),
            Api::Compact => responses::compaction(&answer),
        };
        let document = Paced::document(document.to_string(), behaviour, Arc::clone(&self.reset));
        respond(StatusCode::OK, JSON, &signature, document)
    }

    /// Answers as the model's other home does. Only a whole answer and an error are played there.
    fn ask_hosted(&self, hosted: &Hosted, query: &str, body: &[u8]) -> Response<Paced> {
        let refuse = |status: u16, message: &str| {
            let error = hosted::error(hosted.wire, status, message).to_string();
            let body = Paced::document(error, &Behaviour::default(), Arc::default());
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            respond_with(status, JSON, &hosted.headers(self.seed, None, status), body)
        };
        if hosted.wire == Wire::Mistral && hosted::asks_for_usage(body) {
            return refuse(422, "Extra inputs are not permitted");
        }
        let question = match hosted.question(body) {
            Ok(question) => question,
            Err(malformed) => return refuse(400, malformed.0),
        };
        if let Some(status) = question.behaviour.error {
            return refuse(status, &format!("The model {} always answers {status}.", question.model));
        }
        let answer = Answer::to(&question, self.seed, self.now);
        let headers = hosted.headers(self.seed, Some(&answer), StatusCode::OK);
        if hosted.operation == "countTokens" {
            let count = serde_json::json!({"totalTokens": answer.usage.input.total()}).to_string();
            let count = Paced::document(count, &Behaviour::default(), Arc::default());
            return respond_with(StatusCode::OK, JSON, &headers, count);
        }
        if question.stream {
            let as_array = hosted.wire == Wire::Gemini && !query.contains("alt=sse");
            let content_type = match hosted.wire {
                _ if as_array => JSON,
                Wire::Gemini => "text/event-stream",
                Wire::Bedrock => "application/vnd.amazon.eventstream",
                Wire::Azure | Wire::Mistral | Wire::Vertex => EVENT_STREAM,
            };
            let events = if as_array {
                gemini::array(&question, &answer)
            } else {
                hosted::events(hosted.wire, &question, &answer)
            };
            let events = Paced::stream(events, &question.behaviour, Arc::clone(&self.reset));
            return respond_with(StatusCode::OK, content_type, &headers, events);
        }
        let document = hosted::document(hosted.wire, &question, &answer).to_string();
        let document = Paced::document(document, &question.behaviour, Arc::clone(&self.reset));
        respond_with(StatusCode::OK, JSON, &headers, document)
    }

    fn count(&self, body: &[u8]) -> Response<Paced> {
        match Question::read(Api::Messages, body) {
            Ok(Question { behaviour: Behaviour { error: Some(status), .. }, .. }) => {
                self.refuse(Dialect::Anthropic, status, "This model always fails.")
            }
            Ok(question) => {
                self.plain(Dialect::Anthropic, &serde_json::json!({"input_tokens": question.input.total()}))
            }
            Err(malformed) => self.refuse(Dialect::Anthropic, 400, malformed.0),
        }
    }

    fn plain(&self, dialect: Dialect, document: &serde_json::Value) -> Response<Paced> {
        let body = Paced::document(document.to_string(), &Behaviour::default(), Arc::default());
        respond(StatusCode::OK, JSON, &self.signature(dialect, 0, 0), body)
    }

    fn refuse(&self, dialect: Dialect, status: u16, message: &str) -> Response<Paced> {
        let signature = self.signature(dialect, 0, 0);
        let error = refusal::body(dialect, status, message, &signature.request_id());
        let body = Paced::document(error.to_string(), &Behaviour::default(), Arc::default());
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = respond(status, JSON, &signature, body);
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }

    fn signature(&self, dialect: Dialect, input: u64, output: u64) -> Signature {
        Signature { dialect, seed: self.seed, number: self.number, input, output, now: self.now }
    }
}

/// The events of an answer. An overloaded provider's events end in an error.
fn stream(api: Api, question: &Question, answer: &Answer) -> Events {
    let is_overloaded = question.behaviour.ending == Ending::Overloaded;
    match api {
        Api::Messages => {
            let events = messages::events(question, answer);
            if !is_overloaded {
                return events;
            }
            Box::new(events.take(messages::EVENTS_BEFORE_OVERLOAD).chain([messages::overloaded()]))
        }
        Api::Chat => {
            let events = chat::events(question, answer);
            if !is_overloaded {
                return events;
            }
            Box::new(events.take(chat::EVENTS_BEFORE_OVERLOAD).chain([chat::overloaded()]))
        }
        Api::Responses | Api::Compact => {
            let events = responses::events(question, answer);
            if !is_overloaded {
                return responses::numbered(events);
            }
            let broken = events.take(responses::EVENTS_BEFORE_OVERLOAD).chain([responses::overloaded()]);
            responses::numbered(broken)
        }
    }
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    signature: &Signature,
    body: Paced,
) -> Response<Paced> {
    respond_with(status, content_type, &signature.headers(), body)
}

fn respond_with(
    status: StatusCode,
    content_type: &'static str,
    named: &[(&'static str, String)],
    body: Paced,
) -> Response<Paced> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if content_type == EVENT_STREAM {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    }
    for (name, value) in named {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(*name, value);
        }
    }
    response
}
