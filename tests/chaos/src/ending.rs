//! Reads the state of an API from the first bytes of its event stream. It is slow and shares no code with the filter's
//! reader, which it checks.

use crate::transcript::Api;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the first bytes of a stream state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) state: State,
    /// The first model that the stream names.
    pub(crate) model: Option<String>,
}

/// The state of the API's answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    #[default]
    Ongoing,
    Ended,
    Failed,
}

/// Reads the complete events of `stream`. `generous`: a last event without its blank line counts too.
pub(crate) fn read(api: Api, stream: &[u8], generous: bool) -> Said {
    let mut text = String::from_utf8_lossy(stream).into_owned();
    if generous {
        text.push_str("\n\n");
    } else if text.ends_with('\r') {
        text.pop();
    }
    let text = text.trim_start_matches('\u{feff}').replace("\r\n", "\n").replace('\r', "\n");
    let mut said = Said::default();
    let mut choices = BTreeMap::new();
    let (mut done, mut failed) = (false, false);
    let whole = text.rfind("\n\n").map_or(0, |at| at + 2);
    for event in text.get(..whole).unwrap_or_default().split("\n\n") {
        let data: Vec<&str> = event.lines().filter_map(|line| line.strip_prefix("data:")).collect();
        let data =
            data.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect::<Vec<_>>().join("\n");
        if api == Api::ChatCompletions && data == "[DONE]" {
            done = true;
        }
        let Ok(event) = serde_json::from_str::<Value>(&data) else { continue };
        if said.model.is_none() {
            let named = ["/message/model", "/response/model", "/model"]
                .iter()
                .find_map(|at| event.pointer(at)?.as_str());
            said.model = named.filter(|model| !model.is_empty()).map(str::to_owned);
        }
        match (api, event.get("type").and_then(Value::as_str)) {
            (Api::Messages, Some("message_stop")) => done = true,
            (Api::Responses, Some("response.completed" | "response.incomplete")) => done = true,
            (Api::Messages | Api::Responses, Some("error" | "response.failed")) => failed = true,
            (Api::ChatCompletions, _) => {
                failed |= event.get("error").is_some_and(|error| !error.is_null());
                for choice in event.get("choices").and_then(Value::as_array).into_iter().flatten() {
                    let finished = choice.get("finish_reason").is_some_and(|reason| !reason.is_null());
                    let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
                    *choices.entry(index).or_insert(false) |= finished;
                }
            }
            _ => {}
        }
    }
    done |= !choices.is_empty() && choices.values().all(|finished| *finished);
    said.state = match (failed, done) {
        (true, _) => State::Failed,
        (false, true) => State::Ended,
        (false, false) => State::Ongoing,
    };
    said
}

#[cfg(test)]
mod tests {
    use super::{State, read};
    use crate::transcript::Api;

    #[test]
    fn an_event_counts_once_its_blank_line_is_there() {
        let stream = b"event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n";
        let state = |length: usize, generous| read(Api::Messages, &stream[..length], generous).state;
        assert_eq!(state(stream.len(), false), State::Ended);
        assert_eq!(state(stream.len() - 1, false), State::Ongoing);
        assert_eq!(state(stream.len() - 1, true), State::Ended);
        assert_eq!(state(stream.len() - 4, true), State::Ended);
        assert_eq!(state(stream.len() - 5, true), State::Ongoing);
    }

    #[test]
    fn a_chat_is_over_when_every_choice_is() {
        let one = br#"data: {"model":"m","choices":[{"index":0,"finish_reason":"stop"},{"index":1}]}"#;
        let said = read(Api::ChatCompletions, one, true);
        assert_eq!((said.state, said.model.as_deref()), (State::Ongoing, Some("m")));
        let two =
            [one.as_slice(), b"\n\ndata: {\"choices\":[{\"index\":1,\"finish_reason\":\"stop\"}]}"].concat();
        assert_eq!(read(Api::ChatCompletions, &two, true).state, State::Ended);
        assert_eq!(read(Api::ChatCompletions, b"data: [DONE]\n\n", false).state, State::Ended);
    }
}
