//! How much memory one stream takes: requests and responses of several MB, each shaped to make a reader keep as much as
//! it can. The bounds are those of `ai_bridge::answer` and `envoy/behaviour.md#bounds`.
//!
//! Each shape is played at two lengths. Both are far above the bound of what is kept, so the peak of the longer one may
//! not be higher: memory does not grow with what passes.
//!
//! The allocator of this test program counts live bytes on the thread that plays the stream. A growing text counts with
//! its reserved capacity, which is up to twice its length.
#![expect(
    unsafe_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "an allocator can only be written so; a panic in a test is a failed test"
)]

mod bedrock;
mod requests;
mod responses;

use ai_bridge::bridge::Bridge;
use ai_bridge::config::Config;
use ai_bridge::exchange::Exchange;
use ai_bridge::step::{Effect, Ending, RequestHead, ResponseHead, Step};
use core::cell::Cell;
use core::time::Duration;
use std::alloc::{GlobalAlloc, Layout, System};
use std::rc::Rc;
use world::headers;

/// Counts the live bytes of each thread, and their peak.
struct Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(change: isize) {
    // The counters are gone when the thread ends.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + change);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

fn size(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
}

// SAFETY: every call goes unchanged to the system's allocator; counting does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(size(layout.size()));
        // SAFETY: the caller fulfils the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-size(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(size(new_size) - size(layout.size()));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MB: usize = 1_000_000;
const KIB: usize = 1024;
/// `record.text_bytes` by default.
const TEXT_BYTES: usize = 64 * KIB;
/// About the size of the chunks that Envoy passes.
const CHUNK: usize = 16 * KIB;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Api {
    Messages,
    Chat,
    Responses,
}

const APIS: [Api; 3] = [Api::Messages, Api::Chat, Api::Responses];

impl Api {
    fn path(self) -> &'static str {
        match self {
            Self::Messages => "/anthropic/v1/messages",
            Self::Chat => "/openai/v1/chat/completions",
            Self::Responses => "/openai/v1/responses",
        }
    }

    /// The member of a request that holds the turns.
    fn turns(self) -> &'static str {
        match self {
            Self::Messages | Self::Chat => "messages",
            Self::Responses => "input",
        }
    }
}

fn bridge() -> Rc<Bridge> {
    let config = br#"{"providers": [{"type": "anthropic", "key": {"value": "sk-ant-1"}},
        {"type": "openai", "key": {"value": "sk-proj-1"}}]}"#;
    Rc::new(Bridge::new(Config::parse(config, &|_| None).unwrap_or_else(|errors| panic!("{errors}"))))
}

/// The peak of the live bytes of one stream.
#[derive(Clone, Copy, Debug)]
struct Peak {
    /// Until its end.
    passing: usize,
    /// While it publishes its record.
    publishing: usize,
    /// The record's length.
    record: usize,
}

/// Plays a stream with these bodies.
fn peak(bridge: &Rc<Bridge>, api: Api, request: &[u8], kind: &str, response: &[u8]) -> Peak {
    let now = Duration::from_millis(1_795_411_980_000);
    let request_head = RequestHead {
        headers: headers(&[(":method", "POST"), (":path", api.path()), (":authority", "g")]),
        actor_property: None,
        end: false,
    };
    let response_head = ResponseHead {
        headers: headers(&[(":status", "200"), ("content-type", kind)]),
        code_details: Some("via_upstream".to_owned()),
        end: false,
    };
    let ending = Ending { code_details: Some("via_upstream".to_owned()), now, wall: now };
    let before = LIVE.get();
    PEAK.set(before);
    let mut exchange = Exchange::new(Rc::clone(bridge), 7);
    let passes = |step: Step| {
        let refused = step.effects.iter().any(|effect| matches!(effect, Effect::Reply(_) | Effect::Reset));
        assert!(!refused, "{:?}", step.effects);
    };
    passes(exchange.request_headers(&request_head, || now));
    request.chunks(CHUNK).for_each(|chunk| passes(exchange.request_body(chunk, false)));
    passes(exchange.request_body(b"", true));
    passes(exchange.response_headers(&response_head, || now));
    for chunk in response.chunks(CHUNK) {
        passes(exchange.response_body(chunk, false, || now));
    }
    passes(exchange.response_body(b"", true, || now));
    let most = || usize::try_from(PEAK.get() - before).unwrap();
    let passing = most();
    let step = exchange.finish(&ending);
    let record = step.effects.iter().find_map(|effect| {
        let Effect::Publish { name, value } = effect else { return None };
        (name == "ai_bridge_record").then_some(value.len())
    });
    Peak { passing, publishing: most(), record: record.unwrap() }
}

/// `open`, then `items` (numbered) as often as fit into `len` bytes with `between`, then `close`.
fn filled(len: usize, open: &str, between: &str, item: impl Fn(usize) -> String, close: &str) -> Vec<u8> {
    let mut body = Vec::with_capacity(len + 4 * CHUNK);
    body.extend_from_slice(open.as_bytes());
    for at in 0.. {
        if at > 0 {
            body.extend_from_slice(between.as_bytes());
        }
        body.extend_from_slice(item(at).as_bytes());
        if body.len() + close.len() >= len {
            break;
        }
    }
    body.extend_from_slice(close.as_bytes());
    body
}

/// The most live bytes of a stream until its end, and while it publishes its record.
#[derive(Clone, Copy, Debug)]
struct Bound {
    passing: usize,
    publishing: usize,
}

/// Checks `shape` at two lengths: both are within `bound`, and they differ only by the reserved capacity of a text, which
/// depends on how chunks cut it.
fn holds(shape: &str, api: Api, bound: Bound, lengths: [usize; 2], play: impl Fn(usize) -> Peak) {
    let [short, long] = lengths.map(&play);
    let shown = format!("{api:?}, {shape}: {short:?}, then {long:?} of {bound:?}");
    assert!(long.passing <= bound.passing && long.publishing <= bound.publishing, "{shown}");
    assert!(long.record <= bound.publishing / 2, "{shown}");
    assert!(short.publishing.abs_diff(long.publishing) <= TEXT_BYTES, "{shown}");
}
