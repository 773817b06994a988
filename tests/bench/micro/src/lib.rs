//! The cost of the readers and of whole exchanges: the same cases, measured in three ways.
//!
//! | | measures | run |
//! |---|---|---|
//! | `benches/readers.rs` | bytes per second natively, where the scanner uses the processor's own vectors | `cargo bench -p micro` |
//! | `src/main.rs` in callgrind | instructions natively, independent of the load: `tests/bench/instructions.txt` | `make instructions` |
//! | `src/plugin.rs` | bytes per second inside Envoy's V8, of the code that ships | `make bench-readers` |
//!
//! It is **not** a test of the readers' results. But a case whose input is not read to its end gives no number.

mod exchange;
mod gemini;
mod inputs;
#[cfg(target_arch = "wasm32")]
mod plugin;

use ai_bridge::api::Api;
use ai_bridge::api::request::RequestBounds;
use ai_bridge::api::response::Format;
use ai_bridge::limits::Limits;
use ai_bridge::record::RecordPolicy;
use ai_bridge::sse::{Decoder, Event, Sink};
use exchange::Play;
use inputs::Deltas;

/// About the size of the chunks in which Envoy passes a body that arrives fast.
const CHUNK_BYTES: usize = 16 << 10;

/// One input for one reader.
#[derive(Debug)]
pub struct Case {
    /// The name in `instructions.txt`: reader/API/kind of input.
    pub name: String,
    /// How many events the input has.
    pub events: u64,
    reader: Reader,
    chunks: Vec<Vec<u8>>,
}

#[derive(Debug)]
enum Reader {
    Request(Api),
    Decoder,
    Response(Api, Format),
    /// `serde_json` over the whole body in memory, keeping nothing: a yardstick for the scanner.
    Yardstick,
    /// A whole exchange: the first chunk is the request, the others are the response. `None`: its configuration was
    /// refused.
    Exchange(Option<Play>),
}

/// Counts the decoder's output.
#[derive(Default)]
struct Tally {
    bytes: usize,
    events: u64,
}

impl Sink for Tally {
    fn data(&mut self, run: &[u8]) {
        self.bytes = self.bytes.saturating_add(run.len());
    }

    fn excess(&mut self, run: &[u8]) {
        self.bytes = self.bytes.saturating_add(run.len());
    }

    fn event(&mut self, _: Event<'_>) {
        self.events = self.events.saturating_add(1);
    }
}

/// All cases, the same in every run.
#[must_use]
pub fn cases() -> Vec<Case> {
    let apis = [Api::Messages, Api::ChatCompletions, Api::Responses];
    let mut cases = Vec::new();
    for (name_of_text, text) in [
        ("plain", inputs::text(1 << 13, None)),
        ("escape-40", inputs::text(1 << 13, Some(40))),
        ("escape-12", inputs::text(1 << 13, Some(12))),
        ("chinese-40", inputs::chinese(1 << 13)),
    ] {
        for (turns, said) in [("results", false), ("prompts", true)] {
            let body = inputs::conversation(&text, said, 1_000_000);
            let name = format!("request/messages/{turns}-{name_of_text}");
            cases.push(Case::of(name, Reader::Request(Api::Messages), &body));
            if !said {
                let whole = vec![body.into_bytes()];
                let name = format!("yardstick/serde_json/{name_of_text}");
                cases.push(Case { name, events: 0, reader: Reader::Yardstick, chunks: whole });
            }
        }
    }
    for (name_of_text, text) in [
        ("mixed", inputs::prose(1 << 13, 80, Some(60))),
        ("letters", inputs::prose(1 << 13, 80, None)),
        ("chinese-code", inputs::chinese_code(1 << 13)),
        ("base64", inputs::base64(1 << 20)),
    ] {
        let body = inputs::conversation(&text, false, 1_000_000);
        cases.push(Case::of(
            format!("request/messages/{name_of_text}"),
            Reader::Request(Api::Messages),
            &body,
        ));
        let name = format!("yardstick/serde_json/{name_of_text}");
        let whole = vec![body.into_bytes()];
        cases.push(Case { name, events: 0, reader: Reader::Yardstick, chunks: whole });
    }
    for api in apis {
        let body = inputs::agent(api, 250_000);
        cases.push(Case::of(format!("request/{}/agent", api.name()), Reader::Request(api), &body));
    }
    for api in apis {
        let body = inputs::agent(api, 1_000);
        cases.push(Case::of(format!("request/{}/small", api.name()), Reader::Request(api), &body));
    }
    let text = inputs::events(Api::Messages, Deltas::Text, 1_000);
    cases.push(Case::of_events("sse/decoder/text".to_owned(), Reader::Decoder, text));
    for api in apis {
        for (name, deltas) in [("text", Deltas::Text), ("mixed", Deltas::Mixed), ("tool", Deltas::Tool)] {
            let events = inputs::events(api, deltas, 1_000);
            let reader = Reader::Response(api, Format::Events);
            cases.push(Case::of_events(format!("events/{}/{name}", api.name()), reader, events));
        }
    }
    for api in apis {
        let body = inputs::document(api, 1 << 16);
        let reader = Reader::Response(api, Format::Document);
        cases.push(Case::of(format!("document/{}/answer", api.name()), reader, &body));
    }
    let ask = |bytes| inputs::agent(Api::Messages, bytes).into_bytes();
    let answer = inputs::document(Api::Messages, 500).into_bytes();
    let json = Reader::Exchange(Play::recorded("application/json"));
    cases.push(Case {
        name: "exchange/messages/json".to_owned(),
        events: 0,
        reader: json,
        chunks: vec![ask(1_000), answer],
    });
    let events = inputs::events(Api::Messages, Deltas::Text, 10).into_iter().map(String::into_bytes);
    let chunks: Vec<_> = core::iter::once(ask(1_000)).chain(events).collect();
    let stream = Reader::Exchange(Play::recorded("text/event-stream"));
    cases.push(Case { name: "exchange/messages/stream".to_owned(), events: 15, reader: stream, chunks });
    let passed = Reader::Exchange(Play::passed());
    cases.push(Case {
        name: "exchange/passthrough/models".to_owned(),
        events: 0,
        reader: passed,
        chunks: vec![Vec::new(), b"{}".to_vec()],
    });
    cases.extend(gemini::cases());
    cases
}

