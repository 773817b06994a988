//! Google's Gemini API: <https://ai.google.dev/api/generate-content>. Texts only.

use crate::answer::{Answer, Speech};
use crate::event::Events;
use crate::question::{Api, Malformed, Question};
use hyper::body::Bytes;
use serde_json::{Value, json};

/// Reads a request of `generateContent` as the same conversation in Chat Completions.
///
/// # Errors
/// The body is no JSON object, or lacks `contents`.
pub(crate) fn question(model: &str, body: &[u8]) -> Result<Question, Malformed> {
    let request: Value =
        serde_json::from_slice(body).map_err(|_| Malformed("Invalid JSON payload received."))?;
    // `countTokens` may hold the whole request.
    let request = request.get("generateContentRequest").unwrap_or(&request);
    let contents =
        request.get("contents").and_then(Value::as_array).ok_or(Malformed("contents is not specified"))?;
    let mut messages: Vec<Value> =
        request.get("systemInstruction").map(|content| turn("system", content)).into_iter().collect();
    messages.extend(contents.iter().map(|content| {
        let is_model = content.get("role").is_some_and(|role| role == "model");
        turn(if is_model { "assistant" } else { "user" }, content)
    }));
    let most = request.pointer("/generationConfig/maxOutputTokens").and_then(Value::as_u64);
    let chat = json!({"model": model, "messages": messages, "max_tokens": most});
    Question::read(Api::Chat, chat.to_string().as_bytes())
}

fn turn(role: &str, content: &Value) -> Value {
    let parts = content.get("parts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let texts = parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str));
    json!({"role": role, "content": texts.collect::<Vec<_>>().join("\n")})
}

/// The answer as one document.
pub(crate) fn document(question: &Question, answer: &Answer) -> Value {
    chunk(question, answer, &pieces(answer).concat(), true)
}

/// The answer as a stream, with `alt=sse`.
pub(crate) fn events(question: &Question, answer: &Answer) -> Events {
    Box::new(chunks(question, answer).into_iter().map(|chunk| Bytes::from(format!("data: {chunk}\r\n\r\n"))))
}

/// The answer as a stream without `alt=sse`: one array.
pub(crate) fn array(question: &Question, answer: &Answer) -> Events {
    let chunks = chunks(question, answer).into_iter().enumerate();
    let items = chunks.map(|(number, chunk)| format!("{}{chunk}\n", if number == 0 { "[" } else { ",\r\n" }));
    Box::new(items.chain(["]".to_owned()]).map(Bytes::from))
}

fn chunks(question: &Question, answer: &Answer) -> Vec<Value> {
    let pieces = pieces(answer);
    let last = pieces.len().saturating_sub(1);
    pieces.iter().enumerate().map(|(at, piece)| chunk(question, answer, piece, at == last)).collect()
}

fn pieces(answer: &Answer) -> Vec<String> {
    match &answer.speech {
        Speech::Text(text) => text.pieces().collect(),
        Speech::Call(call) => vec![call.text()],
    }
}

/// Every chunk states the usage, of which the last one is final.
fn chunk(question: &Question, answer: &Answer, text: &str, is_last: bool) -> Value {
    let input = answer.usage.input.total();
    let output = if is_last { answer.usage.output } else { 1 };
    let mut candidate = json!({"content": {"parts": [{"text": text}], "role": "model"}, "index": 0});
    if is_last && let Some(candidate) = candidate.as_object_mut() {
        let reason = if answer.is_cut_short { "MAX_TOKENS" } else { "STOP" };
        candidate.insert("finishReason".to_owned(), reason.into());
    }
    json!({
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": input, "candidatesTokenCount": output, "totalTokenCount": input.saturating_add(output),
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": input}],
        },
        "modelVersion": question.model, "responseId": answer.seed.openai("", 22),
    })
}
