//! Whole exchanges without a host: everything that the filter computes between two calls to it, record included. The
//! headers begin as the SDK hands them over, and their packing is counted. Not counted is what the SDK does: it takes two
//! blocks of memory for each header.

use ai_bridge::bridge::Bridge;
use ai_bridge::config::Config;
use ai_bridge::exchange::Exchange;
use ai_bridge::headers::Headers;
use ai_bridge::step::{Effect, Ending, RequestHead, ResponseHead, Step};
use core::time::Duration;
use std::rc::Rc;

/// A configuration with three providers and the usual members.
const CONFIGURATION: &str = r#"{
    "providers": [
        {"type": "openai"},
        {"type": "anthropic", "key": {"env": "ANTHROPIC_API_KEY"}, "byok_cluster": "anthropic-byok"},
        {"type": "gemini", "key": {"value": "central"}}
    ],
    "gateway_credentials": {"value_prefixes": ["gw_"]}
}"#;

/// A request and the head of its answer.
#[derive(Debug)]
pub(crate) struct Play {
    bridge: Rc<Bridge>,
    request: Vec<(String, Vec<u8>)>,
    response: Vec<(String, Vec<u8>)>,
    /// The least number of single values (the record included) and of measurements.
    leaves: (usize, usize),
}

/// The numbers of effects, by kind.
#[derive(Debug, Default)]
struct Done {
    edits: usize,
    published: usize,
    measured: usize,
}

impl Play {
    /// A bridged request; `content_type`: the response's.
    pub(crate) fn recorded(content_type: &str) -> Option<Self> {
        Self::new("POST", "/anthropic/v1/messages", content_type, (14, 4))
    }

    /// A bridged request whose path names the model.
    pub(crate) fn with_model_in_path() -> Option<Self> {
        Self::new("POST", "/gemini/v1beta/models/gemini-3-pro:generateContent", "application/json", (14, 4))
    }

    /// A passthrough request.
    pub(crate) fn passed() -> Option<Self> {
        Self::new("GET", "/anthropic/v1/models", "application/json", (0, 1))
    }

    fn new(method: &str, path: &str, content_type: &str, leaves: (usize, usize)) -> Option<Self> {
        let key = |_: &str| Some("sk-ant-api03-0123456789".to_owned());
        let config = Config::parse(CONFIGURATION.as_bytes(), &key).ok()?;
        let request = headers(&[
            (":authority", "127.0.0.1:10000"),
            (":path", path),
            (":method", method),
            (":scheme", "http"),
            ("accept", "*/*"),
            ("accept-encoding", "gzip, deflate"),
            ("user-agent", "claude-cli/2.0.14 (external, cli)"),
            ("content-type", "application/json"),
            ("authorization", "Bearer gw_bench"),
            ("anthropic-version", "2023-06-01"),
            ("x-forwarded-proto", "http"),
            ("x-request-id", "0e0a6b4e-1b8e-4b8e-9c5e-1b8e4b8e9c5e"),
        ]);
        let response = headers(&[
            (":status", "200"),
            ("content-type", content_type),
            ("x-envoy-upstream-service-time", "1"),
            ("request-id", "req_011CSHoEeqs5C35K2UUqR7Fy"),
        ]);
        Some(Self { bridge: Rc::new(Bridge::new(config)), request, response, leaves })
    }

    /// Runs the exchange once with this body (empty: none) and this response. Returns whether it had the expected effects.
    pub(crate) fn run(&self, body: &[u8], answer: &[Vec<u8>]) -> bool {
        let mut now = Duration::from_millis(1_795_411_980_042);
        let mut exchange = Exchange::new(Rc::clone(&self.bridge), 0x0123_4567_89ab_cdef_0123);
        let mut done = Done::default();
        let headers = Headers::pack(&self.request);
        let head = RequestHead { headers, actor_property: None, end: body.is_empty() };
        done.take(exchange.request_headers(&head, || now));
        if exchange.reads_request() {
            done.take(exchange.request_body(body, true));
        }
        now += Duration::from_millis(700);
        let headers = Headers::pack(&self.response);
        let head = ResponseHead { headers, code_details: None, end: false };
        done.take(exchange.response_headers(&head, || now));
        for chunk in answer {
            if exchange.reads_response() {
                done.take(exchange.response_body(chunk, false, || now));
            }
        }
        done.take(exchange.response_body(b"", true, || now));
        done.take(exchange.finish(&Ending { code_details: None, now, wall: now }));
        let (published, measured) = self.leaves;
        done.edits == 1 && done.published >= published && done.measured >= measured
    }
}

impl Done {
    fn take(&mut self, step: Step) {
        for effect in step.effects {
            match effect {
                Effect::EditRequestHeaders(_) => self.edits += 1,
                Effect::Publish { .. } => self.published += 1,
                Effect::Measure(_) => self.measured += 1,
                Effect::EditRequestTrailers(_)
                | Effect::EditResponseHeaders(_)
                | Effect::ReplaceRequestChunk(_)
                | Effect::ReplaceResponseChunk(_)
                | Effect::Reply(_)
                | Effect::Reset => {}
            }
        }
    }
}

fn headers(pairs: &[(&str, &str)]) -> Vec<(String, Vec<u8>)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect()
}
