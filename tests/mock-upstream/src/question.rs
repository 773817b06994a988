//! Reads of a request what its answer needs. It refuses only requests that cannot be answered.

use crate::behaviour::Behaviour;
use crate::tool::{self, Call};
use crate::words::Words;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The smallest request in tokens that OpenAI caches automatically, in steps of 128 tokens.
/// <https://platform.openai.com/docs/guides/prompt-caching>
const OPENAI_CACHES_FROM: u64 = 1024;

/// The API that a request speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    /// `POST /v1/messages`
    Messages,
    /// `POST /chat/completions`
    Chat,
    /// `POST /responses`
    Responses,
    /// `POST /responses/compact`
    Compact,
}

/// One request.
#[derive(Debug, Default)]
pub(crate) struct Question {
    /// The model's name as the client wrote it.
    pub(crate) model: String,
    /// The behaviour that the model's name asks for.
    pub(crate) behaviour: Behaviour,
    /// Whether the client wants a stream of events.
    pub(crate) stream: bool,
    /// Chat only: whether the stream ends with the usage.
    pub(crate) include_usage: bool,
    /// The last text of the user, where the user spoke last.
    pub(crate) prompt: Option<String>,
    /// Whether the conversation ends with a tool's result.
    pub(crate) after_tool: bool,
    /// The tool to call, with its arguments.
    pub(crate) call: Option<Call>,
    /// Whether the model thinks before its answer.
    pub(crate) thinks: bool,
    /// The most tokens the answer may have.
    pub(crate) most_tokens: Option<u64>,
    /// The tokens of the request.
    pub(crate) input: Input,
    /// The members of the request that a Responses answer repeats.
    pub(crate) members: BTreeMap<String, Value>,
}

/// The tokens of a request. `fresh`, `written` and `read` do not overlap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Input {
    /// Tokens that are neither written to the cache nor read from it.
    pub(crate) fresh: u64,
    /// Tokens that are written to the cache.
    pub(crate) written: u64,
    /// Tokens that are read from the cache.
    pub(crate) read: u64,
    /// Whether the cache keeps them for an hour, not for five minutes.
    pub(crate) one_hour: bool,
}

/// Why a request cannot be answered, as a message to the client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) &'static str);

type Members<'b> = BTreeMap<Cow<'b, str>, &'b RawValue>;

impl Input {
    /// All tokens, cached or not.
    pub(crate) fn total(self) -> u64 {
        self.fresh.saturating_add(self.written).saturating_add(self.read)
    }

    /// Anthropic caches what `cache_control` marks: it is written on the first turn and read on later ones.
    fn anthropic(words: Words, later_turn: bool) -> Self {
        let total = words.total.max(1);
        let (written, read) = if later_turn { (0, words.cached) } else { (words.cached, 0) };
        Self { fresh: total.saturating_sub(words.cached), written, read, one_hour: words.one_hour }
    }

    /// OpenAI caches long requests, and reads them from the cache on later turns.
    fn openai(words: Words, later_turn: bool) -> Self {
        let total = words.total.max(1);
        let read = if later_turn && total >= OPENAI_CACHES_FROM { total / 128 * 128 } else { 0 };
        Self { fresh: total.saturating_sub(read), read, ..Self::default() }
    }
}

impl Question {
    /// A request whose body is not read. Only its model is known, and it is answered with a document.
    pub(crate) fn unread(model: &str) -> Self {
        Self { model: model.to_owned(), behaviour: Behaviour::of(model), ..Self::default() }
    }

    /// Reads a request's body.
    ///
    /// # Errors
    /// The body is no JSON object, or lacks the model or the conversation.
    pub(crate) fn read(api: Api, body: &[u8]) -> Result<Self, Malformed> {
        Self::read_for(api, None, body)
    }

