//! A filter that makes the same host calls as AI Bridge for a short request to Anthropic's Messages API, with constant
//! values. Its cost is that of AI Bridge without its own computations. `tests/envoy/test_host_calls.py` checks that AI
//! Bridge makes these calls.

use core::hint::black_box;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext};
use proxy_wasm::types::{Action, MetricType};

/// The prefix that AI Bridge removes from a path.
const PREFIX: &[u8] = b"/anthropic";
/// A stand-in for a record, as long as one with a question of a kilobyte.
const RECORD: [u8; 1_850] = [b'r'; 1_850];

const AT_THE_START: [(&str, &str); 5] = [
    ("ai_bridge_id", "019aab5c-f02a-7123-8123-456789abcdef"),
    ("ai_bridge_provider", "anthropic"),
    ("ai_bridge_api", "messages"),
    ("ai_bridge_actor", ""),
    ("ai_bridge_session", ""),
];
const AT_THE_END: [(&str, &str); 8] = [
    ("ai_bridge_model", "claude-sonnet-4-5-20250929"),
    ("ai_bridge_outcome", "completed"),
    ("ai_bridge_input_tokens", "25"),
    ("ai_bridge_output_tokens", "15"),
    ("ai_bridge_cache_read_tokens", "0"),
    ("ai_bridge_cache_write_tokens", "0"),
    ("ai_bridge_total_tokens", "40"),
    ("ai_bridge_cost_microusd", "300"),
];

/// The ids of the metrics: counters, and a histogram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metrics {
    counters: [u32; 3],
    duration: u32,
}

impl Metrics {
    pub(crate) fn define() -> Option<Self> {
        let counter = |name| hostcalls::define_metric(MetricType::Counter, name).ok();
        Some(Self {
            counters: [
                counter("bench_requests")?,
                counter("bench_input_tokens")?,
                counter("bench_output_tokens")?,
            ],
            duration: hostcalls::define_metric(MetricType::Histogram, "bench_duration_ms").ok()?,
        })
    }
}

/// Sets what the shipped route and access log read.
#[derive(Debug)]
pub(crate) struct SameCalls {
    metrics: Metrics,
    answered: bool,
}

impl SameCalls {
    pub(crate) const fn new(metrics: Metrics) -> Self {
        Self { metrics, answered: false }
    }

    fn publish(&self, values: &[(&str, &str)]) {
        for (name, value) in values {
            self.set_property(vec![name], Some(value.as_bytes()));
        }
    }
}

impl Context for SameCalls {}

impl HttpContext for SameCalls {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let headers = self.get_http_request_headers_bytes();
        black_box(self.get_current_time());
        self.set_http_request_header("authorization", None);
        let path = headers.iter().find(|(name, _)| name == ":path");
        if let Some(path) = path.and_then(|(_, path)| path.strip_prefix(PREFIX)) {
            self.set_http_request_header_bytes(":path", Some(path));
        }
        self.set_http_request_header(":authority", Some("api.anthropic.com"));
        self.set_http_request_header("x-ai-bridge-cluster", Some("anthropic"));
        self.set_http_request_header("x-api-key", Some("sk-ant-bench-0123456789"));
        self.publish(&AT_THE_START);
        Action::Continue
    }

    fn on_http_request_body(&mut self, size: usize, _: bool) -> Action {
        black_box(self.get_http_request_body(0, size));
        Action::Continue
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        black_box(self.get_http_response_headers_bytes());
        self.set_http_response_header("x-ai-bridge-id", Some("019a20e3-6d9c-7db0-881a-7e6c051c7f28"));
        Action::Continue
    }

    fn on_http_response_body(&mut self, size: usize, _: bool) -> Action {
        if size > 0 {
            black_box(self.get_http_response_body(0, size));
        }
        if !core::mem::replace(&mut self.answered, true) {
            self.publish(&AT_THE_END);
        }
        Action::Continue
    }

    fn on_log(&mut self) {
        black_box(self.get_current_time());
        for id in self.metrics.counters {
            let _ = hostcalls::increment_metric(id, 1);
        }
        let _ = hostcalls::record_metric(self.metrics.duration, 1);
        self.set_property(vec!["ai_bridge_record"], Some(&RECORD));
    }
}
