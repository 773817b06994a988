//! Varies how bytes are sent: portions, pauses, padding, line ends.

use super::{Download, Framing, Portion};
use crate::random::Random;
use crate::transcript::Transcript;
use std::time::Duration;

/// Cuts `length` bytes into portions.
pub(super) fn portions(random: &mut Random, length: usize) -> Vec<Portion> {
    let mut places: Vec<usize> = match random.below(20) {
        0..=7 => Vec::new(),
        8..=14 => (0..random.between(1, 5)).map(|_| random.below(length + 1)).collect(),
        15..=18 => (0..random.between(6, 40)).map(|_| random.below(length + 1)).collect(),
        _ => (1..length.min(48)).collect(),
    };
    places.push(length);
    places.sort_unstable();
    places.dedup();
    let pausing = random.percent(40);
    let mut from = 0;
    let mut portions = Vec::with_capacity(places.len());
    for place in places {
        let millis = if pausing && random.percent(25) { random.between(1, 6) } else { 0 };
        portions.push(Portion { pause: Duration::from_millis(millis as u64), bytes: place - from });
        from = place;
    }
    portions
}

/// Inserts the same white space after the first brace of both bodies; it changes only their size.
pub(super) fn pad_object(random: &mut Random, bodies: [&mut Vec<u8>; 2]) {
    let Some(most) = random.weighted(&[(86, 0), (10, 4_000), (3, 100_000), (1, 1_000_000)]) else { return };
    let length = random.below(most + 1);
    for body in bodies {
        if let Some(brace) = body.iter().position(|byte| *byte == b'{') {
            let padding = (0..length).map(|at| if at % 80 == 79 { b'\n' } else { b' ' });
            insert(body, brace + 1, padding);
        }
    }
}

/// The transcript's response with random line ends, padding, framing and portions.
pub(super) fn download(random: &mut Random, transcript: &Transcript) -> Download {
    let (mut body, mut delivered) = (transcript.answer.clone(), transcript.delivered.clone());
    let streamed = transcript.is_streamed();
    let success = (200..300).contains(&transcript.status);
    if streamed {
        let line_end = random.weighted(&[(70, "\n"), (20, "\r\n"), (10, "\r")]).unwrap_or("\n");
        body = with_line_ends(&body, line_end);
        delivered = with_line_ends(&delivered, line_end);
        // An error document, which some providers send as an event stream, has no comments.
        let is_document = !success || matches!(body.first(), Some(b'{' | b'['));
        if random.percent(10) && !is_document && !body.starts_with(b"\xef\xbb\xbf") {
            let comment = format!(": {}{line_end}{line_end}", "x".repeat(random.below(1000)));
            let comments = comment.repeat(random.between(1, 200));
            insert(&mut body, 0, comments.bytes());
            insert(&mut delivered, 0, comments.bytes());
        }
    } else if success {
        pad_object(random, [&mut body, &mut delivered]);
    }
    let framings: &[(usize, Framing)] = if streamed {
        &[(85, Framing::Chunks), (15, Framing::Close)]
    } else {
        &[(60, Framing::Length), (25, Framing::Chunks), (15, Framing::Close)]
    };
    Download {
        status: transcript.status,
        headers: transcript.answer_headers.clone(),
        cut: cut_out(&body, &delivered),
        held: streamed && success && transcript.request != transcript.forwarded,
        framing: random.weighted(framings).unwrap_or(Framing::Chunks),
        portions: portions(random, body.len()),
        hinted: random.percent(3),
        trailers: random.percent(5),
        body,
        delivered,
    }
}

/// Inserts bytes before the byte at `at`.
pub(super) fn insert(body: &mut Vec<u8>, at: usize, bytes: impl Iterator<Item = u8>) {
    let tail = body.split_off(at.min(body.len()));
    body.extend(bytes);
    body.extend(tail);
}

/// The position and length of the event that has to be cut from `whole` to get `rest`.
fn cut_out(whole: &[u8], rest: &[u8]) -> (usize, usize) {
    let length = whole.len().saturating_sub(rest.len());
    let differ = whole.iter().zip(rest).position(|(left, right)| left != right).unwrap_or(rest.len());
    // A CR in front of the first byte that differs ends a blank line unless that byte is an LF.
    let known = if whole.get(differ) == Some(&b'\n') { differ } else { differ + 1 };
    if length == 0 { (whole.len(), 0) } else { (last_event(whole, known), length) }
}

/// The position at which the last event of the first `length` bytes begins.
pub(super) fn last_event(bytes: &[u8], length: usize) -> usize {
    let head = bytes.get(..length).unwrap_or(bytes);
    let blank_lines: [&[u8]; 3] = [b"\r\n\r\n", b"\n\n", b"\r\r"];
    // A CR at the end is not counted: an LF may follow it.
    let after = |mark: &[u8]| {
        let searched =
            if mark == b"\r\r" { head.get(..head.len().saturating_sub(1)).unwrap_or(head) } else { head };
        Some(searched.windows(mark.len()).rposition(|window| window == mark)? + mark.len())
    };
    blank_lines.into_iter().filter_map(after).max().unwrap_or(0)
}

fn with_line_ends(body: &[u8], line_end: &str) -> Vec<u8> {
    let mut converted = Vec::with_capacity(body.len());
    for byte in body {
        match byte {
            b'\n' => converted.extend(line_end.bytes()),
            other => converted.push(*other),
        }
    }
    converted
}

#[cfg(test)]
mod tests {
    use super::{cut_out, insert, last_event};

    #[test]
    fn the_cut_begins_at_the_start_of_an_event() {
        let whole = b"data: {\"a\":1}\n\ndata: {\"a\":2}\n\ndata: [DONE]\n\n";
        let rest = b"data: {\"a\":1}\n\ndata: [DONE]\n\n";
        assert_eq!(cut_out(whole, rest), (15, 15));
        assert_eq!(cut_out(rest, rest), (rest.len(), 0));
        assert_eq!(cut_out(b"data: 1\r\rdata: 2\r: ping\r\r", b"data: 1\r\r: ping\r\r"), (9, 8));
    }

    #[test]
    fn the_last_event_begins_behind_a_blank_line() {
        assert_eq!(last_event(b"a\n\nb", 4), 3);
        assert_eq!(last_event(b"a\n\nb", 3), 3);
        assert_eq!(last_event(b"a\n\nb", 2), 0);
        assert_eq!(last_event(b"a\r\rb", 3), 0);
        assert_eq!(last_event(b"a\r\n\r\nb", 6), 5);
    }

    #[test]
    fn bytes_are_inserted_before_a_position() {
        let mut body = b"{}".to_vec();
        insert(&mut body, 1, "  ".bytes());
        assert_eq!(body, b"{  }");
    }
}
