//! The JSON scanner: it never panics, its calls do not depend on the chunks, and its verdict is that of `serde_json`.
//!
//! Input: one byte for the cut, one for what the visitor wants, then the document.
#![no_main]

use ai_bridge::json::{Error, Kind, Name, Scalar, Scanner, Visitor, Want, compact};
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Known {
    Item,
    A,
    Quote,
}

impl Name for Known {
    const ITEM: Self = Self::Item;

    fn of(name: &[u8]) -> Option<Self> {
        match name {
            b"a" => Some(Self::A),
            b"\"\xc3\xa9" => Some(Self::Quote),
            _ => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Call {
    Begin(Vec<Known>, Kind, u64),
    Text(Vec<Known>, String),
    Scalar(Vec<Known>, String),
    End(Vec<Known>, Kind, u64),
}

/// Logs all calls. What it wants of a value depends on the offset of the value.
struct Log {
    wants: u64,
    calls: Vec<Call>,
}

impl Visitor for Log {
    type Name = Known;

    fn begin(&mut self, path: &[Known], kind: Kind, offset: u64) -> Want {
        self.calls.push(Call::Begin(path.to_vec(), kind, offset));
        match (offset.wrapping_add(self.wants)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61 {
            0 => Want::Skip,
            1 => Want::Raw,
            _ => Want::Read,
        }
    }

    fn text(&mut self, path: &[Known], run: &str) {
        assert!(!run.is_empty());
        match self.calls.last_mut() {
            Some(Call::Text(before, text)) if before == path => text.push_str(run),
            _ => self.calls.push(Call::Text(path.to_vec(), run.to_owned())),
        }
    }

    fn scalar(&mut self, path: &[Known], value: Scalar<'_>) {
        self.calls.push(Call::Scalar(path.to_vec(), format!("{value:?}")));
    }

    fn end(&mut self, path: &[Known], kind: Kind, offset: u64) {
        self.calls.push(Call::End(path.to_vec(), kind, offset));
    }
}

fn scan<'a>(chunks: impl Iterator<Item = &'a [u8]>, wants: u64) -> (Result<(), Error>, Vec<Call>) {
    let mut scanner = Scanner::any(64);
    let mut log = Log { wants, calls: Vec::new() };
    let fed = chunks.into_iter().try_for_each(|chunk| scanner.feed(chunk, &mut log));
    let result = fed.and_then(|()| scanner.finish(&mut log));
    assert_eq!(scanner.finish(&mut log), result);
    assert_eq!(scanner.is_complete(), result.is_ok());
    (result, log.calls)
}

fn is_json(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| serde_json::from_str::<&RawValue>(text).is_ok())
}

fuzz_target!(|input: &[u8]| {
    let [place, wants, bytes @ ..] = input else { return };
    let wants = u64::from(*wants);
    let whole = scan([bytes].into_iter(), wants);

    let (before, after) = bytes.split_at(usize::from(*place) % (bytes.len() + 1));
    for cut in [
        scan([before, after].into_iter(), wants),
        scan(bytes.chunks(1), wants),
        scan(bytes.chunks(17), wants),
    ] {
        assert_eq!(cut.0, whole.0);
        assert_eq!(cut.1, whole.1);
    }

    // Only documents that are nested no deeper than both readers allow.
    if bytes.iter().filter(|byte| matches!(byte, b'[' | b'{')).count() < 120 {
        assert_eq!(whole.0.is_ok(), is_json(bytes), "{:?}", whole.0);
    }
    if let (Ok(()), Ok(text)) = (whole.0, std::str::from_utf8(bytes)) {
        let (short, _) = compact(text);
        assert_eq!(compact(&short).0, short);
        assert!(is_json(short.as_bytes()) || bytes.len() > 120);
    }
});
