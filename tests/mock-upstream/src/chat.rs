//! OpenAI Chat Completions: <https://platform.openai.com/docs/api-reference/chat>, its events at `/chat-streaming`.

use crate::answer::{Answer, Speech, Usage};
use crate::event::{Events, quoted, unnamed};
use crate::question::Question;
use serde_json::{Value, json};

/// Events before the error of an overloaded provider: the role and one delta.
pub(crate) const EVENTS_BEFORE_OVERLOAD: usize = 2;

/// The answer as one document.
pub(crate) fn document(question: &Question, answer: &Answer) -> Value {
    let mut message = json!({"role": "assistant", "content": null, "refusal": null, "annotations": []});
    if let Some(message) = message.as_object_mut() {
        match &answer.speech {
            Speech::Text(text) => message.insert("content".to_owned(), text.whole().into()),
            Speech::Call(call) => {
                let function = json!({"name": call.name, "arguments": call.text()});
                let call = json!([{"id": call_id(answer), "type": "function", "function": function}]);
                message.insert("tool_calls".to_owned(), call)
            }
        };
        if let Some(thought) = &answer.thought {
            message.insert("reasoning_content".to_owned(), thought.whole().into());
        }
    }
    let choice =
        json!({"index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason(answer)});
    json!({
        "id": completion_id(answer), "object": "chat.completion", "created": answer.created, "model": question.model,
        "choices": [choice], "usage": usage(&answer.usage), "service_tier": "default", "system_fingerprint": "fp_mock",
    })
}

/// The answer as a stream.
pub(crate) fn events(question: &Question, answer: &Answer) -> Events {
    let chunk = Chunk::new(question, answer);
    let role = r#"{"role":"assistant","content":"","refusal":null}"#.to_owned();
    let mut deltas: Box<dyn Iterator<Item = String> + Send> = Box::new(std::iter::once(role));
    if let Some(thought) = &answer.thought {
        let thoughts = thought.pieces().map(|piece| format!("{{\"reasoning_content\":{}}}", quoted(&piece)));
        deltas = Box::new(deltas.chain(thoughts));
    }
    match &answer.speech {
        Speech::Text(text) => {
            let words = text.pieces().map(|piece| format!("{{\"content\":{}}}", quoted(&piece)));
            deltas = Box::new(deltas.chain(words));
        }
        Speech::Call(call) => {
            let function = json!({"name": call.name, "arguments": ""});
            let first = json!({"index": 0, "id": call_id(answer), "type": "function", "function": function});
            let rest = crate::messages::halves(&call.text())
                .map(|piece| json!({"index": 0, "function": {"arguments": piece}}));
            let calls = [first].into_iter().chain(rest).map(|call| json!({"tool_calls": [call]}).to_string());
            deltas = Box::new(deltas.chain(calls));
        }
    }
    let finish = chunk.choice("{}", &quoted(finish_reason(answer)));
    let total = question.include_usage.then(|| chunk.usage(&answer.usage));
    let tail = std::iter::once(finish).chain(total).chain([unnamed("[DONE]")]);
    Box::new(deltas.map(move |delta| chunk.choice(&delta, "null")).chain(tail))
}

/// The error event of a provider that is overloaded in mid-stream.
pub(crate) fn overloaded() -> hyper::body::Bytes {
    let error = json!({"message": "The server is overloaded. Please try again later.", "type": "server_error", "param": null, "code": "server_error"});
    unnamed(&json!({ "error": error }).to_string())
}

/// What all chunks of a stream have in common.
struct Chunk {
    /// JSON up to the choices, without the closing brace.
    head: String,
    /// `"usage":null`, which only streams have that will state their usage.
    usage: &'static str,
}

impl Chunk {
    fn new(question: &Question, answer: &Answer) -> Self {
        let (id, model, created) = (completion_id(answer), quoted(&question.model), answer.created);
        let head = format!(
            "{{\"id\":\"{id}\",\"object\":\"chat.completion.chunk\",\"created\":{created},\"model\":{model},\
             \"service_tier\":\"default\",\"system_fingerprint\":\"fp_mock\""
        );
        Self { head, usage: if question.include_usage { ",\"usage\":null" } else { "" } }
    }

    fn choice(&self, delta: &str, finish_reason: &str) -> hyper::body::Bytes {
        let Self { head, usage } = self;
        unnamed(&format!(
            "{head},\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":{finish_reason}}}]{usage}}}"
        ))
    }

    fn usage(&self, total: &Usage) -> hyper::body::Bytes {
        unnamed(&format!("{},\"choices\":[],\"usage\":{}}}", self.head, usage(total)))
    }
}

/// The identifier of the answer.
pub(crate) fn completion_id(answer: &Answer) -> String {
    answer.seed.openai("chatcmpl-", 29)
}

/// The identifier of the answer's only tool call.
pub(crate) fn call_id(answer: &Answer) -> String {
    answer.seed.openai("call_", 24)
}

fn finish_reason(answer: &Answer) -> &'static str {
    match &answer.speech {
        Speech::Call(_) => "tool_calls",
        Speech::Text(_) if answer.is_cut_short => "length",
        Speech::Text(_) => "stop",
    }
}

/// The usage as OpenAI states it.
pub(crate) fn usage(usage: &Usage) -> Value {
    let input = usage.input.total();
    json!({
        "prompt_tokens": input, "completion_tokens": usage.output, "total_tokens": input.saturating_add(usage.output),
        "prompt_tokens_details": {"cached_tokens": usage.input.read, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": usage.thoughts, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0},
    })
}
