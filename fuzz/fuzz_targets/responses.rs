//! The response readers: they never panic and never keep more than the bounds, and the answer and the bytes for the client
//! do not depend on the chunks.
//!
//! Input: one byte each for the API, the format, the bounds and the flags (the body is incomplete; the usage event is
//! removed), three for the cut, then the body.
#![no_main]

use ai_bridge::answer::{Answer, Keep, NAME_BYTES};
use ai_bridge::api::Api;
use ai_bridge::api::response::Format;
use ai_bridge::limits::Limits;
use ai_bridge_fuzz::{APIS, Cut, Input, ROOMY};
use libfuzzer_sys::fuzz_target;

/// How a reader is set up.
struct Case {
    api: Api,
    format: Format,
    keep: Keep,
    limits: Limits,
    breaks_off: bool,
    cut_usage: bool,
}

impl Case {
    /// The answer as text, and the bytes for the client.
    fn read(&self, chunks: &[&[u8]]) -> (String, Vec<u8>) {
        let mut reader = self.api.response_reader(self.format, self.keep.clone(), &self.limits);
        if self.cut_usage {
            reader.cut_usage_event();
        }
        let may_edit = self.cut_usage && self.format == Format::Events;
        let mut client = Vec::new();
        for chunk in chunks {
            match reader.feed(chunk) {
                Some(instead) => {
                    assert!(may_edit, "an edit");
                    client.extend(instead);
                }
                None => client.extend_from_slice(chunk),
            }
            self.check(reader.answer());
        }
        if self.breaks_off {
            reader.abandon();
        } else {
            client.extend(reader.finish());
        }
        self.check(reader.answer());
        let answer = reader.answer();
        let mut told = format!("{answer:?} {} {}", reader.any_event(), reader.ends_with_body());
        answer.tool_calls.iter().for_each(|call| told.push_str(call.arguments.as_str()));
        answer.thoughts.iter().for_each(|thought| told.push_str(thought.text.as_str()));
        (told, client)
    }

    fn check(&self, answer: &Answer) {
        assert!(answer.tool_calls.len() <= self.keep.tool_calls);
        assert!(answer.thoughts.len() <= self.keep.thought_count);
        assert!(answer.finish_reasons.len() <= 256);
        let texts = answer.tool_calls.iter().map(|call| &call.arguments);
        let texts = texts.chain(answer.thoughts.iter().map(|thought| &thought.text));
        let lengths: Vec<usize> = texts.map(|text| text.as_str().len()).collect();
        assert!(lengths.iter().all(|length| *length <= self.keep.text_bytes), "{lengths:?}");
        assert!(lengths.iter().sum::<usize>() <= self.keep.total_bytes, "{lengths:?}");
        let names =
            answer.tool_calls.iter().flat_map(|call| [&call.id, &call.item_id, &call.name, &call.server]);
        let error = answer.error.iter().flat_map(|error| [&error.kind, &error.code, &error.message]);
        let names = names.chain(error).chain([&answer.id, &answer.model]).flatten();
        for name in names.chain(&answer.finish_reasons) {
            assert!(name.len() <= NAME_BYTES, "{} bytes", name.len());
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let api = input.choose(&APIS);
    let format = input.choose(&[Format::Events, Format::Document, Format::Error, Format::Unread]);
    let (keep, limits) = match input.byte() % 4 {
        0 => (ROOMY, Limits::default()),
        1 => (
            Keep { text_bytes: 20, total_bytes: 50, tool_calls: 3, thought_count: 2, ..ROOMY },
            Limits::default(),
        ),
        2 => (ROOMY, Limits { event_bytes: 150, document_bytes: 400, ..Limits::default() }),
        _ => (
            Keep { arguments: false, thoughts: false, tool_calls: 0, ..ROOMY },
            Limits { event_bytes: 3000, document_bytes: 3000, ..Limits::default() },
        ),
    };
    let flags = input.byte();
    let case = Case { api, format, keep, limits, breaks_off: flags & 1 != 0, cut_usage: flags & 2 != 0 };
    let cut = Cut::of(&mut input);
    let body = input.0;

    let whole = case.read(&[body]);
    for cut in [cut, Cut::Every(1)] {
        let found = case.read(&cut.chunks(body));
        assert_eq!(found.0, whole.0);
        if !case.breaks_off {
            assert_eq!(found.1, whole.1);
        }
    }
});