impl Case {
    fn of(name: String, reader: Reader, body: &str) -> Self {
        let chunks = body.as_bytes().chunks(CHUNK_BYTES).map(<[u8]>::to_vec).collect();
        Self { name, events: 0, reader, chunks }
    }

    /// A case whose chunks are single events, as when a model generates slowly.
    fn of_events(name: String, reader: Reader, events: Vec<String>) -> Self {
        let chunks: Vec<_> = events.into_iter().map(String::into_bytes).collect();
        Self { name, events: chunks.len() as u64, reader, chunks }
    }

    /// The size of the input in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len() as u64).sum()
    }

    /// Reads the input once. Returns whether it was read to its end. Never inlined, because callgrind counts the
    /// instructions inside.
    #[must_use]
    #[inline(never)]
    pub fn run(&self) -> bool {
        match &self.reader {
            Reader::Request(api) => {
                let (limits, record) = (Limits::default(), RecordPolicy::default());
                let bounds = RequestBounds {
                    reader_bytes: limits.reader_bytes,
                    prompt_bytes: Some(record.text_bytes),
                };
                let mut reader = api.request_reader(bounds);
                let mut complete = false;
                for chunk in &self.chunks {
                    match reader.feed(chunk) {
                        Ok(fed) => complete = fed.is_complete,
                        Err(_) => return false,
                    }
                }
                // A request of Gemini's API has its model in the path.
                complete && (reader.into_facts().model.is_some() || *api == Api::GenerateContent)
            }
            Reader::Yardstick => {
                self.chunks.iter().all(|chunk| serde_json::from_slice::<serde::de::IgnoredAny>(chunk).is_ok())
            }
            Reader::Decoder => {
                let mut decoder = Decoder::new(Limits::default().event_bytes);
                let mut tally = Tally::default();
                for chunk in &self.chunks {
                    decoder.feed(chunk, &mut tally);
                }
                tally.events == self.events && tally.bytes > 0
            }
            Reader::Exchange(play) => match (play, self.chunks.split_first()) {
                (Some(play), Some((request, answer))) => play.run(request, answer),
                _ => false,
            },
            Reader::Response(api, format) => {
                let (limits, record) = (Limits::default(), RecordPolicy::default());
                let mut reader = api.response_reader(*format, record.keep(&limits), &limits);
                for chunk in &self.chunks {
                    reader.feed(chunk);
                }
                reader.finish();
                reader.answer().ended && reader.answer().id.is_some()
            }
        }
    }
}
