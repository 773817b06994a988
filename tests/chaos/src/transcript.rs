//! Reads the transcripts below `tests/transcripts`: a request, the provider's response, and the expected record.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::Arc;

/// An API that transcripts use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Messages,
    ChatCompletions,
    Responses,
}

/// How the exchange of a transcript ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ends {
    Complete,
    Reset,
    ClientGone,
}

/// The transcript in one folder.
#[derive(Clone, Debug)]
pub(crate) struct Transcript {
    /// The API's and the folder's name: `api/folder`.
    pub(crate) name: String,
    pub(crate) api: Api,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) request: Vec<u8>,
    /// The request as the provider gets it.
    pub(crate) forwarded: Vec<u8>,
    pub(crate) status: u16,
    pub(crate) answer_headers: Vec<(String, String)>,
    pub(crate) answer: Vec<u8>,
    /// The answer as the client gets it.
    pub(crate) delivered: Vec<u8>,
    pub(crate) record: Value,
    pub(crate) ends: Ends,
}

impl Api {
    /// The name of the API's folder, and of the API in records.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::ChatCompletions => "chat_completions",
            Self::Responses => "responses",
        }
    }

    /// The API of that name.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        [Self::Messages, Self::ChatCompletions, Self::Responses].into_iter().find(|api| api.name() == name)
    }
}

impl Transcript {
    /// Reads every transcript of these APIs and of the shipped providers, ordered by name.
    ///
    /// # Errors
    /// The first file that cannot be read or is invalid.
    pub(crate) fn all(folder: &Path, apis: &[Api]) -> Result<Vec<Arc<Self>>, String> {
        let mut found = Vec::new();
        for api in apis {
            let listing = folder.join(api.name());
            let entries =
                fs::read_dir(&listing).map_err(|error| format!("{}: {error}", listing.display()))?;
            let mut folders: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            folders.sort();
            for each in folders {
                let transcript =
                    Self::load(&each, *api).map_err(|error| format!("{}: {error}", each.display()))?;
                // The shipped configuration has no other providers.
                if matches!(transcript.recorded("/provider/name"), Some("anthropic" | "openai" | "copilot")) {
                    found.push(Arc::new(transcript));
                }
            }
        }
        Ok(found)
    }

    fn load(folder: &Path, api: Api) -> Result<Self, String> {
        let read = |name: &str| fs::read(folder.join(name)).map_err(|error| format!("{name}: {error}"));
        let json = |name: &str| {
            serde_json::from_slice::<Value>(&read(name)?).map_err(|error| format!("{name}: {error}"))
        };
        let (first, headers) = head(&read("request.http")?)?;
        let (status_line, answer_headers) = head(&read("response.http")?)?;
        let (request, answer) = (read("request.json")?, read("response.body")?);
        let word =
            |line: &str| line.split(' ').nth(1).map(str::to_owned).ok_or("a head without its first line");
        let ends = match json("transcript.json")?.get("ends").and_then(Value::as_str) {
            Some("complete") => Ends::Complete,
            Some("reset") => Ends::Reset,
            Some("client_gone") => Ends::ClientGone,
            other => return Err(format!("ends: {other:?}")),
        };
        Ok(Self {
            name: format!("{}/{}", api.name(), folder.file_name().unwrap_or_default().to_string_lossy()),
            api,
            target: word(&first)?,
            headers,
            forwarded: read("upstream.json").unwrap_or_else(|_| request.clone()),
            request,
            status: word(&status_line)?.parse().map_err(|error| format!("status: {error}"))?,
            answer_headers,
            delivered: read("client.body").unwrap_or_else(|_| answer.clone()),
            answer,
            record: json("record.json")?,
            ends,
        })
    }

    /// Whether the answer is an event stream.
    pub(crate) fn is_streamed(&self) -> bool {
        let content_type = self.answer_headers.iter().find(|(name, _)| name == "content-type");
        match content_type {
            Some((_, value)) => value.starts_with("text/event-stream"),
            None => self.record.get("streaming") == Some(&Value::Bool(true)),
        }
    }

    /// The text member of the expected record at this JSON pointer.
    pub(crate) fn recorded(&self, pointer: &str) -> Option<&str> {
        self.record.pointer(pointer).and_then(Value::as_str)
    }
}

/// Splits a head into its first line and its headers, names in lower case.
fn head(bytes: &[u8]) -> Result<(String, Vec<(String, String)>), String> {
    let text = String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string())?;
    let mut lines = text.lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let headers = lines.filter_map(|line| line.split_once(':'));
    Ok((first, headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect()))
}
