//! A whole stream: callbacks in Envoy's order, and with some left out, repeated or swapped. The exchange never panics,
//! writes at most one record, which is one line of valid JSON, and changes only the bytes that a rule allows it to.
//!
//! Input: eleven bytes that choose configuration, route, headers, status, content type, code details (two) and the order
//! of the callbacks (four); three bytes each for the cuts of request and response; two for the length of the request; the
//! request; the response.
#![no_main]

use ai_bridge::bridge::Bridge;
use ai_bridge::exchange::Exchange;
use ai_bridge::headers::Headers;
use ai_bridge::sse::Completeness;
use ai_bridge::step::{Effect, Ending, Flow, RequestHead, ResponseHead, Step};
use ai_bridge_fuzz::{Cut, Input, bridges, is_json, is_shallow};
use core::time::Duration;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use std::rc::Rc;
use world::{headers, splice, sse};

thread_local! {
    static BRIDGES: Vec<Rc<Bridge>> = bridges();
}

/// Of [`ROUTES`], the first ones.
const BRIDGED: usize = 14;

const ROUTES: [(&str, &str); 19] = [
    ("POST", "/anthropic/v1/messages"),
    ("POST", "/openai/v1/chat/completions"),
    ("POST", "/openai/v1/responses"),
    ("POST", "/copilot/chat/completions"),
    ("POST", "/copilot/v1/messages"),
    ("POST", "/copilot/responses"),
    ("POST", "/openai/v1/responses/compact"),
    ("POST", "/azure/openai/deployments/gpt-5.5/chat/completions"),
    ("POST", "/azure/anthropic/v1/messages"),
    ("POST", "/vertex/projects/p/locations/l/publishers/anthropic/models/claude-opus-4-8:streamRawPredict"),
    ("POST", "/gemini/v1beta/models/gemini-3-pro:generateContent"),
    ("POST", "/gemini/v1beta/models/gemini-3-pro:streamGenerateContent"),
    ("POST", "/runtime/model/anthropic.claude-opus-4-8/invoke"),
    ("POST", "/runtime/model/anthropic.claude-opus-4-8/invoke-with-response-stream"),
    ("GET", "/openai/v1/models"),
    ("GET", "/anthropic/v1/messages"),
    ("POST", "/elsewhere"),
    ("POST", "/openai/v1/../chat"),
    ("DELETE", "/openai/v1/responses/resp_1"),
];

const DETAILS: [&str; 9] = [
    "via_upstream",
    "",
    "no_healthy_upstream",
    "upstream_reset_after_response_started{remote_reset}",
    "downstream_remote_disconnect",
    "downstream_local_disconnect",
    "request_payload_too_large",
    "rbac_access_denied",
    "http1.codec_error",
];

const KINDS: [Option<&str>; 6] = [
    Some("text/event-stream; charset=utf-8"),
    Some("application/json"),
    None,
    Some("text/html"),
    Some("Application/Problem+JSON ;x"),
    Some("text/event-stream"),
];

