//! Transcripts: folders below `tests/transcripts` with a request, the upstream's response and the record that has to come
//! out (see the README there).

use crate::configuration::{CONFIGURATION, bridge};
use crate::gateway::World;
use ai_bridge::bridge::Bridge;
use ai_bridge::headers::Headers;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;

thread_local! {
    /// Thousands of plays share one.
    static BRIDGE: Rc<Bridge> = bridge(CONFIGURATION);
}

/// The APIs that have transcripts: folders of `tests/transcripts`.
pub const APIS: [&str; 4] = ["messages", "chat_completions", "responses", "generate_content"];

/// One folder.
#[derive(Debug)]
pub struct Transcript {
    /// The folder's name.
    /// The folder, as `api/name`.
    pub name: String,
    request_head: Headers,
    /// The request's body, as the client sends it.
    pub request: Vec<u8>,
    response_head: Headers,
    /// The response's body, as the upstream sends it.
    pub response: Vec<u8>,
    /// What the upstream gets.
    pub upstream: Vec<u8>,
    /// What the client gets.
    pub client: Vec<u8>,
    record: Value,
    ends: String,
}

/// Every transcript of `api`, in order of name.
pub fn all(api: &str) -> Vec<Transcript> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../transcripts").join(api);
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.iter().map(|folder| Transcript::load(folder)).collect()
}

/// What came out of one play.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The request's body that the upstream got.
    pub upstream: Vec<u8>,
    /// The response's body that the client got.
    pub client: Vec<u8>,
    /// The record, as it was published.
    pub record: String,
}

impl Transcript {
    fn load(folder: &Path) -> Self {
        let read = |name: &str| {
            fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{folder:?}/{name}: {error}"))
        };
        let json = |name: &str| serde_json::from_slice::<Value>(&read(name)).unwrap();
        let (request, response) = (read("request.json"), read("response.body"));
        Self {
            name: folder.file_name().unwrap().to_string_lossy().into_owned(),
            request_head: parse_head(&read("request.http")),
            response_head: parse_head(&read("response.http")),
            upstream: fs::read(folder.join("upstream.json")).unwrap_or_else(|_| request.clone()),
            client: fs::read(folder.join("client.body")).unwrap_or_else(|_| response.clone()),
            request,
            response,
            record: json("record.json"),
            ends: json("transcript.json")["ends"].as_str().unwrap().to_owned(),
        }
    }

    /// Whether the answer is an event stream.
    pub fn is_streamed(&self) -> bool {
        self.response_head.text("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"))
    }

    /// The same transcript with other line ends in its event stream.
    pub fn with_line_ends(mut self, line_end: &str) -> Self {
        let convert = |body: &[u8]| String::from_utf8_lossy(body).replace('\n', line_end).into_bytes();
        if self.is_streamed() {
            self.response = convert(&self.response);
            self.client = convert(&self.client);
        }
        self
    }

    /// Plays it with these chunks of request and response. No time passes, so equal outcomes have equal records.
    pub fn outcome(&self, request: &[&[u8]], response: &[&[u8]]) -> Outcome {
        let mut world = BRIDGE.with(World::timeless);
        world.request(self.request_head.clone(), false);
        for (at, piece) in request.iter().enumerate() {
            world.upload(piece, at + 1 == request.len());
        }
        world.answer(self.response_head.clone(), false);
        for (at, piece) in response.iter().enumerate() {
            world.download(piece, at + 1 == response.len() && self.ends == "complete");
        }
        world.finish(match self.ends.as_str() {
            "complete" => "via_upstream",
            "reset" => "upstream_reset_after_response_started{remote_reset}",
            "client_gone" => "downstream_remote_disconnect",
            other => panic!("{other}"),
        });
        assert_eq!(world.records, 1, "{}: records", self.name);
        let record = world.published.remove("ai_bridge_record").unwrap_or_default();
        Outcome { upstream: world.upstream_body, client: world.client_body, record }
    }

    /// Plays it in one chunk each and checks the outcome against the folder's files.
    pub fn check(&self) -> Outcome {
        let outcome = self.outcome(&[&self.request], &[&self.response]);
        if let Some(difference) = self.difference(&outcome) {
            panic!("{}: {difference}\nthe record: {}", self.name, outcome.record);
        }
        outcome
    }

    /// The first difference of an outcome from the folder's files.
    pub fn difference(&self, outcome: &Outcome) -> Option<String> {
        let bytes =
            [("upstream", &outcome.upstream, &self.upstream), ("client", &outcome.client, &self.client)];
        for (who, got, wanted) in bytes {
            if got != wanted {
                let [wanted, got] = [wanted, got].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
                return Some(format!("what the {who} got: wanted {wanted:?}, found {got:?}"));
            }
        }
        let record: Value = serde_json::from_str(&outcome.record).expect("the record is JSON");
        matches(&self.record, &record, "").err()
    }
}

