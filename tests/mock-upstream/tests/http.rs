//! Tests the program as a process on a free port, over a plain TCP connection.
#![expect(
    clippy::unwrap_used,
    clippy::string_slice,
    reason = "a panic here is a failed test; clippy.toml only knows functions marked as tests"
)]

use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running mock, ended when it is dropped.
struct Mock {
    process: Child,
    address: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Mock {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_mock-upstream"))
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut address).unwrap();
        Self { process, address: address.trim().to_owned() }
    }

    fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn ask(&self, request: &str) -> Answer {
        let mut text = String::new();
        self.send(request).read_to_string(&mut text).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let body =
            if head.contains("transfer-encoding: chunked") { unchunked(body) } else { body.to_owned() };
        Answer { status: head[9..12].parse().unwrap(), head: head.to_owned(), body }
    }

    fn get(&self, path: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\nhost: mock\r\nconnection: close\r\n\r\n"))
    }

    fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(&post(path, &body.to_string()))
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn post(path: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nhost: mock\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        whole.push_str(&rest[..size]);
        body = rest[size..].strip_prefix("\r\n").unwrap();
    }
    whole
}

fn chat(model: &str) -> Value {
    json!({"model": model, "stream": true, "messages": [{"role": "user", "content": "hi there"}]})
}

/// The data of all events.
fn data(stream: &str) -> Vec<&str> {
    stream.lines().filter_map(|line| line.strip_prefix("data: ")).collect()
}

#[test]
fn a_document_repeats_the_prompt_and_states_its_usage() {
    let mock = Mock::start();
    let body = json!({"model": "m", "max_tokens": 99, "messages": [{"role": "user", "content": "hi there"}]});
    let answer = mock.post("/base/v1/messages?beta=true", &body);
    let message: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!((answer.status, &message["content"][0]["text"]), (200, &json!("You said: hi there")));
    assert_eq!(
        (&message["usage"]["input_tokens"], &message["usage"]["output_tokens"]),
        (&json!(2), &json!(4))
    );
    assert!(answer.head.contains("\r\nrequest-id: req_01") && answer.head.contains("content-length: "));
}

#[test]
fn a_stream_of_each_api_is_complete() {
    let mock = Mock::start();
    let answer = mock.post("/v1/chat/completions", &chat("m"));
    assert!(answer.head.contains("content-type: text/event-stream; charset=utf-8"));
    assert_eq!(data(&answer.body).last(), Some(&"[DONE]"));
    let answer = mock.post("/v1/messages", &chat("m"));
    assert!(data(&answer.body).last().unwrap().contains("message_stop"));
    let answer = mock.post("/v1/responses", &json!({"model": "m", "stream": true, "input": "hi there"}));
    let numbers: Vec<u64> = data(&answer.body)
        .iter()
        .map(|event| serde_json::from_str::<Value>(event).unwrap()["sequence_number"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
    let last: Value = serde_json::from_str(data(&answer.body).last().unwrap()).unwrap();
    assert_eq!(last["response"]["output"][0]["content"][0]["text"], "You said: hi there");
}

#[test]
fn usage_ends_a_chat_stream_only_where_it_is_asked_for() {
    let mock = Mock::start();
    assert!(!mock.post("/chat/completions", &chat("m")).body.contains("usage"));
    let mut body = chat("m");
    body["stream_options"] = json!({"include_usage": true});
    let answer = mock.post("/chat/completions", &body);
    let events = data(&answer.body);
    let usage: Value = serde_json::from_str(events[events.len() - 2]).unwrap();
    assert_eq!((&usage["choices"], &usage["usage"]["total_tokens"]), (&json!([]), &json!(6)));
}

#[test]
fn a_model_can_ask_for_many_events() {
    let mock = Mock::start();
    for (path, delta) in [("/v1/messages", "text_delta"), ("/chat/completions", "\"content\":\"word ")] {
        let answer = mock.post(path, &chat("mock-events-1000"));
        assert_eq!(data(&answer.body).iter().filter(|event| event.contains(delta)).count(), 1000);
    }
}

#[test]
fn a_body_need_not_be_read() {
    let mock = Mock::start();
    let request =
        post("/v1/messages", "not JSON").replacen("\r\n", "\r\nx-mock-unread: mock-bytes-2000\r\n", 1);
    let answer = mock.ask(&request);
    assert_eq!(answer.status, 200);
    let document: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(document["model"], "mock-bytes-2000");
    assert!(answer.body.len() > 1_500, "{}", answer.body);
}

#[test]
fn a_model_can_ask_for_an_error() {
    let mock = Mock::start();
    let answer = mock.post("/v1/messages", &chat("mock-error-429"));
    assert_eq!(answer.status, 429);
    assert!(answer.head.contains("retry-after: 1") && answer.body.contains("rate_limit_error"));
    let answer = mock.post("/v1/messages", &chat("mock-overloaded"));
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("event: error\n") && !answer.body.contains("message_stop"));
}

#[test]
fn a_model_can_ask_for_a_reset_connection() {
    let mock = Mock::start();
    for stream in [true, false] {
        let mut body = chat("mock-cut-3");
        body["stream"] = stream.into();
        let mut received = Vec::new();
        let mut connection = mock.send(&post("/v1/messages", &body.to_string()));
        assert_eq!(connection.read_to_end(&mut received).unwrap_err().kind(), ErrorKind::ConnectionReset);
        let received = String::from_utf8(received).unwrap();
        assert_eq!(received.matches("event: ").count(), if stream { 3 } else { 0 });
        assert!(received.starts_with("HTTP/1.1 200"));
    }
}

#[test]
fn a_model_can_ask_for_silence() {
    let mock = Mock::start();
    let mut connection = mock.send(&post("/v1/messages", &chat("mock-stall").to_string()));
    connection.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut received = Vec::new();
    let silence = connection.read_to_end(&mut received).unwrap_err().kind();
    assert!(matches!(silence, ErrorKind::WouldBlock | ErrorKind::TimedOut));
    assert_eq!(String::from_utf8(received).unwrap().matches("event: ").count(), 1);
}

#[test]
fn an_invalid_request_is_refused_in_the_providers_shape() {
    let mock = Mock::start();
    let answer = mock.ask(&post("/v1/messages", "{"));
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains(r#""type":"invalid_request_error""#) && answer.body.contains("request_id"));
    let answer = mock.get("/v1/files");
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains(r#""param":null"#));
    assert_eq!(mock.get("/v1/chat/completions").status, 405);
}

#[test]
fn small_calls_are_answered() {
    let mock = Mock::start();
    for path in
        ["/healthz", "/_ping", "/api/hello", "/v1/models", "/models/gpt-5.5", "/copilot_internal/user"]
    {
        assert_eq!(mock.get(path).status, 200, "{path}");
    }
    let head = mock.ask("HEAD /anthropic/api/hello HTTP/1.1\r\nhost: mock\r\nconnection: close\r\n\r\n");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    let body = json!({"model": "m", "messages": [{"role": "user", "content": "one two three"}]});
    assert_eq!(mock.post("/v1/messages/count_tokens", &body).body, r#"{"input_tokens":3}"#);
}

#[test]
fn the_healthcheck_reports_a_running_server() {
    let mock = Mock::start();
    let check = |address: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mock-upstream"));
        command.args(["healthcheck", "--listen", address]).stderr(Stdio::null()).status().unwrap().success()
    };
    assert!(check(&mock.address));
    let address = mock.address.clone();
    drop(mock);
    assert!(!check(&address));
}
