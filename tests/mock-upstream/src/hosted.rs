//! Models at other homes: Azure's deployments, Vertex AI, Bedrock's runtime, the Gemini API and Mistral. Their paths, and
//! where their wire shapes differ from the models' own APIs.

use crate::answer::Answer;
use crate::event::{Events, unnamed};
use crate::ids::Seed;
use crate::question::{Api, Malformed, Question};
use crate::{chat, frame, gemini, messages};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::StatusCode;
use hyper::body::Bytes;
use serde_json::{Value, json};

/// The wire shape of a home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// `/openai/deployments/{model}/chat/completions`
    /// <https://learn.microsoft.com/azure/ai-services/openai/reference>
    Azure,
    /// `/projects/…/publishers/anthropic/models/{model}:rawPredict`
    /// <https://docs.claude.com/en/api/claude-on-vertex-ai>
    Vertex,
    /// `/model/{model}/invoke`
    /// <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html>
    Bedrock,
    /// `/v1beta/models/{model}:generateContent`
    Gemini,
    /// `/chat/completions` below a path with the segment `mistral`.
    Mistral,
}

/// A request for an answer, as its path states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hosted {
    /// The wire shape of the answer.
    pub(crate) wire: Wire,
    /// The model in the path, decoded; none with Mistral.
    pub(crate) model: Option<String>,
    /// What is asked of the model.
    pub(crate) operation: &'static str,
}

/// What can be asked of a model, and whether the path alone makes it a stream.
const OPERATIONS: [(Wire, &str, bool); 8] = [
    (Wire::Vertex, "rawPredict", false),
    (Wire::Vertex, "streamRawPredict", true),
    (Wire::Gemini, "generateContent", false),
    (Wire::Gemini, "streamGenerateContent", true),
    (Wire::Gemini, "countTokens", false),
    (Wire::Bedrock, "invoke", false),
    (Wire::Bedrock, "invoke-with-response-stream", true),
    (Wire::Azure, "chat/completions", false),
];

impl Hosted {
    /// The home of a path without a query; `None` for the models' own APIs.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let found = |wire: Wire, model: &str, operation: &str| {
            let &(_, operation, _) =
                OPERATIONS.iter().find(|(at, name, _)| *at == wire && *name == operation)?;
            Some(Self { wire, model: Some(model.replace("%3A", ":").replace("%2F", "/")), operation })
        };
        if let Some((_, rest)) = path.split_once("/openai/deployments/") {
            let (model, operation) = rest.split_once('/')?;
            return found(Wire::Azure, model, operation);
        }
        if let Some((_, rest)) = path.split_once("/publishers/anthropic/models/") {
            let (model, operation) = rest.rsplit_once(':')?;
            return found(Wire::Vertex, model, operation);
        }
        // Google serves stable models at `/v1`, too.
        let google = path.split_once("/v1beta/models/").or_else(|| path.split_once("/v1/models/"));
        if let Some((_, rest)) = google {
            let (model, operation) = rest.rsplit_once(':')?;
            return found(Wire::Gemini, model, operation);
        }
        if let Some((_, rest)) = path.split_once("/model/") {
            let (model, operation) = rest.rsplit_once('/')?;
            return found(Wire::Bedrock, model, operation);
        }
        let is_mistral = path.contains("/mistral/") && path.ends_with("/chat/completions");
        is_mistral.then_some(Self { wire: Wire::Mistral, model: None, operation: "chat/completions" })
    }

    /// Reads the request.
    ///
    /// # Errors
    /// The body is no JSON object, or lacks the conversation.
    pub(crate) fn question(&self, body: &[u8]) -> Result<Question, Malformed> {
        let model = self.model.as_deref();
        let mut question = match self.wire {
            Wire::Gemini => gemini::question(model.unwrap_or_default(), body)?,
            Wire::Vertex | Wire::Bedrock => Question::read_for(Api::Messages, model, body)?,
            Wire::Azure | Wire::Mistral => Question::read_for(Api::Chat, model, body)?,
        };
        let is_stream = OPERATIONS
            .iter()
            .any(|(at, name, stream)| *stream && *at == self.wire && *name == self.operation);
        // Bedrock and Gemini know no member `stream`.
        question.stream =
            is_stream || (question.stream && !matches!(self.wire, Wire::Bedrock | Wire::Gemini));
        Ok(question)
    }

    /// The headers of a response.
    pub(crate) fn headers(
        &self,
        seed: Seed,
        answer: Option<&Answer>,
        status: StatusCode,
    ) -> Vec<(&'static str, String)> {
        let mut headers = match self.wire {
            Wire::Azure => vec![
                ("apim-request-id", seed.hex("", 32)),
                ("x-ms-region", "Sweden Central".to_owned()),
                ("x-ratelimit-remaining-requests", "999".to_owned()),
            ],
            Wire::Vertex => vec![("request-id", seed.anthropic("req_vrtx_"))],
            Wire::Bedrock => vec![("x-amzn-requestid", seed.hex("", 32))],
            Wire::Gemini => vec![("x-gemini-service-tier", "standard".to_owned())],
            Wire::Mistral => vec![("mistral-correlation-id", seed.hex("", 32))],
        };
        if self.wire == Wire::Bedrock {
            if let Some(answer) = answer {
                headers.push(("x-amzn-bedrock-input-token-count", answer.usage.input.total().to_string()));
                headers.push(("x-amzn-bedrock-output-token-count", answer.usage.output.to_string()));
            }
            if !status.is_success() {
                headers.push(("x-amzn-errortype", amazon_type(status.as_u16()).to_owned()));
            }
        }
        headers
    }
}