/// Compares a record with a folder's `record.json`: members that the file leaves out are not compared; `null` means
/// absent, `[]` absent or empty; `arguments` and `provider_usage` are compared whole.
fn matches(wanted: &Value, found: &Value, at: &str) -> Result<(), String> {
    let wrong = || Err(format!("{at}: wanted {wanted}, found {found}"));
    let whole = at.ends_with(".arguments") || at.contains(".provider_usage");
    match (wanted, found) {
        (Value::Null, Value::Null) => Ok(()),
        (Value::Array(wanted), Value::Null) if wanted.is_empty() => Ok(()),
        (Value::Object(_), Value::Object(_)) if whole => {
            if wanted == found {
                Ok(())
            } else {
                wrong()
            }
        }
        (Value::Object(members), Value::Object(_)) => members
            .iter()
            .try_for_each(|(name, wanted)| matches(wanted, &found[name], &format!("{at}.{name}"))),
        (Value::Array(wanted), Value::Array(found)) if wanted.len() == found.len() => wanted
            .iter()
            .zip(found)
            .enumerate()
            .try_for_each(|(n, (w, f))| matches(w, f, &format!("{at}[{n}]"))),
        _ if wanted == found => Ok(()),
        _ => wrong(),
    }
}

/// The headers in a `.http` file.
fn parse_head(bytes: &[u8]) -> Headers {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    let mut lines = text.lines();
    let mut first = lines.next().unwrap().split(' ');
    let mut pairs: Vec<(String, Vec<u8>)> = match first.next().unwrap() {
        "HTTP/1.1" => vec![(":status".to_owned(), first.next().unwrap().into())],
        method => vec![
            (":method".to_owned(), method.into()),
            (":path".to_owned(), first.next().unwrap().into()),
            (":scheme".to_owned(), b"http".to_vec()),
        ],
    };
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        let name = name.to_ascii_lowercase();
        let name = if name == "host" { ":authority".to_owned() } else { name };
        pairs.push((name, value.trim().into()));
    }
    Headers::new(pairs)
}

/// One folder of `refused`: a request and the gateway's own reply.
#[derive(Debug)]
pub struct Refused {
    /// The folder, as `api/name`.
    pub name: String,
    head: Headers,
    /// The request's body.
    pub request: Vec<u8>,
    reply: Value,
    record: Value,
}

impl Refused {
    /// All of them, in order of name.
    pub fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../transcripts/refused");
        let entries = |folder: &Path| -> Vec<PathBuf> {
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
        };
        let mut folders: Vec<PathBuf> = entries(&root).iter().flat_map(|api| entries(api)).collect();
        folders.sort();
        folders.iter().map(|folder| Self::load(folder)).collect()
    }

    fn load(folder: &Path) -> Self {
        let read = |name: &str| fs::read(folder.join(name)).unwrap();
        let json = |name: &str| serde_json::from_slice::<Value>(&read(name)).unwrap();
        Self {
            name: folder.display().to_string(),
            head: parse_head(&read("request.http")),
            request: read("request.json"),
            reply: json("reply.json"),
            record: json("record.json"),
        }
    }

    /// Plays it with these chunks of the request and checks reply and record.
    pub fn play(&self, request: &[&[u8]]) {
        let mut world = BRIDGE.with(World::timeless);
        world.request(self.head.clone(), false);
        for (at, piece) in request.iter().enumerate() {
            world.upload(piece, at + 1 == request.len());
        }
        assert!(world.reply.is_some(), "{}: it is not refused", self.name);
        assert!(world.upstream_body.len() < self.request.len(), "{}: the upstream has it whole", self.name);
        let (status, body) = world.replied();
        assert_eq!(self.reply["status"], status, "{}", self.name);
        if let Err(difference) = matches(&self.reply["body"], &body, "") {
            panic!("{}: {difference}\nthe reply: {body:#}", self.name);
        }
        for (name, value) in self.reply["headers"].as_object().unwrap() {
            assert_eq!(world.reply_header(name), value.as_str(), "{}: {name}", self.name);
        }
        let message = body["error"]["message"].as_str().unwrap();
        for wanted in self.reply["message_has"].as_array().unwrap() {
            let wanted = wanted.as_str().unwrap();
            assert!(message.contains(wanted), "{}: {message} does not name {wanted}", self.name);
        }
        world.finish("");
        let record = world.record();
        if let Err(difference) = matches(&self.record, &record, "") {
            panic!("{}: {difference}\nthe record: {record:#}", self.name);
        }
    }
}