    /// As [`read`](Self::read), for a model that the path names.
    pub(crate) fn read_for(api: Api, named: Option<&str>, body: &[u8]) -> Result<Self, Malformed> {
        let members: Members<'_> =
            serde_json::from_slice(body).map_err(|_| Malformed("the body is not a JSON object"))?;
        let member = |name: &str| members.get(name).copied();
        let small = |name: &str| member(name).and_then(|raw| serde_json::from_str::<Value>(raw.get()).ok());

        let model = named
            .map(str::to_owned)
            .or_else(|| small("model").and_then(|model| model.as_str().map(str::to_owned)));
        let model = model.ok_or(Malformed("model: a name is required"))?;
        let turns_in = if matches!(api, Api::Messages | Api::Chat) { "messages" } else { "input" };
        let turns = Turns::read(member(turns_in)).ok_or(match api {
            Api::Messages | Api::Chat => Malformed("messages: a list is required"),
            Api::Responses | Api::Compact => Malformed("input: a text or a list is required"),
        })?;

        let mut words = Words::default();
        for part in ["tools", "system", "instructions", turns_in] {
            words.add(member(part));
        }
        if small("cache_control").is_some_and(|marker| !marker.is_null()) {
            words.cache_everything();
        }
        let last = turns.last();
        let input = match api {
            Api::Messages => Input::anthropic(words, turns.is_later()),
            Api::Chat | Api::Responses | Api::Compact => Input::openai(words, turns.is_later()),
        };
        let after_tool = last.as_ref().is_some_and(is_tool_result);
        let prompt = last.as_ref().and_then(|last| prompt(api, last));
        let choice = small("tool_choice").unwrap_or_default();
        let wants_a_tool =
            is_forced(&choice) || (choice != "none" && prompt.as_deref().is_some_and(tool::is_asked_for));
        let call = if wants_a_tool && !after_tool {
            let mut tools = small("tools").and_then(into_list).unwrap_or_default();
            tools.extend(turns.tools());
            Call::choose(api, &tools, &choice, prompt.as_deref().unwrap_or_default())
        } else {
            None
        };
        let first_number =
            |names: &[&str]| names.iter().find_map(|name| small(name).as_ref().and_then(Value::as_u64));
        Ok(Self {
            behaviour: Behaviour::of(&model),
            model,
            stream: api != Api::Compact && small("stream") == Some(Value::Bool(true)),
            include_usage: small("stream_options")
                .is_some_and(|options| options.get("include_usage") == Some(&Value::Bool(true))),
            prompt,
            after_tool,
            call,
            thinks: thinks(api, &small),
            most_tokens: first_number(&["max_tokens", "max_completion_tokens", "max_output_tokens"]),
            input,
            members: match api {
                Api::Responses => crate::responses::ECHOED
                    .iter()
                    .filter_map(|name| Some(((*name).to_owned(), small(name)?)))
                    .collect(),
                Api::Messages | Api::Chat | Api::Compact => BTreeMap::new(),
            },
        })
    }
}

/// The conversation: a text, or turns that are parsed only when needed.
enum Turns<'b> {
    Text(&'b RawValue),
    List(Vec<&'b RawValue>),
}

#[derive(Deserialize)]
struct Turn<'b> {
    #[serde(borrow, default)]
    role: Option<Cow<'b, str>>,
    #[serde(borrow, default, rename = "type")]
    kind: Option<Cow<'b, str>>,
}

impl<'b> Turns<'b> {
    fn read(raw: Option<&'b RawValue>) -> Option<Self> {
        let raw = raw?;
        if raw.get().starts_with('"') {
            return Some(Self::Text(raw));
        }
        serde_json::from_str(raw.get()).ok().map(Self::List)
    }

    /// The last turn whose role is neither `system` nor `developer`; `None` if it is nested too deeply to be parsed.
    fn last(&self) -> Option<Value> {
        let full = |raw: &RawValue| serde_json::from_str::<Value>(raw.get()).ok();
        match self {
            Self::Text(text) => full(text),
            Self::List(turns) => {
                let counts = |raw: &&&RawValue| !matches!(role(raw).as_deref(), Some("system" | "developer"));
                turns.iter().rev().find(counts).and_then(|raw| full(raw))
            }
        }
    }

    /// The tools that are items of the input, as Codex sends them.
    fn tools(&self) -> Vec<Value> {
        let Self::List(turns) = self else { return Vec::new() };
        let is_tools = |raw: &&&RawValue| {
            turn(raw).and_then(|turn| turn.kind).is_some_and(|kind| kind == "additional_tools")
        };
        let tools =
            |raw: &&RawValue| into_list(serde_json::from_str::<Value>(raw.get()).ok()?.get("tools")?.clone());
        turns.iter().filter(is_tools).filter_map(tools).flatten().collect()
    }

    /// Whether the conversation has an earlier turn of the model.
    fn is_later(&self) -> bool {
        match self {
            Self::Text(_) => false,
            Self::List(turns) => turns.iter().any(|raw| role(raw).as_deref() == Some("assistant")),
        }
    }
}

fn turn(raw: &RawValue) -> Option<Turn<'_>> {
    serde_json::from_str(raw.get()).ok()
}

fn role(raw: &RawValue) -> Option<Cow<'_, str>> {
    turn(raw).and_then(|turn| turn.role)
}

fn into_list(value: Value) -> Option<Vec<Value>> {
    if let Value::Array(list) = value { Some(list) } else { None }
}

fn kind(value: &Value) -> Option<&str> {
    value.get("type").and_then(Value::as_str)
}

fn is_tool_result(last: &Value) -> bool {
    let block = |block: &Value| kind(block) == Some("tool_result");
    last.get("role").is_some_and(|role| role == "tool")
        || kind(last).is_some_and(|kind| kind.ends_with("_call_output"))
        || last.get("content").and_then(Value::as_array).is_some_and(|blocks| blocks.iter().any(block))
}

