//! Anthropic Messages: <https://docs.claude.com/en/api/messages> and, for the events, `/en/api/messages-streaming`.

use crate::answer::{Answer, Speech, Usage};
use crate::event::{Event, Events, quoted};
use crate::question::Question;
use serde_json::{Map, Value, json};

/// Events before the error of an overloaded provider: `message_start`, `ping`, the start of a block, one delta.
pub(crate) const EVENTS_BEFORE_OVERLOAD: usize = 4;

/// A signature is opaque to clients.
const SIGNATURE: &str = "bW9jay1zaWduYXR1cmU=";

/// The answer as one document.
pub(crate) fn document(question: &Question, answer: &Answer) -> Value {
    let mut content = Vec::new();
    if let Some(thought) = &answer.thought {
        content.push(json!({"type": "thinking", "thinking": thought.whole(), "signature": SIGNATURE}));
    }
    content.push(match &answer.speech {
        Speech::Text(text) => json!({"type": "text", "text": text.whole()}),
        Speech::Call(call) => {
            json!({"type": "tool_use", "id": answer.seed.anthropic("toolu_"), "name": call.name, "input": call.value()})
        }
    });
    let mut usage = usage(&answer.usage);
    usage.insert("service_tier".to_owned(), "standard".into());
    json!({
        "id": answer.seed.anthropic("msg_"), "type": "message", "role": "assistant", "model": question.model,
        "content": content, "stop_reason": stop_reason(answer), "stop_sequence": null, "usage": usage,
    })
}

/// The answer as a stream.
pub(crate) fn events(question: &Question, answer: &Answer) -> Events {
    let mut blocks: Box<dyn Iterator<Item = Event> + Send> = Box::new(std::iter::empty());
    let mut index = 0_u32;
    if let Some(thought) = &answer.thought {
        let block = json!({"type": "thinking", "thinking": "", "signature": ""});
        let deltas = thought
            .pieces()
            .map(|piece| delta(0, "thinking_delta", "thinking", &piece))
            .chain([delta(0, "signature_delta", "signature", SIGNATURE)]);
        blocks = Box::new(in_block(0, &block, deltas));
        index = 1;
    }
    match &answer.speech {
        Speech::Text(text) => {
            let deltas = text.pieces().map(move |piece| delta(index, "text_delta", "text", &piece));
            blocks = Box::new(blocks.chain(in_block(index, &json!({"type": "text", "text": ""}), deltas)));
        }
        Speech::Call(call) => {
            let block = json!({"type": "tool_use", "id": answer.seed.anthropic("toolu_"), "name": call.name, "input": {}});
            // The first piece is always empty; the provider does the same.
            let pieces = std::iter::once(String::new()).chain(halves(&call.text()));
            let deltas = pieces.map(move |piece| delta(index, "input_json_delta", "partial_json", &piece));
            blocks = Box::new(blocks.chain(in_block(index, &block, deltas)));
        }
    }
    let ending = json!({"stop_reason": stop_reason(answer), "stop_sequence": null});
    let tail = [
        Event::new("message_delta", &json!({"delta": ending, "usage": usage(&answer.usage)})),
        Event::raw("message_stop", String::new()),
    ];
    let ping = Event::raw("ping", String::new());
    Box::new([start(question, answer), ping].into_iter().chain(blocks).chain(tail).map(|event| event.bytes()))
}

/// The error event of a provider that is overloaded in mid-stream.
pub(crate) fn overloaded() -> hyper::body::Bytes {
    Event::new("error", &json!({"error": {"type": "overloaded_error", "message": "Overloaded"}})).bytes()
}

fn start(question: &Question, answer: &Answer) -> Event {
    let mut message = document(
        question,
        &Answer { speech: Speech::Text(crate::answer::Text::Words(String::new())), ..answer.clone() },
    );
    if let Some(message) = message.as_object_mut() {
        message.insert("content".to_owned(), json!([]));
        message.insert("stop_reason".to_owned(), Value::Null);
    }
    if let Some(tokens) = message.pointer_mut("/usage/output_tokens") {
        *tokens = 1.into();
    }
    Event::new("message_start", &json!({"message": message}))
}

fn in_block<D: Iterator<Item = Event> + Send>(
    index: u32,
    block: &Value,
    deltas: D,
) -> impl Iterator<Item = Event> + Send + use<D> {
    let start = Event::new("content_block_start", &json!({"index": index, "content_block": block}));
    std::iter::once(start).chain(deltas).chain([Event::new("content_block_stop", &json!({"index": index}))])
}

fn delta(index: u32, kind: &str, member: &str, piece: &str) -> Event {
    let piece = quoted(piece);
    Event::raw(
        "content_block_delta",
        format!("\"index\":{index},\"delta\":{{\"type\":\"{kind}\",\"{member}\":{piece}}}"),
    )
}

/// Two pieces, so that clients have to join them.
pub(crate) fn halves(text: &str) -> [String; 2] {
    let middle = text.chars().count() / 2;
    [text.chars().take(middle).collect(), text.chars().skip(middle).collect()]
}

fn stop_reason(answer: &Answer) -> &'static str {
    match &answer.speech {
        Speech::Call(_) => "tool_use",
        Speech::Text(_) if answer.is_cut_short => "max_tokens",
        Speech::Text(_) => "end_turn",
    }
}

fn usage(usage: &Usage) -> Map<String, Value> {
    let input = usage.input;
    let (five_minutes, one_hour) = if input.one_hour { (0, input.written) } else { (input.written, 0) };
    let mut members = Map::new();
    members.insert("input_tokens".to_owned(), input.fresh.into());
    members.insert("cache_creation_input_tokens".to_owned(), input.written.into());
    members.insert("cache_read_input_tokens".to_owned(), input.read.into());
    members.insert(
        "cache_creation".to_owned(),
        json!({"ephemeral_5m_input_tokens": five_minutes, "ephemeral_1h_input_tokens": one_hour}),
    );
    members.insert("output_tokens".to_owned(), usage.output.into());
    if usage.thoughts > 0 {
        members.insert("output_tokens_details".to_owned(), json!({"thinking_tokens": usage.thoughts}));
    }
    members
}
