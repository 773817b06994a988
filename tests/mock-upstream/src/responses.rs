//! OpenAI Responses: <https://platform.openai.com/docs/api-reference/responses>, its events at `/responses-streaming`.

mod item;

use crate::answer::{Answer, Usage};
use crate::event::{Event, Events};
use crate::question::Question;
use item::Item;
use serde_json::{Map, Value, json};

/// Events before the error of an overloaded provider: `created`, `in_progress`, the item, its part, one delta.
pub(crate) const EVENTS_BEFORE_OVERLOAD: usize = 5;

/// The request's members that the answer repeats.
pub(crate) const ECHOED: [&str; 17] = [
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_p",
    "truncation",
    "include",
];

/// The answer as one document.
pub(crate) fn document(question: &Question, answer: &Answer) -> Value {
    let items = Item::all(question, answer).iter().map(|item| item.whole(answer)).collect();
    let status = if answer.is_cut_short { "incomplete" } else { "completed" };
    response(question, answer, status, items)
}

/// A compacted conversation.
pub(crate) fn compaction(answer: &Answer) -> Value {
    let item = json!({"id": answer.seed.hex("cmp_", 48), "type": "compaction", "encrypted_content": "bW9jay1jb21wYWN0aW9u"});
    json!({
        "id": answer.seed.hex("resp_", 48), "object": "response.compaction", "created_at": answer.created,
        "output": [item], "usage": usage(&answer.usage),
    })
}

/// The answer as a stream.
pub(crate) fn events(question: &Question, answer: &Answer) -> Box<dyn Iterator<Item = Event> + Send> {
    let begun = json!({"response": response(question, answer, "in_progress", Vec::new())});
    let mut events: Box<dyn Iterator<Item = Event> + Send> = Box::new(
        [Event::new("response.created", &begun), Event::new("response.in_progress", &begun)].into_iter(),
    );
    for (index, item) in Item::all(question, answer).iter().enumerate() {
        events = Box::new(events.chain(item.events(index, answer)));
    }
    let name = if answer.is_cut_short { "response.incomplete" } else { "response.completed" };
    let ended = Event::new(name, &json!({"response": document(question, answer)}));
    Box::new(events.chain([ended]))
}

/// Numbers the events (`sequence_number`).
pub(crate) fn numbered(events: impl Iterator<Item = Event> + Send + 'static) -> Events {
    Box::new(events.enumerate().map(|(number, event)| event.numbered(number)))
}

/// The error event of a provider that is overloaded in mid-stream.
pub(crate) fn overloaded() -> Event {
    let message = "The server is overloaded. Please try again later.";
    Event::new("error", &json!({"code": "server_error", "message": message, "param": null}))
}

fn response(question: &Question, answer: &Answer, status: &str, output: Vec<Value>) -> Value {
    let ended = status != "in_progress";
    let mut members = Map::new();
    for (name, absent) in [
        ("instructions", Value::Null),
        ("max_output_tokens", Value::Null),
        ("metadata", json!({})),
        ("parallel_tool_calls", true.into()),
        ("previous_response_id", Value::Null),
        ("reasoning", json!({"effort": null, "summary": null})),
        ("store", true.into()),
        ("temperature", 1.0.into()),
        ("text", json!({"format": {"type": "text"}})),
        ("tool_choice", "auto".into()),
        ("tools", json!([])),
        ("top_p", 1.0.into()),
        ("truncation", "disabled".into()),
    ] {
        members.insert(name.to_owned(), absent);
    }
    for (name, value) in
        question.members.iter().filter(|(name, value)| *name != "include" && !value.is_null())
    {
        members.insert(name.clone(), value.clone());
    }
    let incomplete =
        if status == "incomplete" { json!({"reason": "max_output_tokens"}) } else { Value::Null };
    let usage = if ended { usage(&answer.usage) } else { Value::Null };
    for (name, value) in [
        ("id", answer.seed.hex("resp_", 48).into()),
        ("object", "response".into()),
        ("created_at", answer.created.into()),
        ("status", status.into()),
        ("background", false.into()),
        ("error", Value::Null),
        ("incomplete_details", incomplete),
        ("model", question.model.clone().into()),
        ("output", output.into()),
        ("service_tier", "default".into()),
        ("usage", usage),
    ] {
        members.insert(name.to_owned(), value);
    }
    if status == "completed" {
        members.insert("completed_at".to_owned(), answer.created.into());
    }
    members.into()
}

fn usage(usage: &Usage) -> Value {
    let input = usage.input.total();
    json!({
        "input_tokens": input, "input_tokens_details": {"cached_tokens": usage.input.read, "cache_write_tokens": 0},
        "output_tokens": usage.output, "output_tokens_details": {"reasoning_tokens": usage.thoughts},
        "total_tokens": input.saturating_add(usage.output),
    })
}
