//! Transcripts: folders below `tests/transcripts` with a request, the upstream's answer and the record that must come
//! out (see the README there).

use crate::world::{CONFIGURATION, World, bridge};
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

/// One folder.
pub(crate) struct Transcript {
    pub(crate) name: String,
    request_head: Headers,
    pub(crate) request: Vec<u8>,
    response_head: Headers,
    pub(crate) response: Vec<u8>,
    /// What the upstream gets.
    pub(crate) upstream: Vec<u8>,
    /// What the client gets.
    pub(crate) client: Vec<u8>,
    record: Value,
    ends: String,
}

/// Every transcript of `api`, in order of name.
pub(crate) fn all(api: &str) -> Vec<Transcript> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(api);
    let mut folders: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders.iter().map(|folder| Transcript::load(folder)).collect()
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
    pub(crate) fn is_streamed(&self) -> bool {
        self.response_head.text("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"))
    }

    /// The same with other line ends in the stream.
    pub(crate) fn with_line_ends(mut self, line_end: &str) -> Self {
        let convert = |body: &[u8]| String::from_utf8_lossy(body).replace('\n', line_end).into_bytes();
        if self.is_streamed() {
            self.response = convert(&self.response);
            self.client = convert(&self.client);
        }
        self
    }

    /// Plays it with these pieces of request and response and checks everything that must come out.
    pub(crate) fn play(&self, request: &[&[u8]], response: &[&[u8]]) {
        if let Err((difference, record)) = self.outcome(request, response) {
            panic!("{}: {difference}\nthe record: {record:#}", self.name);
        }
    }

    /// What differs when it is played with these pieces, and the record.
    pub(crate) fn outcome(&self, request: &[&[u8]], response: &[&[u8]]) -> Result<(), (String, Value)> {
        let mut world = BRIDGE.with(World::new);
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
        let record = world.record();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let bytes = [
            ("upstream", &world.upstream_body, &self.upstream),
            ("client", &world.client_body, &self.client),
        ];
        for (who, got, wanted) in bytes {
            if got != wanted {
                let difference =
                    format!("what the {who} got: wanted {:?}, found {:?}", text(wanted), text(got));
                return Err((difference, record));
            }
        }
        matches(&self.record, &record, "").map_err(|difference| (difference, record))
    }
}

/// One folder of `refused`: a request and the gateway's own reply.
pub(crate) struct Refused {
    name: String,
    head: Headers,
    pub(crate) request: Vec<u8>,
    reply: Value,
    record: Value,
}

impl Refused {
    /// All of them, in order of name.
    pub(crate) fn all() -> Vec<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/refused");
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

    /// Plays it with these pieces of the request and checks reply and record.
    pub(crate) fn play(&self, request: &[&[u8]]) {
        let mut world = BRIDGE.with(World::new);
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

/// Only members that are given count; `null` means absent, `[]` absent or empty; `arguments` and `provider_usage` are
/// whole.
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

/// Lines of a head as they stand in a file.
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
