//! OpenAI Responses: <https://platform.openai.com/docs/api-reference/responses>, its events at `/responses-streaming`.

use crate::answer::{Answer, Speech, Text, Usage};
use crate::event::{Event, Events, quoted};
use crate::question::Question;
use serde_json::{Map, Value, json};

/// `created`, `in_progress`, the item, its part, one delta: then an overloaded provider gives up.
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

/// Gives every event its place in the sequence.
pub(crate) fn numbered(events: impl Iterator<Item = Event> + Send + 'static) -> Events {
    Box::new(events.enumerate().map(|(number, event)| event.numbered(number)))
}

/// What a stream says when the provider gives up in the middle of it.
pub(crate) fn overloaded() -> Event {
    let message = "The server is overloaded. Please try again later.";
    Event::new("error", &json!({"code": "server_error", "message": message, "param": null}))
}

/// One item of the output.
enum Item<'a> {
    /// `encrypted` as `include` asks for it, `summary` as `reasoning` does.
    Reasoning {
        thought: &'a Text,
        summary: bool,
        encrypted: bool,
    },
    Message(&'a Text),
    Call(&'a crate::question::Call),
}

impl<'a> Item<'a> {
    fn all(question: &Question, answer: &'a Answer) -> Vec<Self> {
        let reasoning = question.members.get("reasoning");
        let summary = reasoning.and_then(|reasoning| reasoning.get("summary")).is_some_and(Value::is_string);
        let include = question.members.get("include").and_then(Value::as_array);
        let encrypted =
            include.is_some_and(|wanted| wanted.iter().any(|name| name == "reasoning.encrypted_content"));
        let thought = answer.thought.as_ref().map(|thought| Self::Reasoning { thought, summary, encrypted });
        let said = match &answer.speech {
            Speech::Text(text) => Self::Message(text),
            Speech::Call(call) => Self::Call(call),
        };
        thought.into_iter().chain([said]).collect()
    }

    fn id(&self, answer: &Answer) -> String {
        let prefix = match self {
            Self::Reasoning { .. } => "rs_",
            Self::Message(_) => "msg_",
            Self::Call(_) => "fc_",
        };
        answer.seed.hex(prefix, 48)
    }

    fn whole(&self, answer: &Answer) -> Value {
        let status = if answer.is_cut_short { "incomplete" } else { "completed" };
        match self {
            Self::Reasoning { thought, summary, .. } => {
                let parts = if *summary {
                    vec![json!({"type": "summary_text", "text": thought.whole()})]
                } else {
                    Vec::new()
                };
                self.shell(answer, None, &Value::from(parts))
            }
            Self::Message(text) => self.shell(answer, Some(status), &json!([output_text(&text.whole())])),
            Self::Call(call) => self.shell(answer, Some("completed"), &call.arguments.to_string().into()),
        }
    }

    /// The item around what grows in it.
    fn shell(&self, answer: &Answer, status: Option<&str>, inside: &Value) -> Value {
        let id = self.id(answer);
        match self {
            Self::Reasoning { encrypted, .. } => {
                let sealed = if *encrypted { Value::from("bW9jay1yZWFzb25pbmc=") } else { Value::Null };
                json!({"id": id, "type": "reasoning", "summary": inside, "encrypted_content": sealed})
            }
            Self::Message(_) => {
                json!({"id": id, "type": "message", "role": "assistant", "status": status, "content": inside})
            }
            Self::Call(call) => json!({
                "id": id, "type": "function_call", "status": status, "call_id": crate::chat::call_id(answer),
                "name": call.name, "arguments": inside,
            }),
        }
    }

    fn events(&self, index: usize, answer: &Answer) -> Box<dyn Iterator<Item = Event> + Send> {
        let (id, at) = (self.id(answer), Place { item: self.id(answer), index });
        let added = |inside: &Value| {
            let item = self.shell(
                answer,
                (!matches!(self, Self::Reasoning { .. })).then_some("in_progress"),
                inside,
            );
            Event::new("response.output_item.added", &json!({"output_index": index, "item": item}))
        };
        let done = Event::new(
            "response.output_item.done",
            &json!({"output_index": index, "item": self.whole(answer)}),
        );
        match self {
            Self::Reasoning { summary: false, .. } => Box::new([added(&json!([])), done].into_iter()),
            Self::Reasoning { thought, .. } => {
                let part = |text: &str| json!({"item_id": id, "output_index": index, "summary_index": 0, "part": {"type": "summary_text", "text": text}});
                let whole = thought.whole();
                let head =
                    [added(&json!([])), Event::new("response.reasoning_summary_part.added", &part(""))];
                let tail = [
                    at.text("response.reasoning_summary_text.done", "summary_index", "text", &whole),
                    Event::new("response.reasoning_summary_part.done", &part(&whole)),
                    done,
                ];
                let deltas = thought.pieces().map(move |piece| {
                    at.text("response.reasoning_summary_text.delta", "summary_index", "delta", &piece)
                });
                Box::new(head.into_iter().chain(deltas).chain(tail))
            }
            Self::Message(text) => {
                let part = |text: &str| json!({"item_id": id, "output_index": index, "content_index": 0, "part": output_text(text)});
                let whole = text.whole();
                let head = [added(&json!([])), Event::new("response.content_part.added", &part(""))];
                let said = at.text("response.output_text.done", "content_index", "text", &whole);
                let tail = [said, Event::new("response.content_part.done", &part(&whole)), done];
                let deltas = text.pieces().map(move |piece| {
                    at.text("response.output_text.delta", "content_index", "delta", &piece)
                });
                Box::new(head.into_iter().chain(deltas).chain(tail))
            }
            Self::Call(call) => {
                let whole = call.arguments.to_string();
                let delta = |piece: String| json!({"item_id": id, "output_index": index, "delta": piece});
                let deltas = crate::messages::halves(&whole)
                    .map(|piece| Event::new("response.function_call_arguments.delta", &delta(piece)));
                let said =
                    json!({"item_id": id, "output_index": index, "name": call.name, "arguments": whole});
                let tail = [Event::new("response.function_call_arguments.done", &said), done];
                Box::new([added(&"".into())].into_iter().chain(deltas).chain(tail))
            }
        }
    }
}

/// Where in the output a text grows.
struct Place {
    item: String,
    index: usize,
}

impl Place {
    fn text(&self, name: &'static str, part: &str, member: &str, text: &str) -> Event {
        let (Self { item, index }, text) = (self, quoted(text));
        let logprobs = if part == "content_index" { ",\"logprobs\":[]" } else { "" };
        Event::raw(
            name,
            format!(
                "\"item_id\":\"{item}\",\"output_index\":{index},\"{part}\":0,\"{member}\":{text}{logprobs}"
            ),
        )
    }
}

fn output_text(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
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
