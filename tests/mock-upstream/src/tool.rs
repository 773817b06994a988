//! Chooses the tool that an answer calls, and its arguments.

use crate::question::Api;
use serde_json::Value;

/// The default text for a `custom` tool: valid as a word, as a shell command's name, and as JavaScript.
const TEXT: &str = "\"mock\"";
/// The default for each string in a tool's arguments.
const WORD: &str = "mock";
/// How many levels of namespaces are searched.
const DEEPEST: usize = 4;

/// A tool that will be called.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    /// The tool's name.
    pub(crate) name: String,
    /// Responses only: the group that contains the tool.
    pub(crate) namespace: Option<String>,
    /// The tool's input.
    pub(crate) payload: Payload,
}

/// The input of a tool.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Payload {
    /// An object, for a tool with a schema.
    Arguments(Value),
    /// A text, for a `custom` tool. Responses only.
    Text(String),
}

impl Call {
    /// The tool that `choice` (the request's `tool_choice`) names, else the one that the prompt names, else the first that a
    /// client can run. The text between backticks in the prompt is its input: the text of a `custom` tool, or each string
    /// in the arguments of another.
    pub(crate) fn choose(api: Api, tools: &[Value], choice: &Value, prompt: &str) -> Option<Self> {
        let given = between_backticks(persons(prompt));
        let find = |is_wanted: &dyn Fn(&str) -> bool| find(api, tools, None, is_wanted, given, DEEPEST);
        let forced =
            choice.get("name").or_else(|| choice.get("function")?.get("name")).and_then(Value::as_str);
        if let Some(forced) = forced {
            return find(&|name| name == forced);
        }
        let is_named = |name: &str| words(prompt).any(|word| word == name);
        find(&is_named).or_else(|| find(&|_| true))
    }

    /// The input as the text that a stream carries.
    pub(crate) fn text(&self) -> String {
        match &self.payload {
            Payload::Arguments(arguments) => arguments.to_string(),
            Payload::Text(text) => text.clone(),
        }
    }

    /// The input as a JSON value.
    pub(crate) fn value(&self) -> Value {
        match &self.payload {
            Payload::Arguments(arguments) => arguments.clone(),
            Payload::Text(text) => text.clone().into(),
        }
    }
}

/// Whether the part of the prompt that a person wrote has the word "tool".
pub(crate) fn is_asked_for(prompt: &str) -> bool {
    words(persons(prompt)).any(|word| word.eq_ignore_ascii_case("tool"))
}

/// The part of the prompt that a person wrote. Agents put their own remarks into tags, before it or alone.
fn persons(prompt: &str) -> &str {
    match prompt.rsplit_once('>') {
        Some((_, after)) if prompt.trim_start().starts_with('<') => after,
        _ => prompt,
    }
}

fn between_backticks(prompt: &str) -> Option<&str> {
    let (_, after) = prompt.split_once('`')?;
    after.split_once('`').map(|(given, _)| given)
}

/// The words of `text`, of the characters that names of tools have.
fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '-'))
}

fn find(
    api: Api,
    tools: &[Value],
    namespace: Option<&str>,
    is_wanted: &dyn Fn(&str) -> bool,
    given: Option<&str>,
    depth: usize,
) -> Option<Call> {
    let depth = depth.checked_sub(1)?;
    tools.iter().find_map(|tool| {
        let name = |tool: &Value| tool.get("name").and_then(Value::as_str).map(str::to_owned);
        if let Some(inside) = tool.get("tools").and_then(Value::as_array) {
            return find(api, inside, name(tool).as_deref().or(namespace), is_wanted, given, depth);
        }
        let is_custom = tool.get("type").is_some_and(|kind| kind == "custom");
        let tool = tool.get("function").unwrap_or(tool);
        let payload = match tool.get("input_schema").or_else(|| tool.get("parameters")) {
            Some(schema) => Payload::Arguments(crate::sample::arguments(schema, given.unwrap_or(WORD))),
            None if is_custom && api == Api::Responses => Payload::Text(given.unwrap_or(TEXT).to_owned()),
            None => return None,
        };
        let name = name(tool).filter(|name| is_wanted(name))?;
        Some(Call { name, namespace: namespace.map(str::to_owned), payload })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn chosen(api: Api, tools: &Value, choice: &Value) -> Option<(String, Option<String>)> {
        Call::choose(api, tools.as_array().unwrap(), choice, "use the look tool")
            .map(|call| (call.name, call.namespace))
    }

    #[test]
    fn a_tool_that_the_provider_runs_itself_is_passed_over() {
        let tools =
            json!([{"type": "web_search_20250305", "name": "web"}, {"name": "look", "input_schema": {}}]);
        assert_eq!(chosen(Api::Messages, &tools, &Value::Null), Some(("look".to_owned(), None)));
    }

    #[test]
    fn a_named_tool_is_preferred() {
        let tools = json!([{"type": "function", "function": {"name": "a", "parameters": {}}},
            {"type": "function", "function": {"name": "b", "parameters": {}}}]);
        let choice = json!({"type": "function", "function": {"name": "b"}});
        assert_eq!(chosen(Api::Chat, &tools, &choice), Some(("b".to_owned(), None)));
        assert_eq!(chosen(Api::Chat, &tools, &json!({"name": "c"})), None);
    }

    #[test]
    fn the_prompt_may_name_a_tool() {
        let tools = json!([{"name": "a", "input_schema": {}}, {"name": "look", "input_schema": {}}]);
        assert_eq!(chosen(Api::Messages, &tools, &Value::Null), Some(("look".to_owned(), None)));
    }

    #[test]
    fn the_prompt_may_state_the_input_of_a_tool() {
        let schema =
            json!({"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]});
        let tools = json!([{"type": "function", "name": "run", "parameters": schema}, {"type": "custom", "name": "exec"}]);
        let given = |prompt: &str| {
            Call::choose(Api::Responses, tools.as_array().unwrap(), &Value::Null, prompt).unwrap().text()
        };
        assert_eq!(given("the run tool with `echo hello`"), r#"{"command":"echo hello"}"#);
        assert_eq!(given("the exec tool with `text(1)` or `2`"), "text(1)");
        assert_eq!(given("<note>`no`</note> the run tool"), r#"{"command":"mock"}"#);
        assert_eq!(given("the run tool with ` alone"), r#"{"command":"mock"}"#);
    }

    #[test]
    fn only_a_person_asks_for_a_tool() {
        for asks in ["Which Tool?", "<now>12:00</now>\n\nuse a tool", "a <b>tool</b>"] {
            assert!(is_asked_for(asks), "{asks}");
        }
        for does_not in ["a toolbox", "tools", "<system-reminder>the tool has ended</system-reminder>\n", ""]
        {
            assert!(!is_asked_for(does_not), "{does_not}");
        }
    }

    #[test]
    fn codex_groups_its_tools_and_some_take_a_text() {
        let tools = json!([{"type": "namespace", "name": "functions", "tools": [{"type": "custom", "name": "exec"}]}]);
        let call = Call::choose(Api::Responses, tools.as_array().unwrap(), &Value::Null, "").unwrap();
        assert_eq!(
            (call.name.as_str(), call.namespace.as_deref(), call.text()),
            ("exec", Some("functions"), TEXT.to_owned())
        );
        assert_eq!(chosen(Api::Chat, &tools, &Value::Null), None);
    }
}