/// A callback of the host.
#[derive(Clone, Copy)]
enum Call<'a> {
    Head,
    Upload(&'a [u8], bool),
    RequestTrailers,
    Answer(bool),
    Download(&'a [u8], bool),
    ResponseTrailers,
    Finish,
}

/// One stream with its input and output.
struct Stream {
    exchange: Exchange,
    now: Duration,
    records: Vec<String>,
    replies: usize,
    reset: bool,
    /// The uploaded bytes that passed, the bytes that went upstream for them, and whether the end of the request passed.
    sent: Vec<u8>,
    upstream: Vec<u8>,
    upload_ended: bool,
    /// The same for the response.
    received: Vec<u8>,
    client: Vec<u8>,
    download_ended: bool,
    edited: (bool, bool),
}

impl Stream {
    /// Carries out a step. Returns the bytes that replace the chunk of the request and of the response, and whether the
    /// stream continues.
    fn carry_out(&mut self, step: Step) -> (Option<Vec<u8>>, Option<Vec<u8>>, bool) {
        let (mut request, mut response) = (None, None);
        for effect in step.effects {
            match effect {
                Effect::ReplaceRequestChunk(bytes) => assert!(request.replace(bytes).is_none()),
                Effect::ReplaceResponseChunk(bytes) => assert!(response.replace(bytes).is_none()),
                Effect::Reply(reply) => {
                    self.replies += 1;
                    assert!((400..600).contains(&reply.status));
                    assert!(serde_json::from_str::<Value>(&reply.body).is_ok(), "{}", reply.body);
                    assert_eq!(step.flow, Flow::Stop);
                }
                Effect::Reset => self.reset = true,
                Effect::Publish { name, value } if name == "ai_bridge_record" => {
                    self.records.push(String::from_utf8(value.into_owned()).expect("it is text"));
                }
                Effect::Publish { name, value } => {
                    assert!(value.len() <= 256, "{name} has {} bytes", value.len());
                    let value = std::str::from_utf8(&value).expect("it is text");
                    assert!(
                        !value.chars().any(|c| c.is_control() || "\u{2028}\u{2029}".contains(c)),
                        "{name}"
                    );
                }
                Effect::EditRequestHeaders(_)
                | Effect::EditRequestTrailers(_)
                | Effect::EditResponseHeaders(_)
                | Effect::Measure(_) => {}
            }
        }
        self.edited.0 |= request.is_some();
        self.edited.1 |= response.is_some();
        (request, response, step.flow == Flow::Continue)
    }

    fn call(&mut self, call: Call<'_>, heads: &Heads) {
        self.now += Duration::from_millis(3);
        match call {
            Call::Head => {
                let head = RequestHead {
                    headers: heads.request.clone(),
                    actor_property: None,
                    end: false,
                };
                let step = self.exchange.request_headers(&head, || self.now);
                let (request, response, _) = self.carry_out(step);
                assert!(request.is_none() && response.is_none());
            }
            Call::Upload(chunk, end) => {
                let step = self.exchange.request_body(chunk, end);
                let (request, response, passes) = self.carry_out(step);
                assert!(response.is_none());
                if passes {
                    self.sent.extend_from_slice(chunk);
                    self.upstream.extend(request.unwrap_or_else(|| chunk.to_vec()));
                    self.upload_ended |= end;
                }
            }
            Call::RequestTrailers => {
                let step = self.exchange.request_trailers(&heads.trailers);
                let (request, response, passes) = self.carry_out(step);
                assert!(request.is_none() && response.is_none());
                self.upload_ended |= passes;
            }
            Call::Answer(end) => {
                let head = ResponseHead {
                    headers: heads.response.clone(),
                    code_details: heads.details.map(str::to_owned),
                    end,
                };
                let step = self.exchange.response_headers(&head, || self.now);
                let (request, response, _) = self.carry_out(step);
                assert!(request.is_none() && response.is_none());
            }
            Call::Download(chunk, end) => {
                let step = self.exchange.response_body(chunk, end, || self.now);
                let (request, response, passes) = self.carry_out(step);
                assert!(request.is_none() && passes);
                self.received.extend_from_slice(chunk);
                self.client.extend(response.unwrap_or_else(|| chunk.to_vec()));
                self.download_ended |= end;
            }
            Call::ResponseTrailers => {
                let step = self.exchange.response_trailers(|| self.now);
                let (request, response, passes) = self.carry_out(step);
                assert!(request.is_none() && response.is_none() && passes);
            }
            Call::Finish => {
                let ending = Ending { code_details: heads.ending.map(str::to_owned), now: self.now, wall: self.now };
                let step = self.exchange.finish(&ending);
                let (request, response, _) = self.carry_out(step);
                assert!(request.is_none() && response.is_none() && self.exchange.is_done());
            }
        }
    }
}

/// The headers, trailers and properties of the callbacks.
struct Heads {
    request: Headers,
    trailers: Headers,
    response: Headers,
    details: Option<&'static str>,
    ending: Option<&'static str>,
}

fn request_head((method, path): (&str, &str), flags: u8, length: &str) -> Headers {
    let mut pairs =
        vec![(":method", method), (":path", path), (":authority", "gateway"), (":scheme", "http")];
    let optional = [
        ("content-length", length),
        ("x-actor", "ann\u{2028}"),
        ("authorization", "Bearer gw_ann"),
        ("user-agent", "claude-cli/2.0"),
        ("x-api-key", "sk-ant-api03-own"),
        ("content-encoding", "zstd"),
    ];
    let wanted = |at: usize| match at {
        // These headers refuse a request, so they need more than one flag.
        4 | 5 => flags & 0xe0 == 0xe0 || flags & 0xd0 == 0xd0,
        _ => flags >> at & 1 != 0,
    };
    pairs.extend(optional.iter().enumerate().filter(|(at, _)| wanted(*at)).map(|(_, pair)| *pair));
    if path.starts_with("/copilot") {
        pairs.push(("authorization", "Bearer gho_theirs"));
    }
    headers(&pairs)
}

/// Whether this is the event that states only the usage, according to `serde_json`. `None`: it cannot decide.
fn is_usage_event(data: &[u8]) -> Option<bool> {
    let said = serde_json::from_slice::<Value>(data).ok()?;
    let repeated = |name: &str| {
        // Escapes may hide a name, and of a repeated name `serde_json` keeps only the last member.
        data.contains(&b'\\') || data.windows(name.len()).filter(|part| *part == name.as_bytes()).count() > 1
    };
    if repeated("\"choices\"") || repeated("\"usage\"") {
        return None;
    }
    let is_some = |name: &str| said.get(name).is_some_and(|value| !value.is_null());
    let empty = !is_some("choices") || said["choices"].as_array().is_some_and(Vec::is_empty);
    Some(empty && is_some("usage") && !is_some("error"))
}

/// The lines within a range of a stream, with their ends.
fn lines(stream: &[u8], range: core::ops::Range<usize>) -> Vec<core::ops::Range<usize>> {
    let mut lines = Vec::new();
    let mut start = range.start;
    for at in range.clone() {
        let ends = stream[at] == b'\n' || stream[at] == b'\r' && stream.get(at + 1) != Some(&b'\n');
        if ends || at + 1 == range.end {
            lines.push(start..at + 1);
            start = at + 1;
        }
    }
    lines
}

/// Asserts that the client got all bytes but the events that state only the usage, with the comments in them.
fn check_cut(received: &[u8], client: &[u8], event_bytes: usize) {
    if let Some(b'{' | b'[') = received.iter().find(|byte| !matches!(byte, b'\n' | b'\r')) {
        assert_eq!(client, received, "a document in place of an event stream");
        return;
    }
    let mut rest = client;
    let mut take =
        |range: core::ops::Range<usize>| match received.get(range).map(|part| rest.strip_prefix(part)) {
            Some(Some(after)) => {
                rest = after;
                true
            }
            _ => false,
        };
    let mut from = 0;
    for event in sse::decoded([received], event_bytes) {
        let (start, end) = (event.start as usize, event.end as usize);
        assert!(take(from..start), "what stands before the event at {start} is lost");
        let may_be = match event.completeness {
            Completeness::Complete | Completeness::Unterminated => is_usage_event(&event.data),
            Completeness::Oversized => Some(false),
        };
        // Where `serde_json` cannot decide, both are allowed; the following bytes must match.
        let stays = may_be != Some(true) && take(start..end);
        assert!(stays || may_be != Some(false), "the event at {start} is lost");
        if !stays {
            for line in lines(received, start..end) {
                if received.get(line.start) == Some(&b':') {
                    assert!(take(line), "a comment in the event at {start} is lost");
                }
            }
        }
        from = end;
    }
    assert!(
        take(from..received.len()) && rest.is_empty(),
        "an event is there that should be cut, or the end is lost"
    );
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let choice = usize::from(input.byte()) % 4;
    let bridge = BRIDGES.with(|bridges| Rc::clone(&bridges[choice]));
    let route = input.choose(&ROUTES);
    let flags = input.byte();
    let status = input.choose(&["200", "200", "201", "400", "429", "503", "504", "529", "100", "x"]);
    let kind_choice = input.byte();
    let (details, ending) = (input.choose(&DETAILS), input.choose(&DETAILS));
    let order = [input.byte(), input.byte(), input.byte(), input.byte()];
    let (request_cut, response_cut) = (Cut::of(&mut input), Cut::of(&mut input));
    let length = input.word();
    let request = input.bytes(length);
    let response = input.0;

    // The callbacks in Envoy's order.
    let mut calls = vec![Call::Head];
    let chunks = request_cut.chunks(request);
    let trailers = order[0] & 1 != 0;
    calls.extend(
        chunks.iter().enumerate().map(|(at, chunk)| Call::Upload(chunk, !trailers && at + 1 == chunks.len())),
    );
    if trailers {
        calls.push(Call::RequestTrailers);
    }
    calls.push(Call::Answer(order[0] & 2 != 0));
    let chunks = response_cut.chunks(response);
    let (trailers, breaks_off) = (order[0] & 4 != 0, order[0] & 8 != 0);
    let whole = !trailers && !breaks_off;
    calls.extend(
        chunks.iter().enumerate().map(|(at, chunk)| Call::Download(chunk, whole && at + 1 == chunks.len())),
    );
    if trailers {
        calls.push(Call::ResponseTrailers);
    }
    calls.push(Call::Finish);

    // Changes the order.
    let (at, other) = (usize::from(order[2]) % calls.len(), usize::from(order[3]) % calls.len());
    let in_order = match order[1] % 8 {
        1 => {
            calls.remove(at);
            false
        }
        2 => {
            calls.insert(other, calls[at]);
            false
        }
        3 => {
            calls.swap(at, other);
            false
        }
        4 => {
            calls.truncate(at);
            calls.push(Call::Finish);
            false
        }
        5 => {
            // The response may begin before the request is complete.
            let answer = calls.iter().position(|call| matches!(call, Call::Answer(_))).unwrap_or(0);
            let moved: Vec<_> = calls.drain(answer..calls.len() - 1).collect();
            let at = 1 + at % (answer - 1).max(1);
            calls.splice(at..at, moved);
            false
        }
        _ => true,
    };

    let kind = KINDS[usize::from(kind_choice) % KINDS.len()];
    let mut lines = vec![(":status", status)];
    lines.extend(kind.map(|kind| ("content-type", kind)));
    if kind_choice >= 240 {
        lines.push(("content-encoding", "gzip"));
    }
    if kind_choice & 64 != 0 {
        lines.extend([
            ("content-length", "7"),
            ("x-ratelimit-remaining-tokens", "12"),
            ("x-ratelimit-limit", "100, 100;w=60"),
            ("x-ratelimit-remaining", if kind_choice & 32 == 0 { "0" } else { "12" }),
            ("x-ratelimit-reset", "9"),
        ]);
    }
    let sent: usize =
        calls.iter().map(|call| if let Call::Upload(chunk, _) = call { chunk.len() } else { 0 }).sum();
    let heads = Heads {
        request: request_head(route, flags, &sent.to_string()),
        trailers: headers(&[("x-actor", "bob"), ("x-other", "1")]),
        response: headers(&lines),
        details: (details != "").then_some(details),
        ending: (ending != "").then_some(ending),
    };
    let mut stream = Stream {
        exchange: Exchange::new(Rc::clone(&bridge), 7),
        now: Duration::from_millis(1_795_411_980_000),
        records: Vec::new(),
        replies: 0,
        reset: false,
        sent: Vec::new(),
        upstream: Vec::new(),
        upload_ended: false,
        received: Vec::new(),
        client: Vec::new(),
        download_ended: false,
        edited: (false, false),
    };
    for call in &calls {
        stream.call(*call, &heads);
    }
    stream.call(Call::Finish, &heads);

    assert!(stream.records.len() <= 1, "{} records", stream.records.len());
    assert!(stream.replies <= 1, "{} replies", stream.replies);
    if let Some(record) = stream.records.first() {
        assert!(!record.contains(['\n', '\r']));
        let record: Value = serde_json::from_str(record).expect("the record is JSON");
        assert_eq!(record["version"], 1);
        assert!(record["usage"]["usage_status"].is_string() && record["outcome"].is_string());
    }
    let bridged = route.0 == "POST" && ROUTES[..BRIDGED].contains(&route);
    if in_order {
        assert_eq!(stream.records.len(), usize::from(bridged), "{route:?}");
    }

    let chat = bridged && route.1.ends_with("chat/completions");
    assert!(chat || stream.edited == (false, false), "only Chat Completions is edited");
    if !stream.edited.0 {
        assert_eq!(stream.upstream, stream.sent);
    }
    if !stream.edited.1 {
        assert_eq!(stream.client, stream.received);
    }
    let complete = stream.upload_ended && stream.replies == 0 && !stream.reset;
    if in_order && bridged && complete && details != "no_healthy_upstream" {
        assert!(is_json(&stream.sent) || !is_shallow(&stream.sent), "an invalid request passed");
        if chat {
            assert_eq!(stream.upstream, splice::expected(&stream.sent).0);
        }
    }
    if in_order && stream.edited.1 && stream.download_ended {
        check_cut(&stream.received, &stream.client, bridge.limits.event_bytes);
    }
});
