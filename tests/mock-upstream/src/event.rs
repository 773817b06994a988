//! Server-sent events as the providers write them: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use hyper::body::Bytes;
use serde_json::Value;

/// The events of one answer. Each is built when it is sent.
pub(crate) type Events = Box<dyn Iterator<Item = Bytes> + Send>;

/// An event with a name, which is also the first member of its data.
#[derive(Debug)]
pub(crate) struct Event {
    name: &'static str,
    /// The other members as JSON, without the braces; may be empty.
    members: String,
}

impl Event {
    /// An event with the members of an object.
    pub(crate) fn new(name: &'static str, members: &Value) -> Self {
        let object = members.to_string();
        let inside = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or_default();
        Self::raw(name, inside.to_owned())
    }

    /// An event with members that are JSON already, without the braces: cheap enough for a hundred thousand of them.
    pub(crate) fn raw(name: &'static str, members: String) -> Self {
        Self { name, members }
    }

    /// The event in the form of Messages.
    pub(crate) fn bytes(&self) -> Bytes {
        let Self { name, members } = self;
        let comma = if members.is_empty() { "" } else { "," };
        Bytes::from(format!("event: {name}\ndata: {{\"type\":\"{name}\"{comma}{members}}}\n\n"))
    }

    /// The event in the form of Responses, with its sequence number.
    pub(crate) fn numbered(&self, number: usize) -> Bytes {
        let Self { name, members } = self;
        let comma = if members.is_empty() { "" } else { "," };
        let number = format!("\"sequence_number\":{number}");
        Bytes::from(format!("event: {name}\ndata: {{\"type\":\"{name}\",{number}{comma}{members}}}\n\n"))
    }
}

/// Data without a name, as Chat Completions writes it.
pub(crate) fn unnamed(data: &str) -> Bytes {
    Bytes::from(format!("data: {data}\n\n"))
}

/// A text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_event_has_its_name_in_the_field_and_in_the_data() {
        let event = Event::new("ping", &json!({}));
        assert_eq!(event.bytes(), "event: ping\ndata: {\"type\":\"ping\"}\n\n");
        let event = Event::new("x", &json!({"a": {"b": 1}}));
        assert_eq!(
            event.numbered(4),
            "event: x\ndata: {\"type\":\"x\",\"sequence_number\":4,\"a\":{\"b\":1}}\n\n"
        );
    }
}