/// The prompt: the last text block (Messages, Chat), or all texts, one a line (Responses).
fn prompt(api: Api, last: &Value) -> Option<String> {
    if let Some(text) = last.as_str() {
        return Some(text.to_owned());
    }
    let content = last.get("content").filter(|_| last.get("role").is_some_and(|role| role == "user"))?;
    if let Some(text) = content.as_str() {
        return Some(text.to_owned());
    }
    let is_text = |part: &&Value| matches!(kind(part), Some("text" | "input_text"));
    let text = |part: &Value| part.get("text").and_then(Value::as_str).map(str::to_owned);
    let texts: Vec<String> = content.as_array()?.iter().filter(is_text).filter_map(text).collect();
    match api {
        Api::Messages | Api::Chat => texts.last().cloned(),
        Api::Responses | Api::Compact => (!texts.is_empty()).then(|| texts.join("\n")),
    }
}

/// Whether `tool_choice` forces a call: `required`, `{"type":"any"}`, or a tool by its name.
fn is_forced(choice: &Value) -> bool {
    choice == "required" || matches!(kind(choice), Some("any" | "tool" | "function"))
}

fn thinks(api: Api, member: &dyn Fn(&str) -> Option<Value>) -> bool {
    let effort = |effort: &Value| effort.as_str().is_some_and(|effort| effort != "none");
    match api {
        Api::Messages => {
            member("thinking").is_some_and(|thinking| kind(&thinking).is_some_and(|kind| kind != "disabled"))
        }
        Api::Chat => member("reasoning_effort").as_ref().is_some_and(effort),
        Api::Responses => member("reasoning").is_some_and(|reasoning| {
            reasoning.get("effort").is_some_and(effort)
                || reasoning.get("summary").is_some_and(Value::is_string)
        }),
        Api::Compact => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(api: Api, body: &Value) -> Question {
        Question::read(api, body.to_string().as_bytes()).unwrap()
    }

    #[test]
    fn the_prompt_is_the_last_text_of_the_user_whatever_a_system_message_adds() {
        let turns = json!([{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "system", "content": "c"}]);
        assert_eq!(
            read(Api::Messages, &json!({"model": "m", "messages": turns})).prompt.as_deref(),
            Some("b")
        );
        assert_eq!(read(Api::Chat, &json!({"model": "m", "messages": turns})).prompt.as_deref(), Some("b"));
        let items = json!([{"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]}]);
        assert_eq!(
            read(Api::Responses, &json!({"model": "m", "input": items})).prompt.as_deref(),
            Some("a\nb")
        );
        assert_eq!(read(Api::Responses, &json!({"model": "m", "input": "hi"})).prompt.as_deref(), Some("hi"));
    }

    #[test]
    fn a_tool_is_called_once() {
        let tools = json!([{"name": "look", "input_schema": {"type": "object"}}]);
        let ask = json!([{"role": "user", "content": "use a Tool!"}]);
        let first = read(Api::Messages, &json!({"model": "m", "tools": tools, "messages": ask}));
        assert_eq!(
            first.call.map(|call| (call.name.clone(), call.value())),
            Some(("look".to_owned(), json!({})))
        );
        let answered = json!([{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "tool"}]}]);
        let second = read(Api::Messages, &json!({"model": "m", "tools": tools, "messages": answered}));
        assert!(second.after_tool && second.call.is_none());
    }

    #[test]
    fn tools_may_be_an_item_of_the_input() {
        let tools = json!({"type": "additional_tools", "role": "developer", "tools": [{"name": "look", "parameters": {}}]});
        let asked = read(
            Api::Responses,
            &json!({"model": "m", "input": [tools, {"role": "user", "content": "a tool"}]}),
        );
        assert_eq!(asked.call.unwrap().name, "look");
    }

    #[test]
    fn caching_is_written_first_and_read_later() {
        let turn = |text: &str| json!({"role": "user", "content": [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]});
        let first = read(Api::Messages, &json!({"model": "m", "system": "x", "messages": [turn("a b")]}));
        assert_eq!(first.input, Input { fresh: 0, written: 3, read: 0, one_hour: false });
        let later = json!({"model": "m", "messages": [turn("a b"), {"role": "assistant", "content": "c"}, {"role": "user", "content": "d"}]});
        assert_eq!(
            read(Api::Messages, &later).input,
            Input { fresh: 2, written: 0, read: 2, one_hour: false }
        );
    }

    #[test]
    fn a_request_without_model_or_conversation_is_refused() {
        for body in [
            "",
            "[]",
            "{",
            "{}",
            r#"{"model":1,"messages":[]}"#,
            r#"{"model":"m"}"#,
            r#"{"model":"m","messages":{}}"#,
        ] {
            assert!(Question::read(Api::Chat, body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn a_conversation_too_deep_to_read_is_still_answered() {
        let body = format!(r#"{{"model":"m","messages":[{}{}]}}"#, "[".repeat(5_000), "]".repeat(5_000));
        assert!(Question::read(Api::Messages, body.as_bytes()).unwrap().prompt.is_none());
    }
}
