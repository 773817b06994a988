//! The items of an answer's output: reasoning, a message, a tool call; each as a whole, or as events.

use crate::answer::{Answer, Speech, Text};
use crate::event::{Event, quoted};
use crate::question::Question;
use crate::tool::{Call, Payload};
use serde_json::{Value, json};

/// One item of the output.
pub(super) enum Item<'a> {
    /// `encrypted` as `include` asks for it, `summary` as `reasoning` does.
    Reasoning {
        thought: &'a Text,
        summary: bool,
        encrypted: bool,
    },
    Message(&'a Text),
    Call(&'a Call),
}

impl<'a> Item<'a> {
    /// All items of an answer, in order.
    pub(super) fn all(question: &Question, answer: &'a Answer) -> Vec<Self> {
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
            Self::Call(Call { payload: Payload::Arguments(_), .. }) => "fc_",
            Self::Call(Call { payload: Payload::Text(_), .. }) => "ctc_",
        };
        answer.seed.hex(prefix, 48)
    }

    /// The finished item.
    pub(super) fn whole(&self, answer: &Answer) -> Value {
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
            Self::Call(call) => self.shell(answer, Some("completed"), &call.text().into()),
        }
    }

    /// The item without the content that its events add.
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
            Self::Call(call) => {
                let call_id = crate::chat::call_id(answer);
                let (kind, member) = match &call.payload {
                    Payload::Arguments(_) => ("function_call", "arguments"),
                    Payload::Text(_) => ("custom_tool_call", "input"),
                };
                let mut item = json!({
                    "id": id, "type": kind, "status": status, "call_id": call_id, "name": call.name, member: inside,
                });
                if let (Some(item), Some(namespace)) = (item.as_object_mut(), &call.namespace) {
                    item.insert("namespace".to_owned(), namespace.clone().into());
                }
                item
            }
        }
    }

    /// The events of the item.
    pub(super) fn events(&self, index: usize, answer: &Answer) -> Box<dyn Iterator<Item = Event> + Send> {
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
                let (growing, grown, member) = match &call.payload {
                    Payload::Arguments(_) => (
                        "response.function_call_arguments.delta",
                        "response.function_call_arguments.done",
                        "arguments",
                    ),
                    Payload::Text(_) => (
                        "response.custom_tool_call_input.delta",
                        "response.custom_tool_call_input.done",
                        "input",
                    ),
                };
                let whole = call.text();
                let delta = |piece: String| json!({"item_id": id, "output_index": index, "delta": piece});
                let deltas = crate::messages::halves(&whole).map(|piece| Event::new(growing, &delta(piece)));
                let said = json!({"item_id": id, "output_index": index, "name": call.name, member: whole});
                let tail = [Event::new(grown, &said), done];
                Box::new([added(&"".into())].into_iter().chain(deltas).chain(tail))
            }
        }
    }
}

/// The position in the output to which text events add.
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
