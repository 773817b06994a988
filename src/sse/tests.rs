//! Rules of the decoder; the integration test `events` compares it with a second implementation.

use super::*;
use std::fmt::Write as _;

/// Records what it receives: `name|data+excess|start..end completeness`, one event per line.
#[derive(Default)]
struct Log {
    data: Vec<u8>,
    excess: Vec<u8>,
    text: String,
}

impl Sink for Log {
    fn data(&mut self, run: &[u8]) {
        self.data.extend_from_slice(run);
    }

    fn excess(&mut self, run: &[u8]) {
        self.excess.extend_from_slice(run);
    }

    fn event(&mut self, event: Event<'_>) {
        let Event { name, start, end, completeness } = event;
        let (data, excess) = (core::mem::take(&mut self.data), core::mem::take(&mut self.excess));
        let (name, data, excess) = (name.escape_ascii(), data.escape_ascii(), excess.escape_ascii());
        let excess = if excess.clone().next().is_some() { format!("+{excess}") } else { String::new() };
        writeln!(self.text, "{name}|{data}{excess}|{start}..{end} {completeness:?}").unwrap();
    }
}

fn decoded(chunks: &[&str], event_bytes: usize) -> String {
    let mut decoder = Decoder::new(event_bytes);
    let mut log = Log::default();
    for chunk in chunks {
        decoder.feed(chunk.as_bytes(), &mut log);
    }
    decoder.finish(&mut log);
    decoder.finish(&mut log);
    assert_eq!(decoder.event_start(), decoder.offset());
    log.text
}

#[test]
fn the_rules_of_event_streams() {
    for (stream, expected) in [
        ("", ""),
        ("data: x\n\n", "|x|0..9 Complete\n"),
        ("data:x\r\rdata:  y\r\n\r\n", "|x|0..8 Complete\n| y|8..20 Complete\n"),
        ("event: a\ndata\n\n", "a||0..15 Complete\n"),
        ("data: x\ndata\ndata:y:z\n\n", "|x\\n\\ny:z|0..23 Complete\n"),
        ("event: a\n\ndata: x\n\n", "|x|10..19 Complete\n"),
        ("event: a\nevent: b\ndata: x\nevent\n\n", "|x|0..33 Complete\n"),
        (": ping\n\n\n: note\ndata: x\n\n", "|x|16..25 Complete\n"),
        (": ping\r\n: ping\r: \ndata: x\n: note\n\n", "|x|18..34 Complete\n"),
        ("event: a\n: ping\ndata: x\n\n", "a|x|0..25 Complete\n"),
        ("id: 1\nretry: 2\ndatum: 3\ndat\n data: 4\nDATA: 5\ndata : 6\n\n", ""),
        ("\u{feff}data: x\n\n\u{feff}data: y\n\n", "|x|3..12 Complete\n"),
        ("data: x\n", "|x|0..8 Unterminated\n"),
        ("data: x\n\nevent: a\ndata: y", "|x|0..9 Complete\na|y|9..25 Unterminated\n"),
        ("data: x\ndata", "|x\\n|0..12 Unterminated\n"),
        ("event: a\n", ""),
    ] {
        assert_eq!(decoded(&[stream], 1000), expected, "{stream:?}");
    }
}

#[test]
fn events_can_be_read_one_at_a_time_and_skipped() {
    let events = ["data: a\n\n", "event: x\r\ndata: b\r\n\r\n", ": c\n\n", "data: d\n\n"];
    for skipped in [None, Some(1), Some(2), Some(3)] {
        let (mut decoder, mut log) = (Decoder::new(1000), Log::default());
        let stream = events.concat();
        let mut rest = stream.as_bytes();
        for (at, event) in events.iter().enumerate() {
            assert_eq!(decoder.is_between_events(), at > 0, "a byte order mark can come before the first");
            let after = &rest[event.len()..];
            if skipped == Some(at) {
                decoder.skip_event(event.len());
            } else if event.starts_with(':') {
                let blank = decoder.feed_event(rest, &mut log);
                assert_eq!(blank, &rest[event.len() - 1..], "a comment ahead of an event is none of it");
                assert_eq!(decoder.feed_event(blank, &mut log), after);
            } else {
                assert_eq!(decoder.feed_event(rest, &mut log), after);
            }
            rest = after;
            assert_eq!(decoder.offset(), (stream.len() - rest.len()) as u64);
            assert_eq!(decoder.event_start(), decoder.offset());
        }
        let all = ["|a|0..9 Complete\n", "x|b|9..30 Complete\n", "", "|d|35..44 Complete\n"];
        let read = all.iter().enumerate().filter(|(at, _)| skipped != Some(*at)).map(|(_, line)| *line);
        assert_eq!(log.text, read.collect::<String>());
    }
}

#[test]
fn between_events_is_false_within_an_event_and_before_its_lf() {
    for begun in [
        "",
        "\u{feff}x",
        "data: a\n\r",
        "data: a\r\n\r",
        "d",
        "data: a",
        "data: a\n",
        "data: a\n: c\n",
        ": c\r",
        "\n:",
    ] {
        let mut decoder = Decoder::new(1000);
        decoder.feed(begun.as_bytes(), &mut Log::default());
        assert!(!decoder.is_between_events(), "{begun:?}");
    }
}

#[test]
fn a_lf_in_the_next_chunk_belongs_to_the_cr_before_it() {
    let expected = "|x|0..10 Complete\n|y|11..22 Complete\n";
    assert_eq!(decoded(&["data: x\r", "\n\r", "\ndata: y\r\n\r\n"], 1000), expected);
    assert_eq!(decoded(&["data: x\r\n\r", "", "\n\r", "\n"], 1000), "|x|0..10 Complete\n");
}

#[test]
fn the_limit_counts_every_byte_of_an_event_and_ends_its_data() {
    assert_eq!(decoded(&["data: xyz\n\n"], 11), "|xyz|0..11 Complete\n");
    assert_eq!(decoded(&["data: xyz\r\n\r\n"], 12), "|xyz|0..13 Complete\n");
    assert_eq!(decoded(&["data: xyz\n\ndata\n\n"], 10), "|xyz|0..11 Oversized\n||11..17 Complete\n");
    assert_eq!(decoded(&["data: xyz\ndata: a\n\n"], 8), "|xy+z\\na|0..19 Oversized\n");
    assert_eq!(decoded(&["data: xyz\nevent: a\n\n"], 7), "a|x+yz|0..20 Oversized\n");
    assert_eq!(decoded(&["data: xyz"], 9), "|xyz|0..9 Unterminated\n");
    assert_eq!(decoded(&["data: xyz"], 8), "|xy+z|0..9 Oversized\n");
    assert_eq!(decoded(&["data: x\n: comment"], 10), "|x|0..17 Oversized\n");
    assert_eq!(decoded(&[": comment\ndata: x"], 10), "|x|10..17 Unterminated\n");
}

#[test]
fn a_name_is_cut_at_its_bound() {
    let name = "n".repeat(MAX_NAME_BYTES);
    assert_eq!(decoded(&["event: nn", &name, "\ndata\n\n"], 1000), format!("{name}||0..80 Complete\n"));
}