/// Whether the request has `stream_options`, which Mistral refuses.
pub(crate) fn asks_for_usage(body: &[u8]) -> bool {
    serde_json::from_slice::<Value>(body).is_ok_and(|request| request.get("stream_options").is_some())
}

/// The answer as one document.
pub(crate) fn document(wire: Wire, question: &Question, answer: &Answer) -> Value {
    match wire {
        Wire::Vertex | Wire::Bedrock => messages::document(question, answer),
        Wire::Gemini => gemini::document(question, answer),
        Wire::Mistral => chat::document(question, answer),
        Wire::Azure => {
            let mut document = chat::document(question, answer);
            if let Some(document) = document.as_object_mut() {
                document.insert("prompt_filter_results".to_owned(), prompt_filter());
            }
            document
        }
    }
}

/// The answer as a stream.
pub(crate) fn events(wire: Wire, question: &Question, answer: &Answer) -> Events {
    match wire {
        Wire::Vertex => messages::events(question, answer),
        Wire::Gemini => gemini::events(question, answer),
        Wire::Bedrock => {
            let (input, output) = (answer.usage.input.total(), answer.usage.output);
            Box::new(messages::events(question, answer).map(move |event| framed(&event, input, output)))
        }
        Wire::Azure => {
            // Its first chunk has no choice, no id and no model.
            let first = json!({"choices": [], "created": 0, "id": "", "model": "", "object": "",
                "prompt_filter_results": prompt_filter()});
            Box::new(std::iter::once(unnamed(&first.to_string())).chain(chat::events(question, answer)))
        }
        Wire::Mistral => {
            // The usage is in the chunk that ends the only choice.
            let usage = chat::usage(&answer.usage).to_string();
            Box::new(chat::events(question, answer).map(move |event| with_usage(&event, &usage)))
        }
    }
}

fn prompt_filter() -> Value {
    json!([{"prompt_index": 0, "content_filter_results": {"hate": {"filtered": false, "severity": "safe"}}}])
}

fn with_usage(event: &Bytes, usage: &str) -> Bytes {
    let text = String::from_utf8_lossy(event);
    match text.strip_suffix("}\n\n") {
        Some(chunk) if !chunk.contains("\"finish_reason\":null") => {
            Bytes::from(format!("{chunk},\"usage\":{usage}}}\n\n"))
        }
        _ => event.clone(),
    }
}

