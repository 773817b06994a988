//! Shared by the fuzz targets: reading an input, cutting bodies, and the configurations to choose from. `fuzz/seeds` writes
//! inputs of this shape from the transcripts.

use ai_bridge::answer::Keep;
use ai_bridge::api::Api;
use ai_bridge::bridge::Bridge;
use ai_bridge::config::Config;
use std::rc::Rc;

/// Bounds that few inputs reach.
pub const ROOMY: Keep = Keep {
    text_bytes: 65_536,
    total_bytes: 1 << 20,
    arguments: true,
    thoughts: true,
    tool_calls: 256,
    thought_count: 256,
};

/// An input that is read from the front. Missing bytes are zero.
#[derive(Debug)]
pub struct Input<'a>(pub &'a [u8]);

impl<'a> Input<'a> {
    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        match self.0 {
            [first, rest @ ..] => {
                self.0 = rest;
                *first
            }
            [] => 0,
        }
    }

    /// The next byte, as a choice.
    pub fn choose<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::from(self.byte()) % from.len()]
    }

    /// The next two bytes, big-endian.
    pub fn word(&mut self) -> usize {
        usize::from(self.byte()) << 8 | usize::from(self.byte())
    }

    /// The next `len` bytes, or fewer if the input ends.
    pub fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (bytes, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        bytes
    }
}

/// The APIs that an input chooses from.
pub const APIS: [Api; 4] = [Api::Messages, Api::ChatCompletions, Api::Responses, Api::GenerateContent];

/// How a body is cut into chunks.
#[derive(Clone, Copy, Debug)]
pub enum Cut {
    /// After each so many bytes.
    Every(usize),
    /// Once, at this position.
    At(usize),
}

impl Cut {
    /// Reads a cut from three bytes: one for the kind, two for the position.
    pub fn of(input: &mut Input<'_>) -> Self {
        let (how, place) = (input.byte(), input.word());
        if how % 2 == 0 { Self::At(place) } else { Self::Every(1 + place % 64) }
    }

    /// The chunks of `body`, at least one.
    pub fn chunks(self, body: &[u8]) -> Vec<&[u8]> {
        match self {
            Self::At(place) => {
                let (before, after) = body.split_at(place % (body.len() + 1));
                vec![before, after]
            }
            Self::Every(_) if body.is_empty() => vec![body],
            Self::Every(distance) => body.chunks(distance).collect(),
        }
    }
}

/// Whether `serde_json` accepts `bytes`. Only for bytes that are not nested deeply ([`is_shallow`]).
pub fn is_json(bytes: &[u8]) -> bool {
    let raw = |text| serde_json::from_str::<&serde_json::value::RawValue>(text).is_ok();
    std::str::from_utf8(bytes).is_ok_and(raw)
}

/// Whether no value is nested deeper than `serde_json` reads.
pub fn is_shallow(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() < 120
}

const PROVIDERS: &str = r#""providers": [
    {"type": "anthropic", "key": {"value": "sk-ant-api03-CENTRAL"}MODELS},
    {"type": "openai", "key": {"value": "sk-proj-CENTRAL"}MODELS},
    {"type": "copilot"MODELS},
    {"type": "azure", "base_url": "https://r.openai.azure.com", "key": {"value": "CENTRAL"}MODELS},
    {"type": "vertex", "base_url": "https://eu-aiplatform.googleapis.com/v1", "key": {"value": "ya29.CENTRAL"}MODELS},
    {"type": "gemini", "key": {"value": "AIzaCENTRAL"}MODELS},
    {"type": "anthropic", "name": "runtime", "bedrock": {"region": "eu-west-1", "mode": "runtime"}MODELS}]"#;

/// The configurations that an input chooses from: the defaults, tight limits, model policies, and a minimal record.
pub fn bridges() -> Vec<Rc<Bridge>> {
    let actor = r#""gateway_credentials": {"value_prefixes": ["gw_"]}, "actor": {"header": "x-actor"}"#;
    let tight = r#""limits": {"request_body_bytes": 4000, "reader_bytes": 8, "event_bytes": 200,
        "document_bytes": 600, "tool_calls": 2, "thoughts": 1},
        "record": {"text_bytes": 20, "total_bytes": 50}"#;
    let policy = r#", "models": {"allow": ["claude-*", "gpt-5*"], "deny": ["*-mini"]}"#;
    let little = r#""record": {"prompts": false, "tool_arguments": false, "thoughts": false},
        "publish": ["model"], "prices": [{"models": ["*"], "input": 5.0, "output": 25.0}]"#;
    [("", ""), ("", tight), (policy, ""), ("", little)]
        .map(|(models, more)| {
            let comma = if more.is_empty() { "" } else { "," };
            let providers = PROVIDERS.replace("MODELS", models);
            let config = format!("{{{providers}, {actor}{comma} {more}}}");
            let config =
                Config::parse(config.as_bytes(), &|_| None).unwrap_or_else(|error| panic!("{error}"));
            Rc::new(Bridge::new(config))
        })
        .into()
}