/// A frame of Bedrock for an event of Messages. The last one has Bedrock's metrics.
fn framed(event: &Bytes, input: u64, output: u64) -> Bytes {
    let text = String::from_utf8_lossy(event);
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_default();
    let metrics = format!(
        ",\"amazon-bedrock-invocationMetrics\":{{\"inputTokenCount\":{input},\"outputTokenCount\":{output},\
         \"invocationLatency\":100,\"firstByteLatency\":50}}}}"
    );
    let data = match data.strip_suffix('}') {
        Some(members) if members.contains("\"type\":\"message_stop\"") => format!("{members}{metrics}"),
        _ => data.to_owned(),
    };
    frame::chunk(&json!({"bytes": STANDARD.encode(data), "p": "abcdef"}).to_string())
}

/// The body of an error.
pub(crate) fn error(wire: Wire, status: u16, message: &str) -> Value {
    match wire {
        Wire::Azure => json!({"error": {"code": status.to_string(), "message": message}}),
        Wire::Vertex => {
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": message}})
        }
        Wire::Bedrock => json!({ "message": message }),
        Wire::Gemini => {
            let name = match status {
                429 => "RESOURCE_EXHAUSTED",
                503 => "UNAVAILABLE",
                500.. => "INTERNAL",
                _ => "INVALID_ARGUMENT",
            };
            json!({"error": {"code": status, "message": message, "status": name}})
        }
        Wire::Mistral => {
            json!({"detail": [{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": message}]})
        }
    }
}

fn amazon_type(status: u16) -> &'static str {
    match status {
        429 => "ThrottlingException",
        503 => "ServiceUnavailableException",
        500.. => "InternalServerException",
        _ => "ValidationException",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_the_home_the_model_and_the_operation() {
        for (path, wire, model, operation) in [
            ("/openai/deployments/gpt-5.5/chat/completions", Wire::Azure, "gpt-5.5", "chat/completions"),
            (
                "/v1/projects/p/locations/l/publishers/anthropic/models/claude-opus-4-8:streamRawPredict",
                Wire::Vertex,
                "claude-opus-4-8",
                "streamRawPredict",
            ),
            ("/model/a.b-v1%3A0/invoke", Wire::Bedrock, "a.b-v1:0", "invoke"),
            ("/v1beta/models/gemini-3-pro:generateContent", Wire::Gemini, "gemini-3-pro", "generateContent"),
        ] {
            let expected = Hosted { wire, model: Some(model.to_owned()), operation };
            assert_eq!(Hosted::of(path), Some(expected), "{path}");
        }
        assert_eq!(Hosted::of("/mistral/v1/chat/completions").unwrap().wire, Wire::Mistral);
        for own in [
            "/v1/messages",
            "/v1/chat/completions",
            "/v1beta/models",
            "/v1/models/m",
            "/model/x/count-tokens",
        ] {
            assert_eq!(Hosted::of(own), None, "{own}");
        }
    }

    #[test]
    fn mistral_states_usage_in_the_last_chunk_of_its_choice() {
        let hosted = Hosted::of("/mistral/v1/chat/completions").unwrap();
        let body = br#"{"model": "m", "stream": true, "messages": [{"role": "user", "content": "a b"}]}"#;
        let question = hosted.question(body).unwrap();
        let events: Vec<Bytes> =
            events(Wire::Mistral, &question, &Answer::to(&question, Seed(1), 0)).collect();
        let stated: Vec<bool> =
            events.iter().map(|event| String::from_utf8_lossy(event).contains("prompt_tokens")).collect();
        assert_eq!(stated.iter().filter(|stated| **stated).count(), 1);
        assert!(stated[events.len() - 2]);
        assert!(asks_for_usage(br#"{"stream_options": {}}"#) && !asks_for_usage(body));
    }
}
